// Tests: the conformance case list (CASES.md) and the tests that bear its numbers name each other.

using System.Globalization;
using System.Text.RegularExpressions;

namespace RingCore.Tests.Conformance;

public sealed partial class CaseListTests
{
    [Fact]
    public void EveryCase_IsNumbered_AndNamesTestsThatExist()
    {
        Dictionary<int, string[]> cases = Cases();
        Assert.Equal(Enumerable.Range(1, 64), cases.Keys.Order());
        HashSet<string> classes = [.. typeof(CaseListTests).Assembly.GetTypes().Select(type => type.Name)];
        Assert.Equal([], cases.Values.SelectMany(tests => tests).Except(classes));
    }

    /// <summary>A number behind a test's attribute is a case of the list, which names the test's class.</summary>
    [Fact]
    public void EveryNumberInATest_IsACase_ThatNamesItsClass()
    {
        Dictionary<int, string[]> cases = Cases();
        var offenders = new List<string>();
        int seen = 0;
        foreach (string file in Directory.EnumerateFiles(Folder, "C*Tests.cs"))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            foreach (Match comment in Numbers().Matches(File.ReadAllText(file)))
            {
                foreach (string number in comment.Groups[1].Value.Split(", "))
                {
                    seen++;
                    if (!cases.TryGetValue(int.Parse(number, CultureInfo.InvariantCulture), out string[]? tests) || !tests.Contains(name))
                        offenders.Add($"{name}: {number}");
                }
            }
        }

        Assert.Empty(offenders);
        Assert.InRange(seen, 30, 1000); // Else the pattern finds nothing any more.
    }

    private static string Folder => Repository.Path("tests", "RingCore.Tests", "Conformance");

    private static Dictionary<int, string[]> Cases() => CaseRow().Matches(File.ReadAllText(Path.Combine(Folder, "CASES.md")))
        .ToDictionary(
            row => int.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture),
            row => TestName().Matches(row.Groups[2].Value).Select(name => name.Groups[1].Value).ToArray());

    [GeneratedRegex(@"^\| (\d+) \| .* \| (.*) \|$", RegexOptions.Multiline)]
    private static partial Regex CaseRow();

    [GeneratedRegex(@"`(\w+Tests)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"\] // (\d+(?:, \d+)*)")]
    private static partial Regex Numbers();
}

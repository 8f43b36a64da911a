// Tests: Tidy. The ladder's promise: below its mark each step repeats the step before, word for word but for comments, so that nobody
// has to read it twice; and the README's table counts lines as they are.

using System.Globalization;
using System.Text.RegularExpressions;

namespace RingCore.Tests.Tidy;

public sealed partial class LadderTests
{
    /// <summary>What a step's mark announces as different: classes, and single lines.</summary>
    private static readonly Dictionary<string, (string[] Classes, string[] Lines)> s_announced = new()
    {
        ["06-loop.cs"] = (["Op", "RingTaskMethodBuilder"], []),
        ["07-echo.cs"] = (["Op"], ["while (true)", "Op.Ring.Enter(waitFor: OpAwaitable.Ready.Count == 0 ? 1u : 0);"]),
    };

    [Fact]
    public void BelowItsMark_AStepIsTheOneBefore()
    {
        string[] files = Steps();
        var offenders = new List<string>();
        int compared = 0;
        for (int step = 2; step < files.Length; step++) // 02 makes a class of the lines of 01, and says so.
        {
            string name = Path.GetFileName(files[step]);
            (string[] exempt, string[] lines) = s_announced.GetValueOrDefault(name, ([], []));
            HashSet<string> before = [.. File.ReadLines(files[step - 1]).Select(WithoutComment), .. lines];
            bool inside = false;
            foreach (string line in File.ReadLines(files[step]).SkipWhile(line => !Mark().IsMatch(line)).Select(WithoutComment))
            {
                if (ClassHeader().Match(line) is { Success: true } header)
                    inside = exempt.Contains(header.Groups[1].Value);
                if (line.Length == 0 || inside)
                    continue;
                compared++;
                if (!before.Contains(line))
                    offenders.Add($"{name}: {line}");
            }
        }

        Assert.Empty(offenders);
        Assert.InRange(compared, 400, 2000); // Else the marks are gone.
    }

    /// <summary>Step, question, new lines, all, of code.</summary>
    [Fact]
    public void TheTable_CountsWhatIsThere()
    {
        string table = File.ReadAllText(Repository.Path("examples", "ladder", "README.md"));
        foreach (string file in Steps())
        {
            string[] lines = File.ReadAllLines(file);
            int mark = Array.FindIndex(lines, line => Mark().IsMatch(line));
            int code = lines.Count(line => line.Trim() is { Length: > 0 } text && !text.StartsWith("//", StringComparison.Ordinal));
            int[] counts = [mark < 0 ? lines.Length : mark - 1, lines.Length, code]; // Without the blank line above the mark.
            Match row = Regex.Match(table, $@"\({Regex.Escape(Path.GetFileName(file))}\) \|.*\| (\d+) \| (\d+) \| (\d+) \|");
            Assert.True(row.Success, $"the table has no row for {file}");
            Assert.Equal(counts, row.Groups.Values.Skip(1).Select(count => int.Parse(count.Value, CultureInfo.InvariantCulture)));
        }
    }

    private static string[] Steps() =>
        [.. Directory.EnumerateFiles(Repository.Path("examples", "ladder"), "0*.cs").Order(StringComparer.Ordinal)];

    private static string WithoutComment(string line) => TrailingComment().Replace(line, "").Trim();

    [GeneratedRegex("^// ── From here on as in ")]
    private static partial Regex Mark();

    [GeneratedRegex(@"^(?:\w+ )*(?:class|struct) (\w+)")]
    private static partial Regex ClassHeader();

    [GeneratedRegex(@"\s*//.*$")]
    private static partial Regex TrailingComment();
}

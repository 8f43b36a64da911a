// Tests: Tidy. What the documents promise: relative links and the files they name are there, and code that they quote is the source's.
// A quote is `<!-- quote: NAME -->` above a code block; its source stands between `// DOC: NAME` and `// DOC: end` in src/RingCore.

using System.Text;
using System.Text.RegularExpressions;

namespace RingCore.Tests.Tidy;

public sealed partial class DocumentTests
{
    private static readonly string[] s_notOurs = ["bin", "obj", "out", "artifacts", "TestResults", ".git"];

    /// <summary>Where a file that a document names without its whole path may be.</summary>
    private static readonly string[] s_roots = ["", "src/RingCore", "tests/RingCore.Tests", "bench", "examples", "docs", "tests"];

    [Fact]
    public void RelativeLinks_LeadSomewhere()
    {
        var offenders = new List<string>();
        int seen = 0;
        foreach (string document in Documents())
        {
            foreach (Match link in Link().Matches(Prose(document)))
            {
                string[] target = link.Groups[1].Value.Split('#', 2);
                if (target[0].Contains(':', StringComparison.Ordinal))
                    continue;
                seen++;
                string path = target[0].Length == 0 ? document : Path.Combine(Path.GetDirectoryName(document)!, target[0]);
                bool there = File.Exists(path) || Directory.Exists(path);
                if (!there || (target.Length == 2 && path.EndsWith(".md", StringComparison.Ordinal) && !Anchors(path).Contains(target[1])))
                    offenders.Add($"{Relative(document)}: {link.Value}");
            }
        }

        Assert.Empty(offenders);
        Assert.InRange(seen, 50, 10_000);
    }

    [Fact]
    public void FilesThatAreNamed_AreThere()
    {
        string[] all = [.. Files("*").Select(Relative)];
        HashSet<string> paths = [.. all];
        HashSet<string> names = [.. all.Select(path => Path.GetFileName(path))];
        var offenders = new List<string>();
        int seen = 0;
        foreach (string document in Documents())
        {
            string folder = Path.GetDirectoryName(Relative(document))!;
            foreach (Match file in FileName().Matches(Prose(document)))
            {
                string name = file.Groups[1].Value;
                if (Placeholder().IsMatch(name))
                    continue;
                seen++;
                bool there = name.Contains('/', StringComparison.Ordinal)
                    ? s_roots.Append(folder).Any(root => paths.Contains(Relative(Path.GetFullPath(Repository.Path(root, name)))))
                    : names.Contains(name);
                if (!there)
                    offenders.Add($"{Relative(document)}: {name}");
            }
        }

        Assert.Empty(offenders);
        Assert.InRange(seen, 50, 10_000);
    }

    [Fact]
    public void TestsThatAreNamed_AreThere()
    {
        ILookup<string, Type> classes = typeof(DocumentTests).Assembly.GetTypes().ToLookup(type => type.Name);
        var offenders = new List<string>();
        int seen = 0;
        foreach (string document in Documents())
        {
            foreach (Match test in TestName().Matches(Prose(document)))
            {
                seen++;
                string method = test.Groups[2].Value;
                if (!classes[test.Groups[1].Value].Any(type => method.Length == 0 || type.GetMethods().Any(one => one.Name == method)))
                    offenders.Add($"{Relative(document)}: {test.Value}");
            }
        }

        Assert.Empty(offenders);
        Assert.InRange(seen, 50, 10_000);
    }

    /// <summary>Every quote is the source's, and every passage that is marked for it is quoted.</summary>
    [Fact]
    public void QuotedCode_IsTheSources()
    {
        Dictionary<string, string> passages = Passages();
        var quoted = new HashSet<string>();
        foreach (string document in Documents())
        {
            foreach (Match quote in Quote().Matches(File.ReadAllText(document)))
            {
                string name = quote.Groups[1].Value;
                Assert.True(passages.TryGetValue(name, out string? passage), $"{Relative(document)} quotes {name}, which no source marks");
                Assert.True(Unindented(passage) == Unindented(quote.Groups[2].Value), $"{Relative(document)}: {name} is now\n{Unindented(passage)}");
                quoted.Add(name);
            }
        }

        Assert.Equal(passages.Keys.Order(), quoted.Order());
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("ARCHITECTURE.md")]
    public void TheLoop_IsQuotedWithItsFourSteps(string document)
    {
        Match loop = Quote().Matches(File.ReadAllText(Repository.Path(document))).Single(quote => quote.Groups[1].Value == "run-loop");
        Assert.Equal(4, Regex.Count(loop.Groups[2].Value, "// [1-4] "));
    }

    private static Dictionary<string, string> Passages()
    {
        var passages = new Dictionary<string, string>();
        foreach (string file in Directory.EnumerateFiles(Repository.Path("src", "RingCore"), "*.cs", SearchOption.AllDirectories))
        {
            foreach (Match passage in Passage().Matches(File.ReadAllText(file)))
                passages.Add(passage.Groups[1].Value, passage.Groups[2].Value);
        }

        return passages;
    }

    private static string Unindented(string block)
    {
        List<string> lines = [.. block.Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0)];
        int indent = lines.Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line[indent..]));
    }

    /// <summary>The document without its blocks of code.</summary>
    private static string Prose(string document)
    {
        var prose = new StringBuilder();
        bool inBlock = false;
        foreach (string line in File.ReadLines(document))
        {
            bool fence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            inBlock ^= fence;
            if (!inBlock && !fence)
                prose.AppendLine(line);
        }

        return prose.ToString();
    }

    /// <summary>Of its headings, as the usual hosts make them.</summary>
    private static HashSet<string> Anchors(string document) =>
        [.. Heading().Matches(Prose(document)).Select(heading => NotInAnchors().Replace(heading.Groups[1].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    private static string Relative(string path) => Path.GetRelativePath(Repository.Path(), path);

    private static IEnumerable<string> Documents() => Files("*.md");

    private static IEnumerable<string> Files(string pattern) => FilesIn(Repository.Path(), pattern);

    private static IEnumerable<string> FilesIn(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern).Concat(Directory.EnumerateDirectories(folder)
            .Where(inner => !s_notOurs.Contains(Path.GetFileName(inner))).SelectMany(inner => FilesIn(inner, pattern)));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"`([\w.][\w./-]*\.(?:cs|c|rs|h|md|sh|json|csproj|slnx|props|yml|txt|png))`")]
    private static partial Regex FileName();

    [GeneratedRegex(@"`(\w+Tests)(?:\.(\w+))?`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^(?:[A-Z]+|.*/[A-Z]+)\.(?:cs|json|txt|sh)$")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();

    [GeneratedRegex(@"<!-- quote: ([\w-]+) -->\s*```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Quote();

    [GeneratedRegex(@"// DOC: (?!end\b)([\w-]+)\n(.*?)\n\s*// DOC: end", RegexOptions.Singleline)]
    private static partial Regex Passage();
}

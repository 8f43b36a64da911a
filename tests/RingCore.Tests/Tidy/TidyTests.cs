// Tests: Tidy. What the source has promised about itself: headers, sizes, layers, comments at every memory-ordering operation, no
// call that would block or hide. What documents promise: DocumentTests.

using System.Text.RegularExpressions;

namespace RingCore.Tests.Tidy;

public sealed partial class TidyTests
{
    /// <summary>Lower first. Trace is a leaf: all may call it, and it may name Sys alone.</summary>
    private static readonly string[] s_layers = ["Sys", "Trace", "Ring", "Ops", "Executor", "Handles"];

    [Fact]
    public void EveryFile_BeginsWithAHeader_AndIsShort()
    {
        var offenders = new List<string>();
        foreach (SourceText file in SourceText.All())
        {
            int header = file.Lines.TakeWhile(line => line.StartsWith("//", StringComparison.Ordinal)).Count();
            if (header is < 1 or > 16)
                offenders.Add($"{file}: {header} header lines");
            if (file.Folder != "Sys" && file.Lines.Length >= 500)
                offenders.Add($"{file}: {file.Lines.Length} lines");
        }

        Assert.Empty(offenders);
    }

    [Fact]
    public void Lines_EndWithin110Columns_AndMethodsWithin60Lines()
    {
        var offenders = new List<string>();
        foreach (SourceText file in SourceText.All().Where(file => file.Folder != "Sys"))
        {
            for (int i = 0; i < file.Lines.Length; i++)
            {
                string line = file.Lines[i];
                if (line.Length > 110)
                    offenders.Add($"{file}:{i + 1}: {line.Length} columns");
                string indent = line[..^line.TrimStart().Length];
                if (line.Trim() != "{" || indent.Length is not (4 or 8))
                    continue;
                int length = Array.FindIndex(file.Lines, i, end => end.StartsWith(indent + "}", StringComparison.Ordinal)) - i - 1;
                if (length > 60 && !IsType(file.Lines, i))
                    offenders.Add($"{file}:{i + 1}: {length} lines");
            }
        }

        Assert.Empty(offenders);

        static bool IsType(string[] lines, int brace) =>
            Regex.IsMatch(string.Join(' ', lines[Math.Max(0, brace - 4)..brace]), @"\b(class|struct|interface|enum|record)\s+\w");
    }

    /// <summary>In characters, so that width buys nothing: comments, blank lines and indents do not count.</summary>
    [Fact]
    public void Core_StaysSmall()
    {
        int characters = SourceText.All().Where(file => file.Folder != "Sys").SelectMany(file => file.Lines)
            .Select(line => line.Trim()).Where(line => line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal)).Sum(line => line.Length + 1);
        TestContext.Current.TestOutputHelper?.WriteLine($"{characters} characters of code outside Sys/");
        Assert.InRange(characters, 100_000, 236_500); // A ratchet: 218,200 is the aim.
    }

    [Fact]
    public void EveryVolatileAndInterlocked_SaysWhatItOrders()
    {
        var offenders = new List<string>();
        foreach (SourceText file in SourceText.All())
        {
            string[] code = file.Code.Split('\n');
            for (int i = 0; i < code.Length; i++)
            {
                if (MemoryOrdering().IsMatch(code[i]) && !Enumerable.Range(i - 2, 5).Any(at => at >= 0 && at < file.Lines.Length && HasComment(file.Lines[at], code[at])))
                    offenders.Add($"{file}:{i + 1}: {file.Lines[i].Trim()}");
            }
        }

        Assert.Empty(offenders);

        static bool HasComment(string line, string code) => line.Contains("//", StringComparison.Ordinal) && !code.Contains("//", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(@"\bTask\.Run\b", "leaves the ring's thread")]
    [InlineData(@"\bThreadPool\b", "leaves the ring's thread")]
    [InlineData(@"\bThread\.(Sleep|Yield)\b", "blocks the ring")]
    [InlineData(@"\basync\s+void\b", "its exceptions belong to nobody")]
    [InlineData(@"\bDateTime\.(Now|UtcNow|Today)\b", "is not monotonic; the seam has the clock")]
    [InlineData(@"\bStopwatch\b", "the seam has the clock")]
    [InlineData(@"\bcatch\s*(\(Exception[^)]*\))?\s*\{\s*\}", "hides an error")]
    [InlineData(@"\.Wait\(\)|\.WaitAll\(|\.WaitAny\(", "blocks the ring")]
    [InlineData(@"\bMonitor\.|\bSemaphoreSlim\b|\bReaderWriterLock", "blocks the ring")]
    [InlineData(@"\bArrayPool\b|\bMemoryPool\b", "an op may have the memory still when it goes back; a Chunk knows")]
    [InlineData(@"\bdynamic\b|\bReflection\.Emit\b", "does not work in NativeAOT")]
    [InlineData(@"\bGC\.(Collect|AddMemoryPressure)\b", "is the application's business")]
    public void BannedCall_IsNotThere(string pattern, string why)
    {
        IEnumerable<string> offenders =
            from file in SourceText.All()
            from Match match in Regex.Matches(file.Code, pattern)
            select $"{file}:{file.Code[..match.Index].Count(c => c == '\n') + 1}: {match.Value.Trim()} {why}";
        Assert.Empty(offenders);
    }

    /// <summary>Waiting for a task is for threads that do not run a ring: the caller of Run and of Start.</summary>
    [Fact]
    public void BlockingGetResult_IsOnlyInRunAndStart()
    {
        IEnumerable<string> files =
            from file in SourceText.All()
            where file.Code.Contains(".GetAwaiter().GetResult()", StringComparison.Ordinal)
            select file.Path;
        Assert.Equal(["Executor/RingExecutor.Lifetime.cs"], files);
    }

    /// <summary>Where a whole type is unsafe a reader cannot see which member is.</summary>
    [Theory] // The other folders have still to come.
    [InlineData("Sys")]
    [InlineData("Trace")]
    public void Unsafe_IsOnMembers_NotOnTypes(string folder)
    {
        IEnumerable<string> offenders =
            from file in SourceText.All()
            where file.Folder == folder
            from Match match in TopLevelType().Matches(file.Code)
            where match.Value.Contains("unsafe", StringComparison.Ordinal)
            select $"{file}: {match.Value}";
        Assert.Empty(offenders);
    }

    [Fact]
    public void LowerLayers_NeverNameHigherOnes()
    {
        List<SourceText> files = SourceText.All();
        Assert.Equal(["OpId.cs", "RingCounters.cs", "RingOptions.cs"], files.Where(file => file.Folder.Length == 0).Select(file => file.Path));
        files.RemoveAll(file => file.Folder.Length == 0); // They span the layers: all may name them, and they name all.
        Assert.All(files, file => Assert.Contains(file.Folder, s_layers));
        Dictionary<string, string> folderOf = [];
        foreach (SourceText file in files)
        {
            foreach (Match match in TopLevelType().Matches(file.Code))
                folderOf.TryAdd(match.Groups[1].Value, file.Folder);
        }

        Assert.Equal("Executor", folderOf["RingExecutor"]);
        Assert.Equal("Ops", folderOf["OpDriver"]);
        Assert.Equal("Sys", folderOf["io_uring_sqe"]);
        var offenders = new SortedSet<string>(StringComparer.Ordinal);
        foreach (SourceText file in files)
        {
            int layer = Array.IndexOf(s_layers, file.Folder);
            foreach (Match match in Identifier().Matches(file.Code))
            {
                if (!folderOf.TryGetValue(match.Value, out string? other) || Array.IndexOf(s_layers, other) <= layer || IsMember(file.Code, match))
                    continue;
                offenders.Add($"{file} names {match.Value} of {other}/");
            }
        }

        Assert.Empty(offenders);
    }

    /// <summary>Sys is grouped as the kernel's header is; the rest can be found by a type's name.</summary>
    [Fact]
    public void EveryPublicType_IsInAFileOfItsName()
    {
        IEnumerable<string> offenders =
            from file in SourceText.All()
            where file.Folder is not ("Sys" or "Executor")
            from Match match in TopLevelType().Matches(file.Code)
            where match.Value.StartsWith("public", StringComparison.Ordinal)
                && match.Groups[1].Value != Path.GetFileName(file.Path).Split('.')[0]
            select $"{match.Groups[1].Value} is in {file}";
        Assert.Empty(offenders);
    }

    [Fact]
    public void WithoutComments_KeepsCodeAndLines()
    {
        Assert.Equal("a   \nb", SourceText.WithoutComments("a //\nb", keepStrings: false));
        Assert.Equal("a      b", SourceText.WithoutComments("a /**/ b", keepStrings: false));
        Assert.Equal("f(      )", SourceText.WithoutComments("f(\"a //\")", keepStrings: false));
        Assert.Equal("f(\"// b\") ", SourceText.WithoutComments("f(\"// b\") ", keepStrings: true));
        Assert.Equal("f(   , x)", SourceText.WithoutComments("f('\"', x)", keepStrings: false));
    }

    /// <summary>Behind a dot or a simple type it is a member that bears a type's name: handle.Ring, ulong Op.</summary>
    private static bool IsMember(string code, Match match)
    {
        int before = match.Index - 1;
        while (before >= 0 && char.IsWhiteSpace(code[before]))
            before--;
        return before >= 0 && (code[before] == '.' || SimpleType().IsMatch(code.AsSpan(0, before + 1)));
    }

    [GeneratedRegex(@"\b(Volatile|Interlocked)\.")]
    private static partial Regex MemoryOrdering();

    [GeneratedRegex(@"^(?:(?:public|internal|file|static|sealed|abstract|readonly|ref|unsafe|partial) )*(?:class|struct|enum|interface|record struct|record class|record) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TopLevelType();

    [GeneratedRegex(@"\b(?:u?long|u?int|byte|bool|string)\z", RegexOptions.RightToLeft)]
    private static partial Regex SimpleType();

    [GeneratedRegex(@"\b[A-Za-z_]\w*\b")]
    private static partial Regex Identifier();
}

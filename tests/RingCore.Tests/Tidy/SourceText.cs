// Tests: C# source as text, for the tests that look at it: the files of src/RingCore, and code without its comments and strings.
// Not a parser: it knows quotes and comments, and no more.

using System.Text;

namespace RingCore.Tests.Tidy;

/// <summary>One file of src/RingCore.</summary>
internal sealed class SourceText
{
    private SourceText(string path, string folder, string text)
    {
        Path = path;
        Folder = folder;
        Lines = text.Split('\n');
        Code = WithoutComments(text, keepStrings: false);
    }

    /// <summary>Relative to src/RingCore.</summary>
    internal string Path { get; }

    /// <summary>The layer; empty at the root, for what spans the layers.</summary>
    internal string Folder { get; }

    internal string[] Lines { get; }

    /// <summary>The text with comments and the contents of strings blanked out; the lines stay where they are.</summary>
    internal string Code { get; }

    public override string ToString() => Path;

    internal static List<SourceText> All()
    {
        string root = Repository.Path("src", "RingCore");
        return [.. Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Select(path => (Full: path, Relative: System.IO.Path.GetRelativePath(root, path)))
            .Where(path => !path.Relative.StartsWith("obj", StringComparison.Ordinal) && !path.Relative.StartsWith("bin", StringComparison.Ordinal))
            .OrderBy(path => path.Relative, StringComparer.Ordinal)
            .Select(path => new SourceText(path.Relative, path.Relative.Contains('/') ? path.Relative.Split('/')[0] : "", File.ReadAllText(path.Full)))];
    }

    internal static string WithoutComments(string text, bool keepStrings)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            int end = EndOfToken(text, i, out bool isString);
            if (end == i)
            {
                result.Append(text[i++]);
                continue;
            }

            for (; i < end; i++)
                result.Append(text[i] == '\n' || (isString && keepStrings) ? text[i] : ' ');
        }

        return result.ToString();
    }

    /// <summary>Behind the comment, string or character that begins at i; i where none does.</summary>
    private static int EndOfToken(string text, int i, out bool isString)
    {
        isString = false;
        ReadOnlySpan<char> rest = text.AsSpan(i);
        if (rest.StartsWith("//"))
            return Behind(text, i, "\n") - 1;
        if (rest.StartsWith("/*"))
            return Behind(text, i + 2, "*/");
        isString = true;
        if (rest.StartsWith("\"\"\""))
            return Behind(text, i + 3, "\"\"\"");
        if (rest[0] == '"')
        {
            bool verbatim = i > 0 && (text[i - 1] == '@' || (text[i - 1] == '$' && i > 1 && text[i - 2] == '@'));
            for (int j = i + 1; j < text.Length; j++)
            {
                if (!verbatim && text[j] == '\\')
                    j++;
                else if (text[j] == '"')
                    return j + 1;
            }
        }

        if (rest[0] == '\'' && rest.Length > 2)
        {
            int close = text.IndexOf('\'', i + (rest[1] == '\\' ? 3 : 2));
            if (close > 0 && close - i < 9)
                return close + 1;
        }

        return i;
    }

    private static int Behind(string text, int from, string what)
    {
        int found = text.IndexOf(what, from, StringComparison.Ordinal);
        return found < 0 ? text.Length + (what == "\n" ? 1 : 0) : found + what.Length;
    }
}

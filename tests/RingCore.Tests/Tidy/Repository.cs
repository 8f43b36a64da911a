// Tests: where the repository's files are, for tests that read the source, the documentation or deploy/. It knows no contents.

namespace RingCore.Tests;

internal static class Repository
{
    private static readonly Lazy<string?> s_root = new(() =>
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "RingCore.slnx")))
                return folder.FullName;
        }

        return null;
    });

    /// <summary>The full path of a file or folder; skips the test where the tests run without their repository.</summary>
    internal static string Path(params string[] parts)
    {
        Assert.SkipWhen(s_root.Value is null, "the tests do not run inside their repository");
        return System.IO.Path.Combine([s_root.Value!, .. parts]);
    }
}

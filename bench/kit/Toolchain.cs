namespace RingCore.Bench;

/// <summary>Builds what is measured, once, into the folder <c>out</c>, and names the commands that start it.</summary>
public static class Toolchain
{
    /// <summary>The folder of the harness that runs.</summary>
    public static string BenchFolder { get; } = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;

    private static string OutFolder => Path.Combine(BenchFolder, "out");

    /// <summary>The path of a file given as the repository names it.</summary>
    public static string InRepository(string path) => Path.GetFullPath(Path.Combine(BenchFolder, "..", path));

    /// <summary>Builds the C programs named, or all that echo.cs and nop.cs run.</summary>
    public static async Task BuildCAsync(params string[] targets) =>
        await Commands.RunAsync(["make", "--silent", "-C", Path.Combine(BenchFolder, "c"), .. targets.Select(target => $"../out/{target}")]);

    /// <summary>
    /// Builds the tokio programs of <c>bench/table</c> from Debian's crates alone, without a network.
    /// </summary>
    public static async Task BuildCargoAsync()
    {
        const string Crates = "/usr/share/cargo/registry";
        if (Commands.Missing("cargo") is { } missing)
        {
            throw new BenchException(missing);
        }

        if (!Directory.Exists(Crates) || Directory.GetDirectories(Crates, "tokio-1.*").Length == 0)
        {
            throw new BenchException("Debian's librust-tokio-dev is missing");
        }

        await Commands.RunAsync("cargo", "build", "--release", "--offline", "--quiet",
            "--manifest-path", Path.Combine(BenchFolder, "table", "Cargo.toml"), "--target-dir", Path.Combine(OutFolder, "cargo"),
            "--config", "source.crates-io.replace-with=\"debian\"", "--config", $"source.debian.directory=\"{Crates}\"");
    }

    public static string CargoProgram(string name) => Path.Combine(OutFolder, "cargo", "release", name);

    /// <summary>A folder under <c>out</c>, made if it is not there.</summary>
    public static string Scratch(string name) => Directory.CreateDirectory(Path.Combine(OutFolder, name)).FullName;

    public static string CProgram(string name) => Path.Combine(OutFolder, name);

    /// <summary>Builds a file-based app for the JIT; refuses it when it, or the RingCore it carries, came out unoptimised.</summary>
    public static async Task<string[]> BuildJitAsync(string source, string configuration)
    {
        (string path, string name) = Locate(source);
        string folder = OutputOf(path, name, "jit");
        await Commands.RunAsync("dotnet", "build", path, "-c", configuration, "-o", folder, "-nologo", "-v", "quiet");
        string app = Path.Combine(folder, name + ".dll");
        OptimisedCode.Require(app);
        string library = Path.Combine(folder, "RingCore.dll");
        if (File.Exists(library))
        {
            OptimisedCode.Require(library);
        }

        return ["dotnet", app];
    }

    /// <summary>Publishes a file-based app as a native program, after the same check of what it is made from.</summary>
    public static async Task<string[]> PublishAotAsync(string source, string configuration)
    {
        await BuildJitAsync(source, configuration);
        (string path, string name) = Locate(source);
        string folder = OutputOf(path, name, "aot");
        await Commands.RunAsync("dotnet", "publish", path, "-c", configuration, "-o", folder, "-p:PublishAot=true", "-nologo", "-v", "quiet");
        return [Path.Combine(folder, name)];
    }

    /// <summary>Named by folder and file: examples and their stock twins share their names.</summary>
    private static string OutputOf(string path, string name, string kind) =>
        Path.Combine(OutFolder, $"{Path.GetFileName(Path.GetDirectoryName(path))}-{name}-{kind}");

    private static (string Path, string Name) Locate(string source)
    {
        string path = InRepository(source);
        return File.Exists(path)
            ? (path, System.IO.Path.GetFileNameWithoutExtension(path))
            : throw new BenchException($"{source} is not there; leave out its arms, or add it.");
    }
}

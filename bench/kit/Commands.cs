using System.Diagnostics;

namespace RingCore.Bench;

public static class Commands
{
    /// <summary>Runs a command to its end and returns what it printed; fails with its output when its exit code is not 0.</summary>
    public static Task<string> RunAsync(params IReadOnlyList<string> command) => RunAsync(command, environment: null);

    public static async Task<string> RunAsync(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment)
    {
        using Process process = Start(command, environment);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output
            : throw new BenchException($"`{string.Join(' ', command)}` ended with code {process.ExitCode}:\n{output}{await errors}".TrimEnd());
    }

    /// <summary>Null, or a sentence saying that no folder of PATH has the tool.</summary>
    public static string? Missing(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, tool))) ? null : $"{tool} is missing";

    /// <summary>The command bound to one core. taskset replaces itself with it, so the process id stays the same.</summary>
    public static string[] OnCore(int core, params IEnumerable<string> command) => ["taskset", "-c", $"{core}", .. command];

    internal static Process Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}

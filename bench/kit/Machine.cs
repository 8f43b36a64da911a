using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace RingCore.Bench;

/// <summary>Where figures were taken: printed beside them and kept with them.</summary>
public sealed partial record Machine(string Kernel, string Processor, int Cores, string DotNet, string RingSetupFlags, DateTime Date)
{
    /// <param name="source">The C program of this bench, below <c>bench/</c>.</param>
    /// <param name="flagsAfter">Where in it the names of its set-up flags begin.</param>
    public static Machine Describe(string source = "c/ring.h", string flagsAfter = "#define RING_SETUP_FLAGS") => new(
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        ProcessorName().Match(File.ReadAllText("/proc/cpuinfo")).Groups[1].Value,
        Environment.ProcessorCount,
        RuntimeInformation.FrameworkDescription,
        FlagsOf(source, flagsAfter),
        DateTime.UtcNow);

    /// <summary>Its folder in the history: processor, cores, kernel.</summary>
    public string ShortName => NotInNames().Replace($"{Processor} {Cores} cores linux {KernelRelease().Match(Kernel).Value}".ToLowerInvariant(), "-").Trim('-');

    public string Details => $"Linux {KernelRelease().Match(Kernel).Value}. C ring flags: {RingSetupFlags}.";

    public override string ToString() =>
        $"{Date:yyyy-MM-dd HH:mm} UTC, kernel {Kernel}, {Processor}, {Cores} cores, {DotNet}\nC ring flags: {RingSetupFlags}";

    private static string FlagsOf(string source, string flagsAfter)
    {
        string code = File.ReadAllText(Path.Combine(Toolchain.BenchFolder, source));
        return string.Join('|', FlagNames().Matches(code[code.IndexOf(flagsAfter, StringComparison.Ordinal)..])
            .Select(match => match.Groups[1].Value).Distinct());
    }

    [GeneratedRegex(@"model name\s*:\s*(.+)")]
    private static partial Regex ProcessorName();

    [GeneratedRegex(@"IORING_SETUP_(\w+)")]
    private static partial Regex FlagNames();

    [GeneratedRegex(@"^\d+\.\d+")]
    private static partial Regex KernelRelease();

    [GeneratedRegex(@"[^a-z0-9.]+")]
    private static partial Regex NotInNames();
}

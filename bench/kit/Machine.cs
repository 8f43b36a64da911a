using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace RingCore.Bench;

/// <summary>Where figures were taken: printed beside them and kept with them.</summary>
public sealed partial record Machine(string Kernel, string Processor, int Cores, string DotNet, string RingSetupFlags, DateTime Date)
{
    public static Machine Describe() => new(
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        ProcessorName().Match(File.ReadAllText("/proc/cpuinfo")).Groups[1].Value,
        Environment.ProcessorCount,
        RuntimeInformation.FrameworkDescription,
        FlagsOfTheCPrograms(),
        DateTime.UtcNow);

    public override string ToString() =>
        $"{Date:yyyy-MM-dd HH:mm} UTC, kernel {Kernel}, {Processor}, {Cores} cores, {DotNet}\nC ring flags: {RingSetupFlags}";

    private static string FlagsOfTheCPrograms()
    {
        string header = File.ReadAllText(Path.Combine(Toolchain.BenchFolder, "c", "ring.h"));
        return string.Join('|', FlagNames().Matches(header[header.IndexOf("#define RING_SETUP_FLAGS", StringComparison.Ordinal)..])
            .Select(match => match.Groups[1].Value).Distinct());
    }

    [GeneratedRegex(@"model name\s*:\s*(.+)")]
    private static partial Regex ProcessorName();

    [GeneratedRegex(@"IORING_SETUP_(\w+)")]
    private static partial Regex FlagNames();
}

// Ring layer: what this machine offers, as data. Probe sets up a ring of the size an executor's would have, since before Linux 5.12
// the size can be what is refused; it writes down what it got, and closes it. It never throws, on any operating system: the refusal
// is part of the report.

using System.Runtime.InteropServices;
using System.Text;
using RingCore.Sys;

namespace RingCore;

/// <summary>What io_uring offers here, or why it does not.</summary>
public sealed record RingCapabilities
{
    /// <summary>Whether an executor can start.</summary>
    public bool IsAvailable => Cause == RingUnavailableCause.None;

    /// <summary>What stands in the way.</summary>
    public RingUnavailableCause Cause { get; private init; }

    /// <summary>The refusal in words, with its remedy; empty when available.</summary>
    public string Problem { get; private init; } = "";

    /// <summary>The kernel's version and the system's name. Nothing is decided by it.</summary>
    public string Kernel { get; private init; } = OperatingSystem.IsLinux()
        ? $"Linux {Environment.OSVersion.Version.ToString(3)}, {RuntimeInformation.OSDescription}" // The description alone is the distribution's.
        : RuntimeInformation.OSDescription;

    /// <summary>The processor architecture. RingCore is tested on x86-64.</summary>
    public Architecture Architecture { get; private init; } = RuntimeInformation.ProcessArchitecture;

    /// <summary>Optional features in use with the options probed.</summary>
    public RingFeatures Features { get; private init; }

    /// <summary>Set-up flags that were asked for and refused, newest first.</summary>
    public IReadOnlyList<string> Dropped { get; private init; } = [];

    /// <summary>IORING_FEAT_* bits.</summary>
    public uint KernelFeatures { get; private init; }

    /// <summary>IORING_SETUP_* bits in use.</summary>
    public uint SetupFlags { get; private init; }

    /// <summary>Opcodes the kernel supports.</summary>
    public IReadOnlyList<io_uring_op> Opcodes { get; private init; } = [];

    /// <summary>Probes for an executor with these options. Any thread, any operating system; never throws for what the kernel refuses.</summary>
    public static RingCapabilities Probe(RingOptions? options = null)
    {
        try
        {
            using var ring = new Ring(options ?? new RingOptions());
            return new RingCapabilities
            {
                Features = ring.Features,
                Dropped = [.. ring.Dropped],
                KernelFeatures = ring.KernelFeatures,
                SetupFlags = ring.SetupFlags,
                Opcodes = [.. Enum.GetValues<io_uring_op>().Where(ring.Supports)],
            };
        }
        catch (RingUnavailableException e)
        {
            return new RingCapabilities { Cause = e.Cause, Problem = e.Message };
        }
    }

    /// <summary>The report as text, several lines.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append("io_uring: ").AppendLine(IsAvailable ? "available" : $"NOT available ({Cause})");
        text.Append("system:   ").Append(Kernel).Append(", ").Append(Architecture).AppendLine();
        if (!IsAvailable)
            return text.Append("reason:   ").Append(Problem).ToString();
        foreach (RingFeatures feature in Enum.GetValues<RingFeatures>().Where(f => f is not (RingFeatures.None or RingFeatures.All) && int.IsPow2((int)f)).Distinct())
        {
            bool superseded = feature == RingFeatures.CoopTaskrun && Features.HasFlag(RingFeatures.DeferTaskrun);
            text.Append(Features.HasFlag(feature) ? "  yes  " : superseded ? "   –   " : "  no   ").Append(feature)
                .AppendLine(superseded ? " (DeferTaskrun does its work)" : "");
        }

        if (Dropped.Count > 0)
            text.Append("refused at set-up: ").AppendJoin(", ", Dropped).AppendLine();
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"set-up flags 0x{SetupFlags:x}, kernel features 0x{KernelFeatures:x}, {Opcodes.Count} opcodes");
        return text.ToString();
    }
}

// Ring layer: what this machine offers, as data. Probe sets up a ring of the size an executor's would have,
// since before Linux 5.12 the size can be what is refused; it writes down what it got, and closes it. It
// never throws, on any operating system: the refusal is part of the report.

using System.Runtime.InteropServices;
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

    /// <summary>
    /// The kernel's version and the system's name, which alone is the distribution's. Nothing is decided by
    /// it.
    /// </summary>
    public string Kernel { get; private init; } = OperatingSystem.IsLinux()
        ? $"Linux {Environment.OSVersion.Version.ToString(3)}, {RuntimeInformation.OSDescription}"
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

    /// <summary>
    /// Probes for an executor with these options. Any thread, any operating system; never throws for what the
    /// kernel refuses.
    /// </summary>
    public static RingCapabilities Probe(RingOptions? options = null)
    {
        try
        {
            using var ring = new Ring(options);
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
}

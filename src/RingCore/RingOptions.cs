// Across the layers: everything a user can set, in one place. Read once when an executor starts; later
// changes have no effect. It validates ranges and does not touch the kernel.

using System.Runtime.CompilerServices;
using RingCore.Sys;

namespace RingCore;

/// <summary>Settings of an executor and its ring. Read once at start.</summary>
public sealed record RingOptions
{
    /// <summary>Submission queue entries: 1 to 32,768, rounded up to a power of two. Default 512.</summary>
    public int SqEntries { get; init; } = 512;

    /// <summary>
    /// Completion queue entries: at least <see cref="SqEntries"/>, at most 65,536, rounded up to a power of
    /// two. Default 8,192. Completions beyond it are not lost: the kernel keeps them, at a cost, and the
    /// overflow counter tells.
    /// </summary>
    public int CqEntries { get; init; } = 8192;

    /// <summary>Kernel features to do without, whatever the kernel offers. Default none.</summary>
    public RingFeatures Without { get; init; }

    /// <summary>
    /// A kernel thread that takes submissions without a call (IORING_SETUP_SQPOLL; no privilege needed since
    /// 5.11). It keeps a core busy while there is work and this long after; then it sleeps, and the next
    /// submission wakes it with one call. 1 ms to 1 hour; null (the default): none. Where the kernel refuses
    /// it the executor goes without: see <see cref="Ring.Dropped"/>. That thread keeps the rights of the
    /// executor's start: when the process gives up some (setuid, setgroups, capabilities), ops that name a
    /// path or make a socket throw <see cref="InvalidOperationException"/>. docs/options.md says when it
    /// pays.
    /// </summary>
    public TimeSpan? SqPoll { get; init; }

    /// <summary>
    /// Most io-wq workers for bounded work such as file I/O: 1 to 1,024. Default twice the processors.
    /// </summary>
    public int BoundedWorkers { get; init; } = Math.Clamp(2 * Environment.ProcessorCount, 2, 1024);

    /// <summary>
    /// Most io-wq workers for unbounded work such as blocking devices: 1 to 1,024. Default 64.
    /// </summary>
    public int UnboundedWorkers { get; init; } = 64;

    /// <summary>
    /// Most continuations run in one turn of the loop before the ring is entered again, unless more were
    /// ready when it began: those all run. At least 1. Default 256.
    /// </summary>
    public int TurnQuota { get; init; } = 256;

    /// <summary>Bytes in one leased read buffer: 64 to 1,048,576. Default 4,096.</summary>
    public int LeaseBufferSize { get; init; } = 4096;

    /// <summary>
    /// Leased read buffers of an executor: a power of two, 2 to 32,768. Default 8,192. Address space is taken
    /// at the first lease, pages as they are used: as many buffers circulate as receives complete together.
    /// </summary>
    public int LeaseBufferCount { get; init; } = 8192;

    /// <summary>
    /// How long shutdown waits for what the kernel still holds before it leaks it on purpose and says so.
    /// Default 5 s.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Events kept by the trace recorder, a power of two; 0 (the default) is off: one predictable branch per
    /// event.
    /// </summary>
    public int TraceEvents { get; init; }

    /// <summary>The executor's name in traces and reports.</summary>
    public string Name { get; init; } = "ring";

    /// <summary>The operating system; the tests put a scripted one here.</summary>
    internal Kernel Kernel { get; init; } = Kernel.Linux;

    internal void Validate()
    {
        Within(1, 32768, SqEntries);
        Within(SqEntries, 65536, CqEntries);
        Within(1, 1024, BoundedWorkers);
        Within(1, 1024, UnboundedWorkers);
        Within(1, int.MaxValue, TurnQuota);
        Within(64, 1 << 20, LeaseBufferSize);
        Within(2, 32768, LeaseBufferCount);
        Require(int.IsPow2(LeaseBufferCount), LeaseBufferCount, "The kernel wants a power of two.");
        bool fits = (long)LeaseBufferCount * (LeaseBufferSize + 64) <= Array.MaxLength;
        Require(fits, LeaseBufferCount, "All lease buffers together: below 2 GiB.");
        Require(TraceEvents == 0 || int.IsPow2(TraceEvents), TraceEvents, "0, or a power of two.");
        bool polls = SqPoll is null || SqPoll?.TotalMilliseconds is >= 1 and <= 3_600_000;
        // 0 would mean a second to the kernel.
        Require(polls, SqPoll, "1 ms to 1 hour, or null.");
        Require(ShutdownTimeout >= TimeSpan.Zero, ShutdownTimeout, "Zero or more.");
    }

    private static void Require(
        bool holds, object? value, string what, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, what);
    }

    private static void Within(
        int least, int most, int value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        Require(value >= least && value <= most, value, $"{least} to {most}.", name);
}

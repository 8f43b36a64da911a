// Trace: fixed-size binary events in a ring buffer, one per executor, written by the owner thread. Off (no buffer) it costs one
// predictable branch per event. The other layers call Record; nothing here calls them or changes what they do.
// Events join up through ids: TaskResumed → OpPrepared → Entered → OpCompleted → Queued → TaskResumed.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>What a trace event tells.</summary>
public enum TraceKind : byte
{
    /// <summary>A task's body suspended for the first time and got its box. Task: its id.</summary>
    TaskStarted,

    /// <summary>An SQE was written. Op: its user_data. A: opcode. B: fd. Task: the task running, or 0.</summary>
    OpPrepared,

    /// <summary>A task awaits an op. Task, Op.</summary>
    TaskSuspended,

    /// <summary>The kernel was entered. Op: the enter's number. A: SQEs given. B: completions waited for.</summary>
    Entered,

    /// <summary>The enter came back. Op: the enter's number. A: SQEs taken, or −errno. B: CQEs ready.</summary>
    EnterReturned,

    /// <summary>A CQE was reaped. Op. A: res. B: flags.</summary>
    OpCompleted,

    /// <summary>A continuation was put on the ready queue. Op: the op that ended, or 0.</summary>
    Queued,

    /// <summary>A task's body runs again. Task.</summary>
    TaskResumed,

    /// <summary>A task's body has ended. Task.</summary>
    TaskEnded,

    /// <summary>The kernel was asked to cancel an op. Op.</summary>
    CancelAsked,

    /// <summary>SQEs were shown to the poller, who takes them without an enter (<see cref="RingOptions.SqPoll"/>). A: how many.</summary>
    Published,
}

/// <summary>One event of the trace: 40 bytes.</summary>
/// <param name="TimeNs">CLOCK_MONOTONIC in nanoseconds.</param>
/// <param name="Op">An op's user_data (generation above, slot below), or what the kind says.</param>
/// <param name="Task">Task id, or 0.</param>
/// <param name="A">As the kind says.</param>
/// <param name="B">As the kind says.</param>
/// <param name="Kind">What happened.</param>
public readonly record struct TraceEvent(long TimeNs, ulong Op, long Task, int A, int B, TraceKind Kind);

/// <summary>The recorder of one executor. The owner thread writes; reading on that thread gives a consistent list.</summary>
public sealed unsafe class TraceRecorder
{
    private readonly TraceEvent[]? _events;
    private readonly Kernel _kernel;
    private readonly int _owner = Environment.CurrentManagedThreadId;

    internal TraceRecorder(int capacity, Kernel kernel)
    {
        _events = capacity > 0 ? new TraceEvent[capacity] : null;
        _kernel = kernel;
    }

    /// <summary>Whether events are kept (<see cref="RingOptions.TraceEvents"/> above 0).</summary>
    public bool IsOn => _events is not null;

    /// <summary>Events written since the start; those beyond the buffer have overwritten the oldest.</summary>
    public long Written { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Record(TraceKind kind, ulong op = 0, long task = 0, int a = 0, int b = 0)
    {
        if (_events is not null)
            Write(kind, op, task, a, b);
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // Keeps the branch at the call site small.
    private void Write(TraceKind kind, ulong op, long task, int a, int b) =>
        _events![Written++ & (_events.Length - 1)] = new TraceEvent(_kernel.Now(), op, task, a, b, kind);

    /// <summary>A copy of the events kept, oldest first. Owner thread.</summary>
    public TraceEvent[] Snapshot()
    {
        if (_events is null)
            return [];
        if (Environment.CurrentManagedThreadId != _owner)
            throw new InvalidOperationException("A trace is read on its executor's thread: send the call there with executor.InvokeAsync.");
        long count = Math.Min(Written, _events.Length);
        var copy = new TraceEvent[count];
        for (long i = 0; i < count; i++)
            copy[i] = _events[(Written - count + i) & (_events.Length - 1)];
        return copy;
    }
}

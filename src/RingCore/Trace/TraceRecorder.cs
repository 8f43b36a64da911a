// Trace: fixed-size binary events in a ring buffer, one per executor, written by the owner thread. Off (no buffer) it costs one
// predictable branch per event. The other layers call Record; nothing here calls them or changes what they do.
// Events join up through ids: TaskResumed → OpPrepared → Entered → OpCompleted → Queued → TaskResumed.

using System.Runtime.CompilerServices;

namespace RingCore;

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

// Trace: fixed-size binary events in a ring buffer, one per executor, written by the owner thread. Off (no
// buffer) it costs one predictable branch per event. The other layers call Record; nothing here calls them or
// changes what they do. Events join up through ids: TaskResumed → OpPrepared → Entered → OpCompleted
// → Queued → TaskResumed.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.TraceKind;

namespace RingCore;

/// <summary>
/// The recorder of one executor. The owner thread writes; reading on that thread gives a consistent list.
/// </summary>
public sealed class TraceRecorder
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

    /// <summary>
    /// Events written since the start; those beyond the buffer have overwritten the oldest.
    /// </summary>
    public long Written { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Record(TraceKind kind, ulong number = 0, long task = 0, int a = 0, int b = 0)
    {
        if (_events is not null)
            Write(kind, number, task, a, b);
    }

    // Keeps the branch at the call site small.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe void Write(TraceKind kind, ulong number, long task, int a, int b) =>
        _events![Written++ & (_events.Length - 1)] = new(_kernel.Now(), kind, number, task, a, b);

    /// <summary>A copy of the events kept, oldest first. Owner thread.</summary>
    public TraceEvent[] Snapshot()
    {
        if (_events is null)
            return [];
        if (Environment.CurrentManagedThreadId != _owner)
        {
            throw new InvalidOperationException(
                "A trace is read on its executor's thread: use executor.InvokeAsync.");
        }

        var copy = new TraceEvent[Math.Min(Written, _events.Length)];
        for (int i = 0; i < copy.Length; i++)
            copy[i] = _events[(Written - copy.Length + i) & (_events.Length - 1)];
        return copy;
    }

    /// <summary>
    /// What was kept of one op's life, in order: its own events; the first enter after its SQE, which
    /// submitted it, and the last before its CQE, with its return; the resumption of the task that awaited
    /// it; and the next op in its slot, which says that slot and loans were free by then. Empty when nothing
    /// is kept of it. Owner thread.
    /// </summary>
    public TraceEvent[] LifeOf(OpId id)
    {
        TraceEvent[] all = Snapshot();
        if (id == default)
            return [];
        int completed = Last(OpCompleted);
        long task = Array.Find(all, e => e.Kind == TaskSuspended && e.Id == id).Task;
        int[] joined =
        [
            After(Last(OpPrepared), e => e.Kind == Entered),
            Before(completed, Entered),
            Before(completed, EnterReturned),
            After(Last(Queued), e => e.Kind == TaskResumed && e.Task == task),
            After(completed, e => e.Kind == OpPrepared && e.Id.Slot == id.Slot),
        ];
        return [.. all.Where((e, i) => e.Id == id || joined.Contains(i))];

        int Last(TraceKind kind) => Array.FindLastIndex(all, e => e.Kind == kind && e.Id == id);

        int After(int at, Predicate<TraceEvent> wanted) => at < 0 ? -1 : Array.FindIndex(all, at, wanted);

        int Before(int at, TraceKind kind) => at < 0 ? -1 : Array.FindLastIndex(all, at, e => e.Kind == kind);
    }
}

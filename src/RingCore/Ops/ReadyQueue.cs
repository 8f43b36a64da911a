// Op layer: the queue between reap and run. Reaping an op pushes what it resumes; the run loop pops. First
// in, first out. Owner thread only; no locks. The work itself is the list, so that pushing never allocates: a
// result that has come can always be handed on. It does not run anything itself.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// Something the run loop runs once: an awaitable with its continuation, a task's box, a posted delegate.
/// </summary>
internal abstract class RingWork
{
    /// <summary>
    /// Next in the one list this stands in: the ready queue, posted work (owned by the poster until the owner
    /// thread takes it), the write queue of a stream, or a pool.
    /// </summary>
    internal RingWork? Next;

    /// <summary>
    /// What awaiters are given to resume this, once it was asked for; a task's box has one.
    /// </summary>
    internal Action? Continuation;

    /// <summary>The task's id, for the trace; 0 for other work.</summary>
    internal long TaskId;

    /// <summary>Runs on the owner thread. What it throws, the loop reports.</summary>
    internal abstract void Run();

    /// <summary>
    /// Called instead of <see cref="Run"/> when the executor has stopped, on its thread. False: it is
    /// somebody's continuation, which is run all the same, on another thread.
    /// </summary>
    internal virtual bool Refuse() => true;
}

/// <summary>An awaiter of RingCore's own, which resumes a task's box without a delegate.</summary>
internal interface IRingAwaiter
{
    /// <summary>Resumes the box when done. Owner thread.</summary>
    void Suspend(RingWork box);
}

/// <summary>A linked list of work.</summary>
internal sealed class ReadyQueue
{
    private RingWork? _first;
    private RingWork? _last;

    internal int Count { get; private set; }

    internal bool IsEmpty => _first is null;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Push(RingWork work)
    {
        if (work.Next is not null || ReferenceEquals(work, _last))
            ThrowTwice();
        if (_last is { } last)
            last.Next = work;
        else
            _first = work;
        _last = work;
        Count++;
    }

    /// <summary>Takes the oldest; only when not empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RingWork Pop()
    {
        RingWork work = _first!;
        _first = work.Next;
        if (_first is null)
            _last = null;
        work.Next = null;
        Count--;
        return work;
    }

    private static void ThrowTwice() => throw new InvalidOperationException(
        "This continuation is queued already: an awaiter has called it twice.");
}

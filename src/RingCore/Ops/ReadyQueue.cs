// Op layer: the queue between reap and run. Reaping an op pushes what it resumes; the run loop pops. First in, first out.
// Owner thread only; no locks. It does not run anything itself.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>Something the run loop runs once: an awaitable with its continuation, a task's box, a posted delegate.</summary>
internal abstract class RingWork
{
    /// <summary>Next in the one list this stands in: posted work (owned by the poster until the owner thread takes it), or a pool.</summary>
    internal RingWork? Next;

    /// <summary>What awaiters are given to resume this, once it was asked for; a task's box has one.</summary>
    internal Action? Continuation;

    /// <summary>The task's id, for the trace; 0 for other work.</summary>
    internal long TaskId;

    /// <summary>Runs on the owner thread. What it throws, it handles.</summary>
    internal abstract void Run();

    /// <summary>Called instead of <see cref="Run"/> when the executor has stopped.</summary>
    internal virtual void Refuse()
    {
    }
}

/// <summary>An awaiter of RingCore's own, which resumes a task's box without a delegate.</summary>
internal interface IRingAwaiter
{
    /// <summary>Resumes the box when done. Owner thread.</summary>
    void Suspend(RingWork box);
}

/// <summary>A growing circular buffer of work.</summary>
internal sealed class ReadyQueue
{
    private Item[] _items = new Item[256];
    private uint _head;
    private uint _tail;

    /// <summary>A struct around the reference: storing into an array of a class checks the element's type each time.</summary>
    private struct Item
    {
        internal RingWork? Work;
    }

    internal int Count => (int)(_tail - _head);

    internal bool IsEmpty => _head == _tail;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Push(RingWork work)
    {
        Item[] items = _items;
        if (_tail - _head == (uint)items.Length)
            items = Grow();
        items[_tail & (uint)(items.Length - 1)].Work = work;
        _tail++;
    }

    /// <summary>Takes the oldest; only when not empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RingWork Pop()
    {
        Item[] items = _items;
        ref Item item = ref items[_head & (uint)(items.Length - 1)];
        RingWork work = item.Work!;
        item.Work = null; // Else the queue would keep what ran alive.
        _head++;
        return work;
    }

    private Item[] Grow()
    {
        var larger = new Item[_items.Length * 2];
        uint count = _tail - _head;
        for (uint i = 0; i < count; i++)
            larger[i] = _items[(_head + i) & (uint)(_items.Length - 1)];
        _head = 0;
        _tail = count;
        return _items = larger;
    }
}

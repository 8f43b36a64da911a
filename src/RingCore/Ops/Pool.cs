// Op layer: where awaitables and task boxes wait for their next use: 0 bytes allocated once warm. One pool
// per kind and thread, so there are no locks; it hangs on what the thread's code has in hand anyway. What an
// object must forget, its owner clears before the return.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// Spare objects of one kind. Last in, first out: the next to be used is the one that is warm in the cache.
/// </summary>
internal sealed class Pool<T>
    where T : RingWork, new()
{
    private const int Most = 16384;

    private RingWork? _first;
    private int _count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal T Rent()
    {
        RingWork? first = _first;
        if (first is null)
            return New();
        _first = first.Next;
        first.Next = null;
        _count--;

        // Only Return fills the list.
        return Unsafe.As<T>(first);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Return(T spare)
    {
        if (_count >= Most)
            return;
        spare.Next = _first;
        _first = spare;
        _count++;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T New() => new();
}

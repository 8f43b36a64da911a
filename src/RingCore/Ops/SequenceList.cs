// Op layer: the sequences of an executor that may hold results nobody has taken: fds, leases. The references
// are weak: a sequence that its consumer has dropped is left to the GC, and its finalizer releases the
// results; a live one is told when its handle closes and when its executor ends.

namespace RingCore;

/// <summary>A sequence as its handle and its executor know it.</summary>
internal sealed class SequenceLink(OpSequence sequence)
{
    private readonly WeakReference<OpSequence> _sequence = new(sequence);
    internal SequenceLink? NextOfHandle;

    /// <summary>Whether it may still hold something.</summary>
    internal bool IsLive => _sequence.TryGetTarget(out OpSequence? sequence) && !sequence.HasEnded;

    internal void Release()
    {
        if (_sequence.TryGetTarget(out OpSequence? sequence))
            sequence.ReleaseIfNobodyWaits();
    }
}

/// <summary>A result sequence, whatever its results.</summary>
internal abstract class OpSequence : OpAwaitable
{
    /// <summary>Nothing is kept, and nothing comes any more.</summary>
    internal abstract bool HasEnded { get; }
}

/// <summary>All live sequences of one executor. Owner thread.</summary>
internal sealed class SequenceList
{
    private readonly List<SequenceLink> _links = [];
    private int _sweepAt = 16;

    internal void Add(SequenceLink link)
    {
        _links.Add(link);
        if (_links.Count < _sweepAt)
            return;
        _links.RemoveAll(static one => !one.IsLive);
        _sweepAt = Math.Max(16, _links.Count * 2);
    }

    /// <summary>At the executor's end.</summary>
    internal void ReleaseAll()
    {
        foreach (SequenceLink link in _links)
            link.Release();
    }
}

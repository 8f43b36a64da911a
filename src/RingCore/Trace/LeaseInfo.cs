// Trace: one line of the list of leases. Made on request; nothing is kept for it.

namespace RingCore;

/// <summary>A lease now out, for reports.</summary>
public readonly struct LeaseInfo
{
    /// <summary>Size of the buffer.</summary>
    public int Bytes { get; internal init; }

    /// <summary>How long it has been out, to the loop's coarse clock.</summary>
    public TimeSpan Age { get; internal init; }

    /// <summary>Whether it is a buffer outside the ring, taken when the ring's were all out.</summary>
    public bool Own { get; internal init; }
}

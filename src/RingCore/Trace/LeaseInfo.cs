// Trace: one line of the list of leases. Made on request; nothing is kept for it.

namespace RingCore;

/// <summary>A lease now out, for reports.</summary>
/// <param name="Bytes">Size of the buffer.</param>
/// <param name="Age">How long it has been out, to the loop's coarse clock.</param>
/// <param name="Own">Whether it is a buffer outside the ring, taken when the ring's were all out.</param>
public readonly record struct LeaseInfo(int Bytes, TimeSpan Age, bool Own);

// Across the layers: the number of one op: what the kernel gets as user_data, and reports, traces and
// Op.Cancel call an op by. It does not keep the op alive and may be kept for ever: the generation tells that
// its slot has moved on.

namespace RingCore;

/// <summary>
/// The number of one op of an executor: which slot, and the how-manyeth use of it. Any thread.
/// </summary>
public readonly record struct OpId
{
    internal OpId(ulong key) => Key = key;

    /// <summary>The op's user_data; 0 is no op.</summary>
    internal ulong Key { get; }

    /// <summary>Its place in the executor's table, from 0; user_data's lower half.</summary>
    public int Slot => (int)Key;

    /// <summary>
    /// How often the slot has been used, from 1; user_data's upper half. It wraps after 4,294,967,295.
    /// </summary>
    public uint Generation => (uint)(Key >> 32);

    /// <inheritdoc/>
    public override string ToString() => $"slot={Slot} gen={Generation}";
}

// Op layer: one buffer of the registered table (RingBuffers). It is a place and its memory, and knows nothing
// of who uses it.

namespace RingCore;

/// <summary>One registered buffer.</summary>
public sealed class RingBuffer
{
    internal readonly RingBuffers Owner;

    internal RingBuffer(RingBuffers owner, int index, Memory<byte> memory)
    {
        Owner = owner;
        Index = index;
        Memory = memory;
    }

    /// <summary>Its place in the table: sqe.buf_index.</summary>
    public int Index { get; }

    /// <summary>
    /// Its memory, for the application; it needs no pin. While an op uses it, it is the kernel's.
    /// </summary>
    public Memory<byte> Memory { get; }
}

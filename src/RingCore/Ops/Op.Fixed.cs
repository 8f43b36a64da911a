// Op layer: ops on registered buffers. As Op.Read and Op.Write, but the kernel holds the pages already: it saves looking them up,
// which pays for O_DIRECT (docs/options.md), and a plain read is as good elsewhere. Ranges are checked here: the kernel's EFAULT
// would not say what was wrong.

using RingCore.Sys;

namespace RingCore;

public readonly partial struct Op
{
    /// <summary>Reads into part of a registered buffer (IORING_OP_READ_FIXED, 5.1). Result: bytes, 0 at the end.</summary>
    /// <param name="handle">What to read from.</param>
    /// <param name="buffer">Of the same executor; on loan until the op ends.</param>
    /// <param name="length">Bytes to read at most.</param>
    /// <param name="offset">File offset in bytes; −1: the file's position, and for sockets and pipes.</param>
    /// <param name="start">Where in the buffer to begin.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the buffer.</exception>
    public static Op ReadFixed(RingHandle handle, RingBuffer buffer, int length, long offset = -1, int start = 0) =>
        new(io_uring_op.IORING_OP_READ_FIXED, handle, Part(buffer, start, length), buffer, off: (ulong)offset);

    /// <summary>Writes part of a registered buffer (IORING_OP_WRITE_FIXED, 5.1). Result: bytes, perhaps fewer.</summary>
    /// <inheritdoc cref="ReadFixed"/>
    public static Op WriteFixed(RingHandle handle, RingBuffer buffer, int length, long offset = -1, int start = 0) =>
        new(io_uring_op.IORING_OP_WRITE_FIXED, handle, Part(buffer, start, length), buffer, off: (ulong)offset);

    private static ReadOnlyMemory<byte> Part(RingBuffer buffer, int start, int length)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, buffer.Memory.Length);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, buffer.Memory.Length - start);
        return buffer.Memory.Slice(start, length);
    }
}

// Op layer: transfers that name more than one fd and one memory: splice and tee, and those on registered
// buffers. Of splice and tee the target is the op's handle, as for a write; the source is a second loan
// (RingHandle.LendSecond); what to do where the kernel cannot is RingCopy's. Registered buffers spare the
// kernel looking up pages, which pays for O_DIRECT (docs/options.md). Their ranges are checked here: the
// kernel's EFAULT would not say what was wrong.

using RingCore.Sys;
using static RingCore.Sys.io_uring_op;

namespace RingCore;

public readonly partial struct Op
{
    /// <summary>
    /// Moves bytes between two fds without user memory (IORING_OP_SPLICE, 5.7); one of them must be a pipe.
    /// Result: bytes, perhaps fewer;
    /// 0 at the end of the source. Always runs on a kernel worker thread, and keeps it while it waits for
    /// data or for room. −EINVAL where a file system, a device or O_APPEND has no splice.
    /// </summary>
    /// <param name="from">Source; on loan until the op ends, as the target is.</param>
    /// <param name="fromOffset">In bytes; −1: the file's position, and for what has none. A pipe takes only
    /// −1.</param>
    /// <param name="to">Target, another open file than the source.</param>
    /// <param name="toOffset">As <paramref name="fromOffset"/>.</param>
    /// <param name="length">Most bytes to move.</param>
    /// <param name="flags">SPLICE_F_* of <see cref="OpFlags"/>.</param>
    public static Op Splice(
        RingHandle from, long fromOffset, RingHandle to, long toOffset, int length, uint flags = 0)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new(
            IORING_OP_SPLICE, to, extra: from, off: (ulong)toOffset, addr: (ulong)fromOffset,
            len: (uint)length, opFlags: flags);
    }

    /// <summary>
    /// Copies bytes from a pipe to another without taking them out (IORING_OP_TEE, 5.8). Result: bytes,
    /// perhaps fewer; 0 when the source is empty and has no writer left. Always runs on a kernel worker
    /// thread, and keeps it while it waits for data or for room.
    /// </summary>
    /// <inheritdoc cref="Splice"/>
    public static Op Tee(RingHandle from, RingHandle to, int length, uint flags = 0)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new(IORING_OP_TEE, to, extra: from, len: (uint)length, opFlags: flags);
    }

    /// <summary>
    /// Reads into part of a registered buffer (IORING_OP_READ_FIXED, 5.1). Result: bytes, 0 at the end.
    /// </summary>
    /// <param name="handle">What to read from.</param>
    /// <param name="buffer">Of the same executor; on loan until the op ends.</param>
    /// <param name="length">Bytes to read at most.</param>
    /// <param name="offset">File offset in bytes; −1: the file's position, and for sockets and
    /// pipes.</param>
    /// <param name="start">Where in the buffer to begin.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the buffer.</exception>
    public static Op ReadFixed(
        RingHandle handle, RingBuffer buffer, int length, long offset = -1, int start = 0) =>
        new(IORING_OP_READ_FIXED, handle, Part(buffer, start, length), buffer, off: (ulong)offset);

    /// <summary>
    /// Writes part of a registered buffer (IORING_OP_WRITE_FIXED, 5.1). Result: bytes, perhaps fewer.
    /// </summary>
    /// <inheritdoc cref="ReadFixed"/>
    public static Op WriteFixed(
        RingHandle handle, RingBuffer buffer, int length, long offset = -1, int start = 0) =>
        new(IORING_OP_WRITE_FIXED, handle, Part(buffer, start, length), buffer, off: (ulong)offset);

    private static ReadOnlyMemory<byte> Part(RingBuffer buffer, int start, int length)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        return buffer.Memory.Slice(start, length);
    }
}

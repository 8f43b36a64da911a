// Op layer: splice and tee, the ops that name two fds. The target is the op's handle, as for a write; the source is a second loan
// (RingHandle.LendSecond). It moves bytes only where the kernel can; what to do where it cannot is RingCopy's.

using RingCore.Sys;

namespace RingCore;

public readonly partial struct Op
{
    /// <summary>
    /// Moves bytes between two fds without user memory (IORING_OP_SPLICE, 5.7); one of them must be a pipe. Result: bytes, perhaps fewer;
    /// 0 at the end of the source. Always runs on a kernel worker thread, and keeps it while it waits for data or for room. −EINVAL
    /// where a file system, a device or O_APPEND has no splice.
    /// </summary>
    /// <param name="from">Source; on loan until the op ends, as the target is.</param>
    /// <param name="fromOffset">In bytes; −1: the file's position, and for what has none. A pipe takes only −1.</param>
    /// <param name="to">Target, another open file than the source.</param>
    /// <param name="toOffset">As <paramref name="fromOffset"/>.</param>
    /// <param name="length">Most bytes to move.</param>
    /// <param name="flags">SPLICE_F_* of <see cref="OpFlags"/>.</param>
    public static Op Splice(RingHandle from, long fromOffset, RingHandle to, long toOffset, int length, uint flags = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new(
            io_uring_op.IORING_OP_SPLICE, to, extra: from, off: (ulong)toOffset, len: (uint)length, opFlags: flags, time: new TimeSpan(fromOffset));
    }

    /// <summary>
    /// Copies bytes from a pipe to another without taking them out (IORING_OP_TEE, 5.8). Result: bytes, perhaps fewer; 0 when the source
    /// is empty and has no writer left. Always runs on a kernel worker thread, and keeps it while it waits for data or for room.
    /// </summary>
    /// <inheritdoc cref="Splice"/>
    public static Op Tee(RingHandle from, RingHandle to, int length, uint flags = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        return new(io_uring_op.IORING_OP_TEE, to, extra: from, len: (uint)length, opFlags: flags);
    }

    private RingHandle Source => (RingHandle)_extra!;

    private void ThrowIfSourceUnusable()
    {
        Source.Driver.ThrowIfNotOwner();
        Source.ThrowIfDisposed();
    }
}

// Op layer: the SQEs that handles, timers and the driver write at the call: every field the opcode reads, nothing else. The SQE comes
// zeroed, and the fields not named here must stay zero: many opcodes refuse them otherwise. fd and user_data are the driver's. What an
// Op describes has its fields from its factory, in Op.cs.
// Unsafe by nature: whoever calls it keeps the memory behind every address alive until the terminal CQE.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.SqeFlags;

namespace RingCore;

/// <summary>Fills zeroed SQEs.</summary>
internal static unsafe class Prep
{
    /// <summary>
    /// READ, WRITE and WRITEV, at a file offset, or −1 for the file's own position and for what has none; RECV, SEND and SENDMSG with MSG_*.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transfer(io_uring_sqe* sqe, io_uring_op op, ulong address, uint length, uint flags = 0, long offset = 0)
    {
        sqe->opcode = op;
        sqe->off = (ulong)offset;
        sqe->addr = address;
        sqe->len = length;
        sqe->rw_flags = flags; // One field, whatever an opcode calls it.
    }

    /// <summary>
    /// A receive into a buffer the kernel picks from a group when data is there. Its length bounds the read: 0, the whole buffer from
    /// 6.0 on, is on 5.19 a read of nothing, which looks like the end of the stream. A multishot receive (6.0) must have 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void RecvSelect(io_uring_sqe* sqe, ushort group, uint length)
    {
        sqe->opcode = io_uring_op.IORING_OP_RECV;
        sqe->flags = IOSQE_BUFFER_SELECT;
        sqe->len = length;
        sqe->buf_group = group;
    }

    internal static void Timeout(io_uring_sqe* sqe, __kernel_timespec* time)
    {
        sqe->opcode = io_uring_op.IORING_OP_TIMEOUT;
        sqe->fd = -1;
        sqe->off = 0; // A pure timer: counting completions as well would race with them.
        sqe->addr = (ulong)time;
        sqe->len = 1;
    }

    /// <summary>Bounds the SQE written just before it, which gets IO_LINK from the caller.</summary>
    internal static void LinkTimeout(io_uring_sqe* sqe, __kernel_timespec* time)
    {
        sqe->opcode = io_uring_op.IORING_OP_LINK_TIMEOUT;
        sqe->fd = -1;
        sqe->addr = (ulong)time;
        sqe->len = 1;
    }

    internal static void Cancel(io_uring_sqe* sqe, ulong userData)
    {
        sqe->opcode = io_uring_op.IORING_OP_ASYNC_CANCEL;
        sqe->fd = -1;
        sqe->addr = userData;
    }

    internal static void Poll(io_uring_sqe* sqe, uint events)
    {
        sqe->opcode = io_uring_op.IORING_OP_POLL_ADD;
        sqe->poll32_events = events;
    }

    internal static __kernel_timespec Timespec(TimeSpan time) => new()
    {
        tv_sec = time.Ticks / TimeSpan.TicksPerSecond,
        tv_nsec = time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick,
    };
}

// Op layer: the one writer of each opcode's SQE, for bare ops, handles, timers and the driver: every field
// the opcode reads, nothing else. The SQE comes zeroed, and the fields not named here must stay zero: many
// opcodes refuse them otherwise. fd and user_data are the driver's, but for opcodes that have no handle.
// Unsafe by nature: whoever calls it keeps the memory behind every address alive until the terminal CQE.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.OpFlags;
using static RingCore.Sys.SqeFlags;

namespace RingCore;

/// <summary>Fills zeroed SQEs.</summary>
internal static unsafe class Prep
{
    /// <summary>
    /// The fields that every opcode has, by the names they have for a transfer; what stands there for others
    /// is Op's to say. Offset: in the file, or −1 for the file's own position and for what has none. Flags:
    /// RWF_* of READ, WRITE, READV, WRITEV and the FIXED ones, MSG_* of RECV, SEND and SENDMSG.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Fill(
        io_uring_sqe* sqe, io_uring_op op, void* address, uint length, uint flags = 0, long offset = 0)
    {
        sqe->opcode = op;
        sqe->off = (ulong)offset;
        sqe->addr = (ulong)address;
        sqe->len = length;
        // One field, whatever an opcode calls it.
        sqe->rw_flags = flags;
    }

    /// <summary>
    /// A receive into a buffer the kernel picks from a group when data is there. Its length bounds the read:
    /// 0, the whole buffer from
    /// 6.0 on, is on 5.19 a read of nothing, which looks like the end of the stream. A multishot receive
    /// (6.0) must have 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void RecvSelect(io_uring_sqe* sqe, ushort group, uint length)
    {
        sqe->opcode = IORING_OP_RECV;
        sqe->flags = IOSQE_BUFFER_SELECT;
        sqe->len = length;
        sqe->buf_group = group;
        if (length == 0)
            // Per-op flags of accept, send and receive live here, not in op flags.
            sqe->ioprio = IORING_RECV_MULTISHOT;
    }

    /// <summary>
    /// TIMEOUT: a pure timer (off 0), since counting completions as well would race with them. LINK_TIMEOUT:
    /// bounds the SQE written just before it, which gets IO_LINK from the caller.
    /// </summary>
    internal static void Timeout(io_uring_sqe* sqe, io_uring_op op, __kernel_timespec* time)
    {
        Fill(sqe, op, time, length: 1);
        sqe->fd = -1;
    }

    internal static void Cancel(io_uring_sqe* sqe, ulong userData)
    {
        sqe->opcode = IORING_OP_ASYNC_CANCEL;
        sqe->fd = -1;
        sqe->addr = userData;
    }

    internal static void Poll(io_uring_sqe* sqe, uint events)
    {
        sqe->opcode = IORING_OP_POLL_ADD;
        sqe->poll32_events = events;
    }

    internal static __kernel_timespec Timespec(TimeSpan time) => new()
    {
        tv_sec = time.Ticks / TimeSpan.TicksPerSecond,
        tv_nsec = time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick,
    };
}

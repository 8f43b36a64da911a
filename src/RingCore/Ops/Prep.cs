// Op layer: the one writer of each opcode's SQE, for bare ops, handles, timers and the driver: every field
// the opcode reads, nothing else. The SQE comes zeroed, and the fields not named here must stay zero: many
// opcodes refuse them otherwise. fd and user_data are the driver's, but for opcodes that have no handle.
// Unsafe by nature: whoever calls it keeps the memory behind every address alive until the terminal CQE.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.OpFlags;
using static RingCore.Sys.SqeFlags;
using static RingCore.Sys.io_uring_op;

namespace RingCore;

/// <summary>Fills zeroed SQEs.</summary>
internal static unsafe class Prep
{
    internal static void Nop(io_uring_sqe* sqe) => sqe->opcode = IORING_OP_NOP;

    /// <summary>
    /// READ, WRITE, READV, WRITEV and the FIXED ones, at a file offset, or −1 for the file's own position
    /// and for what has none, with RWF_*; RECV, SEND and SENDMSG with MSG_*.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Transfer(
        io_uring_sqe* sqe, io_uring_op op, byte* address, uint length, uint flags = 0, long offset = 0)
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

    internal static void Accept(io_uring_sqe* sqe, uint flags, bool multishot)
    {
        sqe->opcode = IORING_OP_ACCEPT;
        sqe->accept_flags = flags;
        sqe->ioprio = multishot ? IORING_ACCEPT_MULTISHOT : (ushort)0;
    }

    internal static void Connect(io_uring_sqe* sqe, byte* address, int length)
    {
        sqe->opcode = IORING_OP_CONNECT;
        sqe->addr = (ulong)address;
        // addrlen stands in the offset's place.
        sqe->off = (ulong)length;
    }

    internal static void Timeout(io_uring_sqe* sqe, __kernel_timespec* time)
    {
        sqe->opcode = IORING_OP_TIMEOUT;
        sqe->fd = -1;
        // A pure timer: counting completions as well would race with them.
        sqe->off = 0;
        sqe->addr = (ulong)time;
        sqe->len = 1;
    }

    /// <summary>Bounds the SQE written just before it, which gets IO_LINK from the caller.</summary>
    internal static void LinkTimeout(io_uring_sqe* sqe, __kernel_timespec* time)
    {
        sqe->opcode = IORING_OP_LINK_TIMEOUT;
        sqe->fd = -1;
        sqe->addr = (ulong)time;
        sqe->len = 1;
    }

    internal static void Cancel(io_uring_sqe* sqe, ulong userData)
    {
        sqe->opcode = IORING_OP_ASYNC_CANCEL;
        sqe->fd = -1;
        sqe->addr = userData;
    }

    internal static void Poll(io_uring_sqe* sqe, uint events, bool multishot = false)
    {
        sqe->opcode = IORING_OP_POLL_ADD;
        sqe->poll32_events = events;
        sqe->len = multishot ? IORING_POLL_ADD_MULTI : 0;
    }

    /// <summary>SPLICE and TEE; the fd is the target's.</summary>
    internal static void Splice(
        io_uring_sqe* sqe, io_uring_op op, int from, ulong fromOffset, ulong toOffset, uint length,
        uint flags)
    {
        sqe->opcode = op;
        sqe->splice_fd_in = from;
        sqe->splice_off_in = fromOffset;
        sqe->off = toOffset;
        sqe->len = length;
        sqe->splice_flags = flags;
    }

    /// <summary>
    /// OPENAT, STATX, RENAMEAT, UNLINKAT, MKDIRAT, LINKAT, SYMLINKAT: the path's address, what stands beside
    /// it, flags.
    /// </summary>
    internal static void Path(
        io_uring_sqe* sqe, io_uring_op op, byte* path, ulong second, uint length, uint flags)
    {
        sqe->opcode = op;
        sqe->addr = (ulong)path;
        sqe->off = second;
        sqe->len = length;
        sqe->rw_flags = flags;
    }

    /// <summary>FSYNC, FALLOCATE, FTRUNCATE, SHUTDOWN, SOCKET, CLOSE: numbers alone.</summary>
    internal static void Plain(
        io_uring_sqe* sqe, io_uring_op op, ulong off, ulong addr, uint length, uint flags)
    {
        sqe->opcode = op;
        sqe->off = off;
        sqe->addr = addr;
        sqe->len = length;
        sqe->rw_flags = flags;
    }

    internal static __kernel_timespec Timespec(TimeSpan time) => new()
    {
        tv_sec = time.Ticks / TimeSpan.TicksPerSecond,
        tv_nsec = time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick,
    };
}

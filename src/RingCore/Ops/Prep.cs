// Op layer: how each opcode's SQE is written: one method per opcode, every field the opcode reads, nothing else. The SQE comes
// zeroed, and the fields not named here must stay zero: many opcodes refuse them otherwise. fd and user_data are the driver's.
// Unsafe by nature: whoever calls it keeps the memory behind every address alive until the terminal CQE.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.SqeFlags;

namespace RingCore;

/// <summary>Fills zeroed SQEs.</summary>
internal static unsafe class Prep
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Recv(io_uring_sqe* sqe, ulong address, uint length, uint msgFlags = 0)
    {
        sqe->opcode = io_uring_op.IORING_OP_RECV;
        sqe->addr = address;
        sqe->len = length;
        sqe->msg_flags = msgFlags;
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Send(io_uring_sqe* sqe, ulong address, uint length, uint msgFlags)
    {
        sqe->opcode = io_uring_op.IORING_OP_SEND;
        sqe->addr = address;
        sqe->len = length;
        sqe->msg_flags = msgFlags;
    }

    internal static void SendMsg(io_uring_sqe* sqe, msghdr* message, uint msgFlags)
    {
        sqe->opcode = io_uring_op.IORING_OP_SENDMSG;
        sqe->addr = (ulong)message;
        sqe->len = 1;
        sqe->msg_flags = msgFlags;
    }

    /// <summary>READ, WRITE: at a file offset, or −1 for the file's own position and for what has none.</summary>
    internal static void ReadWrite(io_uring_sqe* sqe, io_uring_op op, ulong address, uint length, long offset, uint rwFlags = 0)
    {
        sqe->opcode = op;
        sqe->off = (ulong)offset;
        sqe->addr = address;
        sqe->len = length;
        sqe->rw_flags = rwFlags;
    }

    /// <summary>READ_FIXED, WRITE_FIXED: the address lies inside the registered buffer of that index.</summary>
    internal static void ReadWriteFixed(io_uring_sqe* sqe, io_uring_op op, ulong address, uint length, long offset, ushort index)
    {
        ReadWrite(sqe, op, address, length, offset);
        sqe->buf_index = index;
    }

    /// <summary>Accepts with CLOEXEC, without the peer's address: a multishot's CQEs would all write to the same place.</summary>
    internal static void Accept(io_uring_sqe* sqe, ushort ioprio)
    {
        sqe->opcode = io_uring_op.IORING_OP_ACCEPT;
        sqe->ioprio = ioprio; // The per-op flags of accept, send and receive live here, not in op flags.
        sqe->accept_flags = SocketConstants.SOCK_CLOEXEC;
    }

    internal static void Connect(io_uring_sqe* sqe, byte* address, uint length)
    {
        sqe->opcode = io_uring_op.IORING_OP_CONNECT;
        sqe->off = length; // addrlen stands in the offset's place.
        sqe->addr = (ulong)address;
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

    /// <summary>
    /// OPENAT (len: mode), STATX (len: mask, second: the result), UNLINKAT, MKDIRAT (len: mode), SYMLINKAT (path: the target),
    /// RENAMEAT, LINKAT (len: the second path's directory). The flags of all of them lie in one place.
    /// </summary>
    internal static void Path(io_uring_sqe* sqe, io_uring_op op, int directory, byte* path, ulong second, uint len, uint flags)
    {
        sqe->opcode = op;
        sqe->fd = directory;
        sqe->addr2 = second;
        sqe->addr = (ulong)path;
        sqe->len = len;
        sqe->open_flags = flags;
    }

    internal static void Poll(io_uring_sqe* sqe, uint events, uint pollFlags)
    {
        sqe->opcode = io_uring_op.IORING_OP_POLL_ADD;
        sqe->poll32_events = events;
        sqe->len = pollFlags;
    }

    /// <summary>Length 0: to the end of the file.</summary>
    internal static void Fsync(io_uring_sqe* sqe, ulong offset, uint length, uint flags)
    {
        sqe->opcode = io_uring_op.IORING_OP_FSYNC;
        sqe->off = offset;
        sqe->len = length;
        sqe->fsync_flags = flags;
    }

    internal static void Fallocate(io_uring_sqe* sqe, ulong offset, ulong length, uint mode)
    {
        sqe->opcode = io_uring_op.IORING_OP_FALLOCATE;
        sqe->off = offset;
        sqe->addr = length; // len is too narrow for it, and carries the mode.
        sqe->len = mode;
    }

    internal static void Ftruncate(io_uring_sqe* sqe, ulong length)
    {
        sqe->opcode = io_uring_op.IORING_OP_FTRUNCATE;
        sqe->off = length;
    }

    /// <summary>SPLICE; TEE with both offsets 0. The target is the driver's fd. An offset of −1: the file's own position, and for what has none.</summary>
    internal static void Splice(io_uring_sqe* sqe, io_uring_op op, int from, long fromOffset, long toOffset, uint length, uint flags)
    {
        sqe->opcode = op;
        sqe->off = (ulong)toOffset;
        sqe->splice_off_in = (ulong)fromOffset;
        sqe->len = length;
        sqe->splice_flags = flags;
        sqe->splice_fd_in = from;
    }

    internal static void Shutdown(io_uring_sqe* sqe, int how)
    {
        sqe->opcode = io_uring_op.IORING_OP_SHUTDOWN;
        sqe->len = (uint)how;
    }

    internal static void Socket(io_uring_sqe* sqe, int domain, int type, int protocol)
    {
        sqe->opcode = io_uring_op.IORING_OP_SOCKET;
        sqe->fd = domain;
        sqe->off = (ulong)type;
        sqe->len = (uint)protocol;
    }

    internal static void Close(io_uring_sqe* sqe, int fd)
    {
        sqe->opcode = io_uring_op.IORING_OP_CLOSE;
        sqe->fd = fd;
    }

    internal static __kernel_timespec Timespec(TimeSpan time) => new()
    {
        tv_sec = time.Ticks / TimeSpan.TicksPerSecond,
        tv_nsec = time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick,
    };
}

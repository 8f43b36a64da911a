// Layer: Sys. Flags and small numbers that belong to single opcodes, grouped by the SQE field they
// go into, then those of register structs. Used by Ops/ (prep) and Ring/ (registrations).
// Types follow the field: ushort where the kernel reads sqe.ioprio or another u16, otherwise uint.
// Flags that belong to libc calls as well (MSG_*, SOCK_*, O_*) are in SocketConstants.cs.
namespace RingCore.Sys;

/// <summary>
/// Per-operation flags and values. An undefined bit completes the request with -EINVAL.
/// </summary>
public static class OpFlags
{
    // sqe.timeout_flags: TIMEOUT, TIMEOUT_REMOVE, LINK_TIMEOUT.
    // Without a clock bit the clock is CLOCK_MONOTONIC; both clock bits together are -EINVAL.

    /// <summary>The timespec is a point in time, not a duration. Since 5.5.</summary>
    public const uint IORING_TIMEOUT_ABS = 1u << 0;

    /// <summary>
    /// TIMEOUT_REMOVE: set a new time (at <c>addr2</c>) instead of removing. Since 5.11.
    /// </summary>
    public const uint IORING_TIMEOUT_UPDATE = 1u << 1;

    /// <summary>Count on CLOCK_BOOTTIME, which runs during suspend. Since 5.15.</summary>
    public const uint IORING_TIMEOUT_BOOTTIME = 1u << 2;

    /// <summary>Count on CLOCK_REALTIME, which can be set. Since 5.15.</summary>
    public const uint IORING_TIMEOUT_REALTIME = 1u << 3;

    /// <summary>
    /// With <see cref="IORING_TIMEOUT_UPDATE"/>: the timeout to update is a LINK_TIMEOUT. Since
    /// 5.15.
    /// </summary>
    public const uint IORING_LINK_TIMEOUT_UPDATE = 1u << 4;

    /// <summary>
    /// Expiry counts as success for a chain; <c>res</c> is -ETIME all the same. Since 5.16.
    /// </summary>
    public const uint IORING_TIMEOUT_ETIME_SUCCESS = 1u << 5;

    /// <summary>
    /// Fire again and again, <c>off</c> times or for ever (0). Not with ABS. Since 6.4.
    /// </summary>
    public const uint IORING_TIMEOUT_MULTISHOT = 1u << 6;

    /// <summary>
    /// <c>addr</c> holds the time itself instead of an address. Since 7.1; -EINVAL before.
    /// </summary>
    public const uint IORING_TIMEOUT_IMMEDIATE_ARG = 1u << 7;

    /// <summary>The two clock bits. Since 5.15.</summary>
    public const uint IORING_TIMEOUT_CLOCK_MASK = IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME;

    /// <summary>The two update bits. Since 5.15.</summary>
    public const uint IORING_TIMEOUT_UPDATE_MASK =
        IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE;

    // sqe.len of POLL_ADD and POLL_REMOVE.

    /// <summary>Report every wake-up until cancelled, each CQE with MORE. Since 5.13.</summary>
    public const uint IORING_POLL_ADD_MULTI = 1u << 0;

    /// <summary>POLL_REMOVE: give the poll a new mask instead of removing it. Since 5.13.</summary>
    public const uint IORING_POLL_UPDATE_EVENTS = 1u << 1;

    /// <summary>
    /// POLL_REMOVE: give the poll a new <c>user_data</c> (in <c>off</c>). Since 5.13.
    /// </summary>
    public const uint IORING_POLL_UPDATE_USER_DATA = 1u << 2;

    /// <summary>
    /// Level-triggered polling; in the header since 6.0, but a request with it gets -EINVAL.
    /// </summary>
    public const uint IORING_POLL_ADD_LEVEL = 1u << 3;

    // sqe.cancel_flags of ASYNC_CANCEL, and io_uring_sync_cancel_reg.flags.

    /// <summary>
    /// Cancel every match, not only the first; <c>res</c> is the count. Since 5.19.
    /// </summary>
    public const uint IORING_ASYNC_CANCEL_ALL = 1u << 0;

    /// <summary>
    /// Match by file (<c>fd</c>) instead of <c>user_data</c>. Every descriptor of the same open
    /// file matches; TIMEOUT requests have none and are never matched. Not with ANY. Since 5.19.
    /// </summary>
    public const uint IORING_ASYNC_CANCEL_FD = 1u << 1;

    /// <summary>
    /// Match everything on the ring. Behaves as if ALL were set: <c>res</c> is a count. Since 5.19.
    /// </summary>
    public const uint IORING_ASYNC_CANCEL_ANY = 1u << 2;

    /// <summary>With FD: <c>fd</c> is a registered slot. Since 6.0.</summary>
    public const uint IORING_ASYNC_CANCEL_FD_FIXED = 1u << 3;

    /// <summary>
    /// Match by <c>user_data</c>, the default; for combination with another key. Since 6.6.
    /// </summary>
    public const uint IORING_ASYNC_CANCEL_USERDATA = 1u << 4;

    /// <summary>Match by opcode (in <c>len</c>). Not with ANY. Since 6.6.</summary>
    public const uint IORING_ASYNC_CANCEL_OP = 1u << 5;

    // sqe.ioprio of SEND, SENDMSG, RECV, RECVMSG and the zero-copy forms.

    /// <summary>
    /// Do not try at once, wait by poll first: for sockets known to be empty or full. Since 5.19.
    /// </summary>
    public const ushort IORING_RECVSEND_POLL_FIRST = 1 << 0;

    /// <summary>
    /// Receive again and again, each time into a buffer of the group, until an error, the end of
    /// the stream, no buffer, or cancellation. Needs BUFFER_SELECT; not with MSG_WAITALL. Since
    /// 6.0.
    /// </summary>
    public const ushort IORING_RECV_MULTISHOT = 1 << 1;

    /// <summary>
    /// Zero-copy sends: the data lies in registered buffer <c>buf_index</c>. A plain SEND gets
    /// -EINVAL. Since 6.0.
    /// </summary>
    public const ushort IORING_RECVSEND_FIXED_BUF = 1 << 2;

    /// <summary>
    /// Zero-copy sends: the notification's <c>res</c> says whether data was copied after all. Since
    /// 6.2.
    /// </summary>
    public const ushort IORING_SEND_ZC_REPORT_USAGE = 1 << 3;

    /// <summary>
    /// SEND and RECV: use several buffers of the group in one go, starting at the id in the CQE.
    /// <c>res</c> is the bytes in all. Needs BUFFER_SELECT. Since 6.10.
    /// </summary>
    public const ushort IORING_RECVSEND_BUNDLE = 1 << 4;

    /// <summary>
    /// SEND, SEND_ZC: <c>addr</c> is an iovec array of <c>len</c> elements. Since 6.17.
    /// </summary>
    public const ushort IORING_SEND_VECTORIZED = 1 << 5;

    // sqe.ioprio of ACCEPT.

    /// <summary>
    /// One CQE per connection until it ends; with direct descriptors needs FILE_INDEX_ALLOC. Since
    /// 5.19.
    /// </summary>
    public const ushort IORING_ACCEPT_MULTISHOT = 1 << 0;

    /// <summary>Do not wait: -EAGAIN if no connection is there. Since 6.10.</summary>
    public const ushort IORING_ACCEPT_DONTWAIT = 1 << 1;

    /// <summary>Do not try at once, wait by poll first. Since 6.10.</summary>
    public const ushort IORING_ACCEPT_POLL_FIRST = 1 << 2;

    // Zero-copy notification: io_uring_cqe.res with REPORT_USAGE.

    /// <summary>
    /// Bit 31 of the notification's <c>res</c>: at least part was copied, as on loopback always.
    /// Since 6.2.
    /// </summary>
    public const uint IORING_NOTIF_USAGE_ZC_COPIED = 1u << 31;

    // MSG_RING: the command in sqe.addr, then sqe.msg_ring_flags.

    /// <summary>
    /// Command: post a CQE with <c>len</c> as <c>res</c> and <c>off</c> as <c>user_data</c> on the
    /// target ring. Since 5.18.
    /// </summary>
    public const uint IORING_MSG_DATA = 0;

    /// <summary>Command: move a registered file into the target ring's table. Since 6.0.</summary>
    public const uint IORING_MSG_SEND_FD = 1;

    /// <summary>SEND_FD: post nothing on the target ring. Since 6.0.</summary>
    public const uint IORING_MSG_RING_CQE_SKIP = 1u << 0;

    /// <summary>DATA: the target's CQE gets <c>file_index</c> as its flags. Since 6.3.</summary>
    public const uint IORING_MSG_RING_FLAGS_PASS = 1u << 1;

    // sqe.nop_flags.

    /// <summary><c>len</c> is returned as <c>res</c>. Since 6.10.</summary>
    public const uint IORING_NOP_INJECT_RESULT = 1u << 0;

    /// <summary>Look up <c>fd</c>, so that a test can fail there. Since 6.13.</summary>
    public const uint IORING_NOP_FILE = 1u << 1;

    /// <summary>With FILE: look it up among registered files. Since 6.13.</summary>
    public const uint IORING_NOP_FIXED_FILE = 1u << 2;

    /// <summary>Look up registered buffer <c>buf_index</c>. Since 6.13.</summary>
    public const uint IORING_NOP_FIXED_BUFFER = 1u << 3;

    /// <summary>Complete through task work instead of inline. Since 6.16.</summary>
    public const uint IORING_NOP_TW = 1u << 4;

    /// <summary>Post a 32-byte CQE. Since 6.18.</summary>
    public const uint IORING_NOP_CQE32 = 1u << 5;

    // sqe.fsync_flags, sqe.splice_flags, sqe.file_index, sqe.install_fd_flags.

    /// <summary>
    /// Fsync: data and what is needed to read it back, not times and the like (fdatasync). Since
    /// 5.1.
    /// </summary>
    public const uint IORING_FSYNC_DATASYNC = 1u << 0;

    /// <summary>Splice: may move pages instead of copying them. Does nothing since 2.6.21.</summary>
    public const uint SPLICE_F_MOVE = 1;

    /// <summary>Splice, tee: does not wait for the pipe; -EAGAIN. Linux 2.6.17.</summary>
    public const uint SPLICE_F_NONBLOCK = 2;

    /// <summary>Splice to a socket: more follows, as MSG_MORE. Linux 2.6.17.</summary>
    public const uint SPLICE_F_MORE = 4;

    /// <summary>Splice, tee: <c>splice_fd_in</c> is a registered slot. Since 5.7.</summary>
    public const uint SPLICE_F_FD_IN_FIXED = 1u << 31;

    /// <summary>
    /// In <c>file_index</c>: the kernel picks a free slot and returns it in <c>res</c>; -ENFILE if
    /// none. Since 5.19.
    /// </summary>
    public const uint IORING_FILE_INDEX_ALLOC = 0xFFFFFFFF;

    /// <summary>FIXED_FD_INSTALL: the new descriptor survives exec. Since 6.8.</summary>
    public const uint IORING_FIXED_FD_NO_CLOEXEC = 1u << 0;

    // sqe.rw_flags, the RWF_* of preadv2.

    /// <summary>Poll for completion (IOPOLL rings, O_DIRECT). Since 5.1.</summary>
    public const uint RWF_HIPRI = 0x1;

    /// <summary>This write behaves as if the file were opened with O_DSYNC. Since 5.1.</summary>
    public const uint RWF_DSYNC = 0x2;

    /// <summary>This write behaves as if the file were opened with O_SYNC. Since 5.1.</summary>
    public const uint RWF_SYNC = 0x4;

    /// <summary>-EAGAIN instead of waiting. Since 5.1.</summary>
    public const uint RWF_NOWAIT = 0x8;

    /// <summary>This write goes to the end of the file. Since 5.1.</summary>
    public const uint RWF_APPEND = 0x10;

    /// <summary>This write honours its offset although the file is O_APPEND. Since 6.9.</summary>
    public const uint RWF_NOAPPEND = 0x20;

    /// <summary>
    /// This write is torn neither by a crash nor by power loss; limits come from statx. Since 6.11.
    /// </summary>
    public const uint RWF_ATOMIC = 0x40;

    /// <summary>Use the page cache, but do not keep the pages. Since 6.14.</summary>
    public const uint RWF_DONTCACHE = 0x80;

    /// <summary>
    /// In <c>attr_type_mask</c>: <c>attr_ptr</c> points to data-integrity information. Since 6.14.
    /// </summary>
    public const ulong IORING_RW_ATTR_FLAG_PI = 1;

    // URING_CMD: sqe.uring_cmd_flags, then sqe.cmd_op on sockets.

    /// <summary>The command's data lies in registered buffer <c>buf_index</c>. Since 6.1.</summary>
    public const uint IORING_URING_CMD_FIXED = 1u << 0;

    /// <summary>
    /// The command posts again and again, each time into a buffer of the group. Since 6.18.
    /// </summary>
    public const uint IORING_URING_CMD_MULTISHOT = 1u << 1;

    /// <summary>
    /// Socket command: bytes waiting to be read. TCP and UDP; Unix sockets give -EOPNOTSUPP. Since
    /// 6.7.
    /// </summary>
    public const uint SOCKET_URING_OP_SIOCINQ = 0;

    /// <summary>
    /// Socket command: bytes not yet sent. TCP and UDP; Unix sockets give -EOPNOTSUPP. Since 6.7.
    /// </summary>
    public const uint SOCKET_URING_OP_SIOCOUTQ = 1;

    /// <summary>
    /// Socket command: getsockopt, level SOL_SOCKET only; <c>res</c> is the length. Since 6.7.
    /// </summary>
    public const uint SOCKET_URING_OP_GETSOCKOPT = 2;

    /// <summary>Socket command: setsockopt. Since 6.7.</summary>
    public const uint SOCKET_URING_OP_SETSOCKOPT = 3;

    /// <summary>
    /// Socket command: multishot report of transmit time stamps; needs 32-byte CQEs. Since 6.17.
    /// </summary>
    public const uint SOCKET_URING_OP_TX_TIMESTAMP = 4;

    /// <summary>
    /// Socket command: getsockname and getpeername. Since 6.19; -EOPNOTSUPP before.
    /// </summary>
    public const uint SOCKET_URING_OP_GETSOCKNAME = 5;

    // Futex operations: futex2 flags in sqe.fd. Poll: a bit of poll32_events.

    /// <summary>The futex is 32 bits wide; the only width there is. Since 6.7.</summary>
    public const int FUTEX2_SIZE_U32 = 2;

    /// <summary>The futex is used by threads of this process only. Since 6.7.</summary>
    public const int FUTEX2_PRIVATE = 128;

    /// <summary>In <c>addr3</c>: any waker matches. Since 6.7.</summary>
    public const ulong FUTEX_BITSET_MATCH_ANY = 0xFFFFFFFF;

    /// <summary>
    /// Poll mask: of several pollers of one file wake one. One-shot polls only. Since 5.9.
    /// </summary>
    public const uint EPOLLEXCLUSIVE = 1u << 28;

    // Values inside register arguments.

    /// <summary>
    /// In <see cref="io_uring_rsrc_register.flags"/>: all slots start empty, no data is given.
    /// Since 5.19.
    /// </summary>
    public const uint IORING_RSRC_REGISTER_SPARSE = 1u << 0;

    /// <summary>
    /// In an array of descriptors for an update: leave this slot as it is. Since 5.12.
    /// </summary>
    public const int IORING_REGISTER_FILES_SKIP = -2;

    /// <summary>In <see cref="io_uring_probe_op.flags"/>: the opcode exists. Since 5.6.</summary>
    public const ushort IO_URING_OP_SUPPORTED = 1 << 0;

    /// <summary>
    /// In <see cref="io_uring_buf_reg.flags"/>: the kernel allocates the ring and the application
    /// maps it at <see cref="MmapOffsets.IORING_OFF_PBUF_RING"/>. Since 6.4.
    /// </summary>
    public const ushort IOU_PBUF_RING_MMAP = 1;

    /// <summary>
    /// In <see cref="io_uring_buf_reg.flags"/>: a buffer is used up piece by piece; the CQE that
    /// does not carry <see cref="CqeFlags.IORING_CQE_F_BUF_MORE"/> was its last. Since 6.12.
    /// </summary>
    public const ushort IOU_PBUF_RING_INC = 2;

    /// <summary>
    /// Index of the limit for regular files and block devices in IOWQ_MAX_WORKERS. Since 5.15.
    /// </summary>
    public const int IO_WQ_BOUND = 0;

    /// <summary>
    /// Index of the limit for everything else, sockets for example, in IOWQ_MAX_WORKERS. Since
    /// 5.15.
    /// </summary>
    public const int IO_WQ_UNBOUND = 1;

    /// <summary>Restriction: allow a register operation. Since 5.10.</summary>
    public const ushort IORING_RESTRICTION_REGISTER_OP = 0;

    /// <summary>Restriction: allow an opcode. Since 5.10.</summary>
    public const ushort IORING_RESTRICTION_SQE_OP = 1;

    /// <summary>Restriction: allow these <c>IOSQE_*</c> bits. Since 5.10.</summary>
    public const ushort IORING_RESTRICTION_SQE_FLAGS_ALLOWED = 2;

    /// <summary>Restriction: demand these <c>IOSQE_*</c> bits. Since 5.10.</summary>
    public const ushort IORING_RESTRICTION_SQE_FLAGS_REQUIRED = 3;

    /// <summary>In <see cref="io_uring_reg_wait.flags"/>: the timeout counts. Since 6.13.</summary>
    public const uint IORING_REG_WAIT_TS = 1u << 0;

    /// <summary>
    /// In <see cref="io_uring_region_desc.flags"/>: the application supplies the memory. Since
    /// 6.13.
    /// </summary>
    public const uint IORING_MEM_REGION_TYPE_USER = 1;

    /// <summary>
    /// In <see cref="io_uring_mem_region_reg.flags"/>: the region holds wait arguments. Since 6.13.
    /// </summary>
    public const ulong IORING_MEM_REGION_REG_WAIT_ARG = 1;

    /// <summary>
    /// In <see cref="io_uring_clone_buffers.flags"/>: the source is a registered ring index. Since
    /// 6.12.
    /// </summary>
    public const uint IORING_REGISTER_SRC_REGISTERED = 1u << 0;

    /// <summary>
    /// In <see cref="io_uring_clone_buffers.flags"/>: replace buffers that are in the way. Since
    /// 6.13.
    /// </summary>
    public const uint IORING_REGISTER_DST_REPLACE = 1u << 1;

    /// <summary>
    /// In <see cref="io_uring_napi.opcode"/>: set timeout and tracking mode. Since 6.13.
    /// </summary>
    public const byte IO_URING_NAPI_REGISTER_OP = 0;

    /// <summary>
    /// In <see cref="io_uring_napi.opcode"/>: add one receive queue by id. Since 6.13.
    /// </summary>
    public const byte IO_URING_NAPI_STATIC_ADD_ID = 1;

    /// <summary>
    /// In <see cref="io_uring_napi.opcode"/>: remove one receive queue by id. Since 6.13.
    /// </summary>
    public const byte IO_URING_NAPI_STATIC_DEL_ID = 2;

    /// <summary>
    /// In <see cref="io_uring_napi.op_param"/>: the kernel notes queues as sockets are used. Since
    /// 6.13.
    /// </summary>
    public const uint IO_URING_NAPI_TRACKING_DYNAMIC = 0;

    /// <summary>
    /// In <see cref="io_uring_napi.op_param"/>: only queues that were added. Since 6.13.
    /// </summary>
    public const uint IO_URING_NAPI_TRACKING_STATIC = 1;

    /// <summary>
    /// In <see cref="io_uring_napi.op_param"/>: none; what the kernel writes back when polling was
    /// off. Since 6.13.
    /// </summary>
    public const uint IO_URING_NAPI_TRACKING_INACTIVE = 255;

    /// <summary>
    /// In <see cref="io_uring_query_hdr.query_op"/>: which opcodes and flags exist
    /// (<see cref="io_uring_query_opcode"/>). Since 6.18.
    /// </summary>
    public const uint IO_URING_QUERY_OPCODES = 0;
}

// Layer: Sys. Flags and small numbers that belong to single opcodes, grouped by the SQE field they
// go into. Used by Ops/ (prep). Left out are those of opcodes that RingCore does not use.
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

    // sqe.cancel_flags of ASYNC_CANCEL.

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

    // sqe.ioprio of SEND, SENDMSG, RECV and RECVMSG.

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

    // sqe.fsync_flags, sqe.splice_flags.

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

    // Poll: a bit of poll32_events.

    /// <summary>
    /// Poll mask: of several pollers of one file wake one. One-shot polls only. Since 5.9.
    /// </summary>
    public const uint EPOLLEXCLUSIVE = 1u << 28;

    /// <summary>In <see cref="io_uring_probe_op.flags"/>: the opcode exists. Since 5.6.</summary>
    internal const ushort IO_URING_OP_SUPPORTED = 1 << 0;
}

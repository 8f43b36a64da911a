// Layer: Sys. Opcodes of io_uring_register, with the argument each takes and what nr_args means.
// Ring/ calls them for files, buffers, buffer rings, worker limits and reports.
// Every call takes the ring lock; on a SINGLE_ISSUER ring it must come from the owning task
// (-EEXIST otherwise), except those that work without a ring (fd -1).
// This file does not call anything.
namespace RingCore.Sys;

/// <summary>
/// <c>IORING_REGISTER_*</c> and <c>IORING_UNREGISTER_*</c>: operations of <c>io_uring_register</c>.
/// "arg" and "nr_args" below are its last two arguments. Unknown operations give -EINVAL.
/// </summary>
public static class RegisterOps
{
    /// <summary>
    /// Pins memory as fixed buffers. arg: <see cref="iovec"/> array; nr_args: how many, at most
    /// 16384 of at most 1 GiB each. Counts against the memlock limit. Since 5.1.
    /// </summary>
    public const uint IORING_REGISTER_BUFFERS = 0;

    /// <summary>
    /// Drops all fixed buffers; requests in flight keep theirs alive. arg and nr_args: 0. Since
    /// 5.1.
    /// </summary>
    public const uint IORING_UNREGISTER_BUFFERS = 1;

    /// <summary>
    /// Registers a file table. arg: array of descriptors, -1 for an empty slot (5.5); nr_args: how
    /// many. Since 5.1.
    /// </summary>
    public const uint IORING_REGISTER_FILES = 2;

    /// <summary>Drops the file table. arg and nr_args: 0. Since 5.1.</summary>
    public const uint IORING_UNREGISTER_FILES = 3;

    /// <summary>
    /// Signals an eventfd for each CQE; one per ring. arg: pointer to the descriptor; nr_args: 1.
    /// Since 5.2.
    /// </summary>
    public const uint IORING_REGISTER_EVENTFD = 4;

    /// <summary>Ends the eventfd signalling. arg and nr_args: 0. Since 5.2.</summary>
    public const uint IORING_UNREGISTER_EVENTFD = 5;

    /// <summary>
    /// Replaces a range of the file table. arg: <see cref="io_uring_rsrc_update"/>, whose data
    /// points to descriptors; nr_args: how many. Returns the number done. Since 5.5.
    /// </summary>
    public const uint IORING_REGISTER_FILES_UPDATE = 6;

    /// <summary>
    /// As EVENTFD, but signals only for requests that did not complete inline. Since 5.6.
    /// </summary>
    public const uint IORING_REGISTER_EVENTFD_ASYNC = 7;

    /// <summary>
    /// Reports which opcodes exist. arg: a zeroed <see cref="io_uring_probe"/> followed by room for
    /// nr_args entries, at most 256. Since 5.6.
    /// </summary>
    public const uint IORING_REGISTER_PROBE = 8;

    /// <summary>
    /// Stores the caller's credentials and returns their id for <c>sqe.personality</c>. arg and
    /// nr_args: 0. Since 5.6.
    /// </summary>
    public const uint IORING_REGISTER_PERSONALITY = 9;

    /// <summary>Forgets credentials. arg: 0; nr_args: the id. Since 5.6.</summary>
    public const uint IORING_UNREGISTER_PERSONALITY = 10;

    /// <summary>
    /// Limits what the ring may do, once, while it is disabled. arg: array of
    /// <see cref="io_uring_restriction"/>; nr_args: how many. Since 5.10.
    /// </summary>
    public const uint IORING_REGISTER_RESTRICTIONS = 11;

    /// <summary>
    /// Enables a ring made with <see cref="SetupFlags.IORING_SETUP_R_DISABLED"/> and makes the
    /// caller its single issuer. arg and nr_args: 0. Since 5.10.
    /// </summary>
    public const uint IORING_REGISTER_ENABLE_RINGS = 12;

    /// <summary>
    /// FILES with tags or as a sparse table. arg: <see cref="io_uring_rsrc_register"/>; nr_args:
    /// its size, 32. Since 5.13, sparse 5.19.
    /// </summary>
    public const uint IORING_REGISTER_FILES2 = 13;

    /// <summary>
    /// Replaces files with tags. arg: <see cref="io_uring_rsrc_update2"/>; nr_args: its size, 32.
    /// Since 5.13.
    /// </summary>
    public const uint IORING_REGISTER_FILES_UPDATE2 = 14;

    /// <summary>
    /// BUFFERS with tags or as a sparse table. arg: <see cref="io_uring_rsrc_register"/>; nr_args:
    /// its size, 32. Since 5.13, sparse 5.19.
    /// </summary>
    public const uint IORING_REGISTER_BUFFERS2 = 15;

    /// <summary>
    /// Replaces fixed buffers. arg: <see cref="io_uring_rsrc_update2"/>; nr_args: its size, 32.
    /// Since 5.13.
    /// </summary>
    public const uint IORING_REGISTER_BUFFERS_UPDATE = 16;

    /// <summary>
    /// Sets the processors for worker threads. arg: processor mask; nr_args: its bytes. Since 5.14.
    /// </summary>
    public const uint IORING_REGISTER_IOWQ_AFF = 17;

    /// <summary>Lets worker threads run anywhere again. arg and nr_args: 0. Since 5.14.</summary>
    public const uint IORING_UNREGISTER_IOWQ_AFF = 18;

    /// <summary>
    /// Limits worker threads of the calling task. arg: two u32, bounded then unbounded
    /// (<see cref="OpFlags.IO_WQ_BOUND"/>), 0 leaves a value; the old values come back; nr_args: 2.
    /// Since 5.15.
    /// </summary>
    public const uint IORING_REGISTER_IOWQ_MAX_WORKERS = 19;

    /// <summary>
    /// Gives the calling thread (16 slots each) an index for a ring descriptor. arg: array of
    /// <see cref="io_uring_rsrc_update"/> with offset -1 (any) and data the descriptor; the chosen
    /// offset is written back; nr_args: how many. Since 5.18.
    /// </summary>
    public const uint IORING_REGISTER_RING_FDS = 20;

    /// <summary>
    /// Gives such indexes back. arg: array of <see cref="io_uring_rsrc_update"/>; nr_args: how
    /// many. Since 5.18.
    /// </summary>
    public const uint IORING_UNREGISTER_RING_FDS = 21;

    /// <summary>
    /// Makes a buffer group that is a ring in shared memory. arg: <see cref="io_uring_buf_reg"/>
    /// with 1 to 32768 entries, a power of two; nr_args: 1. Since 5.19, kernel memory 6.4,
    /// incremental 6.12.
    /// </summary>
    public const uint IORING_REGISTER_PBUF_RING = 22;

    /// <summary>
    /// Ends a buffer group. arg: <see cref="io_uring_buf_reg"/> with the group id; nr_args: 1.
    /// Since 5.19.
    /// </summary>
    public const uint IORING_UNREGISTER_PBUF_RING = 23;

    /// <summary>
    /// Cancels and waits for the end. arg: <see cref="io_uring_sync_cancel_reg"/>; nr_args: 1.
    /// Returns 0 or a count, -ENOENT, or -ETIME. Since 6.0.
    /// </summary>
    public const uint IORING_REGISTER_SYNC_CANCEL = 24;

    /// <summary>
    /// Limits the slots the kernel may choose for direct descriptors. arg:
    /// <see cref="io_uring_file_index_range"/>; nr_args: 0, although the manual says 1. Since 6.0.
    /// </summary>
    public const uint IORING_REGISTER_FILE_ALLOC_RANGE = 25;

    /// <summary>
    /// Reports the kernel's head index of a buffer ring. arg: <see cref="io_uring_buf_status"/>;
    /// nr_args: 1. Since 6.8.
    /// </summary>
    public const uint IORING_REGISTER_PBUF_STATUS = 26;

    /// <summary>
    /// Lets waits poll the network card for a while. arg: <see cref="io_uring_napi"/>, where the
    /// old values are written back; nr_args: 1. -EINVAL on an IOPOLL ring. Since 6.9.
    /// </summary>
    public const uint IORING_REGISTER_NAPI = 27;

    /// <summary>
    /// Ends that polling. arg: <see cref="io_uring_napi"/> or 0; nr_args: 1. Since 6.9.
    /// </summary>
    public const uint IORING_UNREGISTER_NAPI = 28;

    /// <summary>
    /// Chooses the clock for enter's timeouts, CLOCK_MONOTONIC or CLOCK_BOOTTIME. arg:
    /// <see cref="io_uring_clock_register"/>; nr_args: 0. Since 6.12.
    /// </summary>
    public const uint IORING_REGISTER_CLOCK = 29;

    /// <summary>
    /// Takes over fixed buffers of another ring without pinning them again. arg:
    /// <see cref="io_uring_clone_buffers"/>; nr_args: 1. Since 6.12, ranges 6.13.
    /// </summary>
    public const uint IORING_REGISTER_CLONE_BUFFERS = 30;

    /// <summary>
    /// Sends a ring message without having a ring: fd is -1, arg an <see cref="io_uring_sqe"/> with
    /// <see cref="io_uring_op.IORING_OP_MSG_RING"/> and the DATA command; nr_args: 1. From any
    /// thread. Since 6.13.
    /// </summary>
    public const uint IORING_REGISTER_SEND_MSG_RING = 31;

    /// <summary>
    /// Binds a network receive queue for zero-copy receive; needs CAP_NET_ADMIN. nr_args: 1. Since
    /// 6.15.
    /// </summary>
    public const uint IORING_REGISTER_ZCRX_IFQ = 32;

    /// <summary>
    /// Changes the ring sizes; only with DEFER_TASKRUN. arg: <see cref="io_uring_params"/>;
    /// nr_args: 1. -EOVERFLOW if what is in the rings does not fit. Since 6.13.
    /// </summary>
    public const uint IORING_REGISTER_RESIZE_RINGS = 33;

    /// <summary>
    /// Registers memory that holds wait arguments. arg: <see cref="io_uring_mem_region_reg"/>;
    /// nr_args: 1. As wait region only while the ring is disabled. Since 6.13.
    /// </summary>
    public const uint IORING_REGISTER_MEM_REGION = 34;

    /// <summary>
    /// Answers questions about the interface. arg: a chain of <see cref="io_uring_query_hdr"/>;
    /// nr_args: 0; fd may be -1. Since 6.18.
    /// </summary>
    public const uint IORING_REGISTER_QUERY = 35;

    /// <summary>Controls a zero-copy receive queue. Since 6.19; -EINVAL before.</summary>
    public const uint IORING_REGISTER_ZCRX_CTRL = 36;

    /// <summary>Attaches BPF programs that filter requests. Since 7.0; -EINVAL before.</summary>
    public const uint IORING_REGISTER_BPF_FILTER = 37;

    /// <summary>
    /// Bit 31, or-ed to any of the above: the descriptor argument is a registered ring index. Since
    /// 6.3 (<see cref="Features.IORING_FEAT_REG_REG_RING"/>).
    /// </summary>
    public const uint IORING_REGISTER_USE_REGISTERED_RING = 1u << 31;
}

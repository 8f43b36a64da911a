// Layer: Sys. Opcodes of io_uring_register, with the argument each takes and what nr_args means.
// Those that RingCore uses: buffers, buffer rings, worker limits, the registered ring, the probe.
// Every call takes the ring lock; on a SINGLE_ISSUER ring it must come from the owning task
// (-EEXIST otherwise), except those that work without a ring (fd -1).
// This file does not call anything.
namespace RingCore.Sys;

/// <summary>
/// <c>IORING_REGISTER_*</c> and <c>IORING_UNREGISTER_*</c>: operations of <c>io_uring_register</c>.
/// "arg" and "nr_args" below are its last two arguments. Unknown operations give -EINVAL.
/// </summary>
internal static class RegisterOps
{
    /// <summary>
    /// Pins memory as fixed buffers. arg: <see cref="iovec"/> array; nr_args: how many, at most
    /// 16384 of at most 1 GiB each. Counts against the memlock limit. Since 5.1.
    /// </summary>
    internal const uint IORING_REGISTER_BUFFERS = 0;

    /// <summary>
    /// Drops all fixed buffers; requests in flight keep theirs alive. arg and nr_args: 0. Since
    /// 5.1.
    /// </summary>
    internal const uint IORING_UNREGISTER_BUFFERS = 1;

    /// <summary>
    /// Registers a file table. arg: array of descriptors, -1 for an empty slot (5.5); nr_args: how
    /// many. Since 5.1.
    /// </summary>
    internal const uint IORING_REGISTER_FILES = 2;

    /// <summary>Drops the file table. arg and nr_args: 0. Since 5.1.</summary>
    internal const uint IORING_UNREGISTER_FILES = 3;

    /// <summary>
    /// Reports which opcodes exist. arg: a zeroed <see cref="io_uring_probe"/> followed by room for
    /// nr_args entries, at most 256. Since 5.6.
    /// </summary>
    internal const uint IORING_REGISTER_PROBE = 8;

    /// <summary>
    /// Limits worker threads of the calling task. arg: two u32, bounded then unbounded
    /// (<c>IO_WQ_BOUND</c>), 0 leaves a value; the old values come back; nr_args: 2.
    /// Since 5.15.
    /// </summary>
    internal const uint IORING_REGISTER_IOWQ_MAX_WORKERS = 19;

    /// <summary>
    /// Gives the calling thread (16 slots each) an index for a ring descriptor. arg: array of
    /// <see cref="io_uring_rsrc_update"/> with offset -1 (any) and data the descriptor; the chosen
    /// offset is written back; nr_args: how many. Since 5.18.
    /// </summary>
    internal const uint IORING_REGISTER_RING_FDS = 20;

    /// <summary>
    /// Gives such indexes back. arg: array of <see cref="io_uring_rsrc_update"/>; nr_args: how
    /// many. Since 5.18.
    /// </summary>
    internal const uint IORING_UNREGISTER_RING_FDS = 21;

    /// <summary>
    /// Makes a buffer group that is a ring in shared memory. arg: <see cref="io_uring_buf_reg"/>
    /// with 1 to 32768 entries, a power of two; nr_args: 1. Since 5.19, kernel memory 6.4,
    /// incremental 6.12.
    /// </summary>
    internal const uint IORING_REGISTER_PBUF_RING = 22;

    /// <summary>
    /// Ends a buffer group. arg: <see cref="io_uring_buf_reg"/> with the group id; nr_args: 1.
    /// Since 5.19.
    /// </summary>
    internal const uint IORING_UNREGISTER_PBUF_RING = 23;
}

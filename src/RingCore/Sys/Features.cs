// Layer: Sys. IORING_FEAT_*: bits of io_uring_params.features, reported by io_uring_setup.
// Ring/ reads them once and turns them into its capability report. Many abilities have no bit
// (multishot, buffer rings, zero-copy send, DEFER_TASKRUN): those are found out by the opcode
// probe and by trying. This file only names the bits.
namespace RingCore.Sys;

/// <summary><c>IORING_FEAT_*</c>: abilities the kernel reports when a ring is made.</summary>
internal static class Features
{
    /// <summary>
    /// Bit 0. One mapping covers both rings; before it, the CQ is mapped by itself. Since 5.4.
    /// </summary>
    internal const uint IORING_FEAT_SINGLE_MMAP = 1u << 0;

    /// <summary>
    /// Bit 1. CQEs that find the CQ full are kept aside by the kernel, not lost. Since 5.5.
    /// </summary>
    internal const uint IORING_FEAT_NODROP = 1u << 1;

    /// <summary>
    /// Bit 2. Argument structs (iovec arrays, msghdr, addresses, timespecs, paths) are copied while
    /// the SQE is consumed and may go away afterwards; data buffers may not. Since 5.5.
    /// </summary>
    internal const uint IORING_FEAT_SUBMIT_STABLE = 1u << 2;

    /// <summary>Bit 3. Offset -1 reads and writes at the file's own position. Since 5.6.</summary>
    internal const uint IORING_FEAT_RW_CUR_POS = 1u << 3;

    /// <summary>
    /// Bit 4. Requests run with the credentials of the task that enters, not of the one that made
    /// the ring. Since 5.6.
    /// </summary>
    internal const uint IORING_FEAT_CUR_PERSONALITY = 1u << 4;

    /// <summary>
    /// Bit 5. A request that would block on a pollable file waits by poll, without a worker thread.
    /// Since 5.7.
    /// </summary>
    internal const uint IORING_FEAT_FAST_POLL = 1u << 5;

    /// <summary>Bit 6. Poll masks have 32 bits, so EPOLLEXCLUSIVE fits. Since 5.9.</summary>
    internal const uint IORING_FEAT_POLL_32BITS = 1u << 6;

    /// <summary>Bit 7. With SQPOLL, files need not be registered. Since 5.11.</summary>
    internal const uint IORING_FEAT_SQPOLL_NONFIXED = 1u << 7;

    /// <summary>
    /// Bit 8. Enter takes a timeout by <see cref="EnterFlags.IORING_ENTER_EXT_ARG"/>. Since 5.11.
    /// </summary>
    internal const uint IORING_FEAT_EXT_ARG = 1u << 8;

    /// <summary>
    /// Bit 9. Worker threads are threads of the process itself, with its identity and limits. Since
    /// 5.12.
    /// </summary>
    internal const uint IORING_FEAT_NATIVE_WORKERS = 1u << 9;

    /// <summary>
    /// Bit 10. Registered files and buffers carry tags and can be updated one by one. Since 5.13.
    /// </summary>
    internal const uint IORING_FEAT_RSRC_TAGS = 1u << 10;

    /// <summary>Bit 11. <see cref="SqeFlags.IOSQE_CQE_SKIP_SUCCESS"/> works. Since 5.17.</summary>
    internal const uint IORING_FEAT_CQE_SKIP = 1u << 11;

    /// <summary>
    /// Bit 17. <see cref="EnterFlags.IORING_ENTER_NO_IOWAIT"/> works. Since 6.15.
    /// </summary>
    internal const uint IORING_FEAT_NO_IOWAIT = 1u << 17;
}

// Layer: Sys. IORING_SETUP_*: bits of io_uring_params.flags, chosen once when a ring is made.
// Ring/ picks them along its set-up ladder. Combination rules that end in -EINVAL are written
// at each bit. This file does not decide which flags a ring should have.
namespace RingCore.Sys;

/// <summary>
/// <c>IORING_SETUP_*</c>: what kind of ring <c>io_uring_setup</c> makes. Unknown bits give -EINVAL.
/// </summary>
internal static class SetupFlags
{
    /// <summary>
    /// Bit 1. A kernel thread watches the SQ tail and submits, so that enter is needed only to wake
    /// it. Not together with COOP_TASKRUN, DEFER_TASKRUN or TASKRUN_FLAG. Since 5.1; without
    /// privileges since 5.11.
    /// </summary>
    internal const uint IORING_SETUP_SQPOLL = 1u << 1;

    /// <summary>
    /// Bit 2. Bind the SQPOLL thread to <c>sq_thread_cpu</c>; needs SQPOLL. Since 5.1.
    /// </summary>
    internal const uint IORING_SETUP_SQ_AFF = 1u << 2;

    /// <summary>
    /// Bit 3. <c>cq_entries</c> is given: rounded up to a power of two, at least as large as the
    /// SQ. Since 5.5.
    /// </summary>
    internal const uint IORING_SETUP_CQSIZE = 1u << 3;

    /// <summary>
    /// Bit 4. Sizes above the limits (32768 SQ, 65536 CQ) are reduced instead of refused. Since
    /// 5.6.
    /// </summary>
    internal const uint IORING_SETUP_CLAMP = 1u << 4;

    /// <summary>
    /// Bit 7. A batch goes on after an SQE that is refused at submission; without it, the rest of
    /// the batch stays in the SQ. Since 5.18.
    /// </summary>
    internal const uint IORING_SETUP_SUBMIT_ALL = 1u << 7;

    /// <summary>
    /// Bit 8. Completion work does not interrupt the task with an inter-processor interrupt; it
    /// runs when the task next enters the kernel for any reason. Since 5.19.
    /// </summary>
    internal const uint IORING_SETUP_COOP_TASKRUN = 1u << 8;

    /// <summary>
    /// Bit 9. The kernel sets <see cref="RingFlags.IORING_SQ_TASKRUN"/> while completion work
    /// waits for the task; needs COOP_TASKRUN or DEFER_TASKRUN. Since 5.19.
    /// </summary>
    internal const uint IORING_SETUP_TASKRUN_FLAG = 1u << 9;

    /// <summary>
    /// Bit 12. A promise that one task submits and registers; any other gets -EEXIST. That task is
    /// the one that made the ring, or, with R_DISABLED, the one that enables it. Since 6.0.
    /// </summary>
    internal const uint IORING_SETUP_SINGLE_ISSUER = 1u << 12;

    /// <summary>
    /// Bit 13. Completion work runs only inside the owner's enter with GETEVENTS, in one batch; no
    /// CQE appears at any other time. Needs SINGLE_ISSUER. Since 6.1.
    /// </summary>
    internal const uint IORING_SETUP_DEFER_TASKRUN = 1u << 13;

    /// <summary>
    /// Bit 16. No index array between SQ and SQEs: position i uses the SQE at <c>i &amp; mask</c>.
    /// <c>sq_off.array</c> is not valid. Since 6.6.
    /// </summary>
    internal const uint IORING_SETUP_NO_SQARRAY = 1u << 16;
}

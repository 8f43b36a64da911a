// Layer: Sys. IORING_SETUP_*: bits of io_uring_params.flags, chosen once when a ring is made.
// Ring/ picks them along its set-up ladder. Combination rules that end in -EINVAL are written
// at each bit. This file does not decide which flags a ring should have.
namespace RingCore.Sys;

/// <summary>
/// <c>IORING_SETUP_*</c>: what kind of ring <c>io_uring_setup</c> makes. Unknown bits give -EINVAL.
/// </summary>
public static class SetupFlags
{
    /// <summary>
    /// Bit 0. Completions are found by polling the device instead of by interrupt. Only for block
    /// I/O opened with O_DIRECT; other requests fail with -EINVAL or -EOPNOTSUPP. Since 5.1.
    /// </summary>
    public const uint IORING_SETUP_IOPOLL = 1u << 0;

    /// <summary>
    /// Bit 1. A kernel thread watches the SQ tail and submits, so that enter is needed only to wake
    /// it. Not together with COOP_TASKRUN, DEFER_TASKRUN or TASKRUN_FLAG. Since 5.1; without
    /// privileges since 5.11.
    /// </summary>
    public const uint IORING_SETUP_SQPOLL = 1u << 1;

    /// <summary>
    /// Bit 2. Bind the SQPOLL thread to <c>sq_thread_cpu</c>; needs SQPOLL. Since 5.1.
    /// </summary>
    public const uint IORING_SETUP_SQ_AFF = 1u << 2;

    /// <summary>
    /// Bit 3. <c>cq_entries</c> is given: rounded up to a power of two, at least as large as the
    /// SQ. Since 5.5.
    /// </summary>
    public const uint IORING_SETUP_CQSIZE = 1u << 3;

    /// <summary>
    /// Bit 4. Sizes above the limits (32768 SQ, 65536 CQ) are reduced instead of refused. Since
    /// 5.6.
    /// </summary>
    public const uint IORING_SETUP_CLAMP = 1u << 4;

    /// <summary>
    /// Bit 5. Share with the ring in <c>wq_fd</c>. Since 5.12 that shares only the SQPOLL thread;
    /// worker threads belong to the task anyway. Since 5.6.
    /// </summary>
    public const uint IORING_SETUP_ATTACH_WQ = 1u << 5;

    /// <summary>
    /// Bit 6. Start disabled: registrations work, enter gives -EBADFD until
    /// <see cref="RegisterOps.IORING_REGISTER_ENABLE_RINGS"/>. Needed for restrictions and for a
    /// registered wait region. Since 5.10.
    /// </summary>
    public const uint IORING_SETUP_R_DISABLED = 1u << 6;

    /// <summary>
    /// Bit 7. A batch goes on after an SQE that is refused at submission; without it, the rest of
    /// the batch stays in the SQ. Since 5.18.
    /// </summary>
    public const uint IORING_SETUP_SUBMIT_ALL = 1u << 7;

    /// <summary>
    /// Bit 8. Completion work does not interrupt the task with an inter-processor interrupt; it
    /// runs when the task next enters the kernel for any reason. Since 5.19.
    /// </summary>
    public const uint IORING_SETUP_COOP_TASKRUN = 1u << 8;

    /// <summary>
    /// Bit 9. The kernel sets <see cref="RingFlags.IORING_SQ_TASKRUN"/> while completion work
    /// waits for the task; needs COOP_TASKRUN or DEFER_TASKRUN. Since 5.19.
    /// </summary>
    public const uint IORING_SETUP_TASKRUN_FLAG = 1u << 9;

    /// <summary>Bit 10. SQEs of 128 bytes, for long uring commands. Since 5.19.</summary>
    public const uint IORING_SETUP_SQE128 = 1u << 10;

    /// <summary>Bit 11. CQEs of 32 bytes. Not together with CQE_MIXED. Since 5.19.</summary>
    public const uint IORING_SETUP_CQE32 = 1u << 11;

    /// <summary>
    /// Bit 12. A promise that one task submits and registers; any other gets -EEXIST. That task is
    /// the one that made the ring, or, with R_DISABLED, the one that enables it. Since 6.0.
    /// </summary>
    public const uint IORING_SETUP_SINGLE_ISSUER = 1u << 12;

    /// <summary>
    /// Bit 13. Completion work runs only inside the owner's enter with GETEVENTS, in one batch; no
    /// CQE appears at any other time. Needs SINGLE_ISSUER. Since 6.1.
    /// </summary>
    public const uint IORING_SETUP_DEFER_TASKRUN = 1u << 13;

    /// <summary>
    /// Bit 14. The application supplies the ring memory through the two <c>user_addr</c> fields.
    /// Since 6.5.
    /// </summary>
    public const uint IORING_SETUP_NO_MMAP = 1u << 14;

    /// <summary>
    /// Bit 15. Setup returns a registered-ring index and makes no descriptor; needs NO_MMAP. Since
    /// 6.5.
    /// </summary>
    public const uint IORING_SETUP_REGISTERED_FD_ONLY = 1u << 15;

    /// <summary>
    /// Bit 16. No index array between SQ and SQEs: position i uses the SQE at <c>i &amp; mask</c>.
    /// <c>sq_off.array</c> is not valid. Since 6.6.
    /// </summary>
    public const uint IORING_SETUP_NO_SQARRAY = 1u << 16;

    /// <summary>
    /// Bit 17. Polled I/O that first sleeps for part of the expected time; needs IOPOLL. Since
    /// 6.13.
    /// </summary>
    public const uint IORING_SETUP_HYBRID_IOPOLL = 1u << 17;

    /// <summary>
    /// Bit 18. CQEs of 16 and of 32 bytes in one ring, told apart by their flags. Since 6.18.
    /// </summary>
    public const uint IORING_SETUP_CQE_MIXED = 1u << 18;

    /// <summary>
    /// Bit 19. SQEs of 64 and of 128 bytes in one ring. Since 6.19; -EINVAL before.
    /// </summary>
    public const uint IORING_SETUP_SQE_MIXED = 1u << 19;

    /// <summary>
    /// Bit 20. Each submission starts again at the first SQE slot instead of running around the
    /// ring, which keeps those entries in cache. Since 7.0; -EINVAL before.
    /// </summary>
    public const uint IORING_SETUP_SQ_REWIND = 1u << 20;
}

// Ring layer: the optional kernel features RingCore uses, as one flags enum. RingOptions.Without switches
// them off, RingCapabilities and Ring.Features say which are in use. Each has one fallback in one place;
// ARCHITECTURE.md lists them with the kernel version from which the fallback can be deleted. It detects
// nothing: RingSetup does.

namespace RingCore;

/// <summary>
/// Kernel features that RingCore uses where they are there and does without where they are not.
/// </summary>
[Flags]
public enum RingFeatures
{
    /// <summary>Nothing optional: what Linux 5.10 offers.</summary>
    None = 0,

    /// <summary>One mapping covers SQ and CQ (IORING_FEAT_SINGLE_MMAP, 5.4). Without: two mappings.</summary>
    SingleMmap = 1 << 0,

    /// <summary>
    /// A wait with a deadline (IORING_FEAT_EXT_ARG, 5.11). Without: one TIMEOUT op keeps the deadline.
    /// </summary>
    ExtArg = 1 << 1,

    /// <summary>
    /// A cap on io-wq workers (IORING_REGISTER_IOWQ_MAX_WORKERS, 5.15). Without: the kernel's own limits.
    /// </summary>
    WorkerLimit = 1 << 2,

    /// <summary>
    /// A batch goes on after an SQE that fails (IORING_SETUP_SUBMIT_ALL, 5.18). Without: the rest is
    /// submitted again.
    /// </summary>
    SubmitAll = 1 << 3,

    /// <summary>
    /// Enter by registered index instead of fd (IORING_REGISTER_RING_FDS, 5.18). Without: by fd.
    /// </summary>
    RegisteredRing = 1 << 4,

    /// <summary>
    /// No interrupt for task work; it runs at the next kernel entry (IORING_SETUP_COOP_TASKRUN and
    /// TASKRUN_FLAG, 5.19).
    /// </summary>
    CoopTaskrun = 1 << 5,

    /// <summary>
    /// Ring-mapped provided buffers (IORING_REGISTER_PBUF_RING, 5.19). Without: a lease reads into a buffer
    /// of its own.
    /// </summary>
    BufferRings = 1 << 6,

    /// <summary>
    /// One accept SQE, many connections (IORING_ACCEPT_MULTISHOT, 5.19). Without: one accept op per
    /// connection.
    /// </summary>
    MultishotAccept = 1 << 7,

    /// <summary>Only one thread submits (IORING_SETUP_SINGLE_ISSUER, 6.0).</summary>
    SingleIssuer = 1 << 8,

    /// <summary>
    /// One receive SQE, many buffers (IORING_RECV_MULTISHOT, 6.0). Without: one receive op per buffer.
    /// </summary>
    MultishotReceive = 1 << 9,

    /// <summary>
    /// Completions are processed only inside our own enter (IORING_SETUP_DEFER_TASKRUN, 6.1). Needs
    /// SingleIssuer.
    /// </summary>
    DeferTaskrun = 1 << 10,

    /// <summary>
    /// No SQ index array (IORING_SETUP_NO_SQARRAY, 6.6). Without: the array is filled with the identity once.
    /// </summary>
    NoSqArray = 1 << 11,

    /// <summary>
    /// A waiting ring is not counted as iowait (IORING_ENTER_NO_IOWAIT, 6.15). Without: an idle server shows
    /// as iowait.
    /// </summary>
    NoIowait = 1 << 12,

    /// <summary>A multishot poll (IORING_POLL_ADD_MULTI, 5.13). Without: one poll op per event.</summary>
    MultishotPoll = 1 << 13,

    /// <summary>
    /// A kernel thread takes the SQEs (IORING_SETUP_SQPOLL, without privilege and for any fd since 5.11),
    /// where
    /// <see cref="RingOptions.SqPoll"/> asks for it. Excludes CoopTaskrun and DeferTaskrun; needs ExtArg.
    /// Without: enters submit.
    /// </summary>
    SqPoll = 1 << 14,

    /// <summary>
    /// A file's length set by an op (IORING_OP_FTRUNCATE, 6.9). Without: ftruncate(2) on the ring's thread.
    /// </summary>
    Ftruncate = 1 << 15,

    /// <summary>
    /// What a 5.10 kernel has of these; <c>Without = ~Linux510</c> runs as on that kernel. From 5.10.162 on
    /// it has the io_uring of 5.15, and with it ExtArg, MultishotPoll and WorkerLimit.
    /// </summary>
    Linux510 = SingleMmap,
}

// Layer: Sys. IORING_ENTER_*: bits of the flags argument of io_uring_enter.
// Ring/ sets them on each turn of the loop. Returned values, in short: a positive result is the
// number of SQEs consumed and hides a wait that timed out or was interrupted; with nothing
// submitted, 0 is a satisfied wait, -ETIME a timeout with an empty CQ, -EINTR a signal.
// This file holds no loop and no retry.
namespace RingCore.Sys;

/// <summary>
/// <c>IORING_ENTER_*</c>: what one <c>io_uring_enter</c> should do besides submitting.
/// </summary>
internal static class EnterFlags
{
    /// <summary>
    /// Bit 0. Run waiting completion work, move overflowed CQEs into the ring, and wait until
    /// <c>min_complete</c> CQEs are there (0: do not wait). Since 5.1.
    /// </summary>
    internal const uint IORING_ENTER_GETEVENTS = 1u << 0;

    /// <summary>
    /// Bit 1. Wake the SQPOLL thread, after seeing <see cref="RingFlags.IORING_SQ_NEED_WAKEUP"/>.
    /// Since 5.1.
    /// </summary>
    internal const uint IORING_ENTER_SQ_WAKEUP = 1u << 1;

    /// <summary>
    /// Bit 3. The argument is an <see cref="io_uring_getevents_arg"/> (signal mask and timeout)
    /// instead of a bare signal mask, and its size is 24. Since 5.11
    /// (<see cref="Features.IORING_FEAT_EXT_ARG"/>).
    /// </summary>
    internal const uint IORING_ENTER_EXT_ARG = 1u << 3;

    /// <summary>
    /// Bit 4. The descriptor argument is the calling thread's index from
    /// <see cref="RegisterOps.IORING_REGISTER_RING_FDS"/>; saves the file look-up. Since 5.18.
    /// </summary>
    internal const uint IORING_ENTER_REGISTERED_RING = 1u << 4;

    /// <summary>Bit 7. Do not count this wait as time spent waiting for I/O. Since 6.15.</summary>
    internal const uint IORING_ENTER_NO_IOWAIT = 1u << 7;
}

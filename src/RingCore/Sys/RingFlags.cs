// Layer: Sys. The two flag words in the shared ring memory, and the offsets at which that memory
// is mapped from the ring descriptor. Read by Ring/.
// The SQ word is written by the kernel; the CQ word by the application.
// This file maps nothing and contains no fences: Ring/ says where they are needed.
namespace RingCore.Sys;

/// <summary>
/// Bits of the flag words at <c>sq_off.flags</c> (<c>IORING_SQ_*</c>) and <c>cq_off.flags</c>
/// (<c>IORING_CQ_*</c>).
/// </summary>
internal static class RingFlags
{
    /// <summary>
    /// SQ bit 0. The SQPOLL thread sleeps and must be woken by
    /// <see cref="EnterFlags.IORING_ENTER_SQ_WAKEUP"/>. Read it after a full fence that follows the
    /// store of the tail. Since 5.1.
    /// </summary>
    internal const uint IORING_SQ_NEED_WAKEUP = 1u << 0;

    /// <summary>
    /// SQ bit 1. CQEs wait outside the full CQ; an enter with GETEVENTS brings them in. Since 5.8.
    /// </summary>
    internal const uint IORING_SQ_CQ_OVERFLOW = 1u << 1;

    /// <summary>
    /// SQ bit 2. Completion work waits for the task to enter the kernel; only on a ring with
    /// <see cref="SetupFlags.IORING_SETUP_TASKRUN_FLAG"/>. Since 5.19.
    /// </summary>
    internal const uint IORING_SQ_TASKRUN = 1u << 2;
}

/// <summary>
/// <c>IORING_OFF_*</c>: the offset argument of mmap selects which memory of the ring is mapped.
/// </summary>
internal static class MmapOffsets
{
    /// <summary>
    /// The SQ ring and, with <see cref="Features.IORING_FEAT_SINGLE_MMAP"/>, the CQ ring behind it.
    /// Since 5.1.
    /// </summary>
    internal const ulong IORING_OFF_SQ_RING = 0;

    /// <summary>
    /// The CQ ring, for kernels without the single mapping (before 5.4). Since 5.1.
    /// </summary>
    internal const ulong IORING_OFF_CQ_RING = 0x8000000;

    /// <summary>The SQE array. Since 5.1.</summary>
    internal const ulong IORING_OFF_SQES = 0x10000000;
}

// Layer: Sys. What io_uring_setup takes and fills in: the parameters, and where head, tail, mask
// and the entries lie inside the shared memory. Read by Ring/ once, at set-up (and on a resize).
// Offsets are in bytes from the start of the mapping. This file does not map or check anything.
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>
/// In and out argument of <c>io_uring_setup</c>, 120 bytes. The caller zeroes it and sets the in
/// fields; the kernel writes the whole struct back on success. Since 5.1.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct io_uring_params
{
    /// <summary>
    /// Offset 0. Out: slots in the SQ, the requested number rounded up to a power of two. Since
    /// 5.1.
    /// </summary>
    [FieldOffset(0)] public uint sq_entries;

    /// <summary>
    /// Offset 4. Out: slots in the CQ, twice the SQ by default. In, with
    /// <see cref="SetupFlags.IORING_SETUP_CQSIZE"/>: how many are wanted. Since 5.1, in since 5.5.
    /// </summary>
    [FieldOffset(4)] public uint cq_entries;

    /// <summary>
    /// Offset 8. In: <c>IORING_SETUP_*</c>; an unknown bit fails the call with -EINVAL. Since 5.1.
    /// </summary>
    [FieldOffset(8)] public uint flags;

    /// <summary>
    /// Offset 12. In, with <see cref="SetupFlags.IORING_SETUP_SQ_AFF"/>: processor for the SQPOLL
    /// thread. Since 5.1.
    /// </summary>
    [FieldOffset(12)] public uint sq_thread_cpu;

    /// <summary>
    /// Offset 16. In, with SQPOLL: milliseconds without work before the thread sleeps; 0 means
    /// 1000. Since 5.1.
    /// </summary>
    [FieldOffset(16)] public uint sq_thread_idle;

    /// <summary>
    /// Offset 20. Out: <c>IORING_FEAT_*</c>, what this kernel can do. Since 5.4 (zero before).
    /// </summary>
    [FieldOffset(20)] public uint features;

    /// <summary>
    /// Offset 24. In, with <c>IORING_SETUP_ATTACH_WQ</c>: the ring to share with.
    /// Since 5.6.
    /// </summary>
    [FieldOffset(24)] public uint wq_fd;

    /// <summary>Offset 28. Reserved, must be zero.</summary>
    [FieldOffset(28)] public uint resv0;

    /// <summary>Offset 32. Reserved, must be zero.</summary>
    [FieldOffset(32)] public uint resv1;

    /// <summary>Offset 36. Reserved, must be zero.</summary>
    [FieldOffset(36)] public uint resv2;

    /// <summary>Offset 40. Out: where the parts of the SQ ring lie. Since 5.1.</summary>
    [FieldOffset(40)] public io_sqring_offsets sq_off;

    /// <summary>Offset 80. Out: where the parts of the CQ ring lie. Since 5.1.</summary>
    [FieldOffset(80)] public io_cqring_offsets cq_off;
}

/// <summary>
/// Byte offsets of the submission queue's parts within the ring mapping, 40 bytes. Since 5.1.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal struct io_sqring_offsets
{
    /// <summary>
    /// Offset 0. To the head index (u32, free running): advanced by the kernel as it consumes.
    /// Since 5.1.
    /// </summary>
    [FieldOffset(0)] public uint head;

    /// <summary>
    /// Offset 4. To the tail index (u32, free running): advanced by the application, with release.
    /// Since 5.1.
    /// </summary>
    [FieldOffset(4)] public uint tail;

    /// <summary>Offset 8. To the mask (u32, constant): entries minus one. Since 5.1.</summary>
    [FieldOffset(8)] public uint ring_mask;

    /// <summary>Offset 12. To the number of entries (u32, constant). Since 5.1.</summary>
    [FieldOffset(12)] public uint ring_entries;

    /// <summary>
    /// Offset 16. To the flags word (u32): <see cref="RingFlags"/>, written by the kernel. Since
    /// 5.1.
    /// </summary>
    [FieldOffset(16)] public uint flags;

    /// <summary>
    /// Offset 20. To a counter (u32) of index-array entries the kernel refused as out of range.
    /// Since 5.1.
    /// </summary>
    [FieldOffset(20)] public uint dropped;

    /// <summary>
    /// Offset 24. To the index array (u32 each) that maps SQ positions to SQEs. Meaningless with
    /// <see cref="SetupFlags.IORING_SETUP_NO_SQARRAY"/>. Since 5.1.
    /// </summary>
    [FieldOffset(24)] public uint array;

    /// <summary>Offset 28. Reserved, must be zero.</summary>
    [FieldOffset(28)] public uint resv1;

    /// <summary>
    /// Offset 32. In, with <c>IORING_SETUP_NO_MMAP</c>: address of the memory for
    /// the SQEs. Otherwise zero. Since 6.5.
    /// </summary>
    [FieldOffset(32)] public ulong user_addr;
}

/// <summary>
/// Byte offsets of the completion queue's parts within the ring mapping, 40 bytes. Since 5.1.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal struct io_cqring_offsets
{
    /// <summary>
    /// Offset 0. To the head index (u32, free running): advanced by the application, with release.
    /// Since 5.1.
    /// </summary>
    [FieldOffset(0)] public uint head;

    /// <summary>
    /// Offset 4. To the tail index (u32, free running): advanced by the kernel as it posts. Since
    /// 5.1.
    /// </summary>
    [FieldOffset(4)] public uint tail;

    /// <summary>Offset 8. To the mask (u32, constant): entries minus one. Since 5.1.</summary>
    [FieldOffset(8)] public uint ring_mask;

    /// <summary>Offset 12. To the number of entries (u32, constant). Since 5.1.</summary>
    [FieldOffset(12)] public uint ring_entries;

    /// <summary>
    /// Offset 16. To a counter (u32) of CQEs that are lost for good. With
    /// <see cref="Features.IORING_FEAT_NODROP"/> a full CQ loses nothing; this moves only when the
    /// kernel had no memory to keep the entry aside. Since 5.1.
    /// </summary>
    [FieldOffset(16)] public uint overflow;

    /// <summary>Offset 20. To the first CQE. Since 5.1.</summary>
    [FieldOffset(20)] public uint cqes;

    /// <summary>
    /// Offset 24. To the CQ flags word (u32), written by the application:
    /// <c>IORING_CQ_EVENTFD_DISABLED</c>. Zero on older kernels. Since 5.8.
    /// </summary>
    [FieldOffset(24)] public uint flags;

    /// <summary>Offset 28. Reserved, must be zero.</summary>
    [FieldOffset(28)] public uint resv1;

    /// <summary>
    /// Offset 32. In, with <c>IORING_SETUP_NO_MMAP</c>: address of the memory for
    /// both rings. Otherwise zero. Since 6.5.
    /// </summary>
    [FieldOffset(32)] public ulong user_addr;
}

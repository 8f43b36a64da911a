// Layer: Sys. The completion queue entry (CQE), 16 bytes, as the kernel writes it.
// Ring/ reads them in place between the acquire of the CQ tail and the release of the CQ head;
// Ops/ copies result and flags out. The application never writes one.
// The 32-byte form (CQE32, CQE_MIXED) is only described: this project uses 16-byte CQEs.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>
/// Completion queue entry: the outcome of one request, or one of the outcomes of a multishot
/// request. 16 bytes; on a ring with <c>IORING_SETUP_CQE32</c> each is followed
/// by 16 more (<c>big_cqe</c>), which only a few commands fill. Since 5.1.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
[Experimental("RING001")]
public struct io_uring_cqe
{
    /// <summary>Offset 0. Copied unchanged from the SQE. Since 5.1.</summary>
    [FieldOffset(0)] public ulong user_data;

    /// <summary>
    /// Offset 8. The result: what the like-named syscall would return, with failures as -errno
    /// (never -1). Since 5.1.
    /// </summary>
    [FieldOffset(8)] public int res;

    /// <summary>
    /// Offset 12. <c>IORING_CQE_F_*</c> bits, and a buffer id in the upper half. Since 5.1 (first
    /// bit: 5.7).
    /// </summary>
    [FieldOffset(12)] public uint flags;
}

/// <summary>
/// <c>IORING_CQE_F_*</c>: bits of <see cref="io_uring_cqe.flags"/>. Written by the kernel; an
/// unknown bit must be ignored.
/// </summary>
public static class CqeFlags
{
    /// <summary>
    /// Bit 0. A provided buffer was used; its id stands in bits 16 to 31
    /// (<see cref="IORING_CQE_BUFFER_SHIFT"/>). Since 5.7.
    /// </summary>
    public const uint IORING_CQE_F_BUFFER = 1u << 0;

    /// <summary>
    /// Bit 1. The request lives on and will post again with the same <c>user_data</c>. Its absence
    /// marks the terminal CQE: everything lent to the kernel is back, and a multishot has to be
    /// armed anew. Failures may carry it too (SEND_ZC), so look here and not at <c>res</c>. Since
    /// 5.13.
    /// </summary>
    public const uint IORING_CQE_F_MORE = 1u << 1;

    /// <summary>
    /// Bit 2. The socket had more to read when this was posted; for accept (6.10), more connections
    /// wait. Since 5.19.
    /// </summary>
    public const uint IORING_CQE_F_SOCK_NONEMPTY = 1u << 2;

    /// <summary>
    /// Bit 3. Not a result but the notification of a zero-copy send: the network stack has let go
    /// of the buffer. Since 6.0.
    /// </summary>
    public const uint IORING_CQE_F_NOTIF = 1u << 3;

    /// <summary>
    /// Bit 4. Only for groups registered with <c>IOU_PBUF_RING_INC</c>: the buffer
    /// is partly consumed and the kernel goes on filling it, so it must not be given back yet.
    /// Since 6.12.
    /// </summary>
    public const uint IORING_CQE_F_BUF_MORE = 1u << 4;

    /// <summary>
    /// Where the buffer id starts in the flags: <c>flags &gt;&gt; 16</c>. Since 5.7.
    /// </summary>
    public const int IORING_CQE_BUFFER_SHIFT = 16;
}

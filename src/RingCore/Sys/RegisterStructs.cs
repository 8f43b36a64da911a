// Layer: Sys. The other io_uring structs that RingCore hands to the kernel: arguments of register and
// enter, buffer-ring entries, reports; those it does not use are not here. (Structs of libc are in LibcStructs.cs.)
// Ring/ and Ops/ fill them in native memory that does not move. Reserved fields must be zero on
// the way in, or the kernel answers -EINVAL. Layouts are those of 64-bit little-endian Linux.
// This file has no code: no constructors, no checks, no conversions.
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>
/// A time span or point, 16 bytes, 64 bits wide on every architecture. Since 5.1 in this form.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct __kernel_timespec
{
    /// <summary>Offset 0. Seconds; negative gives -EINVAL.</summary>
    [FieldOffset(0)] public long tv_sec;

    /// <summary>Offset 8. Nanoseconds, 0 to 999999999.</summary>
    [FieldOffset(8)] public long tv_nsec;
}

/// <summary>
/// Argument of enter with <see cref="EnterFlags.IORING_ENTER_EXT_ARG"/>, 24 bytes: signal mask and
/// timeout of the wait. Read during the call only. Since 5.11.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal struct io_uring_getevents_arg
{
    /// <summary>
    /// Offset 0. Address of the signal mask for the time of the wait, or 0. Since 5.11.
    /// </summary>
    [FieldOffset(0)] public ulong sigmask;

    /// <summary>Offset 8. Size of that mask, 8. Since 5.11.</summary>
    [FieldOffset(8)] public uint sigmask_sz;

    /// <summary>
    /// Offset 12. Microseconds to gather CQEs: until then the wait lasts for all of min_complete,
    /// afterwards one CQE ends it. 0 switches it off. Since 6.12; padding before, must be zero.
    /// </summary>
    [FieldOffset(12)] public uint min_wait_usec;

    /// <summary>
    /// Offset 16. Address of a <see cref="__kernel_timespec"/> with the timeout, or 0 for none.
    /// Since 5.11.
    /// </summary>
    [FieldOffset(16)] public ulong ts;
}

/// <summary>
/// Argument of <c>IORING_REGISTER_FILES_UPDATE</c> and
/// <see cref="RegisterOps.IORING_REGISTER_RING_FDS"/>, 16 bytes. Since 5.5.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct io_uring_rsrc_update
{
    /// <summary>
    /// Offset 0. First slot; for ring descriptors the wanted index or all ones, and the index on
    /// return. Since 5.5.
    /// </summary>
    [FieldOffset(0)] public uint offset;

    /// <summary>Offset 4. Reserved, must be zero.</summary>
    [FieldOffset(4)] public uint resv;

    /// <summary>
    /// Offset 8. Address of the descriptors; for ring descriptors the descriptor itself. Since 5.5.
    /// </summary>
    [FieldOffset(8)] public ulong data;
}

/// <summary>
/// Head of the opcode report, 16 bytes; as many <see cref="io_uring_probe_op"/> as room was given
/// for follow at once behind it. Since 5.6.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct io_uring_probe
{
    /// <summary>Offset 0. Out: highest opcode this kernel knows. Since 5.6.</summary>
    [FieldOffset(0)] public byte last_op;

    /// <summary>Offset 1. Out: how many entries follow. Since 5.6.</summary>
    [FieldOffset(1)] public byte ops_len;

    /// <summary>Offset 2. Reserved, must be zero on the way in.</summary>
    [FieldOffset(2)] public ushort resv;

    /// <summary>Offset 4. Reserved, must be zero on the way in.</summary>
    [FieldOffset(4)] public uint resv2;

    /// <summary>Offset 8. Reserved, must be zero on the way in.</summary>
    [FieldOffset(8)] public uint resv3;

    /// <summary>Offset 12. Reserved, must be zero on the way in.</summary>
    [FieldOffset(12)] public uint resv4;
}

/// <summary>One opcode in the report, 8 bytes. Since 5.6.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct io_uring_probe_op
{
    /// <summary>Offset 0. Out: the opcode. Since 5.6.</summary>
    [FieldOffset(0)] public byte op;

    /// <summary>Offset 1. Reserved.</summary>
    [FieldOffset(1)] public byte resv;

    /// <summary>
    /// Offset 2. Out: <see cref="OpFlags.IO_URING_OP_SUPPORTED"/> or zero. Since 5.6.
    /// </summary>
    [FieldOffset(2)] public ushort flags;

    /// <summary>Offset 4. Reserved.</summary>
    [FieldOffset(4)] public uint resv2;
}

/// <summary>
/// One buffer offered to the kernel, 16 bytes. A buffer ring is a plain array of these whose u16
/// tail lies over <see cref="resv"/> of entry 0, so a writer must leave that field alone in every
/// entry. Since 5.19.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct io_uring_buf
{
    /// <summary>Offset 0. Address of the buffer. Since 5.19.</summary>
    [FieldOffset(0)] public ulong addr;

    /// <summary>Offset 8. Its length in bytes. Since 5.19.</summary>
    [FieldOffset(8)] public uint len;

    /// <summary>
    /// Offset 12. Buffer id, chosen by the application and returned in the CQE. Since 5.19.
    /// </summary>
    [FieldOffset(12)] public ushort bid;

    /// <summary>
    /// Offset 14. Unused; in entry 0 it is the ring's tail (free running u16), which the
    /// application stores with release after it wrote the entries. Since 5.19.
    /// </summary>
    [FieldOffset(14)] public ushort resv;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_PBUF_RING"/> and its opposite, 40 bytes.
/// Since 5.19.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal struct io_uring_buf_reg
{
    /// <summary>
    /// Offset 0. Page-aligned address of the ring; 0 with <c>IOU_PBUF_RING_MMAP</c>.
    /// Since 5.19.
    /// </summary>
    [FieldOffset(0)] public ulong ring_addr;

    /// <summary>Offset 8. Entries, a power of two up to 32768. Since 5.19.</summary>
    [FieldOffset(8)] public uint ring_entries;

    /// <summary>Offset 12. Buffer group id, free to choose. Since 5.19.</summary>
    [FieldOffset(12)] public ushort bgid;

    /// <summary>Offset 14. <c>IOU_PBUF_RING_*</c>. Padding before 6.4. Since 6.4.</summary>
    [FieldOffset(14)] public ushort flags;

    /// <summary>
    /// Offset 16. Incremental groups: a buffer with less room than this left is taken as used up.
    /// Since 7.1, and in some earlier stable kernels; zero elsewhere.
    /// </summary>
    [FieldOffset(16)] public uint min_left;

    /// <summary>Offset 20. Reserved, must be zero.</summary>
    [FieldOffset(20)] public uint resv0;

    /// <summary>Offset 24. Reserved, must be zero.</summary>
    [FieldOffset(24)] public ulong resv1;

    /// <summary>Offset 32. Reserved, must be zero.</summary>
    [FieldOffset(32)] public ulong resv2;
}

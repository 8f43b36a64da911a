// Layer: Sys. Every other io_uring struct that crosses the border to the kernel: arguments of
// register and enter, buffer-ring entries, reports. (Structs of libc are in LibcStructs.cs.)
// Ring/ and Ops/ fill them in native memory that does not move. Reserved fields must be zero on
// the way in, or the kernel answers -EINVAL. Layouts are those of 64-bit little-endian Linux.
// This file has no code: no constructors, no checks, no conversions.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>
/// A time span or point, 16 bytes, 64 bits wide on every architecture. Since 5.1 in this form.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct __kernel_timespec
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
public struct io_uring_getevents_arg
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
/// One wait argument inside the registered wait region, 64 bytes: what
/// <see cref="io_uring_getevents_arg"/> says, without a copy from user memory per call. Since 6.13.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct io_uring_reg_wait
{
    /// <summary>Offset 0. The timeout, if flags say so. Since 6.13.</summary>
    [FieldOffset(0)] public __kernel_timespec ts;

    /// <summary>
    /// Offset 16. As <see cref="io_uring_getevents_arg.min_wait_usec"/>. Since 6.13.
    /// </summary>
    [FieldOffset(16)] public uint min_wait_usec;

    /// <summary>
    /// Offset 20. <see cref="OpFlags.IORING_REG_WAIT_TS"/> if the timeout counts. Since 6.13.
    /// </summary>
    [FieldOffset(20)] public uint flags;

    /// <summary>Offset 24. Address of the signal mask, or 0. Since 6.13.</summary>
    [FieldOffset(24)] public ulong sigmask;

    /// <summary>Offset 32. Size of that mask, 8. Since 6.13.</summary>
    [FieldOffset(32)] public uint sigmask_sz;

    /// <summary>Offset 36. Reserved, must be zero.</summary>
    [FieldOffset(36)] public uint pad0;

    /// <summary>Offset 40. Reserved, must be zero.</summary>
    [FieldOffset(40)] public ulong pad1;

    /// <summary>Offset 48. Reserved, must be zero.</summary>
    [FieldOffset(48)] public ulong pad2;

    /// <summary>Offset 56. Reserved, must be zero.</summary>
    [FieldOffset(56)] public ulong pad3;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_FILES2"/> and
/// <see cref="RegisterOps.IORING_REGISTER_BUFFERS2"/>, 32 bytes. Since 5.13.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct io_uring_rsrc_register
{
    /// <summary>Offset 0. How many slots. Since 5.13.</summary>
    [FieldOffset(0)] public uint nr;

    /// <summary>
    /// Offset 4. <see cref="OpFlags.IORING_RSRC_REGISTER_SPARSE"/>, or zero. Since 5.19.
    /// </summary>
    [FieldOffset(4)] public uint flags;

    /// <summary>Offset 8. Reserved, must be zero.</summary>
    [FieldOffset(8)] public ulong resv2;

    /// <summary>
    /// Offset 16. Address of the descriptors or iovecs; 0 for a sparse table. Since 5.13.
    /// </summary>
    [FieldOffset(16)] public ulong data;

    /// <summary>
    /// Offset 24. Address of one u64 tag per slot, or 0. A tag other than zero is posted as
    /// <c>user_data</c> of a CQE when the slot's old content is finally let go. Since 5.13.
    /// </summary>
    [FieldOffset(24)] public ulong tags;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_FILES_UPDATE"/> and
/// <see cref="RegisterOps.IORING_REGISTER_RING_FDS"/>, 16 bytes. Since 5.5.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_rsrc_update
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
/// Argument of <see cref="RegisterOps.IORING_REGISTER_FILES_UPDATE2"/> and
/// <see cref="RegisterOps.IORING_REGISTER_BUFFERS_UPDATE"/>, 32 bytes. Since 5.13.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct io_uring_rsrc_update2
{
    /// <summary>Offset 0. First slot to replace. Since 5.13.</summary>
    [FieldOffset(0)] public uint offset;

    /// <summary>Offset 4. Reserved, must be zero.</summary>
    [FieldOffset(4)] public uint resv;

    /// <summary>Offset 8. Address of the new descriptors or iovecs. Since 5.13.</summary>
    [FieldOffset(8)] public ulong data;

    /// <summary>Offset 16. Address of the new tags, or 0. Since 5.13.</summary>
    [FieldOffset(16)] public ulong tags;

    /// <summary>Offset 24. How many slots. Since 5.13.</summary>
    [FieldOffset(24)] public uint nr;

    /// <summary>Offset 28. Reserved, must be zero.</summary>
    [FieldOffset(28)] public uint resv2;
}

/// <summary>
/// Head of the opcode report, 16 bytes; as many <see cref="io_uring_probe_op"/> as room was given
/// for follow at once behind it. Since 5.6.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_probe
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
public struct io_uring_probe_op
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
/// One rule for <see cref="RegisterOps.IORING_REGISTER_RESTRICTIONS"/>, 16 bytes. Since 5.10.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_restriction
{
    /// <summary>Offset 0. Kind of rule: <c>IORING_RESTRICTION_*</c>. Since 5.10.</summary>
    [FieldOffset(0)] public ushort opcode;

    /// <summary>Offset 2. For REGISTER_OP: the register operation to allow. Since 5.10.</summary>
    [FieldOffset(2)] public byte register_op;

    /// <summary>Offset 2. For SQE_OP: the request opcode to allow. Since 5.10.</summary>
    [FieldOffset(2)] public byte sqe_op;

    /// <summary>
    /// Offset 2. For the SQE_FLAGS kinds: the bits allowed or required. Since 5.10.
    /// </summary>
    [FieldOffset(2)] public byte sqe_flags;

    /// <summary>Offset 3. Reserved, must be zero.</summary>
    [FieldOffset(3)] public byte resv;

    /// <summary>Offset 4. Reserved, must be zero.</summary>
    [FieldOffset(4)] public uint resv2;

    /// <summary>Offset 8. Reserved, must be zero.</summary>
    [FieldOffset(8)] public ulong resv3;
}

/// <summary>
/// One buffer offered to the kernel, 16 bytes. A buffer ring is a plain array of these whose u16
/// tail lies over <see cref="resv"/> of entry 0, so a writer must leave that field alone in every
/// entry. Since 5.19.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_buf
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
public struct io_uring_buf_reg
{
    /// <summary>
    /// Offset 0. Page-aligned address of the ring; 0 with <see cref="OpFlags.IOU_PBUF_RING_MMAP"/>.
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

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_PBUF_STATUS"/>, 40 bytes. Since 6.8.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct io_uring_buf_status
{
    /// <summary>Offset 0. In: the group. Since 6.8.</summary>
    [FieldOffset(0)] public uint buf_group;

    /// <summary>
    /// Offset 4. Out: the kernel's head, how many buffers it has taken so far (modulo 65536). Since
    /// 6.8.
    /// </summary>
    [FieldOffset(4)] public uint head;

    /// <summary>Offset 8. Reserved, must be zero.</summary>
    [FieldOffset(8)] public ulong resv0;

    /// <summary>Offset 16. Reserved, must be zero.</summary>
    [FieldOffset(16)] public ulong resv1;

    /// <summary>Offset 24. Reserved, must be zero.</summary>
    [FieldOffset(24)] public ulong resv2;

    /// <summary>Offset 32. Reserved, must be zero.</summary>
    [FieldOffset(32)] public ulong resv3;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_NAPI"/>, 16 bytes. Since 6.9, this form 6.13.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_napi
{
    /// <summary>Offset 0. Microseconds to poll the network card in a wait. Since 6.9.</summary>
    [FieldOffset(0)] public uint busy_poll_to;

    /// <summary>Offset 4. 1: keep polling ahead of interrupts. Since 6.9.</summary>
    [FieldOffset(4)] public byte prefer_busy_poll;

    /// <summary>
    /// Offset 5. <c>IO_URING_NAPI_*</c>: register, or add or remove one id. Since 6.13; zero
    /// before.
    /// </summary>
    [FieldOffset(5)] public byte opcode;

    /// <summary>Offset 6. Reserved, must be zero.</summary>
    [FieldOffset(6)] public ushort pad;

    /// <summary>
    /// Offset 8. The tracking mode, or the id to add or remove. Since 6.13; zero before.
    /// </summary>
    [FieldOffset(8)] public uint op_param;

    /// <summary>Offset 12. Reserved, must be zero.</summary>
    [FieldOffset(12)] public uint resv;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_SYNC_CANCEL"/>, 64 bytes. Since 6.0.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct io_uring_sync_cancel_reg
{
    /// <summary>Offset 0. <c>user_data</c> of the request to find. Since 6.0.</summary>
    [FieldOffset(0)] public ulong addr;

    /// <summary>Offset 8. File to match with the FD key; -1 otherwise. Since 6.0.</summary>
    [FieldOffset(8)] public int fd;

    /// <summary>Offset 12. <c>IORING_ASYNC_CANCEL_*</c>. Since 6.0.</summary>
    [FieldOffset(12)] public uint flags;

    /// <summary>
    /// Offset 16. How long to wait for the end; both fields -1 for as long as it takes. Since 6.0.
    /// </summary>
    [FieldOffset(16)] public __kernel_timespec timeout;

    /// <summary>Offset 32. Opcode to match with the OP key. Since 6.6; zero before.</summary>
    [FieldOffset(32)] public byte opcode;

    /// <summary>Offset 33. Reserved (7 bytes), must be zero.</summary>
    [FieldOffset(33)] public io_uring_pad7 pad;

    /// <summary>Offset 40. Reserved, must be zero.</summary>
    [FieldOffset(40)] public ulong pad2_0;

    /// <summary>Offset 48. Reserved, must be zero.</summary>
    [FieldOffset(48)] public ulong pad2_1;

    /// <summary>Offset 56. Reserved, must be zero.</summary>
    [FieldOffset(56)] public ulong pad2_2;
}

/// <summary>
/// Seven reserved bytes. Not a kernel name; C# needs a type for the header's <c>__u8 pad[7]</c>.
/// </summary>
[InlineArray(7)]
public struct io_uring_pad7
{
    /// <summary>First of the seven bytes.</summary>
    public byte pad0;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_FILE_ALLOC_RANGE"/>, 16 bytes. Since 6.0.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_file_index_range
{
    /// <summary>Offset 0. First slot the kernel may choose. Since 6.0.</summary>
    [FieldOffset(0)] public uint off;

    /// <summary>Offset 4. How many slots from there. Since 6.0.</summary>
    [FieldOffset(4)] public uint len;

    /// <summary>Offset 8. Reserved, must be zero.</summary>
    [FieldOffset(8)] public ulong resv;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_CLOCK"/>, 16 bytes. Since 6.12.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_clock_register
{
    /// <summary>
    /// Offset 0. <see cref="FileConstants.CLOCK_MONOTONIC"/> or
    /// <see cref="FileConstants.CLOCK_BOOTTIME"/>. Since 6.12.
    /// </summary>
    [FieldOffset(0)] public uint clockid;

    /// <summary>Offset 4. Reserved, must be zero.</summary>
    [FieldOffset(4)] public uint resv0;

    /// <summary>Offset 8. Reserved, must be zero.</summary>
    [FieldOffset(8)] public uint resv1;

    /// <summary>Offset 12. Reserved, must be zero.</summary>
    [FieldOffset(12)] public uint resv2;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_CLONE_BUFFERS"/>, 32 bytes. Since 6.12.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct io_uring_clone_buffers
{
    /// <summary>Offset 0. Ring to take from. Since 6.12.</summary>
    [FieldOffset(0)] public uint src_fd;

    /// <summary>
    /// Offset 4. <c>IORING_REGISTER_SRC_REGISTERED</c>, <c>IORING_REGISTER_DST_REPLACE</c>. Since
    /// 6.12.
    /// </summary>
    [FieldOffset(4)] public uint flags;

    /// <summary>Offset 8. First buffer there. Since 6.13; zero before.</summary>
    [FieldOffset(8)] public uint src_off;

    /// <summary>Offset 12. First slot here. Since 6.13; zero before.</summary>
    [FieldOffset(12)] public uint dst_off;

    /// <summary>Offset 16. How many; 0 for all. Since 6.13; zero before.</summary>
    [FieldOffset(16)] public uint nr;

    /// <summary>Offset 20. Reserved, must be zero.</summary>
    [FieldOffset(20)] public uint pad0;

    /// <summary>Offset 24. Reserved, must be zero.</summary>
    [FieldOffset(24)] public uint pad1;

    /// <summary>Offset 28. Reserved, must be zero.</summary>
    [FieldOffset(28)] public uint pad2;
}

/// <summary>Describes memory shared with the kernel, 64 bytes. Since 6.13.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct io_uring_region_desc
{
    /// <summary>
    /// Offset 0. Page-aligned address, with <see cref="OpFlags.IORING_MEM_REGION_TYPE_USER"/>; else
    /// 0. Since 6.13.
    /// </summary>
    [FieldOffset(0)] public ulong user_addr;

    /// <summary>Offset 8. Size in bytes, whole pages. Since 6.13.</summary>
    [FieldOffset(8)] public ulong size;

    /// <summary>
    /// Offset 16. <see cref="OpFlags.IORING_MEM_REGION_TYPE_USER"/>, or zero for kernel memory.
    /// Since 6.13.
    /// </summary>
    [FieldOffset(16)] public uint flags;

    /// <summary>Offset 20. Reserved id, zero. Since 6.13.</summary>
    [FieldOffset(20)] public uint id;

    /// <summary>
    /// Offset 24. Out, for kernel memory: the offset at which to map it. Since 6.13.
    /// </summary>
    [FieldOffset(24)] public ulong mmap_offset;

    /// <summary>Offset 32. Reserved, must be zero.</summary>
    [FieldOffset(32)] public ulong resv0;

    /// <summary>Offset 40. Reserved, must be zero.</summary>
    [FieldOffset(40)] public ulong resv1;

    /// <summary>Offset 48. Reserved, must be zero.</summary>
    [FieldOffset(48)] public ulong resv2;

    /// <summary>Offset 56. Reserved, must be zero.</summary>
    [FieldOffset(56)] public ulong resv3;
}

/// <summary>
/// Argument of <see cref="RegisterOps.IORING_REGISTER_MEM_REGION"/>, 32 bytes. Since 6.13.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct io_uring_mem_region_reg
{
    /// <summary>
    /// Offset 0. Address of an <see cref="io_uring_region_desc"/>, which is read and written. Since
    /// 6.13.
    /// </summary>
    [FieldOffset(0)] public ulong region_uptr;

    /// <summary>
    /// Offset 8. <see cref="OpFlags.IORING_MEM_REGION_REG_WAIT_ARG"/>, or zero. Since 6.13.
    /// </summary>
    [FieldOffset(8)] public ulong flags;

    /// <summary>Offset 16. Reserved, must be zero.</summary>
    [FieldOffset(16)] public ulong resv0;

    /// <summary>Offset 24. Reserved, must be zero.</summary>
    [FieldOffset(24)] public ulong resv1;
}

/// <summary>
/// What a multishot RECVMSG writes at the start of each provided buffer, 16 bytes. Behind it come
/// the name area (as long as the submitted msghdr's <c>msg_namelen</c>), the control area (its
/// <c>msg_controllen</c>), and the payload. Since 6.0.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct io_uring_recvmsg_out
{
    /// <summary>
    /// Offset 0. Length of the sender's address; larger than its area if it was cut. Since 6.0.
    /// </summary>
    [FieldOffset(0)] public uint namelen;

    /// <summary>Offset 4. Length of the control data. Since 6.0.</summary>
    [FieldOffset(4)] public uint controllen;

    /// <summary>
    /// Offset 8. Length of the payload; larger than what is there if the datagram was cut. Since
    /// 6.0.
    /// </summary>
    [FieldOffset(8)] public uint payloadlen;

    /// <summary>Offset 12. <c>MSG_*</c> as recvmsg reports them. Since 6.0.</summary>
    [FieldOffset(12)] public uint flags;
}

/// <summary>
/// One question for <see cref="RegisterOps.IORING_REGISTER_QUERY"/>, 40 bytes; questions form a
/// chain. Since 6.18.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct io_uring_query_hdr
{
    /// <summary>Offset 0. Address of the next question, or 0. Since 6.18.</summary>
    [FieldOffset(0)] public ulong next_entry;

    /// <summary>Offset 8. Address of the answer's struct. Since 6.18.</summary>
    [FieldOffset(8)] public ulong query_data;

    /// <summary>
    /// Offset 16. Which question: <see cref="OpFlags.IO_URING_QUERY_OPCODES"/>. Since 6.18.
    /// </summary>
    [FieldOffset(16)] public uint query_op;

    /// <summary>
    /// Offset 20. In: room for the answer. Out: how much the kernel filled. Since 6.18.
    /// </summary>
    [FieldOffset(20)] public uint size;

    /// <summary>Offset 24. Out: 0, or -errno for this question alone. Since 6.18.</summary>
    [FieldOffset(24)] public int result;

    /// <summary>Offset 28. Reserved, must be zero.</summary>
    [FieldOffset(28)] public uint resv0;

    /// <summary>Offset 32. Reserved, must be zero.</summary>
    [FieldOffset(32)] public uint resv1;

    /// <summary>Offset 36. Reserved, must be zero.</summary>
    [FieldOffset(36)] public uint resv2;
}

/// <summary>
/// Answer to <see cref="OpFlags.IO_URING_QUERY_OPCODES"/>, 48 bytes: what this kernel understands.
/// Since 6.18.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
public struct io_uring_query_opcode
{
    /// <summary>Offset 0. Number of request opcodes; valid ones are below it. Since 6.18.</summary>
    [FieldOffset(0)] public uint nr_request_opcodes;

    /// <summary>
    /// Offset 4. Number of register opcodes; valid ones are below it. Since 6.18.
    /// </summary>
    [FieldOffset(4)] public uint nr_register_opcodes;

    /// <summary>Offset 8. All <c>IORING_FEAT_*</c> of this kernel. Since 6.18.</summary>
    [FieldOffset(8)] public ulong feature_flags;

    /// <summary>Offset 16. All <c>IORING_SETUP_*</c> it accepts. Since 6.18.</summary>
    [FieldOffset(16)] public ulong ring_setup_flags;

    /// <summary>Offset 24. All <c>IORING_ENTER_*</c> it accepts. Since 6.18.</summary>
    [FieldOffset(24)] public ulong enter_flags;

    /// <summary>Offset 32. All <c>IOSQE_*</c> it accepts. Since 6.18.</summary>
    [FieldOffset(32)] public ulong sqe_flags;

    /// <summary>Offset 40. Number of questions it answers. Since 6.18.</summary>
    [FieldOffset(40)] public uint nr_query_opcodes;

    /// <summary>Offset 44. Padding.</summary>
    [FieldOffset(44)] public uint pad;
}

// Layer: Sys. The submission queue entry (SQE), 64 bytes, as the kernel reads it.
// Ops/ fills one per request; Ring/ owns the array these live in. Nothing is validated here.
// Aliases are the kernel's own unions: which name counts is decided by the opcode (see Opcodes.cs).
// Rule for every writer: clear all 64 bytes first. Many opcodes answer -EINVAL when a field they
// do not use is not zero, and SQE memory is reused without being cleared by anybody.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>
/// Submission queue entry: one request, 64 bytes. The kernel copies what it needs while it consumes
/// the entry inside <c>io_uring_enter</c> (with SQPOLL: when the poll thread takes it), so the
/// entry itself may be reused as soon as it was consumed. Since 5.1.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
[Experimental("RING001")]
public struct io_uring_sqe
{
    /// <summary>Offset 0. What to do; an unknown value completes with -EINVAL. Since 5.1.</summary>
    [FieldOffset(0)] public io_uring_op opcode;

    /// <summary>Offset 1. <c>IOSQE_*</c> bits (<see cref="SqeFlags"/>). Since 5.1.</summary>
    [FieldOffset(1)] public byte flags;

    /// <summary>
    /// Offset 2. Reads and writes: I/O priority as in <c>ioprio_set</c>. Send, receive and accept:
    /// the per-operation flags <c>IORING_RECVSEND_*</c>, <c>IORING_RECV_*</c>,
    /// <c>IORING_ACCEPT_*</c>. Since 5.1, as flags since 5.19.
    /// </summary>
    [FieldOffset(2)] public ushort ioprio;

    /// <summary>
    /// Offset 4. The file: a descriptor, or a slot of the registered file table when
    /// <see cref="SqeFlags.IOSQE_FIXED_FILE"/> is set. Some opcodes put other numbers here
    /// (a count, a directory, an id). Since 5.1.
    /// </summary>
    [FieldOffset(4)] public int fd;

    /// <summary>
    /// Offset 8. File offset; all ones (-1) means the file's own position, since 5.6. Since 5.1.
    /// </summary>
    [FieldOffset(8)] public ulong off;

    /// <summary>Offset 8. Second address, for opcodes that take two pointers. Since 5.5.</summary>
    [FieldOffset(8)] public ulong addr2;

    /// <summary>
    /// Offset 8. Command number of <see cref="io_uring_op.IORING_OP_URING_CMD"/>. Since 5.19.
    /// </summary>
    [FieldOffset(8)] public uint cmd_op;

    /// <summary>
    /// Offset 12. Upper half beside <see cref="cmd_op"/> (<c>__pad1</c> in the header); must be
    /// zero. Since 5.19.
    /// </summary>
    [FieldOffset(12)] public uint pad1;

    /// <summary>
    /// Offset 16. Address of the data buffer, iovec array, path or argument struct. Since 5.1.
    /// </summary>
    [FieldOffset(16)] public ulong addr;

    /// <summary>
    /// Offset 16. Splice: offset in the source file, all ones for a pipe. Since 5.7.
    /// </summary>
    [FieldOffset(16)] public ulong splice_off_in;

    /// <summary>
    /// Offset 16. Socket command: level of the option, for example <c>SOL_SOCKET</c>. Since 6.7.
    /// </summary>
    [FieldOffset(16)] public uint level;

    /// <summary>
    /// Offset 20. Socket command: number of the option, for example <c>SO_REUSEADDR</c>. Since 6.7.
    /// </summary>
    [FieldOffset(20)] public uint optname;

    /// <summary>
    /// Offset 24. Length of the buffer in bytes, or how many array elements <see cref="addr"/>
    /// points to. Since 5.1.
    /// </summary>
    [FieldOffset(24)] public uint len;

    /// <summary>
    /// Offset 28. Reads and writes: <c>RWF_*</c> as in <c>preadv2</c>. Since 5.1.
    /// </summary>
    [FieldOffset(28)] public uint rw_flags;

    /// <summary>
    /// Offset 28. Fsync: <see cref="OpFlags.IORING_FSYNC_DATASYNC"/> or zero. Since 5.1.
    /// </summary>
    [FieldOffset(28)] public uint fsync_flags;

    /// <summary>
    /// Offset 28. The 16-bit poll mask of kernels before 5.9; use <see cref="poll32_events"/>.
    /// Since 5.1.
    /// </summary>
    [FieldOffset(28)] public ushort poll_events;

    /// <summary>
    /// Offset 28. Poll: <c>POLL*</c>/<c>EPOLL*</c> mask, 32 bits since 5.9. A big-endian machine
    /// must swap the two 16-bit halves; this project runs on little-endian machines only.
    /// </summary>
    [FieldOffset(28)] public uint poll32_events;

    /// <summary>Offset 28. Sync file range: <c>SYNC_FILE_RANGE_*</c>. Since 5.2.</summary>
    [FieldOffset(28)] public uint sync_range_flags;

    /// <summary>
    /// Offset 28. Send and receive: <c>MSG_*</c> as in <c>send</c>/<c>recv</c>. Since 5.3.
    /// </summary>
    [FieldOffset(28)] public uint msg_flags;

    /// <summary>Offset 28. Timeouts: <c>IORING_TIMEOUT_*</c>. Since 5.4.</summary>
    [FieldOffset(28)] public uint timeout_flags;

    /// <summary>
    /// Offset 28. Accept: <c>SOCK_NONBLOCK</c>, <c>SOCK_CLOEXEC</c> for the new socket. Since 5.5.
    /// </summary>
    [FieldOffset(28)] public uint accept_flags;

    /// <summary>
    /// Offset 28. Async cancel: <c>IORING_ASYNC_CANCEL_*</c>, the key and how many. Since 5.5, read
    /// since 5.19.
    /// </summary>
    [FieldOffset(28)] public uint cancel_flags;

    /// <summary>Offset 28. Openat: <c>O_*</c>. Since 5.6.</summary>
    [FieldOffset(28)] public uint open_flags;

    /// <summary>Offset 28. Statx: <c>AT_*</c>. Since 5.6.</summary>
    [FieldOffset(28)] public uint statx_flags;

    /// <summary>Offset 28. Fadvise and madvise: the advice value. Since 5.6.</summary>
    [FieldOffset(28)] public uint fadvise_advice;

    /// <summary>
    /// Offset 28. Splice and tee: <c>SPLICE_F_*</c> plus
    /// <see cref="OpFlags.SPLICE_F_FD_IN_FIXED"/>. Since 5.7.
    /// </summary>
    [FieldOffset(28)] public uint splice_flags;

    /// <summary>Offset 28. Renameat: <c>RENAME_*</c>. Since 5.11.</summary>
    [FieldOffset(28)] public uint rename_flags;

    /// <summary>
    /// Offset 28. Unlinkat: zero, or <c>AT_REMOVEDIR</c> to remove a directory. Since 5.11.
    /// </summary>
    [FieldOffset(28)] public uint unlink_flags;

    /// <summary>
    /// Offset 28. Linkat: <c>AT_SYMLINK_FOLLOW</c>, <c>AT_EMPTY_PATH</c>. Since 5.15.
    /// </summary>
    [FieldOffset(28)] public uint hardlink_flags;

    /// <summary>
    /// Offset 28. Set-xattr: <c>XATTR_CREATE</c>, <c>XATTR_REPLACE</c>; get-xattr wants zero. Since
    /// 5.19.
    /// </summary>
    [FieldOffset(28)] public uint xattr_flags;

    /// <summary>
    /// Offset 28. Ring message: <c>IORING_MSG_RING_*</c>. Since 5.18, flags since 6.0.
    /// </summary>
    [FieldOffset(28)] public uint msg_ring_flags;

    /// <summary>
    /// Offset 28. Uring command: <c>IORING_URING_CMD_*</c>. Since 5.19, flags since 6.1.
    /// </summary>
    [FieldOffset(28)] public uint uring_cmd_flags;

    /// <summary>
    /// Offset 28. Waitid: reserved, must be zero (its options go to <see cref="file_index"/>).
    /// Since 6.7.
    /// </summary>
    [FieldOffset(28)] public uint waitid_flags;

    /// <summary>
    /// Offset 28. Futex operations: reserved, must be zero (futex2 flags go to <see cref="fd"/>).
    /// Since 6.7.
    /// </summary>
    [FieldOffset(28)] public uint futex_flags;

    /// <summary>
    /// Offset 28. Fixed fd install: <c>IORING_FIXED_FD_NO_CLOEXEC</c> or zero. Since
    /// 6.8.
    /// </summary>
    [FieldOffset(28)] public uint install_fd_flags;

    /// <summary>Offset 28. Nop: <c>IORING_NOP_*</c>. Since 5.1, flags since 6.10.</summary>
    [FieldOffset(28)] public uint nop_flags;

    /// <summary>
    /// Offset 28. Pipe: <c>O_CLOEXEC</c>, <c>O_NONBLOCK</c>, <c>O_DIRECT</c>. Since 6.16.
    /// </summary>
    [FieldOffset(28)] public uint pipe_flags;

    /// <summary>
    /// Offset 32. The kernel never interprets it: it comes back unchanged in every CQE of this
    /// request, and it is the default key by which a request is cancelled. Since 5.1.
    /// </summary>
    [FieldOffset(32)] public ulong user_data;

    /// <summary>
    /// Offset 40. Index of the registered buffer, for the fixed-buffer operations. Since 5.1.
    /// </summary>
    [FieldOffset(40)] public ushort buf_index;

    /// <summary>
    /// Offset 40. Group from which the kernel picks a buffer when
    /// <see cref="SqeFlags.IOSQE_BUFFER_SELECT"/> is set. Since 5.7.
    /// </summary>
    [FieldOffset(40)] public ushort buf_group;

    /// <summary>
    /// Offset 42. Id of registered credentials to run under; zero keeps the submitter's. Since 5.6.
    /// </summary>
    [FieldOffset(42)] public ushort personality;

    /// <summary>Offset 44. Splice and tee: the source file. Since 5.7.</summary>
    [FieldOffset(44)] public int splice_fd_in;

    /// <summary>
    /// Offset 44. Direct descriptors: slot number plus one; 0 asks for an ordinary descriptor;
    /// <c>IORING_FILE_INDEX_ALLOC</c> lets the kernel choose the slot. Since 5.15.
    /// </summary>
    [FieldOffset(44)] public uint file_index;

    /// <summary>
    /// Offset 44. Zero-copy receive: id of the registered interface queue. Since 6.15.
    /// </summary>
    [FieldOffset(44)] public uint zcrx_ifq_idx;

    /// <summary>
    /// Offset 44. Socket option commands: size of the option value, since 6.7. Multishot receive:
    /// how many bytes in all before the request ends itself, since 6.17.
    /// </summary>
    [FieldOffset(44)] public uint optlen;

    /// <summary>
    /// Offset 44. Send with a destination: size of the address at <see cref="addr2"/>. Since 6.0.
    /// </summary>
    [FieldOffset(44)] public ushort addr_len;

    /// <summary>
    /// Offset 46. Beside <see cref="addr_len"/> (<c>__pad3</c> in the header); must be zero. Since
    /// 6.0.
    /// </summary>
    [FieldOffset(46)] public ushort pad3;

    /// <summary>Offset 44. Writes: placement hint for the device, 0 for none. Since 6.16.</summary>
    [FieldOffset(44)] public byte write_stream;

    /// <summary>
    /// Offset 48. Third address or value: xattr path, futex mask, source slot of a ring message.
    /// Since 5.19.
    /// </summary>
    [FieldOffset(48)] public ulong addr3;

    /// <summary>
    /// Offset 48. Reads and writes: address of the attributes named by
    /// <see cref="attr_type_mask"/>. Since 6.14.
    /// </summary>
    [FieldOffset(48)] public ulong attr_ptr;

    /// <summary>
    /// Offset 48. Socket option commands: address of the option value. Since 6.7.
    /// </summary>
    [FieldOffset(48)] public ulong optval;

    /// <summary>
    /// Offset 48. Command bytes of a uring command: 16 here, 80 on a ring with SQE128. Since 5.19.
    /// </summary>
    [FieldOffset(48)] public io_uring_sqe_cmd cmd;

    /// <summary>
    /// Offset 56. Unused tail (<c>__pad2</c> in the header); must be zero. Since 5.1.
    /// </summary>
    [FieldOffset(56)] public ulong pad2;

    /// <summary>
    /// Offset 56. Reads and writes: which attribute kinds <see cref="attr_ptr"/> carries. Since
    /// 6.14.
    /// </summary>
    [FieldOffset(56)] public ulong attr_type_mask;
}

/// <summary>
/// The command area at the end of an SQE, 16 bytes. On a ring with
/// <c>IORING_SETUP_SQE128</c> the area runs on for 80 bytes through the second
/// half of the entry; take the address of the first byte to reach them. Since 5.19.
/// </summary>
[InlineArray(16)]
[Experimental("RING001")]
public struct io_uring_sqe_cmd
{
    /// <summary>
    /// Offset 0. First command byte; its meaning belongs to the file's driver. Since 5.19.
    /// </summary>
    public byte cmd0;
}

/// <summary>
/// <c>IOSQE_*</c>: bits of <see cref="io_uring_sqe.flags"/>, valid for (almost) every opcode. An
/// undefined bit completes the request with -EINVAL.
/// </summary>
[Experimental("RING001")]
public static class SqeFlags
{
    /// <summary>
    /// Bit 0. <c>fd</c> is a slot of the registered file table, not a descriptor. Since 5.1.
    /// </summary>
    public const byte IOSQE_FIXED_FILE = 1 << 0;

    /// <summary>
    /// Bit 1. Start only after everything submitted before has completed, and hold back everything
    /// after. A slow path for the whole ring; -EOPNOTSUPP once
    /// <see cref="IOSQE_CQE_SKIP_SUCCESS"/> was used on it. Since 5.2.
    /// </summary>
    public const byte IOSQE_IO_DRAIN = 1 << 1;

    /// <summary>
    /// Bit 2. The next SQE of the same submit call starts when this one succeeded. An error, and
    /// for reads and writes a short count too, cancels the rest of the chain with -ECANCELED. The
    /// last SQE of a submit call ends a chain whether or not it carries the bit. Since 5.3.
    /// </summary>
    public const byte IOSQE_IO_LINK = 1 << 2;

    /// <summary>
    /// Bit 3. As <see cref="IOSQE_IO_LINK"/>, but the chain goes on when this request fails while
    /// running. A request the kernel refuses at submission still breaks it. Since 5.5.
    /// </summary>
    public const byte IOSQE_IO_HARDLINK = 1 << 3;

    /// <summary>
    /// Bit 4. Skip the inline attempt: hand the request to an io-wq worker thread at once. Since
    /// 5.6.
    /// </summary>
    public const byte IOSQE_ASYNC = 1 << 4;

    /// <summary>
    /// Bit 5. The kernel takes the buffer from group <c>buf_group</c> when data is there, and
    /// reports its id in the CQE flags. For READ, READV (one iovec), RECV, RECVMSG, since 6.7
    /// READ_MULTISHOT and since 6.10 SEND; elsewhere -EOPNOTSUPP. An empty group gives -ENOBUFS.
    /// Since 5.7.
    /// </summary>
    public const byte IOSQE_BUFFER_SELECT = 1 << 5;

    /// <summary>
    /// Bit 6. Post no CQE when the request succeeds; failures are still reported. In a chain whose
    /// head failed, members with this bit get no -ECANCELED CQE either. Since 5.17
    /// (<see cref="Features.IORING_FEAT_CQE_SKIP"/>).
    /// </summary>
    public const byte IOSQE_CQE_SKIP_SUCCESS = 1 << 6;
}

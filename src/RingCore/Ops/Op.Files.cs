// Op layer: requests about files and paths as values, and how their paths are laid out: the strings of a
// request lie one behind the other in its slot's wide block. It opens nothing by itself and interprets no
// result: RingFile does.

using System.Text;
using RingCore.Sys;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.OpFlags;

namespace RingCore;

public readonly partial struct Op
{
    private const uint CurrentDirectory = unchecked((uint)AT_FDCWD);

    /// <summary>
    /// Opens a file (IORING_OP_OPENAT, 5.6). Result: its fd, the caller's to close. Open a FIFO with
    /// O_NONBLOCK: without, the kernel opens it as if with it, or waits for its other end on a worker thread,
    /// of which there are few.
    /// </summary>
    /// <param name="path">Relative to the working directory, or absolute.</param>
    /// <param name="openFlags">O_* of <see cref="FileConstants"/>; O_CLOEXEC is added.</param>
    /// <param name="mode">Permission bits of a file it creates.</param>
    public static Op OpenAt(string path, int openFlags, uint mode = 0x1B6) =>
        OfPath(IORING_OP_OPENAT, Checked(path), len: mode, flags: (uint)(openFlags | O_CLOEXEC));

    /// <summary>
    /// Asks about a path (IORING_OP_STATX, 5.6). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    /// <param name="path">Relative to the working directory, or absolute.</param>
    /// <param name="result">Gets a struct <see cref="statx"/>: 256 bytes, on loan until the op ends;
    /// RingFileStatus reads it.</param>
    /// <param name="flags">For instance <see cref="FileConstants.AT_SYMLINK_NOFOLLOW"/>.</param>
    /// <param name="mask">STATX_* of <see cref="FileConstants"/>: what is asked for.</param>
    public static Op Statx(
        string path, Memory<byte> result, int flags = 0, uint mask = STATX_BASIC_STATS | STATX_BTIME) =>
        OfPath(IORING_OP_STATX, Checked(path), memory: CheckedStatx(result), len: mask, flags: (uint)flags);

    /// <summary>
    /// Asks about an open file (IORING_OP_STATX, 5.6). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    /// <inheritdoc cref="Statx(string, Memory{byte}, int, uint)"/>
    /// <param name="handle">What to ask about.</param>
    /// <param name="result">As for a path.</param>
    /// <param name="mask">As for a path.</param>
    public static Op Statx(
        RingHandle handle, Memory<byte> result, uint mask = STATX_BASIC_STATS | STATX_BTIME) =>
        new(IORING_OP_STATX, handle, CheckedStatx(result), "", len: mask, opFlags: AT_EMPTY_PATH);

    /// <summary>
    /// Gives a file another name (IORING_OP_RENAMEAT, 5.11). Result 0; a file of that name is replaced.
    /// Always runs on a kernel worker thread.
    /// </summary>
    /// <param name="from">The name it has.</param>
    /// <param name="to">The name it gets, on the same file system.</param>
    /// <param name="flags"><see cref="FileConstants.RENAME_NOREPLACE"/> or
    /// <see cref="FileConstants.RENAME_EXCHANGE"/>.</param>
    public static Op Rename(string from, string to, uint flags = 0) =>
        OfPath(IORING_OP_RENAMEAT, Checked(from, to), len: CurrentDirectory, flags: flags);

    /// <summary>
    /// Removes a name (IORING_OP_UNLINKAT, 5.11). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    /// <param name="path">What to remove.</param>
    /// <param name="flags"><see cref="FileConstants.AT_REMOVEDIR"/> for an empty directory.</param>
    public static Op Unlink(string path, int flags = 0) =>
        OfPath(IORING_OP_UNLINKAT, Checked(path), flags: (uint)flags);

    /// <summary>
    /// Makes a directory (IORING_OP_MKDIRAT, 5.15). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    /// <param name="path">Its name; its parent must be there.</param>
    /// <param name="mode">Permission bits, less the process's umask.</param>
    public static Op Mkdir(string path, uint mode = 0x1FF) =>
        OfPath(IORING_OP_MKDIRAT, Checked(path), len: mode);

    /// <summary>
    /// Gives a file a second name (IORING_OP_LINKAT, 5.15). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    /// <param name="from">A name it has.</param>
    /// <param name="to">The name it gets too, on the same file system; it must not be there.</param>
    /// <param name="flags">For instance <see cref="FileConstants.AT_SYMLINK_FOLLOW"/>.</param>
    public static Op Link(string from, string to, int flags = 0) =>
        OfPath(IORING_OP_LINKAT, Checked(from, to), len: CurrentDirectory, flags: (uint)flags);

    /// <summary>
    /// Makes a symbolic link (IORING_OP_SYMLINKAT, 5.15). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    /// <param name="target">What it points to; it need not be there.</param>
    /// <param name="path">Its name; it must not be there.</param>
    public static Op Symlink(string target, string path) =>
        OfPath(IORING_OP_SYMLINKAT, Checked(target, path));

    /// <summary>
    /// Flushes a file to its device (IORING_OP_FSYNC, 5.1). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    /// <param name="handle">A file.</param>
    /// <param name="dataOnly">As fdatasync(2): metadata only where reading the data needs it.</param>
    /// <param name="offset">Where the range to flush begins, in bytes.</param>
    /// <param name="length">Its length; 0: to the end.</param>
    public static Op Fsync(RingHandle handle, bool dataOnly = false, long offset = 0, uint length = 0) =>
        new(
            IORING_OP_FSYNC, handle, off: (ulong)offset, len: length,
            opFlags: dataOnly ? IORING_FSYNC_DATASYNC : 0);

    /// <summary>
    /// Allocates or gives back a range of a file (IORING_OP_FALLOCATE, 5.6). Result 0. Always runs on a
    /// kernel worker thread.
    /// </summary>
    /// <param name="handle">A file, open for writing.</param>
    /// <param name="offset">Where the range begins, in bytes.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="mode">FALLOC_FL_* of <see cref="FileConstants"/>; 0: allocate, and make the file as long
    /// as the range needs.</param>
    public static Op Fallocate(RingHandle handle, long offset, long length, int mode = 0) =>
        // len is too narrow for the length.
        new(IORING_OP_FALLOCATE, handle, off: (ulong)offset, addr: (ulong)length, len: (uint)mode);

    /// <summary>
    /// Sets a file's length (IORING_OP_FTRUNCATE, 6.9). Result 0. Always runs on a kernel worker thread.
    /// </summary>
    public static Op Ftruncate(RingHandle handle, long length) =>
        new(IORING_OP_FTRUNCATE, handle, off: (ulong)length);

    /// <summary>A transfer of any number of memories; one request takes the first 1,024.</summary>
    internal static Op Vectored(
        io_uring_op code, RingHandle handle, ReadOnlyMemory<byte>[] list, long offset, uint rwFlags = 0) =>
        new(code, handle, extra: list, off: (ulong)offset, opFlags: rwFlags);

    /// <summary>IOV_MAX: memories that one request can name.</summary>
    private const int MostMemories = 1024;

    /// <summary>
    /// The iovecs behind what is done, as many as one request takes; the first of them may be partly done.
    /// </summary>
    private static unsafe iovec* Vectors(OpLoans loans, long done, out uint count)
    {
        iovec* vectors = ((msghdr*)loans.Block.Address)->msg_iov;
        int first = 0;
        for (; first < loans.Count && done >= loans.List[first].Memory.Length; first++)
            done -= loans.List[first].Memory.Length;
        if (first < loans.Count)
        {
            ref MemoryLoan part = ref loans.List[first];
            vectors[first] =
                new iovec { iov_base = part.Address + done, iov_len = (nuint)(part.Memory.Length - done) };
        }

        count = (uint)Math.Min(loans.Count - first, MostMemories);
        return vectors + first;
    }

    /// <summary>Bytes of its memory, or of all its memories.</summary>
    internal long Length
    {
        get
        {
            long length = Memory.Length;
            foreach (ReadOnlyMemory<byte> memory in Extra as ReadOnlyMemory<byte>[] ?? [])
                length += memory.Length;
            return length;
        }
    }

    private static Op OfPath(
        io_uring_op code, string paths, ReadOnlyMemory<byte> memory = default, uint len = 0,
        uint flags = 0) =>
        new(code, null, memory, paths, len: len, opFlags: flags, fd: AT_FDCWD);

    /// <summary>The op's strings one behind the other.</summary>
    private static unsafe void LayOutPaths(OpDriver driver, OpLoans loans, string paths)
    {
        // The block is zeroed: that ends the last string.
        int bytes = Encoding.UTF8.GetByteCount(paths) + 1;
        Encoding.UTF8.GetBytes(paths, new Span<byte>(loans.Block.Allocate(driver, bytes), bytes));
    }

    /// <summary>The address of a path, and what stands in the offset's place: a second one, or 0.</summary>
    private unsafe ulong PathAddresses(OpLoans loans, out byte* path)
    {
        path = loans.Block.Address;
        if (Code == IORING_OP_STATX)
            return (ulong)loans.Memory.Address;
        return ((string)Extra!).Contains('\0', StringComparison.Ordinal)
            ? (ulong)(path + new ReadOnlySpan<byte>(path, int.MaxValue).IndexOf((byte)0) + 1)
            : 0;
    }

    private static string Checked(string path) => path.Contains('\0', StringComparison.Ordinal)
        ? throw new ArgumentException("A path cannot contain a null character.", nameof(path))
        : path;

    private static string Checked(string first, string second) => $"{Checked(first)}\0{Checked(second)}";

    private static Memory<byte> CheckedStatx(Memory<byte> result)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(
            result.Length, System.Runtime.CompilerServices.Unsafe.SizeOf<statx>(), nameof(result));
        return result;
    }
}

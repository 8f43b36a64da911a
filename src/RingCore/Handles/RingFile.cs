// Handles layer: a file: open, read and write at an offset, append, sizes, status, close. Positions are
// always explicit: ops in flight together would share the file's own position. Owner thread only. Reading
// ahead is in RingFile.ReadAll.cs; writing many small pieces in RingFileWriter.cs. Names and paths are not
// its business: Op has rename, unlink, mkdir, link.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.OpFlags;

namespace RingCore;

/// <summary>
/// An open file. Owner thread only, but for disposal. A small buffered write as an op of its own costs a
/// kernel worker's wake (docs/files.md): gather small writes in a <see cref="RingFileWriter"/>.
/// </summary>
public sealed partial class RingFile : RingHandle
{
    private readonly FileMode _mode;
    private readonly RingFileOptions _options;
    // Of one that its disposal deletes.
    private readonly (uint Major, uint Minor, ulong Inode) _identity;

    private RingFile(OpDriver driver, int fd, string path, FileMode mode, RingFileOptions options)
        : base(driver, fd, ownsFd: true)
    {
        Path = path;
        _mode = mode;
        _options = options;
        CanSeek = FileCalls.CanSeek(fd);
        if (Has(RingFileOptions.DeleteOnClose))
            _identity = FileCalls.Identity(FileCalls.Status(fd));
    }

    /// <summary>
    /// Whether it has a position, as <see cref="FileStream.CanSeek"/>. Pipes and terminals have none: an
    /// offset that is given for one is ignored, as RandomAccess does, so await each read before the next one,
    /// and each write.
    /// </summary>
    public bool CanSeek { get; }

    /// <summary>The path it was opened with, absolute.</summary>
    public string Path { get; }

    /// <summary>Told when the file closes before they do.</summary>
    internal Func<Task>? Writers;

    internal bool IsDirect => Has(RingFileOptions.Direct);

    /// <summary>
    /// Opens a file (IORING_OP_OPENAT, 5.6). Takes no lock: FileShare has no counterpart. A directory can be
    /// opened for reading, to flush it after a rename. A FIFO is waited for until its other end is open, as
    /// in <see cref="RingPipe.OpenAsync"/>.
    /// </summary>
    /// <param name="path">Relative to the working directory of this moment, or absolute.</param>
    /// <param name="mode">
    /// As for System.IO. With <see cref="FileMode.Append"/> only
    /// <see cref="AppendAsync(ReadOnlyMemory{byte}, CancellationToken)"/> writes.
    /// </param>
    /// <param name="access">As for System.IO.</param>
    /// <param name="options">O_DIRECT and the like.</param>
    /// <param name="createMode">Permissions of a file it creates, less the process's umask.</param>
    /// <param name="cancellationToken">Asks for cancellation; a file that was opened all the same is
    /// delivered.</param>
    /// <exception cref="FileNotFoundException">The file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">Its directory is not there, or is none.</exception>
    /// <exception cref="UnauthorizedAccessException">The permissions forbid it.</exception>
    /// <exception cref="IOException">Anything else; its HResult is the errno.</exception>
    public static async ValueTask<RingFile> OpenAsync(
        string path, FileMode mode = FileMode.Open, FileAccess access = FileAccess.Read,
        RingFileOptions options = RingFileOptions.None, UnixFileMode createMode = (UnixFileMode)0x1B6,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        OpDriver driver = OpDriver.Required;
        path = System.IO.Path.GetFullPath(path);
        int flags = OpenFlags(mode, access, options);
        string what = $"Opening '{path}'";
        Func<int, RingFile> make = fd => new RingFile(driver, fd, path, mode, options);
        int fd = await PathOpen.OpenAsync(path, flags, (uint)createMode, cancellationToken);
        if (fd == -ENOENT
            && ((flags & O_CREAT) != 0 || !Directory.Exists(System.IO.Path.GetDirectoryName(path))))
        {
            throw new DirectoryNotFoundException($"{what}: its directory is not there ({Describe(-fd)}).");
        }

        if (fd == -EINVAL && options.HasFlag(RingFileOptions.Direct))
            throw new IOException($"{what}: its file system has no O_DIRECT ({Describe(-fd)}).", -fd);
        if (fd < 0)
            throw RingErrors.File(fd, null, cancellationToken, what, path);
        return driver.Own(make, fd);
    }

    /// <summary>Reads at an offset (IORING_OP_READ, 5.6). May be short; 0 at the end of the file.</summary>
    /// <param name="memory">On loan to the kernel until the read has ended.</param>
    /// <param name="offset">In bytes, zero or more.</param>
    /// <param name="cancellationToken">Asks for cancellation; file I/O under way is often not
    /// cancelled.</param>
    public ValueTask<int> ReadAsync(
        Memory<byte> memory, long offset, CancellationToken cancellationToken = default)
    {
        return Int(Op.Read(this, memory, Check(offset)), "Reading", cancellationToken);
    }

    /// <summary>
    /// Reads into several memories in order (IORING_OP_READV, 5.1): into the first 1,024. May be short; 0 at
    /// the end of the file.
    /// </summary>
    /// <inheritdoc cref="ReadAsync(Memory{byte}, long, CancellationToken)"/>
    /// <param name="memories">On loan to the kernel until the read has ended.</param>
    /// <param name="offset">In bytes, zero or more.</param>
    /// <param name="cancellationToken">As for one memory.</param>
    public ValueTask<int> ReadAsync(
        IReadOnlyList<Memory<byte>> memories, long offset, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(memories);
        Op op = Op.Vectored(IORING_OP_READV, this, [.. memories], Check(offset));
        return Int(op, "Reading", cancellationToken);
    }

    /// <summary>Reads until the memory is full (IORING_OP_READ, 5.6).</summary>
    /// <inheritdoc cref="ReadAsync(Memory{byte}, long, CancellationToken)"/>
    /// <exception cref="EndOfStreamException">The file ends before that.</exception>
    public ValueTask ReadExactlyAsync(
        Memory<byte> memory, long offset, CancellationToken cancellationToken = default)
    {
        return Whole(Op.Read(this, memory, Check(offset)), "Reading", cancellationToken);
    }

    /// <summary>Writes all of a memory at an offset, or throws (IORING_OP_WRITE, 5.6).</summary>
    /// <param name="memory">On loan to the kernel until the write has ended.</param>
    /// <param name="offset">In bytes, zero or more.</param>
    /// <param name="cancellationToken">Asks for cancellation; file I/O under way is often not
    /// cancelled.</param>
    /// <exception cref="IOException">
    /// HResult is the errno: ENOSPC, EDQUOT, EFBIG and others. The message, and as a long
    /// <c>Data["BytesWritten"]</c>, say how much was written.
    /// </exception>
    public ValueTask WriteAsync(
        ReadOnlyMemory<byte> memory, long offset, CancellationToken cancellationToken = default)
    {
        return Whole(Op.Write(this, memory, CheckPositional(offset)), "Writing", cancellationToken);
    }

    /// <summary>
    /// Writes all of several memories in order at an offset, or throws (IORING_OP_WRITEV, 5.1): 1,024 with
    /// each request.
    /// </summary>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, long, CancellationToken)"/>
    /// <param name="memories">On loan to the kernel until the write has ended.</param>
    /// <param name="offset">In bytes, zero or more.</param>
    /// <param name="cancellationToken">As for one memory.</param>
    public ValueTask WriteAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> memories, long offset,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(memories);
        Op op = Op.Vectored(IORING_OP_WRITEV, this, [.. memories], CheckPositional(offset));
        return Whole(op, "Writing", cancellationToken);
    }

    /// <summary>
    /// Writes all of a memory at the end of the file (IORING_OP_WRITE, 5.6, with RWF_APPEND), or throws.
    /// Appends in flight together never overlap, but may land in any order; one that the kernel cuts short (a
    /// full disk, 2 GiB) goes on at the end as it is then.
    /// </summary>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, long, CancellationToken)"/>
    /// <param name="memory">On loan to the kernel until the write has ended.</param>
    /// <param name="cancellationToken">As for a write.</param>
    public ValueTask AppendAsync(ReadOnlyMemory<byte> memory, CancellationToken cancellationToken = default)
    {
        return Whole(Op.Write(this, memory, Check(0), RWF_APPEND), "Appending", cancellationToken);
    }

    /// <summary>
    /// Appends several memories in order, up to 1,024 of them in one piece (IORING_OP_WRITEV, 5.1).
    /// </summary>
    /// <inheritdoc cref="AppendAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <param name="memories">On loan to the kernel until the write has ended.</param>
    /// <param name="cancellationToken">As for a write.</param>
    public ValueTask AppendAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> memories, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(memories);
        Op op = Op.Vectored(IORING_OP_WRITEV, this, [.. memories], Check(0), RWF_APPEND);
        return Whole(op, "Appending", cancellationToken);
    }

    /// <summary>
    /// Ends when what was written is on the device (IORING_OP_FSYNC, 5.1). Writes still in flight are not
    /// waited for. What cannot be flushed, as a pipe, a device or a file of /proc, is left alone, as
    /// <see cref="FileStream.Flush(bool)"/> does.
    /// </summary>
    /// <param name="dataOnly">
    /// As fdatasync(2): without metadata that reading the data does not need, such as times.
    /// </param>
    /// <param name="cancellationToken">Asks for cancellation.</param>
    public ValueTask FlushToDiskAsync(bool dataOnly = false, CancellationToken cancellationToken = default)
    {
        Check(0);
        return Void(Op.Fsync(this, dataOnly), "Flushing", cancellationToken);
    }

    /// <summary>
    /// Cuts the file, or makes it longer with a hole that reads as zeros (IORING_OP_FTRUNCATE, 6.9).
    /// </summary>
    /// <param name="length">In bytes.</param>
    /// <param name="cancellationToken">Asks for cancellation.</param>
    public ValueTask SetLengthAsync(long length, CancellationToken cancellationToken = default)
    {
        Check(length);
        if (Driver.Ring.Features.HasFlag(RingFeatures.Ftruncate))
            return Void(Op.Ftruncate(this, length), "Setting the length of", cancellationToken);

        // FALLBACK Ftruncate (6.9): the call, on this thread.
        int res = Driver.Stopping || cancellationToken.IsCancellationRequested
            ? -ECANCELED
            : Libc.ftruncate(Fd, length);
        return res >= 0 ? default
            : ValueTask.FromException(
                RingErrors.File(res, this, cancellationToken, $"Setting the length of '{Path}'"));
    }

    /// <summary>
    /// Gives a range its blocks now, so that writing there does not run out of space (IORING_OP_FALLOCATE,
    /// 5.6). The file gets as long as the range needs.
    /// </summary>
    /// <param name="offset">In bytes.</param>
    /// <param name="length">In bytes, more than zero.</param>
    /// <param name="cancellationToken">Asks for cancellation.</param>
    public ValueTask AllocateAsync(long offset, long length, CancellationToken cancellationToken = default)
    {
        Check(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        return Void(Op.Fallocate(this, offset, length), "Allocating space for", cancellationToken);
    }

    /// <summary>Length, times, mode and what O_DIRECT asks for (IORING_OP_STATX, 5.6).</summary>
    public async ValueTask<RingFileStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        Check(0);
        byte[] result = new byte[RingFileStatus.Size];
        const uint mask = STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN;
        await Void(Op.Statx(this, result, mask), "Asking about", cancellationToken);
        return new RingFileStatus(result);
    }

    /// <summary>A writer that gathers small writes and keeps one large one in flight.</summary>
    /// <param name="offset">
    /// Where it begins, in bytes; without meaning for a file opened with <see cref="FileMode.Append"/>.
    /// </param>
    /// <param name="bufferSize">Bytes of each of its two buffers, at least 4,096.</param>
    /// <exception cref="NotSupportedException">
    /// The file is open with <see cref="RingFileOptions.Direct"/>: its last write would not be aligned.
    /// </exception>
    public RingFileWriter CreateWriter(long offset = 0, int bufferSize = RingFileWriter.DefaultBufferSize)
    {
        Check(offset);
        ArgumentOutOfRangeException.ThrowIfLessThan(bufferSize, 4096);
        return !IsDirect ? new RingFileWriter(this, offset, bufferSize)
            : throw new NotSupportedException(
                $"'{Path}' is open for direct I/O: a writer's last piece has any length.");
    }

    /// <summary>
    /// Memory as <see cref="RingFileOptions.Direct"/> needs it: never moved by the GC, at an aligned address.
    /// Its content is random.
    /// </summary>
    /// <param name="length">In bytes; for direct I/O a multiple of the alignment.</param>
    /// <param name="alignment">A power of two; 4,096 suits nearly every device.</param>
    public static unsafe Memory<byte> AlignedMemory(int length, int alignment = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (!System.Numerics.BitOperations.IsPow2(alignment))
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "Not a power of two.");
        byte[] array = GC.AllocateUninitializedArray<byte>(checked(length + alignment), pinned: true);
        nint address = (nint)Unsafe.AsPointer(ref array[0]);

        // Says that it is pinned: no GCHandle per op.
        return MemoryMarshal.CreateFromPinnedArray(array, (int)(-address & (alignment - 1)), length);
    }

    /// <summary>A writer's write.</summary>
    internal ValueTask PutAsync(ReadOnlyMemory<byte> memory, long offset) =>
        _mode == FileMode.Append ? AppendAsync(memory) : WriteAsync(memory, offset);

    /// <summary>
    /// A direct read that ends in mid-block has met the file's end, and could not go on from there.
    /// </summary>
    internal bool EndsWith(io_uring_op op, long done) => op == IORING_OP_READ && IsDirect && done % 512 != 0;

    /// <summary>What a transfer that failed, or ended too early, throws.</summary>
    internal Exception Failure(
        int res, in Op op, CancellationToken token, string what, long done, long length)
    {
        what = $"{what} '{Path}'";
        if (res >= 0 && op.Code == IORING_OP_READ)
            return new EndOfStreamException($"{what}: the file ended after {done} of {length} bytes.");
        // A write of nothing that is no error: going on would never end.
        if (res >= 0)
            res = -EIO;
        if (res == -EINVAL && IsDirect && length > 0)
            what += " (O_DIRECT: memory, offset and length must be aligned, "
                + "GetStatusAsync tells to what; 4,096 nearly always does)";
        if (op.Code is not (IORING_OP_WRITE or IORING_OP_WRITEV))
            return RingErrors.File(res, this, token, what);
        Exception error = RingErrors.File(res, this, token, $"{what}, after {done} of {length} bytes");
        if (done > 0 && error is not IOException)
            error = new IOException($"{what}: ended after {done} of {length} bytes.", error);
        error.Data["BytesWritten"] = done;
        return error;
    }

    private ValueTask<int> Int(in Op op, string what, CancellationToken token)
    {
        FileTransfer transfer = FileTransfer.Start(this, op, token, what, whole: false);
        return new(transfer, transfer.Version);
    }

    private ValueTask Void(in Op op, string what, CancellationToken token, bool whole = false)
    {
        FileTransfer transfer = FileTransfer.Start(this, op, token, what, whole);
        return new(transfer, transfer.Version);
    }

    private ValueTask Whole(in Op op, string what, CancellationToken token) =>
        Void(op, what, token, whole: true);

    /// <summary>The offset for the op: −1 where there is no position.</summary>
    private long Check(long offset)
    {
        ThrowIfNotReady();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return CanSeek ? offset : -1;
    }

    private long CheckPositional(long offset)
    {
        offset = Check(offset);
        return _mode != FileMode.Append ? offset : throw new NotSupportedException(
            $"'{Path}' is open for appending: the kernel would ignore the offset. Use AppendAsync.");
    }

    private static int OpenFlags(FileMode mode, FileAccess access, RingFileOptions options)
    {
        if (mode is < FileMode.CreateNew or > FileMode.Append
            || access is < FileAccess.Read or > FileAccess.ReadWrite)
        {
            throw new ArgumentOutOfRangeException(
                nameof(mode), $"{mode}, {access}", "Not a FileMode, or not a FileAccess.");
        }

        // O_RDONLY, O_WRONLY and O_RDWR are 0, 1 and 2; the FileAccesses 1, 2 and 3.
        int flags = (int)access - 1;
        flags |= mode switch
        {
            FileMode.Open => 0,
            FileMode.OpenOrCreate => O_CREAT,
            _ when access == FileAccess.Read =>
                throw new ArgumentException($"FileMode.{mode} needs FileAccess.Write.", nameof(access)),
            FileMode.CreateNew => O_CREAT | O_EXCL,
            FileMode.Create => O_CREAT | O_TRUNC,
            FileMode.Truncate => O_TRUNC,
            FileMode.Append when access == FileAccess.Write => O_CREAT | O_APPEND,
            _ => throw new ArgumentException("FileMode.Append needs FileAccess.Write alone.", nameof(access)),
        };
        return flags | Flag(RingFileOptions.Direct, O_DIRECT) | Flag(RingFileOptions.WriteThrough, O_DSYNC)
            | Flag(RingFileOptions.NoAccessTime, O_NOATIME) | Flag(RingFileOptions.NoFollow, O_NOFOLLOW);

        int Flag(RingFileOptions option, int flag) => (options & option) != 0 ? flag : 0;
    }

    private protected override void OnClosing()
    {
        _ = Writers?.Invoke();
        // FileStream does not look: a name that is another file's by now stays.
        if (Has(RingFileOptions.DeleteOnClose))
            FileCalls.Unlink(Path, _identity);
    }

    /// <summary>HasFlag boxes until it is optimised, and each transfer asks.</summary>
    private bool Has(RingFileOptions option) => (_options & option) != 0;
}

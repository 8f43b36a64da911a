// Handles layer: one end of a pipe, a FIFO, and the process's standard streams, which may be a pipe, a
// terminal, a file or anything: what is read and written at its own position. How, is RingStream's; here is
// how to get one. Owner thread only.
//
// .NET ignores SIGPIPE, without which a write to a pipe that nobody reads would end the process: it ends with
// EPIPE instead.

using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;

namespace RingCore;

/// <summary>One end of a pipe, or a standard stream. Owner thread only, but for disposal.</summary>
public sealed class RingPipe : RingStream
{
    private static readonly Func<int, RingPipe> s_adopt = static fd => Adopt(fd);

    private RingPipe(OpDriver driver, int fd, bool ownsFd)
        : base(driver, fd, ownsFd, isSocket: false)
    {
    }

    /// <summary>Makes a pipe (pipe2(2), a plain call: it cannot block), close-on-exec.</summary>
    /// <param name="capacity">
    /// Bytes it holds, rounded up by the kernel to a power of two; 0: the kernel's default, 64 KiB.
    /// </param>
    /// <exception cref="UnauthorizedAccessException">
    /// The capacity is above /proc/sys/fs/pipe-max-size.
    /// </exception>
    public static unsafe (RingPipe Reader, RingPipe Writer) Create(int capacity = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        OpDriver driver = OpDriver.Required;
        int* ends = stackalloc int[2];
        int result = Libc.pipe2(ends, O_CLOEXEC);
        if (result < 0)
            throw RingErrors.File(result, null, default, "Making a pipe");
        // A reader whose writer cannot be made is the GC's.
        var pipe = (Reader: driver.Own(s_adopt, ends[0], ends[1]), Writer: driver.Own(s_adopt, ends[1]));
        if (capacity == 0 || (result = Libc.fcntl(ends[1], F_SETPIPE_SZ, capacity)) >= 0)
            return pipe;
        pipe.Reader.Dispose();
        pipe.Writer.Dispose();
        throw RingErrors.File(result, null, default, $"Giving a pipe a capacity of {capacity} bytes");
    }

    /// <summary>
    /// Opens a FIFO (IORING_OP_OPENAT, 5.6). Waits until its other end is open, too, without a kernel worker
    /// thread: nothing tells of it, so it looks again after 1 to 20 ms. <see cref="FileAccess.ReadWrite"/>
    /// does not wait.
    /// </summary>
    /// <param name="path">Relative to the working directory of this moment, or absolute.</param>
    /// <param name="access">Which end.</param>
    /// <param name="cancellationToken">Asks for cancellation.</param>
    public static async ValueTask<RingPipe> OpenAsync(
        string path, FileAccess access, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (access is < FileAccess.Read or > FileAccess.ReadWrite)
            throw new ArgumentOutOfRangeException(nameof(access));
        OpDriver driver = OpDriver.Required;
        // O_RDONLY is 0.
        int fd = await PathOpen.OpenAsync(Path.GetFullPath(path), (int)access - 1, 0, cancellationToken);
        return fd >= 0 ? driver.Own(s_adopt, fd)
            : throw RingErrors.File(fd, null, cancellationToken, $"Opening '{path}'");
    }

    /// <summary>
    /// Takes over an fd that is read or written at its own position: a pipe's end, a terminal, a FIFO.
    /// </summary>
    /// <param name="fd">An open fd. It may be O_NONBLOCK: waiting is then a poll.</param>
    /// <param name="ownsFd">Whether it is closed with the handle.</param>
    public static new RingPipe Adopt(int fd, bool ownsFd = true) => new(OpDriver.Required, fd, ownsFd);

    /// <summary>
    /// Standard input (fd 0), whatever it is; the fd stays open when the handle is disposed. Pipes and
    /// sockets are polled without a thread; a terminal or a device may keep a kernel worker thread while a
    /// read waits: cancellation and shutdown interrupt it.
    /// </summary>
    /// <exception cref="IOException">It is closed.</exception>
    public static RingPipe StandardInput() => Standard(0, "input");

    /// <summary>
    /// Standard output (fd 1). See <see cref="StandardInput"/>. A file is written at the position it shares
    /// with other processes.
    /// </summary>
    /// <inheritdoc cref="StandardInput"/>
    public static RingPipe StandardOutput() => Standard(1, "output");

    /// <summary>Standard error (fd 2). See <see cref="StandardOutput"/>.</summary>
    /// <inheritdoc cref="StandardInput"/>
    public static RingPipe StandardError() => Standard(2, "error");

    /// <summary>
    /// An inherited fd has come through execve: one that closes there is the runtime's own, which has taken
    /// the free number.
    /// </summary>
    private static RingPipe Standard(int fd, string name) => Libc.fcntl(fd, F_GETFD, 0) == 0
        ? new RingPipe(OpDriver.Required, fd, ownsFd: false)
        : throw new IOException(
            $"Standard {name} is closed: nothing was fd {fd} when the process started.", EBADF);
}

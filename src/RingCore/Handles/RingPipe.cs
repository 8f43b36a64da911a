// Handles layer: one end of a pipe, a FIFO, and the process's standard streams, which may be a pipe, a terminal, a file or anything:
// what is read and written at its own position. At most one read and one write are with the kernel; a second concurrent read throws,
// writes take turns in call order. Owner thread only.
//
// .NET ignores SIGPIPE, without which a write to a pipe that nobody reads would end the process: it ends with EPIPE instead.

using System.Runtime.CompilerServices;
using RingCore.Sys;

namespace RingCore;

/// <summary>One end of a pipe, or a standard stream. Owner thread only, but for disposal.</summary>
public sealed class RingPipe : RingHandle
{
    private readonly Queue<TaskCompletionSource<bool>> _turns = []; // Writes that wait for the one with the kernel.
    private bool _reading;
    private bool _writing;
    private int _cancels; // Calls of CancelAll.
    private string? _fault;

    private RingPipe(OpDriver driver, int fd, bool ownsFd)
        : base(driver, fd, ownsFd)
    {
    }

    /// <summary>Makes a pipe (pipe2(2), a plain call: it cannot block), close-on-exec.</summary>
    /// <param name="capacity">Bytes it holds, rounded up by the kernel to a power of two; 0: the kernel's default, 64 KiB.</param>
    /// <exception cref="UnauthorizedAccessException">The capacity is above /proc/sys/fs/pipe-max-size.</exception>
    public static unsafe (RingPipe Reader, RingPipe Writer) Create(int capacity = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        OpDriver driver = OpDriver.Required;
        int* ends = stackalloc int[2];
        int result = Libc.pipe2(ends, FileConstants.O_CLOEXEC);
        if (result < 0)
            throw RingErrors.File(result, null, default, "Making a pipe");
        var pipe = (Reader: new RingPipe(driver, ends[0], ownsFd: true), Writer: new RingPipe(driver, ends[1], ownsFd: true));
        if (capacity == 0 || (result = Libc.fcntl(ends[1], FileConstants.F_SETPIPE_SZ, capacity)) >= 0)
            return pipe;
        pipe.Reader.Dispose();
        pipe.Writer.Dispose();
        throw RingErrors.File(result, null, default, $"Giving a pipe a capacity of {capacity} bytes");
    }

    /// <summary>
    /// Opens a FIFO (IORING_OP_OPENAT, 5.6). Waits until its other end is open, too, for which it keeps a kernel worker thread.
    /// <see cref="FileAccess.ReadWrite"/> does not wait.
    /// </summary>
    /// <param name="path">Relative to the working directory, or absolute.</param>
    /// <param name="access">Which end.</param>
    /// <param name="token">Asks for cancellation.</param>
    public static async ValueTask<RingPipe> OpenAsync(string path, FileAccess access, CancellationToken token = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        OpDriver driver = OpDriver.Required;
        OpResult result = await Op.OpenAtWorker(path, access switch
        {
            FileAccess.Read => FileConstants.O_RDONLY,
            FileAccess.Write => FileConstants.O_WRONLY,
            _ => FileConstants.O_RDWR,
        }).Start(token);
        return result.IsSuccess ? new RingPipe(driver, result.Res, ownsFd: true) : throw RingErrors.File(result.Res, null, token, $"Opening '{path}'");
    }

    /// <summary>Takes over an fd that is read or written at its own position: a pipe's end, a terminal, a FIFO.</summary>
    /// <param name="fd">An open fd. It may be O_NONBLOCK: waiting is then a poll.</param>
    /// <param name="ownsFd">Whether it is closed with the handle.</param>
    public static new RingPipe Adopt(int fd, bool ownsFd = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fd);
        return new RingPipe(OpDriver.Required, fd, ownsFd);
    }

    /// <summary>
    /// Standard input (fd 0), whatever it is; the fd stays open when the handle is disposed. Pipes and sockets are polled without a
    /// thread; a terminal or a device may keep a kernel worker thread while a read waits: cancellation and shutdown interrupt it.
    /// </summary>
    /// <exception cref="IOException">It is closed.</exception>
    public static RingPipe StandardInput() => Standard(0, "input");

    /// <summary>Standard output (fd 1). See <see cref="StandardInput"/>. A file is written at the position it shares with other processes.</summary>
    /// <inheritdoc cref="StandardInput"/>
    public static RingPipe StandardOutput() => Standard(1, "output");

    /// <summary>Standard error (fd 2). See <see cref="StandardOutput"/>.</summary>
    /// <inheritdoc cref="StandardInput"/>
    public static RingPipe StandardError() => Standard(2, "error");

    /// <summary>Reads what is there, at least one byte (IORING_OP_READ, 5.6). 0: the end, no writer is left.</summary>
    /// <param name="memory">On loan to the kernel until the read has ended. Empty: 0 at once.</param>
    /// <param name="token">Asks for cancellation. Bytes that came all the same are delivered; else <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">Another read is in progress, or this is the wrong thread.</exception>
    /// <exception cref="IOException">Reading failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReadAsync(Memory<byte> memory, CancellationToken token = default)
    {
        StartReading();
        try
        {
            int res = await RunAsync(Op.Read(this, memory), this, SocketConstants.POLLIN, token);
            return res >= 0 ? res : throw RingErrors.File(res, this, token, "Reading");
        }
        finally
        {
            _reading = false;
        }
    }

    /// <summary>Writes all of <paramref name="memory"/> (IORING_OP_WRITE, 5.6), or throws. Writes leave one by one in call order.</summary>
    /// <param name="memory">On loan to the kernel until the write has ended.</param>
    /// <param name="token">
    /// Asks for cancellation: <see cref="OperationCanceledException"/> if nothing had left; if part had, an <see cref="IOException"/>
    /// that says how much, and this handle cannot be written to any more.
    /// </param>
    /// <exception cref="IOException">Writing failed; with EPIPE nobody reads any more.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> memory, CancellationToken token = default)
    {
        await StartWritingAsync(token);
        int cancels = _cancels;
        int done = 0;
        try
        {
            while (done < memory.Length)
            {
                int res = cancels != _cancels ? -Errno.ECANCELED : await RunAsync(Op.Write(this, memory[done..]), this, SocketConstants.POLLOUT, token);
                if (res <= 0)
                    throw RingErrors.File(res == 0 ? -Errno.EIO : res, this, token, "Writing");
                done += res;
            }
        }
        catch (Exception e) when (done > 0)
        {
            _fault = $"A write ended after {done} of its bytes had left; this handle cannot be written to any more.";
            throw new IOException(_fault, e);
        }
        finally
        {
            WritingEnded();
        }
    }

    /// <summary>A read begins, or a copy from here.</summary>
    internal void StartReading()
    {
        Driver.ThrowIfNotOwner();
        ThrowIfDisposed();
        if (_reading)
            throw new InvalidOperationException("Another read of this pipe is in progress: two would share out the bytes between them.");
        _reading = true;
    }

    internal void ReadingEnded() => _reading = false;

    /// <summary>A write begins, or a copy to here, once those before it have ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    internal async ValueTask StartWritingAsync(CancellationToken token)
    {
        Driver.ThrowIfNotOwner();
        ThrowIfDisposed();
        if (_writing)
        {
            // Not inline: a row of writes that all fail would else end one inside the other.
            var turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
            _turns.Enqueue(turn);
            using (token.UnsafeRegister(static turn => ((TaskCompletionSource<bool>)turn!).TrySetResult(false), turn))
            {
                if (!await turn.Task)
                    throw RingErrors.File(-Errno.ECANCELED, this, token, "Writing");
            }
        }

        _writing = true;
        if (_fault is null && !IsDisposed)
            return;
        WritingEnded();
        ThrowIfDisposed();
        throw new IOException(_fault);
    }

    /// <summary>The next write has its turn, if it still wants it.</summary>
    internal void WritingEnded()
    {
        while (_turns.TryDequeue(out TaskCompletionSource<bool>? next))
        {
            if (next.TrySetResult(true))
                return;
        }

        _writing = false;
    }

    /// <summary>All writes, those that wait too: one that ends short must not go back to the kernel.</summary>
    private protected override void OnCancelAll()
    {
        _cancels++;
        while (_turns.TryDequeue(out TaskCompletionSource<bool>? next))
            next.TrySetResult(false);
    }

    /// <summary>One op to its end: where an O_NONBLOCK fd, which a shell may hand on, is not ready, a poll waits and the op runs again.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<int> RunAsync(Op op, RingHandle handle, int events, CancellationToken token)
    {
        while (true)
        {
            OpResult result = await op.Start(token);
            if (result.Res == -Errno.EAGAIN)
                result = await Op.Poll(handle, events).Start(token);
            else
                return result.Res;
            if (!result.IsSuccess)
                return result.Res;
        }
    }

    private static RingPipe Standard(int fd, string name) => Libc.fcntl(fd, FileConstants.F_GETFD, 0) is var result and < 0
        ? throw new IOException($"Standard {name} (fd {fd}) is not open: {Errno.Describe(-result)}.", -result)
        : new RingPipe(OpDriver.Required, fd, ownsFd: false);
}

// Handles layer: opening by path, for files and FIFOs. An open never waits in the kernel: one that did, a
// FIFO's for its other end, would keep a kernel worker, of which there are few, for as long as a peer likes.
// So every open is O_NONBLOCK, and what is not there yet is waited for here
// (docs/decisions/0010-never-wait-on-a-worker.md). It knows no handles and maps no errors.

using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>Opens that wait on this side of the kernel.</summary>
internal static class PathOpen
{
    /// <summary>
    /// Opens as open(2) without O_NONBLOCK does, and leaves the fd without it. Waits for a FIFO's other end,
    /// and for a lease on the file to be broken. An fd, the caller's to close, or −errno.
    /// </summary>
    /// <exception cref="OperationCanceledException">In a pause: token struck, or executor stops.</exception>
    internal static async ValueTask<int> OpenAsync(string path, int flags, uint mode, CancellationToken token)
    {
        OpDriver driver = OpDriver.Required;
        Op open = Op.OpenAt(path, flags | O_NONBLOCK, mode);
        // That has no reader.
        bool isFifo = false;
        int fd, pause = 0;
        while ((fd = (await open.Start(token)).Res) is -EAGAIN or -EINTR
            || (fd == -ENXIO && (isFifo = isFifo || await IsFifoAsync(path, token))))
            await PauseAsync(ref pause, TimeSpan.MaxValue, token);
        if (fd < 0)
            return fd;
        try
        {
            while ((flags & O_ACCMODE) == O_RDONLY && LacksWriter(fd))
                await PauseAsync(ref pause, TimeSpan.MaxValue, token);
        }
        catch
        {
            driver.CloseFd(fd);
            throw;
        }

        // The file description is ours alone: it was made by this open.
        Libc.fcntl(fd, F_SETFL, flags);
        return fd;
    }

    /// <summary>
    /// Before what cannot be polled for is tried again: 1 ms, each time twice as long, at most 20.
    /// </summary>
    internal static ValueTask PauseAsync(ref int pause, TimeSpan most, CancellationToken token)
    {
        pause = Math.Clamp(2 * pause, 1, 20);
        var time = TimeSpan.FromMilliseconds(pause);
        return RingExecutor.Delay(time < most ? time : most, token);
    }

    /// <summary>A socket's path and a device that is not there say ENXIO, too.</summary>
    private static async ValueTask<bool> IsFifoAsync(string path, CancellationToken token)
    {
        byte[] status = new byte[RingFileStatus.Size];
        return (await Op.Statx(path, status).Start(token)).IsSuccess
            && (new RingFileStatus(status).Raw.stx_mode & S_IFMT) == S_IFIFO;
    }

    /// <summary>
    /// Whether it is a FIFO that no writer has opened yet. One that came and went has left POLLHUP: that is
    /// the end, for a read to find.
    /// </summary>
    private static unsafe bool LacksWriter(int fd)
    {
        if (Libc.fcntl(fd, F_GETPIPE_SZ, 0) < 0)
            return false;
        var poll = new pollfd { fd = fd, events = POLLIN };

        // The read takes nothing, for it has nowhere to: EAGAIN with a writer, EFAULT with bytes, 0 with
        // nobody.
        return Libc.poll(&poll, 1, 0) == 0 && Libc.read(fd, null, 1) == 0;
    }
}

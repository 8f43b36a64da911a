// Handles layer: copying from one regular file to another by copy_file_range(2): a clone where the file
// system shares blocks (XFS, btrfs), else a copy inside the kernel. io_uring has no such op and the call
// waits for the disk, so it runs on a thread of its own, of which there are few; the ring waits for that
// thread with an op, a poll on an eventfd, as for all else. What it cannot do, it leaves to RingCopy's other
// ways.
//
// Whose is what: the thread works on duplicates of the fds, which it closes, so the handles may be disposed
// meanwhile; what it has copied is the thread's until it is done, which it says before it signals.

using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>One copy between files, on a thread.</summary>
internal sealed class RangeCopy(Kernel kernel)
{
    /// <summary>Fewer bytes are not worth a thread's start.</summary>
    internal const int Least = 64 * 1024;

    /// <summary>
    /// What a cancellation waits for, in bytes. A multiple of every block size, or nothing would be cloned.
    /// </summary>
    private const int Piece = 32 * 1024 * 1024;
    private const int MostThreads = 8;
    private static int s_threads;

    private int _from, _to, _signal;
    private long _copied;
    private bool _atEnd;
    // The ring sets it, the thread reads it between two pieces.
    private volatile bool _stop;
    // The thread sets it when it has set the others; the ring reads it before them.
    private volatile bool _isDone;

    /// <summary>
    /// Copies what it can. Ends early when the token strikes, and at the executor's end without its last
    /// piece.
    /// </summary>
    /// <returns>Bytes, and whether the source has ended behind them.</returns>
    internal static async RingTask<(long Copied, bool AtEnd)> RunAsync(
        RingHandle from, long fromOffset, RingHandle to, long toOffset, long count, CancellationToken token)
    {
        OpDriver driver = from.Driver;
        var copy = new RangeCopy(driver.Ring.Kernel);
        int fd = NewSignal(driver.Ring.Kernel);
        if (fd < 0)
            return default;
        using var signal = new RingHandle(driver, fd, ownsFd: true);
        copy.Start(from.Fd, to.Fd, fd, () => copy.Run(fromOffset, toOffset, count));
        while (!copy._isDone)
        {
            copy._stop |= await SignalledAsync(signal, copy._stop ? default : token) < 0;
            // Refused from now on.
            if (driver.Stopping)
                break;
        }

        // Acquire: pairs with Run's, where it goes on.
        return (Volatile.Read(ref copy._copied), copy._atEnd);
    }

    private static unsafe int NewSignal(Kernel kernel) => kernel.EventFd();

    /// <summary>
    /// The thread must not be left alone with the files: without memory for the poll, it is asked again.
    /// </summary>
    private static async RingTask<int> SignalledAsync(RingHandle signal, CancellationToken token)
    {
        try
        {
            return (await Op.Poll(signal, POLLIN).Start(token)).Res;
        }
        catch (OutOfMemoryException)
        {
            return -ENOMEM;
        }
    }

    /// <summary>Where there is no thread, or no fd, for it, it ends with nothing copied.</summary>
    private void Start(int from, int to, int signal, ThreadStart run)
    {
        _from = Libc.fcntl(from, F_DUPFD_CLOEXEC, 0);
        _to = Libc.fcntl(to, F_DUPFD_CLOEXEC, 0);
        _signal = Libc.fcntl(signal, F_DUPFD_CLOEXEC, 0);
        // Of all executors; End takes it back.
        bool starts = Interlocked.Increment(ref s_threads) <= MostThreads;
        try
        {
            if (starts && _from >= 0 && _to >= 0 && _signal >= 0)
                new Thread(run, 128 * 1024) { IsBackground = true, Name = "RingCore copy" }.UnsafeStart();
            else
                End();
        }
        catch (OutOfMemoryException)
        {
            End();
        }
    }

    private unsafe void Run(long from, long to, long count)
    {
        nint moved;
        do
        {
            nuint length = (nuint)Math.Min(count - _copied, Piece);
            moved = Libc.copy_file_range(_from, from < 0 ? null : &from, _to, to < 0 ? null : &to, length, 0);
            // Release: pairs with RunAsync's read.
            Volatile.Write(ref _copied, _copied + Math.Max(moved, 0));
        }
        while ((moved > 0 || moved == -EINTR) && _copied < count && !_stop);
        // Files of /proc say 0 at once.
        _atEnd = moved == 0 && _copied > 0;
        End();
    }

    private unsafe void End()
    {
        // Pairs with the increment in Start.
        Interlocked.Decrement(ref s_threads);
        _isDone = true;
        kernel.Signal(_signal);
        foreach (int fd in (ReadOnlySpan<int>)[_from, _to, _signal])
            Libc.close(fd);
    }
}

// Handles layer: errno values become the exceptions that .NET people expect. One switch per family; nothing
// below this layer throws for an errno.

using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>Maps −errno to exceptions.</summary>
internal static class RingErrors
{
    /// <summary>
    /// What a failed socket operation throws: the caller's token, a deadline, or a SocketException.
    /// </summary>
    internal static Exception Socket(int res, RingHandle? handle, CancellationToken token, string what) =>
        -res switch
        {
            ECANCELED when token.IsCancellationRequested => new OperationCanceledException(token),
            ECANCELED when handle is { IsDisposed: true } =>
                new ObjectDisposedException(handle.GetType().Name, $"{what} ended: its handle was disposed."),
            ECANCELED =>
                new OperationCanceledException(
                    $"{what} was cancelled: its executor stops, or its handle's ops were cancelled."),
            ETIME => new TimeoutException($"{what} did not end within its deadline."),
            _ => new SocketException(SocketErrorOf(-res), $"{what}: {Describe(-res)}."),
        };

    /// <summary>
    /// What a ValueTask's status has to say of a result: Canceled only where an
    /// <see cref="OperationCanceledException"/> is thrown, since AsTask replaces whatever a Canceled one
    /// throws by a TaskCanceledException.
    /// </summary>
    internal static ValueTaskSourceStatus StatusOf(int res, RingHandle handle, CancellationToken token) =>
        res >= 0 ? ValueTaskSourceStatus.Succeeded
        : res == -ECANCELED
            && (token.IsCancellationRequested || !handle.IsDisposed) ? ValueTaskSourceStatus.Canceled
        : ValueTaskSourceStatus.Faulted;

    /// <summary>
    /// SocketException takes its own numbers, not errnos. The base library knows the pairs: its default
    /// constructor reads the last errno.
    /// </summary>
    private static int SocketErrorOf(int errno)
    {
        Marshal.SetLastPInvokeError(errno);
        return (int)new SocketException().SocketErrorCode;
    }

    /// <summary>
    /// What a failed file operation throws: what System.IO throws for the same errno, but for EFBIG, which is
    /// an IOException here.
    /// </summary>
    internal static Exception File(
        int res, RingHandle? handle, CancellationToken token, string what, string? path = null)
    {
        string text = $"{what}: {Describe(-res)}.";
        return -res switch
        {
            ECANCELED => Socket(res, handle, token, what),
            ENOENT => new FileNotFoundException(text, path),
            ENOTDIR => new DirectoryNotFoundException(text),
            EACCES or EPERM or EISDIR or EBADF => new UnauthorizedAccessException(text),
            ENOMEM => new IOException(
                text[..^1] + ", or no worker thread for it (ulimit -u, pids.max).", -res),
            ENAMETOOLONG => new PathTooLongException(text),
            _ => new IOException(text, -res),
        };
    }

    /// <summary>Throws for a system call that failed with −errno.</summary>
    internal static int ThrowIfFailed(int result, string what) =>
        result >= 0 ? result : throw Socket(result, null, default, what);
}

// Handles layer: errno values become the exceptions that .NET people expect. One switch per family; nothing below this layer
// throws for an errno.

using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>Maps −errno to exceptions.</summary>
internal static class RingErrors
{
    /// <summary>What a failed socket operation throws: the caller's token, a deadline, or a SocketException.</summary>
    internal static Exception Socket(int res, RingHandle? handle, CancellationToken token, string what) => -res switch
    {
        Errno.ECANCELED when token.IsCancellationRequested => new OperationCanceledException(token),
        Errno.ECANCELED when handle is { IsDisposed: true } => new ObjectDisposedException(handle.GetType().Name, $"The handle was disposed during {what}."),
        Errno.ECANCELED => new OperationCanceledException($"{what} was cancelled: its executor stops, or its handle's ops were cancelled."),
        Errno.ETIME => new TimeoutException($"{what} did not end within its deadline."),
        _ => new SocketException((int)SocketErrorOf(-res), $"{what}: {Errno.Describe(-res)}."),
    };

    /// <summary>
    /// Whether ECANCELED is thrown as an <see cref="OperationCanceledException"/>. A ValueTask's status has to say the same:
    /// AsTask replaces whatever a Canceled one throws by a TaskCanceledException.
    /// </summary>
    internal static ValueTaskSourceStatus StatusOfCancelled(RingHandle handle, CancellationToken token) =>
        token.IsCancellationRequested || !handle.IsDisposed ? ValueTaskSourceStatus.Canceled : ValueTaskSourceStatus.Faulted;

    /// <summary>SocketException takes its own numbers, not errnos; the pairs are those of System.Net.Sockets.</summary>
    private static SocketError SocketErrorOf(int errno) => errno switch
    {
        Errno.EACCES or Errno.EPERM => SocketError.AccessDenied,
        Errno.EADDRINUSE => SocketError.AddressAlreadyInUse,
        Errno.EADDRNOTAVAIL or Errno.ENOENT => SocketError.AddressNotAvailable,
        Errno.EAFNOSUPPORT => SocketError.AddressFamilyNotSupported,
        Errno.EAGAIN => SocketError.WouldBlock,
        Errno.EALREADY => SocketError.AlreadyInProgress,
        Errno.ECANCELED or Errno.EBADF => SocketError.OperationAborted,
        Errno.ECONNABORTED => SocketError.ConnectionAborted,
        Errno.ECONNREFUSED => SocketError.ConnectionRefused,
        Errno.ECONNRESET => SocketError.ConnectionReset,
        Errno.EDESTADDRREQ => SocketError.DestinationAddressRequired,
        Errno.EFAULT => SocketError.Fault,
        Errno.EHOSTDOWN => SocketError.HostDown,
        Errno.EHOSTUNREACH => SocketError.HostUnreachable,
        Errno.EINPROGRESS => SocketError.InProgress,
        Errno.EINTR => SocketError.Interrupted,
        Errno.EINVAL => SocketError.InvalidArgument,
        Errno.EISCONN => SocketError.IsConnected,
        Errno.EMFILE or Errno.ENFILE => SocketError.TooManyOpenSockets,
        Errno.EMSGSIZE => SocketError.MessageSize,
        Errno.ENETDOWN => SocketError.NetworkDown,
        Errno.ENETRESET => SocketError.NetworkReset,
        Errno.ENETUNREACH => SocketError.NetworkUnreachable,
        Errno.ENOBUFS => SocketError.NoBufferSpaceAvailable,
        Errno.ENOPROTOOPT => SocketError.ProtocolOption,
        Errno.ENOTCONN => SocketError.NotConnected,
        Errno.ENOTSOCK => SocketError.NotSocket,
        Errno.EOPNOTSUPP => SocketError.OperationNotSupported,
        Errno.EPIPE => SocketError.Shutdown,
        Errno.EPROTONOSUPPORT => SocketError.ProtocolNotSupported,
        Errno.EPROTOTYPE => SocketError.ProtocolType,
        Errno.ESHUTDOWN => SocketError.Disconnecting,
        Errno.ETIMEDOUT => SocketError.TimedOut,
        _ => SocketError.SocketError,
    };

    /// <summary>What a failed file operation throws: what System.IO throws for the same errno.</summary>
    internal static Exception File(int res, RingHandle? handle, CancellationToken token, string what) => -res switch
    {
        Errno.ECANCELED when token.IsCancellationRequested => new OperationCanceledException(token),
        Errno.ECANCELED when handle is { IsDisposed: true } => new ObjectDisposedException(handle.GetType().Name, $"The handle was disposed during {what}."),
        Errno.ECANCELED => new OperationCanceledException($"{what} was cancelled: its executor stops."),
        Errno.ENOENT => new FileNotFoundException($"{what}: {Errno.Describe(-res)}."),
        Errno.ENOTDIR => new DirectoryNotFoundException($"{what}: {Errno.Describe(-res)}."),
        Errno.EACCES or Errno.EPERM or Errno.EISDIR => new UnauthorizedAccessException($"{what}: {Errno.Describe(-res)}."),
        Errno.ENAMETOOLONG => new PathTooLongException($"{what}: {Errno.Describe(-res)}."),
        _ => new IOException($"{what}: {Errno.Describe(-res)}.", -res),
    };

    /// <summary>Throws for a system call that failed with −errno.</summary>
    internal static int ThrowIfFailed(int result, string what) => result >= 0 ? result : throw Socket(result, null, default, what);
}

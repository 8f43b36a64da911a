// Handles layer: a listening stream socket, TCP or Unix. Binding and listening are plain calls; accepting is
// an op. Multishot where the kernel has it, one op per connection elsewhere, behind the same sequence. Owner
// thread only.

using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>A listening TCP or Unix stream socket. Owner thread only, but for disposal.</summary>
public sealed class RingListener : RingHandle
{
    /// <summary>
    /// How long accepting pauses when no fd or memory is left: short enough to go unnoticed, long enough not
    /// to spin.
    /// </summary>
    private static readonly TimeSpan s_backOff = TimeSpan.FromMilliseconds(20);

    private readonly string? _unlinkPath;
    private readonly (uint Major, uint Minor, ulong Inode) _identity; // Of the file at that path.
    private readonly bool _isTcp;
    private int _backlog = 1;

    private RingListener(OpDriver driver, int fd, EndPoint bound, string? unlinkPath)
        : base(driver, fd, ownsFd: true)
    {
        _unlinkPath = unlinkPath;
        if (unlinkPath is not null)
            _identity = FileCalls.Identity(FileCalls.Status(FileConstants.AT_FDCWD, unlinkPath));
        _isTcp = bound is IPEndPoint;
        LocalEndPoint = bound;
    }

    /// <summary>The bound address; with the port the kernel chose where port 0 was asked for.</summary>
    public EndPoint LocalEndPoint { get; }

    /// <summary>
    /// Binds and listens. <see cref="IPAddress.IPv6Any"/> listens on IPv4 too. A Unix path is removed again
    /// at disposal, unless something else stands there by then, such as a successor's socket.
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="IPEndPoint"/> (port 0: the kernel chooses) or <see cref="UnixDomainSocketEndPoint"/>.
    /// </param>
    /// <param name="backlog">
    /// Connections the kernel keeps until they are accepted; capped by net.core.somaxconn.
    /// </param>
    /// <exception cref="SocketException">Address in use, not permitted, not there.</exception>
    public static RingListener Bind(EndPoint endPoint, int backlog = 512)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(backlog, 1);
        RingListener listener = Open(endPoint, shared: false);
        try
        {
            listener.Listen(backlog);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Binds, and does not listen yet.</summary>
    /// <param name="endPoint">As for <see cref="Bind"/>.</param>
    /// <param name="shared">
    /// With SO_REUSEPORT: each of several listeners of one port gets its share of the connections.
    /// </param>
    internal static RingListener Open(EndPoint endPoint, bool shared)
    {
        OpDriver driver = OpDriver.Required;
        byte[] address = SocketAddressBytes.From(endPoint);
        int family = SocketAddressBytes.Family(address);
        int fd = SocketCalls.Open(family);
        try
        {
            if (endPoint is IPEndPoint ip)
            {
                SocketCalls.SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
                if (shared)
                    SocketCalls.SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
                int v6Only = ip.Address.Equals(IPAddress.IPv6Any) ? 0 : 1;
                if (family == AF_INET6)
                    SocketCalls.SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6Only);
            }

            RingErrors.ThrowIfFailed(SocketCalls.Bind(fd, address), $"Binding to {endPoint}");
            // In full: the working directory may change.
            bool isPath = SocketAddressBytes.IsPath(address);
            string? path = isPath ? Path.GetFullPath(endPoint.ToString()!) : null;
            return new RingListener(driver, fd, SocketCalls.EndPointOf(fd, peer: false) ?? endPoint, path);
        }
        catch
        {
            driver.CloseFd(fd);
            throw;
        }
    }

    internal void Listen(int backlog)
    {
        RingErrors.ThrowIfFailed(Libc.listen(Fd, backlog), $"Listening on {LocalEndPoint}");
        _backlog = backlog;
    }

    /// <summary>
    /// Accepts one connection (IORING_OP_ACCEPT, 5.5). While no fd is left it waits and tries again.
    /// </summary>
    /// <param name="cancellationToken">
    /// Asks for cancellation. A connection that was accepted all the same is delivered.
    /// </param>
    public async ValueTask<RingConnection> AcceptAsync(CancellationToken cancellationToken = default)
    {
        Func<int, RingConnection> wrap = Wrap;
        while (true)
        {
            Driver.ThrowIfNotOwner();
            OpResult result = await Op.Accept(this).Start(cancellationToken);
            if (result.IsSuccess)
                return Driver.Own(wrap, result.Res);
            await PauseOrThrow(result.Res, cancellationToken);
        }
    }

    /// <summary>
    /// Accepts until the token or the disposal of the listener ends it; both end the sequence without an
    /// exception. Multishot where the kernel has it (5.19). Connections that came and were not taken are
    /// closed.
    /// </summary>
    public IAsyncEnumerable<RingConnection> AcceptAllAsync(CancellationToken cancellationToken = default) =>
        AcceptAllAsync(Wrap, cancellationToken);

    /// <summary>
    /// As the other, with every accepted fd as the caller wants it: to live on another executor it must not
    /// have a handle here.
    /// </summary>
    internal async IAsyncEnumerable<T> AcceptAllAsync<T>(
        Func<int, T> wrap, [EnumeratorCancellation] CancellationToken token)
    {
        MultishotOp accept = Op.Accept(this).Multishot(_backlog);
        await using IAsyncEnumerator<OpResult> accepts = accept.GetAsyncEnumerator(token);
        while (await NextAsync(accepts, token))
            yield return Driver.Own(wrap, accepts.Current.Res);
    }

    /// <summary>
    /// Whether there is a next connection; the ways to be asked to stop all end the sequence.
    /// </summary>
    private async ValueTask<bool> NextAsync(IAsyncEnumerator<OpResult> accepts, CancellationToken token)
    {
        try
        {
            // ECANCELED: the listener's ops were cancelled.
            while (!IsDisposed && await accepts.MoveNextAsync() && accepts.Current.Res != -ECANCELED)
            {
                if (accepts.Current.IsSuccess)
                    return true;
                await PauseOrThrow(accepts.Current.Res, token);
            }
        }
        catch (OperationCanceledException)
        {
            // Asked to stop, perhaps in a pause.
        }

        return false;
    }

    private RingConnection Wrap(int fd) => new(Driver, Prepare(fd));

    /// <summary>What every accepted socket gets, wherever it will live.</summary>
    internal int Prepare(int fd)
    {
        if (_isTcp)
            SocketCalls.TryNoDelay(fd);
        return fd;
    }

    /// <summary>
    /// Accept's errors, one by one: what passes by itself is waited for, what concerns one connection is
    /// skipped.
    /// </summary>
    private async ValueTask PauseOrThrow(int res, CancellationToken token)
    {
        switch (-res)
        {
            case ECONNABORTED or EPROTO or EINTR or EAGAIN or ENETDOWN
                or EHOSTDOWN or ENONET or EHOSTUNREACH or ENETUNREACH or EPERM:
                return; // That connection's trouble, not the listener's.
            case EMFILE or ENFILE or ENOBUFS or ENOMEM: // Passes when something is closed.
                await RingExecutor.Delay(s_backOff, token);
                return;
            default:
                throw RingErrors.Socket(res, this, token, "Accepting");
        }
    }

    private protected override void OnClosing()
    {
        // Socket does not look, and takes away the socket of a successor. If its directory has gone there is
        // nothing to remove; the socket is closed all the same.
        if (_unlinkPath is not null)
            FileCalls.Unlink(_unlinkPath, _identity);
    }
}

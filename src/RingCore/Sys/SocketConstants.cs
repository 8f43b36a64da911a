// Layer: Sys. The socket and poll constants of libc that this project uses, with their Linux values
// on x86-64 (the asm-generic ones). Used by Ops/ and Handles/. Constants nobody needs are left out on
// purpose: this is not a copy of libc's headers.
namespace RingCore.Sys;

/// <summary>
/// Constants of <c>sys/socket.h</c>, <c>netinet/tcp.h</c> and <c>poll.h</c>, typed as the calls
/// take them.
/// </summary>
public static class SocketConstants
{
    /// <summary>Local sockets, addressed by a path (<see cref="sockaddr_un"/>).</summary>
    public const int AF_UNIX = 1;

    /// <summary>IPv4 (<see cref="sockaddr_in"/>).</summary>
    public const int AF_INET = 2;

    /// <summary>IPv6 (<see cref="sockaddr_in6"/>).</summary>
    public const int AF_INET6 = 10;

    /// <summary>A byte stream: TCP, or a Unix stream.</summary>
    public const int SOCK_STREAM = 1;

    /// <summary>
    /// Bit of the socket type and of accept flags: plain calls give -EAGAIN instead of waiting.
    /// io_uring requests wait anyway.
    /// </summary>
    public const int SOCK_NONBLOCK = 0x800;

    /// <summary>Bit of the socket type and of accept flags: closed on exec.</summary>
    public const int SOCK_CLOEXEC = 0x80000;

    /// <summary>Option level of the socket itself.</summary>
    internal const int SOL_SOCKET = 1;

    /// <summary>
    /// Option: bind to an address whose old connections still linger in TIME_WAIT.
    /// </summary>
    internal const int SO_REUSEADDR = 2;

    /// <summary>
    /// Option, read only: the pending error as a positive errno, cleared by reading it.
    /// </summary>
    internal const int SO_ERROR = 4;

    /// <summary>Option: size of the send buffer; the kernel doubles what is asked.</summary>
    internal const int SO_SNDBUF = 7;

    /// <summary>Option: size of the receive buffer; the kernel doubles what is asked.</summary>
    internal const int SO_RCVBUF = 8;

    /// <summary>Option: probe idle connections.</summary>
    internal const int SO_KEEPALIVE = 9;

    /// <summary>
    /// Option: what close does with unsent data (two ints: on, seconds); on with 0 seconds resets
    /// the connection.
    /// </summary>
    internal const int SO_LINGER = 13;

    /// <summary>
    /// Option: several sockets listen on one address and the kernel spreads connections over them.
    /// Since 3.9.
    /// </summary>
    internal const int SO_REUSEPORT = 15;

    /// <summary>Option, read only: whether the socket listens.</summary>
    internal const int SO_ACCEPTCONN = 30;

    /// <summary>Protocol and option level of TCP.</summary>
    internal const int IPPROTO_TCP = 6;

    /// <summary>Option level of IPv6.</summary>
    internal const int IPPROTO_IPV6 = 41;

    /// <summary>Option at IPPROTO_TCP: send small segments at once (no Nagle).</summary>
    internal const int TCP_NODELAY = 1;

    /// <summary>Option at IPPROTO_IPV6: an IPv6 listener does not take IPv4 connections.</summary>
    public const int IPV6_V6ONLY = 26;

    /// <summary>Receive without removing the data.</summary>
    public const int MSG_PEEK = 0x2;

    /// <summary>
    /// In: return a datagram's true length. Out, in <see cref="msghdr.msg_flags"/>: the datagram
    /// was cut.
    /// </summary>
    public const int MSG_TRUNC = 0x20;

    /// <summary>
    /// Do not wait: -EAGAIN. Also how an io_uring send or receive is told not to wait.
    /// </summary>
    public const int MSG_DONTWAIT = 0x40;

    /// <summary>
    /// Transfer the full length: after a short transfer the kernel goes on until all is done, the
    /// stream ends or an error comes. Not with multishot receive (-EINVAL).
    /// </summary>
    public const int MSG_WAITALL = 0x100;

    /// <summary>
    /// A broken connection gives -EPIPE without SIGPIPE. io_uring sends always behave so.
    /// </summary>
    public const int MSG_NOSIGNAL = 0x4000;

    /// <summary>More data follows: hold partial segments back.</summary>
    public const int MSG_MORE = 0x8000;

    /// <summary>Shutdown: no more receiving.</summary>
    public const int SHUT_RD = 0;

    /// <summary>Shutdown: no more sending; the peer reads the end of the stream.</summary>
    public const int SHUT_WR = 1;

    /// <summary>Shutdown: both directions.</summary>
    public const int SHUT_RDWR = 2;

    /// <summary>
    /// Poll bit: something to read, a connection to accept, or the end of the stream.
    /// </summary>
    public const int POLLIN = 0x1;

    /// <summary>Poll bit: urgent data.</summary>
    public const int POLLPRI = 0x2;

    /// <summary>Poll bit: room to write.</summary>
    public const int POLLOUT = 0x4;

    /// <summary>Poll bit: an error is pending; reported even if not asked for.</summary>
    public const int POLLERR = 0x8;

    /// <summary>Poll bit: both directions are closed; reported even if not asked for.</summary>
    public const int POLLHUP = 0x10;

    /// <summary>Poll bit: not an open descriptor (plain poll only).</summary>
    public const int POLLNVAL = 0x20;

    /// <summary>Poll bit: the peer ended its sending side.</summary>
    public const int POLLRDHUP = 0x2000;
}

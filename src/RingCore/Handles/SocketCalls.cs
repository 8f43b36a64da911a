// Handles layer: the plain system calls of sockets, made where they cannot block: an op would cost more and
// save nothing (shutdown as an op 39 µs, as a call 0.5). Errors come back as −errno or are thrown as
// SocketException, as each says.

using System.Net;
using System.Net.Sockets;
using RingCore.Sys;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>socket, bind, listen and their kin.</summary>
internal static unsafe class SocketCalls
{
    internal static int Open(int family, int flags = 0) => RingErrors.ThrowIfFailed(
        Libc.socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "Opening a socket");

    internal static int Bind(int fd, byte[] address)
    {
        fixed (byte* bytes = address)
            return Libc.bind(fd, bytes, (uint)address.Length);
    }

    internal static int Connect(int fd, byte[] address)
    {
        fixed (byte* bytes = address)
            return Libc.connect(fd, bytes, (uint)address.Length);
    }

    internal static int Shutdown(int fd, SocketShutdown how) => Libc.shutdown(fd, (int)how);

    internal static EndPoint? EndPointOf(int fd, bool peer)
    {
        byte* address = stackalloc byte[SocketAddressBytes.Capacity];
        uint length = SocketAddressBytes.Capacity;
        int result = peer ? Libc.getpeername(fd, address, &length) : Libc.getsockname(fd, address, &length);
        int bytes = (int)Math.Min(length, SocketAddressBytes.Capacity);
        return result < 0 ? null : SocketAddressBytes.ToEndPoint(new ReadOnlySpan<byte>(address, bytes));
    }

    internal static long GetOption(int fd, int level, int name, uint size = sizeof(int))
    {
        long value = 0;
        RingErrors.ThrowIfFailed(Libc.getsockopt(fd, level, name, &value, &size), "Reading a socket option");
        return value;
    }

    internal static void SetOption(int fd, int level, int name, long value, uint size = sizeof(int)) =>
        RingErrors.ThrowIfFailed(Libc.setsockopt(fd, level, name, &value, size), "Setting a socket option");

    /// <summary>
    /// On every TCP connection, as in Kestrel and Go: small replies must not wait for an acknowledgement.
    /// Fails harmlessly elsewhere.
    /// </summary>
    internal static void TryNoDelay(int fd)
    {
        int one = 1;
        Libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(int));
    }
}

// Op layer: end points as the kernel spells them. Connect ops, binds and the end points of handles use it.
// IPv4, IPv6 with its scope, and Unix paths, abstract ones included. It resolves no names: DNS is not a
// kernel request.

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>A sockaddr, as bytes: what bind(2) and IORING_OP_CONNECT take.</summary>
internal static class SocketAddressBytes
{
    /// <summary>Room for every address family: sizeof(struct sockaddr_storage).</summary>
    internal const int Capacity = 128;

    /// <summary>The sockaddr of an end point.</summary>
    /// <exception cref="NotSupportedException">Neither IP nor Unix; a DNS name has to be resolved
    /// first.</exception>
    internal static byte[] From(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        if (endPoint is not (IPEndPoint or UnixDomainSocketEndPoint))
            throw new NotSupportedException(
                $"{endPoint.GetType().Name} '{endPoint}' is neither an IPEndPoint nor a "
                + "UnixDomainSocketEndPoint; resolve names first.");
        // On Linux these are the kernel's own bytes.
        SocketAddress address = endPoint.Serialize();
        return address.Buffer[..address.Size].ToArray();
    }

    /// <summary>AF_INET, AF_INET6 or AF_UNIX.</summary>
    internal static int Family(ReadOnlySpan<byte> address) =>
        BinaryPrimitives.ReadUInt16LittleEndian(address);

    /// <summary>
    /// Whether it names a file. An abstract name begins with a null; System.Net prints that as '@', with
    /// which a path may begin, too.
    /// </summary>
    internal static bool IsPath(ReadOnlySpan<byte> address) =>
        Family(address) == AF_UNIX && address.Length > 2 && address[2] != 0;

    /// <summary>
    /// The end point of a sockaddr the kernel wrote, or null for a family RingCore does not know.
    /// </summary>
    internal static EndPoint? ToEndPoint(ReadOnlySpan<byte> address)
    {
        if (address.Length < 2)
            return null;
        EndPoint? template = Family(address) switch
        {
            AF_INET when address.Length >= 16 => new IPEndPoint(IPAddress.Any, 0),
            AF_INET6 when address.Length >= 28 => new IPEndPoint(IPAddress.IPv6Any, 0),
            AF_UNIX => new UnixDomainSocketEndPoint("/"),
            _ => null,
        };
        if (template is null)
            return null;
        var serialized = new SocketAddress(template.AddressFamily, address.Length);
        address.CopyTo(serialized.Buffer.Span);
        return template.Create(serialized);
    }
}

// Op layer: end points as the kernel spells them. Connect ops, binds and the end points of handles use it. IPv4, IPv6 with its
// scope, and Unix paths, abstract ones included. It resolves no names: DNS is not a kernel request.

using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using RingCore.Sys;

namespace RingCore;

/// <summary>A sockaddr, as bytes: what bind(2) and IORING_OP_CONNECT take.</summary>
public sealed class SocketAddressBytes
{
    /// <summary>Room for every address family: sizeof(struct sockaddr_storage).</summary>
    public const int Capacity = 128;

    private readonly byte[] _bytes;
    private readonly EndPoint _endPoint;

    private SocketAddressBytes(byte[] bytes, EndPoint endPoint)
    {
        _bytes = bytes;
        _endPoint = endPoint;
    }

    /// <summary>The sockaddr.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>AF_INET, AF_INET6 or AF_UNIX.</summary>
    public int Family => BinaryPrimitives.ReadUInt16LittleEndian(_bytes);

    /// <summary>The sockaddr of an end point.</summary>
    /// <exception cref="NotSupportedException">Neither IP nor Unix; a DNS name has to be resolved first.</exception>
    public static SocketAddressBytes From(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        if (endPoint is not (IPEndPoint or UnixDomainSocketEndPoint))
            throw new NotSupportedException($"{endPoint.GetType().Name} '{endPoint}' is neither an IPEndPoint nor a UnixDomainSocketEndPoint; resolve names first.");
        SocketAddress address = endPoint.Serialize(); // On Linux these are the kernel's own bytes.
        return new SocketAddressBytes(address.Buffer[..address.Size].ToArray(), endPoint);
    }

    /// <summary>The end point of a sockaddr the kernel wrote, or null for a family RingCore does not know.</summary>
    public static EndPoint? ToEndPoint(ReadOnlySpan<byte> address)
    {
        if (address.Length < 2)
            return null;
        EndPoint? template = BinaryPrimitives.ReadUInt16LittleEndian(address) switch
        {
            SocketConstants.AF_INET when address.Length >= 16 => new IPEndPoint(IPAddress.Any, 0),
            SocketConstants.AF_INET6 when address.Length >= 28 => new IPEndPoint(IPAddress.IPv6Any, 0),
            SocketConstants.AF_UNIX => new UnixDomainSocketEndPoint("/"),
            _ => null,
        };
        if (template is null)
            return null;
        var serialized = new SocketAddress(template.AddressFamily, address.Length);
        address.CopyTo(serialized.Buffer.Span);
        return template.Create(serialized);
    }

    /// <inheritdoc/>
    public override string ToString() => _endPoint.ToString() ?? "";
}

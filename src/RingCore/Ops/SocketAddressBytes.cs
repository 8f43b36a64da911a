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
        switch (endPoint)
        {
            case IPEndPoint ip:
                bool v6 = ip.AddressFamily == AddressFamily.InterNetworkV6;
                byte[] bytes = new byte[v6 ? 28 : 16];
                BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)(v6 ? SocketConstants.AF_INET6 : SocketConstants.AF_INET));
                BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)ip.Port);
                ip.Address.TryWriteBytes(bytes.AsSpan(v6 ? 8 : 4), out _);
                if (v6)
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(24), (uint)ip.Address.ScopeId);
                return new SocketAddressBytes(bytes, endPoint);
            case UnixDomainSocketEndPoint:
                SocketAddress unix = endPoint.Serialize();
                byte[] path = unix.Buffer.Span[..unix.Size].ToArray();
                BinaryPrimitives.WriteUInt16LittleEndian(path, (ushort)SocketConstants.AF_UNIX);
                return new SocketAddressBytes(path, endPoint);
            default:
                throw new NotSupportedException(
                    $"{endPoint.GetType().Name} '{endPoint}' is neither an IPEndPoint nor a UnixDomainSocketEndPoint; resolve names first.");
        }
    }

    /// <summary>The end point of a sockaddr the kernel wrote, or null for a family RingCore does not know.</summary>
    public static EndPoint? ToEndPoint(ReadOnlySpan<byte> address)
    {
        if (address.Length < 2)
            return null;
        int family = BinaryPrimitives.ReadUInt16LittleEndian(address);
        if (family == SocketConstants.AF_INET && address.Length >= 8)
            return new IPEndPoint(new IPAddress(address.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
        if (family == SocketConstants.AF_INET6 && address.Length >= 28)
        {
            var ip = new IPAddress(address.Slice(8, 16), BinaryPrimitives.ReadUInt32LittleEndian(address[24..]));
            return new IPEndPoint(ip, BinaryPrimitives.ReadUInt16BigEndian(address[2..]));
        }

        if (family != SocketConstants.AF_UNIX)
            return null;
        var serialized = new SocketAddress(AddressFamily.Unix, address.Length);
        address.CopyTo(serialized.Buffer.Span);
        BinaryPrimitives.WriteUInt16LittleEndian(serialized.Buffer.Span, (ushort)AddressFamily.Unix);
        return new UnixDomainSocketEndPoint("/").Create(serialized);
    }

    /// <inheritdoc/>
    public override string ToString() => _endPoint.ToString() ?? "";
}

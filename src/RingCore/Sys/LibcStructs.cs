// Layer: Sys. The few structs of libc whose addresses go into SQEs and socket calls: gathered
// buffers, messages, socket addresses. Used by Ops/ and Handles/, in native memory that does not
// move. Layouts are those of 64-bit little-endian Linux; they are older than io_uring, so no
// version stands beside them.
// This file does not parse or format addresses.
using System.Runtime.InteropServices;

namespace RingCore.Sys;

// iovec and msghdr keep libc's spelling, although C# would rather reserve lower-case type names.
#pragma warning disable CS8981

/// <summary>A piece of memory for gathered reads and writes, 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct iovec
{
    /// <summary>Offset 0. Start of the piece.</summary>
    [FieldOffset(0)] public unsafe void* iov_base;

    /// <summary>Offset 8. Its length in bytes.</summary>
    [FieldOffset(8)] public nuint iov_len;
}

/// <summary>What poll asks of a descriptor and what it answers, 8 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct pollfd
{
    /// <summary>Offset 0. The descriptor.</summary>
    [FieldOffset(0)] public int fd;

    /// <summary>Offset 4. POLL* that are asked for.</summary>
    [FieldOffset(4)] public short events;

    /// <summary>Offset 6. Written by the kernel: those that hold, and POLLERR and POLLHUP unasked.</summary>
    [FieldOffset(6)] public short revents;
}

/// <summary>
/// Message of sendmsg and recvmsg, 56 bytes. The kernel reads it while the SQE is consumed; for
/// RECVMSG it writes lengths and flags back at completion, so it must live until the CQE.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
internal struct msghdr
{
    /// <summary>Offset 0. Peer address, or null on a connected socket.</summary>
    [FieldOffset(0)] public unsafe void* msg_name;

    /// <summary>Offset 8. Room for it, or its length.</summary>
    [FieldOffset(8)] public uint msg_namelen;

    /// <summary>Offset 16. The data pieces.</summary>
    [FieldOffset(16)] public unsafe iovec* msg_iov;

    /// <summary>Offset 24. How many pieces, at most 1024.</summary>
    [FieldOffset(24)] public nuint msg_iovlen;

    /// <summary>Offset 32. Control data (cmsg), or null.</summary>
    [FieldOffset(32)] public unsafe void* msg_control;

    /// <summary>Offset 40. Its length.</summary>
    [FieldOffset(40)] public nuint msg_controllen;

    /// <summary>
    /// Offset 48. Out, after a receive: <c>MSG_TRUNC</c> and others. Sends ignore it.
    /// </summary>
    [FieldOffset(48)] public int msg_flags;
}

/// <summary>IPv4 address and port, 16 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct sockaddr_in
{
    /// <summary>Offset 0. <see cref="SocketConstants.AF_INET"/>.</summary>
    [FieldOffset(0)] public ushort sin_family;

    /// <summary>Offset 2. Port, in network byte order.</summary>
    [FieldOffset(2)] public ushort sin_port;

    /// <summary>Offset 4. Address, in network byte order.</summary>
    [FieldOffset(4)] public uint sin_addr;

    /// <summary>Offset 8. Unused, zero.</summary>
    [FieldOffset(8)] public ulong sin_zero;
}

/// <summary>IPv6 address and port, 28 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 28)]
internal struct sockaddr_in6
{
    /// <summary>Offset 0. <see cref="SocketConstants.AF_INET6"/>.</summary>
    [FieldOffset(0)] public ushort sin6_family;

    /// <summary>Offset 2. Port, in network byte order.</summary>
    [FieldOffset(2)] public ushort sin6_port;

    /// <summary>
    /// Offset 4. Flow label and traffic class, in network byte order; usually zero.
    /// </summary>
    [FieldOffset(4)] public uint sin6_flowinfo;

    /// <summary>Offset 8. Address, 16 bytes.</summary>
    [FieldOffset(8)] public unsafe fixed byte sin6_addr[16];

    /// <summary>Offset 24. Interface index for link-local addresses, in host byte order.</summary>
    [FieldOffset(24)] public uint sin6_scope_id;
}

/// <summary>
/// Unix socket address, 110 bytes; the address length says how much of it counts.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 110)]
internal struct sockaddr_un
{
    /// <summary>Offset 0. <see cref="SocketConstants.AF_UNIX"/>.</summary>
    [FieldOffset(0)] public ushort sun_family;

    /// <summary>
    /// Offset 2. Zero-terminated path; a first byte of zero makes an abstract name of the remaining
    /// length.
    /// </summary>
    [FieldOffset(2)] public unsafe fixed byte sun_path[108];
}

/// <summary>Room for any socket address, 128 bytes, aligned to 8.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct sockaddr_storage
{
    /// <summary>Offset 0. Tells which of the other structs this is.</summary>
    [FieldOffset(0)] public ushort ss_family;

    /// <summary>Offset 120. Last eight bytes; here for the alignment only.</summary>
    [FieldOffset(120)] public ulong __ss_align;
}

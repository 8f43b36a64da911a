// Handles layer: the options of a socket that applications set. Each is one plain system call (SocketCalls);
// it keeps no copy.

using static RingCore.SocketCalls;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>
/// Options of a socket. Each get and set is one getsockopt(2) or setsockopt(2). Owner thread.
/// </summary>
public readonly struct SocketOptions
{
    private readonly RingHandle _handle;

    internal SocketOptions(RingHandle handle) => _handle = handle;

    /// <summary>TCP_NODELAY: send small segments at once. On by default on TCP connections.</summary>
    public bool NoDelay
    {
        get => GetOption(_handle.OwnFd, IPPROTO_TCP, TCP_NODELAY) != 0;
        set => SetOption(_handle.OwnFd, IPPROTO_TCP, TCP_NODELAY, value ? 1 : 0);
    }

    /// <summary>SO_KEEPALIVE.</summary>
    public bool KeepAlive
    {
        get => GetOption(_handle.OwnFd, SOL_SOCKET, SO_KEEPALIVE) != 0;
        set => SetOption(_handle.OwnFd, SOL_SOCKET, SO_KEEPALIVE, value ? 1 : 0);
    }

    /// <summary>SO_SNDBUF in bytes; the kernel doubles what is set, and reports the double.</summary>
    public int SendBufferSize
    {
        get => (int)GetOption(_handle.OwnFd, SOL_SOCKET, SO_SNDBUF);
        set => SetOption(_handle.OwnFd, SOL_SOCKET, SO_SNDBUF, value);
    }

    /// <summary>SO_RCVBUF in bytes; the kernel doubles what is set, and reports the double.</summary>
    public int ReceiveBufferSize
    {
        get => (int)GetOption(_handle.OwnFd, SOL_SOCKET, SO_RCVBUF);
        set => SetOption(_handle.OwnFd, SOL_SOCKET, SO_RCVBUF, value);
    }

    /// <summary>SO_LINGER with 0 s: closing resets the connection instead of finishing it.</summary>
    public bool ResetOnClose
    {
        // { l_onoff = 1, l_linger = 0 }
        get => GetOption(_handle.OwnFd, SOL_SOCKET, SO_LINGER, sizeof(long)) == 1;
        set => SetOption(_handle.OwnFd, SOL_SOCKET, SO_LINGER, value ? 1 : 0, sizeof(long));
    }
}

// Handles layer: how a connection comes about: by connecting, or by taking over a connected socket. Owner thread only.

using System.Net;
using RingCore.Sys;

namespace RingCore;

public sealed partial class RingConnection
{
    /// <summary>Connects to an IP or Unix end point (IORING_OP_CONNECT, 5.5). Names have to be resolved before: DNS is not a kernel request.</summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> or <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.</param>
    /// <param name="timeout">Deadline; null: the kernel's own, about two minutes.</param>
    /// <param name="token">Asks for cancellation.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Refused, unreachable, no fd left.</exception>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    public static async ValueTask<RingConnection> ConnectAsync(EndPoint endPoint, TimeSpan? timeout = null, CancellationToken token = default)
    {
        OpDriver driver = OpDriver.Required;
        token.ThrowIfCancellationRequested();
        SocketAddressBytes address = SocketAddressBytes.From(endPoint);
        var connection = new RingConnection(driver, SocketCalls.Open(address.Family));
        try
        {
            if (address.Family != SocketConstants.AF_UNIX)
                SocketCalls.TryNoDelay(connection.Fd);
            ValueTask<OpResult> connecting = Op.Connect(connection, address).Start(out ulong key, token);
            bool late = false;
            RingTimers timers = RingExecutor.Required.Timers;
            ActionTimer? deadline = timeout is { } time ? timers.Add(time, () =>
            {
                late = !driver.Stopping; // Shutdown fires every timer early.
                driver.Cancel(key); // In the timer heap: no second SQE.
            }) : null;
            OpResult result = await connecting;
            if (deadline is not null)
                timers.Remove(deadline);
            if (result.IsSuccess)
                return connection;
            int res = result.Res == -Errno.ECANCELED && late ? -Errno.ETIME : result.Res;
            throw RingErrors.Socket(res, connection, token, $"Connecting to {endPoint}");
        }
        catch
        {
            connection.Dispose(); // Whatever state the socket is in: after a failed connect it is of no use.
            throw;
        }
    }

    /// <summary>Two connected Unix stream sockets (socketpair(2), a plain call: it cannot block), close-on-exec.</summary>
    public static unsafe (RingConnection Left, RingConnection Right) CreatePair()
    {
        OpDriver driver = OpDriver.Required;
        int* pair = stackalloc int[2];
        RingErrors.ThrowIfFailed(
            Libc.socketpair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM | SocketConstants.SOCK_CLOEXEC, 0, pair), "Making a pair of sockets");
        return (new RingConnection(driver, pair[0]), new RingConnection(driver, pair[1]));
    }

    /// <summary>Takes over a connected stream socket.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="ownsFd">Whether it is closed with the connection.</param>
    public static new RingConnection Adopt(int fd, bool ownsFd = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fd);
        return new RingConnection(OpDriver.Required, fd, ownsFd);
    }
}

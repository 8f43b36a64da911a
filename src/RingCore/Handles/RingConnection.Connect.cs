// Handles layer: connecting a stream socket. TCP by an op, which the kernel polls for; Unix by a call that
// cannot block, and again while the listener's backlog is full: as an op it would keep a kernel worker, where
// signals would meet it, too (docs/decisions/0010-never-wait-on-a-worker.md). Owner thread only.

using System.Net;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

public sealed partial class RingConnection
{
    /// <summary>
    /// Connects to an IP (IORING_OP_CONNECT, 5.5) or Unix end point (connect(2)). Where a Unix listener's
    /// backlog is full it waits, asking again after 1 to 20 ms. Names have to be resolved before: DNS is not
    /// a kernel request.
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="IPEndPoint"/> or <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.
    /// </param>
    /// <param name="timeout">
    /// Deadline, more than zero; null or <see cref="Timeout.InfiniteTimeSpan"/>: the kernel's own, about two
    /// minutes for TCP, none for Unix.
    /// </param>
    /// <param name="cancellationToken">Asks for cancellation.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Refused, unreachable, no fd left.</exception>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is not more than zero.</exception>
    public static async ValueTask<RingConnection> ConnectAsync(
        EndPoint endPoint, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        OpDriver driver = OpDriver.Required;
        timeout = timeout == Timeout.InfiniteTimeSpan ? null : timeout;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(
            timeout ?? TimeSpan.MaxValue, TimeSpan.Zero, nameof(timeout));
        cancellationToken.ThrowIfCancellationRequested();
        byte[] address = SocketAddressBytes.From(endPoint);
        int family = SocketAddressBytes.Family(address);
        bool isUnix = family == AF_UNIX;
        RingConnection connection = driver.Own(
            s_adopt, SocketCalls.Open(family, isUnix ? SOCK_NONBLOCK : 0));
        try
        {
            int res = isUnix ? await connection.ConnectUnixAsync(address, timeout, cancellationToken)
                : await connection.ConnectIpAsync(address, timeout, cancellationToken);
            return res >= 0 ? connection
                : throw RingErrors.Socket(res, connection, cancellationToken, $"Connecting to {endPoint}");
        }
        catch
        {
            // Whatever state the socket is in: after a failed connect it is of no use.
            connection.Dispose();
            throw;
        }
    }

    private async ValueTask<int> ConnectIpAsync(byte[] address, TimeSpan? timeout, CancellationToken token)
    {
        SocketCalls.TryNoDelay(Fd);
        ValueTask<OpResult> connecting = Op.Connect(this, address).Start(out OpId id, token);
        RingTimers timers = RingExecutor.Required.Timers;
        ActionTimer? deadline = timeout is { } time ? timers.Add(time, () => Driver.Cancel(id.Key)) : null;
        int res = (await connecting).Res;
        // Shutdown fires every timer early.
        bool late = deadline is { HeapIndex: < 0 } && !Driver.Stopping;
        if (deadline is not null)
            timers.Remove(deadline);
        return res == -ECANCELED && late ? -ETIME : res;
    }

    private async ValueTask<int> ConnectUnixAsync(byte[] address, TimeSpan? timeout, CancellationToken token)
    {
        RingTimers timers = RingExecutor.Required.Timers;
        long deadline = timers.DeadlineAfter(timeout ?? TimeSpan.MaxValue);
        int pause = 0, res;
        while ((res = Driver.Stopping ? -ECANCELED : SocketCalls.Connect(Fd, address)) == -EAGAIN)
        {
            long left = deadline - timers.NowNs;
            if (left <= 0)
                return -ETIME;
            var most = TimeSpan.FromTicks(left / TimeSpan.NanosecondsPerTick + 1);
            await PathOpen.PauseAsync(ref pause, most, token);
        }

        // It has no other flag.
        Libc.fcntl(Fd, F_SETFL, 0);
        return res;
    }
}

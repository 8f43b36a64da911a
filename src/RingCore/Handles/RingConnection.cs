// Handles layer: a connected stream socket, TCP or Unix: what it has beyond RingStream, leases first of all.
// How one is connected is in RingConnection.Connect.cs. Owner thread only.

using System.Net;
using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>
/// A connected TCP or Unix stream socket. Reading and writing may overlap each other; two reads may not.
/// Owner thread only, but for disposal. Disposing with operations in flight cancels them; unread data then
/// makes the kernel reset the connection.
/// </summary>
public sealed partial class RingConnection : RingStream
{
    private static readonly Func<int, RingConnection> s_adopt = static fd => Adopt(fd);

    internal RingConnection(OpDriver driver, int fd, bool ownsFd = true)
        : base(driver, fd, ownsFd, isSocket: true)
    {
    }

    /// <summary>
    /// Two connected Unix stream sockets (socketpair(2), a plain call: it cannot block), close-on-exec.
    /// </summary>
    public static unsafe (RingConnection Left, RingConnection Right) CreatePair()
    {
        OpDriver driver = OpDriver.Required;
        int* pair = stackalloc int[2];
        RingErrors.ThrowIfFailed(
            Libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "Making a pair of sockets");
        // A first whose second cannot be made is the GC's.
        return (driver.Own(s_adopt, pair[0], pair[1]), driver.Own(s_adopt, pair[1]));
    }

    /// <summary>Takes over a connected stream socket.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="ownsFd">Whether it is closed with the connection.</param>
    public static new RingConnection Adopt(int fd, bool ownsFd = true) => new(OpDriver.Required, fd, ownsFd);

    /// <summary>Options of the socket, as setsockopt(2) has them.</summary>
    public SocketOptions Options => new(this);

    /// <summary>This side's address.</summary>
    public EndPoint? LocalEndPoint => SocketCalls.EndPointOf(OwnFd, peer: false);

    /// <summary>The peer's address; null when it has gone.</summary>
    public EndPoint? RemoteEndPoint => SocketCalls.EndPointOf(OwnFd, peer: true);

    /// <summary>
    /// Reads what is there into a buffer that the kernel picks when data has come (IORING_OP_RECV with
    /// IOSQE_BUFFER_SELECT, 5.7; buffer rings 5.19): a waiting connection holds no buffer. Dispose the lease
    /// soon. An empty lease is the end.
    /// </summary>
    /// <inheritdoc cref="RingStream.ReadAsync"/>
    public ValueTask<ReadLease> ReadLeaseAsync(CancellationToken cancellationToken = default)
    {
        LeaseAwaitable read = LeaseAwaitable.Start(this, cancellationToken);
        return new ValueTask<ReadLease>(read, read.Version);
    }

    /// <summary>
    /// Reads until the peer finishes, a lease at a time, with one multishot receive (6.0): one SQE for many
    /// reads. Opt-in, because it takes buffers while nobody reads: at most about
    /// <paramref name="mostLeases"/>, then it is cancelled until the loop has caught up. Dispose each lease.
    /// Leaving the loop cancels the receive; bytes that came and were not taken are then lost.
    /// </summary>
    /// <param name="mostLeases">1 to 1,024 leases waiting for the loop.</param>
    /// <param name="cancellationToken">Ends the sequence with
    /// <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="OperationCanceledException">Its executor stops: only the peer ends it without an
    /// exception.</exception>
    public async IAsyncEnumerable<ReadLease> ReadAllAsync(
        int mostLeases = 8, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mostLeases, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mostLeases, 1024);
        ThrowIfNotReady();
        ThrowIfReading();
        var stream = new LeaseStream(this, mostLeases, cancellationToken);
        StartReading(stream);
        try
        {
            while (await stream.MoveNextAsync())
                yield return stream.Current;
        }
        finally
        {
            await stream.DisposeAsync();
            EndReading(stream);
        }
    }

    /// <summary>
    /// Sends once (IORING_OP_SEND); may send less than all. Not while a write is in progress.
    /// </summary>
    /// <param name="memory">On loan to the kernel until the send has ended.</param>
    /// <param name="cancellationToken">Asks for cancellation.</param>
    /// <exception cref="InvalidOperationException">
    /// A write is in progress: WriteAsync queues, SendAsync does not.
    /// </exception>
    /// <exception cref="System.Net.Sockets.SocketException">The connection failed.</exception>
    public async ValueTask<int> SendAsync(
        ReadOnlyMemory<byte> memory, CancellationToken cancellationToken = default)
    {
        Writes.ThrowIfBusy();
        // Before the start, whose Pin may write.
        using WriteHold hold = Writes.HoldIfIdle();
        OpResult result = await Op.Send(this, memory).Start(cancellationToken);
        return result.Res >= 0
            ? result.Res
            : throw RingErrors.Socket(result.Res, this, cancellationToken, "Sending");
    }

    /// <summary>
    /// Ends one or both directions (shutdown(2), a plain call: it cannot block). Queued writes leave first.
    /// </summary>
    /// <param name="how">Which direction.</param>
    public async ValueTask ShutdownAsync(System.Net.Sockets.SocketShutdown how)
    {
        ThrowIfNotReady();
        if (how != System.Net.Sockets.SocketShutdown.Receive)
            await Writes.FlushAsync();
        ThrowIfDisposed();
        int result = SocketCalls.Shutdown(Fd, how);
        // The peer was quicker.
        if (result < 0 && result != -ENOTCONN)
            throw RingErrors.Socket(result, this, default, "Shutdown");
    }
}

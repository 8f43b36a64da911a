// Handles layer: a connected stream socket, TCP or Unix: reading. Writing is in RingConnection.Write.cs, making one in
// RingConnection.Connect.cs. At most one receive is with the kernel; a second concurrent read throws. Owner thread only.

using System.Buffers;
using System.Net;
using System.Runtime.CompilerServices;
using RingCore.Sys;

namespace RingCore;

/// <summary>
/// A connected TCP or Unix stream socket. Reading and writing may overlap each other; two reads may not. Owner thread only, but
/// for disposal. Disposing with operations in flight cancels them; unread data then makes the kernel reset the connection.
/// </summary>
public sealed partial class RingConnection : RingHandle
{
    private bool _reading;

    internal RingConnection(OpDriver driver, int fd, bool ownsFd = true)
        : base(driver, fd, ownsFd)
    {
    }

    /// <summary>Options of the socket, as setsockopt(2) has them.</summary>
    public SocketOptions Options => new(Fd);

    /// <summary>This side's address.</summary>
    public EndPoint? LocalEndPoint => SocketCalls.EndPointOf(Fd, peer: false);

    /// <summary>The peer's address; null when it has gone.</summary>
    public EndPoint? RemoteEndPoint => SocketCalls.EndPointOf(Fd, peer: true);

    /// <summary>Reads what is there, at least one byte, into <paramref name="memory"/> (IORING_OP_RECV). 0: the peer has finished.</summary>
    /// <param name="memory">On loan to the kernel until the read has ended. Empty: waits until there is something to read, and reads nothing.</param>
    /// <param name="token">Asks for cancellation. Bytes that came all the same are delivered; else <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">Another read is in progress, or this is the wrong thread.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The connection failed.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> memory, CancellationToken token = default)
    {
        TransferAwaitable transfer = StartTransfer(memory.IsEmpty ? TransferKind.Wait : TransferKind.Receive, memory, token);
        return new ValueTask<int>(transfer, transfer.Version);
    }

    /// <summary>Fills <paramref name="memory"/>. Cancelling it leaves the stream at an unknown position.</summary>
    /// <exception cref="EndOfStreamException">The peer finished before.</exception>
    /// <inheritdoc cref="ReadAsync"/>
    public ValueTask ReadExactlyAsync(Memory<byte> memory, CancellationToken token = default)
    {
        ThrowIfNotReady();
        if (memory.IsEmpty)
            return default;
        TransferAwaitable transfer = StartTransfer(TransferKind.ReceiveExactly, memory, token);
        return new ValueTask(transfer, transfer.Version);
    }

    private TransferAwaitable StartTransfer(TransferKind kind, Memory<byte> memory, CancellationToken token)
    {
        ThrowIfNotReady();
        MemoryHandle pin = memory.Pin(); // Before anything else: a memory that cannot be lent throws here.
        StartReading(pin);
        TransferAwaitable transfer = TransferAwaitable.Rent(this, kind, memory, token);
        transfer.Pin = pin;
        if (Op.Refused(Driver, token))
            Driver.Refuse(transfer);
        else
            transfer.Submit();
        return transfer;
    }

    /// <summary>
    /// Reads what is there into a buffer that the kernel picks when data has come (IORING_OP_RECV with IOSQE_BUFFER_SELECT, 5.7;
    /// buffer rings 5.19): a waiting connection holds no buffer. Dispose the lease soon. An empty lease is the end.
    /// </summary>
    /// <inheritdoc cref="ReadAsync"/>
    public ValueTask<ReadLease> ReadLeaseAsync(CancellationToken token = default)
    {
        StartReading();
        LeaseAwaitable awaitable = LeaseAwaitable.Rent(this, token);
        var task = new ValueTask<ReadLease>(awaitable, awaitable.Version);
        if (Op.Refused(Driver, token))
            Driver.Refuse(awaitable);
        else
            awaitable.Submit(Driver.Leases.HasRing);
        return task;
    }

    /// <summary>
    /// Reads until the peer finishes, a lease at a time, with one multishot receive (6.0): one SQE for many reads. Opt-in, because
    /// it takes buffers while nobody reads: at most about <paramref name="mostLeases"/>, then it is cancelled until the loop has caught up.
    /// Dispose each lease. Leaving the loop cancels the receive; bytes that came and were not taken are then lost.
    /// </summary>
    /// <param name="mostLeases">1 to 1,024 leases waiting for the loop.</param>
    /// <param name="token">Ends the sequence with <see cref="OperationCanceledException"/>.</param>
    public async IAsyncEnumerable<ReadLease> ReadAllAsync(
        int mostLeases = 8, [EnumeratorCancellation] CancellationToken token = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mostLeases, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(mostLeases, 1024);
        StartReading();
        try
        {
            await using var stream = new LeaseStream(this, mostLeases, token);
            while (await stream.MoveNextAsync())
                yield return stream.Current;
        }
        finally
        {
            ReceiveEnded();
        }
    }

    /// <summary>Ends one or both directions (shutdown(2), a plain call: it cannot block). Queued writes leave first.</summary>
    /// <param name="how">Which direction.</param>
    public async ValueTask ShutdownAsync(System.Net.Sockets.SocketShutdown how)
    {
        ThrowIfNotReady();
        if (how != System.Net.Sockets.SocketShutdown.Receive)
            await FlushWritesAsync();
        ThrowIfDisposed();
        int result = SocketCalls.Shutdown(Fd, how);
        if (result < 0 && result != -Errno.ENOTCONN) // The peer was quicker.
            throw RingErrors.Socket(result, this, default, "Shutdown");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ThrowIfNotReady()
    {
        Driver.ThrowIfNotOwner();
        ThrowIfDisposed();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void StartReading(MemoryHandle pin = default)
    {
        ThrowIfNotReady();
        if (_reading)
        {
            Driver.Unpin(ref pin);
            ThrowReading();
        }

        _reading = true;
    }

    private static void ThrowReading() => throw new InvalidOperationException(
        "Another read of this connection is in progress: two receives on one socket would share out the bytes between them.");

    /// <summary>A receive has ended, whatever it brought; the next may start.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ReceiveEnded() => _reading = false;

    /// <summary>An exact read goes on after a short result. False: not any more.</summary>
    internal bool ContinueReceive(TransferAwaitable transfer)
    {
        if (IsDisposed || Op.Refused(Driver, transfer.Token))
            return false;
        transfer.Submit();
        return true;
    }
}

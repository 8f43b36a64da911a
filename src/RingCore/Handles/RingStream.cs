// Handles layer: what a connected socket and a pipe have in common: bytes in order, read and written at no offset. Reading; writing
// is in RingStream.Write.cs. At most one read is with the kernel; a second concurrent read throws. Owner thread only.

using System.Buffers;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// A <see cref="RingConnection"/> or <see cref="RingPipe"/>. Reading and writing may overlap each other; two reads may not. Owner thread
/// only, but for disposal.
/// </summary>
public abstract partial class RingStream : RingHandle
{
    /// <summary>Whether it receives and sends; else it reads and writes at the fd's own position.</summary>
    internal readonly bool IsSocket;

    private bool _reading;

    private protected RingStream(OpDriver driver, int fd, bool ownsFd, bool isSocket)
        : base(driver, fd, ownsFd) => IsSocket = isSocket;

    /// <summary>Reads what is there, at least one byte, into <paramref name="memory"/> (IORING_OP_RECV; of what is no socket IORING_OP_READ). 0: the end.</summary>
    /// <param name="memory">On loan to the kernel until the read has ended. Empty: waits until there is something to read, and reads nothing.</param>
    /// <param name="token">Asks for cancellation. Bytes that came all the same are delivered; else <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">Another read is in progress, or this is the wrong thread.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The connection failed.</exception>
    /// <exception cref="IOException">Reading from what is no socket failed.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> memory, CancellationToken token = default)
    {
        TransferAwaitable transfer = StartTransfer(memory.IsEmpty ? TransferKind.Wait : TransferKind.Receive, memory, token);
        return new ValueTask<int>(transfer, transfer.Version);
    }

    /// <summary>Fills <paramref name="memory"/>. Cancelling it leaves the stream at an unknown position.</summary>
    /// <exception cref="EndOfStreamException">The end came before.</exception>
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
        ThrowIfDisposed(ref pin);
        StartReading(pin);
        TransferAwaitable transfer = TransferAwaitable.Rent(this, kind, memory, token);
        transfer.Pin = pin;
        if (Op.Refused(Driver, token))
            Driver.Refuse(transfer);
        else
            transfer.Submit();
        return transfer;
    }

    internal Exception Error(int res, CancellationToken token, string what) =>
        IsSocket ? RingErrors.Socket(res, this, token, what) : RingErrors.File(res, this, token, what);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void StartReading(MemoryHandle pin = default)
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
        "Another read of this is in progress: two would share out the bytes between them.");

    /// <summary>A read has ended, whatever it brought; the next may start.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ReceiveEnded() => _reading = false;
}

// Handles layer: what a connected socket and a pipe have in common: bytes in order, read and written at no
// offset. At most one read is with the kernel; a second concurrent read throws. Writes queue: see WriteQueue.
// Owner thread only.
//
// The reading side has one owner, held by reference: a transfer, a leased read, a sequence of leases, or a
// copy. The owner takes it when nothing can fail any more and gives it back when its op has ended; nobody
// else can do either.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// A <see cref="RingConnection"/> or <see cref="RingPipe"/>. Reading and writing may overlap each other; two
/// reads may not. Owner thread only, but for disposal.
/// </summary>
public abstract class RingStream : RingHandle
{
    /// <summary>Whether it receives and sends; else it reads and writes at the fd's own position.</summary>
    internal readonly bool IsSocket;

    private WriteQueue? _writes;
    private object? _reader;

    private protected RingStream(OpDriver driver, int fd, bool ownsFd, bool isSocket)
        : base(driver, fd, ownsFd) => IsSocket = isSocket;

    /// <summary>Made at the first write: there may be thousands of connections that only wait.</summary>
    internal WriteQueue Writes => _writes ??= new WriteQueue(this);

    /// <summary>
    /// Reads what is there, at least one byte, into <paramref name="memory"/> (IORING_OP_RECV, or
    /// IORING_OP_READ when this is not a socket). 0 means the end.
    /// </summary>
    /// <param name="memory">On loan to the kernel until the read has ended. Empty: waits until there is
    /// something to read, and reads nothing.</param>
    /// <param name="cancellationToken">Asks for cancellation. Bytes that came all the same are delivered;
    /// else <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">Another read is in progress, or this is the wrong
    /// thread.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The connection failed.</exception>
    /// <exception cref="IOException">Reading from what is no socket failed.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> memory, CancellationToken cancellationToken = default)
    {
        TransferAwaitable transfer = TransferAwaitable.Read(
            this, memory.IsEmpty ? TransferKind.Wait : TransferKind.Receive, memory, cancellationToken);
        return new ValueTask<int>(transfer, transfer.Version);
    }

    /// <summary>
    /// Fills <paramref name="memory"/>. Cancelling it leaves the stream at an unknown position.
    /// </summary>
    /// <exception cref="EndOfStreamException">The end came before.</exception>
    /// <inheritdoc cref="ReadAsync"/>
    public ValueTask ReadExactlyAsync(Memory<byte> memory, CancellationToken cancellationToken = default)
    {
        ThrowIfNotReady();
        if (memory.IsEmpty)
            return default;
        TransferAwaitable transfer =
            TransferAwaitable.Read(this, TransferKind.ReceiveExactly, memory, cancellationToken);
        return new ValueTask(transfer, transfer.Version);
    }

    /// <summary>
    /// Writes all of <paramref name="memory"/>, or throws. Writes leave in call order; those issued while one
    /// is with the kernel are gathered into one (IORING_OP_SEND, SENDMSG; to what is no socket WRITE,
    /// WRITEV).
    /// </summary>
    /// <param name="memory">On loan to the kernel until the write has ended.</param>
    /// <param name="cancellationToken">
    /// Asks for cancellation: <see cref="OperationCanceledException"/> if nothing had left; if part had, an
    /// <see cref="IOException"/> that says how much, and nothing can be written to it any more.
    /// </param>
    /// <exception cref="System.Net.Sockets.SocketException">The connection failed.</exception>
    /// <exception cref="IOException">Writing to what is no socket failed, or an earlier write did; EPIPE:
    /// nobody reads any more.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> memory, CancellationToken cancellationToken = default)
    {
        TransferAwaitable write = TransferAwaitable.Write(this, memory, cancellationToken, out int refused);
        write.Start(refused);
        return new ValueTask(write, write.Version);
    }

    /// <summary>
    /// Writes all of several memories in order, as one gathered send while they fit in one.
    /// </summary>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <param name="memories">On loan to the kernel until the write has ended.</param>
    /// <param name="cancellationToken">As for one memory, and so for each of them: what stands before the
    /// cancelled one may have left.</param>
    public ValueTask WriteAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> memories, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(memories);
        ThrowIfNotReady();
        return memories.Count switch
        {
            0 => default,
            1 => WriteAsync(memories[0], cancellationToken),
            _ => WriteListAsync(memories, cancellationToken),
        };
    }

    /// <summary>
    /// Queued together, they leave together: the queue is held, where it is idle, until all are in it.
    /// </summary>
    private async ValueTask WriteListAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> memories, CancellationToken token)
    {
        var writes = new TransferAwaitable[memories.Count];
        var tasks = new Task[memories.Count];
        int made = 0;
        int refused = 0;
        try
        {
            for (; made < writes.Length; made++)
                writes[made] = TransferAwaitable.Write(this, memories[made], token, out refused);
            // What a Pin of a later one may have done.
            ThrowIfNotReady();
            Writes.ThrowIfBroken();
            Writes.Reserve(queues: true);
        }
        catch
        {
            while (made-- > 0)
                writes[made].Abandon();
            throw;
        }

        using (Writes.HoldIfIdle())
        {
            // Each has a memory on loan: nothing between them throws.
            foreach (TransferAwaitable write in writes)
                write.Start(refused);
        }

        for (int i = 0; i < writes.Length; i++)
            tasks[i] = new ValueTask(writes[i], writes[i].Version).AsTask();
        await Task.WhenAll(tasks);
    }

    internal Exception Error(int res, CancellationToken token, string what) =>
        IsSocket ? RingErrors.Socket(res, this, token, what) : RingErrors.File(res, this, token, what);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ThrowIfReading()
    {
        if (_reader is not null)
            ThrowReading();
    }

    /// <summary>
    /// The reading side gets an owner. The caller has called <see cref="ThrowIfReading"/> before.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void StartReading(object reader)
    {
        Debug.Assert(_reader is null, "the reading side has one owner");
        _reader = reader;
    }

    private static void ThrowReading() => throw new InvalidOperationException(
        "Another read of this is in progress: two would share out the bytes between them.");

    /// <summary>
    /// The owner's read has ended, with whatever result, and the next may start. A call by anybody else has
    /// no effect.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EndReading(object reader)
    {
        if (ReferenceEquals(_reader, reader))
            _reader = null;
    }

    /// <summary>
    /// All writes, including queued ones: a send that ended short must not go back to the kernel.
    /// </summary>
    private protected override void OnCancelAll() => _writes?.CancelAll();
}

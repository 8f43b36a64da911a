// Handles layer: writing to a socket or pipe. At most one send is with the kernel, because several would overtake each other. Writes
// issued meanwhile queue in call order and leave as one gathered send. Owner thread only.
//
// The write side's states, moved only here:
//   Idle     → Sending   a write or a single send went to the kernel
//   Sending  → Idle      it ended and nothing is queued
//   Sending  → Sending   it ended and the queue left as one gathered send
//   any      → Faulted   a send failed, or was cancelled after part of it had left: the peer's stream has a hole

using System.Buffers;
using RingCore.Sys;

namespace RingCore;

public abstract partial class RingStream
{
    /// <summary>Most writes gathered into one send.</summary>
    private const int MostGathered = 60;

    private enum WriteState : byte
    {
        Idle,
        Sending,
        Faulted,
    }

    private WriteState _writing;
    private readonly Queue<TransferAwaitable> _queue = new();
    private TransferAwaitable? _alone; // The write with the kernel, when it is not gathered: it is not in the queue.
    private GatherSink? _gather;
    private bool _cancelsWanted;
    private int _faultErrno;
    private string? _fault;
    private TaskCompletionSource? _flushed;

    /// <summary>
    /// Writes all of <paramref name="memory"/>, or throws. Writes leave in call order; those issued while one is with the
    /// kernel are gathered into one (IORING_OP_SEND, SENDMSG; to what is no socket WRITE, WRITEV).
    /// </summary>
    /// <param name="memory">On loan to the kernel until the write has ended.</param>
    /// <param name="token">
    /// Asks for cancellation: <see cref="OperationCanceledException"/> if nothing had left; if part had, an
    /// <see cref="IOException"/> that says how much, and nothing can be written to it any more.
    /// </param>
    /// <exception cref="System.Net.Sockets.SocketException">The connection failed.</exception>
    /// <exception cref="IOException">Writing to what is no socket failed, or an earlier write did; EPIPE: nobody reads any more.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> memory, CancellationToken token = default)
    {
        ThrowIfNotReady();
        ThrowIfFaulted();
        MemoryHandle pin = memory.Pin(); // Before anything else: a memory that cannot be lent throws here.
        ThrowIfDisposed(ref pin);
        TransferAwaitable write = TransferAwaitable.Rent(this, TransferKind.Write, memory, token);
        write.Pin = pin;
        var task = new ValueTask(write, write.Version);
        if (_writing == WriteState.Idle && !Op.Refused(Driver, token) && !memory.IsEmpty)
        {
            _writing = WriteState.Sending;
            Submit(write);
        }
        else
        {
            Enqueue(write);
        }

        return task;
    }

    /// <summary>Writes all of several memories in order, as one gathered send while they fit in one.</summary>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <param name="memories">On loan to the kernel until the write has ended.</param>
    /// <param name="token">As for one memory, and so for each of them: what stands before the cancelled one may have left.</param>
    public ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> memories, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(memories);
        ThrowIfNotReady();
        return memories.Count switch
        {
            0 => default,
            1 => WriteAsync(memories[0], token),
            _ => WriteListAsync(memories, token),
        };
    }

    private async ValueTask WriteListAsync(IReadOnlyList<ReadOnlyMemory<byte>> memories, CancellationToken token)
    {
        // Queued together, they leave together: the first starts a send only if the queue is held back until all are in it.
        bool idle = _writing == WriteState.Idle;
        if (idle)
            _writing = WriteState.Sending;
        var writes = new ValueTask[memories.Count];
        int count = 0;
        var pins = new MemoryHandle[memories.Count];
        try
        {
            for (; count < pins.Length; count++)
                pins[count] = memories[count].Pin(); // All first: a memory that cannot be lent throws before any is queued.
            for (int i = 0; i < writes.Length; i++)
                writes[i] = WriteAsync(memories[i], token);
        }
        finally
        {
            foreach (ref MemoryHandle pin in pins.AsSpan(0, count))
                Driver.Unpin(ref pin); // Each write has its own by now.
            if (idle)
                SendEnded();
        }

        await Task.WhenAll(Array.ConvertAll(writes, write => write.AsTask())); // All of them: each has a memory on loan.
    }

    /// <summary>For what does not queue: a single send, a copy to here.</summary>
    internal void ThrowIfWriting()
    {
        ThrowIfNotReady();
        ThrowIfFaulted();
        if (_writing == WriteState.Sending)
            throw new InvalidOperationException("A write to this is in progress: await it first. Only WriteAsync queues.");
    }

    /// <summary>Writes wait until SendEnded.</summary>
    internal void HoldWriting()
    {
        ThrowIfWriting();
        _writing = WriteState.Sending;
    }

    private void Submit(TransferAwaitable write)
    {
        _alone = write;
        write.Submit();
    }

    /// <summary>The CQE of a write that was sent alone.</summary>
    internal void WriteSent(TransferAwaitable write, int res)
    {
        _alone = null;
        if (res > 0)
            write.Done += res;
        if (res > 0 && write.Left == 0)
        {
            SendEnded();
            write.Finish(write.Done);
        }
        else if (res > 0 && write.MayGoOn(this, write.Token))
        {
            Submit(write);
        }
        else
        {
            FailWrite(write, res > 0 ? -Errno.ECANCELED : res == 0 ? -Errno.EIO : res);
            SendEnded();
        }
    }

    /// <summary>A failed write. After a cancellation that came before the first byte the stream is whole; else it is not.</summary>
    private void FailWrite(TransferAwaitable write, int res)
    {
        if (res != -Errno.ECANCELED || write.Done > 0)
            FaultWriting(res, write.Done);
        write.Finish(res);
    }

    private void FaultWriting(int res, int done)
    {
        _faultErrno = res;
        _fault = $"An earlier write ended after {done} of its bytes had left ({Errno.Describe(-res)})";
        _writing = WriteState.Faulted;
    }

    private void ThrowIfFaulted()
    {
        if (Fault is { } fault)
            throw fault;
    }

    /// <summary>What every write after a failed one throws; null while the stream is whole.</summary>
    internal IOException? Fault => _writing != WriteState.Faulted ? null : new IOException(
        $"{_fault}: nothing can be written to it any more.", Error(_faultErrno, default, "Writing"));

    private void Enqueue(TransferAwaitable write)
    {
        if (Op.Refused(Driver, write.Token))
        {
            Driver.Refuse(write);
            return;
        }

        _queue.Enqueue(write);
        if (_writing == WriteState.Idle)
            SendEnded(); // Nothing is with the kernel: an empty write to an idle connection.
        else if (write.Token.CanBeCanceled)
            write.RegisterQueued();
    }

    /// <summary>Nothing is with the kernel any more: the queue leaves as one send.</summary>
    internal void SendEnded()
    {
        if (_writing == WriteState.Faulted || IsDisposed || Driver.Stopping)
        {
            FailQueue(_writing == WriteState.Faulted ? _faultErrno : -Errno.ECANCELED);
        }
        else
        {
            _writing = WriteState.Sending; // What an Unpin writes in here stands in line.
            if (_cancelsWanted)
                DropCancelled();
            FinishSent();
            if (_queue.Count > 0)
                Driver.Reserve(1); // May reap, and an Unpin in there cancel writes: before those to be sent are gathered.
            if (_queue.Count > 0)
            {
                Gather();
                return;
            }

            _writing = WriteState.Idle;
        }

        _flushed?.TrySetResult();
        _flushed = null;
    }

    /// <summary>Ends the first writes of the queue that have left whole.</summary>
    private void FinishSent()
    {
        while (_queue.TryPeek(out TransferAwaitable? write) && write.Left == 0)
            Dequeue().Finish(write.Done);
    }

    private TransferAwaitable Dequeue()
    {
        TransferAwaitable write = _queue.Dequeue();
        write.UnregisterQueued();
        return write;
    }

    private void FailQueue(int res)
    {
        while (_queue.Count > 0)
        {
            TransferAwaitable write = Dequeue();
            if (write.Done > 0 && _writing != WriteState.Faulted)
                FaultWriting(res, write.Done);
            write.Finish(res);
        }
    }

    private unsafe void Gather()
    {
        _gather ??= new GatherSink(this);
        int count = Math.Min(_queue.Count, MostGathered);
        var memories = new ReadOnlyMemory<byte>[count];
        var pins = new MemoryHandle[count]; // Addresses: the pins themselves are the writes'.
        int i = 0;
        foreach (TransferAwaitable next in _queue)
        {
            if (i == count)
                break;
            memories[i] = next.Memory[next.Done..];
            pins[i++] = new MemoryHandle((byte*)next.Pin.Pointer + next.Done);
        }

        ref OpSlot slot = ref Driver.Begin(_gather, this, out io_uring_sqe* sqe, out _);
        msghdr* message = Driver.LendVector(ref slot, memories, pins);
        if (IsSocket)
            Prep.Transfer(sqe, io_uring_op.IORING_OP_SENDMSG, (ulong)message, 1, Driver.WriteFlags);
        else
            Prep.Transfer(sqe, io_uring_op.IORING_OP_WRITEV, (ulong)message->msg_iov, (uint)count, offset: -1);
        Driver.Prepared(ref slot, sqe);
    }

    /// <summary>The CQE of a gathered send: its bytes belong to the queue's first writes, in order.</summary>
    private void Gathered(int res)
    {
        int left = res;
        foreach (TransferAwaitable write in _queue) // All, before the first ends: an Unpin may be a user's code, and cancel.
        {
            if (left <= 0)
                break;
            int part = Math.Min(left, write.Left);
            write.Done += part;
            left -= part;
        }

        FinishSent();

        // Cancelled on behalf of one write: that one ends, the others go on. Anything else ends them all.
        _queue.TryPeek(out TransferAwaitable? first);
        if (first is { CancelWanted: true, Done: > 0 } || (res < 0 && res != -Errno.ECANCELED))
            FaultWriting(res < 0 ? res : -Errno.ECANCELED, first?.Done ?? 0);
        SendEnded();
    }

    /// <summary>A write's token struck, on the owner thread. Queued: it ends now. With the kernel: the send is asked to end.</summary>
    internal void CancelWrite(TransferAwaitable write)
    {
        write.CancelWanted = true;
        if (ReferenceEquals(write, _alone))
            Driver.Cancel(write.Key);
        else
            EndCancelled();
    }

    /// <summary>All writes, those that stand in the queue too: a send that ends short must not go back to the kernel.</summary>
    private protected override void OnCancelAll()
    {
        if (_alone is { } alone)
            alone.CancelWanted = true;
        foreach (TransferAwaitable write in _queue)
            write.CancelWanted = true;
        EndCancelled();
    }

    /// <summary>Queued writes that are to end do so now, unless they are perhaps with the kernel, gathered with others.</summary>
    private void EndCancelled()
    {
        if (_gather is not { Key: not 0 })
        {
            DropCancelled();
            return;
        }

        _cancelsWanted = true;
        Driver.Cancel(_gather.Key); // Its other writes are sent again.
    }

    /// <summary>Takes the cancelled writes, of which nothing has left, out of the queue, wherever they stand.</summary>
    private void DropCancelled()
    {
        _cancelsWanted = false;
        var dropped = new List<TransferAwaitable>();
        for (int left = _queue.Count; left > 0; left--)
        {
            TransferAwaitable write = _queue.Dequeue();
            if (write is { CancelWanted: true, Done: 0, Left: > 0 })
                dropped.Add(write);
            else
                _queue.Enqueue(write);
        }

        foreach (TransferAwaitable write in dropped) // After the queue is in order again: an Unpin may be a user's code, and write.
        {
            write.UnregisterQueued();
            write.Finish(-Errno.ECANCELED);
        }
    }

    private protected Task FlushWritesAsync()
    {
        if (_writing != WriteState.Sending)
            return Task.CompletedTask;
        _flushed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously); // Set inside the reap.
        return _flushed.Task;
    }

    private sealed unsafe class GatherSink : OpSink
    {
        private readonly RingStream _stream;
        private bool _polls;

        internal GatherSink(RingStream stream)
        {
            _stream = stream;
            Driver = stream.Driver;
        }

        internal override object? Waiter => "gathered writes";

        internal override void Complete(int res, uint flags, int step)
        {
            Key = 0;
            if (res == -Errno.EAGAIN && !_stream.IsDisposed && !Driver.Stopping) // An O_NONBLOCK pipe or terminal: a poll waits for it.
            {
                _polls = true;
                ref OpSlot slot = ref Driver.Begin(this, _stream, out io_uring_sqe* sqe, out _);
                Prep.Poll(sqe, SocketConstants.POLLOUT);
                Driver.Prepared(ref slot, sqe);
                return;
            }

            res = _polls ? Math.Min(res, 0) : res == 0 ? -Errno.EIO : res; // A send that takes nothing would go on for ever.
            _polls = false;
            _stream.Gathered(res);
        }
    }
}

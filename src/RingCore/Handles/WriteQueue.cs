// Handles layer: the write side of a stream. At most one send is with the kernel, because several would
// overtake each other. Writes issued meanwhile queue in call order and leave as one gathered send when it has
// ended. States and moves: WriteState. Owner thread only. It runs no user code: the writes that it ends are
// queued for resumption, and their memory is returned after the reap.
//
// A write is in exactly one place: with the kernel alone (_alone), or in the list that starts at _first, of
// which the first _gathered are with the kernel while the state is Gathered. The list is linked through the
// writes themselves. A hold is ended by its WriteHold and by nothing else.

using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>The right to send past the queue, until Dispose; a second Dispose does nothing.</summary>
internal readonly struct WriteHold(WriteQueue? queue, int number) : IDisposable
{
    public void Dispose() => queue?.EndHold(number);
}

/// <summary>Writes of one stream; the sink of their gathered sends.</summary>
internal sealed unsafe class WriteQueue : OpSink
{
    /// <summary>Most writes gathered into one send: a msghdr and their iovecs fill about a KiB.</summary>
    private const int MostGathered = 60;

    private readonly RingStream _stream;
    private WriteState _state;
    private bool _polls;
    private int _holds;
    private int _gathered; // How many of the list are with the kernel.
    private bool _cancelsWanted; // Some of these are to end when they come back.
    private TransferAwaitable? _alone;
    private TransferAwaitable? _first;
    private TransferAwaitable? _last;
    // While anything is queued.
    private NativeBlock _vectors;
    private int _faultErrno;
    private string? _fault;

    internal WriteQueue(RingStream stream)
    {
        _stream = stream;
        Driver = stream.Driver;
    }

    internal override object? Waiter => "gathered writes";

    /// <summary>What every write after a failed one throws; null while the stream is whole.</summary>
    internal IOException? Fault => _state != WriteState.Broken ? null : new IOException(
        $"{_fault}: nothing can be written to it any more.", _stream.Error(_faultErrno, default, "Writing"));

    internal void ThrowIfBroken()
    {
        if (Fault is { } fault)
            throw fault;
    }

    /// <summary>For what does not queue: a single send, a copy to here.</summary>
    internal void ThrowIfBusy()
    {
        _stream.ThrowIfNotReady();
        ThrowIfBroken();
        if (_state != WriteState.Idle)
            throw new InvalidOperationException(
                "A write to this is in progress: await it first. Only WriteAsync queues.");
    }

    /// <summary>Writes queue until the hold is disposed.</summary>
    internal WriteHold HoldIfIdle()
    {
        if (_state != WriteState.Idle)
            return default;
        _state.Move(WriteState.Held);
        return new WriteHold(this, ++_holds);
    }

    internal void EndHold(int number)
    {
        if (number != _holds || _state != WriteState.Held)
            return;
        _holds++;
        SendNext();
    }

    /// <summary>Step 1 of a write: what gathering it may need. May throw.</summary>
    internal void Reserve(bool queues = false)
    {
        if ((queues || _state != WriteState.Idle) && _vectors.Address == null)
            _vectors.Allocate(Driver, sizeof(msghdr) + MostGathered * sizeof(iovec));
    }

    /// <summary>Steps 2 and 3 of a write that was admitted.</summary>
    internal void Add(TransferAwaitable write)
    {
        if (_state != WriteState.Idle)
        {
            Append(write);
        }
        else if (write.Left == 0)
        {
            write.Finish(0);
        }
        else
        {
            _state.Move(WriteState.Alone);
            _alone = write;
            write.Prepare();
        }
    }

    private void Append(TransferAwaitable write)
    {
        if (_last is { } last)
            last.Next = write;
        else
            _first = write;
        _last = write;
    }

    /// <summary>The CQE of a write that was sent alone.</summary>
    internal void AloneEnded(TransferAwaitable write, int res)
    {
        write.Done += Math.Max(res, 0);
        if (res > 0 && write.Left > 0)
        {
            res = write.AdmitAgain(_stream, write.Token);
            if (res == 0)
            {
                write.Prepare();
                return;
            }
        }

        _alone = null;
        // A send that takes nothing would otherwise be repeated for ever.
        res = write.Left == 0 ? write.Done : res == 0 ? -EIO : res;
        // Cancelled before its first byte left, it leaves the stream whole.
        if (res < 0 && (res != -ECANCELED || write.Done > 0))
            Break(res, write.Done);
        write.Finish(res);
        SendNext();
    }

    private void Break(int res, int done)
    {
        if (_state != WriteState.Broken)
        {
            _faultErrno = res;
            _fault = $"An earlier write ended after {done} of its bytes had left ({Errno.Describe(-res)})";
        }

        _state.Move(WriteState.Broken);
    }

    /// <summary>Nothing is with the kernel any more: the waiting writes are sent, or end.</summary>
    private void SendNext()
    {
        int refused = _state == WriteState.Broken ? _faultErrno
            : _stream.IsDisposed || Driver.Stopping ? -ECANCELED
            : EndDone() ? Driver.AdmitAgain() : 0;
        if (refused < 0)
            FailAll(refused);
        if (_first is not null)
        {
            Gather();
            return;
        }

        _vectors.Free(Driver);
        if (_state != WriteState.Broken)
            _state.Move(WriteState.Idle);
    }

    /// <summary>
    /// Ends the writes at the head that have left completely. Returns whether any write remains.
    /// </summary>
    private bool EndDone()
    {
        while (_first is { Left: 0 } write)
            Pop().Finish(write.Done);
        return _first is not null;
    }

    private TransferAwaitable Pop()
    {
        TransferAwaitable write = _first!;
        _first = write.Next as TransferAwaitable;
        if (_first is null)
            _last = null;
        write.Next = null;
        return write;
    }

    private void FailAll(int res)
    {
        while (_first is not null)
        {
            TransferAwaitable write = Pop();
            if (write.Done > 0)
                Break(res, write.Done);
            write.Finish(write.Left == 0 ? write.Done : res);
        }
    }

    /// <summary>Sends what waits as one gathered send, even if it is a single write.</summary>
    private void Gather()
    {
        _state.Move(WriteState.Gathered);
        var message = (msghdr*)_vectors.Address;
        var vectors = (iovec*)(message + 1);
        _gathered = 0;
        for (RingWork? next = _first; next is TransferAwaitable write && _gathered < MostGathered;
            next = next.Next)
            vectors[_gathered++] =
                new iovec { iov_base = write.Loan.Address + write.Done, iov_len = (nuint)write.Left };
        message->msg_iov = vectors;
        message->msg_iovlen = (nuint)_gathered;
        ref OpSlot slot = ref Driver.Begin(this, _stream, out io_uring_sqe* sqe, out _);
        if (_stream.IsSocket)
            Prep.Fill(sqe, IORING_OP_SENDMSG, message, 1, Driver.WriteFlags);
        else
            Prep.Fill(sqe, IORING_OP_WRITEV, vectors, (uint)_gathered, offset: -1);
        Driver.Prepared(ref slot, sqe);
    }

    /// <summary>The CQE of a gathered send: its bytes belong to the queue's first writes, in order.</summary>
    internal override void OnTerminal(int res, uint flags, int step)
    {
        if (res is -EAGAIN or -EINTR && !_stream.IsDisposed && !Driver.Stopping && Driver.AdmitAgain() == 0)
        {
            // An O_NONBLOCK pipe or terminal, or a worker that a signal interrupted: a poll waits for it.
            _polls = true;
            ref OpSlot slot = ref Driver.Begin(this, _stream, out io_uring_sqe* sqe, out _);
            Prep.Poll(sqe, POLLOUT);
            Driver.Prepared(ref slot, sqe);
            return;
        }

        // A send that takes nothing would otherwise be repeated for ever.
        res = _polls ? Math.Min(res, 0) : res == 0 ? -EIO : res;
        _polls = false;
        _gathered = 0;
        int left = Math.Max(res, 0);
        for (RingWork? next = _first; next is TransferAwaitable write && left > 0; next = next.Next)
        {
            int part = Math.Min(left, write.Left);
            write.Done += part;
            left -= part;
        }

        // Cancelled on behalf of one write: that one ends, the others go on. Anything else ends them all.
        if (_cancelsWanted)
            DropCancelled();
        EndDone();
        if (_first is { CancelWanted: true, Done: > 0 } || (res < 0 && res != -ECANCELED))
            Break(res < 0 ? res : -ECANCELED, _first?.Done ?? 0);
        SendNext();
    }

    /// <summary>
    /// A write's token was cancelled. If the write is with the kernel, the send is asked to end, and is sent
    /// again without it; if it is only queued, it ends now.
    /// </summary>
    internal void Cancel(TransferAwaitable write)
    {
        DropCancelled();
        if (ReferenceEquals(write, _alone))
            Driver.Cancel(write.Key);
        else if (write.IsPending)
            Driver.Cancel(Key); // It is gathered.
    }

    internal void CancelAll()
    {
        if (_alone is { } alone)
            alone.CancelWanted = true;
        for (RingWork? next = _first; next is TransferAwaitable write; next = next.Next)
            write.CancelWanted = write.Left > 0; // An empty one only waits for those before it.
        DropCancelled();
    }

    /// <summary>
    /// Takes the cancelled writes that are not with the kernel out of the queue, wherever they stand.
    /// </summary>
    private void DropCancelled()
    {
        _cancelsWanted = _gathered > 0;
        TransferAwaitable? write = _first;
        _first = _last = null;
        for (int place = 0; write is not null; place++)
        {
            var next = write.Next as TransferAwaitable;
            write.Next = null;
            if (place < _gathered || !write.CancelWanted || write.Done > 0)
                Append(write);
            else
                write.Finish(-ECANCELED);
            write = next;
        }
    }

    /// <summary>
    /// Ends when what was written before has left, or has failed: an empty write behind it.
    /// </summary>
    internal ValueTask FlushAsync()
    {
        if (_state is WriteState.Idle or WriteState.Broken)
            return default;
        // Whether a send would be admitted now does not matter.
        TransferAwaitable flush = TransferAwaitable.Write(_stream, default, default, out _);
        flush.Start(0);
        return new ValueTask(flush, flush.Version);
    }
}

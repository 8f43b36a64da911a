// Handles layer: the awaitable of a read or a write of a RingPipe. What has to be repeated, after a short write or because the fd is
// not ready, is repeated here, at the reap, without a turn through user code.
// States: queued (writes only) → with the kernel → short, or EAGAIN and then a poll: with the kernel again → complete; see AwaitState.

using System.Buffers;
using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>A read or write of a pipe. Pooled.</summary>
internal sealed class PipeTransfer : OpAwaitable, IValueTaskSource<int>, IValueTaskSource
{
    internal CancellationToken Token;

    /// <summary>CancelAll was called: what ends short does not go on.</summary>
    internal bool CancelWanted;

    private RingPipe _pipe = null!;
    private ReadOnlyMemory<byte> _memory;
    private MemoryHandle _pin;
    private int _done;
    private bool _isWrite;
    private bool _polls;
    private CancellationTokenRegistration _queued;

    protected override ValueTaskSourceStatus CompletedStatus =>
        Res < 0 && (_done > 0 || FailedBefore) ? ValueTaskSourceStatus.Faulted : RingErrors.StatusOf(Res, _pipe, Token);

    /// <summary>It never left, because one before it left in part.</summary>
    private bool FailedBefore => _isWrite && Res == -Errno.ECANCELED && _pipe is { Fault: not null, IsDisposed: false } && !Token.IsCancellationRequested;

    internal static PipeTransfer Rent(RingPipe pipe, ReadOnlyMemory<byte> memory, CancellationToken token, bool isWrite)
    {
        MemoryHandle pin = memory.Pin(); // Before anything else: a memory that cannot be lent throws here.
        PipeTransfer transfer = HandlePools.OfThread.PipeTransfers.Rent();
        transfer.Begin(pipe.Driver);
        transfer._pipe = pipe;
        transfer._memory = memory;
        transfer._pin = pin;
        transfer._done = 0;
        transfer._isWrite = isWrite;
        transfer._polls = false;
        transfer.CancelWanted = false;
        transfer.Token = token;
        return transfer;
    }

    /// <summary>Goes to the kernel with what is left, or waits there until the fd is ready.</summary>
    internal unsafe void Submit()
    {
        ref OpSlot slot = ref Driver.Begin(this, _pipe, out io_uring_sqe* sqe, out _);
        slot.Lent = _memory; // For reports: the pin is the transfer's.
        if (_polls)
        {
            Prep.Poll(sqe, (uint)(_isWrite ? SocketConstants.POLLOUT : SocketConstants.POLLIN), pollFlags: 0);
        }
        else
        {
            io_uring_op op = _isWrite ? io_uring_op.IORING_OP_WRITE : io_uring_op.IORING_OP_READ;
            Prep.ReadWrite(sqe, op, (ulong)((byte*)_pin.Pointer + _done), (uint)(_memory.Length - _done), offset: -1);
        }

        Driver.Prepared(ref slot, sqe);
        OpDriver.Register(ref slot, this, Token); // Last: a token that strikes just now writes its cancel's SQE here.
    }

    /// <summary>The terminal CQE.</summary>
    internal override void Complete(int res, uint flags, int step)
    {
        bool again;
        if (_polls || res == -Errno.EAGAIN) // A shell may hand on fds that are O_NONBLOCK: a poll waits in their stead.
        {
            again = !_polls || res > 0;
            _polls = !_polls;
        }
        else
        {
            if (_isWrite && res > 0)
                _done += res;
            again = _isWrite && res > 0 && _done < _memory.Length;
            if (_isWrite && res == 0 && _done < _memory.Length)
                res = -Errno.EIO; // A write that takes nothing would go on for ever.
        }

        if (again && !CancelWanted && !_pipe.IsDisposed && !Op.Refused(Driver, Token))
        {
            Submit();
            return;
        }

        if (again)
            res = -Errno.ECANCELED;
        if (res < 0 && _done > 0)
            _pipe.Fault = $"A write ended after {_done} of its bytes had left; this handle cannot be written to any more.";
        Finish(res);
        if (_isWrite)
            _pipe.ReleaseWriting();
        else
            _pipe.ReleaseReading();
    }

    /// <summary>A queued write has no slot whose end would dispose the registration.</summary>
    internal void RegisterQueued()
    {
        Key = ulong.MaxValue - (ulong)(ushort)Version; // No slot has it; it tells one use of this object from the next.
        _queued = Token.UnsafeRegister(CancelCallback, this);
    }

    internal void UnregisterQueued()
    {
        _queued.Dispose();
        _queued = default;
    }

    /// <summary>The caller's result is known.</summary>
    internal void Finish(int res)
    {
        Driver.Unpin(ref _pin);
        base.Complete(res, 0, 0);
        Key = 0; // A cancel that was posted before and comes after must not hit this object's next use.
    }

    internal override void Refused()
    {
        Finish(-Errno.ECANCELED);
        if (!_isWrite)
            _pipe.ReleaseReading(); // A refused write never had its turn.
    }

    internal override void CancelAsked()
    {
        if (_isWrite && _pipe.Dequeue(this))
            Finish(-Errno.ECANCELED);
        else
            base.CancelAsked();
    }

    int IValueTaskSource<int>.GetResult(short token) => TakeResult(token);

    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    private int TakeResult(short token)
    {
        Take(token);
        int res = Res;
        Exception? failure = res >= 0 ? null
            : FailedBefore ? new IOException(_pipe.Fault)
            : RingErrors.File(res, _pipe, Token, _isWrite ? "Writing" : "Reading");
        if (failure is not null && _done > 0)
            failure = new IOException($"The write ended after {_done} of its bytes had left; this handle cannot be written to any more.", failure);
        _pipe = null!;
        _memory = default;
        Token = default;
        HandlePools.OfThread.PipeTransfers.Return(this);
        return failure is null ? res : throw failure;
    }
}

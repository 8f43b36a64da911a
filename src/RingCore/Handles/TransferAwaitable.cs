// Handles layer: the awaitable of a transfer: a read or a write of one memory, in one piece, exactly, or whole. What has to be
// repeated after a short result is repeated here, at the reap, without a turn through user code.
// States of a transfer: with the kernel (Driver.Begin) → short: with the kernel again → complete; see AwaitState.

using System.Buffers;
using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>What a transfer does.</summary>
internal enum TransferKind : byte
{
    /// <summary>One receive; may be short; 0 is the end.</summary>
    Receive,

    /// <summary>Waits until there is something to receive; result 0.</summary>
    Wait,

    /// <summary>Receives until the memory is full; an end before that is an error.</summary>
    ReceiveExactly,

    /// <summary>Sends everything; queued behind earlier writes.</summary>
    Write,
}

/// <summary>A read or write of a socket or pipe. Pooled.</summary>
internal sealed class TransferAwaitable : OpAwaitable, IValueTaskSource<int>, IValueTaskSource
{
    internal RingStream Stream = null!;
    internal ReadOnlyMemory<byte> Memory;
    internal CancellationToken Token;
    internal int Done;

    /// <summary>The loan: from the call to its end, queued or with the kernel, once or several times.</summary>
    internal MemoryHandle Pin;
    internal TransferKind Kind;

    private bool _polls;
    private CancellationTokenRegistration _queued;

    internal override int LentBytes => Kind == TransferKind.Wait ? 0 : Memory.Length;

    internal int Left => Memory.Length - Done;

    protected override ValueTaskSourceStatus CompletedStatus =>
        (Res >= 0 && Kind == TransferKind.ReceiveExactly && Left > 0)
        || (Res < 0 && Kind == TransferKind.Write && (Done > 0 || (!Token.IsCancellationRequested && Stream.Fault is not null)))
            ? ValueTaskSourceStatus.Faulted
            : RingErrors.StatusOf(Res, Stream, Token);

    internal static TransferAwaitable Rent(RingStream stream, TransferKind kind, ReadOnlyMemory<byte> memory, CancellationToken token)
    {
        TransferAwaitable transfer = HandlePools.OfThread.Transfers.Rent();
        transfer.Begin(stream.Driver);
        transfer.Stream = stream;
        transfer.Kind = kind;
        transfer.Memory = memory;
        transfer.Token = token;
        transfer.Done = 0;
        return transfer;
    }

    /// <summary>Goes to the kernel with what is left. With MSG_WAITALL the kernel itself goes on after a short send (6.1; before, we do).</summary>
    internal unsafe void Submit()
    {
        ref OpSlot slot = ref Driver.Begin(this, Stream, out io_uring_sqe* sqe, out _);
        if (Kind == TransferKind.Wait || _polls)
        {
            int events = Kind == TransferKind.Write ? SocketConstants.POLLOUT : SocketConstants.POLLIN | SocketConstants.POLLRDHUP;
            Prep.Poll(sqe, (uint)events);
        }
        else
        {
            byte* address = (byte*)Pin.Pointer + Done;
            if (!Stream.IsSocket)
                Prep.Transfer(sqe, Kind == TransferKind.Write ? io_uring_op.IORING_OP_WRITE : io_uring_op.IORING_OP_READ, (ulong)address, (uint)Left, offset: -1);
            else if (Kind == TransferKind.Write)
                Prep.Transfer(sqe, io_uring_op.IORING_OP_SEND, (ulong)address, (uint)Left, Driver.WriteFlags);
            else
                Prep.Transfer(sqe, io_uring_op.IORING_OP_RECV, (ulong)address, (uint)Left);
        }

        Driver.Prepared(ref slot, sqe);
        OpDriver.Register(ref slot, this, Token); // Last: a token that strikes just now writes its cancel's SQE here.
    }

    /// <summary>The terminal CQE of this transfer's op; what is left over goes back to the kernel from here.</summary>
    internal override void Complete(int res, uint flags, int step)
    {
        if (!Stream.IsSocket && IsToWait(ref res))
        {
            Submit();
            return;
        }

        switch (Kind)
        {
            case TransferKind.Receive:
                Stream.ReceiveEnded();
                break;
            case TransferKind.Wait:
                Stream.ReceiveEnded();
                res = Math.Min(res, 0); // A poll's result is a mask.
                break;
            case TransferKind.ReceiveExactly:
                if (res > 0)
                {
                    Done += res;
                    if (Left > 0 && MayGoOn(Stream, Token))
                    {
                        Submit();
                        return;
                    }

                    res = Left > 0 ? -Errno.ECANCELED : Done;
                }

                Stream.ReceiveEnded();
                break;
            case TransferKind.Write:
                Stream.WriteSent(this, res);
                return;
        }

        Finish(res, flags);
    }

    /// <summary>An O_NONBLOCK pipe or terminal, as a shell may hand on, that is not ready: a poll waits for it, then the op goes again.</summary>
    private bool IsToWait(ref int res)
    {
        bool again = _polls ? res > 0 : res == -Errno.EAGAIN;
        _polls = again && !_polls;
        if (!again)
            return false;
        res = -Errno.ECANCELED;
        bool goes = MayGoOn(Stream, Token);
        _polls &= goes;
        return goes;
    }

    /// <summary>A queued write has no slot whose end would dispose the registration: the queue does, in UnregisterQueued.</summary>
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
    internal void Finish(int res, uint flags = 0)
    {
        Driver.Unpin(ref Pin);
        base.Complete(res, flags, 0);
        Key = 0; // A cancel that was posted before and comes after must not hit this object's next use.
    }

    internal override void Refused()
    {
        if (Kind == TransferKind.Write)
            Finish(-Errno.ECANCELED); // It was never its turn to send it.
        else
            Complete(-Errno.ECANCELED, 0, 0);
    }

    internal override void CancelAsked()
    {
        if (Kind == TransferKind.Write)
            Stream.CancelWrite(this);
        else
            base.CancelAsked();
    }

    int IValueTaskSource<int>.GetResult(short token) => TakeResult(token);

    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    private int TakeResult(short token)
    {
        Take(token);
        int res = Res;
        Exception? failure = res < 0 || (Kind == TransferKind.ReceiveExactly && Left > 0) ? Failure() : null; // While the fields still stand.
        Stream = null!;
        Memory = default;
        Token = default;
        HandlePools.OfThread.Transfers.Return(this);

        return failure is null ? res : throw failure;
    }

    private Exception Failure()
    {
        if (Res >= 0)
            return new EndOfStreamException($"The peer finished after {Done} of {Memory.Length} bytes.");
        if (Kind != TransferKind.Write)
            return Stream.Error(Res, Token, "Reading");
        if (Res == -Errno.ECANCELED && Done == 0 && !Token.IsCancellationRequested && Stream is { IsDisposed: false, Fault: { } fault })
            return fault;
        Exception error = Stream.Error(Res, Token, "Writing");
        return Done == 0 ? error
            : new IOException($"The write ended after {Done} bytes had left, and nothing more can be written after them: {error.Message}", error);
    }
}

// Handles layer: the awaitable of a transfer: a read or a write of one memory, in one piece, exactly, or
// whole. What has to be repeated after a short result is repeated here, at the reap, without a turn through
// user code. States of a transfer: with the kernel, or queued → short: with the kernel again → complete;
// see AwaitState.

using System.Diagnostics;
using System.Threading.Tasks.Sources;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.SocketConstants;

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
    /// <summary>From the call to its end, queued or with the kernel, once or several times.</summary>
    internal MemoryLoan Loan;
    internal int Done;

    private RingStream _stream = null!;
    private int _length;
    private TransferKind _kind;
    private bool _polls;

    internal CancellationToken Token { get; private set; }

    internal override int LentBytes => _kind == TransferKind.Wait ? 0 : _length;

    internal int Left => _length - Done;

    protected override ValueTaskSourceStatus CompletedStatus =>
        IsFault ? ValueTaskSourceStatus.Faulted : RingErrors.StatusOf(Res, _stream, Token);

    private bool IsFault => _kind switch
    {
        TransferKind.ReceiveExactly => Res >= 0 && Left > 0,
        TransferKind.Write when Res < 0 =>
            Done > 0 || (!Token.IsCancellationRequested && _stream.Writes.Fault is not null),
        _ => false,
    };

    /// <summary>Starts a read.</summary>
    internal static TransferAwaitable Read(
        RingStream stream, TransferKind kind, ReadOnlyMemory<byte> memory, CancellationToken token)
    {
        stream.ThrowIfNotReady();
        TransferAwaitable read = Rent(stream, kind, memory.Length, token);
        int refused;
        try
        {
            read.Loan = MemoryLoan.Take(stream.Driver, memory);
            // What the Pin may have done.
            stream.ThrowIfNotReady();
            stream.ThrowIfReading();
            read.Register(token);
            refused = stream.Driver.Admit(token);
        }
        catch
        {
            read.Abandon();
            throw;
        }

        stream.StartReading(read);
        read.Begin(stream.Driver);
        if (refused < 0)
            read.Refuse(refused);
        else
            read.Prepare();
        return read;
    }

    /// <summary>Step 1 of a write; <see cref="Start"/> follows.</summary>
    internal static TransferAwaitable Write(
        RingStream stream, ReadOnlyMemory<byte> memory, CancellationToken token, out int refused)
    {
        stream.ThrowIfNotReady();
        TransferAwaitable write = Rent(stream, TransferKind.Write, memory.Length, token);
        try
        {
            write.Loan = MemoryLoan.Take(stream.Driver, memory);
            // What the Pin may have done.
            stream.ThrowIfNotReady();
            stream.Writes.ThrowIfBroken();
            stream.Writes.Reserve();
            write.Register(token);
            refused = stream.Driver.Admit(token);
            return write;
        }
        catch
        {
            write.Abandon();
            throw;
        }
    }

    internal void Start(int refused)
    {
        Begin(Driver);
        if (refused < 0)
            Refuse(refused);
        else
            _stream.Writes.Add(this);
    }

    private static TransferAwaitable Rent(
        RingStream stream, TransferKind kind, int length, CancellationToken token)
    {
        TransferAwaitable transfer = HandlePools.Of(stream.Driver).Transfers.Rent();
        transfer.Driver = stream.Driver;
        transfer._stream = stream;
        transfer._kind = kind;
        transfer._length = length;
        transfer.Token = token;
        transfer.Done = 0;
        return transfer;
    }

    /// <summary>
    /// Step 3: to the kernel with what is left. With MSG_WAITALL the kernel itself goes on after a short send
    /// (6.1; before, we do).
    /// </summary>
    internal unsafe void Prepare()
    {
        ref OpSlot slot = ref Driver.Begin(this, _stream, out io_uring_sqe* sqe, out _);
        byte* address = Loan.Address + Done;
        bool writes = _kind == TransferKind.Write;
        if (_kind == TransferKind.Wait || _polls)
            Prep.Poll(sqe, (uint)(writes ? POLLOUT : POLLIN | POLLRDHUP));
        else if (!_stream.IsSocket)
            Prep.Fill(sqe, writes ? IORING_OP_WRITE : IORING_OP_READ, address, (uint)Left, offset: -1);
        else
            Prep.Fill(
                sqe, writes ? IORING_OP_SEND : IORING_OP_RECV, address, (uint)Left,
                writes ? Driver.WriteFlags : 0);
        Driver.Prepared(ref slot, sqe);
    }

    /// <summary>
    /// The terminal CQE of this transfer's op; what is left over goes back to the kernel from here.
    /// </summary>
    internal override void OnTerminal(int res, uint flags, int step)
    {
        if (!_stream.IsSocket && PollsFirst(ref res))
        {
            Prepare();
            return;
        }

        switch (_kind)
        {
            case TransferKind.Write:
                _stream.Writes.AloneEnded(this, res);
                return;
            case TransferKind.Wait:
                // A poll's result is a mask.
                res = Math.Min(res, 0);
                break;
            case TransferKind.ReceiveExactly when res > 0:
                Done += res;
                res = Left > 0 ? AdmitAgain(_stream, Token) : Done;
                if (res == 0)
                {
                    Prepare();
                    return;
                }

                break;
        }

        Finish(res, flags);
    }

    /// <summary>
    /// An O_NONBLOCK pipe or terminal, as a shell may hand on, that is not ready; or a kernel worker that
    /// waited for it, until a signal came: a poll waits for it, then the op goes again.
    /// </summary>
    private bool PollsFirst(ref int res)
    {
        bool again = _polls ? res > 0 : res is -EAGAIN or -EINTR;
        _polls = again && !_polls;
        if (!again)
            return false;
        res = AdmitAgain(_stream, Token);
        _polls &= res == 0;
        return res == 0;
    }

    /// <summary>The caller's result is known.</summary>
    internal void Finish(int res, uint flags = 0)
    {
        ReturnLoans();
        SetResult(res, flags);
    }

    protected override void ReturnLoans()
    {
        Loan.Return(Driver);
        // A write never is the reader.
        _stream.EndReading(this);
    }

    internal override void OnCancel()
    {
        CancelWanted = true;
        if (_kind == TransferKind.Write)
            _stream.Writes.Cancel(this);
        else
            Driver.Cancel(Key);
    }

    [StackTraceHidden]
    int IValueTaskSource<int>.GetResult(short token) => TakeResult(token);

    [StackTraceHidden]
    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    [StackTraceHidden]
    private int TakeResult(short token)
    {
        Take(token);
        int res = Res;
        // While the fields still stand.
        Exception? failure = res < 0 || (_kind == TransferKind.ReceiveExactly && Left > 0) ? Failure() : null;
        _stream = null!;
        Token = default;
        HandlePools.Of(Driver).Transfers.Return(this);
        return failure is null ? res : throw failure;
    }

    private Exception Failure()
    {
        if (Res >= 0)
            return new EndOfStreamException($"The peer finished after {Done} of {_length} bytes.");
        if (_kind != TransferKind.Write)
            return _stream.Error(Res, Token, "Reading");
        bool own = Res != -ECANCELED || Done > 0 || Token.IsCancellationRequested || _stream.IsDisposed;
        if (!own && _stream.Writes.Fault is { } fault)
            return fault;
        Exception error = _stream.Error(Res, Token, "Writing");
        return Done == 0 ? error
            : new IOException(
                $"The write ended after {Done} bytes had left, and nothing more can be written after them: "
                + $"{error.Message}", error);
    }
}

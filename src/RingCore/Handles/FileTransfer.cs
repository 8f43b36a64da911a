// Handles layer: the awaitable of a file's op. A transfer that has to be whole goes back to the kernel from
// the reap with what is left of it, without a turn through user code; its memory is pinned once, at the call.
// It decides nothing about files. States: with the kernel → short, or interrupted: with the kernel again
// → complete; see AwaitState.

using System.Diagnostics;
using System.Threading.Tasks.Sources;
using static RingCore.Sys.Errno;
using static RingCore.Sys.io_uring_op;

namespace RingCore;

/// <summary>A file's op: bytes, or what System.IO would throw. Pooled.</summary>
internal sealed class FileTransfer : OpAwaitable, IValueTaskSource<int>, IValueTaskSource
{
    /// <summary>
    /// With so many requests pending, one for a disk (O_DIRECT) submits them. 2 cost more CPU time, 8 read
    /// less (docs/table.md).
    /// </summary>
    private const int DirectBatch = 4;

    private readonly OpLoans _loans = new();
    private RingFile _file = null!;
    private Op _op;
    private CancellationToken _token;
    private string _what = "";
    private bool _whole;
    private long _length;
    private long _done;

    internal override int LentBytes => _loans.Bytes;

    protected override ValueTaskSourceStatus CompletedStatus =>
        (Res < 0 && _done > 0) || (Res >= 0 && _whole && _done < _length)
            ? ValueTaskSourceStatus.Faulted
            : RingErrors.StatusOf(Res, _file, _token);

    /// <param name="file">Whose op.</param>
    /// <param name="op">The whole of it.</param>
    /// <param name="token">Asks for cancellation.</param>
    /// <param name="what">For messages: "Reading".</param>
    /// <param name="whole">All of the memory, or an error.</param>
    internal static FileTransfer Start(
        RingFile file, in Op op, CancellationToken token, string what, bool whole = false)
    {
        FileTransfer transfer = HandlePools.Of(file.Driver).FileTransfers.Rent();
        transfer.Driver = file.Driver;
        int refused;
        try
        {
            op.Lend(file.Driver, transfer._loans);
            // What a Pin may have done.
            op.ThrowIfUnusable();
            transfer.Register(token);
            refused = file.Driver.Admit(token);
        }
        catch
        {
            transfer.Abandon();
            throw;
        }

        transfer.Begin(file.Driver);
        transfer._file = file;
        transfer._op = op;
        transfer._token = token;
        transfer._what = what;
        transfer._whole = whole;
        transfer._done = 0;
        transfer._length = op.Length;
        if (refused < 0)
            transfer.Refuse(refused);
        else
            op.Prepare(file.Driver, transfer, transfer._loans);

        // What is cached is done within the enter, and gains by fewer of them.
        if (file.IsDirect)
            file.Driver.SubmitBatch(DirectBatch);
        return transfer;
    }

    /// <summary>
    /// The terminal CQE. EINTR tells of the kernel's own worker: its signals are not the caller's business.
    /// </summary>
    internal override void OnTerminal(int res, uint flags, int step)
    {
        if (res > 0)
            _done += res;
        if (res == -EINTR || (res > 0 && _whole && _done < _length && !_file.EndsWith(_op.Code, _done)))
        {
            res = AdmitAgain(_file, _token);
            if (res == 0)
            {
                _op.Prepare(Driver, this, _loans, done: _done);
                return;
            }
        }

        if (_op.Code == IORING_OP_FSYNC && IsNothingToFlush(res))
            res = 0;

        ReturnLoans();
        SetResult(res, flags);
    }

    /// <summary>
    /// A pipe, a device, a file of /proc, a read-only file system: as FileStream.Flush takes it.
    /// </summary>
    private static bool IsNothingToFlush(int res) => res is -EINVAL or -EROFS or -EOPNOTSUPP;

    protected override void ReturnLoans() => _loans.Return(Driver);

    [StackTraceHidden]
    int IValueTaskSource<int>.GetResult(short token) => TakeResult(token);

    [StackTraceHidden]
    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    [StackTraceHidden]
    private int TakeResult(short token)
    {
        Take(token);
        int res = Res;
        Exception? failure = res >= 0 && (!_whole || _done == _length)
            ? null
            : _file.Failure(res, _op, _token, _what, _done, _length);
        _file = null!;
        _op = default;
        _token = default;
        HandlePools.Of(Driver).FileTransfers.Return(this);
        return failure is null ? res : throw failure;
    }
}

// Handles layer: the awaitable of a file's op. A transfer that has to be whole goes back to the kernel from the reap with what is
// left of it, without a turn through user code; its memory is pinned once, at the call. It decides nothing about files.
// States: with the kernel → short, or interrupted: with the kernel again → complete; see AwaitState.

using System.Buffers;
using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>A file's op: bytes, or what System.IO would throw. Pooled.</summary>
internal sealed class FileTransfer : OpAwaitable, IValueTaskSource<int>, IValueTaskSource
{
    /// <summary>IOV_MAX: memories that one request can name.</summary>
    private const int MostMemories = 1024;

    /// <summary>With so many requests pending, one for a disk (O_DIRECT) submits them. 2 cost more CPU time, 8 read less (docs/table.md).</summary>
    private const int DirectBatch = 4;

    private RingFile _file = null!;
    private Op _op;
    private CancellationToken _token;
    private MemoryHandle[] _pins = new MemoryHandle[1]; // The loan: as many as the op's PinCount.
    private string _what = "";
    private bool _whole;
    private long _length;
    private long _done;

    protected override ValueTaskSourceStatus CompletedStatus =>
        (Res < 0 && _done > 0) || (Res >= 0 && _whole && _done < _length) ? ValueTaskSourceStatus.Faulted : RingErrors.StatusOf(Res, _file, _token);

    /// <param name="file">Whose op.</param>
    /// <param name="op">The whole of it.</param>
    /// <param name="token">Asks for cancellation.</param>
    /// <param name="what">For messages: "Reading".</param>
    /// <param name="whole">All of the memory, or an error.</param>
    internal static FileTransfer Start(RingFile file, in Op op, CancellationToken token, string what, bool whole = false)
    {
        FileTransfer transfer = HandlePools.OfThread.FileTransfers.Rent();
        if (transfer._pins.Length < op.PinCount)
            transfer._pins = new MemoryHandle[op.PinCount];
        Op.Pin(file.Driver, new(in op), transfer._pins.AsSpan(0, op.PinCount)); // If it throws, the transfer is the GC's.
        transfer.Begin(file.Driver);
        transfer._file = file;
        transfer._op = op;
        transfer._token = token;
        transfer._what = what;
        transfer._whole = whole;
        transfer._done = 0;
        transfer._length = op.Length;
        if (Op.Refused(file.Driver, token))
            file.Driver.Refuse(transfer);
        else
            transfer.Submit();

        // Else a disk that has run dry waits for a turn's whole batch. What is cached is done within the enter, and gains by fewer of them.
        // An error is for the loop's enter, which meets it, too: thrown from here it would hide that the memory is lent.
        if (file.IsDirect && file.Driver.Ring.Pending >= DirectBatch)
            file.Driver.Ring.Enter(minComplete: 0);
        return transfer;
    }

    /// <summary>Goes to the kernel with what is left. The slot gets addresses: the pins are the transfer's.</summary>
    private unsafe void Submit()
    {
        if (_op.List is { } list)
        {
            SubmitList(list);
            return;
        }

        var address = new MemoryHandle((byte*)_pins[0].Pointer + _done);
        _op.Part((int)_done).Write(Driver, this, step: 0, _token, linked: false, pins: new ReadOnlySpan<MemoryHandle>(in address));
    }

    private unsafe void SubmitList(ReadOnlyMemory<byte>[] list)
    {
        int first = 0;
        long skip = _done;
        while (first < list.Length && skip >= list[first].Length)
            skip -= list[first++].Length;
        ReadOnlyMemory<byte>[] rest = list.AsSpan(first, Math.Min(list.Length - first, MostMemories)).ToArray();
        var addresses = new MemoryHandle[rest.Length];
        for (int i = 0; i < rest.Length; i++, skip = 0)
        {
            rest[i] = rest[i][(int)skip..];
            addresses[i] = new MemoryHandle((byte*)_pins[first + i].Pointer + skip);
        }

        _op.Part(rest, _done).Write(Driver, this, step: 0, _token, linked: false, pins: addresses);
    }

    /// <summary>The terminal CQE. EINTR tells of the kernel's own worker: its signals are not the caller's business.</summary>
    internal override void Complete(int res, uint flags, int step)
    {
        if (res > 0)
            _done += res;
        bool again = res == -Errno.EINTR || (res > 0 && _whole && _done < _length && !_file.EndsWith(_op.Code, _done));
        if (again && MayGoOn(_file, _token))
        {
            Submit();
            return;
        }

        foreach (ref MemoryHandle pin in _pins.AsSpan(0, _op.PinCount))
            Driver.Unpin(ref pin);
        base.Complete(again ? -Errno.ECANCELED : res, flags, step);
    }

    int IValueTaskSource<int>.GetResult(short token) => TakeResult(token);

    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    private int TakeResult(short token)
    {
        Take(token);
        int res = Res;
        Exception? failure = res >= 0 && (!_whole || _done == _length) ? null : _file.Failure(res, _op, _token, _what, _done, _length);
        _file = null!;
        _op = default;
        _token = default;
        if (_pins.Length > MostMemories)
            _pins = new MemoryHandle[1]; // Not for ever what one long list needed.
        HandlePools.OfThread.FileTransfers.Return(this);

        return failure is null ? res : throw failure;
    }
}

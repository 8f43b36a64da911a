// Work on bare rings: features that RingCore does without, as their measurements say (ARCHITECTURE.md, "Not done, and why").

using System.Runtime.InteropServices;
using RingCore.Sys;

namespace RingCore.Bench;

/// <summary>Sends and receives on a bare ring. The ring belongs to the thread that measures.</summary>
public sealed unsafe class FixedFilesWork : Work
{
    private const int Pairs = 16;
    private const uint RegisterFiles = 2; // IORING_REGISTER_FILES
    private readonly Ring _ring = new();
    private readonly bool _fixed;
    private readonly List<int> _fds = [];
    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed(Pairs * 64);

    public FixedFilesWork(string row, string column, bool fixedFiles)
        : base(row, column)
    {
        _fixed = fixedFiles;
        for (int i = 0; i < Pairs; i++)
        {
            (int left, int right) = Raw.SocketPair();
            _fds.Add(left);
            _fds.Add(right);
        }

        int[] table = [.. _fds];
        fixed (int* first = table)
        {
            if (fixedFiles && _ring.Register(RegisterFiles, first, (uint)table.Length) < 0)
                throw new BenchException("registered files are refused");
        }
    }

    protected override void Run(int operations)
    {
        for (int done = 0; done < operations; done += Pairs)
        {
            for (int i = 0; i < Pairs; i++)
            {
                Prepare(io_uring_op.IORING_OP_SEND, 2 * i, i);
                Prepare(io_uring_op.IORING_OP_RECV, 2 * i + 1, i);
            }

            for (uint seen = 0; seen < 2 * Pairs;)
            {
                _ring.Enter(2 * Pairs - seen);
                uint ready = _ring.Ready;
                for (uint i = 0; i < ready; i++)
                {
                    if (_ring.CqeAt(i).res != 64)
                        throw new BenchException($"result {_ring.CqeAt(i).res}");
                }

                _ring.Advance(ready);
                seen += ready;
            }
        }
    }

    private void Prepare(io_uring_op op, int place, int pair)
    {
        io_uring_sqe* sqe = _ring.TryGetSqe();
        sqe->opcode = op;
        sqe->fd = _fixed ? place : _fds[place];
        sqe->flags = _fixed ? SqeFlags.IOSQE_FIXED_FILE : (byte)0;
        sqe->addr = (ulong)(_memory + pair * 64);
        sqe->len = 64;
    }

    public override void Dispose()
    {
        _ring.Dispose();
        _fds.ForEach(fd => Raw.Close(fd));
    }
}

/// <summary>Two threads, each asleep in its ring until the other one has something for it.</summary>
public sealed unsafe class HandOffWork : Work
{
    private readonly bool _messages;
    private readonly Side[] _sides = [new(), new()];
    private readonly Thread _partner;

    private sealed class Side
    {
        internal Ring? Ring;
        internal int EventFd;
        internal readonly ulong* Count = (ulong*)NativeMemory.AllocZeroed(8);
    }

    public HandOffWork(string row, string column, bool messages)
        : base(row, column)
    {
        _messages = messages;
        Open(_sides[0]);
        using var ready = new ManualResetEventSlim();
        _partner = new Thread(() =>
        {
            Open(_sides[1]);
            ready.Set();
            while (Receive(_sides[1]))
                Give(_sides[1], _sides[0]);
            _sides[1].Ring!.Dispose();
        });
        _partner.Start();
        ready.Wait();
    }

    private void Open(Side side)
    {
        side.Ring = new Ring();
        side.EventFd = Raw.EventFd(0, 0x80000);
        if (!_messages)
            Arm(side);
    }

    private static void Arm(Side side)
    {
        io_uring_sqe* sqe = side.Ring!.TryGetSqe();
        sqe->opcode = io_uring_op.IORING_OP_READ;
        sqe->fd = side.EventFd;
        sqe->addr = (ulong)side.Count;
        sqe->len = 8;
        sqe->user_data = 1;
    }

    private static bool Send(int eventFd, ulong value) => Raw.Write(eventFd, &value, 8) == 8;

    private void Give(Side from, Side to)
    {
        if (!_messages)
        {
            Send(to.EventFd, 1);
            return;
        }

        io_uring_sqe* sqe = from.Ring!.TryGetSqe();
        sqe->opcode = io_uring_op.IORING_OP_MSG_RING;
        sqe->fd = to.Ring!.Fd;
        sqe->len = 7; // The result over there.
        sqe->off = 1; // Its user_data.
        sqe->user_data = 2; // Goes with the next enter, which waits as well.
    }

    /// <summary>False: the end.</summary>
    private bool Receive(Side side)
    {
        while (true)
        {
            side.Ring!.Enter(1);
            uint ready = side.Ring.Ready;
            int got = 0;
            for (uint i = 0; i < ready; i++)
                got = side.Ring.CqeAt(i).user_data == 1 ? side.Ring.CqeAt(i).res : got;
            side.Ring.Advance(ready);
            if (got == 0)
                continue;
            if (!_messages)
                Arm(side);
            return _messages ? got == 7 : *side.Count < 1000;
        }
    }

    protected override void Run(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            Give(_sides[0], _sides[1]);
            Receive(_sides[0]);
        }
    }

    public override void Dispose()
    {
        if (_messages)
        {
            Give(_sides[0], _sides[1]);
            (_sides[0].Ring!.TryGetSqe() - 1)->len = 9; // Not a 7: the partner ends.
            _sides[0].Ring!.Enter(0);
        }
        else
        {
            Send(_sides[1].EventFd, 1000);
        }

        _partner.Join();
        _sides[0].Ring!.Dispose();
        foreach (Side side in _sides)
            Raw.Close(side.EventFd);
    }
}

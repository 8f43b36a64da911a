// Tests: the fake kernel's io_uring_enter: takes SQEs, begins requests and chains, writes CQEs, keeps an overflow list, runs
// deferred task work, and waits on the virtual clock. Order as in the kernel: submit, then flush and task work, then wait.

using RingCore.Sys;
using static RingCore.Sys.CqeFlags;
using static RingCore.Sys.EnterFlags;
using static RingCore.Sys.RingFlags;
using static RingCore.Sys.SetupFlags;

namespace RingCore.Tests.Fakes;

internal sealed unsafe partial class FakeKernel
{
    private readonly List<FakeOp> _ops = []; // Waiting, in flight or ending, in the order they were taken.
    private readonly Queue<io_uring_cqe> _overflow = new();
    private readonly Queue<Action> _taskWork = new();
    private readonly PriorityQueue<Action, (long Time, int Order)> _events = new();
    private readonly Queue<Action> _whenIdle = new();
    private readonly Queue<EnterScript> _enterScripts = new();
    private int _eventOrder;
    private bool _inEnter;
    private int _eventFd = -1;
    private ulong _signals; // Under the gate.
    private int _taken;

    /// <summary>What one enter shall do other than usual.</summary>
    private readonly record struct EnterScript(int MostSqes, int Errno, bool InWait);

    private uint* SqHead => (uint*)(_sqMemory + _params.sq_off.head);

    private uint* SqTail => (uint*)(_sqMemory + _params.sq_off.tail);

    private uint* SqFlags => (uint*)(_sqMemory + _params.sq_off.flags);

    private uint* CqHead => (uint*)(_cqMemory + _params.cq_off.head);

    private uint* CqTail => (uint*)(_cqMemory + _params.cq_off.tail);

    private io_uring_cqe* Cqes => (io_uring_cqe*)(_cqMemory + _params.cq_off.cqes);

    /// <summary>CQEs written and not yet given back.</summary>
    internal uint CqReady => *CqTail - *CqHead;

    internal int OverflowCount => _overflow.Count;

    /// <summary>Whether completions from outside an enter become task work, to be run by the next one.</summary>
    private bool Defers => (_params.flags & (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN)) != 0;

    private void StartQueues()
    {
        *SqHead = *SqTail = *CqHead = *CqTail = StartIndex;
        _groups.Clear();
    }

    private void StopQueues()
    {
        if (RegisteredIndex >= 0)
            Violation("ring closed while its registered fd was not given back");
        _ringFd = -1;
        _groups.Clear();
        _ops.Clear();
        _overflow.Clear();
        _taskWork.Clear();
    }

    private bool IsInUse(int fd) => _ops.Any(op => (op.Fd == fd || (op.Opcode is io_uring_op.IORING_OP_SPLICE or io_uring_op.IORING_OP_TEE && op.Sqe.splice_fd_in == fd)) && op.State != FakeOpState.Ended && op.Opcode != io_uring_op.IORING_OP_CLOSE);

    private static int EnterEntry(int fd, uint toSubmit, uint minComplete, uint flags, void* argument, nuint size)
    {
        bool byIndex = (flags & IORING_ENTER_REGISTERED_RING) != 0;
        if (!(byIndex ? s_byIndex : s_byFd).TryGetValue(fd, out FakeKernel? kernel))
            throw new FakeKernelException($"enter of {(byIndex ? "registered ring" : "fd")} {fd}, which is none");
        long timeout = -1;
        io_uring_getevents_arg arg = default;
        if ((flags & IORING_ENTER_EXT_ARG) != 0)
        {
            if (size != (nuint)sizeof(io_uring_getevents_arg))
                return -Errno.EINVAL;
            if ((kernel.Features & RingCore.Sys.Features.IORING_FEAT_EXT_ARG) == 0)
                return -Errno.EINVAL;
            arg = *(io_uring_getevents_arg*)argument;
            if (arg.ts != 0)
                timeout = ToNs(*(__kernel_timespec*)arg.ts);
        }

        kernel._inEnter = true;
        int result;
        try
        {
            result = kernel.Enter(toSubmit, minComplete, flags, timeout);
        }
        finally
        {
            kernel._inEnter = false;
        }

        kernel.Enters.Add(new FakeEnter(toSubmit, minComplete, flags, timeout, result, fd, size, arg));
        return result;
    }

    private int Enter(uint toSubmit, uint minComplete, uint flags, long timeout)
    {
        EnterScript script = NextScript(toSubmit);
        if (script is { Errno: not 0, InWait: false, MostSqes: 0 })
            return -script.Errno;
        int submitted;
        if (HasPoller)
        {
            PollerInEnter(flags);
            submitted = (int)toSubmit; // Whatever the poller has taken.
        }
        else
        {
            submitted = Submit(Math.Min(toSubmit, (uint)script.MostSqes));
        }

        if (script is { Errno: not 0, InWait: false })
            return -script.Errno; // After it had taken some: only the shared head tells.
        int waited = 0;
        if ((flags & IORING_ENTER_GETEVENTS) != 0)
        {
            Flush();
            RunTaskWork();
            if (script.InWait)
                waited = CqReady >= minComplete ? 0 : -script.Errno;
            else if ((uint)submitted == toSubmit) // The kernel does not wait after a partial submit.
                waited = Wait(minComplete, timeout);
        }

        return submitted > 0 ? submitted : waited;
    }

    private EnterScript NextScript(uint toSubmit)
    {
        var all = new EnterScript(int.MaxValue, 0, false);
        if (!_enterScripts.TryPeek(out EnterScript script) || (script.MostSqes is > 0 and < int.MaxValue && toSubmit == 0))
            return all;
        return _enterScripts.Dequeue();
    }

    // ---- Submission ----

    private int Submit(uint count)
    {
        uint head = *SqHead;
        uint available = Volatile.Read(ref *SqTail) - head; // Acquire: pairs with the ring's release of sq.tail.
        if (available > _params.sq_entries)
            Violation($"sq.tail is {available} ahead of sq.head in a queue of {_params.sq_entries}");
        uint mask = _params.sq_entries - 1;
        int submitted = 0;
        FakeOp? first = null;
        FakeOp? last = null;
        for (uint left = Math.Min(count, available); left > 0; left--)
        {
            uint place = head & mask;
            if (_params.sq_off.array != 0)
                place = ((uint*)(_sqMemory + _params.sq_off.array))[place];
            var op = new FakeOp(this, _sqes[place], _taken++);
            Volatile.Write(ref *SqHead, ++head); // Release: the copy of the SQE. Pairs with the ring's acquire of sq.head.
            submitted++;
            All.Add(op);
            _ops.Add(op);
            if (last is null)
                first = op;
            else
                (last.Next, op.Previous) = (op, last);
            last = op;
            if (op.IsLinked)
                continue;
            bool goesOn = Begin(first!);
            first = last = null;
            if (!goesOn)
                return submitted;
        }

        if (first is not null)
        {
            if (count >= available) // Else it was told to: as a kernel without memory for the next request.
                Violation($"a chain that began with {first.Opcode} was cut at the end of a submission");
            Begin(first);
        }

        return submitted;
    }

    /// <summary>Begins a request, or the first of a chain. False: it failed at its preparation and ends the batch.</summary>
    private bool Begin(FakeOp op)
    {
        if (op.Sqe.user_data != 0 && op.Opcode != io_uring_op.IORING_OP_ASYNC_CANCEL && op.Opcode != io_uring_op.IORING_OP_LINK_TIMEOUT
            && _ops.Any(other => other != op && other.UserData == op.UserData && other.State != FakeOpState.Ended))
            Violation($"user_data 0x{op.UserData:x} is in use twice");
        op.State = FakeOpState.InFlight;
        bool known = Opcodes.Contains(op.Opcode);
        bool bounds = op.Opcode == io_uring_op.IORING_OP_LINK_TIMEOUT; // And nothing is there to bound.
        if (!known || bounds || _badPreps.Remove(op.Opcode))
        {
            op.Finish(-Errno.EINVAL);
            return (_params.flags & IORING_SETUP_SUBMIT_ALL) != 0;
        }

        Run(op);
        if (op.State == FakeOpState.InFlight && op.Next is { Opcode: io_uring_op.IORING_OP_LINK_TIMEOUT } timeout)
            ArmLinkTimeout(op, timeout);
        return true;
    }

    private void ArmLinkTimeout(FakeOp op, FakeOp timeout)
    {
        timeout.State = FakeOpState.InFlight;
        At(NowNs + ToNs(*(__kernel_timespec*)timeout.Sqe.addr), () =>
        {
            if (timeout.State != FakeOpState.InFlight || op.State != FakeOpState.InFlight)
                return;
            _expired.Add(timeout);
            op.Finish(-Errno.ECANCELED);
        });
    }

    private readonly HashSet<FakeOp> _expired = [];

    /// <summary>The default of each opcode, where the script says nothing.</summary>
    private void RunDefault(FakeOp op)
    {
        switch (op.Opcode)
        {
            case io_uring_op.IORING_OP_NOP:
                op.Finish(0);
                break;
            case io_uring_op.IORING_OP_READ when op.Fd == _eventFd:
                TakeSignals(op);
                break;
            case io_uring_op.IORING_OP_TIMEOUT:
                At(NowNs + ToNs(*(__kernel_timespec*)op.Sqe.addr), () => FinishIfRunning(op, -Errno.ETIME));
                break;
            case io_uring_op.IORING_OP_ASYNC_CANCEL:
                op.Finish(CancelNow(op.Sqe.addr));
                break;
            case io_uring_op.IORING_OP_CLOSE:
                op.Finish(CloseEntry(op.Fd));
                break;
            case io_uring_op.IORING_OP_RECV when op.SelectsBuffer && (op.Sqe.ioprio & OpFlags.IORING_RECVSEND_POLL_FIRST) == 0 && !HasBuffer(op.Sqe.buf_group):
                op.Finish(-Errno.ENOBUFS); // It picks before it tries to receive.
                break;
        }
    }

    /// <summary>What ASYNC_CANCEL answers; the target's own CQE follows.</summary>
    private int CancelNow(ulong userData)
    {
        FakeOp? target = _ops.FirstOrDefault(op => op.UserData == userData && op.State is FakeOpState.InFlight or FakeOpState.Ending);
        if (target is null || target.UserData != userData)
            return -Errno.ENOENT;
        if (target.State == FakeOpState.Ending || _uncancellable.Contains(target.Opcode))
            return -Errno.EALREADY;
        _afterCancel = target;
        return 0;
    }

    private FakeOp? _afterCancel;

    // ---- Completion ----

    /// <summary>A result of a request, or with F_MORE one of several.</summary>
    internal void Finish(FakeOp op, int res, uint flags)
    {
        if (op.State != FakeOpState.InFlight)
            throw new FakeKernelException($"cannot complete {op}: it is not in flight");
        if ((flags & IORING_CQE_F_MORE) == 0)
            op.State = FakeOpState.Ending;
        if (_inEnter || !Defers)
        {
            FinishNow(op, res, flags);
            return;
        }

        _taskWork.Enqueue(() => FinishNow(op, res, flags));
        if ((_params.flags & IORING_SETUP_TASKRUN_FLAG) != 0)
            *SqFlags |= IORING_SQ_TASKRUN;
    }

    private void FinishNow(FakeOp op, int res, uint flags)
    {
        Post(op.UserData, res, flags);
        if ((flags & IORING_CQE_F_MORE) != 0)
            return;
        End(op);
        FakeOp? next = op.Next;
        if (next is { Opcode: io_uring_op.IORING_OP_LINK_TIMEOUT })
        {
            Post(next.UserData, _expired.Remove(next) ? -Errno.ETIME : -Errno.ECANCELED, 0);
            End(next);
            next = next.Next;
        }

        if (next is not null && op.Breaks(res))
        {
            for (; next is not null; next = next.Next)
            {
                Post(next.UserData, -Errno.ECANCELED, 0);
                End(next);
            }
        }
        else if (next is not null)
        {
            Begin(next);
        }

        if (op.Opcode == io_uring_op.IORING_OP_ASYNC_CANCEL && _afterCancel is { } target)
        {
            _afterCancel = null;
            FinishIfRunning(target, -Errno.ECANCELED);
        }
    }

    private void End(FakeOp op)
    {
        op.State = FakeOpState.Ended;
        _ops.Remove(op);
    }

    private static void FinishIfRunning(FakeOp op, int res)
    {
        if (op.State == FakeOpState.InFlight)
            op.Finish(res);
    }

    /// <summary>Writes a CQE; with the queue full it is kept aside, and so is all that follows, to keep the order.</summary>
    internal void Post(ulong userData, int res, uint flags)
    {
        var cqe = new io_uring_cqe { user_data = userData, res = res, flags = flags };
        if (CqReady == _params.cq_entries || _overflow.Count > 0)
        {
            _overflow.Enqueue(cqe);
            *SqFlags |= IORING_SQ_CQ_OVERFLOW;
            return;
        }

        Write(cqe);
    }

    private void Write(in io_uring_cqe cqe)
    {
        uint tail = *CqTail;
        Cqes[tail & (_params.cq_entries - 1)] = cqe;
        Volatile.Write(ref *CqTail, tail + 1); // Release: the CQE. Pairs with the ring's acquire of cq.tail.
    }

    private void Flush()
    {
        while (_overflow.Count > 0 && CqReady < _params.cq_entries)
            Write(_overflow.Dequeue());
        if (_overflow.Count == 0)
            *SqFlags &= ~IORING_SQ_CQ_OVERFLOW;
    }

    private void RunTaskWork()
    {
        *SqFlags &= ~IORING_SQ_TASKRUN;
        while (_taskWork.TryDequeue(out Action? work))
            work();
    }

    // ---- Waiting ----

    private int Wait(uint minComplete, long timeout)
    {
        long deadline = timeout < 0 ? long.MaxValue : NowNs + timeout;
        RunEvents(NowNs);
        while (true)
        {
            TakeSignals(_ops.FirstOrDefault(op => op.Opcode == io_uring_op.IORING_OP_READ && op.Fd == _eventFd));
            if (CqReady >= minComplete)
                return 0;
            if (_whenIdle.TryDequeue(out Action? action))
            {
                action();
            }
            else if (WaitForSignals)
            {
                WaitForSignal();
            }
            else if (_events.TryPeek(out _, out (long Time, int) due) && due.Time <= deadline)
            {
                RunEvents(due.Time);
            }
            else if (deadline < long.MaxValue)
            {
                NowNs = deadline;
                return -Errno.ETIME;
            }
            else
            {
                throw new FakeKernelException("the executor waits for ever; with the kernel: "
                    + (_ops.Count == 0 ? "nothing" : string.Join("; ", _ops)));
            }
        }
    }

    private void RunEvents(long until)
    {
        while (_events.TryPeek(out Action? action, out (long Time, int) due) && due.Time <= until)
        {
            _events.Dequeue();
            NowNs = Math.Max(NowNs, due.Time);
            action();
        }
    }

    private void WaitForSignal()
    {
        long give = Environment.TickCount64 + 20_000;
        while (true)
        {
            lock (_gate)
            {
                if (_signals > 0)
                    return;
            }

            if (!_signalled.Wait(TimeSpan.FromMilliseconds(Math.Max(0, give - Environment.TickCount64))))
                throw new FakeKernelException("no signal came in 20 s");
            _signalled.Reset();
        }
    }

    private readonly ManualResetEventSlim _signalled = new();

    private int Signal()
    {
        lock (_gate)
            _signals++;
        _signalled.Set();
        return sizeof(ulong);
    }

    private void TakeSignals(FakeOp? read)
    {
        if (read is not { State: FakeOpState.InFlight })
            return;
        ulong count;
        lock (_gate)
        {
            count = _signals;
            _signals = 0;
        }

        if (count == 0)
            return;
        *(ulong*)read.Sqe.addr = count;
        read.Finish(sizeof(ulong));
    }

    /// <summary>At most a century: a clock plus this must not overflow.</summary>
    private static long ToNs(__kernel_timespec time) => Math.Min(time.tv_sec, 3_155_760_000) * 1_000_000_000 + time.tv_nsec;
}

/// <summary>One io_uring_enter.</summary>
internal readonly record struct FakeEnter(
    uint ToSubmit, uint MinComplete, uint Flags, long TimeoutNs, int Result, int Fd, nuint ArgumentSize, io_uring_getevents_arg Argument);

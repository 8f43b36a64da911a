// Tests: how a test tells the fake kernel what to do, so that it reads as a script:
//   kernel.On(IORING_OP_RECV).Bytes("hello").Complete(0);    the first receive gets 5 bytes, the second the end
//   kernel.Hold(IORING_OP_RECV);                             from now on they stay with the kernel ...
//   kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 5));   ... until the executor would block
//   kernel.Run(async () => { ... });                         an executor over it, and everything released at the end

using System.Text;
using RingCore.Sys;
using static RingCore.Sys.CqeFlags;

namespace RingCore.Tests.Fakes;

internal sealed partial class FakeKernel
{
    private readonly Dictionary<io_uring_op, FakeScript> _scripts = [];
    private readonly List<io_uring_op> _badPreps = [];
    private readonly HashSet<io_uring_op> _uncancellable = [];

    /// <summary>Every request taken, in order, the executor's wake-up read included.</summary>
    internal List<FakeOp> All { get; } = [];

    /// <summary>Every request taken, in order, without the executor's wake-up read.</summary>
    internal IEnumerable<FakeOp> Taken => All.Where(op => op.Opcode != io_uring_op.IORING_OP_READ || op.Fd != _eventFd);

    /// <summary>Every io_uring_enter.</summary>
    internal List<FakeEnter> Enters { get; } = [];

    /// <summary>A wait that nothing scripted can end waits for another thread's signal, in real time, 20 s at most.</summary>
    internal bool WaitForSignals { get; set; }

    /// <summary>What the next requests of an opcode do.</summary>
    internal FakeScript On(io_uring_op op)
    {
        if (!_scripts.TryGetValue(op, out FakeScript? script))
            _scripts[op] = script = new FakeScript(this);
        return script;
    }

    /// <summary>Requests of an opcode stay with the kernel until the script completes them.</summary>
    internal void Hold(io_uring_op op) => On(op).Always(_ => { });

    /// <summary>Cancels of an opcode's requests come too late: EALREADY.</summary>
    internal void NeverCancels(io_uring_op op) => _uncancellable.Add(op);

    /// <summary>The next request of an opcode fails at its preparation; without SUBMIT_ALL the batch ends there.</summary>
    internal void FailPrep(io_uring_op op) => _badPreps.Add(op);

    /// <summary>Requests of an opcode that are with the kernel, oldest first.</summary>
    internal IReadOnlyList<FakeOp> InFlight(io_uring_op op) =>
        [.. _ops.Where(o => o.Opcode == op && o.State == FakeOpState.InFlight && o.Fd != _eventFd)];

    /// <summary>The oldest request of an opcode ends with a result.</summary>
    internal void Complete(io_uring_op op, int res, uint flags = 0) => Oldest(op).Finish(res, flags);

    /// <summary>The oldest request of an opcode receives bytes.</summary>
    internal void Deliver(io_uring_op op, string text, uint flags = 0) => Oldest(op).Deliver(Encoding.UTF8.GetBytes(text), flags);

    internal FakeOp Oldest(io_uring_op op) => InFlight(op) is [var first, ..]
        ? first
        : throw new FakeKernelException($"no {op} is with the kernel; there are: {string.Join("; ", _ops)}");

    /// <summary>Runs when the executor would block, before the clock moves; one action per wait that is still unsatisfied.</summary>
    internal FakeKernel WhenIdle(Action action)
    {
        _whenIdle.Enqueue(action);
        return this;
    }

    /// <summary>Runs when the virtual clock reaches a time.</summary>
    internal void At(long timeNs, Action action) => _events.Enqueue(action, (timeNs, _eventOrder++));

    /// <summary>Runs when the virtual clock has moved on by a time.</summary>
    internal void After(TimeSpan time, Action action) => At(NowNs + (long)time.TotalNanoseconds, action);

    /// <summary>The next enter fails before it takes anything.</summary>
    internal void RefuseEnter(int errno, int times = 1)
    {
        for (int i = 0; i < times; i++)
            _enterScripts.Enqueue(new EnterScript(0, errno, InWait: false));
    }

    /// <summary>The next enter that submits takes at most so many SQEs, and does not wait.</summary>
    internal void TakeAtMost(int sqes) => _enterScripts.Enqueue(new EnterScript(sqes, 0, InWait: false));

    /// <summary>The next enter that submits takes so many SQEs and fails all the same.</summary>
    internal void TakeAndFail(int sqes, int errno) => _enterScripts.Enqueue(new EnterScript(sqes, errno, InWait: false));

    /// <summary>The next enter's wait ends at once, unsatisfied, as by a signal.</summary>
    internal void InterruptWait(int errno = Errno.EINTR) => _enterScripts.Enqueue(new EnterScript(int.MaxValue, errno, InWait: true));

    /// <summary>Runs an executor over this kernel; at its end nothing may be left.</summary>
    internal void Run(Func<RingTask> main, RingOptions? options = null, int staleCqes = 0)
    {
        RingExecutor? executor = null;
        RingExecutor.Run(async () =>
        {
            executor = RingExecutor.Current!;
            await main();
        }, Options(options));
        AssertReleased();
        Assert.Equal(0, executor!.Driver.Table.InUse);
        Assert.Equal(0, executor.Driver.Table.BlockBytes);
        Assert.Equal(0, executor.Driver.Outstanding);
        Assert.Equal(0, executor.Driver.Ring.Counters.LeasesOut);
        Assert.Equal(staleCqes, executor.Driver.Ring.Counters.StaleCqes);
    }

    internal uint PickFor(FakeOp op, ReadOnlySpan<byte> data, out int stored) => Pick(op.Sqe.buf_group, data, out stored);

    private void Run(FakeOp op)
    {
        if (op.Fd != _eventFd && _scripts.TryGetValue(op.Opcode, out FakeScript? script) && script.Next() is { } action)
            action(op);
        else
            RunDefault(op);
    }
}

/// <summary>The behaviour of one opcode: first what is queued, one entry per request, then the default.</summary>
internal sealed class FakeScript(FakeKernel kernel)
{
    private readonly Queue<Action<FakeOp>> _once = new();
    private Action<FakeOp>? _always;

    /// <summary>One request ends inside the enter that submits it.</summary>
    internal FakeScript Complete(int res, uint flags = 0) => Run(op => op.Finish(res, flags));

    /// <summary>One request receives bytes at once.</summary>
    internal FakeScript Bytes(string text, uint flags = 0) => Run(op => op.Deliver(Encoding.UTF8.GetBytes(text), flags));

    /// <summary>One request stays with the kernel.</summary>
    internal FakeScript Hold() => Run(_ => { });

    /// <summary>One request ends after a time of the virtual clock.</summary>
    internal FakeScript After(TimeSpan time, int res, uint flags = 0) => Run(op => kernel.After(time, () =>
    {
        if (op.State == FakeOpState.InFlight)
            op.Finish(res, flags);
    }));

    /// <summary>One multishot request yields results with F_MORE at once, and stays.</summary>
    internal FakeScript Many(params int[] results) => Run(op =>
    {
        foreach (int res in results)
            op.Finish(res, IORING_CQE_F_MORE);
    });

    /// <summary>One request does what the action does with it.</summary>
    internal FakeScript Run(Action<FakeOp> action)
    {
        _once.Enqueue(action);
        return this;
    }

    /// <summary>Every request for which nothing is queued ends with a result at once.</summary>
    internal void Always(int res) => Always(op => op.Finish(res));

    /// <summary>Every request for which nothing is queued does what the action does.</summary>
    internal void Always(Action<FakeOp> action) => _always = action;

    internal Action<FakeOp>? Next() => _once.TryDequeue(out Action<FakeOp>? action) ? action : _always;
}

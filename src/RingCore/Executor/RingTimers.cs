// Executor layer: the timer heap behind Delay and the deadlines of handles. The earliest deadline bounds the
// enter's wait; no op is needed. Owner thread only; tokens come through the post queue. It knows no kernel
// timer, except where the kernel cannot bound a wait (before 5.11): there one TIMEOUT op stands for the
// earliest deadline.

using System.Threading.Tasks.Sources;
using RingCore.Sys;
using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>
/// Something that is due at a time: in the heap while <see cref="HeapIndex"/> is not negative.
/// </summary>
internal interface IRingTimer
{
    long DeadlineNs { get; }

    int HeapIndex { get; set; }

    /// <summary>Owner thread, outside the reap. Runs no user code.</summary>
    void Fire();
}

/// <summary>A binary heap of deadlines.</summary>
internal sealed unsafe class RingTimers
{
    internal readonly Pool<DelayAwaitable> Delays = new();
    private readonly OpDriver _driver;
    private readonly TimeoutSink? _timeout;
    private IRingTimer[] _heap = new IRingTimer[16];

    internal RingTimers(OpDriver driver)
    {
        _driver = driver;

        // FALLBACK ExtArg (5.11): the enter cannot carry a deadline; one TIMEOUT op does.
        if (!driver.Ring.Features.HasFlag(RingFeatures.ExtArg))
            _timeout = new TimeoutSink(driver);
    }

    internal int Count { get; private set; }

    internal long NowNs => _driver.Ring.Kernel.Now();

    /// <summary>
    /// Deadline in nanoseconds of the clock, clamped: TimeSpan.MaxValue is "never", 292 years away.
    /// </summary>
    internal long DeadlineAfter(TimeSpan time)
    {
        long now = NowNs;
        return time.Ticks > (long.MaxValue - now) / 100 ? long.MaxValue : now + time.Ticks * 100;
    }

    internal void Add(IRingTimer timer)
    {
        Reserve();
        Up(Count++, timer);
    }

    /// <summary>The next Add does not throw.</summary>
    internal void Reserve()
    {
        if (Count == _heap.Length)
            Array.Resize(ref _heap, Count * 2);
    }

    internal ActionTimer Add(TimeSpan after, Action fire)
    {
        var timer = new ActionTimer(DeadlineAfter(after), fire);
        Add(timer);
        return timer;
    }

    internal void Remove(IRingTimer timer)
    {
        int index = timer.HeapIndex;
        if (index < 0)
            return;
        timer.HeapIndex = -1;
        IRingTimer last = _heap[--Count];
        _heap[Count] = null!;
        if (ReferenceEquals(last, timer))
            return;
        Up(index, last);

        // One of the two moves it.
        Down(last.HeapIndex, last);
    }

    /// <summary>Step 2 of the loop: what is due is completed; its continuation is queued.</summary>
    internal void FireDue()
    {
        if (Count == 0)
            return;
        long now = NowNs;
        while (Count > 0 && _heap[0].DeadlineNs <= now)
            Fire(_heap[0]);
    }

    /// <summary>
    /// Shutdown: every timer there is now is fired early; those that this starts are left to their time.
    /// </summary>
    internal void FireAll()
    {
        foreach (IRingTimer timer in _heap.AsSpan(0, Count).ToArray())
        {
            // Else one before has taken it out.
            if (timer.HeapIndex >= 0)
                Fire(timer);
        }
    }

    private void Fire(IRingTimer timer)
    {
        Remove(timer);
        timer.Fire();
    }

    /// <summary>
    /// Shutdown has nothing else to wait for: the op that bounds its waits must not be what it waits for.
    /// </summary>
    internal void CancelOpIfAlone()
    {
        if (_timeout is { IsArmed: true } && _driver.Outstanding == 1)
            _driver.Cancel(_timeout.Key);
    }

    /// <summary>How long the enter may wait, in nanoseconds; −1: without limit; 0: not at all.</summary>
    internal long NextWaitNs()
    {
        if (Count == 0)
            return -1;
        long deadline = _heap[0].DeadlineNs;
        if (_timeout is null)
            return Math.Max(0, deadline - NowNs);
        _timeout.Cover(deadline);
        return _timeout.IsArmed ? -1 : 0;
    }

    private void Up(int index, IRingTimer timer)
    {
        while (index > 0 && timer.DeadlineNs < _heap[(index - 1) / 2].DeadlineNs)
        {
            Place(index, _heap[(index - 1) / 2]);
            index = (index - 1) / 2;
        }

        Place(index, timer);
    }

    private void Down(int index, IRingTimer timer)
    {
        while (true)
        {
            int child = 2 * index + 1;
            if (child >= Count)
                break;
            if (child + 1 < Count && _heap[child + 1].DeadlineNs < _heap[child].DeadlineNs)
                child++;
            if (timer.DeadlineNs <= _heap[child].DeadlineNs)
                break;
            Place(index, _heap[child]);
            index = child;
        }

        Place(index, timer);
    }

    private void Place(int index, IRingTimer timer)
    {
        _heap[index] = timer;
        timer.HeapIndex = index;
    }

    /// <summary>
    /// One TIMEOUT op at a time that ends no later than the earliest deadline; an earlier one cancels and
    /// replaces it.
    /// </summary>
    private sealed class TimeoutSink : OpSink
    {
        private long _armedFor;

        internal TimeoutSink(OpDriver driver) => Driver = driver;

        internal bool IsArmed { get; private set; }

        internal override object? Waiter => "timers";

        internal void Cover(long deadline)
        {
            if (IsArmed)
            {
                // Its CQE ends the wait; the next turn arms anew.
                if (deadline < _armedFor)
                    Driver.Cancel(Key);
                return;
            }

            // The next turn tries again.
            if (Driver.AdmitAgain() < 0)
                return;
            IsArmed = true;
            _armedFor = deadline;
            ref OpSlot slot = ref Driver.Begin(this, null, out io_uring_sqe* sqe, out int index);
            var time = (__kernel_timespec*)Driver.Table.Storage(index);
            long wait = Math.Max(0, deadline - Driver.Ring.Kernel.Now());
            *time = new() { tv_sec = wait / 1_000_000_000, tv_nsec = wait % 1_000_000_000 };
            Prep.Timeout(sqe, io_uring_op.IORING_OP_TIMEOUT, time);
            Driver.Prepared(ref slot, sqe);
        }

        internal override void OnTerminal(int res, uint flags, int step) => IsArmed = false;
    }
}

/// <summary>A timer that is a delegate.</summary>
internal sealed class ActionTimer(long deadlineNs, Action fire) : IRingTimer
{
    public long DeadlineNs => deadlineNs;

    public int HeapIndex { get; set; } = -1;

    public void Fire() => fire();
}

/// <summary>The awaitable of a delay: an entry in the heap, no op.</summary>
internal sealed class DelayAwaitable : OpAwaitable, IValueTaskSource, IRingTimer
{
    private RingTimers _timers = null!;
    private CancellationToken _token;

    public long DeadlineNs { get; private set; }

    public int HeapIndex { get; set; } = -1;

    protected override ValueTaskSourceStatus CompletedStatus =>
        Res == 0 ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Canceled;

    internal static ValueTask Start(RingExecutor executor, TimeSpan time, CancellationToken token)
    {
        DelayAwaitable delay = executor.Timers.Delays.Rent();
        delay.Driver = executor.Driver;
        delay._timers = executor.Timers;
        delay._token = token;
        delay.DeadlineNs = executor.Timers.DeadlineAfter(time);
        executor.Timers.Reserve();
        delay.Register(token);
        delay.Begin(executor.Driver);
        var task = new ValueTask(delay, delay.Version);
        if (executor.Driver.Stopping || token.IsCancellationRequested)
            delay.Refuse(-ECANCELED);
        else
            executor.Timers.Add(delay);
        return task;
    }

    public void Fire() => SetResult(Driver.Stopping ? -ECANCELED : 0, 0);

    internal override void OnTerminal(int res, uint flags, int step)
    {
        // It has no op.
    }

    internal override void OnCancel()
    {
        if (HeapIndex < 0)
            return;
        _timers.Remove(this);
        SetResult(-ECANCELED, 0);
    }

    public void GetResult(short token)
    {
        Take(token);
        int res = Res;
        CancellationToken cancelled = _token;
        _token = default;
        _timers.Delays.Return(this);

        if (res < 0)
            throw new OperationCanceledException(cancelled);
    }
}

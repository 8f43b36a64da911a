// Executor layer: the end of an executor. What can exist then is in the table below, with who ends it; Drain
// and Release follow it from top to bottom. Two rules: nothing here loops to emptiness over what a user's
// code can refill, and every promise made to another thread has somebody who breaks it. Only a user's code
// that does not come back can keep an executor from ending.

namespace RingCore;

// What there can be           who ends it, and how                                   within
//
// Drain: the loop goes on, but starts nothing.
//   ops with the kernel         CancelEverything asks; each ends with its own CQE      ShutdownTimeout
//   ops started now             refused with ECANCELED, through the ready queue        the turn
//   delays, handles' deadlines  FireAll, once: what they start is refused              at once
//   ready queue, posts          run, a turn at a time                                  ShutdownTimeout
//   results of sequences        Sequences.ReleaseAll: fds closed, leases given back    at once
//   the door for posts          TryCloseDoor, once nothing is left: no post is lost    ShutdownTimeout
// Release, the door still open: the time is up, or the loop fell out with an exception.
//   delays, results             as above                                               at once
//   pins                        Pins.RunEnded; leaked ops' and what these end stay     at once
//   ops the kernel still has    Leak: memory kept, fds open, DisposeAsync told; said   at once
// Release, the door closed: this thread is then a foreign one like any other, and no two close a handle.
//   main, InvokeAsync           Invocation.Refuse: ObjectDisposedException             at once
//   Post(work) not begun        PostedTask.Refuse: reported as an unobserved fault     at once
//   closes, fds handed over     ActionWork's second delegate does what it can here     at once
//   what ran until time was up  left behind, and named in a warning                    at once
//   other continuations         RunAfterTheEnd, now or when a foreign Task ends later  none: they run
//   faults nobody has awaited   Faults.Report, those of now                            at once
//   lease buffers, slots, ring  Release, Dispose; leased memory is the collector's     at once
//   pools                       the driver's end with it; a thread's know no executor  the collector
//   handles left open           their Dispose, on any thread, or their finalizer       the collector
// Who is left waiting: Task code that awaits a leaked op, because its memory is still the kernel's.
public sealed partial class RingExecutor
{
    private static readonly Lock s_leaking = new();

    /// <summary>Keeps what had to be leaked alive for ever: a list through the drivers.</summary>
    private static OpDriver? s_leaked;

    // Any thread, under its own lock.
    private readonly HashSet<RingWork> _invocations = [];
    private bool _timeIsUp;
    private TaskScheduler? _afterTheEnd;

    /// <summary>
    /// Ops that the kernel still held when shutdown's time was up, of all executors: leaked with their
    /// memory. Normally 0. Any thread.
    /// </summary>
    public static int LeakedOps { get; private set; }

    /// <summary>Asks everything to end and lets it, within the bound.</summary>
    private void Drain()
    {
        Driver.Stopping = true;
        var bound = new ActionTimer(Timers.DeadlineAfter(Options.ShutdownTimeout), () => { });
        Timers.FireAll();

        // Bounds the turns and the waits below.
        Timers.Add(bound);
        Driver.CancelEverything();
        while (!TryCloseDoor())
        {
            RunReady();
            Timers.FireDue();
            _timeIsUp = bound.HeapIndex < 0;
            if (_timeIsUp)
                break;
            TakePosts();
            Timers.CancelOpIfAlone();
            if (Driver.Outstanding > 0)
            {
                // As in the loop step 3 may wait: with nothing ready the only thing to wait for is the
                // kernel.
                _finished = false;
                EnterKernel();
            }

            Driver.Reap();
        }

        Timers.Remove(bound);
    }

    /// <summary>Once nothing is left: whoever posts from then on is told so.</summary>
    private bool TryCloseDoor()
    {
        if (Driver.Outstanding > 0 || !Driver.Ready.IsEmpty || !Driver.Pins.IsEmpty)
            return false;
        Driver.Sequences.ReleaseAll();

        // Full fence: pairs with the poster's compare-exchange.
        return Interlocked.CompareExchange(ref _posts, s_closed, null) is null;
    }

    private void Release()
    {
        Driver.Stopping = true;

        // Only this thread closes it: ordered with nothing.
        if (Volatile.Read(ref _posts) != s_closed)
        {
            Timers.FireAll();
            Driver.Sequences.ReleaseAll();
            Driver.Pins.RunEnded(Driver);
        }

        bool leaks = Driver.Outstanding > 0;
        try
        {
            if (leaks)
                Leak();
        }
        finally
        {
            CloseDoor(leaks);
        }
    }

    /// <summary>Whatever memory runs out for, the ring is given back.</summary>
    private unsafe void CloseDoor(bool leaks)
    {
        // Acquire: pairs with the poster's compare-exchange.
        RingWork? posted = Interlocked.Exchange(ref _posts, s_closed);
        Driver.Retire();
        OpDriver.Current = null;
        try
        {
            RefuseAll(posted);
            Faults.Report(long.MaxValue);
        }
        finally
        {
            lock (_wakeLock)
            {
                Driver.Ring.Kernel.Close(_wakeFd);
                _wakeFd = -1;
            }

            if (!leaks)
            {
                Driver.Leases.Release();
                Driver.Table.Release();
            }

            Driver.Ring.Dispose();
            Driver.Buffers?.End();
        }
    }

    private void RefuseAll(RingWork? posted)
    {
        for (RingWork? next; posted is not null; posted = next)
        {
            next = posted.Next;
            posted.Next = null;
            Refuse(posted);
        }

        List<string>? late = null;
        for (int count = Driver.Ready.Count; count > 0; count--)
        {
            RingWork work = Driver.Ready.Pop();
            if (!_timeIsUp)
                Refuse(work);
            else if (!work.Refuse())
                (late ??= []).Add(NameOf(work is OpSink op ? op.Waiter : work));
        }

        if (late is not null)
            Warning.Print($"RingCore: executor '{Name}' left behind what ran: {string.Join(", ", late)}");
        lock (_invocations)
        {
            // Each takes itself out, which does not disturb the loop, and runs nothing of a user's.
            foreach (RingWork invocation in _invocations)
                invocation.Refuse();
        }
    }

    private void Refuse(RingWork work)
    {
        if (!work.Refuse())
            RunAfterTheEnd(work);
    }

    private void Leak()
    {
        // Several may end at once.
        lock (s_leaking)
        {
            (Driver.NextLeaked, s_leaked) = (s_leaked, Driver);
            LeakedOps += Driver.Outstanding;
        }

        for (int i = 0; i < Driver.Table.Capacity; i++)
        {
            Driver.Table.At(i).Handle?.EndLeaked();
            Driver.Table.At(i).Second?.EndLeaked();
        }

        Warning.Print($"RingCore: executor '{Name}' stopped with {Driver.Outstanding} ops still with the "
            + $"kernel after {Options.ShutdownTimeout.TotalSeconds} s; their memory is leaked on purpose: "
            + string.Join("; ", InFlight()));
    }

    /// <summary>Any thread: runs it on the owner thread, or after the executor's end elsewhere.</summary>
    internal void PostContinuation(RingWork work)
    {
        if (!Post(work))
            RunAfterTheEnd(work);
    }

    /// <summary>
    /// Any thread, once the door is closed: a continuation runs on the thread pool, so that a finally block
    /// still gives back what it holds; what belongs to the executor throws there. Those of one executor run
    /// one at a time, as they are written for.
    /// </summary>
    private void RunAfterTheEnd(RingWork work) => _stopped.Task.ContinueWith(
        _ =>
        {
            Driver.Ready.Push(work);

            // In the loop's contexts: later awaits come back here, too.
            RunReady();
            SynchronizationContext.SetSynchronizationContext(null);
            if (!Driver.Ready.IsEmpty)
                RunAfterTheEnd(Driver.Ready.Pop());
        },
        CancellationToken.None,
        TaskContinuationOptions.None,
        LazyInitializer.EnsureInitialized(
            ref _afterTheEnd, () => new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler));
}

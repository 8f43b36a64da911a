// Executor layer: one thread, one ring, one loop. The loop is RunLoop below, four numbered steps that the
// docs repeat. Ways in are in RingExecutor.Entry.cs, begin and end in .Lifetime.cs and .End.cs. It knows no
// fds and no opcodes, except its own wake-up.
//
// Invariant of sleeping: whoever posts either sees _asleep set and signals, or the owner sees the post before
// it sleeps.

using System.Diagnostics.CodeAnalysis;
using RingCore.Sys;
using static RingCore.Sys.io_uring_op;

namespace RingCore;

/// <summary>
/// An executor: owns a ring and the one thread that uses it, and runs tasks on that thread.
/// <see cref="Run(Func{RingTask}, RingOptions?)"/> uses the calling thread, <see cref="Start"/> its own.
/// Members are for the owner thread unless they say otherwise.
/// </summary>
public sealed partial class RingExecutor : IOpHost, IAsyncDisposable
{
    // Owner thread only.
    internal readonly OpDriver Driver;
    internal readonly RingTimers Timers;
    internal readonly FaultList Faults;
    private readonly WakeSink _wake;
    private long _lastTaskId;
    private int _inlineDepth;

    // The loop's reason to end.
    private bool _finished;

    // The loop's own, from its start.
    private LoopContexts _contexts;

    // Any thread.
    // A stack of posted work, newest first; s_closed at its top once the executor has stopped.
    private RingWork? _posts;
    private int _asleep;
    private readonly Lock _wakeLock = new();
    private int _wakeFd = -1;

    private static readonly RingWork s_closed = new ActionWork(() => { });

    private unsafe RingExecutor(RingOptions options)
    {
        var ring = new Ring(options);
        try
        {
            _wakeFd = ring.Kernel.EventFd();
            if (_wakeFd < 0)
                throw RingUnavailableException.Diagnose(-_wakeFd);
            Driver = new OpDriver(ring, this)
            {
                Options = options,
                Context = new RingSynchronizationContext(this),
            };
            Timers = new RingTimers(Driver);
            Faults = new FaultList(this);
            _wake = new WakeSink(this);
        }
        catch
        {
            if (_wakeFd >= 0)
                ring.Kernel.Close(_wakeFd);
            ring.Dispose();
            throw;
        }
    }

    /// <summary>The executor of the calling thread, or null.</summary>
    public static RingExecutor? Current => OpDriver.Current?.Host as RingExecutor;

    internal static RingExecutor Required => Current ?? throw new InvalidOperationException(
        "This thread has no RingExecutor: a RingTask waits only on one. Run it inside RingExecutor.Run, or "
        + "send it to one with executor.InvokeAsync.");

    /// <summary>The name given in <see cref="RingOptions.Name"/>.</summary>
    public string Name => Options.Name;

    /// <summary>The options it was started with.</summary>
    public RingOptions Options => Driver.Options;

    /// <summary>Its ring, for reading and experiment.</summary>
    public Ring Ring => Driver.Ring;

    /// <summary>Whether the calling thread is this executor's. Any thread.</summary>
    public bool IsOwner => Driver.IsOwner;

    /// <summary>A snapshot of the counters. From another thread it may be a turn old.</summary>
    public RingCounters Counters => Driver.Ring.Counters with
    {
        InFlight = Driver.Table.InUse - (_wake.IsArmed ? 1 : 0),
        InFlightPeak = Driver.Table.Peak,
    };

    /// <summary>The recorder; off unless <see cref="RingOptions.TraceEvents"/> is set.</summary>
    public TraceRecorder Trace => Driver.Ring.Trace;

    /// <summary>Whether a task is being resumed inside the end of another.</summary>
    internal bool IsNested => _inlineDepth > 0;

    internal long NextTaskId() => ++_lastTaskId;

    /// <summary>
    /// The run loop. One turn is the four steps; it ends when <see cref="_finished"/> is set.
    /// </summary>
    private void RunLoop()
    {
        // DOC: run-loop
        while (!_finished)
        {
            RunReady();                // 1 run ready tasks (bounded)
            TakePosts();               // 2 take posts and due timers
            Timers.FireDue();
            EnterKernel();             // 3 enter: submit all, wait only if nothing is ready
            Driver.Reap();             // 4 reap
        }
        // DOC: end
    }

    /// <summary>
    /// Step 1. Everything that was ready when the turn began runs; what that queues runs in this turn too, as
    /// long as the quota lasts. Fewer than were ready would take in completions, and with them buffers,
    /// faster than they are worked off.
    /// </summary>
    [SuppressMessage("Design", "CA1031", Justification = "A user's exception must not unwind the loop.")]
    private void RunReady()
    {
        ReadyQueue ready = Driver.Ready;
        int quota = Math.Max(Options.TurnQuota, ready.Count);
        ref RingCounters counters = ref Driver.Ring.Counters;
        counters.Turns++;
        int left = quota;

        // What an Unpin or a subscriber has set since.
        _contexts.Restore();
        while (left > 0 && !ready.IsEmpty)
        {
            try
            {
                while (left > 0 && !ready.IsEmpty)
                {
                    left--;
                    ready.Pop().Run();
                    _contexts.Restore();
                }
            }
            catch (Exception e)
            {
                _contexts.Restore();
                // Tasks keep their own exceptions.
                ReportFault(this, "(a posted delegate, async void, a continuation by hand, or an Unpin)", e);
            }
        }

        counters.Resumes += quota - left;
        if (left == 0 && !ready.IsEmpty)
            counters.QuotaSpent++;
    }

    /// <summary>Step 2. Posted work goes behind what is ready, in the order it was posted.</summary>
    private void TakePosts()
    {
        Driver.NowMs = (uint)Environment.TickCount64;

        // A hint; the exchange below decides.
        if (Volatile.Read(ref _posts) is null)
            return;

        // Acquire: pairs with the release of the poster's compare-exchange.
        RingWork? newest = Interlocked.Exchange(ref _posts, null);
        RingWork? oldest = null;
        while (newest is not null)
        {
            RingWork? next = newest.Next;
            newest.Next = oldest;
            oldest = newest;
            newest = next;
        }

        while (oldest is not null)
        {
            RingWork? next = oldest.Next;
            oldest.Next = null;
            Driver.Ready.Push(oldest);
            Driver.Ring.Counters.Posts++;
            oldest = next;
        }
    }

    /// <summary>
    /// Step 3. Waits only if nothing is ready; else enters if there is something to submit or to bring to
    /// light.
    /// </summary>
    private void EnterKernel()
    {
        Ring ring = Driver.Ring;
        if (!_wake.IsArmed && !Driver.Stopping)
            _wake.Arm();

        // Of what was refused since the reap.
        Driver.Pins.RunEnded(Driver);

        // The wake-up may have found no room.
        bool idle = Driver.Ready.IsEmpty && Driver.Pins.IsEmpty && !Driver.HasCompletions && !_finished
            && (_wake.IsArmed || Driver.Stopping);

        // May write an SQE.
        long wait = idle ? Timers.NextWaitNs() : 0;
        bool written = Driver.WriteCancels();

        // Looked at again: finding room may have moved completions aside.
        if (wait != 0 && written && !Driver.HasCompletions && FallAsleep())
        {
            Driver.Enter(minComplete: 1, wait);

            // Release; a poster that still sees 1 only signals for nothing.
            Volatile.Write(ref _asleep, 0);
        }
        else if (ring.Pending > 0 || ring.NeedsEnter)
        {
            Driver.Enter(minComplete: 0, timeoutNs: -1);
        }
    }

    /// <summary>
    /// Announces sleep, then looks once more. Interleavings with Post on another thread:
    /// A  post, then asleep=1: the look below finds the post: no sleep.
    /// B  asleep=1, then post: the poster finds asleep, signals, and the read of the eventfd ends the wait.
    /// C  both at once: the two full fences let at least one see the other.
    /// </summary>
    private bool FallAsleep()
    {
        _asleep = 1;

        // Full fence between our store of _asleep and our load of _posts; pairs with the one in Post.
        Interlocked.MemoryBarrier();

        // Ordered by the fence above.
        if (Volatile.Read(ref _posts) is null)
            return true;
        _asleep = 0;
        return false;
    }

    /// <summary>
    /// Any thread: runs work on the owner thread, behind what is ready. False when the executor has stopped.
    /// </summary>
    internal bool Post(RingWork work)
    {
        // A first guess; the compare-exchange decides.
        RingWork? head = Volatile.Read(ref _posts);
        while (true)
        {
            if (ReferenceEquals(head, s_closed))
                return false;
            work.Next = head;
            // Release of work; full fence: pairs with FallAsleep's.
            RingWork? seen = Interlocked.CompareExchange(ref _posts, work, head);
            if (ReferenceEquals(seen, head))
                break;
            head = seen;
        }

        // One poster wins, one signal goes out.
        if (Volatile.Read(ref _asleep) == 1 && Interlocked.Exchange(ref _asleep, 0) == 1)
            Signal();
        return true;
    }

    bool IOpHost.Post(RingWork work) => Post(work);

    /// <summary>
    /// Under a lock with the closing of the eventfd: its number must not be written to once it is somebody
    /// else's.
    /// </summary>
    private unsafe void Signal()
    {
        lock (_wakeLock)
        {
            if (_wakeFd < 0)
                return;
            Driver.Ring.Counters.Wakes++;
            Driver.Ring.Kernel.Signal(_wakeFd);
        }
    }

    /// <summary>
    /// Resumes a task: inline while the stack is shallow, else through the ready queue.
    /// </summary>
    internal void Resume(RingTaskBox box)
    {
        const int deepest = 16;
        if (_inlineDepth == deepest)
        {
            Driver.Ready.Push(box);
            return;
        }

        SynchronizationContext? context = SynchronizationContext.Current;
        _inlineDepth++;
        box.Run();
        _inlineDepth--;
        if (!ReferenceEquals(SynchronizationContext.Current, context))
            // Its AsyncLocals the box has put back itself.
            SynchronizationContext.SetSynchronizationContext(context);
    }

    /// <summary>The standing read of the eventfd: what ends a wait from another thread.</summary>
    private sealed unsafe class WakeSink(RingExecutor executor) : OpSink
    {
        private RingHandle? _handle;

        internal bool IsArmed { get; private set; }

        internal override object? Waiter => "wake-up";

        internal void Arm()
        {
            OpDriver driver = executor.Driver;
            Driver = driver;
            if (driver.AdmitAgain() < 0)
                return;
            _handle ??= new RingHandle(driver, executor._wakeFd, ownsFd: false);
            ref OpSlot slot = ref driver.Begin(this, _handle, out io_uring_sqe* sqe, out int index);
            Prep.Fill(sqe, IORING_OP_READ, driver.Table.Storage(index), sizeof(ulong));
            driver.Prepared(ref slot, sqe);
            IsArmed = true;
        }

        /// <summary>The posts themselves are taken in step 2; this only has to stand again.</summary>
        internal override void OnTerminal(int res, uint flags, int step)
        {
            IsArmed = false;
            // Whatever the result: without it no post would ever end a wait again.
            if (!executor.Driver.Stopping)
                Arm();
        }
    }
}

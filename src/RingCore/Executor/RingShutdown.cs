// Executor layer: how an executor begins and ends. The end is bounded: everything with the kernel is asked to end, the loop runs
// until it has, and what is still lent when the time is up is leaked on purpose and reported: freeing it would let the kernel
// write into memory that is somebody else's.

using System.Diagnostics.CodeAnalysis;

namespace RingCore;

public sealed partial class RingExecutor
{
    /// <summary>Keeps what had to be leaked alive for ever.</summary>
    private static readonly List<OpDriver> s_leaked = [];

    private readonly HashSet<RingWork> _invocations = []; // Any thread, under its own lock.
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ops that the kernel still held when shutdown's time was up, of all executors: leaked with their memory. Normally 0.</summary>
    public static int LeakedOps { get; private set; }

    /// <summary>Completes when the executor has stopped. Any thread.</summary>
    public Task Stopped => _stopped.Task;

    /// <summary>Stops an executor made with <see cref="Start"/> and waits for its end. Any thread but its own.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsOwner)
            throw new InvalidOperationException("An executor cannot wait for its own end: dispose it from another thread.");
        Post(new ActionWork(() => _finished = true));
        await _stopped.Task.ConfigureAwait(false);
    }

    private static T RunCore<T>(Invocation<T> main, RingOptions? options)
    {
        if (Current is not null)
            throw new InvalidOperationException("This thread runs an executor already: await the work, or Spawn it.");
        var executor = new RingExecutor(options ?? new RingOptions());
        main.OnEnd = () => executor._finished = true;
        executor.Live(main);
        return main.Task.GetAwaiter().GetResult();
    }

    [SuppressMessage("Design", "CA1031", Justification = "The exception goes to the caller of Start.")]
    private static RingExecutor StartCore(RingOptions options)
    {
        var started = new TaskCompletionSource<RingExecutor>();
        var thread = new Thread(() =>
        {
            RingExecutor executor;
            try
            {
                executor = new RingExecutor(options); // On this thread: the kernel binds the ring to the thread that sets it up.
            }
            catch (Exception e)
            {
                started.SetException(e);
                return;
            }

            started.SetResult(executor);
            executor.Live(first: null);
        })
        { IsBackground = true, Name = options.Name };
        thread.UnsafeStart(); // Without the caller's AsyncLocals.
        return started.Task.GetAwaiter().GetResult();
    }

    /// <summary>The whole life on the owner thread.</summary>
    private void Live(RingWork? first)
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        ExecutionContext? flow = ExecutionContext.Capture();
        RingMetrics? metrics = null;
        OpDriver.Current = Driver;
        SynchronizationContext.SetSynchronizationContext(Driver.Context);
        try
        {
            if (RingTaskBox.DefaultFlow is { } none)
                ExecutionContext.Restore(none); // The loop itself has no AsyncLocals; what runs in it brings its own.
            _contexts = LoopContexts.Now();
            metrics = new RingMetrics(Name, () => Counters);
            _wake.Arm();
            if (first is not null)
                Driver.Ready.Push(first);
            RunLoop();
            Drain();
        }
        finally
        {
            metrics?.Dispose();
            Release(first);
            SynchronizationContext.SetSynchronizationContext(outer);
            OpDriver.Current = null;
            if (flow is not null)
                ExecutionContext.Restore(flow);
            _stopped.TrySetResult();
        }
    }

    /// <summary>Asks everything to end and lets it, within the bound.</summary>
    private void Drain()
    {
        Driver.Stopping = true;
        var bound = new ActionTimer(Timers.DeadlineAfter(Options.ShutdownTimeout), () => { });
        Timers.FireAll();
        Timers.Add(bound); // Bounds the turns and the waits below.
        Driver.CancelEverything();
        while (Driver.Outstanding > 0 || !Driver.Ready.IsEmpty)
        {
            RunReady();
            TakePosts();
            Timers.FireDue();
            if (bound.HeapIndex < 0)
                break;
            Timers.CancelOpIfAlone();
            if (Driver.Outstanding > 0)
            {
                _finished = false; // As in the loop step 3 may wait: with nothing ready the only thing to wait for is the kernel.
                EnterKernel();
            }

            Driver.Reap();
        }

        Timers.Remove(bound);
    }

    private unsafe void Release(RingWork? first)
    {
        // The door closes first: from here on Post says no, and what was posted is refused.
        RingWork? posted = Interlocked.Exchange(ref _posts, s_closed); // Acquire: pairs with the poster's compare-exchange.
        Driver.Stopping = true;
        for (; posted is not null && !ReferenceEquals(posted, s_closed); posted = posted.Next)
            posted.Refuse();
        while (!Driver.Ready.IsEmpty)
            Driver.Ready.Pop().Refuse();
        first?.Refuse(); // Main, where somebody else has stopped the executor: Run throws. Ended, it takes no notice.
        RingWork[] invocations;
        lock (_invocations)
            invocations = [.. _invocations];
        foreach (RingWork invocation in invocations)
            invocation.Refuse();
        Driver.Sequences.ReleaseAll();
        Driver.Pins.RunEnded(Driver);
        Faults.ReportAll();

        lock (_wakeLock)
        {
            Driver.Ring.Kernel.Close(_wakeFd);
            _wakeFd = -1;
        }

        if (Driver.Outstanding == 0)
        {
            Driver.Leases.Release();
            Driver.Table.Release();
        }
        else
        {
            lock (s_leaked) // Several may end at once.
            {
                s_leaked.Add(Driver);
                LeakedOps += Driver.Outstanding;
            }

            for (int i = 0; i < Driver.Table.Capacity; i++)
            {
                Driver.Table.At(i).Handle?.EndLeaked();
                Driver.Table.At(i).Second?.EndLeaked();
            }

            Warning.Print(
                $"RingCore: executor '{Name}' stopped with {Driver.Outstanding} ops still with the kernel after {Options.ShutdownTimeout.TotalSeconds} s; "
                + $"their memory is leaked on purpose: {string.Join("; ", InFlight())}");
        }

        Driver.Retire();
        Driver.Ring.Dispose();
        Driver.Buffers?.End();
    }
}

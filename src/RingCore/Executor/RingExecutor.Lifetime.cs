// Executor layer: how an executor comes to life, on the thread that called Run or on one of its own, and the
// frame of its whole life: set up, loop, drain, release. What its end has to end is in RingExecutor.End.cs.

namespace RingCore;

public sealed partial class RingExecutor
{
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the executor has stopped. Any thread.</summary>
    public Task Stopped => _stopped.Task;

    /// <summary>
    /// Stops the executor as soon as what was posted before has run, and waits for its end. Any thread but
    /// its own.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is the executor's own thread.</exception>
    public async ValueTask DisposeAsync()
    {
        if (IsOwner)
            throw new InvalidOperationException(
                "An executor cannot wait for its own end: dispose it from another thread.");
        Post(new ActionWork(() => _finished = true));
        await _stopped.Task.ConfigureAwait(false);
    }

    private static T RunCore<T>(Func<RingTask<T>> work, RingOptions? options)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (Current is not null)
            throw new InvalidOperationException(
                "This thread runs an executor already: await the work, or Spawn it.");
        Invocation<T> main = null!;
        Func<RingExecutor, RingWork> begin = executor => main = new(executor, work, isMain: true);
        new RingExecutor(options ?? new RingOptions()).Live(begin, null);
        return main.Task.GetAwaiter().GetResult();
    }

    private static RingExecutor StartCore(RingOptions options)
    {
        var started = new TaskCompletionSource<RingExecutor>();
        var thread = new Thread(() =>
        {
            try
            {
                // Made here: the kernel binds the ring to the thread that sets it up.
                new RingExecutor(options).Live(null, started);
            }
            catch (Exception e)
            {
                if (!started.TrySetException(e))
                    // The kernel has refused the ring for good, and nobody waits for this thread: the process
                    // ends.
                    throw;
            }
        })
        { IsBackground = true, Name = options.Name };

        // Without the caller's AsyncLocals.
        thread.UnsafeStart();
        return started.Task.GetAwaiter().GetResult();
    }

    /// <summary>The whole life on the owner thread.</summary>
    private void Live(
        Func<RingExecutor, RingWork>? begin, TaskCompletionSource<RingExecutor>? started)
    {
        SynchronizationContext? outer = SynchronizationContext.Current;
        ExecutionContext? flow = ExecutionContext.Capture();
        RingMetrics? metrics = null;
        try
        {
            // With the caller's AsyncLocals.
            RingWork? first = begin?.Invoke(this);
            OpDriver.Current = Driver;
            SynchronizationContext.SetSynchronizationContext(Driver.Context);
            if (RingTaskBox.DefaultFlow is { } none)
                // The loop itself has no AsyncLocals; what runs in it brings its own.
                ExecutionContext.Restore(none);
            _contexts = LoopContexts.Now();
            metrics = new RingMetrics(Name, () => Counters);
            _wake.Arm();
            if (first is not null)
                Driver.Ready.Push(first);
            started?.SetResult(this);
            RunLoop();
            Drain();
        }
        finally
        {
            metrics?.Dispose();
            try
            {
                Release();
            }
            finally
            {
                OpDriver.Current = null;
                SynchronizationContext.SetSynchronizationContext(outer);
                if (flow is not null)
                    ExecutionContext.Restore(flow);
                _stopped.TrySetResult();
            }
        }
    }
}

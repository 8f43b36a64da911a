// Executor layer: the ways in. Run uses the calling thread, Start owns one; InvokeAsync gives any thread a Task; Post is fire and
// forget; Spawn starts a task on the ring. All take factories of the four task types, never hot tasks: overload priorities make
// an async lambda a RingTask without a cast.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace RingCore;

public sealed partial class RingExecutor
{
    /// <summary>
    /// A task failed and nobody awaited it. Raised on the executor's thread, once per fault. Without a subscriber the fault is
    /// written to standard error.
    /// </summary>
    public static event EventHandler<UnobservedFaultEventArgs>? UnobservedFault;

    /// <summary>Runs <paramref name="main"/> and everything it starts on the calling thread, until it ends; then shuts down.</summary>
    /// <exception cref="RingUnavailableException">io_uring cannot be used here.</exception>
    [OverloadResolutionPriority(2)]
    public static void Run(Func<RingTask> main, RingOptions? options = null) => Run(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    [OverloadResolutionPriority(1)]
    public static void Run(Func<ValueTask> main, RingOptions? options = null) => Run(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    public static void Run(Func<Task> main, RingOptions? options = null) => Run(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    [OverloadResolutionPriority(2)]
    public static T Run<T>(Func<RingTask<T>> main, RingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(main);
        return RunCore(new Invocation<T>(main), options);
    }

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    [OverloadResolutionPriority(1)]
    public static T Run<T>(Func<ValueTask<T>> main, RingOptions? options = null) => Run(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    public static T Run<T>(Func<Task<T>> main, RingOptions? options = null) => Run(Adapt(main), options);

    /// <summary>Starts an executor on a background thread of its own. Dispose it to stop. Any thread.</summary>
    /// <exception cref="RingUnavailableException">io_uring cannot be used here.</exception>
    public static RingExecutor Start(RingOptions? options = null) => StartCore(options ?? new RingOptions());

    /// <summary>Runs <paramref name="work"/> on the executor; the Task ends with it, and continues wherever its awaiter is. Any thread.</summary>
    /// <exception cref="ObjectDisposedException">The executor has stopped, or stops before the work has ended (through the Task).</exception>
    [OverloadResolutionPriority(2)]
    public Task InvokeAsync(Func<RingTask> work) => InvokeAsync(Adapt(work));

    /// <inheritdoc cref="InvokeAsync(Func{RingTask})"/>
    [OverloadResolutionPriority(1)]
    public Task InvokeAsync(Func<ValueTask> work) => InvokeAsync(Adapt(work));

    /// <inheritdoc cref="InvokeAsync(Func{RingTask})"/>
    public Task InvokeAsync(Func<Task> work) => InvokeAsync(Adapt(work));

    /// <inheritdoc cref="InvokeAsync(Func{RingTask})"/>
    [OverloadResolutionPriority(2)]
    public Task<T> InvokeAsync<T>(Func<RingTask<T>> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var invocation = new Invocation<T>(work) { Owner = this };
        lock (_invocations)
            _invocations.Add(invocation);
        if (!Post(invocation))
            invocation.Refuse();
        return invocation.Task;
    }

    /// <inheritdoc cref="InvokeAsync(Func{RingTask})"/>
    [OverloadResolutionPriority(1)]
    public Task<T> InvokeAsync<T>(Func<ValueTask<T>> work) => InvokeAsync(Adapt(work));

    /// <inheritdoc cref="InvokeAsync(Func{RingTask})"/>
    public Task<T> InvokeAsync<T>(Func<Task<T>> work) => InvokeAsync(Adapt(work));

    /// <summary>Runs <paramref name="work"/> on the executor, soon; what it throws is reported as an unobserved fault. Any thread.</summary>
    /// <exception cref="ObjectDisposedException">The executor has stopped.</exception>
    public void Post(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        Post(() =>
        {
            work();
            return RingTask.CompletedTask;
        });
    }

    /// <inheritdoc cref="Post(Action)"/>
    [OverloadResolutionPriority(1)]
    public void Post(Func<RingTask> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        ObjectDisposedException.ThrowIf(!Post(new PostedTask(work)), this);
    }

    /// <summary>
    /// Starts a task on the current executor: it runs up to its first await at once, then whenever it can. Await the result to
    /// join it, once; or drop it: a fault is then reported. What <paramref name="task"/> throws before it returns a
    /// RingTask is thrown here; what it throws instead of a Task or ValueTask ends in the result. Owner thread.
    /// </summary>
    /// <exception cref="InvalidOperationException">The calling thread has no executor.</exception>
    [OverloadResolutionPriority(2)]
    public static RingTask Spawn(Func<RingTask> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        _ = Required;
        return task();
    }

    /// <inheritdoc cref="Spawn(Func{RingTask})"/>
    [OverloadResolutionPriority(1)]
    public static RingTask Spawn(Func<ValueTask> task) => Spawn(Adapt(task));

    /// <inheritdoc cref="Spawn(Func{RingTask})"/>
    public static RingTask Spawn(Func<Task> task) => Spawn(Adapt(task));

    /// <inheritdoc cref="Spawn(Func{RingTask})"/>
    [OverloadResolutionPriority(2)]
    public static RingTask<T> Spawn<T>(Func<RingTask<T>> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        _ = Required;
        return task();
    }

    /// <inheritdoc cref="Spawn(Func{RingTask})"/>
    [OverloadResolutionPriority(1)]
    public static RingTask<T> Spawn<T>(Func<ValueTask<T>> task) => Spawn(Adapt(task));

    /// <inheritdoc cref="Spawn(Func{RingTask})"/>
    public static RingTask<T> Spawn<T>(Func<Task<T>> task) => Spawn(Adapt(task));

    /// <summary>
    /// Completes after a time: an entry in the executor's timer heap, whose earliest deadline bounds the enter's wait. Owner thread.
    /// </summary>
    /// <param name="time">Zero or more, to a nanosecond clock; never early. <see cref="Timeout.InfiniteTimeSpan"/>: only the token ends it.</param>
    /// <param name="token">Ends it with <see cref="OperationCanceledException"/>.</param>
    public static ValueTask Delay(TimeSpan time, CancellationToken token = default)
    {
        if (time == Timeout.InfiniteTimeSpan)
            time = TimeSpan.MaxValue;
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        return DelayAwaitable.Start(Required, time, token);
    }

    /// <summary>Goes behind everything that is ready now. Owner thread.</summary>
    public static RingYield Yield() => new(Required);

    // Null stays null, for the method that takes a RingTask to refuse.
    private static Func<RingTask<NoResult>> Adapt(Func<RingTask> work) => work is null ? null! : async () =>
    {
        await work();
        return default;
    };

    private static Func<RingTask> Adapt(Func<ValueTask> work) => work is null ? null! : async () => await work();

    private static Func<RingTask> Adapt(Func<Task> work) => work is null ? null! : async () => await work();

    private static Func<RingTask<T>> Adapt<T>(Func<ValueTask<T>> work) => work is null ? null! : async () => await work();

    private static Func<RingTask<T>> Adapt<T>(Func<Task<T>> work) => work is null ? null! : async () => await work();

    [SuppressMessage("Design", "CA1031", Justification = "A subscriber's exception must not unwind the loop.")]
    internal static void ReportFault(RingExecutor executor, string task, Exception exception)
    {
        EventHandler<UnobservedFaultEventArgs>? subscribers = UnobservedFault;
        if (subscribers is null)
        {
            Warning.Print($"RingCore: task '{task}' on executor '{executor.Name}' failed and nobody awaited it: {exception}");
            return;
        }

        try
        {
            subscribers(executor, new UnobservedFaultEventArgs(executor, task, exception));
        }
        catch (Exception e)
        {
            Warning.Print($"RingCore: a subscriber of UnobservedFault failed: {e}");
        }
    }

    /// <summary>A call from outside: its Task ends with the work, or with the executor.</summary>
    private sealed class Invocation<T>(Func<RingTask<T>> work) : CallFromOutside
    {
        internal RingExecutor? Owner;
        internal Action? OnEnd;
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<T> Task => _done.Task;

        protected override void Start() => _ = RunAsync();

        private async RingTask RunAsync()
        {
            try
            {
                _done.TrySetResult(await work());
            }
            catch (OperationCanceledException e)
            {
                _done.TrySetCanceled(e.CancellationToken.IsCancellationRequested ? e.CancellationToken : default);
            }
            catch (Exception e)
            {
                _done.TrySetException(e);
            }

            Ended();
        }

        internal override void Refuse()
        {
            _done.TrySetException(new ObjectDisposedException($"RingExecutor '{Owner?.Name}'", "The executor has stopped."));
            Ended();
        }

        private void Ended()
        {
            OnEnd?.Invoke();
            if (Owner is not { } owner)
                return;
            lock (owner._invocations)
                owner._invocations.Remove(this);
        }
    }

    private sealed class PostedTask(Func<RingTask> work) : CallFromOutside
    {
        protected override void Start() => _ = Spawn(work);
    }

    /// <summary>Starts with the caller's AsyncLocals, as Task.Run does.</summary>
    private abstract class CallFromOutside : RingWork
    {
        private readonly ExecutionContext? _flow = ExecutionContext.Capture();

        internal sealed override void Run()
        {
            if (_flow is null)
                Start();
            else
                ExecutionContext.Run(_flow, static call => ((CallFromOutside)call!).Start(), this);
        }

        protected abstract void Start();
    }
}

/// <summary>Awaitable of <see cref="RingExecutor.Yield"/>: the await itself goes to the end of the ready queue.</summary>
public readonly struct RingYield : ICriticalNotifyCompletion, IRingAwaiter
{
    private readonly RingExecutor _executor;

    internal RingYield(RingExecutor executor) => _executor = executor;

    /// <summary>Always false: a yield always goes through the queue.</summary>
    /// <exception cref="InvalidOperationException">This is not the thread of its executor.</exception>
    public bool IsCompleted
    {
        get
        {
            _executor.Driver.ThrowIfNotOwner(); // Here, before the await: thrown from OnCompleted it would end the process in Task code.
            return false;
        }
    }

    /// <summary>For await.</summary>
    public RingYield GetAwaiter() => this;

    /// <summary>Nothing to return.</summary>
    public void GetResult()
    {
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => _executor.Driver.Ready.Push(new ActionWork(continuation));

    void IRingAwaiter.Suspend(RingWork box) => _executor.Driver.Ready.Push(box);
}

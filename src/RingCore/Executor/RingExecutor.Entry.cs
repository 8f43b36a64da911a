// Executor layer: the ways in. Run uses the calling thread, Start owns one; InvokeAsync gives any thread a
// Task; Post is fire and forget; Spawn starts a task on the ring. All take factories of the four task types,
// never hot tasks: overload priorities make an async lambda a RingTask without a cast. Adapt makes each of
// them a Func<RingTask<T>>, the one form that is run.

using System.Runtime.CompilerServices;

namespace RingCore;

public sealed partial class RingExecutor
{
    /// <summary>
    /// Runs <paramref name="main"/> and what it starts on the calling thread, until it ends; then shuts down.
    /// Any thread.
    /// </summary>
    /// <exception cref="RingUnavailableException">io_uring cannot be used here.</exception>
    /// <exception cref="ObjectDisposedException">The executor was stopped from elsewhere before main had
    /// ended.</exception>
    [OverloadResolutionPriority(2)]
    public static void Run(Func<RingTask> main, RingOptions? options = null) => RunCore(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    [OverloadResolutionPriority(1)]
    public static void Run(Func<ValueTask> main, RingOptions? options = null) =>
        RunCore(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    public static void Run(Func<Task> main, RingOptions? options = null) => RunCore(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    [OverloadResolutionPriority(2)]
    public static T Run<T>(Func<RingTask<T>> main, RingOptions? options = null) => RunCore(main, options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    [OverloadResolutionPriority(1)]
    public static T Run<T>(Func<ValueTask<T>> main, RingOptions? options = null) =>
        RunCore(Adapt(main), options);

    /// <inheritdoc cref="Run(Func{RingTask}, RingOptions?)"/>
    public static T Run<T>(Func<Task<T>> main, RingOptions? options = null) => RunCore(Adapt(main), options);

    /// <summary>
    /// Starts an executor on a background thread of its own. Dispose it to stop. Any thread.
    /// </summary>
    /// <exception cref="RingUnavailableException">io_uring cannot be used here.</exception>
    public static RingExecutor Start(RingOptions? options = null) => StartCore(options ?? new RingOptions());

    /// <summary>
    /// Runs <paramref name="work"/> on the executor; the Task ends with it, and continues wherever its
    /// awaiter is. Any thread; but never block on the Task on the executor's own: it would wait for itself.
    /// </summary>
    /// <exception cref="ObjectDisposedException">Through the Task: the executor has stopped, or stops before
    /// the work has ended.</exception>
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
        var invocation = new Invocation<T>(this, work, isMain: false);
        if (!Post(invocation))
            invocation.Refuse();
        return invocation.Task;
    }

    /// <inheritdoc cref="InvokeAsync(Func{RingTask})"/>
    [OverloadResolutionPriority(1)]
    public Task<T> InvokeAsync<T>(Func<ValueTask<T>> work) => InvokeAsync(Adapt(work));

    /// <inheritdoc cref="InvokeAsync(Func{RingTask})"/>
    public Task<T> InvokeAsync<T>(Func<Task<T>> work) => InvokeAsync(Adapt(work));

    /// <summary>
    /// Runs <paramref name="work"/> on the executor, soon; what it throws is reported as an unobserved fault,
    /// and so is an executor that stops without having come to it. Any thread.
    /// </summary>
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
        ObjectDisposedException.ThrowIf(!Post(new PostedTask(this, work)), this);
    }

    /// <summary>
    /// Starts a task on the current executor: it runs up to its first await at once, then whenever it can.
    /// Await the result to join it, once; or drop it: a fault is then reported. What <paramref name="task"/>
    /// throws before it returns a RingTask is thrown here; what it throws instead of a Task or ValueTask ends
    /// in the result. Owner thread.
    /// </summary>
    /// <exception cref="InvalidOperationException">The calling thread has no executor.</exception>
    [OverloadResolutionPriority(2)]
    public static RingTask Spawn(Func<RingTask> task) => new(Spawn(Adapt(task)));

    /// <inheritdoc cref="Spawn(Func{RingTask})"/>
    [OverloadResolutionPriority(1)]
    public static RingTask Spawn(Func<ValueTask> task) => new(Spawn(Adapt(task)));

    /// <inheritdoc cref="Spawn(Func{RingTask})"/>
    public static RingTask Spawn(Func<Task> task) => new(Spawn(Adapt(task)));

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
    /// Completes after a time: an entry in the executor's timer heap, whose earliest deadline bounds the
    /// enter's wait. Owner thread.
    /// </summary>
    /// <param name="time">
    /// Zero or more, to a nanosecond clock; never early. <see cref="Timeout.InfiniteTimeSpan"/>: only the
    /// token ends it.
    /// </param>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/>, as a stop
    /// does.</param>
    public static ValueTask Delay(TimeSpan time, CancellationToken cancellationToken = default)
    {
        if (time == Timeout.InfiniteTimeSpan)
            time = TimeSpan.MaxValue;
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        return DelayAwaitable.Start(Required, time, cancellationToken);
    }

    /// <summary>Goes behind everything that is ready now. Owner thread.</summary>
    public static RingYield Yield() => new(Required);

    // Null stays null, for the method that takes the adapted form to refuse.
    private static Func<RingTask<NoResult>> Adapt(Func<RingTask> work) =>
        work is null ? null! : () => work().Inner;

    private static Func<RingTask<NoResult>> Adapt(Func<Task> work) =>
        work is null ? null! : Adapt(() => new ValueTask(work()));

    private static Func<RingTask<NoResult>> Adapt(Func<ValueTask> work) => work is null ? null! : async () =>
    {
        await work();
        return default;
    };

    private static Func<RingTask<T>> Adapt<T>(Func<Task<T>> work) =>
        work is null ? null! : Adapt(() => new ValueTask<T>(work()));

    private static Func<RingTask<T>> Adapt<T>(Func<ValueTask<T>> work) =>
        work is null ? null! : async () => await work();

    /// <summary>
    /// A promise to another thread, or to Run's caller: it ends with the work, or is broken with the
    /// executor.
    /// </summary>
    private sealed class Invocation<T> : CallFromOutside
    {
        private readonly RingExecutor _executor;
        private readonly Func<RingTask<T>> _work;
        private readonly bool _isMain;
        private readonly TaskCompletionSource<T> _done =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Invocation(RingExecutor executor, Func<RingTask<T>> work, bool isMain)
        {
            (_executor, _work, _isMain) = (executor, work, isMain);
            lock (executor._invocations)
                executor._invocations.Add(this);
        }

        internal Task<T> Task => _done.Task;

        protected override void Start() => _ = RunAsync();

        private async RingTask RunAsync()
        {
            try
            {
                _done.TrySetResult(await _work());
            }
            catch (OperationCanceledException e)
            {
                CancellationToken token = e.CancellationToken;
                _done.TrySetCanceled(token.IsCancellationRequested ? token : default);
            }
            catch (Exception e)
            {
                _done.TrySetException(e);
            }

            Ended();
        }

        internal override bool Refuse()
        {
            _done.TrySetException(_executor.HasStopped());
            Ended();
            return true;
        }

        private void Ended()
        {
            if (_isMain)
                _executor._finished = true;
            lock (_executor._invocations)
                _executor._invocations.Remove(this);
        }
    }

    private ObjectDisposedException HasStopped() =>
        new($"RingExecutor '{Name}'", "The executor has stopped.");

    private sealed class PostedTask(RingExecutor executor, Func<RingTask> work) : CallFromOutside
    {
        protected override void Start() => _ = Spawn(work);

        internal override bool Refuse()
        {
            ReportFault(executor, "(posted, and not begun)", executor.HasStopped());
            return true;
        }
    }

    /// <summary>Starts with the caller's AsyncLocals, as Task.Run does.</summary>
    private abstract class CallFromOutside : RingWork
    {
        // Not made when it runs: what has come in can always be begun.
        private static readonly ContextCallback s_start = static call => ((CallFromOutside)call!).Start();
        private readonly ExecutionContext? _flow = ExecutionContext.Capture();

        internal sealed override void Run()
        {
            if (_flow is null)
                Start();
            else
                ExecutionContext.Run(_flow, s_start, this);
        }

        protected abstract void Start();
    }
}

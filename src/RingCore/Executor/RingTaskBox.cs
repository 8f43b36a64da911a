// Executor layer: where a suspended `async RingTask` body lives: its state machine, its result, who waits for
// it. Pooled per async method; cleared before it goes back, so that nothing of one run, an AsyncLocal least
// of all, reaches the next. Owner thread only, except Continuation, which may be called anywhere and then
// posts itself home.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace RingCore;

/// <summary>
/// The states of a task's box.
/// <code>
/// Pooled  → Running   rented at the first suspension
/// Running → Done      SetResult or SetException; a waiter, if there is one, is resumed
/// Done    → Pooled    the awaiter took the result; the version moves on, the executor is forgotten
/// </code>
/// </summary>
internal enum BoxState : byte
{
    Pooled,
    Running,
    Done,
}

/// <summary>The moves listed above, as code: round and round.</summary>
internal static class BoxMoves
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Move(ref this BoxState state, BoxState to)
    {
        Debug.Assert((int)to == ((int)state + 1) % 3, "illegal move of a task's box");
        state = to;
    }
}

/// <summary>A suspended task.</summary>
internal abstract class RingTaskBox : RingWork
{
    internal static readonly ExecutionContext? DefaultFlow = CaptureDefault();

    // Not made when it runs: a suspended body can always be continued.
    private static readonly ContextCallback s_moveNext = static box => ((RingTaskBox)box!).MoveNext();

    // Another box, or an Action.
    private object? _waiter;
    private ExecutionContext? _flow;
    private Exception? _exception;
    private BoxState _state;

    internal short Version { get; private set; }

    /// <summary>
    /// Null while pooled, else a thread's pool would keep the last executor with all its buffers; and of a
    /// body that ran on none.
    /// </summary>
    internal RingExecutor Executor { get; private set; } = null!;

    /// <summary>Name of the async method.</summary>
    internal virtual string Name => "(never suspended)";

    /// <summary>
    /// What an awaiter that is not ours calls. On another thread, as after ConfigureAwait(false), the box
    /// posts itself.
    /// </summary>
    private void Resume()
    {
        RingExecutor executor = Executor
            ?? throw new InvalidOperationException("This task has ended: an awaiter has continued it twice.");
        if (executor.IsOwner)
            // Perhaps in the middle of another body, as in TaskCompletionSource.SetResult: bounded in depth.
            executor.Resume(this);
        else
            executor.PostContinuation(this);
    }

    internal override bool Refuse() => false;

    protected virtual void MoveNext()
    {
    }

    protected void Begin(RingExecutor executor)
    {
        Executor = executor;
        _state.Move(BoxState.Running);
        Continuation ??= Resume;
        TaskId = executor.NextTaskId();
        executor.Driver.Ring.Trace.Record(TraceKind.TaskStarted, 0, TaskId);
    }

    /// <summary>
    /// At each suspension: the context that the body continues with. The default one costs this compare.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void CaptureFlow()
    {
        ExecutionContext? flow = ExecutionContext.Capture();
        _flow = ReferenceEquals(flow, DefaultFlow) ? null : flow;
    }

    internal override void Run()
    {
        if (_state == BoxState.Done)
        {
            var waiter = (Action)_waiter!;
            _waiter = null;
            waiter();
            return;
        }

        // Locals: the body may end in here, and the box be pooled and rented again before MoveNext comes
        // back.
        OpDriver driver = Executor.Driver;
        long outer = driver.CurrentTaskId;
        long id = TaskId;
        driver.CurrentTaskId = id;
        driver.Ring.Trace.Record(TraceKind.TaskResumed, 0, id);
        if (_flow is null && (!Executor.IsNested || ReferenceEquals(ExecutionContext.Capture(), DefaultFlow)))
        {
            MoveNext();
            if (DefaultFlow is not null && !ReferenceEquals(ExecutionContext.Capture(), DefaultFlow))
                ExecutionContext.Restore(DefaultFlow);
        }
        else
        {
            // Also for the default context, inside the end of a task that had values set: they are not this
            // body's.
            ExecutionContext.Run((_flow ?? DefaultFlow)!, s_moveNext, this);
        }

        driver.CurrentTaskId = outer;
    }

    /// <summary>
    /// The await at which it is suspended, as file and line. An ended box's cleared state machine would say
    /// "the first".
    /// </summary>
    internal string? Location(short version)
    {
        if (version != Version || _state != BoxState.Running)
            return null;
        Executor?.Driver.ThrowIfNotOwner();
        return AwaitSource.Of(this);
    }

    internal bool IsDone(short version)
    {
        if (version != Version)
            ThrowStale();
        return _state == BoxState.Done;
    }

    /// <summary>Whether a fault is still to be awaited.</summary>
    internal bool Holds(Exception exception) => ReferenceEquals(exception, _exception);

    /// <summary>
    /// Before an await: what is wrong must be said here. Thrown later, from OnCompleted, it would end the
    /// process in Task code.
    /// </summary>
    internal bool IsReady(short version)
    {
        if (IsDone(version))
            return true;
        Executor.Driver.ThrowIfNotOwner();
        if (_waiter is not null)
            ThrowStale();
        return false;
    }

    internal void SetContinuation(object waiter, short version)
    {
        if (version != Version || _waiter is not null)
            ThrowStale();
        Executor.Driver.ThrowIfNotOwner();
        _waiter = waiter;
        if (_state == BoxState.Done)
            ResumeWaiter();
    }

    /// <summary>The body has ended: from here on the box only holds the result.</summary>
    protected void End()
    {
        _state.Move(BoxState.Done);
        _flow = null;
        Executor?.Driver.Ring.Trace.Record(TraceKind.TaskEnded, 0, TaskId);
        if (_waiter is not null)
            ResumeWaiter();
        else if (_exception is not null)
            Executor?.Faults.Add(this, _exception);
    }

    /// <summary>
    /// Another task's box; anything else through the queue, in which this stands for it: handing on a result
    /// allocates nothing.
    /// </summary>
    private void ResumeWaiter()
    {
        if (_waiter is RingTaskBox box)
        {
            _waiter = null;
            Executor.Resume(box);
        }
        else
        {
            Executor.Driver.Ready.Push(this);
        }
    }

    internal void SetException(Exception exception)
    {
        if (Executor is null)
        {
            // It threw before it ever suspended.
            Executor = RingExecutor.Current!;
            _state.Move(BoxState.Running);
            TaskId = Executor?.NextTaskId() ?? 0;
        }

        _exception = exception;
        ClearStateMachine();
        End();
    }

    internal void Take(short version)
    {
        if (version != Version || _state != BoxState.Done || _waiter is not null)
            ThrowNotDone(version);
        RingExecutor? executor = Executor;

        // After the end bodies run on, one at a time.
        if (executor is { IsOwner: false, Driver.IsRetired: false })
            executor.Driver.ThrowIfNotOwner();
        Exception? exception = _exception;
        _exception = null;
        Executor = null!;
        Version++;
        _state.Move(BoxState.Pooled);
        Recycle();
        if (exception is not null)
            ExceptionDispatchInfo.Throw(exception);
    }

    protected virtual void ClearStateMachine()
    {
    }

    protected virtual void Recycle()
    {
    }

    private static void ThrowStale() => throw new InvalidOperationException(
        "This RingTask was awaited already, or is awaited elsewhere: await each RingTask once.");

    private void ThrowNotDone(short version)
    {
        if (version != Version || _state == BoxState.Done)
            ThrowStale();
        throw new InvalidOperationException(
            "The RingTask is still running: await it instead of blocking on its result.");
    }

    private static ExecutionContext? CaptureDefault()
    {
        // Whoever touches the type first may have AsyncLocals set; a thread started without flow has none.
        ExecutionContext? flow = null;
        var thread = new Thread(() => flow = ExecutionContext.Capture());
        thread.UnsafeStart();
        thread.Join();
        return flow;
    }
}

/// <summary>
/// A task with a result. By itself one that threw before it ever suspended: there is nothing to resume.
/// </summary>
internal class RingTaskBox<T> : RingTaskBox
{
    private T _result = default!;

    internal void SetResult(T result)
    {
        _result = result;
        ClearStateMachine();
        End();
    }

    internal T TakeResult(short version)
    {
        T result = _result;

        // Throws for a stale version, and what the body threw.
        Take(version);
        _result = default!;
        return result;
    }
}

/// <summary>A suspended task with its state machine.</summary>
internal sealed class RingTaskBox<T, TStateMachine> : RingTaskBox<T>
    where TStateMachine : IAsyncStateMachine
{
    [ThreadStatic]
    private static Pool<RingTaskBox<T, TStateMachine>>? t_pool;

    internal TStateMachine StateMachine = default!;

    internal override string Name => TaskName.Of(typeof(TStateMachine));

    internal static RingTaskBox<T, TStateMachine> Rent(RingExecutor executor)
    {
        RingTaskBox<T, TStateMachine> box = (t_pool ??= new()).Rent();
        box.Begin(executor);
        return box;
    }

    protected override void MoveNext() => StateMachine.MoveNext();

    protected override void ClearStateMachine() => StateMachine = default!;

    protected override void Recycle() => t_pool?.Return(this);
}

// Op layer: the caller's half of an op: result, flags, continuation, version. Pooled: rented by the hot call, recycled by
// GetResult. The kernel's half is the slot; the two lives overlap but neither decides the other's end.
//
// Who may touch it: the owner thread alone. The interleavings on that thread:
//   A  GetStatus=Pending → OnCompleted → Complete (queues) → Run → GetResult
//   B  Complete → GetStatus=Succeeded → GetResult             (awaited late: no continuation)
//   C  GetStatus=Pending → Complete → OnCompleted (queues)    (completed between the two: a second awaiter of the same turn)
//   D  Complete, never awaited: the GC finds it, the finalizer counts it

using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace RingCore;

/// <summary>What all pooled awaitables share. One owner thread; a second await throws.</summary>
internal abstract class OpAwaitable : OpSink
{
    internal int Res;
    internal uint Flags;

    /// <summary>What has come short must not go on: its handle's ops were cancelled, or its token struck where no op of its own could be asked.</summary>
    internal bool CancelWanted;

    private AwaitState _state;
    private RingWork? _box; // The suspended RingTask that awaits this: queued itself, without a delegate.
    private Action<object?>? _continuation; // Any other awaiter.
    private object? _continuationState;
    private SynchronizationContext? _context; // A foreign one: rare.

    internal short Version { get; private set; }

    internal override object? Waiter => _box ?? (_continuationState as Action)?.Target ?? _continuationState;

    /// <summary>Whether GetResult will throw, and what; decided by the handle that knows the op.</summary>
    protected abstract ValueTaskSourceStatus CompletedStatus { get; }

    /// <summary>Takes what the result stands for when nobody will: closes an fd, returns a buffer. Owner thread, or after its end any.</summary>
    protected virtual void ReleaseUntaken()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void Begin(OpDriver driver)
    {
        Driver = driver;
        CancelWanted = false;
        _state.Move(AwaitState.Pending);
    }

    /// <summary>Whether it may go back to the kernel, with what is left or in another way.</summary>
    internal bool MayGoOn(RingHandle handle, CancellationToken token) => !CancelWanted && !handle.IsDisposed && !Op.Refused(Driver, token);

    internal override void CancelLoan(ulong key)
    {
        CancelWanted = true;
        base.CancelLoan(key);
    }

    /// <summary>The result is in. Also called without a kernel op, for what is refused before it reaches the kernel.</summary>
    internal override void Complete(int res, uint flags, int step)
    {
        Res = res;
        Flags = flags;
        _state.Move(AwaitState.Completed);
        if (_box is { } box)
        {
            _box = null;
            Driver.Queue(box, Key);
        }
        else if (_continuation is not null)
        {
            Driver.Queue(this, Key);
        }
    }

    internal sealed override void Run()
    {
        (Action<object?> continuation, object? state, SynchronizationContext? context) = (_continuation!, _continuationState, _context);
        (_continuation, _continuationState, _context) = (null, null, null);
        if (context is not null)
            context.Post(new SendOrPostCallback(continuation), state);
        else
            continuation(state);
    }

    public ValueTaskSourceStatus GetStatus(short token)
    {
        if (token != Version)
            ThrowStale();
        if (_state == AwaitState.Completed)
            return CompletedStatus;

        // Said here, before an await: thrown later, from OnCompleted, it would end the process in Task code.
        Driver.ThrowIfNotOwner();
        if (_box is not null || _continuation is not null)
            ThrowStale();
        return ValueTaskSourceStatus.Pending;
    }

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (token != Version || _box is not null || _continuation is not null)
            ThrowStale();

        // A RingTask suspends on this: its builder, in the middle of this very call, has said so. It needs no context captured.
        if (Driver.Suspending is { } box && ReferenceEquals(state, box.Continuation))
        {
            Suspend(box);
            return;
        }

        Driver.ThrowIfNotOwner();
        _continuation = continuation;
        _continuationState = state;
        Driver.Ring.Trace.Record(TraceKind.TaskSuspended, Key, Driver.CurrentTaskId);
        if (flags != ValueTaskSourceOnCompletedFlags.None)
            Capture(flags);
        if (_state == AwaitState.Completed)
            Driver.Queue(this, Key);
    }

    /// <summary>A RingTask waits for this. The caller has looked at the state, and with it at the thread, before.</summary>
    protected void Suspend(RingWork box)
    {
        Driver.Ring.Trace.Record(TraceKind.TaskSuspended, Key, box.TaskId);
        if (_state == AwaitState.Completed)
            Driver.Queue(box, Key);
        else
            _box = box;
    }

    /// <summary>Ends the caller's half; the object can be pooled after it. Result fields stay readable until the next rent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void Take(short token)
    {
        if (token != Version || _state != AwaitState.Completed)
            ThrowNotReady(token);
        Driver.ThrowIfNotOwner();
        Version++;
        _state.Move(AwaitState.Idle);
    }

    private void Capture(ValueTaskSourceOnCompletedFlags flags)
    {
        if ((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0)
        {
            SynchronizationContext? context = SynchronizationContext.Current;
            if (context is not null && !ReferenceEquals(context, Driver.Context))
                _context = context;
        }

        if ((flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0)
        {
            // Only hand-written awaits ask for it; the compiler's builders flow the context themselves.
            ExecutionContext? flow = ExecutionContext.Capture();
            if (flow is not null)
            {
                Action<object?> continuation = _continuation!;
                object? state = _continuationState;
                _continuation = _ => ExecutionContext.Run(flow, s => continuation(s), state);
            }
        }
    }

    private static void ThrowStale() => throw new InvalidOperationException(
        "This operation's result was taken already, or is awaited elsewhere: await each ValueTask once.");

    private void ThrowNotReady(short token)
    {
        if (token != Version)
            ThrowStale();
        throw new InvalidOperationException("The operation is still with the kernel: await it instead of blocking on its result.");
    }

    /// <summary>Found by the GC while not idle: the caller dropped a hot call. Its slot is long free; its result may still own something.</summary>
    ~OpAwaitable()
    {
        if (_state == AwaitState.Idle || Driver is null)
            return;
        if (!Driver.Host.Post(new ActionWork(Dropped, ReleaseDropped)))
            ReleaseDropped();
    }

    private void Dropped()
    {
        Driver.Ring.Counters.DroppedResults++;
        ReleaseDropped();
    }

    /// <summary>With the executor gone nothing runs on its thread any more, and releasing here is safe.</summary>
    private void ReleaseDropped()
    {
        if (_state == AwaitState.Completed)
            ReleaseUntaken();
    }
}

/// <summary>The awaitable of a bare op: yields the OpResult and never throws for an errno.</summary>
internal sealed class OpResultAwaitable : OpAwaitable, IValueTaskSource<OpResult>
{
    private bool _yieldsFd;

    protected override ValueTaskSourceStatus CompletedStatus => ValueTaskSourceStatus.Succeeded;

    internal static OpResultAwaitable Rent(OpDriver driver, bool yieldsFd)
    {
        OpResultAwaitable awaitable = driver.Results.Rent();
        awaitable.Begin(driver);
        awaitable._yieldsFd = yieldsFd;
        return awaitable;
    }

    protected override void ReleaseUntaken()
    {
        if (_yieldsFd && Res >= 0)
            Driver.CloseFd(Res);
    }

    internal void Suspend(RingWork box, short token)
    {
        GetStatus(token); // Throws for a second await.
        Suspend(box);
    }

    public OpResult GetResult(short token)
    {
        Take(token);
        var result = new OpResult(Res, Flags);
        Driver.Results.Return(this);

        return result;
    }
}

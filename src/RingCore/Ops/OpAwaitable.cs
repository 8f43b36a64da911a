// Op layer: the caller's half of an op: result, flags, continuation, version. Pooled: rented by the hot call,
// recycled by GetResult. The kernel's half is the slot; the two lives overlap but neither decides the other's
// end. This object owns what the op borrows (memory, the reading side of a stream) from the call to the
// terminal CQE, and the token's registration until the result is in.
//
// Why a pooled object may be cancelled by a token: the registration is disposed before the result is handed
// out, and its callback only posts this object with its version; a posted cancel that comes late finds
// another version and does nothing.
//
// Who may touch it: the owner thread alone. The interleavings on that thread:
//   A  GetStatus=Pending → OnCompleted → SetResult (queues) → Run → GetResult
//   B  SetResult → GetStatus=Succeeded → GetResult            (awaited late: no continuation)
//   C  GetStatus=Pending → SetResult → OnCompleted (queues)   (completed in between: a second awaiter)
//   D  SetResult, never awaited: the GC finds it, the finalizer counts it

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>What all pooled awaitables share. One owner thread; a second await throws.</summary>
[DebuggerDisplay("{_state} key={Key,h} res={Res}")]
internal abstract class OpAwaitable : OpSink
{
    internal int Res;
    internal uint Flags;

    /// <summary>A short transfer must not be continued: the op was asked to end.</summary>
    internal bool CancelWanted;

    private AwaitState _state;
    private RingWork? _box; // The suspended RingTask that awaits this: queued itself, without a delegate.
    private Action<object?>? _continuation; // Any other awaiter.
    private object? _continuationState;
    // A foreign one: rare.
    private SynchronizationContext? _context;
    private CancellationTokenRegistration _registration;

    internal short Version { get; private set; }

    /// <summary>
    /// Whether a cancel that was requested under that version still applies.
    /// </summary>
    internal virtual bool CanCancel(short version) => version == Version && _state == AwaitState.Pending;

    internal override object? Waiter => _box ?? (_continuationState as Action)?.Target ?? _continuationState;

    /// <summary>Whether the caller waits for a result that has not come.</summary>
    internal bool IsPending => _state == AwaitState.Pending;

    /// <summary>Whether the caller has taken the last result.</summary>
    protected bool IsTaken => _state == AwaitState.Idle;

    /// <summary>Whether GetResult will throw, and what; decided by the handle that knows the op.</summary>
    protected abstract ValueTaskSourceStatus CompletedStatus { get; }

    /// <summary>
    /// Returns what the op has borrowed: at the terminal CQE, or when nothing went to the kernel. A second
    /// call finds nothing to return.
    /// </summary>
    protected virtual void ReturnLoans()
    {
    }

    /// <summary>
    /// Releases what the result stands for when nobody will take it: closes an fd, returns a buffer. Owner
    /// thread, or any thread once the executor has ended.
    /// </summary>
    protected virtual void ReleaseUntaken()
    {
    }

    /// <summary>
    /// Step 1 of a start, after the loans: the token's callback asks for a cancel. May throw.
    /// </summary>
    protected void Register(CancellationToken token)
    {
        // Else Admit refuses.
        if (token.CanBeCanceled && !token.IsCancellationRequested)
            _registration = token.UnsafeRegister(CancelCallback, this);
    }

    /// <summary>A token's callback: any thread.</summary>
    protected static readonly Action<object?> CancelCallback =
        static awaitable => ((OpAwaitable)awaitable!).Driver.CancelFromAnyThread((OpAwaitable)awaitable);

    /// <summary>Step 1 has thrown: everything is given back, and the object is the GC's.</summary>
    internal void Abandon()
    {
        EndRegistration();
        ReturnLoans();
        // This is a call, not the reap.
        Driver.Pins.RunEnded(Driver);
    }

    /// <summary>Step 2 of a start.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void Begin(OpDriver driver)
    {
        Driver = driver;
        CancelWanted = false;
        _state.Move(AwaitState.Pending);
    }

    /// <summary>
    /// Step 3 when the op was not admitted. While the executor is stopping, the refusal goes through the
    /// ready queue: code that swallows it and tries again would otherwise never return to the loop, which
    /// enforces the time limit.
    /// </summary>
    internal virtual void Refuse(int res)
    {
        ReturnLoans();
        Driver.Pins.RunEnded(Driver);
        Key = 0;
        Res = res;
        if (Driver.Stopping)
            Driver.Ready.Push(this);
        else
            SetResult(res, 0);
    }

    /// <summary>
    /// In the reap: whether the op may go back to the kernel, for the rest or in another way. Returns 0, or
    /// the −errno with which it ends.
    /// </summary>
    internal int AdmitAgain(RingHandle handle, CancellationToken token) =>
        CancelWanted || handle.IsDisposed || Driver.Stopping || token.IsCancellationRequested
            ? -ECANCELED
            : Driver.AdmitAgain();

    internal override void OnCancel()
    {
        CancelWanted = true;
        Driver.Cancel(Key);
    }

    /// <summary>The caller's result is in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void SetResult(int res, uint flags)
    {
        if (_registration != default)
            EndRegistration();
        Res = res;
        Flags = flags;
        _state.Move(AwaitState.Completed);
        if (_box is { } box)
        {
            _box = null;
            Driver.Resume(box, Key);
        }
        else if (_continuation is not null)
        {
            Driver.Resume(this, Key);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EndRegistration()
    {
        // Waits for a callback that is running on another thread, which only posts.
        _registration.Dispose();
        _registration = default;
    }

    internal override bool Refuse() => false;

    internal sealed override void Run()
    {
        if (_state == AwaitState.Pending)
        {
            // Refused while stopping.
            SetResult(Res, 0);
            return;
        }

        (Action<object?> continuation, object? state, SynchronizationContext? context) =
            (_continuation!, _continuationState, _context);
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

        // Thrown here, before the await suspends: thrown later, from OnCompleted, it would end the process in
        // Task code.
        Driver.ThrowIfNotOwner();
        if (_box is not null || _continuation is not null)
            ThrowStale();
        return ValueTaskSourceStatus.Pending;
    }

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if (token != Version || _box is not null || _continuation is not null)
            ThrowStale();

        // A RingTask is suspending on this, as its builder has just announced. It needs no context captured.
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
            Driver.Resume(this, Key);
    }

    /// <summary>
    /// A RingTask waits for this. The caller has looked at the state, and with it at the thread, before.
    /// </summary>
    protected void Suspend(RingWork box)
    {
        Driver.Ring.Trace.Record(TraceKind.TaskSuspended, Key, box.TaskId);
        if (_state == AwaitState.Completed)
            Driver.Resume(box, Key);
        else
            _box = box;
    }

    /// <summary>
    /// Ends the caller's half; the object can be pooled after it. Result fields stay readable until the next
    /// rent.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    [StackTraceHidden]
    protected void Take(short token)
    {
        // With a continuation that is queued and has not run it stands in the ready queue, and cannot be
        // pooled.
        if (token != Version || _state != AwaitState.Completed || _continuation is not null)
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

    [StackTraceHidden]
    private static void ThrowStale() => throw new InvalidOperationException(
        "This operation's result was taken already, or is awaited elsewhere: await each ValueTask once.");

    [StackTraceHidden]
    private void ThrowNotReady(short token)
    {
        if (token != Version || _state == AwaitState.Completed)
            ThrowStale();
        throw new InvalidOperationException(
            "The operation is still with the kernel: await it instead of blocking on its result.");
    }

    /// <summary>
    /// Collected while not idle: the caller dropped a hot call. Its slot was freed long ago, but its result
    /// may still own something.
    /// </summary>
    ~OpAwaitable()
    {
        if (Driver is null || !IsOwed)
            return;
        // Once the executor has ended nothing runs on its thread any more, so releasing here is safe.
        if (!Driver.Host.Post(new ActionWork(Dropped, ReleaseIfNobodyWaits)))
            ReleaseIfNobodyWaits();
    }

    /// <summary>Whether somebody should have taken something from it.</summary>
    protected virtual bool IsOwed => _state != AwaitState.Idle;

    private void Dropped()
    {
        Driver.Ring.Counters.DroppedResults++;
        ReleaseIfNobodyWaits();
    }

    /// <summary>
    /// Nobody will take the result: it was dropped, or a sequence's handle has closed, or its executor ends.
    /// </summary>
    internal void ReleaseIfNobodyWaits()
    {
        if (!IsPending)
            ReleaseUntaken();
    }
}

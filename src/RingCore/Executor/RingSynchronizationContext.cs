// Executor layer: brings Task and ValueTask code home: a continuation captured on the executor's thread is
// posted back to it. RingTask bodies do not need it. It also hears of blocking waits on that thread, which
// the runtime lets a synchronization context do itself.

namespace RingCore;

/// <summary>The synchronization context of one executor's thread. Any thread may post.</summary>
internal sealed class RingSynchronizationContext : SynchronizationContext
{
    private const int PatienceMs = 1000;
    private readonly RingExecutor _executor;

    internal RingSynchronizationContext(RingExecutor executor)
    {
        _executor = executor;
        SetWaitNotificationRequired();
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        var work = new ContinuationWork(d, state);
        if (_executor.IsOwner)
            _executor.Driver.Ready.Push(work);
        else
            _executor.PostContinuation(work);
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!_executor.IsOwner)
            throw new NotSupportedException("Do not block on a ring's thread: await InvokeAsync.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>
    /// Every blocking wait of the thread: events, locks, Task.Wait. What it waits for is not known here, only
    /// for how long.
    /// </summary>
    public override int Wait(nint[] waitHandles, bool waitAll, int millisecondsTimeout)
    {
        if (millisecondsTimeout >= 0 || !_executor.IsOwner)
            return WaitHelper(waitHandles, waitAll, millisecondsTimeout);
        int signaled = WaitHelper(waitHandles, waitAll, PatienceMs);
        if (signaled != WaitHandle.WaitTimeout)
            return signaled;
        Warning.Print($"RingCore: the thread of executor '{_executor.Name}' has been blocked for a second. "
            + "If it waits for its own work, as in InvokeAsync(…).Wait(), that never ends: await it.\n"
            + Environment.StackTrace);
        return WaitHelper(waitHandles, waitAll, millisecondsTimeout);
    }
}

/// <summary>An awaiter's continuation as a delegate. It is run also when the executor has stopped.</summary>
internal sealed class ContinuationWork(SendOrPostCallback callback, object? state) : RingWork
{
    internal override void Run() => callback(state);

    internal override bool Refuse() => false;
}

// Executor layer: brings Task and ValueTask code home: a continuation captured on the executor's thread is posted back to it.
// RingTask bodies do not need it. Any thread may post.

namespace RingCore;

/// <summary>The synchronization context of one executor's thread.</summary>
internal sealed class RingSynchronizationContext(RingExecutor executor) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state)
    {
        var work = new Callback(d, state);
        if (executor.IsOwner)
            executor.Driver.Ready.Push(work);
        else
            executor.Post(work);
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!executor.IsOwner)
            throw new NotSupportedException("Blocking on a ring's thread is not supported: use executor.InvokeAsync and await it.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;

    private sealed class Callback(SendOrPostCallback callback, object? state) : RingWork
    {
        internal override void Run() => callback(state);
    }
}

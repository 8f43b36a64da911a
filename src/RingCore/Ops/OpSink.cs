// Op layer: who gets an op's CQEs. The reap finds the slot, returns its fd and calls the sink; a sink copies
// the result and queues the continuation. The contract of a sink:
//   * It owns the memory that its op lends, from the call to OnTerminal, and keeps it alive and in place.
//   * OnTerminal and OnMore run in the reap: no user code, nothing that throws. They may prepare one op in
//   place of the one that ended.
//   * OnCancel only asks. It may be called at any time on the owner thread, even when nothing is with the
//   kernel, and more than once.
//   * Key names the op now with the kernel, or the last one; cancelling the key of an op that has ended does
//   nothing.

namespace RingCore;

/// <summary>Receives the CQEs of an op. Owner thread only.</summary>
internal abstract class OpSink : RingWork
{
    /// <summary>The driver of the op now running.</summary>
    internal OpDriver Driver = null!;

    /// <summary>user_data of the op now with the kernel; what a cancel names.</summary>
    internal ulong Key;

    /// <summary>The terminal CQE: the slot is free already and may be rented from here.</summary>
    internal abstract void OnTerminal(int res, uint flags, int step);

    /// <summary>A CQE with F_MORE: the op goes on.</summary>
    internal virtual void OnMore(int res, uint flags)
    {
    }

    /// <summary>
    /// The running op is to end and must not be continued: a token was cancelled, the handle is closing, or
    /// the executor is stopping.
    /// </summary>
    internal virtual void OnCancel() => Driver.Cancel(Key);

    /// <summary>
    /// What waits for this op, for reports: a task's box, a delegate's target, a name, or null.
    /// </summary>
    internal virtual object? Waiter => null;

    /// <summary>Bytes of memory it has lent: for reports.</summary>
    internal virtual int LentBytes => 0;

    internal override void Run()
    {
    }
}

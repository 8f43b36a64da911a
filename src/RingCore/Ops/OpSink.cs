// Op layer: who gets an op's CQEs. The reap finds the slot, returns its loans and calls the sink; a sink copies the result and
// queues the continuation. It runs no user code and must not throw.

using RingCore.Sys;

namespace RingCore;

/// <summary>Receives the CQEs of an op. Owner thread only.</summary>
internal abstract class OpSink : RingWork
{
    /// <summary>The driver of the op now running.</summary>
    internal OpDriver Driver = null!;

    /// <summary>user_data of the op now with the kernel; what a cancel names.</summary>
    internal ulong Key;

    /// <summary>The terminal CQE: the slot is free already and may be rented from here.</summary>
    internal abstract void Complete(int res, uint flags, int step);

    /// <summary>A CQE with F_MORE: the op goes on.</summary>
    internal virtual void Progress(int res, uint flags)
    {
    }

    /// <summary>The op's handle is disposed, or everything is to end. A chain's step may stand behind others that never end.</summary>
    internal virtual void CancelLoan(ulong key) => Driver.Cancel(key);

    /// <summary>The op never reaches the kernel: cancelled before, or its executor stops.</summary>
    internal virtual void Refused() => Complete(-Errno.ECANCELED, 0, 0);

    /// <summary>What waits for this op, for reports: a task's name, or null.</summary>
    internal virtual object? Waiter => null;

    /// <summary>Bytes of memory that the sink itself, not its slot, has lent: for reports.</summary>
    internal virtual int LentBytes => 0;

    /// <summary>A token's callback: any thread. The registration is disposed before the slot is reused, so Key is this op's.</summary>
    internal static readonly Action<object?> CancelCallback = static sink => ((OpSink)sink!).Driver.CancelFromAnyThread((OpSink)sink);

    /// <summary>A token asks, on the owner thread: cancel what runs now. A key whose time has passed is ignored.</summary>
    internal virtual void CancelAsked() => Driver.Cancel(Key);

    internal override void Run()
    {
    }
}

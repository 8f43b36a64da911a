// Executor layer: what an executor tells of itself: ops in flight, leases out, on request; faults that nobody
// has awaited, unasked.

using System.Diagnostics.CodeAnalysis;

namespace RingCore;

public sealed partial class RingExecutor
{
    /// <summary>
    /// A task failed and nobody awaited it. Raised on the executor's thread, once per fault. Without a
    /// subscriber the fault is written to standard error.
    /// </summary>
    public static event EventHandler<UnobservedFaultEventArgs>? UnobservedFault;

    /// <summary>Every op now with the kernel, without the executor's own wake-up. Owner thread.</summary>
    public IReadOnlyList<OpInfo> InFlight()
    {
        Driver.ThrowIfNotOwner();
        var list = new List<OpInfo>();
        for (int i = 0; i < Driver.Table.Capacity; i++)
        {
            ref OpSlot slot = ref Driver.Table.At(i);
            if (slot.State == SlotState.Free || ReferenceEquals(slot.Sink, _wake))
                continue;
            list.Add(new OpInfo
            {
                Id = new(OpTable.Key(slot, i)),
                Opcode = slot.Opcode,
                Fd = slot.Fd,
                Age = TimeSpan.FromMilliseconds(Driver.NowMs - slot.PreparedMs),
                Task = NameOf(slot.Sink?.Waiter),
                Location = AwaitSource.Of(slot.Sink?.Waiter),
                BytesLent = slot.Sink?.LentBytes ?? 0,
                CancelAsked = slot.State != SlotState.Lent,
            });
        }

        return list;
    }

    /// <summary>
    /// Native memory that ops hold or have pooled, in bytes; without the ring's own mappings, whose size
    /// never changes. Owner thread.
    /// </summary>
    public long NativeBytes
    {
        get
        {
            Driver.ThrowIfNotOwner();
            return Driver.Table.NativeBytes;
        }
    }

    /// <summary>Read leases handed out and not yet disposed. Owner thread.</summary>
    public IReadOnlyList<LeaseInfo> LeasesOut()
    {
        Driver.ThrowIfNotOwner();
        return Driver.Leases.Outstanding();
    }

    private static string NameOf(object? waiter) => waiter switch
    {
        null => "",
        RingTaskBox box => box.Name,
        string name => name,
        Delegate { Target: { } target } => TaskName.Of(target.GetType()),
        Delegate callback => callback.Method.Name,
        // A Task's box bears no name, its machine does.
        _ => TaskName.Of((AwaitSource.StateMachineIn(waiter) ?? waiter).GetType()),
    };

    [SuppressMessage("Design", "CA1031", Justification = "A subscriber must not unwind the loop.")]
    internal static void ReportFault(RingExecutor executor, string task, Exception exception)
    {
        EventHandler<UnobservedFaultEventArgs>? subscribers = UnobservedFault;
        if (subscribers is null)
        {
            Warning.Print($"RingCore: task '{task}' on executor '{executor.Name}' failed and nobody awaited "
                + $"it: {exception}");
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
}

// Executor layer: what an executor tells of itself on request: ops in flight, leases out. Reads, never changes.

namespace RingCore;

public sealed partial class RingExecutor
{
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
            int lent = slot.Sink?.LentBytes ?? 0;
            list.Add(new OpInfo(
                slot.Opcode, slot.Fd, TimeSpan.FromMilliseconds(Driver.NowMs - slot.PreparedMs), NameOf(slot.Sink?.Waiter), lent,
                slot.State == SlotState.Cancelling, OpTable.Key(slot, i), AwaitSource.Of(slot.Sink?.Waiter)));
        }

        return list;
    }

    /// <summary>Native memory that ops hold or have pooled, in bytes; without the ring's own mappings, whose size never changes. Owner thread.</summary>
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
        Delegate callback => callback.Target is { } target ? TaskName.Of(target.GetType()) : callback.Method.Name,
        _ => TaskName.Of((AwaitSource.StateMachineIn(waiter) ?? waiter).GetType()), // A Task's box bears no name, its machine does.
    };
}

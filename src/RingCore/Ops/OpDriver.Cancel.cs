// Op layer: asking ops to end. Cancel only records the request; the loop writes the ASYNC_CANCEL SQEs in step
// 3, together with everything else it submits. So asking needs no room, cannot fail, and changes nothing that
// the caller relies on. The op's own CQE decides the outcome.

using System.Runtime.CompilerServices;
using RingCore.Sys;

namespace RingCore;

internal sealed unsafe partial class OpDriver
{
    /// <summary>Keys whose cancel is to be written: one place per slot.</summary>
    private ulong[] _cancels;
    private int _cancelCount;

    /// <summary>
    /// Asks the kernel to cancel one op. A key whose time has passed, or that was asked before, is ignored.
    /// </summary>
    internal void Cancel(ulong key, SlotState why = SlotState.Cancelling)
    {
        ref OpSlot slot = ref Table.Find(key);
        if (Unsafe.IsNullRef(ref slot) || slot.State != SlotState.Lent)
            return;
        slot.State.Move(why);
        Ring.Trace.Record(TraceKind.CancelAsked, key);
        if (_cancelCount == _cancels.Length)
            DropEnded();
        _cancels[_cancelCount++] = key;
    }

    /// <summary>
    /// Step 3, before the enter. What finds no room waits for the next turn: false, and the loop does not
    /// sleep.
    /// </summary>
    internal bool WriteCancels()
    {
        // It has no slot.
        while (_cancelCount > 0 && (Ring.HasRoom(1) || MakeRoom(1) == 0))
        {
            ulong key = _cancels[--_cancelCount];
            // It has ended meanwhile.
            if (Unsafe.IsNullRef(ref Table.Find(key)))
                continue;
            io_uring_sqe* sqe = Ring.TryGetSqe();
            Prep.Cancel(sqe, key);
            sqe->user_data = CancelKey;
            _unslotted++;
        }

        return _cancelCount == 0;
    }

    /// <summary>There are never more live keys than slots, so dropping the ended ones makes room.</summary>
    private void DropEnded()
    {
        int kept = 0;
        for (int i = 0; i < _cancelCount; i++)
        {
            if (!Unsafe.IsNullRef(ref Table.Find(_cancels[i])))
                _cancels[kept++] = _cancels[i];
        }

        _cancelCount = kept;
    }

    /// <summary>Every op with the kernel is asked to end.</summary>
    internal void CancelEverything()
    {
        for (int i = 0; i < Table.Capacity; i++)
        {
            ref OpSlot slot = ref Table.At(i);
            if (slot.State == SlotState.Lent)
                slot.Sink!.OnCancel();
        }
    }

    /// <summary>
    /// Any thread: asks the awaitable, on the owner thread, to end its current op.
    /// </summary>
    internal void CancelFromAnyThread(OpAwaitable awaitable)
    {
        short version = awaitable.Version;
        if (IsOwner)
            Cancel();
        else
            Host.Post(new ActionWork(Cancel));

        void Cancel()
        {
            // Otherwise this came too late: the op has ended, and the object may already serve another.
            if (awaitable.CanCancel(version))
                awaitable.OnCancel();
        }
    }
}

// Op layer: taking results in. Reap is called by the loop, in step 4, and by nobody else; it runs no user
// code. For each CQE:
//   1 copy it and give its place back
//   2 find the slot by index and generation; a CQE without a slot is only counted
//   3 F_MORE: the sink's OnMore; the slot stays the kernel's
//   4 else: settle what the result means, return the fds, free the slot, the sink's OnTerminal
// When all have been handled, the pins that ended on the way are released (Unpin may be user code), and the
// loop continues.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.CqeFlags;
using static RingCore.Sys.Errno;

namespace RingCore;

internal sealed unsafe partial class OpDriver
{
    /// <summary>user_data of requests that have no slot: their CQE is only counted.</summary>
    private const ulong CancelKey = 0xFFFF_FFFF;

    /// <summary>
    /// The user_data of a LINK_TIMEOUT is its op's with this bit, which no slot's index has.
    /// </summary>
    private const ulong LinkTimeoutBit = 0x8000_0000;

    /// <summary>
    /// CQEs that had to leave the queue before the kernel would submit more, and that are not handled yet.
    /// They are older than those in the queue. The tail is 0 when there are none.
    /// </summary>
    private io_uring_cqe[] _aside = [];
    private int _asideHead;
    private int _asideTail;

    internal bool HasCompletions => _asideTail != 0 || Ring.Ready != 0;

    /// <summary>Step 4: handles the CQEs that are ready. Queues continuations; runs none.</summary>
    internal void Reap()
    {
        // DOC: reap
        uint ready = (uint)(_asideTail - _asideHead) + Ring.Ready;
        for (; ready > 0 && TryNext(out io_uring_cqe cqe); ready--)
        {
            ref OpSlot slot = ref Table.Find(cqe.user_data);
            if (Unsafe.IsNullRef(ref slot))
                CountUnslotted(cqe.user_data, cqe.res);
            else
                Handle(ref slot, cqe.user_data, cqe.res, cqe.flags);
        }
        // DOC: end

        if (Ring.Overflowed)
            Ring.Counters.Overflows++;
        Pins.RunEnded(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryNext(out io_uring_cqe cqe)
    {
        if (_asideTail != 0)
        {
            cqe = NextAside();
            return true;
        }

        if (Ring.Ready == 0)
        {
            cqe = default;
            return false;
        }

        cqe = Ring.CqeAt(0);
        // The place is given back before the sink runs: the sink may prepare an op, and submitting it may
        // need room in this queue.
        Ring.Advance(1);
        return true;
    }

    private io_uring_cqe NextAside()
    {
        io_uring_cqe cqe = _aside[_asideHead++];
        if (_asideHead == _asideTail)
            _asideHead = _asideTail = 0;
        return cqe;
    }

    /// <summary>
    /// Empties the CQ without handling anything. False when there is no memory for that; all stays where it
    /// is.
    /// </summary>
    private bool MoveAside()
    {
        uint count = Ring.Ready;
        if (!HasRoomAside(count))
            return false;
        for (; count > 0; count--)
        {
            _aside[_asideTail++] = Ring.CqeAt(0);
            Ring.Advance(1);
        }

        return true;
    }

    private bool HasRoomAside(uint count)
    {
        try
        {
            if (_aside.Length - _asideTail < count)
                Array.Resize(ref _aside, Math.Max(64, (_asideTail + (int)count) * 2));
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>
    /// Requests that the kernel has refused for a second are taken back and end as if the error were its
    /// answer. Cancels keep waiting. False: no memory for that; all stay pending.
    /// </summary>
    private bool FailPending(int res)
    {
        if (!HasRoomAside(Ring.Pending))
            return false;
        for (uint count = Ring.Pending; count > 0; count--)
        {
            io_uring_sqe* sqe = Ring.LastPending();
            if (sqe->user_data == CancelKey && _cancelCount < _cancels.Length)
            {
                _cancels[_cancelCount++] = sqe->addr;
                _unslotted--;
            }
            else
            {
                _aside[_asideTail++] = new() { user_data = sqe->user_data, res = res };
            }

            Ring.TakeBackLast();
        }

        _busyTries = 0;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Handle(ref OpSlot slot, ulong key, int res, uint flags)
    {
        Ring.Trace.Record(TraceKind.OpCompleted, key, 0, res, (int)flags);
        OpSink sink = slot.Sink!;
        if ((flags & IORING_CQE_F_MORE) != 0)
        {
            sink.OnMore(res, flags);
            return;
        }

        int step = slot.Step;
        if (res < 0)
        {
            bool overdue = slot.State == SlotState.Overdue || (slot.HasLinkTimeout && IsOver(key));
            res = Verdict.Of(res, slot.State == SlotState.Cancelling, overdue, slot.EndsWithOthers);
        }

        slot.Sink = null;
        slot.HasLinkTimeout = slot.EndsWithOthers = false;
        slot.Step = 0;
        slot.Handle?.Return(ref slot);
        slot.Second?.Return();
        slot.Second = null;
        Table.Free(ref slot, (int)(uint)key);
        // After Free: the sink may prepare its next op in the same, warm slot.
        sink.OnTerminal(res, flags, step);
    }

    private void CountUnslotted(ulong key, int res)
    {
        if ((key & LinkTimeoutBit) == 0)
        {
            Ring.Counters.StaleCqes++;
            return;
        }

        _unslotted--;
        if (key != CancelKey)
        {
            // Its op's CQE tells everything, unless the kernel had memory for the op alone: that runs without
            // its deadline, and the LINK_TIMEOUT, first in a batch, has nothing to bound (EINVAL).
            if (res is -EINVAL or -EAGAIN or -EBUSY)
                Cancel(key & ~LinkTimeoutBit, SlotState.Overdue);
        }
        else if (res >= 0)
        {
            Ring.Counters.CancelsWon++;
        }
        else
        {
            Ring.Counters.CancelsLost++;
        }
    }

    /// <summary>
    /// Whether the LINK_TIMEOUT can have fired: the kernel's timer starts after ours, on the same clock. The
    /// timeout's own CQE would tell exactly (−ECANCELED if it did not fire), but it may arrive after the
    /// op's.
    /// </summary>
    private bool IsOver(ulong key) =>
        Ring.Kernel.Now() >= *(long*)((__kernel_timespec*)Table.Storage((int)(uint)key) + 2);
}

/// <summary>What an errno of the kernel means, given what was asked of the op.</summary>
internal static class Verdict
{
    /// <summary>
    /// The kernel's own "interrupted, run me again", which leaks out of opens of FIFOs, splices and tees.
    /// </summary>
    private const int RestartSys = 512;

    /// <param name="res">The CQE's, negative.</param>
    /// <param name="cancelling">Whether a cancel was asked for.</param>
    /// <param name="overdue">Whether the op's own LINK_TIMEOUT is over.</param>
    /// <param name="others">Whether another op may have ended it.</param>
    internal static int Of(int res, bool cancelling, bool overdue, bool others) => -res switch
    {
        // The kernel worker that ran the op was interrupted: by our cancel, by the op's deadline, or by
        // neither.
        ECANCELED or EINTR or RestartSys when cancelling => -ECANCELED,
        ECANCELED or EINTR or RestartSys when overdue => -ETIME,
        RestartSys => -EINTR,

        // Nobody has asked: the kernel could start no worker for it (ulimit -u, pids.max). Not EAGAIN, which
        // would be polled for.
        ECANCELED when !others => -ENOMEM,

        // The op brought nothing, and its sink would continue in another way, which the cancel does not know
        // of.
        EAGAIN or ENOBUFS or EBADF when cancelling => -ECANCELED,
        _ => res,
    };
}

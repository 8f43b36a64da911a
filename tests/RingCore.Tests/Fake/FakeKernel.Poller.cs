// Tests: the fake kernel's submission poller (IORING_SETUP_SQPOLL): it takes SQEs when an enter gives it the time, or when the
// script says so, and falls asleep as the kernel's does: NEED_WAKEUP first, then one more look at the tail.

using RingCore.Sys;
using static RingCore.Sys.EnterFlags;
using static RingCore.Sys.RingFlags;
using static RingCore.Sys.SetupFlags;

namespace RingCore.Tests.Fakes;

internal sealed unsafe partial class FakeKernel
{
    internal bool HasPoller => (_params.flags & IORING_SETUP_SQPOLL) != 0;

    internal bool PollerSleeping => (*SqFlags & IORING_SQ_NEED_WAKEUP) != 0;

    /// <summary>The poller's idle time that set-up asked for, in milliseconds.</summary>
    internal uint PollerIdleMs => _params.sq_thread_idle;

    /// <summary>Set-up refuses a poller with this errno; 0: it does not.</summary>
    internal int PollerErrno { get; set; }

    /// <summary>The poller takes SQEs only when the script calls <see cref="PollerTakes"/>.</summary>
    internal bool PollerIsSlow { get; set; }

    /// <summary>Enters that woke the poller.</summary>
    internal int PollerWakes { get; private set; }

    /// <summary>The awake poller takes SQEs that it can see.</summary>
    internal void PollerTakes(int most = int.MaxValue)
    {
        if (PollerSleeping)
            throw new FakeKernelException("the poller sleeps");
        uint available = *SqTail - *SqHead;
        uint count = Math.Min((uint)most, available);
        while (count > 0 && count < available && (_sqes[(*SqHead + count - 1) & (_params.sq_entries - 1)].flags & SqeFlags.IOSQE_IO_LINK) != 0)
            count++; // It takes a chain whole: what was published together stands there together.
        _inEnter = true; // What it completes at once is visible at once: its task work is its own.
        Submit(count);
        _inEnter = false;
    }

    /// <summary>The poller has been idle for long enough.</summary>
    internal void PollerFallsAsleep()
    {
        *SqFlags |= IORING_SQ_NEED_WAKEUP;
        Interlocked.MemoryBarrier(); // As in the kernel; pairs with the ring's between its store of sq.tail and its load of sq.flags.
        if (*SqTail == *SqHead)
            return;
        *SqFlags &= ~IORING_SQ_NEED_WAKEUP;
        PollerTakes();
    }

    /// <summary>The shared words themselves, for a test that plays the poller on another thread.</summary>
    internal (nint Tail, nint Flags) SharedSq => ((nint)SqTail, (nint)SqFlags);

    private void PollerInEnter(uint flags)
    {
        if ((flags & IORING_ENTER_SQ_WAKEUP) != 0)
        {
            *SqFlags &= ~IORING_SQ_NEED_WAKEUP;
            PollerWakes++;
        }

        if (!PollerSleeping && !PollerIsSlow)
            Submit(uint.MaxValue);
    }
}

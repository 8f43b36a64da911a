// Fault tests: what the rewritten RingCore.dll calls before each of its allocations. It counts those of one
// thread while it is armed, and throws at the one it was told. It does not know where the allocations are:
// that is the Rewriter's.

using System.Diagnostics;

namespace RingCore.Faults;

/// <summary>Fails one allocation.</summary>
public static class AllocationHook
{
    private static int s_failAt; // 0: not armed.
    private static int s_reached;
    private static int s_thread;

    /// <summary>The site that failed since the last Arm; −1: none.</summary>
    internal static int FailedSite { get; private set; } = -1;

    /// <summary>From here on this thread's n-th allocation in RingCore fails; and no other.</summary>
    internal static void Arm(int n)
    {
        FailedSite = -1;
        s_reached = 0;
        s_thread = Environment.CurrentManagedThreadId;
        s_failAt = n;
    }

    internal static void Disarm() => s_failAt = 0;

    /// <summary>Called by the rewritten code.</summary>
    /// <param name="site">Index in the Rewriter's list.</param>
    public static void Site(int site)
    {
        if (s_failAt != 0 && Environment.CurrentManagedThreadId == s_thread)
            Count(site);
    }

    /// <summary>The box of a RingTask, and what a static constructor calls: see the Rewriter's header.</summary>
    private static bool IsLeftOut() =>
        new StackTrace().GetFrames().Any(static frame => frame.GetMethod()?.Name is "FirstSuspension" or ".cctor");

    private static void Count(int site)
    {
        if (s_reached + 1 == s_failAt && IsLeftOut())
            return; // Not counted: the next one fails.
        if (++s_reached != s_failAt)
            return;
        FailedSite = site;
        throw new OutOfMemoryException("This allocation was made to fail by a test.");
    }
}

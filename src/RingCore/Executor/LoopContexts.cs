// Executor layer: the two contexts of a thread, taken and put back. A method's start puts back its caller's;
// the loop puts back its own after each piece of work (RunReady), so that nothing one piece sets reaches the
// next.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>The synchronization context and the AsyncLocals of a thread at one moment.</summary>
internal readonly struct LoopContexts(
    SynchronizationContext? context, ExecutionContext? flow, bool suppressed)
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static LoopContexts Now() => ExecutionContext.Capture() is { } flow
        ? new(SynchronizationContext.Current, flow, suppressed: false)
        : NowSuppressed();

    /// <summary>Two compares where nothing has changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Restore()
    {
        if (!ReferenceEquals(SynchronizationContext.Current, context))
            SynchronizationContext.SetSynchronizationContext(context);
        if (suppressed || !ReferenceEquals(ExecutionContext.Capture(), flow))
            RestoreFlow();
    }

    /// <summary>Under SuppressFlow a capture gives nothing: the flow is let on for the look.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static LoopContexts NowSuppressed()
    {
        ExecutionContext.RestoreFlow();
        ExecutionContext? flow = ExecutionContext.Capture();
        ExecutionContext.SuppressFlow();
        return new(SynchronizationContext.Current, flow, suppressed: true);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RestoreFlow()
    {
        if (ExecutionContext.IsFlowSuppressed())
            ExecutionContext.RestoreFlow();
        ExecutionContext.Restore(flow!);
        if (suppressed)
            ExecutionContext.SuppressFlow();
    }
}

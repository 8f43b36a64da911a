// Tests: what one piece of work does to the thread's contexts reaches neither its caller nor what runs next on the loop.

namespace RingCore.Tests.Executor;

public sealed class LoopContextsTests
{
    private static readonly AsyncLocal<string?> s_local = new();

    private static async RingTask SetsTheContext()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        await RingExecutor.Yield();
        SynchronizationContext.SetSynchronizationContext(null);
    }

    private static async RingTask SetsTheLocal()
    {
        s_local.Value = "callee";
        await RingExecutor.Yield();
    }

    [Fact]
    public void TaskThatSetsASynchronizationContext_ChangesItForNobodyElse() => Live.OnThread(() => RingExecutor.Run(async () =>
    {
        Live.RequireIoUring();
        SynchronizationContext? own = SynchronizationContext.Current;
        Assert.NotNull(own);
        RingTask task = SetsTheContext();
        Assert.Same(own, SynchronizationContext.Current); // The caller's.
        await RingExecutor.Yield();
        await RingExecutor.Yield();
        Assert.Same(own, SynchronizationContext.Current); // Another task's turn.
        await task;
        Assert.Same(own, SynchronizationContext.Current);
        Assert.True(await Foreign()); // Task code comes home.

        static async Task<bool> Foreign()
        {
            await Task.Delay(1);
            return RingExecutor.Current is not null;
        }
    }));

    [Fact]
    public void LocalSetInAPostedCallback_StaysThere() => Live.OnThread(() => RingExecutor.Run(async () =>
    {
        Live.RequireIoUring();
        SynchronizationContext.Current!.Post(_ => s_local.Value = "posted", null);
        IProgress<int> progress = new Progress<int>(_ => s_local.Value = "progress");
        progress.Report(1);
        RingExecutor.Current!.Post(() => s_local.Value = "post");
        string? seen = "never";
        _ = RingExecutor.Spawn(async () =>
        {
            await RingExecutor.Yield();
            seen = s_local.Value;
        });
        await RingExecutor.Yield();
        await RingExecutor.Yield();
        await RingExecutor.Yield();
        Assert.Null(seen);
        Assert.Null(s_local.Value);
    }));

    [Fact]
    public void LocalSetUnderSuppressFlow_DoesNotReachTheCaller() => Live.OnThread(() => RingExecutor.Run(async () =>
    {
        Live.RequireIoUring();
        s_local.Value = "caller";
        RingTask task;
        using (ExecutionContext.SuppressFlow())
        {
            task = SetsTheLocal();
            Assert.True(ExecutionContext.IsFlowSuppressed());
            Assert.Equal("caller", s_local.Value);
        }

        await task;
        Assert.Equal("caller", s_local.Value);
    }));

    [Fact]
    public void FlowLeftSuppressedByAPost_IsLetOnForTheNext() => Live.OnThread(() => RingExecutor.Run(async () =>
    {
        Live.RequireIoUring();
        RingExecutor.Current!.Post(() => _ = ExecutionContext.SuppressFlow());
        await RingExecutor.Yield();
        await RingExecutor.Yield();
        Assert.False(ExecutionContext.IsFlowSuppressed());
    }));
}

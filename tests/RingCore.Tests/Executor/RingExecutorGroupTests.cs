// Tests: Executor. A group of executors: as many threads as asked for, bound to processors where that is wanted, started and
// stopped a hundred times without a rest.

using RingCore.Sys;
using RingCore.Tests.Handles;

namespace RingCore.Tests.Executor;

public sealed class RingExecutorGroupTests : LiveTest
{
    [Fact]
    public async Task Executors_HaveThreadsAndNamesOfTheirOwn()
    {
        RequireIoUring();
        await using RingExecutorGroup group = RingExecutorGroup.Start(3, new RingOptions { Name = "member" });
        Assert.Equal(["member-0", "member-1", "member-2"], group.Executors.Select(executor => executor.Name));
        int[] threads = await Live.Bounded(Task.WhenAll(group.Executors.Select(executor =>
            executor.InvokeAsync(() => ValueTask.FromResult(Environment.CurrentManagedThreadId)))));
        Assert.Equal(3, threads.Distinct().Count());
    }

    [Fact]
    public async Task Default_IsOneForEachProcessor()
    {
        RequireIoUring();
        await using RingExecutorGroup group = RingExecutorGroup.Start();
        Assert.Equal(Environment.ProcessorCount, group.Executors.Count);
    }

    [Fact]
    public async Task Pinned_EachThreadHasOneProcessor_AndTheyTakeTurns()
    {
        RequireIoUring();
        int count = Environment.ProcessorCount + 1;
        await using RingExecutorGroup group = RingExecutorGroup.Start(count, pin: true);
        ulong[] masks = await Live.Bounded(Task.WhenAll(group.Executors.Select(executor => executor.InvokeAsync(() => ValueTask.FromResult(Affinity())))));
        Assert.All(masks, mask => Assert.Equal(1, System.Numerics.BitOperations.PopCount(mask)));
        Assert.Equal(Environment.ProcessorCount, masks.Distinct().Count());
        Assert.Equal(masks[0], masks[^1]);

        static unsafe ulong Affinity()
        {
            ulong* mask = stackalloc ulong[16];
            new Span<ulong>(mask, 16).Clear();
            Assert.Equal(0, Libc.sched_getaffinity(0, 16 * sizeof(ulong), mask));
            return mask[0];
        }
    }

    [Fact]
    public void ZeroExecutors_AreRefused_AndSoAreBadOptions()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => RingExecutorGroup.Start(0));
        RequireIoUring();
        Assert.Throws<ArgumentOutOfRangeException>(() => RingExecutorGroup.Start(2, new RingOptions { SqEntries = 0 }));
    }

    [Fact]
    public async Task StartedAndStoppedAHundredTimes_NothingIsLeft()
    {
        RequireIoUring();
        List<string> before = Descriptors();
        for (int i = 0; i < 100; i++)
        {
            await using RingExecutorGroup group = RingExecutorGroup.Start(3, new RingOptions { SqEntries = 8, CqEntries = 16 });
            if (i % 3 == 0)
                await Live.Bounded(group.Executors[i % 2].InvokeAsync(async () => await RingExecutor.Yield()));
        }

        AssertDescriptors(before);
    }

    [Fact]
    public async Task StoppedWithWorkUnderWay_EndsWithinItsBound()
    {
        RequireIoUring();
        RingExecutorGroup group = RingExecutorGroup.Start(2);
        Task[] waiting = [.. group.Executors.Select(executor => executor.InvokeAsync(async () => await RingExecutor.Delay(TimeSpan.FromHours(1))))];
        await Live.Bounded(group.DisposeAsync().AsTask());
        foreach (Task task in waiting)
            await Assert.ThrowsAnyAsync<Exception>(() => Live.Bounded(task));
        await Live.Bounded(group.DisposeAsync().AsTask()); // Again is harmless.
    }
}

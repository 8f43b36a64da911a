// Tests: Executor. Tasks that never let go of the loop do not keep I/O, timers and posts from it: a turn runs a bounded number
// of continuations, and the counter tells that it did.

namespace RingCore.Tests.Executor;

public sealed class FairnessTests
{
    [Theory]
    [InlineData(1, RingFeatures.None)]
    [InlineData(7, RingFeatures.None)]
    [InlineData(256, RingFeatures.None)]
    [InlineData(256, RingFeatures.DeferTaskrun)]
    [InlineData(256, ~RingFeatures.Linux510)]
    public void TasksThatWakeEachOtherForEver_StarveNeitherIoNorTimersNorPosts(int quota, RingFeatures without)
    {
        RingCounters counters = Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            bool stop = false;
            var tasks = new List<RingTask>();
            for (int i = 0; i < 300; i++)
                tasks.Add(RingExecutor.Spawn(Spin));

            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            {
                byte[] buffer = new byte[8];
                for (int i = 0; i < 50; i++)
                {
                    ValueTask<int> read = left.ReadAsync(buffer);
                    await right.WriteAsync(new byte[] { (byte)i });
                    Assert.Equal(1, await read);
                    Assert.Equal(i, buffer[0]);
                }
            }

            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            var posted = new TaskCompletionSource();
            ThreadPool.QueueUserWorkItem(_ => ring.Post(posted.SetResult));
            await posted.Task;
            stop = true;
            foreach (RingTask task in tasks)
                await task;

            async RingTask Spin()
            {
                while (!stop)
                    await RingExecutor.Yield();
            }
        }, new RingOptions { TurnQuota = quota, Without = without });
        Assert.True(counters.QuotaSpent > 0);
    }

    [Fact]
    public void ATurn_RunsNoMoreThanItsQuota()
    {
        RingCounters counters = Live.Run(async () =>
        {
            for (int i = 0; i < 100; i++)
                await RingExecutor.Yield();
        }, new RingOptions { TurnQuota = 10 });
        Assert.True(counters.Resumes <= counters.Turns * 10, $"{counters.Resumes} continuations in {counters.Turns} turns");
        Assert.True(counters.QuotaSpent >= 9);
    }

    [Fact]
    public void ATurn_RunsAllThatWasReadyWhenItBegan()
    {
        RingCounters counters = Live.Run(async () =>
        {
            var tasks = new List<RingTask>();
            for (int i = 0; i < 100; i++)
                tasks.Add(RingExecutor.Spawn(async () => await RingExecutor.Yield()));
            foreach (RingTask task in tasks)
                await task;
        }, new RingOptions { TurnQuota = 10 });
        Assert.InRange(counters.Turns, 1, 20);
    }
}

// Tests: Executor. The door for other threads: order per sender, nothing lost, and above all no lost wake-up, however a post and
// the owner's falling asleep interleave.

namespace RingCore.Tests.Executor;

public sealed class PostTests
{
    [Fact]
    public void FourSendersOf50000_NoneLost_EachInOrder()
    {
        const int Senders = 4, Each = 50_000;
        RingCounters counters = Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            int home = Environment.CurrentManagedThreadId;
            int[] next = new int[Senders];
            int wrong = 0, total = 0;
            var done = new TaskCompletionSource();
            for (int s = 0; s < Senders; s++)
            {
                int sender = s;
                new Thread(() =>
                {
                    for (int i = 0; i < Each; i++)
                    {
                        int value = i;
                        ring.Post(() =>
                        {
                            if (next[sender]++ != value || Environment.CurrentManagedThreadId != home)
                                wrong++;
                            if (++total == Senders * Each)
                                done.SetResult();
                        });
                    }
                })
                { IsBackground = true }.Start();
            }

            await done.Task;
            Assert.Equal(0, wrong);
            Assert.All(next, n => Assert.Equal(Each, n));
        });
        Assert.True(counters.Posts >= Senders * Each);
        Assert.True(counters.Wakes <= counters.Posts, "at most one signal a post");
    }

    [Fact]
    public void Post_GoesBehindWhatIsReady()
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            var order = new List<int>();
            ring.Post(() => order.Add(3));
            RingTask ready = RingExecutor.Spawn(async () =>
            {
                order.Add(1);
                await RingExecutor.Yield();
                order.Add(2);
            });
            await ready;
            await RingExecutor.Yield();
            await RingExecutor.Yield();
            await RingExecutor.Delay(TimeSpan.Zero);
            Assert.Equal([1, 2, 3], order);
        });
    }

    /// <summary>One post at a time, each sent when the owner is about to sleep: a lost wake-up would leave the ring asleep for ever.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PostInTheMomentOfFallingAsleep_AlwaysWakes(bool as510)
    {
        const int Rounds = 10_000;
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        RingOptions options = as510 ? new RingOptions { Without = ~RingFeatures.Linux510 } : new RingOptions();
        RingCounters counters = Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            int received = 0;
            var done = new TaskCompletionSource();
            new Thread(() =>
            {
                var random = new Random(seed);
                for (int i = 0; i < Rounds; i++)
                {
                    ring.Post(() => Volatile.Write(ref received, received + 1)); // Release: pairs with the read below.
                    while (Volatile.Read(ref received) <= i) // Acquire: pairs with the write above.
                        Thread.SpinWait(1);
                    Thread.SpinWait(random.Next(400)); // Somewhere around the store of _asleep, the look, and the enter.
                }

                ring.Post(() => done.SetResult());
            })
            { IsBackground = true }.Start();
            await done.Task;
            Assert.Equal(Rounds, received);
        }, options, timeout: TimeSpan.FromMinutes(2)); // On a busy machine each round can cost a time slice.
        Assert.True(counters.Wakes > 0, "the ring never slept: the test tested nothing");
    }

    [Fact]
    public void PostFromASleepingRingsForeigner_WakesAParkedEnter()
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            for (int i = 0; i < 20; i++)
            {
                var woken = new TaskCompletionSource();
                long waits = ring.Counters.Waits;
                ThreadPool.QueueUserWorkItem(_ =>
                {
                    SpinWait.SpinUntil(() => ring.Counters.Waits > waits, TimeSpan.FromSeconds(1)); // Parked, or as good as.
                    ring.Post(woken.SetResult);
                });
                await woken.Task;
            }
        });
    }

    [Fact]
    public void PostedException_IsReported_AndTheLoopGoesOn()
    {
        using var faults = new FaultRecorder("posted exception");
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            ring.Post(() => throw new FormatException("posted"));
            ring.Post(async () =>
            {
                await RingExecutor.Yield();
                throw new FormatException("posted async");
            });
            ring.Post((Func<RingTask>)(() => throw new FormatException("posted factory")));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
        }, new RingOptions { Name = "posted exception" });
        Assert.Equal(["posted", "posted async", "posted factory"], faults.Messages.Order());
    }
}

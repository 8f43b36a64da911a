// Tests: Executor. Delay and Yield: order, never early, nothing, for ever, ten thousand, cancelled; with the deadline in the enter
// and with the TIMEOUT op of kernels that cannot. No test waits for a time to have passed, except that it was not too short.

using System.Diagnostics;

namespace RingCore.Tests.Executor;

public sealed class TimerTests
{
    public static TheoryData<RingFeatures> Both => [RingFeatures.None, RingFeatures.ExtArg];

    [Theory]
    [MemberData(nameof(Both))]
    public void Delays_EndInTheOrderOfTheirDeadlines_NeverEarly(RingFeatures without)
    {
        Live.Run(async () =>
        {
            int[] times = [40, 5, 30, 1, 0, 20, 10];
            var ended = new List<int>();
            var tasks = new List<RingTask>();
            foreach (int time in times)
            {
                tasks.Add(RingExecutor.Spawn(async () =>
                {
                    long start = Stopwatch.GetTimestamp();
                    await RingExecutor.Delay(TimeSpan.FromMilliseconds(time));
                    Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(time), $"{time} ms ended early");
                    ended.Add(time);
                }));
            }

            foreach (RingTask task in tasks)
                await task;
            Assert.Equal(times.Order(), ended);
        }, Options(without));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void EarlierTimer_SetWhileALaterOneIsWaitedFor_IsNotLate(RingFeatures without)
    {
        Live.Run(async () =>
        {
            using var source = new CancellationTokenSource();
            RingTask late = RingExecutor.Spawn(async () => await RingExecutor.Delay(TimeSpan.FromHours(1), source.Token));
            for (int i = 0; i < 5; i++)
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1)); // The test's own timeout is the assertion.
            source.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await late);
        }, Options(without));
    }

    [Fact]
    public void Zero_GoesThroughTheLoop_Negative_Throws()
    {
        Live.Run(async () =>
        {
            ValueTask zero = RingExecutor.Delay(TimeSpan.Zero);
            Assert.False(zero.IsCompleted);
            await zero;
            Assert.Throws<ArgumentOutOfRangeException>(() => { _ = RingExecutor.Delay(TimeSpan.FromTicks(-1)); });
        });
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void ForEver_IsSleptThrough_AndCanBeCancelled(RingFeatures without)
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            using var source = new CancellationTokenSource();
            ValueTask never = RingExecutor.Delay(TimeSpan.MaxValue, source.Token);
            ValueTask almost = RingExecutor.Delay(TimeSpan.FromDays(100_000), source.Token);
            long enters = ring.Counters.Enters;
            var woken = new TaskCompletionSource();
            using var timer = new Timer(_ => woken.SetResult(), null, 100, Timeout.Infinite);
            await woken.Task;
            Assert.InRange(ring.Counters.Enters - enters, 1, 50); // Asleep, not spinning on a deadline that overflowed.
            source.Cancel();
            var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await never);
            Assert.Equal(source.Token, e.CancellationToken);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await almost);
        }, Options(without));
    }

    [Fact]
    public void TenThousandTimers_AllEnd_InOrder()
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        Live.Run(async () =>
        {
            var random = new Random(seed);
            RingExecutor ring = RingExecutor.Current!;
            var fired = new List<long>();
            long now = ring.Timers.NowNs;
            for (int i = 0; i < 10_000; i++)
                ring.Timers.Add(new Probe(now + random.Next(60_000_000), fired));
            while (fired.Count < 10_000)
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
            Assert.Equal(fired.Order(), fired);
            Assert.Equal(0, ring.Timers.Count);
        });
    }

    private sealed class Probe(long deadlineNs, List<long> fired) : IRingTimer
    {
        public long DeadlineNs => deadlineNs;

        public int HeapIndex { get; set; } = -1;

        public void Fire() => fired.Add(deadlineNs);
    }

    [Fact]
    public void Cancellation_BeforeDuringAndFromOtherThreads_LeavesTheHeapEmpty()
    {
        int seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            var cancelled = new CancellationToken(canceled: true);
            ValueTask refused = RingExecutor.Delay(TimeSpan.FromHours(1), cancelled);
            Assert.True(refused.IsCanceled);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await refused);

            var random = new Random(seed);
            int ended = 0, stopped = 0;
            for (int i = 0; i < 2_000; i++)
            {
                using var source = new CancellationTokenSource();
                int spins = random.Next(2_000);
                var started = new ManualResetEventSlim();
                ThreadPool.QueueUserWorkItem(_ =>
                {
                    started.Set();
                    Thread.SpinWait(spins);
                    source.Cancel();
                });
                started.Wait();
                try
                {
                    await RingExecutor.Delay(TimeSpan.FromMicroseconds(random.Next(20)), source.Token);
                    ended++;
                }
                catch (OperationCanceledException e)
                {
                    Assert.Equal(source.Token, e.CancellationToken);
                    stopped++;
                }

                while (!source.IsCancellationRequested)
                    await RingExecutor.Yield();
            }

            Assert.Equal(2_000, ended + stopped);
            Assert.Equal(0, ring.Timers.Count);
        });
    }

    [Fact]
    public void Yield_GoesBehindEverythingThatIsReady()
    {
        Live.Run(async () =>
        {
            var order = new List<string>();
            RingTask a = Work("a"), b = Work("b"), c = Work("c");
            await a;
            await b;
            await c;
            Assert.Equal(["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"], order);

            async RingTask Work(string name)
            {
                for (int i = 0; i < 3; i++)
                {
                    order.Add($"{name}{i}");
                    await RingExecutor.Yield();
                }
            }
        });
    }

    [Fact]
    public void IdleSecondWithOneTimer_EntersOnce()
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            RingCounters before = ring.Counters;
            await RingExecutor.Delay(TimeSpan.FromSeconds(1));
            RingCounters spent = ring.Counters - before;
            Assert.InRange(spent.Enters, 1, 4); // 1, and a few if signals of the runtime interrupt it.
        });
    }

    private static RingOptions Options(RingFeatures without) => new() { Without = without };
}

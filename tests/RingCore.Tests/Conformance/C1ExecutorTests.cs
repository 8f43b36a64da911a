// Tests: conformance group C1 as far as an executor shows it: foreign threads, teardown with operations pending, a process that
// ends with operations pending, lost wake-ups and posts from several threads (C5 53, 54).

using System.Diagnostics;
using RingCore.Sys;
using RingCore.Tests.Handles;

namespace RingCore.Tests.Conformance;

public sealed class C1ExecutorTests : LiveTest
{
    [Theory, MemberData(nameof(Modes))] // 16, 17
    public void ExecutorsWithPendingOps_EndSoon_AndLeaveNothing(string mode)
    {
        RequireIoUring();
        RingExecutor.Start(Options(mode)).DisposeAsync().AsTask().Wait();
        List<string> before = Descriptors();
        int leaked = RingExecutor.LeakedOps;
        for (int i = 0; i < 30; i++)
        {
            RingExecutor executor = RingExecutor.Start(Options(mode));
            bool ended = false;
            executor.Post(async () =>
            {
                (RingConnection a, RingConnection b) = UnixPair();
                using (a)
                using (b)
                {
                    ValueTask<OpResult> timer = Op.Timeout(TimeSpan.FromHours(1)).Start();
                    ValueTask<OpResult> poll = Op.Poll(a, SocketConstants.POLLIN).Start();
                    await Throws<OperationCanceledException>(async () => await b.ReadAsync(new byte[1]));
                    Assert.Equal(-Errno.ECANCELED, (await timer).Res);
                    Assert.Equal(-Errno.ECANCELED, (await poll).Res);
                    ended = true;
                }
            });
            if (i % 2 == 0)
                executor.InvokeAsync(async () => await RingExecutor.Yield()).Wait();
            Assert.True(executor.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(4)), "teardown is slow");
            Assert.True(ended || i % 2 == 1);
        }

        Assert.Equal(leaked, RingExecutor.LeakedOps);
        AssertDescriptors(before);
    }

    [Fact] // 16
    public void ProcessThatExitsWithPendingOps_Ends() => DescriptorLimitTests.RunChild(nameof(Child_ExitWithPendingOps), typeof(C1ExecutorTests));

    [Theory, MemberData(nameof(Modes))]
    public void Child_ExitWithPendingOps(string mode)
    {
        DescriptorLimitTests.OnlyInChild();
        RingExecutor executor = RingExecutor.Start(Options(mode));
        executor.InvokeAsync(async () =>
        {
            (RingConnection a, RingConnection b) = UnixPair();
            for (int i = 0; i < 100; i++)
                _ = Op.Poll(i % 2 == 0 ? a : b, SocketConstants.POLLIN).Start();
            _ = Op.Timeout(TimeSpan.FromHours(1)).Start();
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        }).Wait();
    } // Never disposed: the process ends all the same, and in time.

    [Theory, MemberData(nameof(AllModes))] // 53
    public void PostsFromSeveralThreads_AllArrive_InEachSendersOrder(string mode) => Run(mode, async () =>
    {
        RingExecutor executor = RingExecutor.Current!;
        const int senders = 4;
        const int each = 20_000;
        int[] next = new int[senders];
        int wrong = 0;
        Task[] sending = [.. Enumerable.Range(0, senders).Select(sender => Task.Run(() =>
        {
            for (int i = 0; i < each; i++)
            {
                int number = i;
                executor.Post(() =>
                {
                    if (next[sender]++ != number)
                        wrong++;
                });
            }
        }))];
        await Task.WhenAll(sending);
        await Until(() => next.Sum() == senders * each);
        Assert.Equal(0, wrong);
    });

    [Theory, MemberData(nameof(AllModes))] // 54
    public void PostWhileFallingAsleep_IsNeverLost(string mode)
    {
        RequireIoUring();
        RingExecutor executor = RingExecutor.Start(Options(mode));
        for (int i = 0; i < 20_000; i++)
        {
            Task<int> answer = executor.InvokeAsync(async () =>
            {
                await RingTask.CompletedTask;
                return 1;
            });
            Assert.True(answer.Wait(TimeSpan.FromSeconds(20)), $"post {i} was lost");
        }

        Assert.True(executor.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(4)));
    }

    [Theory, MemberData(nameof(Modes))] // 9, 12
    public void Delays_AreNotEarly_AndEndInOrder(string mode) => Run(mode, async () =>
    {
        var order = new List<int>();
        long start = Stopwatch.GetTimestamp();
        RingTask[] delays = [.. new[] { 30, 10, 20, 0 }.Select(ms => RingExecutor.Spawn(async () =>
        {
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(ms));
            Assert.True(Stopwatch.GetElapsedTime(start).TotalMilliseconds >= ms);
            order.Add(ms);
        }))];
        foreach (RingTask delay in delays)
            await delay;
        Assert.Equal([0, 10, 20, 30], order);
    });
}

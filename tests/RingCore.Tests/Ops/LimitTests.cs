// Tests: queues at their limits: a tiny submission queue with many tasks, a completion queue overflowed four times over, enter's
// errors in the middle of work, and timers on a kernel whose enter takes no deadline. Nothing is lost and nothing spins.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class LimitTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ManyTasksOnATinyRing_AllEnd(bool old)
    {
        using FakeKernel kernel = old ? FakeKernel.Linux510() : new FakeKernel { StartIndex = uint.MaxValue - 500 };
        kernel.On(IORING_OP_RECV).Always(op => op.Finish(1));
        kernel.Run(async () =>
        {
            int ended = 0;
            var tasks = new RingTask[300];
            for (int i = 0; i < tasks.Length; i++)
            {
                tasks[i] = RingExecutor.Spawn(async () =>
                {
                    using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
                    for (int round = 0; round < 5; round++)
                    {
                        Assert.Equal(0, (await Op.Nop()).Res);
                        Assert.Equal(1, (await Op.Recv(handle, new byte[4]).WithTimeout(TimeSpan.FromSeconds(1))).Res);
                    }

                    ended++;
                });
            }

            foreach (RingTask task in tasks)
                await task;
            Assert.Equal(300, ended);
            RingCounters counters = RingExecutor.Current!.Counters;
            Assert.True(counters.SqFull > 0);
            Assert.InRange(counters.Enters, 1, 300 * 5 * 3); // Each takes an SQE or brings CQEs to light.
        }, new RingOptions { SqEntries = 2, CqEntries = 2, TurnQuota = 7 });
        Assert.Equal(300 * 5, kernel.Taken.Count(op => op.Opcode == IORING_OP_RECV));
    }

    [Fact]
    public void CqOverflowedFourTimes_NothingIsLost()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await Op.Nop();
            var nops = new ValueTask<OpResult>[40];
            for (int i = 0; i < nops.Length; i++)
                nops[i] = Op.Nop().Start();
            await Op.Nop();
            foreach (ValueTask<OpResult> nop in nops)
                Assert.Equal(0, (await nop).Res);
            Assert.True(RingExecutor.Current!.Counters.Overflows > 0);
        }, new RingOptions { SqEntries = 8, CqEntries = 8 });
    }

    [Theory]
    [InlineData(Errno.EBUSY)]
    [InlineData(Errno.EAGAIN)]
    [InlineData(Errno.EINTR)]
    public void EnterRefused_IsTriedAgain(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await Op.Nop();
            kernel.RefuseEnter(errno, times: 3);
            Assert.Equal(0, (await Op.Nop()).Res);
            kernel.TakeAndFail(1, errno);
            ValueTask<OpResult> first = Op.Nop().Start();
            ValueTask<OpResult> second = Op.Nop().Start();
            Assert.Equal(0, (await first).Res);
            Assert.Equal(0, (await second).Res);
            RingCounters counters = RingExecutor.Current!.Counters;
            Assert.Equal(errno == Errno.EINTR ? (0, 4) : (4, 0), (counters.Busy, counters.Interrupted));
        });
    }

    [Fact]
    public void BusyWhileTheSqIsFull_ReapsAndGoesOn()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await Op.Nop();
            var nops = new ValueTask<OpResult>[20];
            for (int i = 0; i < nops.Length; i++)
            {
                if (i == 8)
                    kernel.RefuseEnter(Errno.EBUSY, times: 2);
                nops[i] = Op.Nop().Start();
            }

            foreach (ValueTask<OpResult> nop in nops)
                Assert.Equal(0, (await nop).Res);
            Assert.Equal(2, RingExecutor.Current!.Counters.Busy);
        });
    }

    /// <summary>A reap whose sinks start ops, on a full SQ, with a busy kernel: it reaps inside the reap. No CQE is lost or seen twice.</summary>
    [Fact]
    public void ReapInsideTheReap_LosesNoCqe()
    {
        using var kernel = new FakeKernel();
        int sends = 0;
        kernel.On(IORING_OP_SEND).Always(op =>
        {
            bool first = ++sends <= 6;
            if (sends == 6)
                kernel.RefuseEnter(Errno.EBUSY, times: 1); // The next enter is the one that the reap of these six makes.
            op.Finish(first ? 3 : 5);
        });
        kernel.Run(async () =>
        {
            var connections = new RingConnection[6];
            var writes = new ValueTask[6];
            for (int i = 0; i < 6; i++)
            {
                connections[i] = RingConnection.Adopt(kernel.NewFd());
                writes[i] = connections[i].WriteAsync(new byte[8]);
            }

            foreach (ValueTask write in writes)
                await write;
            foreach (RingConnection connection in connections)
                connection.Dispose();
            Assert.Equal(0, RingExecutor.Current!.Counters.StaleCqes);
            Assert.Equal(1, RingExecutor.Current!.Counters.Busy);
        }, new RingOptions { SqEntries = 2, CqEntries = 32 });
        Assert.Equal(12, sends);
    }

    [Fact]
    public void PartialSubmit_TheRestGoesWithTheNextEnter()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await Op.Nop();
            kernel.TakeAtMost(2);
            var nops = new ValueTask<OpResult>[5];
            for (int i = 0; i < nops.Length; i++)
                nops[i] = Op.Nop().Start();
            foreach (ValueTask<OpResult> nop in nops)
                Assert.Equal(0, (await nop).Res);
            Assert.Equal(1, RingExecutor.Current!.Counters.PartialSubmits);
        });
    }

    [Fact]
    public void InterruptedWait_IsTakenUpAgain()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).After(TimeSpan.FromSeconds(1), 3);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await Op.Nop();
            ValueTask<OpResult> read = Op.Recv(handle, new byte[4]).Start();
            kernel.InterruptWait();
            kernel.InterruptWait();
            kernel.InterruptWait();
            Assert.Equal(3, (await read).Res);
            Assert.Equal(2, RingExecutor.Current!.Counters.Interrupted); // The first took an SQE: that hides the signal.
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Delays_EndInOrderAndNeverEarly(bool old)
    {
        using FakeKernel kernel = old ? FakeKernel.Linux510() : new FakeKernel();
        long end = 0;
        kernel.Run(async () =>
        {
            long start = kernel.NowNs;
            var order = new List<int>();
            RingTask[] tasks = [.. new[] { 5, 1, 3 }.Select(seconds => RingExecutor.Spawn(async () =>
            {
                await RingExecutor.Delay(TimeSpan.FromSeconds(seconds));
                order.Add(seconds);
                Assert.Equal(seconds * 1_000_000_000L, kernel.NowNs - start);
            }))];
            await Op.Nop();
            foreach (RingTask task in tasks)
                await task;
            Assert.Equal([1, 3, 5], order);
            end = kernel.NowNs;
        });
        Assert.Equal(end, kernel.NowNs); // Shutdown waits for no timer.
        Assert.Equal(old, kernel.Taken.Any(op => op.Opcode == IORING_OP_TIMEOUT));
    }

    [Fact]
    public void WithoutExtArg_AnEarlierTimerReplacesTheStandingOp()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            long start = kernel.NowNs;
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            RingTask late = RingExecutor.Spawn(async () => await RingExecutor.Delay(TimeSpan.FromSeconds(9)));
            ValueTask<OpResult> read = Op.Recv(handle, new byte[4]).Start();
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 1)); // The 9 s timer is armed by then.
            await read;
            Assert.Single(kernel.InFlight(IORING_OP_TIMEOUT));
            await RingExecutor.Delay(TimeSpan.FromSeconds(2));
            Assert.Equal(2_000_000_000, kernel.NowNs - start);
            await late;
            Assert.Equal(9_000_000_000, kernel.NowNs - start);
            Assert.InRange(kernel.Taken.Count(op => op.Opcode == IORING_OP_TIMEOUT), 3, 4);
        });
    }

    [Fact]
    public void WithoutExtArg_DeadlineOfAConnectStillStrikes()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        kernel.Hold(IORING_OP_CONNECT);
        kernel.Run(async () =>
        {
            var endPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 9);
            Assert.IsType<TimeoutException>(await Caught.By(RingConnection.ConnectAsync(endPoint, TimeSpan.FromSeconds(1))));
        });
    }

    [Fact]
    public void TasksThatNeverWait_DoNotStarveCompletions()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            bool done = false;
            int spins = 0;
            RingTask spinner = RingExecutor.Spawn(async () =>
            {
                while (!done)
                {
                    if (++spins == 100)
                        kernel.Complete(IORING_OP_RECV, 1);
                    Assert.True(spins < 1000);
                    await RingExecutor.Yield();
                }
            });
            await Op.Recv(handle, new byte[4]);
            done = true;
            await spinner;
        }, new RingOptions { SqEntries = 8, CqEntries = 16, TurnQuota = 4 });
    }

    [Fact]
    public void WideStorage_ComesBackWithTheTerminalCqe()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_WRITEV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            OpTable table = RingExecutor.Current!.Driver.Table;
            int before = table.InUse;
            ReadOnlyMemory<byte>[] parts = [.. Enumerable.Range(0, 200).Select(_ => (ReadOnlyMemory<byte>)new byte[1])];
            ValueTask<OpResult> small = Op.Writev(handle, parts[..2]).Start();
            ValueTask<OpResult> large = Op.Writev(handle, parts).Start();
            Assert.Equal((before + 2, Wide(2) + Wide(200)), (table.InUse, table.BlockBytes));
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_WRITEV, 2)).WhenIdle(() => kernel.Complete(IORING_OP_WRITEV, 200));
            Assert.Equal(2, (await small).Res);
            Assert.Equal((before + 1, Wide(200)), (table.InUse, table.BlockBytes));
            Assert.Equal(200, (await large).Res);
            Assert.Equal((before, 0L), (table.InUse, table.BlockBytes));
        });

        static unsafe long Wide(int memories) => sizeof(msghdr) + memories * sizeof(iovec);
    }

    /// <summary>Two SQEs never fit into a queue of one: said at once, and not after a second of trying.</summary>
    [Fact]
    public void DeadlineInAQueueOfOne_IsRefused()
    {
        using var kernel = new FakeKernel();
        kernel.Run(
            async () =>
            {
                long before = kernel.NowNs;
                Assert.Throws<ArgumentException>(() => { _ = Op.Nop().WithTimeout(TimeSpan.FromSeconds(1)).Start(); });
                Assert.Equal(before, kernel.NowNs);
                Assert.Equal(0, (await Op.Nop()).Res);
            },
            new RingOptions { SqEntries = 1, CqEntries = 16 });
    }
}

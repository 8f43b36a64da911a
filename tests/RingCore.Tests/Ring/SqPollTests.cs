// Tests: the submission poller: which flags it excludes and how its refusal is survived, when it is woken and when it is left alone,
// a queue that fills because it is slow, and the fence without which a wake-up would be lost.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.EnterFlags;
using static RingCore.Sys.SetupFlags;

namespace RingCore.Tests.Rings;

public sealed class SqPollTests
{
    private static readonly RingOptions s_polled = new() { SqEntries = 8, CqEntries = 16, SqPoll = TimeSpan.FromMilliseconds(20) };

    [Fact]
    public void Poller_ExcludesDeferredAndCooperativeTaskWork()
    {
        using var kernel = new FakeKernel();
        using (var ring = new Ring(kernel.Options(s_polled)))
        {
            Assert.True(ring.IsPolled);
            Assert.Equal(RingFeatures.SqPoll, ring.Features & (RingFeatures.SqPoll | RingFeatures.DeferTaskrun | RingFeatures.CoopTaskrun));
            Assert.Equal(
                IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SQPOLL | IORING_SETUP_SINGLE_ISSUER
                | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_NO_SQARRAY, ring.SetupFlags);
            Assert.Equal(20u, kernel.PollerIdleMs);
            Assert.Empty(ring.Dropped);
            Assert.Single(kernel.Setups);
        }

        kernel.AssertReleased();
    }

    [Fact]
    public void NotAskedFor_NoPoller()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        Assert.False(ring.IsPolled);
        Assert.False(ring.Features.HasFlag(RingFeatures.SqPoll));
    }

    [Theory]
    [InlineData(Errno.EPERM)] // 5.10 without privilege
    [InlineData(Errno.EINVAL)] // a core that is not there
    [InlineData(Errno.EAGAIN)] // no thread to be had
    public void PollerRefused_TheLadderBeginsAnewWithoutIt(int errno)
    {
        using var kernel = new FakeKernel { PollerErrno = errno };
        using (var ring = new Ring(kernel.Options(s_polled)))
        {
            Assert.False(ring.IsPolled);
            Assert.Equal(["SqPoll"], ring.Dropped);
            Assert.True(ring.Features.HasFlag(RingFeatures.DeferTaskrun));
            Assert.True(ring.Features.HasFlag(RingFeatures.NoSqArray));
        }

        kernel.AssertReleased();
    }

    [Theory]
    [InlineData(Features.IORING_FEAT_SQPOLL_NONFIXED)]
    [InlineData(Features.IORING_FEAT_EXT_ARG)]
    public void PollerOfAnOldKernel_IsGivenUp_AndItsRingClosed(uint missing)
    {
        using var kernel = new FakeKernel();
        kernel.Features &= ~missing;
        using (var ring = new Ring(kernel.Options(s_polled)))
        {
            Assert.False(ring.IsPolled);
            Assert.Equal(["SqPoll"], ring.Dropped);
            Assert.Single(kernel.Closes);
        }

        kernel.AssertReleased();
    }

    [Fact]
    public void OlderRungsAreGivenUpBeforeThePoller()
    {
        using var kernel = new FakeKernel { SupportedSetupFlags = FakeKernel.AllSetupFlags & ~IORING_SETUP_NO_SQARRAY };
        using var ring = new Ring(kernel.Options(s_polled));
        Assert.True(ring.IsPolled);
        Assert.Equal(["NoSqArray"], ring.Dropped);
    }

    [Fact]
    public void WithoutExtArg_NoPollerIsAskedFor()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options(s_polled with { Without = RingFeatures.ExtArg }));
        Assert.False(ring.IsPolled);
        Assert.Empty(ring.Dropped);
    }

    [Fact]
    public void Options_AreChecked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ring(new RingOptions { SqPoll = TimeSpan.Zero }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ring(new RingOptions { SqPoll = TimeSpan.FromHours(2) }));
    }

    [Fact]
    public void AwakePoller_IsNotCalled_AndSqesCountWhenPublished()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options(s_polled with { TraceEvents = 64 }));
        Nop(ring, 1);
        Nop(ring, 2);
        Assert.Equal(2u, ring.Pending);
        Assert.Equal(2, ring.Enter(minComplete: 0));
        Assert.Empty(kernel.Enters);
        Assert.Equal((0, 2, 0u), (ring.Counters.Enters, ring.Counters.Sqes, ring.Pending));
        Assert.Equal(6u, ring.Room); // Shown, and not taken yet.
        kernel.PollerTakes();
        Assert.Equal(8u, ring.Room);
        Assert.Equal(2u, ring.Ready);
        Assert.Equal(0, ring.Enter(minComplete: 0));
        Assert.Equal(2, ring.Counters.Sqes);
        Assert.Equal([(TraceKind.Published, 2)], ring.Trace.Snapshot().Select(e => (e.Kind, e.Submitted)));
    }

    [Fact]
    public void SleepingPoller_IsWokenOnce()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options(s_polled with { TraceEvents = 64 }));
        kernel.PollerFallsAsleep();
        Nop(ring, 1);
        Assert.Equal(1, ring.Enter(minComplete: 0));
        Assert.Equal(1, kernel.PollerWakes);
        Assert.Equal((1, 1), (ring.Counters.Enters, ring.Counters.Sqes));
        Assert.NotEqual(0u, Assert.Single(kernel.Enters).Flags & IORING_ENTER_SQ_WAKEUP);
        Assert.Equal(1u, ring.Ready);
        Assert.Equal([TraceKind.Published, TraceKind.Entered, TraceKind.EnterReturned], ring.Trace.Snapshot().Select(e => e.Kind));
        Nop(ring, 2);
        Assert.Equal(1, ring.Enter(minComplete: 0)); // Awake now.
        Assert.Single(kernel.Enters);
    }

    [Fact]
    public void PollerThatFallsAsleepAsItIsShownSqes_TakesThem()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options(s_polled));
        Nop(ring, 1);
        Assert.Equal(1, ring.Enter(minComplete: 0)); // B: the tail, then NEED_WAKEUP.
        kernel.PollerFallsAsleep();
        Assert.False(kernel.PollerSleeping);
        Assert.Equal(1u, ring.Ready);
    }

    [Fact]
    public void WaitWakesASleepingPollerAndWaits()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options(s_polled));
        kernel.PollerFallsAsleep();
        Nop(ring, 1);
        Assert.Equal(1, ring.Enter(minComplete: 1));
        FakeEnter enter = Assert.Single(kernel.Enters);
        Assert.Equal(IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS, enter.Flags & (IORING_ENTER_SQ_WAKEUP | IORING_ENTER_GETEVENTS));
        Assert.Equal(1, ring.Counters.Waits);
        Assert.Equal(1u, ring.Ready);
    }

    [Fact]
    public unsafe void FullQueue_FollowsThePollersOwnPace()
    {
        using var kernel = new FakeKernel { StartIndex = uint.MaxValue - 5 };
        using var ring = new Ring(kernel.Options(s_polled));
        for (ulong i = 0; i < 8; i++)
            Nop(ring, i);
        Assert.True(ring.TryGetSqe() == null);
        ring.Enter(minComplete: 0);
        Assert.True(ring.TryGetSqe() == null, "shown is not taken");
        Assert.Equal(0u, ring.Room);
        kernel.PollerTakes(3);
        for (ulong i = 8; i < 11; i++)
            Nop(ring, i);
        Assert.True(ring.TryGetSqe() == null);
        ring.Enter(minComplete: 0);
        kernel.PollerTakes();
        Assert.Equal(8u, ring.Room);
        Assert.Equal(11u, ring.Ready);
        for (uint i = 0; i < 11; i++)
            Assert.Equal(i, ring.CqeAt(i).user_data);
        Assert.Equal(11, ring.Counters.Sqes);
    }

    [Fact]
    public void SlowPoller_OpsAndChainsWaitForRoom_AndNoneIsLost()
    {
        using var kernel = new FakeKernel { PollerIsSlow = true };
        kernel.Run(async () =>
        {
            var ops = new List<ValueTask<OpResult>>();
            for (int i = 0; i < 20; i++)
            {
                kernel.WhenIdle(() => kernel.PollerTakes(1)).WhenIdle(() => kernel.PollerTakes(2));
                ops.Add(Op.Nop().Start());
            }

            for (int i = 0; i < 6; i++)
                kernel.WhenIdle(() => kernel.PollerTakes(2));
            ChainResult chain = await Op.Nop().Then(Op.Nop()).Then(Op.Nop()).Then(Op.Nop()).Then(Op.Nop()).Then(Op.Nop());
            Assert.True(chain.IsSuccess);
            foreach (ValueTask<OpResult> op in ops)
                Assert.Equal(0, (await op).Res);
            kernel.PollerIsSlow = false;
            Assert.True(RingExecutor.Current!.Counters.SqFull > 0);
        }, s_polled);
        Assert.Equal(26, kernel.Taken.Count(op => op.Opcode == io_uring_op.IORING_OP_NOP));
        Assert.DoesNotContain(kernel.Enters, enter => enter.Result < 0 && enter.Result != -Errno.ETIME);
    }

    [Fact]
    public void OverflowWithAnAwakePoller_IsFlushedByAnEnter()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            var ops = new List<ValueTask<OpResult>>();
            for (int i = 0; i < 6; i++)
                ops.Add(Op.Nop().Start());
            foreach (ValueTask<OpResult> op in ops)
                await op;
        }, s_polled with { SqEntries = 4, CqEntries = 4 });
    }

    /// <summary>
    /// Store-buffer litmus over the shared words, with a second thread as the poller: never may both miss each other. Without the
    /// fence in Publish this fails within a few thousand rounds on x86-64.
    /// </summary>
    [Fact]
    public unsafe void PublishAndFallAsleep_OneSeesTheOther()
    {
        const int rounds = 200_000;
        using var kernel = new FakeKernel { PollerIsSlow = true };
        using var ring = new Ring(kernel.Options(s_polled));
        (nint tailAddress, nint flagsAddress) = kernel.SharedSq;
        int turn = 0, lost = 0, played = 0;
        bool stop = false;
        uint head = 0;
        bool sawTail = false;
        var poller = new Thread(() =>
        {
            for (int round = 1; ; round++)
            {
                while (Volatile.Read(ref turn) != 2 * round - 1) // Acquire: the round's beginning.
                {
                    if (Volatile.Read(ref stop)) // Acquire: the end of the test.
                        return;
                }

                Interlocked.Or(ref *(uint*)flagsAddress, RingFlags.IORING_SQ_NEED_WAKEUP); // Full fence, as the kernel's.
                sawTail = Volatile.Read(ref *(uint*)tailAddress) != head; // Ordered by the fence above.
                Volatile.Write(ref turn, 2 * round); // Release: sawTail.
            }
        })
        { IsBackground = true };
        poller.Start();
        long give = Environment.TickCount64 + 3_000;
        for (int round = 1; round <= rounds && Environment.TickCount64 < give; round++)
        {
            Nop(ring, 1);
            long before = ring.Counters.Enters;
            Volatile.Write(ref turn, 2 * round - 1); // Release: the round's beginning.
            for (int delay = round % 97; delay > 0; delay--)
                Volatile.Read(ref turn); // Time alone: every way the two can meet has its turn.
            ring.Enter(minComplete: 0);
            bool woke = ring.Counters.Enters > before;
            while (Volatile.Read(ref turn) != 2 * round) // Acquire: sawTail.
                Thread.SpinWait(1);
            lost += woke || sawTail ? 0 : 1;
            played++;
            *(uint*)flagsAddress = 0;
            kernel.PollerTakes();
            ring.Advance(ring.Ready);
            head = *(uint*)tailAddress;
        }

        Volatile.Write(ref stop, true); // Release: the end of the test.
        poller.Join();
        TestContext.Current.TestOutputHelper?.WriteLine($"{played} rounds");
        Assert.Equal(0, lost);
    }

    [Fact]
    public void Live_IdleAndWokenAHundredTimes()
    {
        Live.RequireFeature(RingFeatures.ExtArg);
        Ring? ring = null;
        RingCounters counters = Live.Run(async () =>
        {
            ring = RingExecutor.Current!.Ring;
            Assert.True(ring.IsPolled, string.Join(", ", ring.Dropped));
            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            {
                byte[] sent = new byte[64], received = new byte[64];
                for (int i = 0; i < 100; i++)
                {
                    await RingExecutor.Delay(TimeSpan.FromMilliseconds(4)); // Longer than the poller stays awake.
                    sent[0] = (byte)i;
                    ValueTask<int> read = right.ReadAsync(received);
                    await left.WriteAsync(sent);
                    Assert.Equal(64, await read);
                    Assert.Equal(i, received[0]);
                }
            }
        }, new RingOptions { SqPoll = TimeSpan.FromMilliseconds(1) });
        Assert.Equal(0, counters.Overflows);
        Assert.True(counters.Sqes >= 200);
    }

    [Fact]
    public void Live_BusyPoller_ManyOpsWithFewEnters_AndTheSameResults()
    {
        Live.RequireFeature(RingFeatures.ExtArg);
        RingCounters counters = Live.Run(async () =>
        {
            var tasks = new List<RingTask>();
            for (int t = 0; t < 32; t++)
            {
                tasks.Add(RingExecutor.Spawn(async () =>
                {
                    for (int i = 0; i < 200; i++)
                        Assert.Equal(0, (await Op.Nop()).Res);
                }));
            }

            foreach (RingTask task in tasks)
                await task;
            ChainResult chain = await Op.Nop().Then(Op.Nop().WithTimeout(TimeSpan.FromSeconds(5))).Then(Op.Nop());
            Assert.True(chain.IsSuccess);
            Assert.Equal(-Errno.ETIME, (await Op.Timeout(TimeSpan.FromMilliseconds(1))).Res);
            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            {
                using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
                Assert.IsType<OperationCanceledException>(await Caught.By(right.ReadAsync(new byte[1], cancel.Token)), exactMatch: false);
            }
        }, new RingOptions { SqPoll = TimeSpan.FromMilliseconds(50), SqEntries = 16, CqEntries = 64 });
        Assert.True(counters.Sqes >= 6400);
    }

    private static unsafe void Nop(Ring ring, ulong userData)
    {
        io_uring_sqe* sqe = ring.TryGetSqe();
        Assert.True(sqe != null);
        sqe->opcode = io_uring_op.IORING_OP_NOP;
        sqe->user_data = userData;
    }
}

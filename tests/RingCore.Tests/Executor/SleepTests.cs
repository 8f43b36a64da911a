// Tests: the last look before the loop sleeps, where the enter carries no deadline. Finding room for the TIMEOUT op may enter and
// reap: what that made ready, or what was posted meanwhile, must run at once and not when the timer is due. Time is virtual.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Executor;

public sealed class SleepTests
{
    /// <summary>The queue is full when the loop wants to sleep for an hour. The enter that makes room takes all and says busy: reap.</summary>
    [Fact]
    public void WorkThatRoomForTheTimerMadeReady_IsNotSleptOver()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        kernel.Run(async () =>
        {
            await Op.Nop();
            long start = kernel.NowNs;
            _ = RingExecutor.Spawn(async () => await RingExecutor.Delay(TimeSpan.FromHours(1)));
            var nops = new ValueTask<OpResult>[8];
            for (int i = 0; i < 8; i++)
                nops[i] = Op.Nop().Start();
            kernel.TakeAndFail(8, Errno.EBUSY);
            foreach (ValueTask<OpResult> nop in nops)
                Assert.Equal(0, (await nop).Res);
            Assert.Equal(1, RingExecutor.Current!.Counters.SqFull);
            Assert.Equal(start, kernel.NowNs);
        });
    }

    /// <summary>As above, but what comes in that enter is a post, from a thread that finds the loop awake and so sends no signal.</summary>
    [Fact]
    public void PostThatCameMeanwhile_IsNotSleptOver()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        kernel.Run(async () =>
        {
            RingExecutor executor = RingExecutor.Current!;
            await Op.Nop();
            long start = kernel.NowNs;
            _ = RingExecutor.Spawn(async () => await RingExecutor.Delay(TimeSpan.FromHours(1)));
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            kernel.On(IORING_OP_RECV).Hold();
            ValueTask<OpResult> held = Op.Recv(handle, new byte[1]).Start();
            long posted = -1;
            var seen = new TaskCompletionSource();
            kernel.On(IORING_OP_NOP).Run(op =>
            {
                var other = new Thread(() => executor.Post(() =>
                {
                    posted = kernel.NowNs;
                    kernel.Complete(IORING_OP_RECV, 1);
                }));
                other.Start();
                other.Join();
                op.Finish(0);
            });
            for (int i = 0; i < 7; i++)
                _ = Op.Nop().Start();
            kernel.TakeAndFail(8, Errno.EBUSY);
            Assert.Equal(1, (await held).Res);
            Assert.Equal(start, posted);
            Assert.Equal(start, kernel.NowNs);
        });
    }

    /// <summary>While the kernel takes nothing for a second the standing read finds no room: asleep without it no post would wake the loop.</summary>
    [Fact]
    public void WakeUpThatFoundNoRoom_IsWrittenBeforeTheLoopSleeps()
    {
        // Somewhere in here the kernel takes again just when the loop, refused twice for a second, would sleep.
        for (int refusals = 2000; refusals < 2060; refusals++)
        {
            using var kernel = new FakeKernel { SupportedSetupFlags = SetupFlags.IORING_SETUP_CQSIZE | SetupFlags.IORING_SETUP_CLAMP };
            bool armed = true;
            kernel.Run(async () =>
            {
                kernel.Hold(IORING_OP_RECV);
                using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
                await Op.Nop();
                FakeOp wake = kernel.All.Single(op => op.Opcode == IORING_OP_READ);
                ValueTask<OpResult>[] ops = [.. Enumerable.Range(0, 8).Select(_ => Op.Recv(handle, new byte[1]).Start())];
                kernel.RefuseEnter(Errno.EAGAIN, refusals);
                wake.Finish(8);
                kernel.WhenIdle(() =>
                {
                    armed = kernel.All.Any(op => op.Opcode == IORING_OP_READ && op.State == FakeOpState.InFlight);
                    while (kernel.InFlight(IORING_OP_RECV).Count > 0)
                        kernel.Deliver(IORING_OP_RECV, "a");
                });
                foreach (ValueTask<OpResult> op in ops)
                    await op;
            });
            Assert.True(armed, $"{refusals} refusals");
        }
    }

    /// <summary>The same for cancels: the ops of a disposed handle would stay with the kernel.</summary>
    [Fact]
    public void CancelsThatFoundNoRoom_AreWrittenBeforeTheLoopSleeps()
    {
        for (int refusals = 1005; refusals < 1030; refusals++)
        {
            using var kernel = new FakeKernel();
            kernel.Run(async () =>
            {
                kernel.Hold(IORING_OP_RECV);
                var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
                await Op.Nop();
                ValueTask<OpResult>[] ops = [.. Enumerable.Range(0, 8).Select(_ => Op.Recv(handle, new byte[1]).Start())];
                kernel.RefuseEnter(Errno.EAGAIN, refusals);
                handle.Dispose();
                foreach (ValueTask<OpResult> op in ops)
                    Assert.True((await op).Res < 0);
            });
        }
    }
}

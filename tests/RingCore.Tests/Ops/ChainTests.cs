// Tests: chains: reserved together at a nearly full queue, broken by an error or a short step at every place, cancelled at every
// place, with deadlines inside. The fake reports any chain that a submission cuts in two.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class ChainTests
{
    [Fact]
    public void AllSteps_RunInOrder()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Complete(10);
        kernel.On(IORING_OP_FSYNC).Complete(0);
        kernel.On(IORING_OP_READ).Complete(4);
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ChainResult chain = await Op.Write(file, new byte[10], 0).Then(Op.Fsync(file)).Then(Op.Read(file, new byte[8], 0));
            Assert.Equal([10, 0, 4], chain.Steps.Select(step => step.Res));
            Assert.True(chain.IsSuccess); // A short last step breaks nothing.
        });
        Assert.Equal([IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_READ], kernel.Taken.Take(3).Select(op => op.Opcode));
        Assert.Equal([true, true, false], kernel.Taken.Take(3).Select(op => op.IsLinked));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void NearlyFullSq_ChainStaysWhole(int before)
    {
        using var kernel = new FakeKernel { StartIndex = uint.MaxValue - 4 };
        kernel.Run(async () =>
        {
            await Op.Nop(); // The wake-up's read has left.
            var nops = new ValueTask<OpResult>[before];
            for (int i = 0; i < before; i++)
                nops[i] = Op.Nop().Start();
            ChainResult chain = await Op.Nop().Then(Op.Nop()).Then(Op.Nop()).Then(Op.Nop());
            Assert.Equal([0, 0, 0, 0], chain.Steps.Select(step => step.Res));
            foreach (ValueTask<OpResult> nop in nops)
                await nop;
            Assert.Equal(before > 4 ? 1 : 0, RingExecutor.Current!.Counters.SqFull);
        });
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void NearlyFullSq_DeadlineStaysWithItsOp(int before)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await Op.Nop();
            var nops = new ValueTask<OpResult>[before];
            for (int i = 0; i < before; i++)
                nops[i] = Op.Nop().Start();
            Assert.Equal(-Errno.ETIME, (await Op.Recv(handle, new byte[8]).WithTimeout(TimeSpan.FromSeconds(1))).Res);
            foreach (ValueTask<OpResult> nop in nops)
                await nop;
        });
    }

    [Fact]
    public void ChainAsLongAsTheSq_Fits_OneLongerIsRefused()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            OpChain chain = Op.Nop().Then(Op.Nop());
            while (chain.Count < 8)
                chain = chain.Then(Op.Nop());
            Assert.True((await chain).IsSuccess);
            Assert.Throws<ArgumentException>(() => chain.Then(Op.Nop()).Start());
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ErrorInAStep_BreaksThere(int broken)
    {
        using var kernel = new FakeKernel();
        for (int i = 0; i < 4; i++)
            kernel.On(IORING_OP_FSYNC).Complete(i == broken ? -Errno.EIO : 0);
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op step = Op.Fsync(file);
            ChainResult chain = await step.Then(step).Then(step).Then(step);
            Assert.Equal(broken, chain.BrokenAt);
            for (int i = 0; i < 4; i++)
                Assert.Equal(i < broken ? 0 : i == broken ? -Errno.EIO : -Errno.ECANCELED, chain.Steps[i].Res);
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void ShortStep_BreaksThere(int broken)
    {
        using var kernel = new FakeKernel();
        for (int i = 0; i < 3; i++)
            kernel.On(IORING_OP_WRITE).Complete(i == broken ? 4 : 10);
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op step = Op.Write(file, new byte[10], 0);
            ChainResult chain = await step.Then(step).Then(step);
            Assert.Equal(broken, chain.BrokenAt);
            Assert.False(chain.IsSuccess);
            Assert.Equal(4, chain.Steps[broken].Res);
            Assert.Equal(-Errno.ECANCELED, chain.Steps[broken + 1].Res);
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void CancelInAStep_EndsTheRest(int running)
    {
        using var kernel = new FakeKernel();
        for (int i = 0; i < running; i++)
            kernel.On(IORING_OP_FSYNC).Complete(0);
        kernel.On(IORING_OP_FSYNC).Hold();
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using var source = new CancellationTokenSource();
            Op step = Op.Fsync(file);
            ValueTask<ChainResult> started = step.Then(step).Then(step).Start(source.Token);
            await Op.Nop();
            source.Cancel();
            ChainResult chain = await started;
            for (int i = 0; i < 3; i++)
                Assert.Equal(i < running ? 0 : -Errno.ECANCELED, chain.Steps[i].Res);
            Assert.False(chain.IsSuccess);
        });
    }

    [Fact]
    public void CancelledStepSucceedsAllTheSame_NextIsAsked()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_FSYNC).Hold().Hold().Hold();
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_FSYNC, 0);
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using var source = new CancellationTokenSource();
            Op step = Op.Fsync(file);
            ValueTask<ChainResult> started = step.Then(step).Then(step).Start(source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.Equal([0, -Errno.ECANCELED, -Errno.ECANCELED], (await started).Steps.Select(result => result.Res));
        });
    }

    [Fact]
    public void DeadlineOfAStep_BreaksTheChainWithEtime()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_FSYNC).Complete(0).Hold();
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op step = Op.Fsync(file);
            ChainResult chain = await step.Then(step.WithTimeout(TimeSpan.FromSeconds(1))).Then(step);
            Assert.Equal([0, -Errno.ETIME, -Errno.ECANCELED], chain.Steps.Select(result => result.Res));
            Assert.Equal(1, chain.BrokenAt);
        });
    }

    [Theory]
    [InlineData(4)]
    [InlineData(-Errno.EIO)]
    public void StepWithADeadlineBehindABrokenOne_IsEcanceledNotEtime(int res)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Complete(res);
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op after = Op.Fsync(file).WithTimeout(TimeSpan.FromSeconds(1));
            ChainResult chain = await Op.Write(file, new byte[10], 0).Then(after).Then(after);
            Assert.Equal([res, -Errno.ECANCELED, -Errno.ECANCELED], chain.Steps.Select(step => step.Res));
            Assert.Equal(0, chain.BrokenAt);
        });
    }

    [Fact]
    public void DeadlineThatDoesNotStrike_LetsTheChainGoOn()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_FSYNC).After(TimeSpan.FromSeconds(1), 0).Complete(0);
        kernel.Run(async () =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op step = Op.Fsync(file);
            ChainResult chain = await step.WithTimeout(TimeSpan.FromSeconds(2)).Then(step);
            Assert.Equal([0, 0], chain.Steps.Select(result => result.Res));
            Assert.True(chain.IsSuccess);
        });
    }

    [Fact]
    public void DisposedHandle_RefusesTheWholeChain()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            OpChain chain = Op.Nop().Then(Op.Fsync(file));
            file.Dispose();
            Assert.Throws<ObjectDisposedException>(() => chain.Start());
            await Op.Nop();
        });
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_NOP);
    }

    /// <summary>The object behind an await of a chain is used again; the results in the user's hands are not.</summary>
    [Fact]
    public void ResultsOfAnEarlierRun_StayTheUsers()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_NOP).Complete(1).Complete(2).Complete(3).Complete(4).Complete(5).Complete(6);
        kernel.Run(async () =>
        {
            ValueTask<ChainResult> task = Op.Nop().Then(Op.Nop()).Start();
            ChainResult first = await task;
            ChainResult second = await Op.Nop().Then(Op.Nop()).Then(Op.Nop());
            ChainResult third = await Op.Nop().Then(Op.Nop());
            Assert.Equal([1, 2], first.Steps.Select(step => step.Res));
            Assert.Equal([3, 4, 5], second.Steps.Select(step => step.Res));
            Assert.Equal([6, 0], third.Steps.Select(step => step.Res));
            Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult());
        });
    }

    [Fact]
    public void RunThatWasCancelled_IsNotInItsNextUse()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            OpChain chain = Op.Recv(handle, new byte[1]).Then(Op.Recv(handle, new byte[1]));
            using var source = new CancellationTokenSource();
            ValueTask<ChainResult> cancelled = chain.Start(source.Token);
            source.Cancel();
            Assert.Equal(0, (await cancelled).BrokenAt);
            ValueTask<ChainResult> next = chain.Start();
            await Op.Nop();
            kernel.Complete(IORING_OP_RECV, 1);
            await Op.Nop();
            await Op.Nop(); // A cancel would have left.
            kernel.Complete(IORING_OP_RECV, 1);
            Assert.True((await next).IsSuccess);
        });
    }

    [Fact]
    public void OpcodeThatIsNotThere_BeforeSubmitAll_IsRefused_ForWhatFollowsWouldRun()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        kernel.Run(async () =>
        {
            await Op.Nop();
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            OpChain chain = Op.Nop().Then(Op.Mkdir("new")).Then(Op.Fsync(file));
            var e = Assert.IsType<NotSupportedException>(Record.Exception(() => chain.Start().Preserve()));
            Assert.Contains("IORING_OP_MKDIRAT", e.Message, StringComparison.Ordinal);
            Assert.True((await Op.Nop().Then(Op.Nop())).IsSuccess);
        });
        Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_FSYNC);
    }

    [Fact]
    public void OpcodeThatIsNotThere_WithSubmitAll_BreaksTheChainInTheKernel()
    {
        using var kernel = new FakeKernel();
        kernel.Opcodes.Remove(IORING_OP_MKDIRAT);
        kernel.Run(async () => Assert.Equal(1, (await Op.Nop().Then(Op.Mkdir("new")).Then(Op.Nop())).BrokenAt));
    }
}

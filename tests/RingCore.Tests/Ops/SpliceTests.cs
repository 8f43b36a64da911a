// Tests: splice and tee at the op level: two handles on loan in one op. Whichever handle is disposed, in whichever order: the op is asked
// to end once, by its user_data, and no fd is closed before its CQE (the fake reports a close under an op). Chains, deadlines, refusals.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class SpliceTests
{
    private static int Cancels(FakeKernel kernel, OpId id) => kernel.Taken.Count(op => op.Opcode == IORING_OP_ASYNC_CANCEL && op.Sqe.addr == id.Key);

    [Fact]
    public void Sqe_IsFilledInEveryField()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SPLICE).Complete(5);
        kernel.On(IORING_OP_TEE).Complete(6);
        kernel.Run(async () =>
        {
            using RingHandle from = RingHandle.Adopt(kernel.NewFd(), ownsFd: true), to = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op splice = Op.Splice(from, 0x1_0000_0001, to, -1, 7, OpFlags.SPLICE_F_NONBLOCK | OpFlags.SPLICE_F_MORE);
            Assert.Equal(5, (await splice).Res);
            Assert.Equal(6, (await Op.Tee(from, to, 8)).Res);
            FakeOp[] ops = [.. kernel.Taken.Take(2)];
            Assert.Equal([to.Fd, to.Fd], ops.Select(op => op.Fd));
            Assert.Equal([from.Fd, from.Fd], ops.Select(op => op.Sqe.splice_fd_in));
            Assert.Equal([0x1_0000_0001, 0ul], ops.Select(op => op.Sqe.splice_off_in));
            Assert.Equal([ulong.MaxValue, 0], ops.Select(op => op.Sqe.off));
            Assert.Equal([7u, 8u], ops.Select(op => op.Sqe.len));
            Assert.Equal([6u, 0u], ops.Select(op => op.Sqe.splice_flags));
            Assert.Contains($"fd={to.Fd} off=-1 (current position) splice_fd_in={from.Fd} splice_off_in=4294967297 len=7 splice_flags=0x6", splice.Explain(), StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => Op.Splice(from, 0, to, 0, -1));
            Assert.Equal((0, 0), (from.InFlight, to.InFlight));
        });
    }

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(true, true, false)]
    [InlineData(false, false, false)]
    [InlineData(true, true, true)]
    [InlineData(false, true, true)]
    public void EitherHandleDisposed_OneCancel_BothFdsStayUntilTheEnd(bool sourceFirst, bool both, bool succeeds)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SPLICE);
        if (succeeds)
            kernel.NeverCancels(IORING_OP_SPLICE);
        kernel.Run(async () =>
        {
            RingHandle from = RingHandle.Adopt(kernel.NewFd(), ownsFd: true), to = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            (int fromFd, int toFd) = (from.Fd, to.Fd);
            ValueTask<OpResult> splice = Op.Splice(from, 0, to, 0, 10).Start(out OpId key);
            ValueTask<OpResult> other = Op.Splice(to, 0, from, 0, 10).Start(out OpId back); // Roles the other way round, at the same time.
            Assert.Equal((2, 2), (from.InFlight, to.InFlight));
            (RingHandle first, RingHandle second) = sourceFirst ? (from, to) : (to, from);
            first.Dispose();
            if (both)
                second.Dispose();
            Assert.Empty(kernel.Closes);
            await Op.Nop();
            if (succeeds)
            {
                Assert.Empty(kernel.Closes);
                kernel.Complete(IORING_OP_SPLICE, 4);
                kernel.Complete(IORING_OP_SPLICE, 4);
            }

            Assert.Equal(succeeds ? 4 : -Errno.ECANCELED, (await splice).Res);
            Assert.Equal(succeeds ? 4 : -Errno.ECANCELED, (await other).Res);
            Assert.Equal((1, 1), (Cancels(kernel, key), Cancels(kernel, back)));
            Assert.Equal((0, 0), (from.InFlight, to.InFlight));
            Assert.Equal(both ? 2 : 1, kernel.Closes.Count(fd => fd == fromFd || fd == toFd));
            Assert.Equal(!both, kernel.OpenFds.Contains(sourceFirst ? toFd : fromFd));
            await second.DisposeAsync();
            Assert.Equal(2, kernel.Closes.Count(fd => fd == fromFd || fd == toFd));
        });
    }

    [Fact]
    public void ManyLoansOfOneSource_ReturnInAnyOrder()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_TEE);
        kernel.Run(async () =>
        {
            RingHandle from = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            RingHandle[] to = [.. Enumerable.Range(0, 5).Select(_ => RingHandle.Adopt(kernel.NewFd(), ownsFd: true))];
            ValueTask<OpResult>[] tees = [.. to.Select(target => Op.Tee(from, target, 1).Start())];
            await Op.Nop();
            Assert.Equal(5, from.InFlight);
            int left = 5;
            foreach (int i in (int[])[2, 0, 4])
            {
                FakeOp op = kernel.InFlight(IORING_OP_TEE).Single(op => op.Fd == to[i].Fd);
                op.Finish(i);
                Assert.Equal(i, (await tees[i]).Res);
                Assert.Equal(--left, from.InFlight);
            }

            to[1].CancelAll(); // That one op only.
            Assert.Equal(-Errno.ECANCELED, (await tees[1]).Res);
            Assert.Equal(1, from.InFlight);
            from.CancelAll();
            Assert.Equal(-Errno.ECANCELED, (await tees[3]).Res);
            await from.DisposeAsync();
            foreach (RingHandle target in to)
                await target.DisposeAsync();
        });
    }

    [Fact]
    public void SameHandleTwice_IsClosedOnce()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SPLICE);
        kernel.Run(async () =>
        {
            RingHandle both = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ValueTask<OpResult> splice = Op.Splice(both, 0, both, 0, 10).Start(out OpId key);
            Assert.Equal(2, both.InFlight);
            both.Dispose();
            Assert.Equal(-Errno.ECANCELED, (await splice).Res);
            Assert.Equal(1, Cancels(kernel, key));
            Assert.Equal(0, both.InFlight);
        });
    }

    [Fact]
    public void Token_Deadline_Interruption()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SPLICE);
        kernel.Run(async () =>
        {
            using RingHandle from = RingHandle.Adopt(kernel.NewFd(), ownsFd: true), to = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op op = Op.Splice(from, -1, to, -1, 10);
            using var source = new CancellationTokenSource();
            ValueTask<OpResult> splice = op.Start(source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.Equal(-Errno.ECANCELED, (await splice).Res);
            Assert.Equal(-Errno.ECANCELED, (await op.Start(source.Token)).Res); // Refused: never lent.
            Assert.Equal(-Errno.ETIME, (await op.WithTimeout(TimeSpan.FromMilliseconds(1))).Res);

            // A worker that is interrupted in a splice answers with the kernel's own "run me again".
            kernel.NeverCancels(IORING_OP_SPLICE);
            using var again = new CancellationTokenSource();
            splice = op.Start(again.Token);
            await Op.Nop();
            again.Cancel();
            await Op.Nop();
            kernel.Complete(IORING_OP_SPLICE, -512);
            Assert.Equal(-Errno.ECANCELED, (await splice).Res);
            Assert.Equal((0, 0), (from.InFlight, to.InFlight));
        });
        Assert.Equal(3, kernel.Taken.Count(op => op.Opcode == IORING_OP_SPLICE));
    }

    [Fact]
    public void DisposedHandle_IsRefused_EitherOne_AndNothingIsLent()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            RingHandle gone = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using RingHandle open = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await gone.DisposeAsync();
            foreach (Op op in (Op[])[Op.Splice(gone, 0, open, 0, 1), Op.Splice(open, 0, gone, 0, 1), Op.Tee(gone, open, 1)])
            {
                Assert.Throws<ObjectDisposedException>(() => op.Start());
                Assert.Throws<ObjectDisposedException>(() => Op.Nop().Then(op).Start());
            }

            Assert.Contains("disposed", Op.Splice(gone, 0, open, 0, 1).Explain(), StringComparison.Ordinal);
            Assert.Equal(0, open.InFlight);
        });
        Assert.DoesNotContain(kernel.Taken, op => op.Opcode is IORING_OP_SPLICE or IORING_OP_TEE);
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(7, false)]
    public void InAChain_AShortSpliceBreaksIt(int moved, bool whole)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SPLICE).Complete(moved).Complete(8);
        kernel.Run(async () =>
        {
            using RingHandle file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true), socket = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using RingHandle writer = RingHandle.Adopt(kernel.NewFd(), ownsFd: true), reader = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ChainResult chain = await Op.Splice(file, 0, writer, -1, 8).Then(Op.Splice(reader, -1, socket, -1, 8));
            Assert.Equal(whole ? [8, 8] : [7, -Errno.ECANCELED], chain.Steps.Select(step => step.Res));
            Assert.Equal(whole ? -1 : 0, chain.BrokenAt);
            Assert.All((RingHandle[])[file, socket, reader, writer], handle => Assert.Equal(0, handle.InFlight));
        });
    }

    [Fact]
    public void Shutdown_WithSplicesInFlight_LeavesNothing()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SPLICE);
        kernel.Hold(IORING_OP_TEE);
        Task<OpResult>? splice = null;
        kernel.Run(async () =>
        {
            RingHandle from = RingHandle.Adopt(kernel.NewFd(), ownsFd: true), to = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            splice = Op.Splice(from, 0, to, 0, 10).Start().AsTask();
            _ = Op.Tee(from, to, 10).Start().AsTask();
            await Op.Nop();
            from.Dispose();
            to.Dispose();
        });
        Assert.Equal(-Errno.ECANCELED, splice!.Result.Res);
    }

    [Fact]
    public void Collected_WhileItsOpIsWithTheKernel_IsImpossible()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SPLICE);
        kernel.Run(async () =>
        {
            using RingHandle to = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ValueTask<OpResult> splice = Forgotten(kernel, to);
            await Op.Nop();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await RingExecutor.Yield();
            await Op.Nop();
            Assert.Empty(kernel.Closes); // The slot keeps the source alive, as it does the target.
            kernel.Complete(IORING_OP_SPLICE, 3);
            Assert.Equal(3, (await splice).Res);
            for (int i = 0; i < 500 && kernel.Closes.Count == 0; i++)
            {
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await RingExecutor.Yield();
            }

            Assert.Single(kernel.Closes);
        });

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static ValueTask<OpResult> Forgotten(FakeKernel kernel, RingHandle to) =>
            Op.Splice(RingHandle.Adopt(kernel.NewFd(), ownsFd: true), 0, to, 0, 10).Start();
    }
}

// Tests: cancelling asks, the op's own CQE decides. Tokens before, during and after; the three answers of ASYNC_CANCEL; deadlines
// by LINK_TIMEOUT; other threads; and that nothing a late success brought is lost.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class CancelTests
{
    private static int Cancels(FakeKernel kernel) => kernel.Taken.Count(op => op.Opcode == IORING_OP_ASYNC_CANCEL && op.Sqe.addr != kernel.All[0].UserData);

    [Fact]
    public void CancelledBeforeTheCall_NeverReachesTheKernel()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            var token = new CancellationToken(canceled: true);
            Assert.Equal(-Errno.ECANCELED, (await Op.Recv(connection, new byte[8]).Start(token)).Res);
            Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadAsync(new byte[8], token)), exactMatch: false);
            Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadExactlyAsync(new byte[8], token)), exactMatch: false);
            Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadLeaseAsync(token)), exactMatch: false);
            Assert.IsType<OperationCanceledException>(await Caught.By(connection.WriteAsync(new byte[8], token)), exactMatch: false);
            ChainResult chain = await Op.Nop().Then(Op.Nop()).Start(token);
            Assert.Equal(0, chain.BrokenAt);
            Assert.All(chain.Steps, step => Assert.Equal(-Errno.ECANCELED, step.Res));
        });
        Assert.Equal([IORING_OP_ASYNC_CANCEL], kernel.Taken.Select(op => op.Opcode)); // The wake-up's, at shutdown.
    }

    [Fact]
    public void CancelBeforeCompletion_OpEndsCancelled()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask<int> read = connection.ReadAsync(new byte[8], source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.False(read.IsCompleted); // Only asked.
            Assert.Equal(1, connection.InFlight);
            var e = Assert.IsType<OperationCanceledException>(await Caught.By(read), exactMatch: false);
            Assert.Equal(source.Token, e.CancellationToken);
            Assert.Equal(0, connection.InFlight);
            RingCounters counters = RingExecutor.Current!.Counters;
            Assert.Equal((1, 0), (counters.CancelsWon, counters.CancelsLost));
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-Errno.ENOENT)]
    [InlineData(-Errno.EALREADY)]
    public void CancelAfterCompletion_ResultWins(int answer)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Deliver(IORING_OP_RECV, "bytes");
            op.Finish(answer);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            byte[] memory = new byte[8];
            ValueTask<int> read = connection.ReadAsync(memory, source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.Equal(5, await read);
            Assert.Equal("bytes"u8.ToArray(), memory[..5]);
            RingCounters counters = RingExecutor.Current!.Counters;
            Assert.Equal(answer == 0 ? (1, 0) : (0, 1), (counters.CancelsWon, counters.CancelsLost));
        });
    }

    /// <summary>A pipe's read blocks in a kernel worker on 5.10: cancelling, or the deadline, interrupts it. An EINTR of other origin stays, as does an ECANCELED.</summary>
    [Fact]
    public void InterruptedWorker_IsACancel_OrADeadline()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_READ).Hold().After(TimeSpan.FromSeconds(1), -Errno.EINTR)
            .After(TimeSpan.FromMilliseconds(999), -Errno.EINTR).After(TimeSpan.FromMilliseconds(999), -Errno.ECANCELED)
            .After(TimeSpan.FromSeconds(1), -Errno.EINTR).Complete(-Errno.EINTR);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.All.Single(read => read.UserData == op.Sqe.addr).Finish(-Errno.EINTR);
            op.Finish(-Errno.EALREADY);
        });
        kernel.Run(async () =>
        {
            using RingHandle pipe = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using var source = new CancellationTokenSource();
            ValueTask<OpResult> read = Op.Read(pipe, new byte[8]).Start(source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.Equal(-Errno.ECANCELED, (await read).Res);
            Assert.Equal(-Errno.ETIME, (await Op.Read(pipe, new byte[8]).WithTimeout(TimeSpan.FromSeconds(1))).Res);
            Assert.Equal(-Errno.EINTR, (await Op.Read(pipe, new byte[8]).WithTimeout(TimeSpan.FromSeconds(1))).Res);
            Assert.Equal(-Errno.ECANCELED, (await Op.Read(pipe, new byte[8]).WithTimeout(TimeSpan.FromSeconds(1))).Res);
            Assert.Equal(-Errno.EINTR, (await Op.Read(pipe, new byte[8]).WithTimeout(TimeSpan.MaxValue)).Res);
            Assert.Equal(-Errno.EINTR, (await Op.Read(pipe, new byte[8])).Res);
        });
    }

    /// <summary>The kernel cancels by itself what it can start no worker for. That is no cancel: a caller takes one for its own, and a write would be lost unseen.</summary>
    [Fact]
    public void CancelledByNobody_IsAnError_AndTheOpOfAnOpCancelIsNot()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Complete(-Errno.ECANCELED).Complete(40).Complete(-Errno.ECANCELED);
        kernel.On(IORING_OP_OPENAT).Complete(-Errno.ECANCELED);
        kernel.Hold(IORING_OP_READ);
        kernel.Run(async () =>
        {
            using RingHandle handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Assert.Equal(-Errno.ENOMEM, (await Op.Write(handle, new byte[100])).Res);
            var e = Assert.IsType<System.IO.IOException>(await Caught.By(RingFile.OpenAsync("/x")));
            Assert.Equal(Errno.ENOMEM, e.HResult);
            Assert.Contains("pids.max", e.Message);

            ValueTask<OpResult> read = Op.Read(handle, new byte[8]).Start(out OpId id);
            await Op.Cancel(id);
            Assert.Equal(-Errno.ECANCELED, (await read).Res);
            read = Op.Read(handle, new byte[8]).Start(out id);
            handle.CancelAll();
            Assert.Equal(-Errno.ECANCELED, (await read).Res);

            ChainResult chain = await Op.Write(handle, new byte[40]).Then(Op.Write(handle, new byte[10]));
            Assert.Equal(-Errno.ECANCELED, chain.Steps[1].Res);
        });
    }

    [Fact]
    public void CancelTooLate_OpGoesOnUntilItEnds()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.NeverCancels(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask<int> read = connection.ReadAsync(new byte[8], source.Token);
            await Op.Nop();
            source.Cancel();
            await Op.Nop();
            await Op.Nop();
            Assert.False(read.IsCompleted);
            kernel.Complete(IORING_OP_RECV, 0);
            Assert.Equal(0, await read);
        });
        Assert.Equal(1, Cancels(kernel));
    }

    [Fact]
    public void TokenAfterTheEnd_AsksNothing()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Complete(3).Hold();
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            Assert.Equal(3, await connection.ReadAsync(new byte[8], source.Token));
            ValueTask<int> next = connection.ReadAsync(new byte[8]);
            await Op.Nop();
            source.Cancel();
            await Op.Nop();
            Assert.False(next.IsCompleted);
            Assert.Equal(0, Cancels(kernel));
            kernel.Complete(IORING_OP_RECV, 1);
            Assert.Equal(1, await next);
        });
    }

    [Fact]
    public void TwoCancelsOfOneOp_AskOnce()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask<int> read = connection.ReadAsync(new byte[8], source.Token);
            source.Cancel();
            connection.CancelAll();
            connection.Dispose();
            Assert.IsType<OperationCanceledException>(await Caught.By(read), exactMatch: false);
        });
        Assert.Equal(1, Cancels(kernel));
    }

    [Fact]
    public void CancelFromAnotherThread_ReachesTheOp()
    {
        using var kernel = new FakeKernel { WaitForSignals = true };
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask<int> read = connection.ReadAsync(new byte[8], source.Token);
            var other = new Thread(source.Cancel);
            other.Start();
            Assert.IsType<OperationCanceledException>(await Caught.By(read), exactMatch: false);
            other.Join();
        });
    }

    [Fact]
    public void CancelWithAFullSq_IsNotDropped()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            var handles = new List<RingHandle>();
            var reads = new List<ValueTask<OpResult>>();
            using var source = new CancellationTokenSource();
            for (int i = 0; i < 50; i++)
            {
                handles.Add(RingHandle.Adopt(kernel.NewFd(), ownsFd: true));
                reads.Add(Op.Recv(handles[i], new byte[8]).Start(source.Token));
            }

            source.Cancel();
            foreach (ValueTask<OpResult> read in reads)
                Assert.Equal(-Errno.ECANCELED, (await read).Res);
            foreach (RingHandle handle in handles)
                handle.Dispose();
        });
        Assert.Equal(50, Cancels(kernel));
    }

    [Fact]
    public void DisposedDuringTheRead_SaysSo()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask<int> read = connection.ReadAsync(new byte[8]);
            await Op.Nop();
            connection.Dispose();
            Assert.IsType<ObjectDisposedException>(await Caught.By(read));
        });
    }

    [Fact]
    public void AcceptedAllTheSame_IsDeliveredAndClosedWithItsConnection()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_ACCEPT);
        int accepted = kernel.NewFd("accepted");
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_ACCEPT, accepted);
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using RingListener listener = RingListener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
            using var source = new CancellationTokenSource();
            ValueTask<RingConnection> accept = listener.AcceptAsync(source.Token);
            await Op.Nop();
            source.Cancel();
            using RingConnection connection = await accept;
            Assert.Equal(accepted, connection.Fd);
        });
        Assert.Contains(accepted, kernel.Closes);
    }

    [Fact]
    public void LinkTimeoutThatStrikes_IsEtime()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            long before = kernel.NowNs;
            OpResult result = await Op.Recv(handle, new byte[8]).WithTimeout(TimeSpan.FromSeconds(1.5));
            Assert.Equal(-Errno.ETIME, result.Res);
            Assert.Equal(1_500_000_000, kernel.NowNs - before);
        });
        Assert.Equal([IORING_OP_RECV, IORING_OP_LINK_TIMEOUT], kernel.Taken.Take(2).Select(op => op.Opcode));
    }

    [Fact]
    public void LinkTimeoutThatDoesNotStrike_LeavesTheResult()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).After(TimeSpan.FromSeconds(1), 6);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Assert.Equal(6, (await Op.Recv(handle, new byte[8]).WithTimeout(TimeSpan.FromSeconds(2))).Res);
        });
    }

    /// <summary>
    /// A kernel that has memory for the op alone runs it without its deadline; what bounds it comes first in the
    /// next batch, with nothing to bound.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OpTakenWithoutItsDeadline_IsEndedAsIfThatWereOver(bool refusedForGood)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await Op.Nop();
            kernel.TakeAtMost(1);
            if (refusedForGood)
                kernel.RefuseEnter(Errno.EAGAIN, times: 1100);
            long before = kernel.NowNs;
            OpResult result = await Op.Recv(handle, new byte[8]).WithTimeout(TimeSpan.FromHours(1));
            Assert.Equal(-Errno.ETIME, result.Res);
            Assert.InRange(kernel.NowNs - before, 0, 10_000_000_000);
            Assert.Equal(refusedForGood ? 0 : 1, kernel.Taken.Count(op => op.Opcode == IORING_OP_LINK_TIMEOUT));
            Assert.Equal(1, RingExecutor.Current!.Counters.CancelsWon);
        });
    }

    /// <summary>The op may also succeed before the cancel comes, and a token's cancel is not asked for twice.</summary>
    [Fact]
    public void OpTakenWithoutItsDeadline_MayStillSucceed()
    {
        using var kernel = new FakeKernel();
        kernel.NeverCancels(IORING_OP_RECV);
        kernel.On(IORING_OP_RECV).After(TimeSpan.FromSeconds(1), 3);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using var source = new CancellationTokenSource();
            await Op.Nop();
            kernel.TakeAtMost(1);
            ValueTask<OpResult> read = Op.Recv(handle, new byte[8]).WithTimeout(TimeSpan.FromHours(1)).Start(source.Token);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            Assert.True(Assert.Single(RingExecutor.Current!.InFlight()).CancelAsked);
            source.Cancel();
            Assert.Equal(3, (await read).Res);
            Assert.Equal(1, RingExecutor.Current!.Counters.CancelsLost);
        });
    }

    [Fact]
    public void CancelledBeforeItsDeadline_IsEcanceledNotEtime()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using var source = new CancellationTokenSource();
            ValueTask<OpResult> read = Op.Recv(handle, new byte[8]).WithTimeout(TimeSpan.FromSeconds(2)).Start(source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.Equal(-Errno.ECANCELED, (await read).Res);
        });
    }

    [Fact]
    public void ConnectDeadline_CancelsAndSaysTimeout()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_CONNECT);
        kernel.Run(async () =>
        {
            long before = kernel.NowNs;
            var endPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 9);
            Assert.IsType<TimeoutException>(await Caught.By(RingConnection.ConnectAsync(endPoint, TimeSpan.FromSeconds(3))));
            Assert.Equal(3_000_000_000, kernel.NowNs - before);
        });
    }

    [Fact]
    public void ConnectedBeforeTheDeadline_LeavesNoTimer()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_CONNECT).Complete(0);
        kernel.Run(async () =>
        {
            var endPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 9);
            using RingConnection connection = await RingConnection.ConnectAsync(endPoint, TimeSpan.FromSeconds(3));
            Assert.Equal(0, RingExecutor.Current!.Timers.Count);
        });
    }

    [Fact]
    public void OpCancel_NamesTheKeyThatStartGave()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ValueTask<OpResult> read = Op.Recv(handle, new byte[8]).Start(out OpId key);
            Assert.Equal(0, (await Op.Cancel(key)).Res);
            Assert.Equal(-Errno.ECANCELED, (await read).Res);
            Assert.Equal(-Errno.ENOENT, (await Op.Cancel(key)).Res);
        });
    }
}

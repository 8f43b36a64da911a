// Tests: multishot ops: many CQEs for one SQE, re-arming when the kernel ends it unasked, errors, leaving with the tail drained and
// leftovers closed, and the one-shot fallback behind the same sequence.

using System.Net;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class MultishotTests
{
    private static int Armed(FakeKernel kernel) => kernel.Taken.Count(op => op.Opcode == IORING_OP_ACCEPT);

    [Fact]
    public void ManyResults_OneSqe()
    {
        using var kernel = new FakeKernel();
        int[] fds = [kernel.NewFd(), kernel.NewFd(), kernel.NewFd()];
        kernel.On(IORING_OP_ACCEPT).Many(fds);
        kernel.Run(async () =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var taken = new List<int>();
            await foreach (OpResult result in Op.Accept(listener).Multishot())
            {
                taken.Add(result.Res);
                Assert.True(result.HasMore);
                await Op.Close(result.Res);
                if (taken.Count == 3)
                    break;
            }

            Assert.Equal(fds, taken);
        });
        Assert.Equal(1, Armed(kernel));
        Assert.Equal(OpFlags.IORING_ACCEPT_MULTISHOT, kernel.Taken.First(op => op.Opcode == IORING_OP_ACCEPT).Sqe.ioprio);
    }

    [Fact]
    public void LostMore_IsArmedAgainOnlyWhenSomebodyWaits()
    {
        using var kernel = new FakeKernel();
        int first = kernel.NewFd();
        int second = kernel.NewFd();
        kernel.On(IORING_OP_ACCEPT).Complete(first).Many(second);
        kernel.Run(async () =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await using IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot().GetAsyncEnumerator();
            Assert.True(await accepts.MoveNextAsync());
            Assert.Equal(first, accepts.Current.Res);
            await Op.Nop();
            Assert.Equal(1, Armed(kernel));
            Assert.True(await accepts.MoveNextAsync());
            Assert.Equal(second, accepts.Current.Res);
            Assert.Equal(2, Armed(kernel));
            await Op.Close(first);
            await Op.Close(second);
        });
    }

    [Fact]
    public void Error_IsAResult_AndGoingOnArmsAgain()
    {
        using var kernel = new FakeKernel();
        int fd = kernel.NewFd();
        kernel.On(IORING_OP_ACCEPT).Complete(-Errno.EMFILE).Many(fd);
        kernel.Run(async () =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await using IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot().GetAsyncEnumerator();
            Assert.True(await accepts.MoveNextAsync());
            Assert.Equal(Errno.EMFILE, accepts.Current.Errno);
            Assert.True(await accepts.MoveNextAsync());
            Assert.Equal(fd, accepts.Current.Res);
            await Op.Close(fd);
        });
    }

    [Fact]
    public void Token_EndsItAfterTheResultsThatCameBefore()
    {
        using var kernel = new FakeKernel();
        int first = kernel.NewFd();
        int late = kernel.NewFd();
        kernel.On(IORING_OP_ACCEPT).Many(first);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            FakeOp accept = kernel.Oldest(IORING_OP_ACCEPT);
            accept.More(late);
            op.Finish(0);
            accept.Finish(-Errno.ECANCELED);
        });
        kernel.Run(async () =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using var source = new CancellationTokenSource();
            await using IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot().GetAsyncEnumerator(source.Token);
            Assert.True(await accepts.MoveNextAsync());
            ValueTask<bool> next = accepts.MoveNextAsync();
            source.Cancel();
            Assert.True(await next);
            Assert.Equal(late, accepts.Current.Res);
            Assert.IsType<OperationCanceledException>(await Caught.By(accepts.MoveNextAsync()), exactMatch: false);
            await Op.Close(first);
            await Op.Close(late);
        });
        Assert.Equal(1, Armed(kernel));
    }

    [Fact]
    public void Leaving_DrainsTheTailAndClosesWhatNobodyTook()
    {
        using var kernel = new FakeKernel();
        int[] fds = [kernel.NewFd(), kernel.NewFd(), kernel.NewFd(), kernel.NewFd()];
        kernel.On(IORING_OP_ACCEPT).Many(fds[..2]);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            FakeOp accept = kernel.Oldest(IORING_OP_ACCEPT);
            accept.More(fds[2]);
            op.Finish(-Errno.EALREADY);
            kernel.After(TimeSpan.FromSeconds(1), () => accept.Finish(fds[3])); // The last one comes with success.
        });
        kernel.Run(async () =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await foreach (OpResult result in Op.Accept(listener).Multishot())
            {
                Assert.Equal(fds[0], result.Res);
                await Op.Close(result.Res);
                break;
            }

            Assert.Equal(0, listener.InFlight);
            Assert.Equal(fds[1..], kernel.Closes.Where(fds.Contains).Skip(1));
        });
    }

    [Fact]
    public void LeavingBeforeTheFirstResult_ClosesLateOnes()
    {
        using var kernel = new FakeKernel();
        int late = kernel.NewFd();
        kernel.Hold(IORING_OP_ACCEPT);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_ACCEPT, late);
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            using var source = new CancellationTokenSource();
            IAsyncEnumerator<RingConnection> accepts = listener.AcceptAllAsync(source.Token).GetAsyncEnumerator(source.Token);
            ValueTask<bool> next = accepts.MoveNextAsync();
            await Op.Nop();
            source.Cancel();
            Assert.True(await next); // It came all the same: delivered.
            accepts.Current.Dispose();
            Assert.False(await accepts.MoveNextAsync());
            await accepts.DisposeAsync();
        });
        Assert.Contains(late, kernel.Closes);
    }

    [Fact]
    public void WithoutMultishotAccept_OneOpPerResult()
    {
        using var kernel = new FakeKernel();
        int[] fds = [kernel.NewFd(), kernel.NewFd(), kernel.NewFd()];
        foreach (int fd in fds)
            kernel.On(IORING_OP_ACCEPT).Complete(fd);
        kernel.Run(async () =>
        {
            using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var taken = new List<int>();
            await foreach (RingConnection connection in listener.AcceptAllAsync())
            {
                taken.Add(connection.Fd);
                connection.Dispose();
                if (taken.Count == 3)
                    break;
            }

            Assert.Equal(fds, taken);
        }, new RingOptions { SqEntries = 8, CqEntries = 16, Without = RingFeatures.MultishotAccept });
        Assert.Equal(3, Armed(kernel));
        Assert.All(kernel.Taken.Where(op => op.Opcode == IORING_OP_ACCEPT), op => Assert.Equal(0, op.Sqe.ioprio));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Listener_BacksOffWhenNoFdIsLeft(bool multishot)
    {
        using var kernel = new FakeKernel();
        int fd = kernel.NewFd();
        kernel.On(IORING_OP_ACCEPT).Complete(-Errno.EMFILE).Complete(-Errno.ENFILE).Complete(-Errno.ECONNABORTED).Complete(fd);
        kernel.Run(async () =>
        {
            using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            long before = kernel.NowNs;
            await foreach (RingConnection connection in listener.AcceptAllAsync())
            {
                Assert.Equal(fd, connection.Fd);
                connection.Dispose();
                break;
            }

            Assert.Equal(40_000_000, kernel.NowNs - before); // Two pauses; an aborted connection needs none.
        }, new RingOptions { SqEntries = 8, CqEntries = 16, Without = multishot ? RingFeatures.None : RingFeatures.MultishotAccept });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TokenOrStop_WhileTheListenerBacksOff_EndsTheSequenceWithoutAnException(bool token)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_ACCEPT).Complete(-Errno.EMFILE);
        Exception? failure = null;
        bool ended = false;
        using var source = new CancellationTokenSource();
        kernel.Run(async () =>
        {
            RingTask serving = RingExecutor.Spawn(async () =>
            {
                using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                try
                {
                    await foreach (RingConnection connection in listener.AcceptAllAsync(source.Token))
                        Assert.Fail("nobody came");
                }
                catch (OperationCanceledException e)
                {
                    failure = e;
                }

                ended = true;
            });
            await Op.Nop();
            await Op.Nop();
            Assert.False(ended);
            if (!token)
                return;
            source.Cancel();
            await serving;
        });
        Assert.Null(failure);
        Assert.True(ended);
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_ACCEPT);
    }

    [Fact]
    public void ListenerDisposed_EndsTheSequence()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_ACCEPT);
        kernel.Run(async () =>
        {
            RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            RingTask<int> serving = RingExecutor.Spawn(async () =>
            {
                int count = 0;
                await foreach (RingConnection connection in listener.AcceptAllAsync())
                    count++;
                return count;
            });
            await Op.Nop();
            await listener.DisposeAsync();
            Assert.Equal(0, await serving);
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Poll_YieldsMasks_AndKeepsOne(bool multishot)
    {
        using var kernel = new FakeKernel();
        if (multishot)
            kernel.On(IORING_OP_POLL_ADD).Many(1, 4, 1);
        else
            kernel.On(IORING_OP_POLL_ADD).Complete(1).Complete(4).Complete(1);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var masks = new List<int>();
            await foreach (OpResult result in Op.Poll(handle, 5).Multishot())
            {
                masks.Add(result.Res);
                if (masks.Count == (multishot ? 1 : 3))
                    break;
            }

            Assert.Equal(multishot ? [1 | 4] : [1, 4, 1], masks); // What came together is one mask: a peer cannot fill a queue.
        }, new RingOptions { SqEntries = 8, CqEntries = 16, Without = multishot ? RingFeatures.None : RingFeatures.MultishotPoll });
        FakeOp[] polls = [.. kernel.Taken.Where(op => op.Opcode == IORING_OP_POLL_ADD)];
        Assert.Equal(multishot ? 1 : 3, polls.Length);
        Assert.All(polls, poll => Assert.Equal(multishot ? OpFlags.IORING_POLL_ADD_MULTI : 0, poll.Sqe.len));
    }

    [Fact]
    public void ExecutorStopping_EndsTheSequence()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_ACCEPT);
        bool ended = false;
        kernel.Run(async () =>
        {
            var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            _ = RingExecutor.Spawn(async () =>
            {
                await foreach (OpResult result in Op.Accept(listener).Multishot())
                    Assert.Fail($"unexpected {result}");
                ended = true;
                listener.Dispose();
            });
            await Op.Nop();
        });
        Assert.True(ended);
    }
}

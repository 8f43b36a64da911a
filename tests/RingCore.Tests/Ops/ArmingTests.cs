// Tests: arming a multishot sequence when the submission queue is full and the kernel busy: then the first result can be reaped
// before the call that armed it has returned, and must find the sequence armed and its consumer waiting.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class ArmingTests
{
    /// <summary>
    /// A queue of one. Arming makes room, and in that enter the token strikes; registering it asks for a cancel at once, which needs room
    /// too: the accept goes in, a busy kernel makes us reap, and there is the accept's last CQE.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ResultReapedWhileArming_ReachesTheConsumer(bool accepted)
    {
        using var kernel = new FakeKernel();
        int fd = accepted ? kernel.NewFd("accepted") : -Errno.ECANCELED;
        kernel.On(IORING_OP_ACCEPT).Complete(fd);
        kernel.Run(async () =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            using var source = new CancellationTokenSource();
            IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot().GetAsyncEnumerator(source.Token);
            await Op.Nop();
            kernel.On(IORING_OP_NOP).Run(op =>
            {
                source.Cancel();
                kernel.TakeAndFail(1, Errno.EBUSY);
                op.Finish(0);
            });
            ValueTask<OpResult> full = Op.Nop().Start();
            ValueTask<bool> next = accepts.MoveNextAsync();
            Assert.Equal(0, listener.InFlight); // It was reaped in there.
            if (accepted)
            {
                Assert.True(await next);
                Assert.Equal(fd, accepts.Current.Res);
                await Op.Close(fd);
                next = accepts.MoveNextAsync();
            }

            Assert.IsType<OperationCanceledException>(await Caught.By(next), exactMatch: false);
            Assert.Equal(0, (await full).Res);
            await accepts.DisposeAsync();
        }, new RingOptions { SqEntries = 1, CqEntries = 16 });
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_ACCEPT);
    }

    [Fact]
    public void DisposedBeforeTheFirstResultIsAskedFor_Throws_AndTheSequenceCanBeLeft()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot().GetAsyncEnumerator();
            listener.Dispose();
            Assert.Throws<ObjectDisposedException>(() => { _ = accepts.MoveNextAsync(); });
            Assert.Throws<ObjectDisposedException>(() => { _ = accepts.MoveNextAsync(); });
            await accepts.DisposeAsync();
        });
        Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_ACCEPT);
    }
}

// Tests: arming a multishot sequence whose handle is gone by then.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class ArmingTests
{
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

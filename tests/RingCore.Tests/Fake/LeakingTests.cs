// Tests: executors that end by an exception out of their loop. What the kernel still holds then is leaked on purpose and counted for
// the whole process, so that no test which looks at that count may run beside these.

using RingCore.Sys;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Fakes;

[Collection(nameof(Alone))]
public sealed class LeakingTests
{
    [Fact]
    public void WaitThatNothingCanEnd_FailsInsteadOfHanging()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        using var errors = new StandardError();
        FakeKernelException e = Assert.Throws<FakeKernelException>(() => RingExecutor.Run(async () =>
        {
            RingConnection connection = RingConnection.Adopt(kernel.NewFd());
            await connection.ReadAsync(new byte[8]);
        }, kernel.Options()));
        Assert.Contains("IORING_OP_RECV", e.Message);
        Assert.Contains("leaked on purpose: IORING_OP_RECV", errors.Text);
    }

    [Fact]
    public void AnyOtherErrorOfEnter_EndsTheExecutorLoudly()
    {
        using var kernel = new FakeKernel();
        using var errors = new StandardError();
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => RingExecutor.Run(async () =>
        {
            kernel.RefuseEnter(Errno.EBADF);
            await Op.Nop();
        }, kernel.Options()));
        Assert.Contains("EBADF", e.Message);
        Assert.Contains("leaked on purpose: IORING_OP_NOP", errors.Text);
    }
}

// Tests of the fake kernel itself: a wrong fake would prove nothing. It plays an executor from start to end, keeps order in its
// overflow list, cancels and times out. That it fails a test which would hang is in LeakingTests.

using System.Text;
using RingCore.Sys;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Fakes;

public sealed class FakeKernelTests
{
    [Fact]
    public void WholeExecutor_RunsOverIt()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("hello");
        string text = "";
        kernel.Run(async () =>
        {
            using RingConnection connection = RingConnection.Adopt(kernel.NewFd());
            byte[] buffer = new byte[64];
            int read = await connection.ReadAsync(buffer);
            text = Encoding.UTF8.GetString(buffer, 0, read);
        });
        Assert.Equal("hello", text);
        Assert.Equal([IORING_OP_RECV, IORING_OP_ASYNC_CANCEL], kernel.Taken.Select(op => op.Opcode));
    }

    [Fact]
    public void Linux510_RunsOverIt()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        kernel.Run(async () => Assert.Equal(0, (await Op.Nop()).Res));
        Assert.DoesNotContain(kernel.Enters, enter => (enter.Flags & EnterFlags.IORING_ENTER_EXT_ARG) != 0);
    }

    [Fact]
    public async Task StartedExecutor_WakesThroughTheEventFd()
    {
        using var kernel = new FakeKernel { WaitForSignals = true };
        RingExecutor executor = RingExecutor.Start(kernel.Options());
        int result = await executor.InvokeAsync(async () => (await Op.Nop()).Res + 42);
        Assert.Equal(42, result);
        await executor.DisposeAsync();
        kernel.AssertReleased();
    }
}

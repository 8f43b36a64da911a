// Tests: what the loop itself prepares, and what user code does in the middle of giving memory back.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class AdmissionTests
{
    /// <summary>The timer's op is prepared by the loop, which frees no slot for it: the table has to grow.</summary>
    [Fact]
    public void TimerOpWithEverySlotTaken_GrowsTheTable()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(
            async () =>
            {
                using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
                OpTable table = RingExecutor.Current!.Driver.Table;
                while (table.InUse < table.Capacity)
                    _ = Op.Recv(handle, new byte[1]).Start();
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                Assert.Equal(512, table.Capacity);
            },
            new RingOptions { Without = RingFeatures.ExtArg, SqEntries = 512, CqEntries = 1024 });
    }

    [Fact]
    public void UnpinThatStartsARefusedOp_CountsEachPinOnce()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("a").Bytes("b");
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var inner = new HookedMemory("...");
            ValueTask<OpResult> refused = default;
            var outer = new HookedMemory("...")
            {
                OnUnpin = () => refused = Op.Recv(handle, inner.Memory).Start(new CancellationToken(canceled: true)),
            };
            Assert.Equal(1, (await Op.Recv(handle, outer.Memory).Start()).Res);
            Assert.Equal(-Errno.ECANCELED, (await refused).Res);
            await Op.Nop();
            Assert.Equal((0, 0), (outer.Pins, inner.Pins));
            Assert.Equal(0, RingExecutor.Current!.Driver.Pins.Out);
        });
    }

    [Fact]
    public void LocalSetInAnUnpin_StaysThere()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("a");
        var local = new AsyncLocal<string?>();
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var memory = new HookedMemory("...") { OnUnpin = () => local.Value = "unpin" };
            string? seen = "never";
            _ = RingExecutor.Spawn(async () =>
            {
                for (int i = 0; i < 5; i++)
                    await Op.Nop();
                RingExecutor.Current!.Post(() => seen = local.Value);
            });
            await Op.Recv(handle, memory.Memory).Start();
            for (int i = 0; i < 10; i++)
                await Op.Nop();
            Assert.Equal(0, memory.Pins);
            Assert.Null(seen);
            SynchronizationContext.Current!.Post(_ => seen = local.Value ?? "none", null);
            await RingExecutor.Yield();
            Assert.Equal("none", seen);
        });
    }
}

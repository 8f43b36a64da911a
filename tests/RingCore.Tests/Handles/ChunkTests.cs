// Tests: Handles. A chunk that was given back while the kernel writes into it is nobody else's until the
// kernel has let go.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed class ChunkTests
{
    [Theory]
    [InlineData(Chunk.Usual)]
    [InlineData(Chunk.Small)]
    public void ReturnedDuringItsOp_IsSpareOnlyAfterIt(int size)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            OpDriver driver = RingExecutor.Current!.Driver;
            Chunk chunk = Chunk.Rent(driver, size);
            ValueTask<OpResult> receiving = Op.Recv(handle, chunk.Memory[5..]).Start();
            await Op.Nop();
            chunk.Return();
            Chunk other = Chunk.Rent(driver, size);
            Assert.NotSame(chunk, other);
            kernel.Deliver(IORING_OP_RECV, "FROM THE PEER");
            Assert.Equal(13, (await receiving).Res);
            Assert.Equal("FROM THE PEER"u8, chunk.Bytes.Span[5..18]);
            Assert.Same(chunk, Chunk.Rent(driver, size));
            Assert.NotSame(chunk, Chunk.Rent(driver, size));
        });
    }

    [Fact]
    public void ReturnedFirstByTheOp_OrFromAnotherThread_OrOfAnotherSize()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("a");
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            OpDriver driver = RingExecutor.Current!.Driver;
            Chunk chunk = Chunk.Rent(driver, Chunk.Usual);
            Assert.Equal(1, (await Op.Recv(handle, chunk.Memory).Start()).Res);
            Assert.NotSame(chunk, Chunk.Rent(driver, Chunk.Usual));
            var elsewhere = new Thread(chunk.Return);
            elsewhere.Start();
            elsewhere.Join();
            Assert.NotSame(chunk, Chunk.Rent(driver, Chunk.Usual)); // The GC's.
            Chunk odd = Chunk.Rent(driver, 100);
            Assert.Equal((100, 100), (odd.Memory.Length, odd.GetSpan().Length));
            odd.Return();
            Assert.NotSame(odd, Chunk.Rent(driver, 100));
        });
    }
}

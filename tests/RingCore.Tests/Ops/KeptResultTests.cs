// Tests: results that came and that nobody takes: an accept loop that never comes back, a kept memory, a peer that fills a queue, a
// receive that gets ENOBUFS though it named no group.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class KeptResultTests
{
    [Fact]
    public void AcceptLoopThatNeverComesBack_ItsConnectionsAreClosed()
    {
        using var kernel = new FakeKernel();
        int[] fds = [.. Enumerable.Range(0, 20).Select(_ => kernel.NewFd("accepted"))];
        kernel.On(IORING_OP_ACCEPT).Many(fds).Hold();
        var never = new TaskCompletionSource();
        kernel.Run(async () =>
        {
            var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            _ = RingExecutor.Spawn(async () =>
            {
                await foreach (OpResult accepted in Op.Accept(listener).Multishot())
                {
                    await Op.Close(accepted.Res);
                    await never.Task; // The body never comes back.
                }
            });
            await Op.Nop();
            await Op.Nop();
            await listener.DisposeAsync();
            GC.KeepAlive(never);
        });
        GC.KeepAlive(never);
        Assert.All(fds, fd => Assert.Contains(fd, kernel.Closes));
    }

    [Fact]
    public void MultishotAccept_IsCancelledAtItsCap()
    {
        using var kernel = new FakeKernel();
        int[] fds = [.. Enumerable.Range(0, 8).Select(_ => kernel.NewFd("accepted"))];
        kernel.On(IORING_OP_ACCEPT).Many(fds).Hold();
        kernel.Run(async () =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await using IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot(mostWaiting: 4).GetAsyncEnumerator();
            Assert.True(await accepts.MoveNextAsync());
            await Op.Close(accepts.Current.Res);
            await Op.Nop();
            await Op.Nop();
            Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_ASYNC_CANCEL);
        });
    }

    [Fact]
    public void MemoryKeptPastItsLease_ShowsNobodyElsesBytes()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("mine").Bytes("A PASSWORD").Bytes("A PASSWORD");
        kernel.Run(
            async () =>
            {
                using var connection = RingConnection.Adopt(kernel.NewFd());
                ReadLease lease = await connection.ReadLeaseAsync();
                ReadOnlyMemory<byte> kept = lease.Memory;
                ReadOnlyMemory<byte> part = kept[1..3];
                Assert.Equal("mine"u8, kept.Span);
                lease.Dispose();
                Assert.Throws<ObjectDisposedException>(() => kept.Span.Length);
                Assert.Throws<ObjectDisposedException>(() => lease.Memory);
                using ReadLease third = await connection.ReadLeaseAsync(); // Two buffers: one of them is the kept one's.
                using ReadLease next = await connection.ReadLeaseAsync();
                Assert.Equal("A PASSWORD"u8, next.Span);
                Assert.Equal("A PASSWORD"u8, next.Memory.Span);
                Assert.Equal("PASS"u8, next.Memory[2..6].Span);
                Assert.Throws<ArgumentOutOfRangeException>(() => kept.Span.Length);
                Assert.Throws<ArgumentOutOfRangeException>(() => part.Span.Length);
                Assert.Throws<ObjectDisposedException>(() => kept.Pin());
            },
            new RingOptions { LeaseBufferCount = 2, SqEntries = 8, CqEntries = 16 });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NoBuffersForAReceiveThatNamedNoGroup_IsAnError(bool all)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Complete(-Errno.ENOBUFS);
        kernel.Run(
            async () =>
            {
                using var connection = RingConnection.Adopt(kernel.NewFd());
                Exception? e = all
                    ? await Caught.By(connection.ReadAllAsync().GetAsyncEnumerator().MoveNextAsync())
                    : await Caught.By(connection.ReadLeaseAsync());
                Assert.IsType<System.Net.Sockets.SocketException>(e);
            },
            new RingOptions { Without = RingFeatures.BufferRings | RingFeatures.MultishotReceive, SqEntries = 8, CqEntries = 16 });
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_RECV);
    }
}

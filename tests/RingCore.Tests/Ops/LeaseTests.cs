// Tests: reads on a connection: leases on kernel-chosen buffers and what happens when there is none, reads into the caller's
// memory, exact reads. Buffers come back once, errors and cancels included.

using System.Text;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.CqeFlags;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class LeaseTests
{
    private static readonly RingOptions s_twoBuffers = new() { SqEntries = 8, CqEntries = 16, LeaseBufferCount = 2, LeaseBufferSize = 64 };

    private static string Text(ReadLease lease) => Encoding.UTF8.GetString(lease.Span);

    [Fact]
    public void Lease_BringsBytesAndGoesBack()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("hello").Complete(0);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ReadLease lease = await connection.ReadLeaseAsync();
            Assert.Equal("hello", Text(lease));
            Assert.Equal(1, kernel.BuffersFree(0));
            Assert.False(Assert.Single(RingExecutor.Current!.LeasesOut()).Own);
            lease.Dispose();
            Assert.Equal(2, kernel.BuffersFree(0));
            Assert.Throws<ObjectDisposedException>(() => lease.Memory);
            Assert.Empty(RingExecutor.Current!.LeasesOut());
            using ReadLease end = await connection.ReadLeaseAsync();
            Assert.True(end.IsEnd);
            Assert.Equal(2, kernel.BuffersFree(0));
        }, s_twoBuffers);
    }

    /// <summary>A new kernel may refuse it all the same: the ring's memory counts against a limit.</summary>
    [Fact]
    public void BufferRingRefused_EveryLeaseIsABufferOfItsOwn()
    {
        using var kernel = new FakeKernel();
        kernel.RefuseRegister(RegisterOps.IORING_REGISTER_PBUF_RING, Errno.ENOMEM);
        kernel.On(IORING_OP_RECV).Bytes("one").Bytes("two").Complete(0);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using (ReadLease one = await connection.ReadLeaseAsync())
            {
                Assert.Equal("one", Text(one));
                Assert.True(Assert.Single(RingExecutor.Current!.LeasesOut()).Own);
            }

            var rest = new List<string>();
            await foreach (ReadLease lease in connection.ReadAllAsync())
            {
                using (lease)
                    rest.Add(Text(lease));
            }

            Assert.Equal(["two"], rest);
        }, s_twoBuffers);
    }

    [Fact]
    public void NoBufferLeft_ReadsIntoOneOfItsOwn()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("one").Bytes("two");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using ReadLease one = await connection.ReadLeaseAsync();
            using ReadLease two = await connection.ReadLeaseAsync();
            Assert.Equal(0, kernel.BuffersFree(0));
            kernel.WhenIdle(() => kernel.Deliver(IORING_OP_RECV, "three"));
            using (ReadLease three = await connection.ReadLeaseAsync())
            {
                Assert.Equal(("one", "two", "three"), (Text(one), Text(two), Text(three)));
                RingCounters counters = RingExecutor.Current!.Counters;
                Assert.Equal((1, 3), (counters.NoBuffers, counters.LeasesOut));
                Assert.Equal(1, RingExecutor.Current!.LeasesOut().Count(lease => lease.Own));
            }

            Assert.False(kernel.Taken.Last(op => op.Opcode == IORING_OP_RECV).SelectsBuffer);
        }, s_twoBuffers);
    }

    [Fact]
    public void NoBufferAtAWaitingRead_AlsoGoesOnWithItsOwn()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Run(op => op.Finish(-Errno.ENOBUFS)).Bytes("late");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using ReadLease lease = await connection.ReadLeaseAsync();
            Assert.Equal("late", Text(lease));
            Assert.Equal(1, RingExecutor.Current!.Counters.NoBuffers);
        }, s_twoBuffers);
    }

    [Fact]
    public void CancelledWhileOutOfBuffers_EndsCancelled()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_RECV, -Errno.ENOBUFS);
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask<ReadLease> read = connection.ReadLeaseAsync(source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(read), exactMatch: false);
        }, s_twoBuffers);
        Assert.Equal(1, kernel.Taken.Count(op => op.Opcode == IORING_OP_RECV));
    }

    [Fact]
    public void CancelledWithBytes_DeliversThem()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Deliver(IORING_OP_RECV, "late");
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask<ReadLease> read = connection.ReadLeaseAsync(source.Token);
            await Op.Nop();
            source.Cancel();
            using ReadLease lease = await read;
            Assert.Equal("late", Text(lease));
        }, s_twoBuffers);
    }

    [Fact]
    public void CancelAll_AsNoBufferIsFound_EndsTheRead()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_RECV, -Errno.ENOBUFS);
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask<ReadLease> read = connection.ReadLeaseAsync();
            await Op.Nop();
            connection.CancelAll();
            Assert.IsType<OperationCanceledException>(await Caught.By(read));
        }, s_twoBuffers);
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_RECV);
    }

    [Theory]
    [InlineData(-Errno.ECONNRESET)]
    [InlineData(0)]
    public void BufferThatComesWithoutBytes_GoesBack(int res)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Run(op => op.Finish(res, kernel.Pick(0, [], out _)));
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            Exception? e = await Caught.By(connection.ReadLeaseAsync());
            Assert.Equal(res < 0, e is System.Net.Sockets.SocketException);
            Assert.Equal(2, kernel.BuffersFree(0));
        }, s_twoBuffers);
    }

    [Fact]
    public void StaleCopy_DisposesNothingAndIsCounted()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("one").Bytes("two").Bytes("three");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ReadLease one = await connection.ReadLeaseAsync();
            ReadLease copy = one;
            one.Dispose();
            ReadLease two = await connection.ReadLeaseAsync();
            ReadLease three = await connection.ReadLeaseAsync(); // In the buffer that `one` had.
            copy.Dispose();
            one.Dispose();
            Assert.Equal(("two", "three"), (Text(two), Text(three)));
            Assert.Equal(0, kernel.BuffersFree(0));
            Assert.Equal(2, RingExecutor.Current!.Counters.StaleLeases);
            two.Dispose();
            three.Dispose();
            Assert.Equal(2, kernel.BuffersFree(0));
        }, s_twoBuffers);
    }

    [Fact]
    public void LeaseDisposedDuringItsSend_StaysOutUntilTheSendEnds()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("hello");
        kernel.Hold(IORING_OP_SEND);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ReadLease lease = await connection.ReadLeaseAsync();
            ValueTask write = connection.WriteAsync(lease.Memory);
            lease.Dispose();
            Assert.Throws<ObjectDisposedException>(() => lease.Memory);
            await Op.Nop();
            Assert.Equal(1, kernel.BuffersFree(0));
            Assert.Equal("hello", kernel.Oldest(IORING_OP_SEND).Text());
            kernel.Complete(IORING_OP_SEND, 5);
            await write;
            Assert.Equal(2, kernel.BuffersFree(0));
        }, s_twoBuffers);
    }

    /// <summary>On 5.19 length 0 reads nothing, and the connection seems to end; a multishot receive (6.0) is refused with any other.</summary>
    [Fact]
    public void SelectedReceive_NamesItsLength_UnlessMultishot()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("lease").Bytes("sequence").Complete(0);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            (await connection.ReadLeaseAsync()).Dispose();
            await foreach (ReadLease lease in connection.ReadAllAsync())
                lease.Dispose();
        }, s_twoBuffers with { Without = RingFeatures.MultishotReceive });
        Assert.All(kernel.Taken.Where(op => op.SelectsBuffer), op => Assert.Equal(64u, op.Sqe.len));
        int single = kernel.Taken.Count(op => op.SelectsBuffer);
        Assert.Equal(3, single);

        kernel.On(IORING_OP_RECV).Complete(0);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            await foreach (ReadLease lease in connection.ReadAllAsync())
                lease.Dispose();
        }, s_twoBuffers);
        Assert.Equal(0u, Assert.Single(kernel.Taken.Where(op => op.SelectsBuffer).Skip(single)).Sqe.len);
    }

    [Fact]
    public void WithoutBufferRings_EveryLeaseIsItsOwn()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("one").Bytes("two");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using ReadLease one = await connection.ReadLeaseAsync();
            using ReadLease two = await connection.ReadLeaseAsync();
            Assert.Equal(("one", "two"), (Text(one), Text(two)));
            Assert.All(RingExecutor.Current!.LeasesOut(), lease => Assert.True(lease.Own));
        }, s_twoBuffers with { Without = RingFeatures.BufferRings });
        Assert.All(kernel.Taken.Where(op => op.Opcode == IORING_OP_RECV), op => Assert.False(op.SelectsBuffer));
        Assert.Empty(kernel.Groups);
    }

    [Fact]
    public void SecondReadMeanwhile_Throws()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask<int> read = connection.ReadAsync(new byte[8]);
            Assert.IsType<InvalidOperationException>(Record.Exception(() => { _ = connection.ReadAsync(new byte[8]); }));
            Assert.IsType<InvalidOperationException>(Record.Exception(() => { _ = connection.ReadLeaseAsync(); }));
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 2));
            Assert.Equal(2, await read);
        });
    }

    [Fact]
    public void CancelledRead_LeavesTheConnectionReadable()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Hold().Bytes("next");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadAsync(new byte[8], new CancellationToken(true))), exactMatch: false);
            Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadLeaseAsync(new CancellationToken(true))), exactMatch: false);
            ValueTask<int> read = connection.ReadAsync(new byte[8], source.Token);
            source.Cancel();
            Assert.NotNull(await Caught.By(read));
            Assert.Equal(4, await connection.ReadAsync(new byte[8]));
        });
    }

    [Fact]
    public void ExactRead_GoesOnAfterShortOnes()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("ab").Bytes("cde").Bytes("f");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            byte[] memory = new byte[6];
            await connection.ReadExactlyAsync(memory);
            Assert.Equal("abcdef", Encoding.UTF8.GetString(memory));
        });
        Assert.Equal([6u, 4u, 1u], kernel.Taken.Where(op => op.Opcode == IORING_OP_RECV).Select(op => op.Sqe.len));
    }

    [Fact]
    public void ExactRead_PeerFinishedBefore_IsEndOfStream()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("ab").Complete(0);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            var e = Assert.IsType<EndOfStreamException>(await Caught.By(connection.ReadExactlyAsync(new byte[6])));
            Assert.Contains("2 of 6", e.Message);
        });
    }

    [Fact]
    public void ExactRead_CancelledBetweenTwoParts_EndsCancelled()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask read = connection.ReadExactlyAsync(new byte[6], source.Token);
            await Op.Nop();
            kernel.Deliver(IORING_OP_RECV, "ab");
            await Op.Nop();
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(read), exactMatch: false);
        });
    }

    [Fact]
    public void ReadOfNoBytes_IsAPoll()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_POLL_ADD).Complete(SocketConstants.POLLIN);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            Assert.Equal(0, await connection.ReadAsync(Memory<byte>.Empty));
        });
    }

    [Fact]
    public void Stream_OneSqeForManyLeases()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Run(op =>
        {
            op.Deliver("one"u8, IORING_CQE_F_MORE);
            op.Deliver("two"u8, IORING_CQE_F_MORE);
            op.Finish(0);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            var seen = new List<string>();
            await foreach (ReadLease lease in connection.ReadAllAsync())
            {
                seen.Add(Text(lease));
                lease.Dispose();
            }

            Assert.Equal(["one", "two"], seen);
            Assert.Equal(2, kernel.BuffersFree(0));
        }, s_twoBuffers);
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_RECV);
    }

    [Fact]
    public void StreamLeft_DrainsItsTailAndGivesTheBuffersBack()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Run(op => op.Deliver("one"u8, IORING_CQE_F_MORE));
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            FakeOp receive = kernel.Oldest(IORING_OP_RECV);
            receive.Deliver("late"u8, IORING_CQE_F_MORE);
            op.Finish(0);
            receive.Finish(-Errno.ECANCELED);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            await foreach (ReadLease lease in connection.ReadAllAsync())
            {
                Assert.Equal("one", Text(lease));
                lease.Dispose();
                break;
            }

            Assert.Equal(0, connection.InFlight);
            Assert.Equal(2, kernel.BuffersFree(0));
        }, s_twoBuffers);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CancelAllOrDispose_WhileTheStreamDrainsAtItsCap_EndsIt(bool dispose)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.On(IORING_OP_ASYNC_CANCEL).Hold();
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            await using IAsyncEnumerator<ReadLease> leases = connection.ReadAllAsync(mostLeases: 1).GetAsyncEnumerator();
            ValueTask<bool> first = leases.MoveNextAsync();
            await Op.Nop();
            kernel.Deliver(IORING_OP_RECV, "a", CqeFlags.IORING_CQE_F_MORE);
            Assert.True(await first);
            leases.Current.Dispose();
            ValueTask<bool> second = leases.MoveNextAsync();
            await Op.Nop();
            Assert.Single(kernel.InFlight(IORING_OP_ASYNC_CANCEL)); // The cap's.
            if (dispose)
                connection.Dispose();
            else
                connection.CancelAll();
            kernel.Complete(IORING_OP_ASYNC_CANCEL, 0);
            kernel.Complete(IORING_OP_RECV, -Errno.ECANCELED);
            Assert.IsType(dispose ? typeof(ObjectDisposedException) : typeof(OperationCanceledException), await Caught.By(second));
        }, s_twoBuffers);
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_RECV);
    }

    [Fact]
    public void StreamThatLostMore_IsArmedAgain()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("one").Bytes("two").Complete(0);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            string all = "";
            await foreach (ReadLease lease in connection.ReadAllAsync())
            {
                all += Text(lease);
                lease.Dispose();
            }

            Assert.Equal("onetwo", all);
        }, s_twoBuffers);
        Assert.Equal(3, kernel.Taken.Count(op => op.Opcode == IORING_OP_RECV));
    }
}

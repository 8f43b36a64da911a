// Tests: Defects 9 to 17 of the Rust original: wrong results, hangs and limits of ring and ops. Each test is named after its defect
// and fails when that defect is put into this code.

using System.Net;
using RingCore.Sys;
using RingCore.Tests.Fakes;

namespace RingCore.Tests.Defects;

[Collection(nameof(Alone))]
public sealed class ResultDefectTests
{
    [Fact]
    public unsafe void D09_Splice_HasItsFdsWhereTheKernelReadsThem()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            int* from = stackalloc int[2], to = stackalloc int[2];
            Assert.Equal(0, Libc.pipe2(from, FileConstants.O_CLOEXEC));
            Assert.Equal(0, Libc.pipe2(to, FileConstants.O_CLOEXEC));
            byte* bytes = stackalloc byte[5] { 1, 2, 3, 4, 5 };
            Assert.Equal(5, Libc.write(from[1], bytes, 5));
            using (var ring = new Ring(new RingOptions { SqEntries = 4, CqEntries = 8 }))
            {
                io_uring_sqe* sqe = ring.TryGetSqe();
                sqe->opcode = io_uring_op.IORING_OP_SPLICE;
                sqe->fd = to[1];
                sqe->splice_fd_in = from[0];
                sqe->splice_off_in = ulong.MaxValue;
                sqe->off = ulong.MaxValue;
                sqe->len = 5;
                Assert.Equal(1, ring.Enter(1));
                Assert.Equal(5, ring.CqeAt(0).res);
                ring.Advance(1);
            }

            byte* copy = stackalloc byte[5];
            Assert.Equal(5, Libc.read(to[0], copy, 5));
            Assert.Equal(new ReadOnlySpan<byte>(bytes, 5).ToArray(), new ReadOnlySpan<byte>(copy, 5).ToArray());
            for (int i = 0; i < 2; i++)
            {
                Libc.close(from[i]);
                Libc.close(to[i]);
            }
        });
    }

    [Fact]
    public void D10_EndedMultishot_IsKnownByItsFlags_AndArmedAgain()
    {
        Live.RequireFeature(RingFeatures.MultishotAccept);
        Live.Run(async () =>
        {
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            await using IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot().GetAsyncEnumerator();
            await Accept(expectMore: true);
            listener.CancelAll(); // The kernel ends the multishot, as it may at any time.
            Assert.True(await accepts.MoveNextAsync());
            Assert.False(accepts.Current.HasMore);
            Assert.Equal(Errno.ECANCELED, accepts.Current.Errno);
            await Accept(expectMore: true);

            async RingTask Accept(bool expectMore)
            {
                ValueTask<bool> accepting = accepts.MoveNextAsync();
                using RingConnection client = await RingConnection.ConnectAsync(listener.LocalEndPoint);
                Assert.True(await accepting);
                Assert.True(accepts.Current.IsSuccess);
                Assert.Equal(expectMore, accepts.Current.HasMore);
                RingHandle.Adopt(accepts.Current.Res, ownsFd: true).Dispose();
            }
        }, timeout: TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void D10_LeasedBuffers_AreThoseTheCqesName()
    {
        Live.Run(async () =>
        {
            const int Count = 50;
            var pairs = new (RingConnection Left, RingConnection Right)[Count];
            var leases = new ReadLease[Count];
            for (int i = 0; i < Count; i++)
                pairs[i] = Live.Pair();
            for (int i = Count - 1; i >= 0; i--)
                await pairs[i].Right.WriteAsync(new[] { (byte)i, (byte)i });
            for (int i = 0; i < Count; i++)
                leases[i] = await pairs[i].Left.ReadLeaseAsync();
            for (int i = 0; i < Count; i++)
            {
                Assert.Equal([(byte)i, (byte)i], leases[i].Span.ToArray());
                leases[i].Dispose();
                pairs[i].Left.Dispose();
                pairs[i].Right.Dispose();
            }
        });
    }

    [Fact]
    public void D11_TenThousandAwaits_LeaveNoSlotBehind()
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            await Op.Nop();
            int capacity = ring.Driver.Table.Capacity, inUse = ring.Driver.Table.InUse;
            (RingConnection left, RingConnection right) = Live.Pair();
            byte[] buffer = new byte[4];
            for (int i = 0; i < 10_000; i++)
            {
                switch (i % 4)
                {
                    case 0:
                        await Op.Nop();
                        break;
                    case 1:
                        await right.WriteAsync(buffer);
                        await left.ReadExactlyAsync(buffer);
                        break;
                    case 2:
                        await Op.Writev(right, [buffer, buffer]);
                        await Op.Readv(left, [buffer, buffer]);
                        break;
                    default:
                        await Op.OpenAt("/nonexistent/name", FileConstants.O_RDONLY);
                        break;
                }
            }

            Assert.Equal(inUse, ring.Driver.Table.InUse);
            Assert.Equal(capacity, ring.Driver.Table.Capacity);
            Assert.Equal(0, ring.Driver.Table.BlockBytes);
            left.Dispose();
            right.Dispose();
        });
    }

    /// <summary>There is no SQPOLL here. The flags in the shared queue are read all the same: completions can wait for an enter.</summary>
    [Fact]
    public void D12_CompletionsThatWaitForAnEnter_AreFetchedThoughTasksAreAlwaysReady()
    {
        Live.Run(async () =>
        {
            Assert.Equal(0u, RingExecutor.Current!.Ring.SetupFlags & SetupFlags.IORING_SETUP_SQPOLL);
            bool stop = false;
            RingTask spinner = RingExecutor.Spawn(async () =>
            {
                while (!stop)
                    await RingExecutor.Yield();
            });
            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            {
                ValueTask<int> read = left.ReadAsync(new byte[1]);
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(2)); // Submitted. From here on nothing of ours needs an enter.
                WriteByte(right.Fd);
                Assert.Equal(1, await read);
            }

            stop = true;
            await spinner;
        }, timeout: TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void D13_CqOverflow_IsCountedAndEverythingArrives()
    {
        RingCounters counters = Live.Run(async () =>
        {
            RingTask<int>[] tasks = [.. Enumerable.Range(0, 1000).Select(_ => RingExecutor.Spawn(async () => (await Op.Nop()).Res))];
            foreach (RingTask<int> task in tasks)
                Assert.Equal(0, await task);
        }, new RingOptions { SqEntries = 4, CqEntries = 4 });
        Assert.True(counters.Overflows > 0, "the queue never overflowed: the test tested nothing");
    }

    [Theory]
    [InlineData(uint.MaxValue - 2)]
    [InlineData(uint.MaxValue)]
    [InlineData(int.MaxValue - 1)]
    public void D14_HeadAndTail_WrapAt2To32(uint start)
    {
        using var fake = new FakeKernel { StartIndex = start };
        RingExecutor.Run(async () =>
        {
            for (int round = 0; round < 10; round++)
            {
                RingTask<int>[] tasks = [.. Enumerable.Range(0, 7).Select(_ => RingExecutor.Spawn(async () => (await Op.Nop()).Res))];
                foreach (RingTask<int> task in tasks)
                    Assert.Equal(0, await task);
            }
        }, fake.Options());
        fake.AssertReleased();
    }

    [Fact]
    public void D14_TheReadyQueue_KeepsItsOrder_AndRefusesWhatStandsInItAlready()
    {
        var queue = new ReadyQueue();
        Work[] work = [.. Enumerable.Range(0, 1000).Select(_ => new Work())];
        foreach (Work item in work)
            queue.Push(item);
        Assert.Equal(1000, queue.Count);
        Assert.Throws<InvalidOperationException>(() => queue.Push(work[3]));
        Assert.Throws<InvalidOperationException>(() => queue.Push(work[^1]));
        foreach (Work item in work)
            Assert.Same(item, queue.Pop());
        Assert.True(queue.IsEmpty);
    }

    [Theory]
    [InlineData(MmapOffsets.IORING_OFF_SQ_RING)]
    [InlineData(MmapOffsets.IORING_OFF_CQ_RING)]
    [InlineData(MmapOffsets.IORING_OFF_SQES)]
    [InlineData(ulong.MaxValue)]
    public void D15_EverythingIsUnmappedAndClosed_OnEveryPath(ulong failingMap)
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            int fds = Live.FdCount();
            using TamperedKernel kernel = TamperedKernel.Install(onMap: offset => offset == failingMap ? -Errno.ENOMEM : 0);
            var options = new RingOptions { Kernel = TamperedKernel.Kernel, Without = RingFeatures.SingleMmap };
            if (failingMap == ulong.MaxValue)
                RingExecutor.Run(async () => await Op.Nop(), options);
            else
                Assert.Throws<RingUnavailableException>(() => RingExecutor.Run(async () => await Op.Nop(), options));
            Assert.Equal(0, kernel.Mapped);
            Assert.Equal(0, kernel.RingsOpen);
            Assert.Equal(fds, Live.FdCount());
        });
    }

    [Fact]
    public void D16_ARefusedSetUp_IsAnExceptionAtTheStart()
    {
        Live.OnThread(() =>
        {
            using TamperedKernel kernel = TamperedKernel.Install(onSetup: _ => -Errno.EPERM);
            bool ran = false;
            var e = Assert.Throws<RingUnavailableException>(() => RingExecutor.Run(async () =>
            {
                ran = true;
                await Op.Nop();
            }, new RingOptions { Kernel = TamperedKernel.Kernel }));
            Assert.False(ran);
            Assert.Contains("io_uring is not available", e.Message, StringComparison.Ordinal);
            Assert.Null(RingExecutor.Current);
        });
    }

    [Fact]
    public void D17_EnterErrorsThatPass_AreCountedAndGoneOnFrom()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            var errors = new Queue<int>([Errno.EINTR, Errno.EAGAIN, Errno.EBUSY, Errno.EBUSY, Errno.ETIME]);
            using TamperedKernel kernel = TamperedKernel.Install(onEnter: (_, _) => errors.TryDequeue(out int errno) ? -errno : 0);
            RingCounters counters = RingExecutor.Run(async () =>
            {
                for (int i = 0; i < 20; i++)
                    Assert.True((await Op.Nop()).IsSuccess);
                return RingExecutor.Current!.Counters;
            }, new RingOptions { Kernel = TamperedKernel.Kernel });
            Assert.Empty(errors);
            Assert.Equal(1, counters.Interrupted);
            Assert.Equal(3, counters.Busy);
        }, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void D17_EnterErrorsThatDoNotPass_EndTheExecutorWithTheirName()
    {
        Live.RequireIoUring();
        using var errors = new StandardError(); // What the kernel still has then is leaked, and said so.
        Live.OnThread(() =>
        {
            bool broken = false;
            using TamperedKernel kernel = TamperedKernel.Install(onEnter: (_, _) => broken ? -Errno.EBADF : 0);
            var e = Assert.Throws<InvalidOperationException>(() => RingExecutor.Run(async () =>
            {
                await Op.Nop();
                broken = true;
                await Op.Nop();
            }, new RingOptions { Kernel = TamperedKernel.Kernel }));
            Assert.Contains("EBADF", e.Message, StringComparison.Ordinal);
            Assert.Null(RingExecutor.Current);
        }, TimeSpan.FromSeconds(10));
    }

    private static unsafe void WriteByte(int fd)
    {
        byte one = 1;
        Assert.Equal(1, Libc.write(fd, &one, 1));
    }

    private sealed class Work : RingWork
    {
        internal override void Run()
        {
        }
    }
}

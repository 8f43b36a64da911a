// Tests: one ring over the fake kernel, without ops: queue limits, index wrap-around, partial submits, what enter's errors leave
// behind, the wait's argument, the registered fd, and the overflow list. Two steps a real kernel cannot be made to take on demand.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.EnterFlags;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Rings;

public sealed unsafe class RingTests
{
    private static void Nop(Ring ring, ulong userData)
    {
        io_uring_sqe* sqe = ring.TryGetSqe();
        Assert.True(sqe != null);
        sqe->opcode = IORING_OP_NOP;
        sqe->user_data = userData;
    }

    private static List<ulong> TakeAll(Ring ring)
    {
        var taken = new List<ulong>();
        uint ready = ring.Ready;
        for (uint i = 0; i < ready; i++)
            taken.Add(ring.CqeAt(i).user_data);
        ring.Advance(ready);
        return taken;
    }

    /// <summary>Batches of NOPs, each of which must come back once and in order.</summary>
    internal static void NopBatches(Ring ring, int rounds, int batch)
    {
        ulong next = 1;
        for (int round = 0; round < rounds; round++)
        {
            ulong first = next;
            for (int i = 0; i < batch; i++)
                Nop(ring, next++);
            Assert.Equal(batch, ring.Enter((uint)batch));
            Assert.Equal(Enumerable.Range(0, batch).Select(i => first + (ulong)i), TakeAll(ring));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    [InlineData(uint.MaxValue - 10)]
    [InlineData(int.MaxValue)]
    public void Indexes_WrapAround(uint start)
    {
        foreach (bool array in new[] { false, true })
        {
            using var kernel = new FakeKernel { StartIndex = start };
            using var ring = new Ring(kernel.Options() with { Without = array ? RingFeatures.NoSqArray : RingFeatures.None });
            NopBatches(ring, rounds: 10, batch: 8);
            NopBatches(ring, rounds: 20, batch: 3);
            Assert.Equal(140, ring.Counters.Sqes);
            Assert.Equal(140, ring.Counters.Cqes);
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue - 3)]
    public void SqFull_ExactlyAtCapacity(uint start)
    {
        using var kernel = new FakeKernel { StartIndex = start };
        using var ring = new Ring(kernel.Options());
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal((uint)(8 - i), ring.Room);
            Nop(ring, (ulong)i);
        }

        Assert.True(ring.TryGetSqe() == null);
        Assert.Equal(8u, ring.Pending);
        Assert.Equal(8, ring.Enter(0));
        Assert.Equal(8u, ring.Room);
        Assert.True(ring.TryGetSqe() != null);
    }

    [Fact]
    public void Sqe_ComesZeroed()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        for (int i = 0; i < 8; i++)
            new Span<byte>(ring.TryGetSqe(), sizeof(io_uring_sqe)).Fill(0xFF);
        kernel.Opcodes.Clear();
        ring.Enter(0);
        ring.Advance(ring.Ready);
        for (int i = 0; i < 8; i++)
            Assert.False(new Span<byte>(ring.TryGetSqe(), sizeof(io_uring_sqe)).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void PartialSubmit_LeavesTheRest()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        for (ulong i = 1; i <= 5; i++)
            Nop(ring, i);
        kernel.TakeAtMost(2);
        Assert.Equal(2, ring.Enter(0));
        Assert.Equal(3u, ring.Pending);
        Assert.Equal(1, ring.Counters.PartialSubmits);
        Assert.Equal(3, ring.Enter(0));
        Assert.Equal(0u, ring.Pending);
        Assert.Equal([1, 2, 3, 4, 5], TakeAll(ring));
        Assert.Equal([5u, 3u], kernel.Enters.Select(enter => enter.ToSubmit));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BadSqe_EndsTheBatchOnlyWithoutSubmitAll(bool submitAll)
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options() with { Without = submitAll ? RingFeatures.None : RingFeatures.SubmitAll });
        Nop(ring, 1);
        kernel.Opcodes.Remove(IORING_OP_TEE);
        io_uring_sqe* bad = ring.TryGetSqe();
        bad->opcode = IORING_OP_TEE;
        bad->user_data = 2;
        Nop(ring, 3);
        Assert.Equal(submitAll ? 3 : 2, ring.Enter(0));
        Assert.Equal(submitAll ? 0u : 1u, ring.Pending);
        ring.Enter(0);
        Assert.Equal([1, 2, 3], TakeAll(ring));
    }

    [Theory]
    [InlineData(Errno.EINTR)]
    [InlineData(Errno.EBUSY)]
    [InlineData(Errno.EAGAIN)]
    public void EnterRefused_KeepsTheSqes(int errno)
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        Nop(ring, 1);
        kernel.RefuseEnter(errno);
        Assert.Equal(-errno, ring.Enter(1));
        Assert.Equal(1u, ring.Pending);
        Assert.Equal(0, ring.Counters.Sqes);
        Assert.Equal(1, ring.Enter(1));
        Assert.Equal([1], TakeAll(ring));
    }

    [Fact]
    public void EnterFailsAfterItHadTaken_TheSharedHeadTells()
    {
        using var kernel = new FakeKernel { StartIndex = uint.MaxValue - 1 };
        using var ring = new Ring(kernel.Options());
        for (ulong i = 1; i <= 5; i++)
            Nop(ring, i);
        kernel.TakeAndFail(3, Errno.EINTR);
        Assert.Equal(-Errno.EINTR, ring.Enter(1));
        Assert.Equal(2u, ring.Pending);
        Assert.Equal(3, ring.Counters.Sqes);
        Assert.Equal(2, ring.Enter(1));
        Assert.Equal([1, 2, 3, 4, 5], TakeAll(ring));
        Assert.Equal(5, ring.Counters.Sqes);
    }

    [Fact]
    public void TimedWait_EndsWithEtimeAtItsDeadline()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        long before = kernel.NowNs;
        Assert.Equal(-Errno.ETIME, ring.Enter(1, 2_500_000_007));
        Assert.Equal(2_500_000_007, kernel.NowNs - before);
    }

    [Fact]
    public void TimedWait_ArgumentIsWhatTheKernelReads()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        ring.Enter(1, 1_000_000_005);
        FakeEnter enter = kernel.Enters[^1];
        Assert.Equal(1_000_000_005, enter.TimeoutNs);
        Assert.Equal((nuint)24, enter.ArgumentSize);
        Assert.Equal(0ul, enter.Argument.sigmask);
        Assert.Equal(0u, enter.Argument.sigmask_sz);
        Assert.Equal(0u, enter.Argument.min_wait_usec);
        Assert.Equal(IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING | IORING_ENTER_NO_IOWAIT, enter.Flags);
        Assert.Equal(1, ring.Counters.Waits);
    }

    [Fact]
    public void EnterWithoutWait_HasNoArgument()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        ring.Enter(0, timeoutNs: -1);
        FakeEnter enter = kernel.Enters[^1];
        Assert.Equal(IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, enter.Flags);
        Assert.Equal(0, ring.Counters.Waits);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RegisteredFd_IsUsedAndGivenBack(bool registered)
    {
        using var kernel = new FakeKernel();
        var ring = new Ring(kernel.Options() with { Without = registered ? RingFeatures.None : RingFeatures.RegisteredRing });
        int index = kernel.RegisteredIndex;
        int fd = kernel.RingFd;
        NopBatches(ring, rounds: 3, batch: 1);
        Assert.Equal(registered, index >= 0);
        Assert.All(kernel.Enters, enter => Assert.Equal(registered ? index : fd, enter.Fd));
        Assert.All(kernel.Enters, enter => Assert.Equal(registered, (enter.Flags & IORING_ENTER_REGISTERED_RING) != 0));
        ring.Dispose();
        ring.Dispose();
        Assert.Equal(-1, kernel.RegisteredIndex);
        Assert.Equal([fd], kernel.Closes);
        kernel.AssertReleased();
    }

    [Fact]
    public void CqOverflow_KeepsEverythingInOrder()
    {
        using var kernel = new FakeKernel { StartIndex = uint.MaxValue - 20 };
        using var ring = new Ring(kernel.Options(new RingOptions { SqEntries = 8, CqEntries = 8 }));
        for (ulong i = 1; i <= 32; i++)
        {
            Nop(ring, i);
            if (i % 8 == 0)
                ring.Enter(0);
        }

        Assert.Equal(24, kernel.OverflowCount);
        Assert.True(ring.Overflowed);
        Assert.True(ring.NeedsEnter);
        var all = new List<ulong>();
        while (ring.Ready > 0)
        {
            all.AddRange(TakeAll(ring));
            ring.Enter(0);
        }

        Assert.Equal(Enumerable.Range(1, 32).Select(i => (ulong)i), all);
        Assert.False(ring.Overflowed);
        Assert.False(ring.NeedsEnter);
    }

    [Fact]
    public void DeferredTaskWork_IsAnnouncedAndRunByTheNextEnter()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        io_uring_sqe* sqe = ring.TryGetSqe();
        sqe->opcode = IORING_OP_RECV;
        sqe->fd = kernel.NewFd();
        sqe->user_data = 9;
        ring.Enter(0);
        Assert.False(ring.NeedsEnter);
        kernel.Complete(IORING_OP_RECV, 4);
        Assert.Equal(0u, ring.Ready);
        Assert.True(ring.NeedsEnter);
        ring.Enter(0);
        Assert.Equal(4, ring.CqeAt(0).res);
        Assert.False(ring.NeedsEnter);
    }

    [Fact]
    public void WithoutTaskrunModes_CompletionsAppearByThemselves()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        using var ring = new Ring(kernel.Options());
        io_uring_sqe* sqe = ring.TryGetSqe();
        sqe->opcode = IORING_OP_RECV;
        sqe->user_data = 9;
        ring.Enter(0);
        kernel.Complete(IORING_OP_RECV, 4);
        Assert.Equal(1u, ring.Ready);
        Assert.False(ring.NeedsEnter);
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(32769, 65536)]
    [InlineData(16, 8)]
    [InlineData(16, 65537)]
    public void Options_RefuseSizesOutOfRange(int sq, int cq) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Ring(new RingOptions { SqEntries = sq, CqEntries = cq }));

    [Fact]
    public void Options_RefuseTheOthersOutOfRange()
    {
        RingOptions[] bad =
        [
            new() { BoundedWorkers = 0 }, new() { UnboundedWorkers = 1025 }, new() { TurnQuota = 0 }, new() { LeaseBufferSize = 63 },
            new() { LeaseBufferCount = 3 }, new() { LeaseBufferCount = 65536 }, new() { TraceEvents = 3 }, new() { TraceEvents = -4 },
            new() { ShutdownTimeout = TimeSpan.FromTicks(-1) },
        ];
        foreach (RingOptions options in bad)
            Assert.Throws<ArgumentOutOfRangeException>(options.Validate);
    }

    [Fact]
    public void Sizes_AreRoundedUpByTheKernel()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options(new RingOptions { SqEntries = 5, CqEntries = 9 }));
        Assert.Equal(8, ring.SqEntries);
        Assert.Equal(16, ring.CqEntries);
    }
}

// Tests: conformance group C1, the ring itself, through the Ring layer on the real kernel: sizes, full and overflowed queues,
// batches with a bad SQE, waits and their deadlines, registration, teardown. The numbers are those of the case list.

using System.Diagnostics;
using RingCore.Sys;
using RingCore.Tests.Handles;

namespace RingCore.Tests.Conformance;

public sealed unsafe class C1RingTests : LiveTest
{
    private static Ring NewRing(string mode, int sq = 8, int cq = 16)
    {
        RequireIoUring();
        return new Ring(Options(mode) with { SqEntries = sq, CqEntries = cq });
    }

    private static void Nop(Ring ring, ulong key)
    {
        io_uring_sqe* sqe = ring.TryGetSqe();
        Assert.True(sqe != null);
        sqe->opcode = io_uring_op.IORING_OP_NOP;
        sqe->user_data = key;
    }

    private static List<(ulong Key, int Res)> Reap(Ring ring)
    {
        var list = new List<(ulong, int)>();
        uint ready = ring.Ready;
        for (uint i = 0; i < ready; i++)
            list.Add((ring.CqeAt(i).user_data, ring.CqeAt(i).res));
        ring.Advance(ready);
        return list;
    }

    [Theory, MemberData(nameof(Modes))] // 1
    public void EveryRingSize_GivesEachNopOnce(string mode)
    {
        foreach (int entries in new[] { 1, 2, 3, 4, 5, 7, 8, 13, 64, 100, 1024, 4096, 32768 })
        {
            using Ring ring = NewRing(mode, entries, entries * 2);
            Assert.Equal((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)entries), ring.SqEntries);
            Assert.True(ring.CqEntries >= entries * 2);
            int count = ring.SqEntries;
            for (int i = 0; i < count; i++)
                Nop(ring, (ulong)i);
            Assert.Equal(count, ring.Enter(minComplete: (uint)count));
            Assert.Equal(Enumerable.Range(0, count).Select(i => ((ulong)i, 0)), Reap(ring));
        }
    }

    [Theory, MemberData(nameof(Modes))] // 2, 5
    public void FullSubmissionQueue_RefusesExactlyAtCapacity_OverManyRounds(string mode)
    {
        using Ring ring = NewRing(mode);
        ulong next = 0;
        ulong expected = 0;
        for (int round = 0; round < 1000; round++)
        {
            int count = 1 + round * 5 % ring.SqEntries;
            for (int i = 0; i < count; i++)
            {
                Assert.Equal((uint)(ring.SqEntries - i), ring.Room);
                Nop(ring, next++);
            }

            if (count == ring.SqEntries)
                Assert.True(ring.TryGetSqe() == null);
            Assert.Equal((uint)count, ring.Pending);
            Assert.Equal(count, ring.Enter(minComplete: (uint)count));
            Assert.Equal((uint)ring.SqEntries, ring.Room);
            Assert.Equal((uint)count, ring.Ready);
            foreach ((ulong key, int res) in Reap(ring))
            {
                Assert.Equal(expected++, key);
                Assert.Equal(0, res);
            }

            Assert.Equal(0u, ring.Ready); // Never the same CQE twice.
        }

        Assert.Equal(next, expected);
    }

    [Theory, MemberData(nameof(Modes))] // 3
    public void CompletionQueueSize_IsHonoured_AndImpossibleSizesThrow(string mode)
    {
        foreach ((int sq, int cq, int got) in new[] { (4, 8, 8), (4, 100, 128), (8, 4096, 4096), (1, 1, 1) })
        {
            using Ring ring = NewRing(mode, sq, cq);
            Assert.Equal(got, ring.CqEntries);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => NewRing(mode, 16, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => NewRing(mode, 0, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => NewRing(mode, 65536, 65536));
        Assert.Throws<ArgumentOutOfRangeException>(() => NewRing(mode, 8, 1 << 17));
    }

    [Theory, MemberData(nameof(Modes))] // 4
    public void OverflowedCompletionQueue_LosesNothing_KeepsOrder_AndClearsItsFlag(string mode)
    {
        using Ring ring = NewRing(mode, sq: 4, cq: 4);
        const int total = 16;
        for (int i = 0; i < total; i++)
        {
            Nop(ring, (ulong)i);
            if (ring.Room == 0)
                Assert.Equal(4, ring.Enter(minComplete: 0));
        }

        Assert.Equal(4u, ring.Ready);
        Assert.True(ring.Overflowed);
        Assert.True(ring.NeedsEnter);
        var got = new List<ulong>();
        for (int turns = 0; got.Count < total && turns < 100; turns++)
        {
            got.AddRange(Reap(ring).Select(cqe => cqe.Key));
            ring.Enter(minComplete: 0);
        }

        Assert.Equal(Enumerable.Range(0, total).Select(i => (ulong)i), got);
        Assert.False(ring.Overflowed);
        Assert.Equal(0u, ring.LostCqes);
    }

    [Theory, MemberData(nameof(Modes))] // 6, 15
    public void InvalidSqeInABatch_FailsAlone(string mode)
    {
        using Ring ring = NewRing(mode);
        Nop(ring, 0);
        ring.TryGetSqe()->opcode = (io_uring_op)250;
        Nop(ring, 2);
        Nop(ring, 3);
        int taken = 0;
        while (ring.Pending > 0) // Without SUBMIT_ALL the kernel stops at the bad one, and the rest goes in again.
            taken += ring.Enter(minComplete: 0);
        ring.Enter(minComplete: 0);
        Assert.Equal(4, taken);
        Assert.Equal([0, -Errno.EINVAL, 0, 0], Reap(ring).Select(cqe => cqe.Res));
        Assert.Equal(ring.Features.HasFlag(RingFeatures.SubmitAll) ? 0 : 1, ring.Counters.PartialSubmits);
        Assert.False(ring.Supports((io_uring_op)120));
    }

    [Theory, MemberData(nameof(Modes))] // 7
    public void InvalidSqeInAChain_CancelsItsMembers_AndTheRingStaysUsable(string mode)
    {
        for (int bad = 0; bad < 3; bad++)
        {
            using Ring ring = NewRing(mode);
            for (int i = 0; i < 3; i++)
            {
                io_uring_sqe* sqe = ring.TryGetSqe();
                sqe->opcode = i == bad ? (io_uring_op)250 : io_uring_op.IORING_OP_NOP;
                sqe->flags = i < 2 ? SqeFlags.IOSQE_IO_LINK : (byte)0;
                sqe->user_data = (ulong)i;
            }

            var got = new List<(ulong Key, int Res)>();
            for (int turns = 0; turns < 10; turns++)
            {
                ring.Enter(minComplete: 0);
                got.AddRange(Reap(ring));
            }

            Assert.Equal(3, got.Count);
            Assert.Equal(-Errno.EINVAL, got.Single(cqe => cqe.Key == (ulong)bad).Res);
            Assert.All(got.Where(cqe => cqe.Key != (ulong)bad), cqe => Assert.True(cqe.Res is -Errno.ECANCELED or 0, $"{cqe}"));
            Nop(ring, 9);
            ring.Enter(minComplete: 1);
            Assert.Equal([(9ul, 0)], Reap(ring));
        }
    }

    [Theory, MemberData(nameof(Modes))] // 8, 12
    public void WaitForSeveral_ReallyWaitsForThem(string mode)
    {
        using Ring ring = NewRing(mode);
        int* pair = stackalloc int[2];
        Assert.Equal(0, Libc.socketpair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM, 0, pair));
        byte* bytes = stackalloc byte[3];
        for (int i = 0; i < 3; i++)
        {
            io_uring_sqe* sqe = ring.TryGetSqe();
            sqe->opcode = io_uring_op.IORING_OP_RECV;
            sqe->fd = pair[0];
            sqe->addr = (ulong)(bytes + i);
            sqe->len = 1;
            sqe->user_data = (ulong)i;
        }

        int writeEnd = pair[1];
        var writer = new Thread(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                using var pause = new ManualResetEventSlim();
                pause.Wait(10);
                byte one = 1;
                Libc.write(writeEnd, &one, 1);
            }
        });
        writer.Start();
        int taken = ring.Enter(minComplete: 3);
        while (taken == -Errno.EINTR) // A signal of the runtime's.
            taken = ring.Enter(minComplete: 3);
        Assert.Equal(3u, ring.Ready);
        Assert.All(Reap(ring), cqe => Assert.Equal(1, cqe.Res));
        writer.Join();
        Libc.close(pair[0]);
        Libc.close(pair[1]);
    }

    [Fact] // 9, 12
    public void WaitWithADeadline_IsNotEarly_AndDeliversWhatCame()
    {
        using Ring ring = NewRing(All);
        if (!ring.Features.HasFlag(RingFeatures.ExtArg))
            Assert.Skip("no EXT_ARG here");
        long start = Stopwatch.GetTimestamp();
        Assert.Equal(-Errno.ETIME, ring.Enter(minComplete: 1, timeoutNs: 20_000_000));
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.InRange(took.TotalMilliseconds, 20, 5000);
        Assert.Equal(-Errno.ETIME, ring.Enter(minComplete: 1, timeoutNs: 0)); // Polls.
        Nop(ring, 1);
        Nop(ring, 2);
        start = Stopwatch.GetTimestamp();
        int taken = ring.Enter(minComplete: 3, timeoutNs: 20_000_000);
        Assert.True(Stopwatch.GetElapsedTime(start).TotalMilliseconds >= 20);
        Assert.True(taken is 2 or -Errno.ETIME, $"{taken}");
        Assert.Equal(0u, ring.Pending); // Taken, whatever the wait came to.
        Assert.Equal([1ul, 2ul], Reap(ring).Select(cqe => cqe.Key));
        Nop(ring, 3);
        Assert.Equal(1, ring.Enter(minComplete: 1, timeoutNs: 5_000_000_000));
        Assert.Single(Reap(ring));
    }

    [Fact] // 11
    public void EnterFromAForeignThread_IsRefusedByTheKernel()
    {
        using Ring ring = NewRing(All);
        if (!ring.Features.HasFlag(RingFeatures.SingleIssuer) || ring.Features.HasFlag(RingFeatures.RegisteredRing) && ring.Fd < 0)
            Assert.Skip("no SINGLE_ISSUER here");
        Nop(ring, 1);
        int result = 0;
        var foreign = new Thread(() => result = ring.Enter(minComplete: 1));
        foreign.Start();
        Assert.True(foreign.Join(10_000), "a silent hang");
        Assert.True(result is -Errno.EEXIST or -Errno.EINVAL or -Errno.EBADF, Errno.Describe(-result)); // The registered index is the owner's, too.
        Assert.Equal(1, ring.Enter(minComplete: 1));
        Assert.Single(Reap(ring));
    }

    [Fact] // 13
    public void RegisteredRings_FallBackWhenTheThreadsTableIsFull()
    {
        var rings = new List<Ring>();
        try
        {
            for (int i = 0; i < 20; i++)
            {
                Ring ring = NewRing(All);
                rings.Add(ring);
                Nop(ring, 7);
                Assert.Equal(1, ring.Enter(minComplete: 1));
                Assert.Single(Reap(ring));
            }

            Assert.Contains(rings, ring => ring.Features.HasFlag(RingFeatures.RegisteredRing));
            Assert.Contains(rings, ring => !ring.Features.HasFlag(RingFeatures.RegisteredRing));
        }
        finally
        {
            rings.ForEach(ring => ring.Dispose());
        }

        using Ring again = NewRing(All);
        Assert.True(again.Features.HasFlag(RingFeatures.RegisteredRing)); // The places were given back.
    }

    [Theory, MemberData(nameof(Modes))] // 15
    public void CapabilityReport_EqualsTheRing(string mode)
    {
        using Ring ring = NewRing(mode);
        RingCapabilities report = RingCapabilities.Probe(Options(mode));
        Assert.True(report.IsAvailable);
        Assert.Equal(ring.Features, report.Features);
        Assert.Equal(ring.SetupFlags, report.SetupFlags);
        Assert.Equal(ring.KernelFeatures, report.KernelFeatures);
        Assert.Equal(Enum.GetValues<io_uring_op>().Where(ring.Supports), report.Opcodes);
        if (mode == Linux510)
            Assert.Equal(RingFeatures.None, ring.Features & ~RingFeatures.Linux510);
    }

    [Theory, MemberData(nameof(Modes))] // 16
    public void ThousandRings_LeaveNoDescriptorAndNoMapping(string mode)
    {
        RequireIoUring();
        static int Mappings() => File.ReadLines("/proc/self/maps").Count(line => line.Contains("io_uring", StringComparison.Ordinal));
        NewRing(mode).Dispose();
        List<string> descriptors = Descriptors();
        int mappings = Mappings();
        for (int i = 0; i < 1000; i++)
        {
            using Ring ring = NewRing(mode);
            Nop(ring, 1);
            ring.Enter(minComplete: i % 2 == 0 ? 1u : 0); // Every other one is disposed with its CQE unread.
        }

        AssertDescriptors(descriptors);
        Assert.Equal(mappings, Mappings());
    }

    [Fact] // 49
    public void BufferRing_ReregistersAndWrapsItsTail_AndEachBufferComesBack()
    {
        using Ring ring = NewRing(All);
        if (!ring.Features.HasFlag(RingFeatures.BufferRings))
            Assert.Skip("no buffer rings here");
        int* pair = stackalloc int[2];
        Assert.Equal(0, Libc.socketpair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM, 0, pair));
        for (int life = 0; life < 3; life++) // Registered, taken back, registered again.
        {
            using var buffers = new BufferRing(ring, group: 3, count: 4, size: 64);
            Assert.Throws<InvalidOperationException>(() => new BufferRing(ring, group: 3, count: 4, size: 64));
            for (ushort id = 0; id < 4; id++)
                buffers.Return(id);
            int rounds = life == 0 ? 70_000 : 100; // The tail is a ushort.
            for (int round = 0; round < rounds; round++)
            {
                byte value = (byte)round;
                Assert.Equal(1, Libc.write(pair[1], &value, 1));
                io_uring_sqe* sqe = ring.TryGetSqe();
                sqe->opcode = io_uring_op.IORING_OP_RECV;
                sqe->flags = SqeFlags.IOSQE_BUFFER_SELECT;
                sqe->fd = pair[0];
                sqe->buf_group = 3;
                Assert.Equal(1, ring.Enter(minComplete: 1));
                ref readonly io_uring_cqe cqe = ref ring.CqeAt(0);
                Assert.Equal(1, cqe.res);
                Assert.True((cqe.flags & CqeFlags.IORING_CQE_F_BUFFER) != 0);
                ushort id = (ushort)(cqe.flags >> CqeFlags.IORING_CQE_BUFFER_SHIFT);
                ring.Advance(1);
                Assert.Equal(value, *buffers.AddressOf(id));
                buffers.Return(id);
            }
        }

        Libc.close(pair[0]);
        Libc.close(pair[1]);
    }
}

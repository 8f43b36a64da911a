// Tests: conformance group C5, receiving and sending, on the real kernel. 41, 42 are in ExactnessTests, 44 in BadPeerTests too,
// 49 in C1RingTests, 53 and 54 in C1ExecutorTests.

using RingCore.Sys;
using RingCore.Tests.Handles;

namespace RingCore.Tests.Conformance;

public sealed class C5TransferTests : LiveTest
{
    [Theory, MemberData(nameof(AllModes))] // 42
    public void ReceiveWithWaitAll_FillsItsMemory_OrTakesTheRestAtTheEnd(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = await TcpPair();
        byte[] data = RandomBytes(100_000, 42);
        byte[] got = new byte[data.Length];
        ValueTask<OpResult> all = Op.Recv(b, got, SocketConstants.MSG_WAITALL).Start();
        for (int at = 0; at < data.Length; at += 10_000)
        {
            await a.WriteAsync(data.AsMemory(at, 10_000));
            await RingExecutor.Yield();
        }

        Assert.Equal(data.Length, (await all).Res);
        Assert.True(data.AsSpan().SequenceEqual(got));
        all = Op.Recv(b, got, SocketConstants.MSG_WAITALL).Start();
        await a.WriteAsync(data.AsMemory(0, 123));
        a.Dispose();
        Assert.Equal(123, (await all).Res);
        Assert.Equal(0, (await Op.Recv(b, got, SocketConstants.MSG_WAITALL)).Res);
        b.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 44
    public void FloodingConnection_DoesNotStarveAnother(string mode) => Run(mode, async () =>
    {
        // The flood is read as fast as it comes; every turn of the loop still serves the quiet one.
        (RingConnection flooder, RingConnection flooded) = UnixPair();
        (RingConnection asker, RingConnection quiet) = UnixPair();
        bool stop = false;
        long flood = 0;
        RingTask writing = RingExecutor.Spawn(async () =>
        {
            byte[] junk = new byte[65536];
            while (!stop)
                await flooder.WriteAsync(junk);
            await flooder.ShutdownAsync(System.Net.Sockets.SocketShutdown.Send);
        });
        RingTask reading = RingExecutor.Spawn(async () =>
        {
            while (true)
            {
                using ReadLease lease = await flooded.ReadLeaseAsync();
                if (lease.IsEnd)
                    return;
                flood += lease.Length;
            }
        });
        RingTask answering = RingExecutor.Spawn(async () =>
        {
            byte[] one = new byte[1];
            while (await quiet.ReadAsync(one) == 1)
                await quiet.WriteAsync(one);
        });
        byte[] reply = new byte[1];
        long turns = RingExecutor.Current!.Counters.Turns;
        for (int i = 0; i < 100; i++)
        {
            await asker.WriteAsync(new[] { (byte)i });
            await asker.ReadExactlyAsync(reply);
            Assert.Equal((byte)i, reply[0]);
        }

        Assert.InRange(RingExecutor.Current.Counters.Turns - turns, 1, 5000); // A few turns an answer.
        Assert.True(flood > 0);
        stop = true;
        await writing;
        await reading;
        asker.Dispose();
        await answering;
        quiet.Dispose();
        (flooder, flooded).Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 45, 47: released in any order
    public void ExhaustedBuffers_FlowResumesAfterRelease_InAnyOrder_WithoutLoss(string mode) => Run(mode, async () =>
    {
        const int seed = 45;
        var random = new Random(seed);
        (RingConnection a, RingConnection b) = UnixPair();
        byte[] data = RandomBytes(200_000, seed);
        RingTask writing = RingExecutor.Spawn(async () =>
        {
            await a.WriteAsync(data);
            await a.ShutdownAsync(System.Net.Sockets.SocketShutdown.Send);
        });
        var held = new List<(ReadLease Lease, int At)>();
        int at = 0;
        while (true)
        {
            ReadLease lease = await b.ReadLeaseAsync();
            if (lease.IsEnd)
                break;
            held.Add((lease, at));
            at += lease.Length;
            while (held.Count > random.Next(12)) // More than there are buffers, released out of order.
            {
                int which = random.Next(held.Count);
                (ReadLease old, int from) = held[which];
                Assert.True(old.Span.SequenceEqual(data.AsSpan(from, old.Length)), $"seed {seed}: bytes at {from}");
                old.Dispose();
                held.RemoveAt(which);
            }
        }

        held.ForEach(item => item.Lease.Dispose());
        Assert.Equal(data.Length, at);
        await writing;
        if (mode == All)
            Assert.True(RingExecutor.Current!.Counters.NoBuffers > 0, "the buffers were never exhausted");
        (a, b).Dispose();
    }, options => options with { LeaseBufferCount = 4, LeaseBufferSize = 64 });

    [Theory, MemberData(nameof(AllModes))] // 49
    public void MoreThan65536Leases_WrapTheTail(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        byte[] block = RandomBytes(64 * 500, 49);
        for (int round = 0; round < 140; round++)
        {
            ValueTask write = a.WriteAsync(block);
            for (int at = 0; at < block.Length;)
            {
                using ReadLease lease = await b.ReadLeaseAsync();
                Assert.True(lease.Span.SequenceEqual(block.AsSpan(at, lease.Length)));
                at += lease.Length;
            }

            await write;
        }

        (a, b).Dispose();
    }, options => options with { LeaseBufferCount = 2, LeaseBufferSize = 64 }, seconds: 60);

    [Theory, MemberData(nameof(AllModes))] // 49
    public void LeaseDisposedTwice_DoesNothing_AndIsCounted(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        await a.WriteAsync(new byte[64]);
        ReadLease lease = await b.ReadLeaseAsync();
        ReadLease copy = lease;
        lease.Dispose();
        copy.Dispose();
        await Task.Run(copy.Dispose);
        await Until(() => RingExecutor.Current!.Counters.StaleLeases == 2);
        Assert.Equal(0, RingExecutor.Current!.Counters.LeasesOut);
        for (int i = 0; i < 10; i++)
        {
            await a.WriteAsync(new[] { (byte)i });
            using ReadLease next = await b.ReadLeaseAsync();
            Assert.Equal((byte)i, next.Span[0]);
            copy.Dispose(); // The buffer is somebody else's by now.
            Assert.Equal((byte)i, next.Span[0]);
        }

        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 51
    public void GatheredSendsOf1To1024Segments_KeepTheirOrder(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        foreach (int segments in new[] { 1, 2, 3, 59, 60, 61, 200, 1023, 1024 })
        {
            var pieces = new ReadOnlyMemory<byte>[segments];
            for (int i = 0; i < segments; i++)
                pieces[i] = RandomBytes(i % 97, i);
            byte[] expected = [.. pieces.SelectMany(piece => piece.ToArray())];
            byte[] got = new byte[expected.Length];
            ValueTask reading = b.ReadExactlyAsync(got);
            await a.WriteAsync(pieces);
            await reading;
            Assert.Equal(expected, got);

            reading = b.ReadExactlyAsync(got);
            OpResult sent = await Op.SendMsg(a, pieces, SocketConstants.MSG_WAITALL);
            Assert.Equal(expected.Length, sent.Res);
            await reading;
            Assert.Equal(expected, got);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => Op.SendMsg(a, new ReadOnlyMemory<byte>[1025]));
        (a, b).Dispose();
    });
}

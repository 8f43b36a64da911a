// Tests: Handles. Bytes: every size through every way of reading and writing arrives unchanged and in order, with send buffers
// so small that sends are short, with concurrent writes, with half-closed streams. On the real kernel.

using System.Net;
using System.Net.Sockets;
using CsCheck;

namespace RingCore.Tests.Handles;

public sealed class ExactnessTests : LiveTest
{
    private static readonly int[] s_sizes = [0, 1, 63, 64, 65, 4095, 4096, 4097, 65536, 1 << 20];

    public static TheoryData<string, string> ModesAndReads()
    {
        var data = new TheoryData<string, string>();
        foreach (string mode in new[] { All, Linux510, Tiny, TinyLinux510 })
        {
            foreach (string read in new[] { "ReadAsync", "ReadExactlyAsync", "ReadLeaseAsync", "Op.Recv" })
                data.Add(mode, read);
        }

        return data;
    }

    public static TheoryData<string, string> ModesAndWrites()
    {
        var data = new TheoryData<string, string>();
        foreach (string mode in new[] { All, Linux510, Tiny, TinyLinux510 })
        {
            foreach (string write in new[] { "WriteAsync", "WriteAsync of a list", "SendAsync", "Op.SendMsg" })
                data.Add(mode, write);
        }

        return data;
    }

    private static async RingTask<int> ReadSome(RingConnection connection, string way, Memory<byte> memory)
    {
        switch (way)
        {
            case "ReadAsync":
                return await connection.ReadAsync(memory);
            case "ReadExactlyAsync":
                await connection.ReadExactlyAsync(memory);
                return memory.Length;
            case "ReadLeaseAsync":
                using (ReadLease lease = await connection.ReadLeaseAsync())
                {
                    int count = Math.Min(lease.Length, memory.Length);
                    Assert.Equal(lease.Length, count); // The peer sends no more than is asked for.
                    lease.Span.CopyTo(memory.Span);
                    return count;
                }

            default:
                return (await Op.Recv(connection, memory)).Res;
        }
    }

    private static async RingTask WriteAll(RingConnection connection, string way, ReadOnlyMemory<byte> memory, Random random)
    {
        switch (way)
        {
            case "WriteAsync":
                await connection.WriteAsync(memory);
                return;
            case "WriteAsync of a list":
                await connection.WriteAsync(Cut(memory, random, 200));
                return;
            case "SendAsync":
                while (!memory.IsEmpty)
                {
                    int sent = await connection.SendAsync(memory);
                    Assert.InRange(sent, 1, memory.Length);
                    memory = memory[sent..];
                }

                return;
            default:
                while (!memory.IsEmpty)
                {
                    OpResult sent = await Op.SendMsg(connection, Cut(memory, random, 200));
                    Assert.InRange(sent.Res, 1, memory.Length);
                    memory = memory[sent.Res..];
                }

                return;
        }
    }

    private static List<ReadOnlyMemory<byte>> Cut(ReadOnlyMemory<byte> memory, Random random, int most)
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        while (!memory.IsEmpty && pieces.Count < most - 1)
        {
            int length = random.Next(0, Math.Min(memory.Length, 10_000) + 1);
            pieces.Add(memory[..length]);
            memory = memory[length..];
        }

        pieces.Add(memory);
        return pieces;
    }

    private static async RingTask Echo(RingConnection connection)
    {
        using (connection)
        {
            while (true)
            {
                using ReadLease lease = await connection.ReadLeaseAsync();
                if (lease.IsEnd)
                    return;
                await connection.WriteAsync(lease.Memory);
            }
        }
    }

    private static async RingTask ReadBack(RingConnection connection, string way, byte[] expected)
    {
        byte[] got = new byte[expected.Length];
        for (int at = 0; at < got.Length;)
        {
            int count = await ReadSome(connection, way, got.AsMemory(at));
            Assert.True(count > 0, $"{count} at byte {at} of {got.Length}");
            at += count;
        }

        Assert.True(expected.AsSpan().SequenceEqual(got), $"{expected.Length} bytes came back changed");
    }

    private static async RingTask EchoAllSizes(RingConnection client, RingConnection server, string write, string read, int seed)
    {
        var random = new Random(seed);
        RingTask echo = RingExecutor.Spawn(() => Echo(server));
        foreach (int size in s_sizes)
        {
            byte[] data = RandomBytes(size, size);
            RingTask reading = RingExecutor.Spawn(() => ReadBack(client, read, data));
            await WriteAll(client, write, data, random);
            await reading;
        }

        await client.ShutdownAsync(SocketShutdown.Send);
        Assert.Equal(0, await client.ReadAsync(new byte[1]));
        await echo;
        client.Dispose();
    }

    [Theory, MemberData(nameof(ModesAndReads))]
    public void EchoOfEverySize_ThroughEveryRead_IsExact(string mode, string read) => Run(mode, async () =>
    {
        (RingConnection client, RingConnection server) = await TcpPair();
        await EchoAllSizes(client, server, "WriteAsync", read, seed: 1);
        (client, server) = UnixPair();
        await EchoAllSizes(client, server, "WriteAsync", read, seed: 2);
    });

    [Theory, MemberData(nameof(ModesAndWrites))]
    public void EchoOfEverySize_ThroughEveryWrite_WithTinySendBuffers_IsExact(string mode, string write) => Run(mode, async () =>
    {
        // Unix sockets block by the sender's SO_SNDBUF, at the kernel's least: 4,608 bytes, so that most sends are short.
        (RingConnection client, RingConnection server) = UnixPair();
        foreach (RingConnection connection in new[] { client, server })
        {
            SocketOptions options = connection.Options;
            options.SendBufferSize = 1;
        }

        await EchoAllSizes(client, server, write, "ReadAsync", seed: 3);
        (client, server) = await TcpPair();
        SocketOptions tcp = client.Options;
        tcp.SendBufferSize = 1;
        await EchoAllSizes(client, server, write, "ReadAsync", seed: 4);
    });

    [Theory, MemberData(nameof(AllModes))]
    public void ConcurrentWrites_ArriveInCallOrder(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        SocketOptions options = a.Options;
        options.SendBufferSize = 1;
        const int seed = 20;
        var random = new Random(seed);
        var expected = new MemoryStream();
        RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(b, 5000));
        var writes = new List<Task>();
        for (int i = 0; i < 500; i++)
        {
            byte[] data = RandomBytes(random.Next(10) == 0 ? random.Next(100_000) : random.Next(100), i);
            expected.Write(data);
            writes.Add(i % 7 == 0 ? a.WriteAsync(Cut(data, random, 5)).AsTask() : a.WriteAsync(data).AsTask());
            if (random.Next(20) == 0)
                await RingExecutor.Yield();
        }

        await a.ShutdownAsync(SocketShutdown.Send); // After all of them.
        Assert.All(writes, write => Assert.True(write.IsCompletedSuccessfully));
        byte[] got = await reading;
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(got), $"seed {seed}");
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void QueuedWriteOfALeaseDisposedAtOnce_SendsTheRightBytes(string mode) => Run(mode, async () =>
    {
        // The loan begins at the call: a queued write holds its leased buffer although the lease is disposed.
        (RingConnection source, RingConnection sink) = UnixPair();
        (RingConnection a, RingConnection b) = UnixPair();
        SocketOptions options = a.Options;
        options.SendBufferSize = 1;
        byte[] large = RandomBytes(200_000, 1);
        var expected = new MemoryStream();
        expected.Write(large);
        RingTask first = RingExecutor.Spawn(async () => await a.WriteAsync(large)); // Keeps the send busy.
        var writes = new List<Task>();
        for (int i = 0; i < 20; i++)
        {
            byte[] data = RandomBytes(64, 100 + i);
            expected.Write(data);
            await source.WriteAsync(data);
            ReadLease lease = await sink.ReadLeaseAsync();
            Assert.Equal(64, lease.Length);
            writes.Add(a.WriteAsync(lease.Memory).AsTask());
            lease.Dispose();
            Assert.Throws<ObjectDisposedException>(() => lease.Memory);
        }

        RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(b));
        await first;
        await Task.WhenAll(writes);
        a.Dispose();
        byte[] got = await reading;
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(got));
        (source, sink).Dispose();
        b.Dispose();
    }, options => options with { LeaseBufferCount = 4, LeaseBufferSize = 64 });

    [Theory, MemberData(nameof(AllModes))]
    public void HalfClose_BothWays_DeliversTheRestThenTheEnd(string mode) => Run(mode, async () =>
    {
        // Conformance C4 37: data sent right before the shutdown is received; shutting down again is harmless.
        for (int round = 0; round < 10; round++)
        {
            (RingConnection a, RingConnection b) = round % 2 == 0 ? await TcpPair() : UnixPair();
            byte[] data = RandomBytes(50_000, round);
            RingTask<byte[]> atB = RingExecutor.Spawn(() => ReadToEnd(b));
            await a.WriteAsync(data);
            await a.ShutdownAsync(SocketShutdown.Send);
            await a.ShutdownAsync(SocketShutdown.Send);
            Assert.Equal(data, await atB);
            Assert.Equal(0, await b.ReadAsync(new byte[1])); // The end stays the end.
            Assert.True((await b.ReadLeaseAsync()).IsEnd);
            await Throws<EndOfStreamException>(async () => await b.ReadExactlyAsync(new byte[1]));

            RingTask<byte[]> atA = RingExecutor.Spawn(() => ReadToEnd(a)); // The other direction is still open.
            await b.WriteAsync(data);
            await b.ShutdownAsync(SocketShutdown.Send);
            Assert.Equal(data, await atA);
            (a, b).Dispose();
        }
    });

    [Theory, MemberData(nameof(AllModes))]
    public void ReadExactly_AcrossTheEnd_SaysHowMuchCame(string mode) => Run(mode, async () =>
    {
        // Conformance C5 42.
        (RingConnection a, RingConnection b) = await TcpPair();
        byte[] buffer = new byte[100];
        await a.WriteAsync("abc"u8.ToArray());
        a.Dispose();
        EndOfStreamException e = await Throws<EndOfStreamException>(async () => await b.ReadExactlyAsync(buffer));
        Assert.Contains("after 3 of 100 bytes", e.Message, StringComparison.Ordinal);
        Assert.Equal("abc"u8.ToArray(), buffer[..3]);
        b.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void EmptyRead_WaitsForDataAndTakesNone(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = await TcpPair();
        ValueTask<int> wait = b.ReadAsync(Memory<byte>.Empty);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        Assert.False(wait.IsCompleted);
        await a.WriteAsync("x"u8.ToArray());
        Assert.Equal(0, await wait);
        byte[] buffer = new byte[2];
        Assert.Equal(1, await b.ReadAsync(buffer));
        a.Dispose();
        Assert.Equal(0, await b.ReadAsync(Memory<byte>.Empty)); // The end is something to read, too.
        Assert.Equal(0, await b.ReadAsync(buffer));
        b.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void RandomChunks_BothWays_ArriveExactly(string mode)
    {
        // CsCheck shrinks a failure and prints its seed.
        Gen<int[]> chunks = Gen.Int[0, 6000].Array[1, 20];
        Gen.Select(chunks, chunks, Gen.Int[1, 5000], Gen.Bool).Sample((forth, back, readSize, leases) =>
            Run(mode, async () =>
            {
                (RingConnection a, RingConnection b) = UnixPair();
                RingTask[] ways =
                [
                    RingExecutor.Spawn(() => SendChunks(a, forth)),
                    RingExecutor.Spawn(() => SendChunks(b, back)),
                    RingExecutor.Spawn(() => ReceiveChunks(b, forth, readSize, leases)),
                    RingExecutor.Spawn(() => ReceiveChunks(a, back, readSize, !leases)),
                ];
                foreach (RingTask way in ways)
                    await way;
                (a, b).Dispose();
            }), iter: 30, threads: 1);
    }

    private static async RingTask SendChunks(RingConnection connection, int[] sizes)
    {
        for (int i = 0; i < sizes.Length; i++)
        {
            if (i % 3 == 2)
                await RingExecutor.Yield();
            await connection.WriteAsync(RandomBytes(sizes[i], i));
        }

        await connection.ShutdownAsync(SocketShutdown.Send);
    }

    private static async RingTask ReceiveChunks(RingConnection connection, int[] sizes, int readSize, bool leases)
    {
        var got = new MemoryStream();
        byte[] buffer = new byte[readSize];
        while (true)
        {
            if (leases)
            {
                using ReadLease lease = await connection.ReadLeaseAsync();
                if (lease.IsEnd)
                    break;
                got.Write(lease.Span);
            }
            else
            {
                int count = await connection.ReadAsync(buffer);
                if (count == 0)
                    break;
                got.Write(buffer, 0, count);
            }
        }

        byte[] expected = [.. sizes.SelectMany((size, i) => RandomBytes(size, i))];
        Assert.True(expected.AsSpan().SequenceEqual(got.ToArray()));
    }
}

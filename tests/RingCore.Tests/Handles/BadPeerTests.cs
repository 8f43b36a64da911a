// Tests: Handles. What goes wrong outside: addresses in use, peers that refuse, do not answer, reset, do not read, flood. Each
// ends in a clear error or in continued service, with nothing lost and nothing leaked. On the real kernel.

using System.Net;
using System.Net.Sockets;
using RingCore.Sys;

namespace RingCore.Tests.Handles;

public sealed class BadPeerTests : LiveTest
{
    [Theory, MemberData(nameof(Modes))]
    public void BindToAPortInUse_ThrowsAddressAlreadyInUse(string mode) => Run(mode, async () =>
    {
        await using RingListener first = RingListener.Bind(Loopback);
        SocketException e = Assert.Throws<SocketException>(() => RingListener.Bind(first.LocalEndPoint));
        Assert.Equal(SocketError.AddressAlreadyInUse, e.SocketErrorCode);
        Assert.Contains(first.LocalEndPoint.ToString()!, e.Message, StringComparison.Ordinal);
    });

    [Theory, MemberData(nameof(Modes))]
    public void BindToAnAddressOfAnotherHost_ThrowsAddressNotAvailable(string mode) => Run(mode, async () =>
    {
        SocketException e = Assert.Throws<SocketException>(() => RingListener.Bind(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)));
        Assert.Equal(SocketError.AddressNotAvailable, e.SocketErrorCode);
        await RingTask.CompletedTask;
    });

    [Theory, MemberData(nameof(Modes))]
    public void ConnectToAClosedPort_ThrowsConnectionRefused_EachTime(string mode) => Run(mode, async () =>
    {
        RingListener gone = RingListener.Bind(Loopback);
        EndPoint closed = gone.LocalEndPoint;
        await gone.DisposeAsync();
        for (int i = 0; i < 3; i++)
        {
            SocketException e = await Throws<SocketException>(async () => await RingConnection.ConnectAsync(closed));
            Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
            Assert.Contains(closed.ToString()!, e.Message, StringComparison.Ordinal);
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void ConnectToAMissingUnixPath_ThrowsASocketException(string mode) => Run(mode, async () =>
    {
        var nowhere = new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()));
        SocketException e = await Throws<SocketException>(async () => await RingConnection.ConnectAsync(nowhere));
        Assert.Contains("ENOENT", e.Message, StringComparison.Ordinal);
    });

    /// <summary>A listener that never accepts, with a full backlog: the kernel drops further SYNs, as a black hole does.</summary>
    private static List<Socket> BlackHole(out EndPoint address)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(Loopback);
        listener.Listen(1);
        address = listener.LocalEndPoint!;
        var sockets = new List<Socket> { listener };
        for (int i = 0; i < 4; i++)
        {
            var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            sockets.Add(filler);
            try
            {
                filler.Connect(address);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
            }
        }

        return sockets;
    }

    [Theory, MemberData(nameof(Modes))]
    public void ConnectToABlackHole_EndsAtItsDeadline(string mode) => Run(mode, async () =>
    {
        List<Socket> hole = BlackHole(out EndPoint address);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
        long start = Environment.TickCount64;
        TimeoutException e = await Throws<TimeoutException>(
            async () => await RingConnection.ConnectAsync(address, TimeSpan.FromMilliseconds(100)));
        Assert.InRange(Environment.TickCount64 - start, 90, 10_000);
        Assert.Contains(address.ToString()!, e.Message, StringComparison.Ordinal);
        await Throws<ArgumentOutOfRangeException>(async () => await RingConnection.ConnectAsync(address, TimeSpan.Zero));
        await Throws<ArgumentOutOfRangeException>(async () => await RingConnection.ConnectAsync(address, TimeSpan.FromSeconds(-5)));
        hole.ForEach(socket => socket.Dispose());
    });

    [Theory, MemberData(nameof(Modes))]
    public void ConnectToABlackHole_WithAnInfiniteDeadline_WaitsForItsToken(string mode) => Run(mode, async () =>
    {
        List<Socket> hole = BlackHole(out EndPoint address);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Throws<OperationCanceledException>(async () => await RingConnection.ConnectAsync(address, Timeout.InfiniteTimeSpan, soon.Token));
        hole.ForEach(socket => socket.Dispose());
    });

    [Theory, MemberData(nameof(Modes))]
    public void ConnectToABlackHole_EndsWithItsToken(string mode) => Run(mode, async () =>
    {
        List<Socket> hole = BlackHole(out EndPoint address);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
        using var source = new CancellationTokenSource();
        RingTask connecting = RingExecutor.Spawn(async () =>
        {
            using RingConnection never = await RingConnection.ConnectAsync(address, cancellationToken: source.Token);
        });
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        source.Cancel();
        OperationCanceledException e = await Throws<OperationCanceledException>(async () => await connecting);
        Assert.Equal(source.Token, e.CancellationToken);
        hole.ForEach(socket => socket.Dispose());
    });

    [Theory, MemberData(nameof(AllModes))]
    public void ResetInMidRead_ThrowsConnectionReset_OnEveryKindOfRead(string mode) => Run(mode, async () =>
    {
        byte[] buffer = new byte[100];
        Func<RingConnection, RingTask>[] reads =
        [
            async c => await c.ReadAsync(buffer),
            async c => await c.ReadExactlyAsync(buffer),
            async c => (await c.ReadLeaseAsync()).Dispose(),
        ];
        foreach (Func<RingConnection, RingTask> read in reads)
        {
            (RingConnection client, RingConnection server) = await TcpPair();
            RingTask reading = RingExecutor.Spawn(() => read(server));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
            SocketOptions options = client.Options;
            options.ResetOnClose = true;
            client.Dispose();
            SocketException e = await Throws<SocketException>(async () => await reading);
            Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
            server.Dispose();
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void WriteToAPeerThatHasGone_Throws_AndTheConnectionSaysWhyAfterwards(string mode) => Run(mode, async () =>
    {
        (RingConnection client, RingConnection server) = await TcpPair();
        client.Dispose();
        byte[] data = new byte[1 << 20];
        SocketException? first = null;
        for (int i = 0; i < 100 && first is null; i++)
        {
            try
            {
                await server.WriteAsync(data);
            }
            catch (SocketException e)
            {
                first = e;
            }
            catch (IOException e) // Part of it had left.
            {
                first = Assert.IsType<SocketException>(e.InnerException);
            }
        }

        Assert.NotNull(first);
        Assert.True(first.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown, first.SocketErrorCode.ToString());
        await Assert.ThrowsAnyAsync<Exception>(async () => await server.WriteAsync(data));
        await Throws<IOException>(async () => await server.SendAsync(data));
        server.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void PeerThatSendsWithoutReading_LosesNothing_AndBlocksOnlyItself(string mode) => Run(mode, async () =>
    {
        // The peer sends 4 MiB and reads only then; the echo's writes block meanwhile, and other connections are served.
        await using RingListener listener = RingListener.Bind(Loopback);
        RingTask serving = RingExecutor.Spawn(() => ServeEcho(listener, 2));
        byte[] data = RandomBytes(4 << 20, seed: 1);
        Task<byte[]> rude = Task.Run(() =>
        {
            using Socket socket = StockClient(listener.LocalEndPoint);
            var sender = Task.Run(() =>
            {
                socket.Send(data);
                socket.Shutdown(SocketShutdown.Send);
            });
            sender.Wait(300); // By then everything between the two is full.
            var all = new MemoryStream();
            byte[] buffer = new byte[65536];
            for (int count; (count = socket.Receive(buffer)) > 0;)
                all.Write(buffer, 0, count);
            sender.Wait();
            return all.ToArray();
        });
        using (RingConnection polite = await RingConnection.ConnectAsync(listener.LocalEndPoint))
        {
            byte[] reply = new byte[10];
            for (int i = 0; i < 100; i++)
            {
                await polite.WriteAsync(data.AsMemory(i, 10));
                await polite.ReadExactlyAsync(reply);
                Assert.True(reply.AsSpan().SequenceEqual(data.AsSpan(i, 10)));
            }
        }

        byte[] echoed = await rude;
        Assert.True(data.AsSpan().SequenceEqual(echoed));
        await serving;
    }, seconds: 60);

    [Theory, MemberData(nameof(AllModes))]
    public void FloodOnAHandlerThatDoesNotRead_IsNotNoticedByOthers(string mode) => Run(mode, async () =>
    {
        // Conformance C5 44 and 45. One byte of the flood is leased and kept, the rest never read.
        await using RingListener listener = RingListener.Bind(Loopback);
        using var stop = new CancellationTokenSource();
        RingTask<RingConnection> accepting = RingExecutor.Spawn(() => listener.AcceptAsync());
        Task flood = Task.Run(() =>
        {
            using Socket socket = StockClient(listener.LocalEndPoint);
            byte[] junk = new byte[65536];
            socket.SendTimeout = 50;
            try
            {
                while (!stop.IsCancellationRequested)
                    socket.Send(junk);
            }
            catch (SocketException)
            {
                // Full, as it should be.
            }

            while (!stop.IsCancellationRequested)
                stop.Token.WaitHandle.WaitOne(1000);
        });
        RingConnection flooded = await accepting;
        ReadLease kept = await flooded.ReadLeaseAsync();
        RingTask serving = RingExecutor.Spawn(() => ServeEcho(listener, 4));
        for (int i = 0; i < 4; i++)
        {
            using RingConnection client = await RingConnection.ConnectAsync(listener.LocalEndPoint);
            byte[] data = RandomBytes(1000, i);
            byte[] reply = new byte[data.Length];
            for (int round = 0; round < 20; round++)
            {
                await client.WriteAsync(data);
                await client.ReadExactlyAsync(reply);
                Assert.Equal(data, reply);
            }
        }

        await serving;
        Assert.Equal(1, RingExecutor.Current!.Counters.LeasesOut);
        kept.Dispose();
        flooded.Dispose();
        stop.Cancel();
        await flood;
    });

    [Theory, MemberData(nameof(Modes))]
    public void TwoBuffersAndThreeConnectionsEachHoldingALease_AllReadOn(string mode) => Run(mode, async () =>
    {
        var pairs = new List<(RingConnection Client, RingConnection Server)>();
        var held = new List<ReadLease>();
        for (int i = 0; i < 3; i++)
        {
            pairs.Add(await TcpPair());
            await pairs[i].Client.WriteAsync(RandomBytes(64 * 10, i));
            held.Add(await pairs[i].Server.ReadLeaseAsync());
        }

        // Every connection keeps its first lease and reads the rest with further ones.
        for (int i = 0; i < 3; i++)
        {
            byte[] expected = RandomBytes(64 * 10, i);
            int at = held[i].Length;
            Assert.True(held[i].Span.SequenceEqual(expected.AsSpan(0, at)));
            while (at < expected.Length)
            {
                using ReadLease lease = await pairs[i].Server.ReadLeaseAsync();
                Assert.InRange(lease.Length, 1, 64);
                Assert.True(lease.Span.SequenceEqual(expected.AsSpan(at, lease.Length)));
                at += lease.Length;
            }

            Assert.True(held[i].Span.SequenceEqual(expected.AsSpan(0, held[i].Length)), "a kept lease changed");
        }

        Assert.Equal(3, RingExecutor.Current!.LeasesOut().Count);
        if (mode == All)
            Assert.True(RingExecutor.Current.Counters.NoBuffers > 0);
        held.ForEach(lease => lease.Dispose());
        pairs.ForEach(pair => (pair.Client, pair.Server).Dispose());
    }, options => options with { LeaseBufferCount = 2, LeaseBufferSize = 64 });

    private static async RingTask ServeEcho(RingListener listener, int connections)
    {
        for (int i = 0; i < connections; i++)
        {
            RingConnection connection = await listener.AcceptAsync();
            if (i == connections - 1)
                await Echo(connection);
            else
                _ = RingExecutor.Spawn(() => Echo(connection));
        }
    }

    private static async RingTask Echo(RingConnection connection)
    {
        using (connection)
        {
            while (true)
            {
                using ReadLease lease = await connection.ReadLeaseAsync();
                if (lease.IsEnd)
                    break;
                await connection.WriteAsync(lease.Memory);
            }
        }
    }
}

internal static class PairExtensions
{
    internal static void Dispose(this (RingPipe A, RingPipe B) pair)
    {
        pair.A.Dispose();
        pair.B.Dispose();
    }

    internal static void Dispose(this (RingConnection A, RingConnection B) pair)
    {
        pair.A.Dispose();
        pair.B.Dispose();
    }
}

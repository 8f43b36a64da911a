// Old kernels: checks of connections and listeners: echo with leases, accept sequences, Unix sockets, deadlines, cancellation, large
// writes, endings. Loopback only. As LoopChecks.cs: each on an executor of its own, the runner looks for what is left behind.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RingCore;

namespace KernelCheck;

internal static class SocketChecks
{
    private static readonly IPEndPoint s_anyPort = new(IPAddress.Loopback, 0);

    internal static IEnumerable<Check> All =>
    [
        new("TCP echo with leases: 1,000 round trips on 8 connections", () => Echo(s_anyPort, connections: 8, roundTrips: 125)),
        new("the same with two lease buffers", () => Echo(s_anyPort, connections: 8, roundTrips: 25))
        {
            Options = options => options with { LeaseBufferCount = 2, LeaseBufferSize = 64 },
        },
        new("Unix socket echo", () => Echo(new UnixDomainSocketEndPoint(Path.Combine(Machine.Scratch, "echo")), connections: 4, roundTrips: 50)),
        new("leases held while others read on", LeasesHeld) { Options = options => options with { LeaseBufferCount = 2 } },
        new("ReadAllAsync: 1 MiB, a lease at a time", ReadAll),
        new("AcceptAllAsync: 100 connections, ended by token, and by disposal", AcceptAll),
        new("a write of 4 MiB to a slow reader", SlowReader),
        new("connect: refused; to a port that does not answer, with a deadline", Connects),
        new("accept, read and leased read cancelled by token", Cancels),
        new("a write cancelled after part of it left says so", CancelledInPart),
        new("dispose with a read in flight", DisposeInFlight),
        new("end of stream, and a reset", Endings),
        new("sockets with all of it at once", Everything),
    ];

    private static async RingTask Echo(EndPoint address, int connections, int roundTrips)
    {
        using var stop = new CancellationTokenSource();
        RingListener listener = RingListener.Bind(address);
        RingTask server = RingExecutor.Spawn(async () =>
        {
            var served = new List<RingTask>();
            await foreach (RingConnection connection in listener.AcceptAllAsync(stop.Token))
                served.Add(RingExecutor.Spawn(() => Serve(connection)));
            foreach (RingTask one in served)
                await one;
        });
        RingTask[] clients = [.. Enumerable.Range(0, connections).Select(i => RingExecutor.Spawn(async () =>
        {
            await using RingConnection connection = await RingConnection.ConnectAsync(listener.LocalEndPoint);
            byte[] sent = new byte[64], received = new byte[64];
            for (int trip = 0; trip < roundTrips; trip++)
            {
                sent.AsSpan().Fill((byte)(i * 31 + trip));
                await connection.WriteAsync(sent);
                await connection.ReadExactlyAsync(received);
                Expect.That(sent.AsSpan().SequenceEqual(received), $"connection {i}, trip {trip}: same bytes");
            }
        }))];
        foreach (RingTask client in clients)
            await client;
        stop.Cancel();
        await server;
        await listener.DisposeAsync();
    }

    private static async RingTask Serve(RingConnection connection)
    {
        await using (connection)
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

    private static async RingTask<(RingConnection Near, RingConnection Far)> Pair()
    {
        await using RingListener listener = RingListener.Bind(s_anyPort);
        ValueTask<RingConnection> accepting = listener.AcceptAsync();
        RingConnection near = await RingConnection.ConnectAsync(listener.LocalEndPoint);
        return (near, await accepting);
    }

    private static async RingTask LeasesHeld()
    {
        var pairs = new List<(RingConnection Near, RingConnection Far)>();
        for (int i = 0; i < 3; i++)
            pairs.Add(await Pair());
        var held = new List<ReadLease>();
        for (int round = 0; round < 5; round++)
        {
            foreach ((RingConnection near, RingConnection far) in pairs)
            {
                await far.WriteAsync(new byte[] { (byte)round });
                ReadLease lease = await near.ReadLeaseAsync();
                Expect.That(lease.Length == 1 && lease.Span[0] == round, $"round {round}: its byte");
                held.Add(lease);
            }
        }

        foreach (ReadLease lease in held)
            lease.Dispose();
        foreach ((RingConnection near, RingConnection far) in pairs)
        {
            await near.DisposeAsync();
            await far.DisposeAsync();
        }
    }

    private static async RingTask ReadAll()
    {
        (RingConnection near, RingConnection far) = await Pair();
        byte[] content = LoopChecks.Content(1 << 20);
        RingTask writer = RingExecutor.Spawn(async () =>
        {
            await far.WriteAsync(content);
            await far.ShutdownAsync(SocketShutdown.Send);
        });
        int have = 0;
        await foreach (ReadLease lease in near.ReadAllAsync(mostLeases: 4))
        {
            Expect.That(lease.Span.SequenceEqual(content.AsSpan(have, lease.Length)), $"the bytes at {have}");
            have += lease.Length;
            lease.Dispose();
            if (have % 5 == 0)
                await RingExecutor.Yield();
        }

        Expect.Equal(content.Length, have, "bytes");
        await writer;
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    private static async RingTask AcceptAll()
    {
        foreach (bool byToken in (bool[])[true, false])
        {
            using var stop = new CancellationTokenSource();
            RingListener listener = RingListener.Bind(s_anyPort);
            int accepted = 0;
            RingTask server = RingExecutor.Spawn(async () =>
            {
                await foreach (RingConnection connection in listener.AcceptAllAsync(stop.Token))
                {
                    accepted++;
                    await connection.DisposeAsync();
                }
            });
            for (int i = 0; i < 20; i++)
            {
                ValueTask<RingConnection>[] connecting = [.. Enumerable.Range(0, 5).Select(_ => RingConnection.ConnectAsync(listener.LocalEndPoint))];
                foreach (ValueTask<RingConnection> one in connecting)
                    await (await one).DisposeAsync();
            }

            for (int waits = 0; accepted < 100 && waits < 200; waits++)
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(10));
            Expect.Equal(100, accepted, "accepted");
            if (byToken)
                stop.Cancel();
            else
                await listener.DisposeAsync();
            await server;
            await listener.DisposeAsync();
        }
    }

    private static async RingTask SlowReader()
    {
        (RingConnection near, RingConnection far) = await Pair();
        byte[] content = LoopChecks.Content(4 << 20);
        ValueTask writing = far.WriteAsync(content);
        byte[] read = new byte[content.Length];
        for (int have = 0, reads = 0; have < read.Length; reads++)
        {
            if (reads % 16 == 0)
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            have += await near.ReadAsync(read.AsMemory(have, Math.Min(65536, read.Length - have)));
        }

        await writing;
        Expect.That(read.AsSpan().SequenceEqual(content), "same bytes");
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    /// <summary>A listener whose backlog is full drops what would open another connection: nobody answers.</summary>
    private static async RingTask Connects()
    {
        RingListener listener = RingListener.Bind(s_anyPort, backlog: 1);
        EndPoint address = listener.LocalEndPoint;
        var open = new List<RingConnection>();
        TimeoutException? late = null;
        for (int i = 0; i < 10 && late is null; i++)
        {
            long start = Stopwatch.GetTimestamp();
            try
            {
                open.Add(await RingConnection.ConnectAsync(address, TimeSpan.FromMilliseconds(200)));
            }
            catch (TimeoutException e)
            {
                late = e;
                Expect.That(Stopwatch.GetElapsedTime(start).TotalMilliseconds >= 199, "the deadline had passed");
            }
        }

        Expect.That(late is not null, "a deadline struck");
        foreach (RingConnection connection in open)
            await connection.DisposeAsync();
        await listener.DisposeAsync();
        SocketException refused = await Expect.Throws<SocketException>(async () => await RingConnection.ConnectAsync(address));
        Expect.That(refused.SocketErrorCode == SocketError.ConnectionRefused, $"{refused.SocketErrorCode}");
    }

    private static async RingTask Cancels()
    {
        (RingConnection near, RingConnection far) = await Pair();
        await using RingListener listener = RingListener.Bind(s_anyPort);
        for (int i = 0; i < 10; i++)
        {
            using var read = new CancellationTokenSource(5);
            await Expect.Throws<OperationCanceledException>(async () => await near.ReadAsync(new byte[8], read.Token));
            using var lease = new CancellationTokenSource(5);
            await Expect.Throws<OperationCanceledException>(async () => (await near.ReadLeaseAsync(lease.Token)).Dispose());
            using var accept = new CancellationTokenSource(5);
            await Expect.Throws<OperationCanceledException>(async () => await listener.AcceptAsync(accept.Token));
        }

        await far.WriteAsync(new byte[] { 7 });
        using (ReadLease last = await near.ReadLeaseAsync())
            Expect.That(last.Length == 1 && last.Span[0] == 7, "still usable");
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    /// <summary>Before 6.1 the kernel loses count of it where it goes on by itself: then the stream would pass for whole.</summary>
    private static async RingTask CancelledInPart()
    {
        (RingConnection near, RingConnection far) = await Pair();
        using var cancel = new CancellationTokenSource(50);
        await Expect.Throws<IOException>(async () => await near.WriteAsync(new byte[16 << 20], cancel.Token));
        await Expect.Throws<IOException>(async () => await near.WriteAsync(new byte[1]));
        await near.DisposeAsync();
        await far.DisposeAsync();
    }

    private static async RingTask DisposeInFlight()
    {
        (RingConnection near, RingConnection far) = await Pair();
        ValueTask<int> reading = near.ReadAsync(new byte[8]);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        await near.DisposeAsync();
        await Expect.Throws<ObjectDisposedException>(async () => await reading);
        ValueTask<ReadLease> leasing = far.ReadLeaseAsync();
        (await leasing).Dispose(); // The end, or a reset: near has gone either way.
        await far.DisposeAsync();
        RingListener listener = RingListener.Bind(s_anyPort);
        ValueTask<RingConnection> accepting = listener.AcceptAsync();
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        await listener.DisposeAsync();
        await Expect.Throws<ObjectDisposedException>(async () => await accepting);
    }

    private static async RingTask Endings()
    {
        (RingConnection near, RingConnection far) = await Pair();
        await far.WriteAsync(new byte[10]);
        await far.ShutdownAsync(SocketShutdown.Send);
        byte[] memory = new byte[20];
        await Expect.Throws<EndOfStreamException>(() => near.ReadExactlyAsync(memory));
        await near.DisposeAsync();
        await far.DisposeAsync();

        (near, far) = await Pair();
        await near.WriteAsync(new byte[10]);
        ValueTask<ReadLease> reading = near.ReadLeaseAsync();
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        await far.DisposeAsync(); // With unread bytes: a reset.
        SocketException reset = await Expect.Throws<SocketException>(async () => (await reading).Dispose());
        Expect.That(reset.SocketErrorCode == SocketError.ConnectionReset, $"{reset.SocketErrorCode}");
        await near.DisposeAsync();
    }

    /// <summary>Servers, timers and posts share one loop.</summary>
    private static async RingTask Everything()
    {
        RingExecutor executor = RingExecutor.Current!;
        RingTask tcp = RingExecutor.Spawn(() => Echo(s_anyPort, connections: 16, roundTrips: 20));
        RingTask unix = RingExecutor.Spawn(() => Echo(new UnixDomainSocketEndPoint("\0everything"), connections: 16, roundTrips: 20));
        RingTask all = RingExecutor.Spawn(ReadAll);
        Task<int> posts = Task.Run(async () =>
        {
            int sum = 0;
            for (int i = 0; i < 100; i++)
                sum += await executor.InvokeAsync(async () =>
                {
                    await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                    return 1;
                });
            return sum;
        });
        await tcp;
        await unix;
        await all;
        Expect.Equal(100, await posts, "invocations");
    }
}

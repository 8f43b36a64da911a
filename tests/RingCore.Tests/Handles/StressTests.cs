// Tests: Handles. Ten seconds of everything at once, from a seed: connects, echoes of random sizes through every kind of read,
// cancels from other threads, resets, disposals with ops in flight, garbage collections. It ends with nothing in use.

using System.Net.Sockets;

namespace RingCore.Tests.Handles;

public sealed class StressTests : LiveTest
{
    [Theory]
    [InlineData(All, 4)]
    [InlineData(Linux510, 2)]
    [InlineData(Tiny, 2)]
    [InlineData(TinyLinux510, 2)]
    public void EverythingAtOnce_LeavesNothingBehind(string mode, int seconds) => Run(mode, async () =>
    {
        const int seed = 12345;
        long end = Environment.TickCount64 + seconds * 1000;
        int echoes = 0;
        int aborted = 0;
        RingListener listener = RingListener.Bind(Loopback);
        RingTask serving = RingExecutor.Spawn(async () =>
        {
            await foreach (RingConnection connection in listener.AcceptAllAsync())
                _ = RingExecutor.Spawn(() => Serve(connection));
        });
        var clients = new List<RingTask>();
        for (int lane = 0; lane < 12; lane++)
        {
            var random = new Random(seed + lane);
            clients.Add(RingExecutor.Spawn(async () =>
            {
                while (Environment.TickCount64 < end)
                {
                    if (await Session(listener, random))
                        echoes++;
                    else
                        aborted++;
                }
            }));
        }

        RingTask collecting = RingExecutor.Spawn(async () =>
        {
            while (Environment.TickCount64 < end)
            {
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
                GC.Collect();
            }
        });
        foreach (RingTask client in clients)
            await client;
        await collecting;
        await listener.DisposeAsync();
        await serving;
        Assert.True(echoes > 50 && aborted > 5, $"seed {seed}: {echoes} sessions, {aborted} aborted");
    }, seconds: 60);

    /// <summary>One connection: some echoes, perhaps an abrupt end. True when it ended as it should.</summary>
    private static async RingTask<bool> Session(RingListener listener, Random random)
    {
        using var source = new CancellationTokenSource();
        using RingConnection connection = await RingConnection.ConnectAsync(listener.LocalEndPoint, TimeSpan.FromSeconds(20));
        int fate = random.Next(10);
        int after = random.Next(5);
        for (int i = 0; i < 5; i++)
        {
            byte[] data = RandomBytes(random.Next(8) == 0 ? random.Next(100_000) : random.Next(300), random.Next());
            if (fate < 3 && i == after)
            {
                RingTask<bool> echo = RingExecutor.Spawn(() => Echoed(connection, data, source.Token));
                for (int turns = random.Next(3); turns > 0; turns--)
                    await RingExecutor.Yield();
                if (fate == 0)
                {
                    _ = Task.Run(source.Cancel);
                }
                else
                {
                    SocketOptions options = connection.Options;
                    options.ResetOnClose = fate == 1;
                    connection.Dispose();
                }

                try
                {
                    await echo;
                }
                catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or IOException)
                {
                }

                return false;
            }

            Assert.True(await Echoed(connection, data, default));
        }

        await connection.ShutdownAsync(SocketShutdown.Send);
        Assert.Equal(0, await connection.ReadAsync(new byte[10]));
        return true;
    }

    private static async RingTask<bool> Echoed(RingConnection connection, byte[] data, CancellationToken token)
    {
        byte[] reply = new byte[data.Length];
        ValueTask write = connection.WriteAsync(data, token);
        try
        {
            await connection.ReadExactlyAsync(reply, token);
        }
        finally
        {
            try
            {
                await write;
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or IOException)
            {
            }
        }

        return data.AsSpan().SequenceEqual(reply);
    }

    private static async RingTask Serve(RingConnection connection)
    {
        using (connection)
        {
            byte[] buffer = new byte[1000];
            try
            {
                for (int i = 0; ; i++)
                {
                    if (i % 2 == 0)
                    {
                        using ReadLease lease = await connection.ReadLeaseAsync();
                        if (lease.IsEnd)
                            return;
                        await connection.WriteAsync(lease.Memory);
                    }
                    else
                    {
                        int count = await connection.ReadAsync(buffer);
                        if (count == 0)
                            return;
                        await connection.WriteAsync([buffer.AsMemory(0, count / 2), buffer.AsMemory(count / 2, count - count / 2)]);
                    }
                }
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                // The peer has reset.
            }
        }
    }
}

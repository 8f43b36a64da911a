#:project ../src/RingCore
// A TCP proxy: dotnet run examples/proxy.cs LISTEN TARGET, both address:port. Each connection is passed on in both directions with one
// buffer's worth of bytes on the way at most; the end of one direction is passed on too, the other goes on. Serves until SIGINT or SIGTERM.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore;

if (args.Length != 2 || !IPEndPoint.TryParse(args[0], out IPEndPoint? address) || !IPEndPoint.TryParse(args[1], out IPEndPoint? target))
{
    Console.Error.WriteLine("usage: proxy LISTEN TARGET, both address:port, such as 127.0.0.1:8000 127.0.0.1:80");
    return 2;
}

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

try
{
    RingExecutor.Run(async () =>
    {
        await using RingListener listener = RingListener.Bind(address);
        Console.WriteLine($"listening on {listener.LocalEndPoint}");
        await foreach (RingConnection client in listener.AcceptAllAsync(stop.Token))
            _ = RingExecutor.Spawn(() => Serve(client));
        Console.WriteLine("bye");
    });
}
catch (Exception e) when (e is SocketException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is SocketException ? 1 : 3;
}

return 0;

async RingTask Serve(RingConnection client)
{
    using RingConnection closing = client;
    try
    {
        using RingConnection server = await RingConnection.ConnectAsync(target, TimeSpan.FromSeconds(5));
        RingTask there = RingExecutor.Spawn(() => Pass(client, server));
        RingTask back = RingExecutor.Spawn(() => Pass(server, client));
        await there; // Both end: one that fails closes the two connections, which ends the other.
        await back;
    }
    catch (Exception e) when (e is SocketException or TimeoutException)
    {
        Console.Error.WriteLine($"{target}: {e.Message}");
    }
}

static async RingTask Pass(RingConnection from, RingConnection to)
{
    try
    {
        while (await from.ReadLeaseAsync() is { IsEnd: false } lease)
        {
            using (lease)
                await to.WriteAsync(lease.Memory); // The next read waits for it: a slow reader slows the sender, not the proxy's memory.
        }

        await to.ShutdownAsync(SocketShutdown.Send);
    }
    catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
    {
        from.Dispose(); // The peer has gone, or the proxy stops.
        to.Dispose();
    }
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true; // Not the default action, which would end the process at once.
    stop.Cancel();
}

#:project ../src/RingCore
// A TCP proxy: dotnet run examples/proxy.cs LISTEN TARGET, both address:port. Two tasks a connection, one per direction, with one
// buffer each: a slow reader slows the sender down. An end is passed on as an end, with the other direction still open; a peer that
// vanishes is passed on as a reset.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore;

if (args.Length != 2 || !IPEndPoint.TryParse(args[0], out IPEndPoint? address) || !IPEndPoint.TryParse(args[1], out IPEndPoint? target))
{
    Console.Error.WriteLine("usage: proxy LISTEN TARGET, both address:port, such as 127.0.0.1:7002 127.0.0.1:7001");
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
            _ = RingExecutor.Spawn(() => ProxyAsync(client, target));
        Console.WriteLine("bye");
    });
    return 0;
}
catch (Exception e) when (e is SocketException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is RingUnavailableException ? 3 : 1;
}

static async RingTask ProxyAsync(RingConnection client, IPEndPoint target)
{
    using (client)
    {
        try
        {
            using RingConnection server = await RingConnection.ConnectAsync(target, timeout: TimeSpan.FromSeconds(10));
            RingTask forth = RingExecutor.Spawn(() => PumpAsync(client, server));
            await PumpAsync(server, client);
            await forth;
        }
        catch (Exception e) when (e is SocketException or TimeoutException or OperationCanceledException)
        {
            Reset(client); // The target cannot be reached: so it looks from here, too.
        }
    }
}

// One direction, until its end. Whatever breaks it breaks the other one as well.
static async RingTask PumpAsync(RingConnection from, RingConnection to)
{
    try
    {
        while (true)
        {
            using ReadLease lease = await from.ReadLeaseAsync();
            if (lease.IsEnd)
                break;
            await to.WriteAsync(lease.Memory);
        }

        await to.ShutdownAsync(SocketShutdown.Send);
    }
    catch (Exception e) when (e is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
    {
        Reset(from);
        Reset(to);
    }
}

static void Reset(RingConnection connection)
{
    if (connection.IsDisposed)
        return;
    SocketOptions options = connection.Options;
    options.ResetOnClose = true;
    connection.Dispose(); // Ends the other direction's read or write, if it waits.
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

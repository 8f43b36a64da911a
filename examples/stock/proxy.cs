// A TCP proxy: dotnet run examples/stock/proxy.cs LISTEN TARGET, both address:port. Two tasks a connection, one per direction, with one
// buffer each: a slow reader slows the sender down. An end is passed on as an end, with the other direction still open; a peer that
// vanishes is passed on as a reset. The twin of examples/proxy.cs on System.Net.Sockets.

using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

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
    using var listener = new TcpListener(address);
    listener.Start(backlog: 4096);
    Console.WriteLine($"listening on {listener.LocalEndpoint}");
    while (true)
        _ = ProxyAsync(await listener.AcceptSocketAsync(stop.Token));
}
catch (OperationCanceledException)
{
    Console.WriteLine("bye");
    return 0;
}
catch (SocketException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

async Task ProxyAsync(Socket client)
{
    using var server = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
    using (client)
    {
        try
        {
            using var late = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            late.CancelAfter(TimeSpan.FromSeconds(10));
            client.NoDelay = server.NoDelay = true;
            await server.ConnectAsync(target, late.Token);
            await Task.WhenAll(PumpAsync(client, server), PumpAsync(server, client));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            client.Close(timeout: 0); // A reset: the target cannot be reached, so it looks from here, too.
        }
    }
}

// One direction, until its end. Whatever breaks it breaks the other one as well.
async Task PumpAsync(Socket from, Socket to)
{
    byte[] buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
    try
    {
        while (await from.ReceiveAsync(buffer, stop.Token) is > 0 and int read)
        {
            for (int sent = 0; sent < read;)
                sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), stop.Token); // May be short.
        }

        to.Shutdown(SocketShutdown.Send);
    }
    catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
    {
        from.Close(timeout: 0); // Resets, and ends the other direction's read or write, if it waits.
        to.Close(timeout: 0);
    }

    ArrayPool<byte>.Shared.Return(buffer);
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

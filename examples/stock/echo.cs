// An echo server: dotnet run examples/stock/echo.cs [address:port]. Serves until SIGINT or SIGTERM, then shuts down cleanly.
// The twin of examples/echo.cs on System.Net.Sockets.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

IPEndPoint? address = new(IPAddress.Loopback, 7000);
if (args.Length > 0 && !IPEndPoint.TryParse(args[0], out address))
{
    Console.Error.WriteLine($"'{args[0]}' is not address:port, such as 127.0.0.1:7000 or [::1]:0 (0: any free port)");
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
        _ = Echo(await listener.AcceptSocketAsync(stop.Token));
}
catch (OperationCanceledException)
{
    Console.WriteLine("bye");
}
catch (SocketException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

return 0;

async Task Echo(Socket socket)
{
    socket.NoDelay = true;
    using var stream = new NetworkStream(socket, ownsSocket: true);
    byte[] buffer = new byte[16 * 1024]; // One for each connection, idle or not.
    try
    {
        while (await stream.ReadAsync(buffer, stop.Token) is > 0 and int read)
            await stream.WriteAsync(buffer.AsMemory(0, read), stop.Token); // all of it, or an exception
    }
    catch (Exception e) when (e is IOException or OperationCanceledException)
    {
        // The peer has gone, or the server stops: this connection is over, the others go on.
    }
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true; // Not the default action, which would end the process at once.
    stop.Cancel();
}

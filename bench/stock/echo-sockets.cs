// The echo server as one writes it on System.Net.Sockets: one accept loop, one async loop per connection.
// usage: dotnet run bench/stock/echo-sockets.cs [-- address:port]
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

using var stopping = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);

IPEndPoint address = IPEndPoint.Parse(args.Length > 0 ? args[0] : "127.0.0.1:0");
using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
listener.Bind(address);
listener.Listen(4096);
Console.WriteLine($"listening on {listener.LocalEndPoint}");

try
{
    while (true)
    {
        Socket connection = await listener.AcceptAsync(stopping.Token);
        _ = EchoAsync(connection);
    }
}
catch (OperationCanceledException)
{
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}

static async Task EchoAsync(Socket connection)
{
    using Socket owned = connection;
    connection.NoDelay = true;
    var buffer = new byte[4096];
    try
    {
        int received;
        while ((received = await connection.ReceiveAsync(buffer.AsMemory())) > 0)
        {
            Memory<byte> unsent = buffer.AsMemory(0, received);
            while (unsent.Length > 0)
            {
                unsent = unsent[await connection.SendAsync(unsent)..];
            }
        }
    }
    catch (SocketException)
    {
        // The peer went away; its connection closes here and the others go on.
    }
}

#:project ../src/RingCore
// An echo server: dotnet run examples/echo.cs [address:port]. Serves until SIGINT or SIGTERM, then shuts down cleanly.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore;

IPEndPoint? address = new(IPAddress.Loopback, 7000);
if (args.Length > 0 && !(IPEndPoint.TryParse(args[0], out address) && args[0].EndsWith($":{address.Port}", StringComparison.Ordinal)))
{
    Console.Error.WriteLine($"'{args[0]}' is not address:port, such as 127.0.0.1:7000 or [::1]:0 (0: any free port)");
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
        await foreach (RingConnection connection in listener.AcceptAllAsync(stop.Token))
            _ = RingExecutor.Spawn(() => Echo(connection));
        Console.WriteLine("bye");
    });
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}
catch (SocketException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

return 0;

static async RingTask Echo(RingConnection connection)
{
    using (connection)
    {
        try
        {
            while (true)
            {
                using ReadLease lease = await connection.ReadLeaseAsync(); // a buffer the kernel chose
                if (lease.IsEnd)
                    break;
                await connection.WriteAsync(lease.Memory); // all of it, or an exception
            }
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            // The peer has gone, or the server stops: this connection is over, the others go on.
        }
    }
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true; // Not the default action, which would end the process at once.
    stop.Cancel();
}

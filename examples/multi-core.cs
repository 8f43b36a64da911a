#:project ../src/RingCore
// An echo server on several cores: dotnet run examples/multi-core.cs [ADDRESS:PORT [EXECUTORS [acceptor]]]
// One executor for each core, each with its own listener, or one that accepts for all. Serves until SIGINT or SIGTERM.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore;

IPEndPoint? address = new(IPAddress.Loopback, 7000);
int executors = Environment.ProcessorCount;
if (args.Length > 0 && !(IPEndPoint.TryParse(args[0], out address) && args[0].EndsWith($":{address.Port}", StringComparison.Ordinal)))
{
    Console.Error.WriteLine($"'{args[0]}' is not address:port, such as 127.0.0.1:7000 or [::1]:0 (0: any free port)");
    return 2;
}

if ((args.Length > 1 && !(int.TryParse(args[1], out executors) && executors > 0))
    || (args.Length > 2 && args[2..] is not ["acceptor"]))
{
    Console.Error.WriteLine("usage: multi-core [ADDRESS:PORT [EXECUTORS [acceptor]]]");
    return 2;
}

RingPlacement placement = args.Length > 2 ? RingPlacement.Acceptor : RingPlacement.ListenerEach;
using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

try
{
    await using var group = RingExecutorGroup.Start(executors, new RingOptions { Name = "core" }, pin: true);
    var served = new Dictionary<RingExecutor, Served>(group.Executors.Select(executor => KeyValuePair.Create(executor, new Served())));
    await group.ServeAsync(
        address, connection => Echo(connection, served[RingExecutor.Current!]), placement,
        listening: bound => Console.WriteLine($"listening on {bound}"), stop.Token);
    await group.DisposeAsync(); // Ends the connections that are still open; from here on the counts stand still.

    foreach (RingExecutor executor in group.Executors)
        Console.WriteLine($"{executor.Name}: {served[executor].Connections} connections, {served[executor].Bytes} bytes");
    Console.WriteLine($"all: {served.Values.Sum(one => one.Connections)} connections, {served.Values.Sum(one => one.Bytes)} bytes");
    return 0;
}
catch (Exception e) when (e is SocketException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is SocketException ? 1 : 3;
}

static async RingTask Echo(RingConnection connection, Served served)
{
    served.Connections++; // Each executor has its own: no lock, no interlocked add.
    try
    {
        while (true)
        {
            using ReadLease lease = await connection.ReadLeaseAsync();
            if (lease.IsEnd)
                break;
            await connection.WriteAsync(lease.Memory);
            served.Bytes += lease.Memory.Length;
        }
    }
    catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
    {
        // The peer has gone, or the server stops: this connection is over, the others go on.
    }
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true; // Not the default action, which would end the process at once.
    stop.Cancel();
}

sealed class Served
{
    public int Connections;
    public long Bytes;
}

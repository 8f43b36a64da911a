// A server whose connections all wait in ReadLeaseAsync, and what they cost. For bench/echo.cs --idle.
// usage: dotnet run bench/idle.cs 127.0.0.1:7000 1000 10000
// At each of the counts it prints `connections N managed BYTES native BYTES`: the managed heap after full blocking collections,
// and the native memory that RingCore's ops hold. The rings' mappings and the lease buffers are there once, whatever the count.
#:project ../src/RingCore
#:property PublishAot=false

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore;

if (args.Length < 2 || !IPEndPoint.TryParse(args[0], out IPEndPoint? address))
{
    Console.Error.WriteLine("usage: idle ADDRESS:PORT COUNT...");
    return 2;
}

int[] counts = [.. args.Skip(1).Select(int.Parse)];
int open = 0;
using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
RingExecutor.Run(async () =>
{
    using RingListener listener = RingListener.Bind(address, backlog: 4096);
    Console.WriteLine($"listening on {listener.LocalEndPoint}");
    _ = RingExecutor.Spawn(ReportAsync);
    await foreach (RingConnection connection in listener.AcceptAllAsync(stop.Token))
        _ = RingExecutor.Spawn(() => WaitAsync(connection));
});
return 0;

async RingTask WaitAsync(RingConnection connection)
{
    using (connection)
    {
        open++;
        try
        {
            while (true)
            {
                using ReadLease lease = await connection.ReadLeaseAsync();
                if (lease.IsEnd)
                    break;
                await connection.WriteAsync(lease.Memory);
            }
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            // The peer has gone, or the server stops.
        }

        open--;
    }
}

async RingTask ReportAsync()
{
    foreach (int count in counts)
    {
        while (open != count)
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(200)); // Whatever accepting left behind has run out by then.
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        Console.WriteLine($"connections {open} managed {managed} native {RingExecutor.Current!.NativeBytes}");
    }
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

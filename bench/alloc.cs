// Bytes allocated per request: a million 64-byte requests between an echo server and its clients, in one process.
// usage: dotnet run bench/alloc.cs [-- requests=1000000 connections=16]
#:project ../src/RingCore
#:property PublishAot=false

using System.Net;
using RingCore;

Dictionary<string, string> options = args.Select(arg => arg.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[^1]);
int requests = int.Parse(options.GetValueOrDefault("requests", "1000000"));
int connections = int.Parse(options.GetValueOrDefault("connections", "16"));
RingExecutor.Run(async () =>
{
    using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    _ = RingExecutor.Spawn(() => ServeAsync(listener));
    var clients = new RingConnection[connections];
    for (int i = 0; i < connections; i++)
        clients[i] = await RingConnection.ConnectAsync(listener.LocalEndPoint);

    // In the first tenth pools fill, and the JIT reaches its last tier. What counts begins and ends in mid-run, so that nothing
    // of setting up or taking down is in it.
    var count = new Count(warmUp: requests / 10, requests);
    var running = new RingTask[connections];
    for (int i = 0; i < connections; i++)
    {
        RingConnection client = clients[i];
        running[i] = RingExecutor.Spawn(() => ClientAsync(client, count));
    }

    foreach (RingTask task in running)
        await task;
    Console.WriteLine($"requests {requests}");
    Console.WriteLine($"bytes allocated by the ring's thread {count.Thread}, per request {(double)count.Thread / requests:F6}");
    Console.WriteLine($"bytes allocated by the whole process {count.Process}, per request {(double)count.Process / requests:F6}");
    foreach (RingConnection client in clients)
        client.Dispose();
});

static async RingTask ClientAsync(RingConnection client, Count count)
{
    var request = new byte[64];
    var answer = new byte[64];
    Random.Shared.NextBytes(request);
    while (count.Next())
    {
        await client.WriteAsync(request);
        await client.ReadExactlyAsync(answer);
        if (!answer.AsSpan().SequenceEqual(request))
            throw new InvalidDataException("The answer is not the request.");
    }
}

static async RingTask ServeAsync(RingListener listener)
{
    await foreach (RingConnection connection in listener.AcceptAllAsync())
        _ = RingExecutor.Spawn(() => EchoAsync(connection));
}

static async RingTask EchoAsync(RingConnection connection)
{
    using (connection)
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

/// <summary>Counts requests, and the bytes allocated between the end of the warm-up and the last one.</summary>
internal sealed class Count(int warmUp, int requests)
{
    private int _started;

    public long Thread { get; private set; }

    public long Process { get; private set; }

    public bool Next()
    {
        if (_started == warmUp)
        {
            GC.Collect();
            Process = GC.GetTotalAllocatedBytes(precise: true);
            Thread = GC.GetAllocatedBytesForCurrentThread();
        }
        else if (_started == warmUp + requests)
        {
            Thread = GC.GetAllocatedBytesForCurrentThread() - Thread;
            Process = GC.GetTotalAllocatedBytes(precise: true) - Process;
        }

        return _started++ < warmUp + requests;
    }
}

#:project ../src/RingCore
// A program that hangs, and what it can say about why: dotnet run examples/hang.cs. The server keeps a message's buffer and waits for
// a second message; the client sends none before it has an answer. After a while the program asks its executor:
// which ops are with the kernel, who awaits them and where, which buffers are out, what came last. docs/debugging.md reads it.

using RingCore;

try
{
    RingExecutor.Run(async () =>
    {
        (RingConnection server, RingConnection client) = RingConnection.CreatePair();
        using (server)
        using (client)
        {
            RingTask serving = Serve(server);
            RingTask asking = Ask(client);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(300)); // By now nothing moves any more.
            Report(RingExecutor.Current!);
            server.CancelAll();
            client.CancelAll();
            await Outcome("the server", serving);
            await Outcome("the client", asking);
        }
    }, new RingOptions { TraceEvents = 256 });
    return 0;
}
catch (Exception e) when (e is IOException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is IOException ? 1 : 3; // 1: standard output takes no more, for instance.
}

static async RingTask Serve(RingConnection connection)
{
    using ReadLease first = await connection.ReadLeaseAsync();
    using ReadLease second = await connection.ReadLeaseAsync(); // Waits for what never comes, and holds the first buffer.
    await connection.WriteAsync(first.Memory);
}

static async RingTask Ask(RingConnection connection)
{
    await connection.WriteAsync("a question"u8.ToArray());
    await connection.ReadAsync(new byte[64]); // The answer.
}

static async RingTask Outcome(string who, RingTask task)
{
    try
    {
        await task;
    }
    catch (OperationCanceledException)
    {
        Console.WriteLine($"{who}: its read was cancelled");
    }
}

static void Report(RingExecutor executor)
{
    Console.WriteLine("with the kernel:");
    foreach (OpInfo op in executor.InFlight())
        Console.WriteLine($"  slot={op.Id.Slot} {op}");
    Console.WriteLine("buffers out:");
    foreach (LeaseInfo lease in executor.LeasesOut())
        Console.WriteLine($"  {lease.Bytes} B, for {lease.Age.TotalMilliseconds:0} ms");
    RingCounters now = executor.Counters;
    Console.WriteLine($"counters: in flight {now.InFlight}, dropped results {now.DroppedResults}, SQEs {now.Sqes}, CQEs {now.Cqes}");
    Console.WriteLine("the last completions:");
    foreach (TraceEvent e in executor.Trace.Snapshot().Where(e => e.Kind == TraceKind.OpCompleted).TakeLast(3))
        Console.WriteLine($"  slot={e.Id.Slot} {new OpResult(e.Result, e.CqeFlags)}");
}

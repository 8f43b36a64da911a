#:project ../src/RingCore
// One request, a hundred connections: dotnet run examples/multishot-accept.cs. A multishot accept stays armed: each connection is one
// more CQE of the same SQE, marked F_MORE. Before Linux 5.19 the same code takes one accept per connection, and says so.

using System.Net;
using System.Net.Sockets;
using RingCore;
using RingCore.Sys;

const int Count = 100;
try
{
    RingExecutor.Run(async () =>
    {
        RingExecutor executor = RingExecutor.Current!;
        await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        MultishotOp accept = Op.Accept(listener).Multishot();
        Console.WriteLine($"armed: {accept.Explain().Split(" · ")[^1]}");

        RingTask[] clients = [.. Enumerable.Range(0, Count).Select(i => RingExecutor.Spawn(() => Greeted(listener.LocalEndPoint)))];
        int accepted = 0, marked = 0;
        await foreach (OpResult result in accept)
        {
            if (!result.IsSuccess)
                throw new IOException($"accept: {Errno.Describe(result.Errno)}", result.Errno);
            marked += result.HasMore ? 1 : 0;
            using (var connection = RingConnection.Adopt(result.Res)) // A bare fd until somebody owns it.
                await connection.WriteAsync("welcome"u8.ToArray());
            if (++accepted == Count)
                break; // Leaving the loop cancels the accept in the kernel.
        }

        foreach (RingTask client in clients)
            await client;

        TraceEvent[] events = executor.Trace.Snapshot();
        int Sqes(io_uring_op op) => events.Count(e => e.Kind == TraceKind.OpPrepared && e.Opcode == op);
        Console.WriteLine($"{accepted} connections, {marked} CQEs marked F_MORE, every client was greeted");
        Console.WriteLine($"SQEs: {Sqes(io_uring_op.IORING_OP_ACCEPT)} accept, {Sqes(io_uring_op.IORING_OP_CONNECT)} connects");
        Console.WriteLine($"cancelled at the end: {executor.Counters.CancelsWon}, left in the kernel: {listener.InFlight}");
    }, new RingOptions { TraceEvents = 16384 });
    return 0;
}
catch (Exception e) when (e is SocketException or IOException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is RingUnavailableException ? 3 : 1;
}

static async RingTask Greeted(EndPoint server)
{
    using RingConnection connection = await RingConnection.ConnectAsync(server);
    await connection.ReadExactlyAsync(new byte["welcome".Length]);
}

#:project ../src/RingCore
// One accept request, many connections: dotnet run examples/multishot-accept.cs. The kernel keeps the request and answers with a
// completion per connection (F_MORE: it goes on). Before Linux 5.19 the same loop asks anew for each connection.

using System.Net;
using RingCore;
using RingCore.Sys;

const int Count = 50;
try
{
    RingExecutor.Run(async () =>
    {
        await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        RingTask clients = RingExecutor.Spawn(async RingTask () =>
        {
            for (int i = 0; i < Count; i++)
                (await RingConnection.ConnectAsync(listener.LocalEndPoint)).Dispose();
        });
        int accepted = 0;
        int announced = 0;
        await foreach (OpResult result in Op.Accept(listener).Multishot())
        {
            RingHandle.Adopt(result.Res, ownsFd: true).Dispose(); // At this level a result is a bare fd, and the caller's to close.
            announced += result.HasMore ? 1 : 0;
            if (++accepted == Count)
                break; // Leaving the loop cancels the request; a connection that comes meanwhile is closed.
        }

        await clients;
        int requests = RingExecutor.Current!.Trace.Snapshot().Count(e => e.Kind == TraceKind.OpPrepared && (io_uring_op)e.A == io_uring_op.IORING_OP_ACCEPT);
        Console.WriteLine($"accepted {accepted} connections; {announced} times the kernel said that the request goes on; requests written: {requests}");
    }, new RingOptions { TraceEvents = 1024 });
    return 0;
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

// A read against a deadline: dotnet run examples/stock/timeout-race.cs. The loser is cancelled: by a token, and by the usual short cut of
// Task.WaitAsync, which only stops waiting: the read goes on and takes the bytes that come later. The twin of examples/timeout-race.cs.

using System.Net.Sockets;

(NetworkStream left, NetworkStream right) = await CreatePairAsync();
await using (left)
await using (right)
{
    Console.WriteLine($"nothing comes {await ByToken(left, TimeSpan.FromMilliseconds(50))}");
    await right.WriteAsync("in time"u8.ToArray());
    Console.WriteLine($"data is there {await ByToken(left, TimeSpan.FromSeconds(10))}");

    var memory = new byte[64];
    Task<int> read = left.ReadAsync(memory).AsTask();
    Console.WriteLine($"nothing comes {await ByWait(read, TimeSpan.FromMilliseconds(50))}");
    await right.WriteAsync("in time"u8.ToArray());
    Console.WriteLine($"data is there {await ByWait(read, TimeSpan.FromSeconds(10))} by the read that was given up");
}

// The token takes the read out of the socket's queue.
static async Task<string> ByToken(NetworkStream stream, TimeSpan deadline)
{
    using var late = new CancellationTokenSource(deadline);
    try
    {
        return $"token: read {await stream.ReadAsync(new byte[64], late.Token)} bytes";
    }
    catch (OperationCanceledException e) when (e.CancellationToken == late.Token)
    {
        return "token: the read was cancelled";
    }
}

static async Task<string> ByWait(Task<int> read, TimeSpan deadline)
{
    try
    {
        return $"WaitAsync: read {await read.WaitAsync(deadline)} bytes";
    }
    catch (TimeoutException)
    {
        return "WaitAsync: nobody waits for the read any more";
    }
}

static async Task<(NetworkStream Left, NetworkStream Right)> CreatePairAsync()
{
    var address = new UnixDomainSocketEndPoint($"\0timeout-race-{Environment.ProcessId}"); // In no folder: Linux's abstract names.
    using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    listener.Bind(address);
    listener.Listen(1);
    var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    await left.ConnectAsync(address);
    return (new NetworkStream(left, ownsSocket: true), new NetworkStream(await listener.AcceptAsync(), ownsSocket: true));
}

// Two tasks and a pair of connected sockets: dotnet run examples/stock/ping-pong.cs [rounds]. Each waits for the other's number and
// sends the next. The twin of examples/ping-pong.cs on System.Net.Sockets, which has no socketpair(2): a listener makes the pair.

using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;

if (!int.TryParse(args.FirstOrDefault("100000"), out int rounds) || rounds < 1)
{
    Console.Error.WriteLine("usage: ping-pong [rounds]");
    return 2;
}

try
{
    (NetworkStream left, NetworkStream right) = await CreatePairAsync();
    await using (left)
    {
        Task pong = PongAsync(right);
        long started = Stopwatch.GetTimestamp();
        var message = new byte[sizeof(int)];
        for (int i = 0; i < 2 * rounds; i += 2)
        {
            BinaryPrimitives.WriteInt32LittleEndian(message, i);
            await left.WriteAsync(message);
            await left.ReadExactlyAsync(message); // A stream has no messages: these four bytes may come in pieces.
            if (BinaryPrimitives.ReadInt32LittleEndian(message) != i + 1)
                throw new InvalidDataException($"{i} went out, {BinaryPrimitives.ReadInt32LittleEndian(message)} came back");
        }

        await pong;
        double time = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
        Console.WriteLine($"{rounds} rounds, each number came back as the next: {time / rounds:F2} µs per round");
    }

    return 0;
}
catch (Exception e) when (e is IOException or SocketException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

async Task PongAsync(NetworkStream stream)
{
    await using NetworkStream owned = stream;
    var message = new byte[sizeof(int)];
    for (int i = 0; i < rounds; i++)
    {
        await stream.ReadExactlyAsync(message);
        BinaryPrimitives.WriteInt32LittleEndian(message, BinaryPrimitives.ReadInt32LittleEndian(message) + 1);
        await stream.WriteAsync(message);
    }
}

static async Task<(NetworkStream Left, NetworkStream Right)> CreatePairAsync()
{
    var address = new UnixDomainSocketEndPoint($"\0ping-pong-{Environment.ProcessId}"); // In no folder: Linux's abstract names.
    using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    listener.Bind(address);
    listener.Listen(1);
    var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    await left.ConnectAsync(address);
    return (new NetworkStream(left, ownsSocket: true), new NetworkStream(await listener.AcceptAsync(), ownsSocket: true));
}

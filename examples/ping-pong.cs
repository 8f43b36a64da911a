#:project ../src/RingCore
// Two tasks and a pair of connected sockets: dotnet run examples/ping-pong.cs [rounds]. Each waits for the other's number and sends
// the next; one thread runs both. At the end: how many enters (system calls) a round took.

using System.Buffers.Binary;
using System.Diagnostics;
using RingCore;

if (!int.TryParse(args.FirstOrDefault("100000"), out int rounds) || rounds < 1)
{
    Console.Error.WriteLine("usage: ping-pong [rounds]");
    return 2;
}

try
{
    RingExecutor.Run(async () =>
    {
        (RingConnection left, RingConnection right) = RingConnection.CreatePair();
        using (left)
        {
            RingCounters before = RingExecutor.Current!.Counters;
            RingTask pong = Pong(right);
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
            RingCounters used = RingExecutor.Current!.Counters - before;
            Console.WriteLine($"{rounds} rounds, each number came back as the next: {time / rounds:F2} µs per round");
            Console.WriteLine($"{(double)used.Enters / rounds:F2} enters per round for {(double)used.Sqes / rounds:F2} requests");
        }
    });
    return 0;
}
catch (Exception e) when (e is IOException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is IOException ? 1 : 3; // 1: standard output takes no more, for instance.
}

async RingTask Pong(RingConnection connection)
{
    using RingConnection owned = connection;
    var message = new byte[sizeof(int)];
    for (int i = 0; i < rounds; i++)
    {
        await connection.ReadExactlyAsync(message);
        BinaryPrimitives.WriteInt32LittleEndian(message, BinaryPrimitives.ReadInt32LittleEndian(message) + 1);
        await connection.WriteAsync(message);
    }
}

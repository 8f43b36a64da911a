#:project ../src/RingCore
// Two tasks and a pair of connected sockets: dotnet run examples/ping-pong.cs [round trips]. Each waits for the other's number and
// sends the next; one thread runs both.

using System.Buffers.Binary;
using System.Diagnostics;
using RingCore;

if (args.Length > 1 || !int.TryParse(args.FirstOrDefault("100000"), out int rounds) || rounds < 1)
{
    Console.Error.WriteLine("usage: ping-pong [round trips]");
    return 2;
}

try
{
    RingExecutor.Run(async () =>
    {
        (RingConnection left, RingConnection right) = RingConnection.CreatePair();
        using (left)
        {
            RingExecutor executor = RingExecutor.Current!;
            RingCounters before = executor.Counters;
            long started = Stopwatch.GetTimestamp();
            RingTask pong = RingExecutor.Spawn(() => Pong(right, rounds));
            await Ping(left, rounds);
            await pong;
            TimeSpan time = Stopwatch.GetElapsedTime(started);
            RingCounters used = executor.Counters - before;
            Console.WriteLine($"{rounds} round trips, every number as expected");
            Console.WriteLine($"{time.TotalMicroseconds / rounds:F2} µs each, {rounds / time.TotalSeconds:F0} /s");
            Console.WriteLine($"per round trip {(double)used.Sqes / rounds:F1} SQEs in {(double)used.Enters / rounds:F1} enters");
        }
    });
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

return 0;

static async RingTask Ping(RingConnection connection, int rounds)
{
    var message = new byte[sizeof(int)];
    for (int i = 0; i < rounds; i++)
    {
        BinaryPrimitives.WriteInt32LittleEndian(message, 2 * i);
        await connection.WriteAsync(message);
        await connection.ReadExactlyAsync(message);
        if (BinaryPrimitives.ReadInt32LittleEndian(message) != 2 * i + 1)
            throw new InvalidDataException($"round trip {i} brought another number back");
    }
}

static async RingTask Pong(RingConnection connection, int rounds)
{
    using RingConnection owned = connection;
    var message = new byte[sizeof(int)];
    for (int i = 0; i < rounds; i++)
    {
        await connection.ReadExactlyAsync(message); // A stream has no messages: they may come in pieces.
        BinaryPrimitives.WriteInt32LittleEndian(message, BinaryPrimitives.ReadInt32LittleEndian(message) + 1);
        await connection.WriteAsync(message);
    }
}

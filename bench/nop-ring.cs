// RingCore's side of bench/nop.cs: requests that do nothing, through the Ring layer or awaited as Op.Nop() in tasks.
// usage: dotnet run bench/nop-ring.cs [-- layer=ring|op batch=32 seconds=2]; prints `ops_per_second N`, after eight seconds of warm-up.
#:project ../src/RingCore
#:property AllowUnsafeBlocks=true
#:property PublishAot=false

using System.Diagnostics;
using RingCore;
using RingCore.Sys;

Dictionary<string, string> options = args.Select(arg => arg.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[^1]);
int batch = int.Parse(options.GetValueOrDefault("batch", "32"));
var time = TimeSpan.FromSeconds(double.Parse(options.GetValueOrDefault("seconds", "2")));
var warmUp = TimeSpan.FromSeconds(8); // A loop that never sleeps shares its one core with the JIT: after 3 s the last tier was not always there.
switch (options.GetValueOrDefault("layer", "op"))
{
    case "ring":
        using (var ring = new Ring())
        {
            OnRing(ring, batch, warmUp);
            Console.WriteLine($"ops_per_second {OnRing(ring, batch, time):F0}");
        }

        return 0;
    case "op":
        Console.WriteLine($"ops_per_second {RingExecutor.Run(async () =>
        {
            await new Awaits().MeasureAsync(batch, warmUp);
            return await new Awaits().MeasureAsync(batch, time);
        }):F0}");
        return 0;
    default:
        Console.Error.WriteLine("usage: nop-ring [layer=ring|op] [batch=32] [seconds=2]");
        return 2;
}

// Fill a batch, enter once for all of it, take its completions.
static unsafe double OnRing(Ring ring, int batch, TimeSpan time)
{
    long done = 0;
    long started = Stopwatch.GetTimestamp();
    TimeSpan elapsed;
    do
    {
        for (int round = 0; round < 256; round++)
        {
            for (int i = 0; i < batch; i++)
            {
                io_uring_sqe* sqe = ring.TryGetSqe();
                sqe->opcode = io_uring_op.IORING_OP_NOP;
                sqe->user_data = (ulong)i;
            }

            uint seen = 0;
            ring.Enter(minComplete: (uint)batch);
            while (seen < batch)
            {
                uint ready = ring.Ready;
                for (uint i = 0; i < ready; i++)
                {
                    if (ring.CqeAt(i).res != 0)
                        throw new InvalidOperationException("A NOP failed.");
                }

                ring.Advance(ready);
                seen += ready;
                if (seen < batch)
                    ring.Enter(minComplete: 1); // Cut short by a signal of the runtime's.
            }

            done += batch;
        }

        elapsed = Stopwatch.GetElapsedTime(started);
    }
    while (elapsed < time);
    return done / elapsed.TotalSeconds;
}

internal sealed class Awaits
{
    private bool _stop;
    private long _done;

    public async RingTask<double> MeasureAsync(int tasks, TimeSpan time)
    {
        long started = Stopwatch.GetTimestamp();
        var running = new RingTask[tasks];
        for (int i = 0; i < tasks; i++)
            running[i] = RingExecutor.Spawn(Loop);
        await RingExecutor.Delay(time);
        _stop = true;
        foreach (RingTask task in running)
            await task;
        return _done / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private async RingTask Loop()
    {
        while (!_stop)
        {
            await Op.Nop();
            _done++;
        }
    }
}

#:project ../src/RingCore
// Timers: dotnet run examples/timer.cs. Three tasks sleep at once on one thread, a fourth changes its mind. A delay is not a kernel
// request: the earliest deadline bounds the enter's wait, so sleeping costs an enter per deadline and no SQE.

using System.Diagnostics;
using RingCore;

try
{
    RingExecutor.Run(async () =>
    {
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(1)); // The executor's own first request leaves with the first enter.
        int thread = Environment.CurrentManagedThreadId;
        RingExecutor executor = RingExecutor.Current!;
        RingCounters before = executor.Counters;
        long started = Stopwatch.GetTimestamp();
        using var stop = new CancellationTokenSource();
        RingTask<string> cancelled = RingExecutor.Spawn(() => Cancelled(stop.Token));
        RingTask[] sleepers =
        [
            RingExecutor.Spawn(() => Sleep("third", TimeSpan.FromMilliseconds(300))),
            RingExecutor.Spawn(() => Sleep("first", TimeSpan.FromMilliseconds(100))),
            RingExecutor.Spawn(() => Sleep("second", TimeSpan.FromMilliseconds(200))),
        ];
        await Task.WhenAll(sleepers.Select(sleeper => sleeper.AsTask())); // Of several faults none is left unseen.
        TimeSpan time = Stopwatch.GetElapsedTime(started);
        stop.Cancel();
        Console.WriteLine(await cancelled);

        RingCounters used = executor.Counters - before;
        bool together = time >= TimeSpan.FromMilliseconds(300) && time < TimeSpan.FromMilliseconds(600);
        Console.WriteLine($"all slept at once ({time.TotalMilliseconds:F1} ms, not 600): {(together ? "yes" : "no")}");
        Console.WriteLine($"on one thread: {(thread == Environment.CurrentManagedThreadId ? "yes" : "no")}");
        Console.WriteLine($"SQEs: {used.Sqes}");
    });
}
catch (Exception e) when (e is IOException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is IOException ? 1 : 3; // 1: standard output takes no more, for instance.
}

return 0;

static async RingTask Sleep(string name, TimeSpan time)
{
    long started = Stopwatch.GetTimestamp();
    await RingExecutor.Delay(time);
    TimeSpan late = Stopwatch.GetElapsedTime(started) - time;
    Console.WriteLine($"{name} after {time.TotalMilliseconds} ms, {late.TotalMilliseconds:F3} ms late{(late < TimeSpan.Zero ? ": that is early!" : "")}");
}

static async RingTask<string> Cancelled(CancellationToken token)
{
    try
    {
        await RingExecutor.Delay(TimeSpan.FromHours(1), token);
        return "an hour has passed";
    }
    catch (OperationCanceledException)
    {
        return "the hour was called off";
    }
}

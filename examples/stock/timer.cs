// Timers: dotnet run examples/stock/timer.cs. Three tasks sleep at once, a fourth changes its mind. Each delay is a timer of its own
// in a queue of the runtime's timer thread, and goes on on the thread pool. The twin of examples/timer.cs on Task.Delay.

using System.Diagnostics;

long started = Stopwatch.GetTimestamp();
using var stop = new CancellationTokenSource();
Task cancelled = Cancelled(stop.Token);
await Task.WhenAll(
    Sleep("third", TimeSpan.FromMilliseconds(300)),
    Sleep("first", TimeSpan.FromMilliseconds(100)),
    Sleep("second", TimeSpan.FromMilliseconds(200)));
TimeSpan time = Stopwatch.GetElapsedTime(started);
await stop.CancelAsync();
await cancelled;

bool together = time >= TimeSpan.FromMilliseconds(300) && time < TimeSpan.FromMilliseconds(600);
Console.WriteLine($"all slept at once ({time.TotalMilliseconds:F1} ms, not 600): {(together ? "yes" : "no")}");

static async Task Sleep(string name, TimeSpan time)
{
    long started = Stopwatch.GetTimestamp();
    await Task.Delay(time);
    TimeSpan late = Stopwatch.GetElapsedTime(started) - time;
    Console.WriteLine($"{name} after {time.TotalMilliseconds} ms, {late.TotalMilliseconds:F3} ms late{(late < TimeSpan.Zero ? ": that is early!" : "")}");
}

static async Task Cancelled(CancellationToken token)
{
    try
    {
        await Task.Delay(TimeSpan.FromHours(1), token);
        Console.WriteLine("an hour has passed");
    }
    catch (OperationCanceledException)
    {
        Console.WriteLine("the hour was called off");
    }
}

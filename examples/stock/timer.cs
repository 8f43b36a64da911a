// Timers: dotnet run examples/stock/timer.cs. Three tasks sleep at once, a fourth changes its mind. Each delay is a timer of its own
// in a queue of the runtime's timer thread, whose clock is coarse (a delay may end a little early), and goes on on the thread pool.
// The twin of examples/timer.cs on Task.Delay.

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
    TimeSpan slept = Stopwatch.GetElapsedTime(started);
    Console.WriteLine($"{name} after {time.TotalMilliseconds} ms, to be exact {slept.TotalMilliseconds:F3} ms");
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

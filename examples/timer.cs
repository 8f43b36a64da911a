#:project ../src/RingCore
// Timers: dotnet run examples/timer.cs. Three delays started together, in the wrong order; they end in the order of their deadlines.
// A delay is no kernel request: it stands in a heap, and the next deadline is what the enter waits for at most.

using System.Diagnostics;
using RingCore;

try
{
    RingExecutor.Run(async () =>
    {
        long started = Stopwatch.GetTimestamp();
        RingTask[] timers = [RingExecutor.Spawn(() => Ring(300)), RingExecutor.Spawn(() => Ring(100)), RingExecutor.Spawn(() => Ring(200))];
        foreach (RingTask timer in timers)
            await timer;
        RingCounters counters = RingExecutor.Current!.Counters;
        Console.WriteLine($"requests for three timers: {counters.Sqes - 1}"); // One more is the executor's own, for wake-ups by other threads.

        async RingTask Ring(int milliseconds)
        {
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(milliseconds));
            double late = Stopwatch.GetElapsedTime(started).TotalMilliseconds - milliseconds;
            Console.WriteLine($"{milliseconds} timer fired, {late:F2} ms late");
            if (late < 0)
                throw new InvalidOperationException("a timer fired too early");
        }
    });
    return 0;
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

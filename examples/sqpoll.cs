#:project ../src/RingCore
// A kernel thread that takes submissions: dotnet run examples/sqpoll.cs. Needs no privilege since Linux 5.11.
// Notice: with the poller awake thousands of requests reach the kernel without a call; asleep, one call wakes it; at the end it is gone.

#pragma warning disable RING001 // The ring itself, below RingExecutor: experimental (docs/experimental.md).
using RingCore;

try
{
    RingExecutor.Run(Measure);
    RingExecutor.Run(Measure, new RingOptions { SqPoll = TimeSpan.FromMilliseconds(50) }); // Sleeps after 50 ms without work.
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

for (int tries = 0; Pollers() > 0 && tries < 100; tries++)
    await Task.Delay(20); // The kernel ends the thread a moment after the ring is closed.
Console.WriteLine($"after the end: {Pollers()} poller threads");
return 0;

static async RingTask Measure()
{
    RingExecutor executor = RingExecutor.Current!;
    Console.WriteLine($"poller: {(executor.Ring.IsPolled ? "yes" : "no")} {string.Concat(executor.Ring.Dropped.Select(refused => $"({refused} refused)"))}");
    RingCounters before = executor.Counters;
    var workers = new List<RingTask>();
    for (int i = 0; i < 100; i++)
        workers.Add(RingExecutor.Spawn(Work));
    foreach (RingTask worker in workers)
        await worker;
    RingCounters busy = executor.Counters - before;
    Console.WriteLine(FormattableString.Invariant($"  busy: {busy.Sqes:N0} SQEs, {(double)busy.Sqes / Math.Max(1, busy.Enters):F1} of them for each enter, {Pollers()} poller threads"));

    await RingExecutor.Delay(TimeSpan.FromMilliseconds(200)); // Long enough for the poller to fall asleep.
    before = executor.Counters;
    await Op.Nop();
    RingCounters woken = executor.Counters - before;
    Console.WriteLine($"  after a pause: {(woken.Enters > 0 ? "an enter for one request" : "no enter for it")}");
}

static async RingTask Work()
{
    for (int i = 0; i < 100; i++)
        await Op.Nop();
}

// The kernel names these threads iou-sqp-PID and shows them among the process's own.
static int Pollers() => Directory.GetDirectories("/proc/self/task").Count(thread =>
{
    try
    {
        return File.ReadAllText($"{thread}/comm").StartsWith("iou-sqp", StringComparison.Ordinal);
    }
    catch (IOException)
    {
        return false; // It has ended meanwhile.
    }
});

#:project ../src/RingCore
// A kernel thread that takes submissions: dotnet run examples/sqpoll.cs. Needs no privilege since Linux 5.11.
// Notice: with the poller awake thousands of requests reach the kernel with hardly a call; asleep, one call wakes it; at the end it is gone.

#pragma warning disable RING001 // The ring itself, below RingExecutor: experimental (docs/experimental.md).
using RingCore;

try
{
    RingExecutor.Run(Measure);
    RingExecutor.Run(Measure, new RingOptions { SqPoll = TimeSpan.FromMilliseconds(50) }); // Sleeps after 50 ms without work.
}
catch (Exception e) when (e is IOException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is IOException ? 1 : 3; // 1: standard output takes no more, for instance.
}

for (int tries = 0; Pollers() > 0 && tries < 100; tries++)
    await Task.Delay(20); // The kernel ends the thread a moment after the ring is closed.
Console.WriteLine($"after the end: {Pollers()} poller threads");
return 0;

static async RingTask Measure()
{
    RingExecutor executor = RingExecutor.Current!;
    Console.WriteLine($"poller: {(executor.Ring.IsPolled ? "yes" : "no")} {string.Concat(executor.Ring.Dropped.Select(refused => $"({refused} refused)"))}");
    await Op.Nop(); // The poller is awake.
    RingCounters before = executor.Counters;
    var workers = new List<RingTask>();
    for (int i = 0; i < 100; i++)
        workers.Add(RingExecutor.Spawn(Work));
    while (!workers.All(worker => worker.IsCompleted))
        await RingExecutor.Yield(); // To sleep until something is done would be an enter, poller or not.
    RingCounters busy = executor.Counters - before;
    string enters = busy.Enters * 1000 < busy.Sqes ? "hardly an enter" : "one for a few hundred at most"; // 0 to 2 with a poller, 100 and more without.
    Console.WriteLine(FormattableString.Invariant($"  busy: {busy.Sqes:N0} SQEs, {(double)busy.Enters:F1} enters ({enters}), {Pollers()} poller threads"));

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

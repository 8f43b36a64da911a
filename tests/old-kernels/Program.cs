// Old kernels: runs named checks of RingCore on the kernel it finds itself on, once per way the ring can be set up there. Started as
// process 1 it sets the machine up first and switches it off at the end. A check that hangs is reported by its name and abandoned.
// The checks are in LoopChecks.cs, FileChecks.cs and SocketChecks.cs. run.sh boots kernels with it.

using System.Diagnostics;
using RingCore;

namespace KernelCheck;

/// <summary>A check: what it is called, how its ring is set up, what it does on the ring.</summary>
internal sealed record Check(string Name, Func<RingTask> Body)
{
    /// <summary>Changes to the options of the set-up that is being checked.</summary>
    internal Func<RingOptions, RingOptions> Options { get; init; } = options => options;

    /// <summary>Done on the main thread instead, with an executor of its own making.</summary>
    internal Action<RingOptions>? OnMainThread { get; init; }
}

internal static class Program
{
    private static readonly TimeSpan s_mostTime = TimeSpan.FromSeconds(30);
    private static int s_passed;
    private static int s_failed;

    private static int Main()
    {
        try
        {
            if (Machine.IsOurs)
                Machine.SetUp();
            RunAll();
        }
        catch (Exception e)
        {
            s_failed++;
            Console.WriteLine($"FAILED  {e}");
        }

        Console.WriteLine($"{s_passed} passed, {s_failed} failed");
        if (Machine.IsOurs)
            Machine.PowerOff();
        return s_failed == 0 ? 0 : 1;
    }

    private static void RunAll()
    {
        RingCapabilities report = RingCapabilities.Probe();
        Console.WriteLine(report);
        if (!report.IsAvailable)
            throw new InvalidOperationException("io_uring is not available");

        // The kernel's best, then ever less: on a new kernel the older ways are still worth a look, and each is taken by some kernel.
        var seen = new HashSet<RingFeatures>();
        foreach (RingFeatures without in (RingFeatures[])
        [
            RingFeatures.None,
            RingFeatures.DeferTaskrun | RingFeatures.NoSqArray,
            RingFeatures.DeferTaskrun | RingFeatures.SingleIssuer | RingFeatures.CoopTaskrun | RingFeatures.BufferRings,
            ~RingFeatures.Linux510,
        ])
        {
            var options = new RingOptions { Without = without };
            RingFeatures features = RingCapabilities.Probe(options).Features;
            if (!seen.Add(features))
                continue;
            Console.WriteLine($"== {features}");
            foreach (Check check in (Check[])[.. LoopChecks.All, .. FileChecks.All, .. SocketChecks.All])
                Run(check, check.Options(options));
        }
    }

    private static void Run(Check check, RingOptions options)
    {
        Console.WriteLine($"        {check.Name} …"); // Before it starts: should the machine itself hang, the last line says where.
        int fds = Machine.CountFds();
        int leaked = RingExecutor.LeakedOps;
        long start = Stopwatch.GetTimestamp();
        try
        {
            if (check.OnMainThread is { } onMainThread)
                InTime(Task.Factory.StartNew(() => onMainThread(options), TaskCreationOptions.LongRunning), "it");
            else
                RunOnRing(check, options);
            Expect.Equal(leaked, RingExecutor.LeakedOps, "ops leaked");
            Expect.Equal(fds, Machine.CountFds(), "fds open at the end");
            s_passed++;
            Console.WriteLine($"ok      {check.Name} ({Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms)");
        }
        catch (Exception e)
        {
            s_failed++;
            Console.WriteLine($"FAILED  {check.Name}: {(e as AggregateException)?.InnerException ?? e}");
        }
    }

    private static void RunOnRing(Check check, RingOptions options)
    {
        RingExecutor executor = RingExecutor.Start(options);
        RingCounters counters = default;
        InTime(executor.InvokeAsync(async () =>
        {
            await check.Body();

            // Cancels that are still under way may outlive the check by a turn.
            for (int turns = 0; executor.Counters.InFlight > 0 && turns < 50; turns++)
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            counters = executor.Counters;
            if (executor.InFlight() is { Count: > 0 } left)
                throw new InvalidOperationException($"still with the kernel: {string.Join("; ", left)}");
        }), "its body");
        InTime(executor.DisposeAsync().AsTask(), "its executor's end");
        Expect.Equal(0, counters.StaleCqes, "stale CQEs");
        Expect.Equal(0, counters.LeasesOut, "leases out");
    }

    private static void InTime(Task task, string what)
    {
        if (Task.WhenAny(task, Task.Delay(s_mostTime)).GetAwaiter().GetResult() != task)
            throw new TimeoutException($"{what} HANGS: not over after {s_mostTime.TotalSeconds} s");
        task.GetAwaiter().GetResult();
    }
}

/// <summary>What a check may demand.</summary>
internal static class Expect
{
    internal static void That(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException($"not so: {what}");
    }

    internal static void Equal(long expected, long actual, string what)
    {
        if (expected != actual)
            throw new InvalidOperationException($"{what}: {actual} instead of {expected}");
    }

    /// <summary>The exception that work ends with.</summary>
    internal static async RingTask<T> Throws<T>(Func<ValueTask> work)
        where T : Exception
    {
        try
        {
            await work();
        }
        catch (T e)
        {
            return e;
        }

        throw new InvalidOperationException($"no {typeof(T).Name}");
    }
}

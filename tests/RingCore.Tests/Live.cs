// Tests: what every test against the real kernel shares: the skip where io_uring is refused, an executor on a thread of its own
// with a bound on hanging, and the look afterwards that nothing is left behind. It knows nothing of any single test.
//
// Classes that look at what belongs to the whole process (open fds, LeakedOps, standard error) join the collection "Alone".

using System.Runtime.ExceptionServices;
using RingCore.Sys;

namespace RingCore.Tests;

/// <summary>For classes that look at what belongs to the whole process: nothing runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Runs code on a real ring.</summary>
internal static class Live
{
    private static readonly Lazy<RingCapabilities> s_probe = new(() => RingCapabilities.Probe());

    /// <summary>How long a test may take before it counts as hung.</summary>
    internal static readonly TimeSpan HangTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Skips the test, with the reason, where no ring can be had.</summary>
    internal static void RequireIoUring() => Assert.SkipUnless(s_probe.Value.IsAvailable, s_probe.Value.Problem);

    /// <summary>Skips the test where the kernel lacks a feature that is the test's subject.</summary>
    internal static void RequireFeature(RingFeatures feature)
    {
        RequireIoUring();
        Assert.SkipUnless(s_probe.Value.Features.HasFlag(feature), $"this kernel has no {feature}");
    }

    /// <summary>
    /// RingExecutor.Run on a thread of its own; a hang fails the test. At the end no op is in flight, no lease is out and no op was
    /// leaked; with <paramref name="settled"/> the first two hold before shutdown has cancelled anything, too.
    /// </summary>
    /// <returns>The counters after shutdown.</returns>
    internal static RingCounters Run(Func<RingTask> main, RingOptions? options = null, bool settled = true, TimeSpan? timeout = null)
    {
        RequireIoUring();
        RingExecutor? executor = null;
        OnThread(
            () => RingExecutor.Run(async () =>
            {
                executor = RingExecutor.Current!;
                await main();
                if (settled)
                    await SettledAsync();
            }, options), timeout, () => executor);
        RingCounters counters = executor!.Counters;
        Assert.Equal(0, counters.InFlight);
        Assert.Equal(0, counters.LeasesOut);
        Assert.Equal(0, counters.StaleCqes);
        Assert.Equal(0, executor.Driver.Outstanding); // Of this executor; LeakedOps is the whole process's.
        return counters;
    }

    /// <summary>As <see cref="Run(Func{RingTask}, RingOptions?, bool, TimeSpan?)"/>, with a result.</summary>
    internal static T Run<T>(Func<RingTask<T>> main, RingOptions? options = null, bool settled = true, TimeSpan? timeout = null)
    {
        T result = default!;
        Run(async () =>
        {
            result = await main();
        }, options, settled, timeout);
        return result;
    }

    /// <summary>Waits until nothing is in flight and no lease is out: what was disposed needs a turn or two to end.</summary>
    internal static async RingTask SettledAsync()
    {
        RingExecutor executor = RingExecutor.Current!;
        for (int tries = 0; InFlight().Count > 0 || executor.Counters.LeasesOut > 0; tries++)
        {
            if (tries == 2000)
                Assert.Fail($"still in flight: {string.Join("; ", InFlight())}; leases out: {string.Join("; ", executor.LeasesOut())}");
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
        }
    }

    /// <summary>Ops in flight, without the timeout that bounds waits where the enter cannot.</summary>
    internal static List<OpInfo> InFlight() => [.. RingExecutor.Current!.InFlight().Where(op => op.Task != "timers")];

    /// <summary>Runs code on a new thread without the caller's context; its exception comes back, a hang fails.</summary>
    internal static void OnThread(Action action, TimeSpan? timeout = null, Func<RingExecutor?>? executor = null)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = "live" };
        thread.UnsafeStart();
        if (!thread.Join(timeout ?? HangTimeout))
            Assert.Fail($"hung; counters: in flight {executor?.Invoke()?.Counters.InFlight}, enters {executor?.Invoke()?.Counters.Enters}");
        failure?.Throw();
    }

    /// <summary>Awaits something from outside the ring; a hang fails.</summary>
    internal static Task Bounded(Task task) => task.WaitAsync(HangTimeout);

    /// <inheritdoc cref="Bounded(Task)"/>
    internal static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(HangTimeout);

    /// <summary>Two connected Unix stream sockets, on the current executor.</summary>
    internal static (RingConnection Left, RingConnection Right) Pair()
    {
        (int left, int right) = RawPair();
        return (RingConnection.Adopt(left), RingConnection.Adopt(right));
    }

    /// <summary>Two connected Unix stream sockets, as numbers.</summary>
    internal static unsafe (int Left, int Right) RawPair()
    {
        int* pair = stackalloc int[2];
        Assert.Equal(0, Libc.socketpair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM | SocketConstants.SOCK_CLOEXEC, 0, pair));
        return (pair[0], pair[1]);
    }

    /// <summary>Open fds of this process, but for the one that counts them.</summary>
    internal static int FdCount() => Directory.GetFiles("/proc/self/fd").Length - 1;

    /// <summary>Whether an fd number is open.</summary>
    internal static bool IsOpen(int fd) => Libc.fcntl(fd, FileConstants.F_GETFD, 0) >= 0;
}

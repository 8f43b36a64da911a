// Tests: Executor. The end is bounded, whatever tasks and kernel do, and leaves nothing behind; what the kernel will not give back
// in time is leaked on purpose and reported. "The kernel will not" is played by a seam that spoils every cancel request.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Executor;

[Collection(nameof(Alone))]
public sealed class ShutdownTests
{
    [Theory]
    [InlineData(RingFeatures.None)]
    [InlineData(RingFeatures.ExtArg)]
    [InlineData(~RingFeatures.Linux510)]
    public void OpsInFlight_AreCancelledAndDrained_WellWithinTheBound(RingFeatures without)
    {
        var ended = new List<string>();
        long start = Environment.TickCount64;
        Live.Run(async () =>
        {
            (int a, int b) = Live.RawPair();
            RingConnection left = RingConnection.Adopt(a), right = RingConnection.Adopt(b);
            RingListener listener = RingListener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
            Keep("read", async () => await left.ReadAsync(new byte[10]));
            Keep("lease", async () => await right.ReadLeaseAsync());
            Keep("accept", async () => await listener.AcceptAsync());
            Keep("delay", async () => await RingExecutor.Delay(TimeSpan.FromHours(1)));
            Keep("timeout", async () =>
            {
                if ((await Op.Timeout(TimeSpan.FromHours(1))).Errno == Errno.ECANCELED)
                    throw new OperationCanceledException();
            });
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1)); // They are with the kernel now.

            void Keep(string name, Func<Task> work) => _ = RingExecutor.Spawn(async () =>
            {
                try
                {
                    await work();
                }
                catch (OperationCanceledException)
                {
                    ended.Add(name);
                }
            });
        }, new RingOptions { Without = without, ShutdownTimeout = TimeSpan.FromSeconds(20) }, settled: false);
        Assert.Equal(["accept", "delay", "lease", "read", "timeout"], ended.Order());
        Assert.True(Environment.TickCount64 - start < 15_000, "shutdown waited for its bound instead of the kernel");
    }

    [Fact]
    public void TaskThatSpinsForEver_IsLeftBehindAtTheBound()
    {
        int spins = 0;
        using var errors = new StandardError();
        Live.Run(async () =>
        {
            _ = RingExecutor.Spawn(async () =>
            {
                while (true)
                {
                    spins++;
                    await RingExecutor.Yield();
                }
            });
            await RingExecutor.Yield();
        }, new RingOptions { ShutdownTimeout = TimeSpan.FromMilliseconds(100) });
        Assert.True(spins > 1);
        Assert.Contains(nameof(TaskThatSpinsForEver_IsLeftBehindAtTheBound), errors.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void TaskThatStartsOpsForEver_GetsRefusals_AndIsLeftBehindAtTheBound()
    {
        int refused = 0;
        using var errors = new StandardError();
        Live.Run(async () =>
        {
            _ = RingExecutor.Spawn(async () =>
            {
                while (true)
                {
                    if ((await Op.Nop()).Errno == Errno.ECANCELED)
                        refused++;
                    await RingExecutor.Yield();
                }
            });
            await RingExecutor.Yield();
        }, new RingOptions { ShutdownTimeout = TimeSpan.FromMilliseconds(100) });
        Assert.True(refused > 0);
    }

    [Fact]
    public void CleanupAfterCancellation_StillRuns_TimersAndPostsIncluded()
    {
        string log = "";
        Live.Run(async () =>
        {
            _ = RingExecutor.Spawn(async () =>
            {
                try
                {
                    await RingExecutor.Delay(TimeSpan.FromHours(1));
                }
                catch (OperationCanceledException)
                {
                    await RingExecutor.Yield();
                    log = "cleaned up";
                }
            });
            await RingExecutor.Yield();
        });
        Assert.Equal("cleaned up", log);
    }

    [Fact]
    public void OpTheKernelWillNotCancel_IsLeakedAtTheBoundAndReported()
    {
        Live.RequireIoUring();
        int leaked = RingExecutor.LeakedOps;
        (int a, int b) = Live.RawPair();
        using var errors = new StandardError();
        try
        {
            Live.OnThread(() =>
            {
                using TamperedKernel kernel = TamperedKernel.Install(static sqe =>
                {
                    unsafe
                    {
                        if (sqe.Value->opcode == io_uring_op.IORING_OP_ASYNC_CANCEL)
                            sqe.Value->addr = 0xDEAD_0000_0000; // Names nobody.
                    }
                });
                RingExecutor.Run(async () =>
                {
                    RingConnection stuck = RingConnection.Adopt(a);
                    _ = RingExecutor.Spawn(async () => await stuck.ReadAsync(new byte[10]));
                    await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                }, new RingOptions { Kernel = TamperedKernel.Kernel, Name = "stuck", ShutdownTimeout = TimeSpan.FromMilliseconds(100) });
            });
        }
        finally
        {
            Libc.close(b);
        }

        Assert.True(RingExecutor.LeakedOps > leaked);
        Assert.Contains("'stuck' stopped with", errors.Text, StringComparison.Ordinal);
        Assert.Contains("IORING_OP_RECV", errors.Text, StringComparison.Ordinal);
        Assert.Contains("leaked on purpose", errors.Text, StringComparison.Ordinal);
        Libc.close(a); // Leaked with its op; the ring is gone and has let go of it.
    }

    [Fact]
    public async Task FiftyExecutors_LeaveNoFdAndNoMapping()
    {
        Live.RequireIoUring();
        await UseOne(); // Whatever the first one loads.
        int fds = Live.FdCount(), mappings = Mappings();
        for (int i = 0; i < 50; i++)
            await UseOne();
        Assert.True(Live.FdCount() <= fds, $"{fds} fds before, {Live.FdCount()} after"); // Fewer: finalizers of earlier tests.
        Assert.True(Mappings() <= mappings, $"{mappings} mappings before, {Mappings()} after");

        static int Mappings() => File.ReadLines("/proc/self/maps").Count(line => line.Contains("io_uring", StringComparison.Ordinal));

        static async Task UseOne()
        {
            RingExecutor ring = RingExecutor.Start(new RingOptions { SqEntries = 8, CqEntries = 16 });
            await ring.InvokeAsync(async () =>
            {
                (RingConnection left, RingConnection right) = Live.Pair();
                await using (left)
                await using (right)
                {
                    await right.WriteAsync(new byte[1]);
                    using ReadLease lease = await left.ReadLeaseAsync();
                }
            });
            await ring.DisposeAsync();
        }
    }

    /// <summary>Shutdown fires every timer early: that deadline has not passed.</summary>
    [Fact]
    public void ConnectWithADeadline_IsCancelled_NotTimedOut()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_CONNECT);
        Exception? failure = null;
        kernel.Run(async () =>
        {
            _ = RingExecutor.Spawn(async () => failure = await Caught.By(RingConnection.ConnectAsync(
                new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1), TimeSpan.FromMinutes(1))));
            await Op.Nop();
        });
        Assert.IsType<OperationCanceledException>(failure);
    }
}

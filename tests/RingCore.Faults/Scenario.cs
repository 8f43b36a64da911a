// Fault tests: what one public call meets: a fake kernel, two connections, and what may be left after the
// call has failed: nothing.

using System.Net;
using RingCore.Tests.Fakes;

namespace RingCore.Faults;

/// <summary>What a scenario runs in.</summary>
internal sealed class World(FakeKernel kernel, CancellationToken token)
{
    internal readonly FakeKernel Kernel = kernel;
    internal readonly CancellationToken Token = token;
    internal readonly RingExecutor Executor = RingExecutor.Current!;
    internal readonly RingConnection Connection = RingConnection.Adopt(kernel.NewFd());
    internal readonly RingConnection Other = RingConnection.Adopt(kernel.NewFd());
    internal readonly HookedMemory[] Memories = [new("first."), new("second"), new("third.")];

    internal Memory<byte> First => Memories[0].Memory;

    internal Memory<byte> Second => Memories[1].Memory;

    internal Memory<byte> Third => Memories[2].Memory;

    internal static IPEndPoint AnyPort => new(IPAddress.Loopback, 0);

    internal static IPEndPoint Loopback => new(IPAddress.Loopback, 1);
}

/// <summary>One public call, or a few that belong together.</summary>
/// <param name="Name">For the test's name.</param>
/// <param name="Script">What the kernel does.</param>
/// <param name="Call">The call; throws when it fails.</param>
internal sealed record Scenario(string Name, Action<FakeKernel> Script, Func<World, RingTask> Call)
{
    internal Func<FakeKernel> Kernel { get; init; } = () => new FakeKernel();

    internal static RingOptions Options { get; } =
        new() { SqEntries = 8, CqEntries = 16, LeaseBufferCount = 4, LeaseBufferSize = 64 };

    /// <summary>Runs it with the n-th allocation failing. False: it needs fewer.</summary>
    internal bool RunFailing(int n, bool withToken, bool warm)
    {
        HashSet<int> descriptors = Descriptors();
        using FakeKernel kernel = Kernel();
        Script(kernel);
        using var source = new CancellationTokenSource();
        bool failed = false;
        try
        {
            CancellationToken token = withToken ? source.Token : default;
            kernel.Run(async () => failed = await Body(kernel, n, token, warm), Options);
            AssertClosed(descriptors);
        }
        catch (Exception e)
        {
            string site = Rewriter.Describe(AllocationHook.FailedSite);
            string way = (withToken ? ", token" : "") + (warm ? ", warm" : "");
            Assert.Fail($"{Name}, allocation {n} ({site}){way}: {e}");
        }
        finally
        {
            AllocationHook.Disarm();
        }

        return failed;
    }

    private async RingTask<bool> Body(FakeKernel kernel, int n, CancellationToken token, bool warm)
    {
        await RingExecutor.Yield(); // This task's own box is there from here on.
        var world = new World(kernel, token);
        if (warm)
            await Call(world);
        Exception? error = null;
        AllocationHook.Arm(n);
        try
        {
            await Call(world);
        }
        catch (Exception e)
        {
            error = e;
        }

        AllocationHook.Disarm();
        bool failed = AllocationHook.FailedSite >= 0;
        if (failed)
            Assert.True(error is null || IsClear(error), $"not a clear exception: {error}");
        else
            Assert.Null(error);
        await SettleAsync(world);
        if (failed)
            await Call(world); // It must work when it has failed once for want of memory.
        await UseOther(world);
        await world.Connection.DisposeAsync();
        await world.Other.DisposeAsync();
        await SettleAsync(world);
        AssertNothingLeft(world);
        return failed;
    }

    /// <summary>It says that memory has run out, itself or as the cause.</summary>
    private static bool IsClear(Exception e) => e is OutOfMemoryException
        || e.Message.Contains("ENOMEM", StringComparison.Ordinal)
        || (e.InnerException is { } inner && IsClear(inner));

    private static async RingTask SettleAsync(World world)
    {
        for (int i = 0; i < 4; i++)
            await Op.Nop();

        // What a failed await has left behind is released when the GC finds it.
        for (int i = 0; i < 20 && !IsClean(world); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Op.Nop();
            await RingExecutor.Yield();
        }
    }

    private static bool IsClean(World world) => world.Executor.Counters.LeasesOut == 0
        // The ring, its eventfd, the two connections.
        && world.Kernel.OpenFds.Count <= (world.Connection.IsDisposed ? 2 : 4);

    /// <summary>The process's own: sockets and pipes that handles make without the ring.</summary>
    private static HashSet<int> Descriptors() =>
        [.. Directory.GetFileSystemEntries("/proc/self/fd").Select(path => int.Parse(Path.GetFileName(path), null))];

    private static bool IsSocketOrPipe(string target) => target.StartsWith("socket:", StringComparison.Ordinal)
        || target.StartsWith("pipe:", StringComparison.Ordinal);

    private static void AssertClosed(HashSet<int> before)
    {
        HashSet<int> left = [];
        for (int i = 0; i < 10; i++)
        {
            left = Descriptors();
            left.ExceptWith(before);
            left.RemoveWhere(static fd => !IsSocketOrPipe(new FileInfo($"/proc/self/fd/{fd}").LinkTarget ?? ""));
            if (left.Count == 0)
                return;
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Fail($"{left.Count} sockets or pipes were left open");
    }

    private static async RingTask UseOther(World world)
    {
        using var stop = new CancellationTokenSource();
        Memory<byte> memory = new byte[8];
        await world.Other.WriteAsync(memory, stop.Token);
        Assert.NotEqual(0, await world.Other.ReadAsync(memory, stop.Token));
        using ReadLease lease = await world.Other.ReadLeaseAsync(stop.Token);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(1), stop.Token);
    }

    private static void AssertNothingLeft(World world)
    {
        OpDriver driver = world.Executor.Driver;
        // The timers' op, where the kernel needs one, has to wait for the patience with an unobserved fault.
        Assert.Equal("", string.Join("; ", world.Executor.InFlight().Where(static op => op.Task != "timers")));
        Assert.Equal(0, driver.Pins.Out);
        foreach (HookedMemory memory in world.Memories)
            Assert.Equal(0, memory.Pins);
        Assert.Equal(0, world.Executor.Counters.LeasesOut);
        Assert.Equal(0, driver.Table.BlockBytes);
        Assert.Equal(0, world.Connection.InFlight);
    }
}

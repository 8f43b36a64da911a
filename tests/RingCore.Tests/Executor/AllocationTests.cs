// Tests: Executor. 0 bytes per await once warm, on the owner thread, counted by the garbage collector's own figure. Release only:
// a Debug build makes every state machine a class. Alone, because the finalizer's and others' work must not post to these rings.

namespace RingCore.Tests.Executor;

[Collection(nameof(Alone))]
public sealed class AllocationTests
{
    [Fact]
    public void AMillionEchoes_Allocate0Bytes()
    {
        RequireRelease();
        const int Clients = 20, Each = 50, Rounds = 1_000; // A million round trips.
        RingCounters counters = default;
        Live.Run(async () =>
        {
            (RingConnection Left, RingConnection Right)[] pairs = [.. Enumerable.Range(0, Clients).Select(_ => Live.Pair())];
            RingTask[] servers = [.. pairs.Select(pair => Serve(pair.Right))];
            byte[][] requests = [.. pairs.Select(_ => new byte[64])], replies = [.. pairs.Select(_ => new byte[64])];
            var clients = new RingTask[Clients];

            await UntilWarm(() => Round(Each));
            await UntilWarm(async () => Assert.True(await Measured(1) >= 0));
            RingCounters started = RingExecutor.Current!.Counters;
            long allocated = await Measured(Rounds);
            counters = RingExecutor.Current!.Counters - started;
            Assert.Equal(0, allocated);

            foreach ((RingConnection left, _) in pairs)
                left.Dispose();
            foreach (RingTask server in servers)
                await server;

            async RingTask<long> Measured(int rounds)
            {
                await RingExecutor.Yield(); // What the caller's await allocates, before its code is optimised, is not counted.
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < rounds; i++)
                    await Round(Each);
                return GC.GetAllocatedBytesForCurrentThread() - before;
            }

            async RingTask Round(int times)
            {
                for (int i = 0; i < Clients; i++)
                    clients[i] = Ask(pairs[i].Left, requests[i], replies[i], times);
                for (int i = 0; i < Clients; i++)
                    await clients[i];
            }
        }, timeout: TimeSpan.FromMinutes(2));
        Assert.True(counters.Cqes >= 4_000_000, $"a million round trips are four million transfers, not {counters.Cqes}");

        static async RingTask Serve(RingConnection connection)
        {
            using (connection)
            {
                while (true)
                {
                    using ReadLease lease = await connection.ReadLeaseAsync();
                    if (lease.IsEnd)
                        return;
                    await connection.WriteAsync(lease.Memory);
                }
            }
        }

        static async RingTask Ask(RingConnection connection, byte[] request, byte[] reply, int times)
        {
            for (int i = 0; i < times; i++)
            {
                await connection.WriteAsync(request);
                await connection.ReadExactlyAsync(reply);
            }
        }
    }

    [Fact]
    public void Nop_Allocates0Bytes() => Measure(async () => await Op.Nop());

    [Fact]
    public void StartedNop_Allocates0Bytes() => Measure(async () => await Op.Nop().Start(CancellationToken.None));

    [Fact]
    public void Delay_Allocates0Bytes() => Measure(async () => await RingExecutor.Delay(TimeSpan.Zero));

    [Fact]
    public void Yield_Allocates0Bytes() => Measure(async () => await RingExecutor.Yield());

    [Fact]
    public void CallOfAMethodThatSuspends_Allocates0Bytes() => Measure(async () => Assert.True(await Outer(3) == 4));

    [Fact]
    public void CallOfAMethodThatDoesNotSuspend_Allocates0Bytes() => Measure(async () => await Immediate());

    [Fact]
    public void CallThatThrowsNothingAndFlowsAnAsyncLocal_AllocatesNothingButTheContext()
    {
        // Setting an AsyncLocal allocates a context, in the base library. Awaiting with one set does not.
        var local = new AsyncLocal<int>();
        Measure(async () => await Op.Nop(), () => local.Value = 1);
    }

    [Fact]
    public void OpWithTimeout_Allocates0Bytes() => Measure(async () => await Op.Nop().WithTimeout(TimeSpan.FromSeconds(1)));

    [Fact]
    public void ChainMadeOnce_AllocatesItsResultsAlone()
    {
        OpChain chain = Op.Nop().Then(Op.Nop()).Then(Op.Nop());
        Measure(async () => await chain, bytes: 48); // An array of three results.
    }

    private static async RingTask Immediate() => await RingTask.CompletedTask;

    private static async RingTask<int> Outer(int value) => await Inner(value) + 1;

    private static async RingTask<int> Inner(int value)
    {
        await Op.Nop();
        return value;
    }

    private static void Measure(Func<RingTask> work, Action? before = null, long bytes = 0)
    {
        RequireRelease();
        Live.Run(async () =>
        {
            before?.Invoke();
            await UntilWarm(async () =>
            {
                for (int i = 0; i < 1_000; i++)
                    await work();
            }, 1_000 * bytes);
            await UntilWarm(async () => Assert.True(await Batch(10) >= 0), 10 * bytes);
            Assert.Equal(10_000 * bytes, await Batch(10_000));

            async RingTask<long> Batch(int times)
            {
                await RingExecutor.Yield(); // What the caller's await allocates, before its code is optimised, is not counted.
                long start = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < times; i++)
                    await work();
                return GC.GetAllocatedBytesForCurrentThread() - start;
            }
        });
    }

    /// <summary>Until the optimised code runs: before, the JIT's first version boxes awaiters. The bound makes code that always allocates fail.</summary>
    private static async RingTask UntilWarm(Func<RingTask> work, long bytes = 0)
    {
        long end = Environment.TickCount64 + 10_000;
        for (int quiet = 0; quiet < 50 && Environment.TickCount64 < end;)
        {
            long start = GC.GetAllocatedBytesForCurrentThread();
            await work();
            quiet = GC.GetAllocatedBytesForCurrentThread() == start + bytes ? quiet + 1 : 0;
        }
    }

    private static void RequireRelease()
    {
        Live.RequireIoUring();
        var debuggable = (System.Diagnostics.DebuggableAttribute?)Attribute.GetCustomAttribute(
            typeof(AllocationTests).Assembly, typeof(System.Diagnostics.DebuggableAttribute));
        Assert.SkipWhen(debuggable is { IsJITOptimizerDisabled: true }, "a Debug build's state machines are classes");
    }
}

// Tests: Executor. The ways in: what they hand back, what they refuse, and that none of them ever hangs: not while the executor
// stops and not afterwards.

namespace RingCore.Tests.Executor;

public sealed class EntryTests
{
    [Fact]
    public void Run_InsideRun_Throws()
    {
        Live.Run(async () =>
        {
            var e = Assert.Throws<InvalidOperationException>(() => RingExecutor.Run(async () => await RingExecutor.Yield()));
            Assert.Contains("already", e.Message, StringComparison.Ordinal);
            await RingExecutor.Yield();
        });
    }

    [Fact]
    public void Run_TwiceInARowOnOneThread_Works()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            for (int i = 0; i < 5; i++)
            {
                Assert.Equal(i, RingExecutor.Run(async () =>
                {
                    await Op.Nop();
                    await RingExecutor.Delay(TimeSpan.Zero);
                    return i;
                }));
                Assert.Null(RingExecutor.Current);
                Assert.Null(SynchronizationContext.Current);
            }
        });
    }

    [Fact]
    public void Run_RethrowsWhatMainThrows_AndSaysCancelledForCancelled()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            Assert.Throws<FormatException>(() => RingExecutor.Run(async () =>
            {
                await RingExecutor.Yield();
                throw new FormatException();
            }));
            Assert.Throws<FormatException>(() => RingExecutor.Run(Broken)); // The factory itself.
            using var source = new CancellationTokenSource(5);
            Assert.ThrowsAny<OperationCanceledException>(() =>
                RingExecutor.Run(async () => await RingExecutor.Delay(TimeSpan.FromMinutes(1), source.Token)));
        });

        static RingTask Broken() => throw new FormatException();
    }

    [Fact]
    public void NullWork_IsRefusedAtTheCall()
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            Assert.Throws<ArgumentNullException>(() => RingExecutor.Run((Func<RingTask>)null!));
            Assert.Throws<ArgumentNullException>(() => { _ = ring.InvokeAsync((Func<RingTask>)null!); });
            Assert.Throws<ArgumentNullException>(() => { _ = ring.InvokeAsync((Func<Task>)null!); });
            Assert.Throws<ArgumentNullException>(() => { _ = RingExecutor.Spawn((Func<ValueTask>)null!); });
            Assert.Throws<ArgumentNullException>(() => ring.Post((Action)null!));
            await RingExecutor.Yield();
        });
    }

    [Fact]
    public void OnAThreadWithoutExecutor_RingSurfacesThrowWithAdvice()
    {
        Assert.Null(RingExecutor.Current);
        Assert.Contains("InvokeAsync", Assert.Throws<InvalidOperationException>(() => { _ = RingExecutor.Delay(TimeSpan.Zero); }).Message, StringComparison.Ordinal);
        Assert.Contains("InvokeAsync", Assert.Throws<InvalidOperationException>(() => { _ = RingExecutor.Yield(); }).Message, StringComparison.Ordinal);
        Assert.Contains("InvokeAsync", Assert.Throws<InvalidOperationException>(() => { _ = Op.Nop().Start(); }).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => { _ = RingExecutor.Spawn(async () => await RingTask.CompletedTask); });
    }

    [Fact]
    public async Task InvokeAsync_GivesResultsExceptionsAndCancellation()
    {
        Live.RequireIoUring();
        await using RingExecutor ring = RingExecutor.Start(new RingOptions { Name = "invoked" });
        int home = await ring.InvokeAsync(async () =>
        {
            await RingExecutor.Yield();
            Assert.Equal("invoked", RingExecutor.Current!.Name);
            Assert.Equal("invoked", Thread.CurrentThread.Name);
            return Environment.CurrentManagedThreadId;
        });
        Assert.NotEqual(home, Environment.CurrentManagedThreadId);
        Assert.False(ring.IsOwner);

        var e = await Assert.ThrowsAsync<FormatException>(() => ring.InvokeAsync(async () =>
        {
            await RingExecutor.Yield();
            throw new FormatException("mine");
        }));
        Assert.Equal("mine", e.Message);

        using var source = new CancellationTokenSource();
        Task cancelled = ring.InvokeAsync(async () => await RingExecutor.Delay(TimeSpan.FromMinutes(1), source.Token));
        source.Cancel();
        var oce = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Live.Bounded(cancelled));
        Assert.Equal(source.Token, oce.CancellationToken);
        Assert.True(cancelled.IsCanceled);
    }

    [Fact]
    public async Task InvokeAsync_FromManyThreads_EachGetsItsOwnResult()
    {
        Live.RequireIoUring();
        await using RingExecutor ring = RingExecutor.Start();
        IEnumerable<Task<int>> calls = Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            for (int i = 0; i < 500; i++)
            {
                int value = thread * 1000 + i;
                Assert.Equal(value, await ring.InvokeAsync(async () =>
                {
                    await Op.Nop();
                    return value;
                }));
            }

            return thread;
        }));
        Assert.Equal(Enumerable.Range(0, 8), await Live.Bounded(Task.WhenAll(calls)));
    }

    [Fact]
    public async Task InvokeAsync_AfterStop_FailsAndNeverHangs()
    {
        Live.RequireIoUring();
        RingExecutor ring = RingExecutor.Start();
        await ring.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Live.Bounded(ring.InvokeAsync(async () => await RingExecutor.Yield())));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Live.Bounded(ring.InvokeAsync(async () => (await Op.Nop()).Res)));
        Assert.Throws<ObjectDisposedException>(() => ring.Post(() => { }));
        await Live.Bounded(ring.DisposeAsync().AsTask()); // Twice is once.
        Assert.True(ring.Stopped.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task InvokeAsync_WhileStopping_EndsOneWayOrTheOther()
    {
        Live.RequireIoUring();
        for (int round = 0; round < 20; round++)
        {
            RingExecutor ring = RingExecutor.Start();
            using var go = new ManualResetEventSlim();
            Task[] callers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
            {
                go.Wait();
                for (int i = 0; i < 200; i++)
                {
                    try
                    {
                        await ring.InvokeAsync(async () => await RingExecutor.Yield());
                    }
                    catch (ObjectDisposedException)
                    {
                        return;
                    }
                }
            }))];
            go.Set();
            await Live.Bounded(ring.DisposeAsync().AsTask());
            await Live.Bounded(Task.WhenAll(callers));
        }
    }

    [Fact]
    public async Task InvokeAsync_OfWorkThatWaitsForNothingOfTheKernels_IsRefusedAtTheEnd()
    {
        Live.RequireIoUring();
        RingExecutor ring = RingExecutor.Start();
        var never = new TaskCompletionSource();
        Task stuck = ring.InvokeAsync(async () => await never.Task);
        Task waiting = ring.InvokeAsync(async () => await RingExecutor.Delay(TimeSpan.FromHours(1)));
        await ring.InvokeAsync(async () => await RingExecutor.Yield());
        await Live.Bounded(ring.DisposeAsync().AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Live.Bounded(stuck));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Live.Bounded(waiting));
        never.SetResult(); // Comes home to nobody: no harm.
    }

    [Fact]
    public async Task DisposeAsync_FromItsOwnThread_Throws_AndTheExecutorGoesOn()
    {
        Live.RequireIoUring();
        await using RingExecutor ring = RingExecutor.Start();
        await Assert.ThrowsAsync<InvalidOperationException>(() => ring.InvokeAsync(async () => await ring.DisposeAsync()));
        Assert.Equal(1, await ring.InvokeAsync(async () => await new ValueTask<int>(1)));
    }

    [Fact]
    public async Task DisposeOfARunningRun_FromAnotherThread_EndsIt()
    {
        Live.RequireIoUring();
        var running = new TaskCompletionSource<RingExecutor>();
        Task run = Task.Run(() => Live.OnThread(() => RingExecutor.Run(async () =>
        {
            running.SetResult(RingExecutor.Current!);
            await RingExecutor.Delay(TimeSpan.FromHours(1));
        })));
        RingExecutor ring = await Live.Bounded(running.Task);
        await Live.Bounded(ring.DisposeAsync().AsTask());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Live.Bounded(run));
    }

    [Fact]
    public void Spawn_RunsUpToItsFirstAwaitAtOnce_AndJoins()
    {
        Live.Run(async () =>
        {
            var order = new List<string>();
            RingTask<int> child = RingExecutor.Spawn(async () =>
            {
                order.Add("child starts");
                await RingExecutor.Yield();
                order.Add("child ends");
                return 9;
            });
            order.Add("parent goes on");
            Assert.Equal(9, await child);
            order.Add("joined");
            Assert.Equal(["child starts", "parent goes on", "child ends", "joined"], order);
        });
    }

    [Fact]
    public void Spawn_OfAFactoryThatThrows_Throws_InBothForms()
    {
        Live.Run(async () =>
        {
            await RingExecutor.Yield();
            Assert.Throws<FormatException>(() => RingExecutor.Spawn(Broken));
            Assert.Throws<FormatException>(() => RingExecutor.Spawn(BrokenOfInt));
        });

        static RingTask Broken() => throw new FormatException();
        static RingTask<int> BrokenOfInt() => throw new FormatException();
    }
}

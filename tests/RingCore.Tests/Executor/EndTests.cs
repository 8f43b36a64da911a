// Tests: the end of an executor ends: nothing that user code refills keeps it, and every promise has somebody who breaks it. One test
// for each row of the table in RingExecutor.End.cs that ShutdownTests and CloseAfterTheEndTests do not have.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;

namespace RingCore.Tests.Executor;

[Collection(nameof(Alone))]
public sealed class EndTests
{
    [Fact]
    public void SubscriberWhoseOwnTaskFailsAtOnce_DoesNotKeepTheShutdown()
    {
        Live.RequireIoUring();
        string name = $"refilled-{Guid.NewGuid():N}";
        int reports = 0;
        static async RingTask Fails()
        {
            await RingTask.CompletedTask;
            throw new InvalidDataException("again");
        }

        EventHandler<UnobservedFaultEventArgs> again = (_, e) =>
        {
            if (e.Executor.Name != name)
                return;
            Interlocked.Increment(ref reports); // A count.
            _ = Fails();
        };
        RingExecutor.UnobservedFault += again;
        try
        {
            Task run = Task.Run(() => RingExecutor.Run(
                async () =>
                {
                    _ = Fails();
                    await RingExecutor.Yield();
                },
                new RingOptions { Name = name, ShutdownTimeout = TimeSpan.FromSeconds(1) }));
            Assert.True(run.Wait(TimeSpan.FromSeconds(30)), $"no end after {reports} reports");
            Assert.InRange(reports, 1, 100);
        }
        finally
        {
            RingExecutor.UnobservedFault -= again;
        }
    }

    [Fact]
    public void ExecutorStoppedFromElsewhere_RunThrows_ThoughItsMainWaitsForAForeignTask()
    {
        Live.RequireIoUring();
        var started = new TaskCompletionSource<RingExecutor>();
        var never = new TaskCompletionSource();
        Task run = Task.Run(() => RingExecutor.Run(async () =>
        {
            started.SetResult(RingExecutor.Current!);
            await never.Task;
        }));
        Task stop = started.Task.Result.DisposeAsync().AsTask();
        Assert.True(stop.Wait(TimeSpan.FromSeconds(30)));
        Assert.IsType<ObjectDisposedException>(Assert.Throws<AggregateException>(() => run.Wait(TimeSpan.FromSeconds(30))).InnerException);
    }

    [Fact]
    public void YieldAwaitedOnAnotherThread_Throws()
    {
        Live.RequireIoUring();
        Live.OnThread(() => RingExecutor.Run(async () =>
        {
            RingYield yield = RingExecutor.Yield();
            var e = await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(async () => await yield));
            Assert.Contains("thread of RingExecutor", e.Message, StringComparison.Ordinal);
        }));
    }

    [Fact]
    public void TraceReadOnAnotherThread_Throws()
    {
        Live.RequireIoUring();
        Live.OnThread(() => RingExecutor.Run(
            async () =>
            {
                TraceRecorder trace = RingExecutor.Current!.Trace;
                await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(() => trace.Snapshot()));
                Assert.NotEmpty(trace.Snapshot());
            },
            new RingOptions { TraceEvents = 64 }));
    }

    [Fact]
    public void InfiniteDelay_EndsWithItsTokenAlone()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            using var source = new CancellationTokenSource();
            ValueTask delay = RingExecutor.Delay(Timeout.InfiniteTimeSpan, source.Token);
            await RingExecutor.Delay(TimeSpan.FromDays(400));
            Assert.False(delay.IsCompleted);
            source.Cancel();
            await Assert.ThrowsAsync<OperationCanceledException>(async () => await delay);
            Assert.Throws<ArgumentOutOfRangeException>(() => { _ = RingExecutor.Delay(TimeSpan.FromTicks(-1)); });
        });
    }

    [Fact]
    public void KernelWithoutMemory_FailsTheOps_NotTheProcess()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await Op.Nop();
            ValueTask<OpResult> op = Op.Nop().Start();
            kernel.RefuseEnter(RingCore.Sys.Errno.EAGAIN, times: 1100); // A millisecond each.
            Assert.Equal(-RingCore.Sys.Errno.EAGAIN, (await op).Res);
            Assert.Equal(0, (await Op.Nop()).Res);
        });
    }

    /// <summary>A continuation whose executor has gone is run all the same: finally blocks give back what they hold.</summary>
    [Theory]
    [InlineData("RingTask")]
    [InlineData("Task")]
    [InlineData("RingTask in RingTask")]
    public async Task ForeignTaskThatEndsAfterTheExecutor_LetsItsAwaiterGoOn_OffTheRing(string kind)
    {
        Live.RequireIoUring();
        RingExecutor executor = RingExecutor.Start();
        var foreign = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource<(Exception? Failure, bool Owner)>();
        RingHandle handle = null!;
        Task<int> invoked = kind switch
        {
            "RingTask" => executor.InvokeAsync(ServeAsync),
            "Task" => executor.InvokeAsync(() => ServeAsync().AsTask()),
            _ => executor.InvokeAsync(async () => await ServeAsync()),
        };
        await executor.InvokeAsync(async () => await RingExecutor.Yield()); // It waits now.
        await Live.Bounded(executor.DisposeAsync().AsTask());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Live.Bounded(invoked)); // At once, not when the foreign Task ends.
        Assert.False(ended.Task.IsCompleted);
        foreign.SetResult();
        (Exception? failure, bool owner) = await Live.Bounded(ended.Task);
        Assert.Contains("has stopped", Assert.IsType<ObjectDisposedException>(failure).Message, StringComparison.Ordinal);
        Assert.False(owner);

        async RingTask<int> ServeAsync()
        {
            handle = RingHandle.Adopt(0, ownsFd: false);
            Exception? failure = null;
            try
            {
                await foreign.Task;
                handle.CancelAll();
                return 0;
            }
            catch (Exception e)
            {
                failure = e;
                throw;
            }
            finally
            {
                ended.SetResult((failure, executor.IsOwner));
            }
        }
    }

    [Fact]
    public async Task ContinuationsAfterTheEnd_RunOneAtATime_AndTheirOwnFaultsAreReported()
    {
        Live.RequireIoUring();
        const int count = 50;
        string name = $"after-{Guid.NewGuid():N}";
        using var faults = new FaultRecorder(name);
        RingExecutor executor = RingExecutor.Start(new RingOptions { Name = name });
        var foreign = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int running = 0, most = 0, done = 0;
        await executor.InvokeAsync(() =>
        {
            for (int i = 0; i < count; i++)
            {
                RingTask task = ServeAsync();
                if (i % 2 != 0)
                    _ = task.AsTask();
            }

            return RingTask.CompletedTask;
        });
        await executor.DisposeAsync();
        foreign.SetResult();
        SpinWait.SpinUntil(() => Volatile.Read(ref done) == 2 * count && faults.Faults.Count == count / 2, Live.HangTimeout);
        Assert.Equal(2 * count, done);
        Assert.Equal(1, most);
        Assert.All(faults.Messages, message => Assert.Equal("its own", message));
        Assert.Equal(count / 2, faults.Faults.Count); // Of the others the Task tells.

        async RingTask ServeAsync()
        {
            await foreign.Task;
            Work();
            await Task.Delay(1);
            Work();
            throw new FormatException("its own");
        }

        void Work()
        {
            most = Math.Max(most, Interlocked.Increment(ref running)); // A count.
            Thread.Sleep(1);
            Interlocked.Decrement(ref running);
            done++;
        }
    }

    /// <summary>Runs in the last turn that shutdown's bound allows: what it queues is run by nobody on this thread.</summary>
    private static void InTheLastTurn(FakeKernel kernel, string name, Action<RingExecutor> action) => RingExecutor.Run(
        async () =>
        {
            RingExecutor executor = RingExecutor.Current!;
            _ = RingExecutor.Spawn(async () =>
            {
                while (!executor.Driver.Stopping || executor.Driver.Outstanding > 0)
                    await RingExecutor.Yield();
                kernel.NowNs += 1_000_000_000_000;
                action(executor);
            });
            await Op.Nop();
        },
        kernel.Options() with { Name = name });

    [Fact]
    public async Task InvokedInTheLastTurn_Fails_AndSoDoesWhatIsInvokedLater()
    {
        using var kernel = new FakeKernel();
        Task? during = null;
        RingExecutor? executor = null;
        InTheLastTurn(kernel, "last", last =>
        {
            executor = last;
            during = last.InvokeAsync(() => RingTask.CompletedTask);
        });
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Live.Bounded(during!));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Live.Bounded(executor!.InvokeAsync(() => RingTask.CompletedTask)));
        Assert.Throws<ObjectDisposedException>(() => executor!.Post(() => { }));
    }

    [Fact]
    public void PostedInTheLastTurn_IsReported()
    {
        using var kernel = new FakeKernel();
        string name = $"posted-{Guid.NewGuid():N}";
        using var faults = new FaultRecorder(name);
        bool ran = false;
        InTheLastTurn(kernel, name, executor => executor.Post(() => { ran = true; }));
        Assert.False(ran);
        UnobservedFaultEventArgs fault = Assert.Single(faults.Faults);
        Assert.IsType<ObjectDisposedException>(fault.Exception);
        Assert.Contains("not begun", fault.TaskName, StringComparison.Ordinal);
    }

    /// <summary>Who has not ended when the time is up would perhaps never end: nothing of it runs elsewhere.</summary>
    [Theory]
    [InlineData("delay")]
    [InlineData("op")]
    [InlineData("yield")]
    [InlineData("task")]
    public void StillRunningWhenTheTimeIsUp_IsLeftBehind_AndNamed(string kind)
    {
        using var kernel = new FakeKernel();
        using var errors = new StandardError();
        bool ended = false;
        InTheLastTurn(kernel, "last", last => _ = ServeAsync().AsTask());
        kernel.AssertReleased();
        string name = kind switch { "task" => nameof(ContinuationWork), "delay" => "", _ => nameof(ServeAsync) };
        Assert.Contains($"'last' left behind what ran: {name}", errors.Text, StringComparison.Ordinal);
        Assert.False(ended);

        async RingTask ServeAsync()
        {
            try
            {
                for (int i = 0; i < 100_000; i++) // More than a turn's quota.
                {
                    if (kind == "delay")
                        await Assert.ThrowsAsync<OperationCanceledException>(() => RingExecutor.Delay(TimeSpan.FromHours(1)).AsTask());
                    else if (kind == "op")
                        await Op.Nop();
                    else if (kind == "yield")
                        await RingExecutor.Yield();
                    else
                        await Task.Yield();
                }
            }
            finally
            {
                ended = true;
            }
        }
    }

    /// <summary>Where the loop falls out by an exception nothing is drained; what waits for a timer is ended all the same.</summary>
    [Fact]
    public async Task LoopThatFails_EndsDelays()
    {
        using var kernel = new FakeKernel();
        var ended = new TaskCompletionSource();
        using var errors = new StandardError();
        Assert.Throws<InvalidOperationException>(() => RingExecutor.Run(async () =>
        {
            _ = WaitAsync();
            await Op.Nop();
            kernel.RefuseEnter(Errno.EBADF);
            await Op.Nop();
        }, kernel.Options()));
        await Live.Bounded(ended.Task);

        async RingTask WaitAsync()
        {
            try
            {
                await RingExecutor.Delay(TimeSpan.FromHours(1));
            }
            finally
            {
                ended.SetResult();
            }
        }
    }

    /// <summary>A post is run, or its poster is told: none is lost between the last turn and the closing of the door.</summary>
    [Fact]
    public async Task PostsWhileItStops_AreAllRunOrRefused()
    {
        Live.RequireIoUring();
        for (int round = 0; round < 20; round++)
        {
            RingExecutor executor = RingExecutor.Start(new RingOptions { SqEntries = 8, CqEntries = 16 });
            int accepted = 0, ran = 0;
            Task posting = Task.Run(() =>
            {
                try
                {
                    while (true)
                    {
                        executor.Post(() => { ran++; });
                        accepted++;

                        // No further ahead than the ring can catch up with: after its time it refuses.
                        while (accepted - Volatile.Read(ref ran) > 1000)
                            Thread.SpinWait(10);
                    }
                }
                catch (ObjectDisposedException)
                {
                }
            });
            await executor.DisposeAsync();
            await Live.Bounded(posting);
            Assert.Equal(accepted, ran);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference RunOne(RingOptions options)
    {
        WeakReference? executor = null;
        RingExecutor.Run(async () =>
        {
            executor = new WeakReference(RingExecutor.Current);
            (RingConnection left, RingConnection right) = Live.Pair();
            await using (left)
            await using (right)
            {
                RingTask write = RingExecutor.Spawn(async () => await right.WriteAsync(new byte[1]));
                using ReadLease lease = await left.ReadLeaseAsync();
                await write;
            }

            await RingExecutor.Delay(TimeSpan.FromTicks(1));
            await Task.Yield();
        }, options);
        return executor!;
    }

    [Fact]
    public void ThreadThatLivesOn_DoesNotKeepTheExecutorsItRan()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            WeakReference executor = RunOne(new RingOptions());
            for (int i = 0; executor.IsAlive && i < 100; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.False(executor.IsAlive);
        });
    }

    [Fact]
    public void ExecutorThatCannotBeStarted_SaysWhy_AndLeavesNothing()
    {
        using var kernel = new FakeKernel { EventFdErrno = Errno.EMFILE };
        Assert.Throws<RingUnavailableException>(() => RingExecutor.Start(kernel.Options()));
        kernel.AssertReleased();
    }

    [Fact]
    public void BlockingOnARunningRingTask_Throws()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            RingTask task = RingExecutor.Spawn(async () => { await Op.Nop(); });
            RingTask<int> withResult = RingExecutor.Spawn(async () => (await Op.Nop()).Res);
            string message = Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult()).Message;
            Assert.Contains("await it instead of blocking", message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => withResult.GetAwaiter().GetResult());
            await task;
            Assert.Equal(0, await withResult);
        });
    }

    /// <summary>Work of its own that the thread blocks on never comes. Which wait is that, nobody can know; that it lasts, is said.</summary>
    [Fact]
    public void ThreadThatBlocks_IsReportedWithItsStack()
    {
        Live.RequireIoUring();
        using var errors = new StandardError();
        Live.Run(
            () =>
            {
                Task own = RingExecutor.Current!.InvokeAsync(() => RingTask.CompletedTask);
                var rescue = new TaskCompletionSource();
                var other = new Thread(() =>
                {
                    SpinWait.SpinUntil(() => errors.Text.Contains("blocked for a second", StringComparison.Ordinal), Live.HangTimeout / 2);
                    rescue.SetResult();
                });
                other.Start();
                Task.WaitAny(own, rescue.Task);
                Assert.False(own.IsCompleted);
                return RingTask.CompletedTask;
            },
            new RingOptions { Name = "blocked" });
        Assert.Contains("the thread of executor 'blocked' has been blocked for a second", errors.Text, StringComparison.Ordinal);
        Assert.Contains(nameof(ThreadThatBlocks_IsReportedWithItsStack), errors.Text, StringComparison.Ordinal);
    }
}

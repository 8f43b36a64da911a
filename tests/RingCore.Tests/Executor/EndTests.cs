// Tests: the end of an executor ends: nothing that user code refills keeps it, and every promise has somebody who breaks it.

using RingCore.Tests.Fakes;

namespace RingCore.Tests.Executor;

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
}

// Tests: Executor. A user's exception never unwinds the loop: it faults its task, and what nobody awaits is reported once.
// The event and standard error belong to the process; the recorder below listens to one executor by name.

using System.Collections.Concurrent;

namespace RingCore.Tests.Executor;

/// <summary>Listens to the unobserved faults of the executor with one name.</summary>
internal sealed class FaultRecorder : IDisposable
{
    private readonly string _name;
    private readonly ConcurrentQueue<UnobservedFaultEventArgs> _faults = new();

    internal FaultRecorder(string name)
    {
        _name = name;
        RingExecutor.UnobservedFault += Record;
    }

    internal List<UnobservedFaultEventArgs> Faults => [.. _faults];

    internal IEnumerable<string> Messages => _faults.Select(fault => fault.Exception.Message);

    public void Dispose() => RingExecutor.UnobservedFault -= Record;

    private void Record(object? sender, UnobservedFaultEventArgs e)
    {
        if (e.Executor.Name != _name)
            return;
        Assert.Same(e.Executor, sender);
        _faults.Enqueue(e);
    }
}

[Collection(nameof(Alone))]
public sealed class FaultTests
{
    [Fact]
    public void DroppedFault_IsReportedOnce_WithItsTask()
    {
        using var faults = new FaultRecorder("dropped");
        Live.Run(async () =>
        {
            _ = RingExecutor.Spawn(FailsLater);
            await RingExecutor.Yield();
            await RingExecutor.Yield();
            Assert.Empty(faults.Faults); // Somebody may still await it.
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1200));
            UnobservedFaultEventArgs fault = Assert.Single(faults.Faults);
            Assert.Equal("later", fault.Exception.Message);
            Assert.Equal(nameof(FailsLater), fault.TaskName);
        }, new RingOptions { Name = "dropped" });
        Assert.Single(faults.Faults);
    }

    [Fact]
    public void DroppedFault_IsReportedAtTheEndAtTheLatest()
    {
        using var faults = new FaultRecorder("ending");
        Live.Run(async () =>
        {
            _ = RingExecutor.Spawn(FailsLater);
            _ = RingExecutor.Spawn(FailsAtOnce);
            await RingExecutor.Yield();
            await RingExecutor.Yield();
        }, new RingOptions { Name = "ending" });
        Assert.Equal(["at once", "later"], faults.Messages.Order());
    }

    [Fact]
    public void AwaitedFault_IsNotReported_HoweverLate()
    {
        using var faults = new FaultRecorder("awaited");
        Live.Run(async () =>
        {
            RingTask task = RingExecutor.Spawn(FailsLater);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            await Assert.ThrowsAsync<FormatException>(async () => await task);
            await Assert.ThrowsAsync<FormatException>(async () => await FailsAtOnce());
            await Assert.ThrowsAsync<FormatException>(() => FailsLater().AsTask());
        }, new RingOptions { Name = "awaited" });
        Assert.Empty(faults.Faults);
    }

    [Fact]
    public void TasksEndedByShutdown_AreNotReported()
    {
        using var faults = new FaultRecorder("shut down");
        Live.Run(async () =>
        {
            _ = RingExecutor.Spawn(async () => await RingExecutor.Delay(TimeSpan.FromHours(1)));
            (RingConnection left, RingConnection right) = Live.Pair();
            _ = RingExecutor.Spawn(async () =>
            {
                using (left)
                using (right)
                    await left.ReadAsync(new byte[10]);
            });
            await RingExecutor.Yield();
        }, new RingOptions { Name = "shut down" }, settled: false);
        Assert.Empty(faults.Faults);
    }

    [Fact]
    public void WithoutASubscriber_TheFaultGoesToStandardError()
    {
        using var errors = new StandardError();
        Live.Run(async () =>
        {
            _ = RingExecutor.Spawn(FailsLater);
            await RingExecutor.Yield();
            await RingExecutor.Yield();
        }, new RingOptions { Name = "unheard" });
        string written = errors.Text;
        Assert.Contains("'FailsLater' on executor 'unheard'", written, StringComparison.Ordinal);
        Assert.Contains("FormatException: later", written, StringComparison.Ordinal);
        Assert.Equal(written.IndexOf("nobody awaited", StringComparison.Ordinal), written.LastIndexOf("nobody awaited", StringComparison.Ordinal));
    }

    [Fact]
    public void SubscriberThatThrows_DoesNotUnwindTheLoop()
    {
        using var errors = new StandardError();
        RingExecutor.UnobservedFault += Throws;
        try
        {
            Live.Run(async () =>
            {
                _ = RingExecutor.Spawn(FailsAtOnce);
                await RingExecutor.Yield();
            });
        }
        finally
        {
            RingExecutor.UnobservedFault -= Throws;
        }

        Assert.Contains("subscriber", errors.Text, StringComparison.Ordinal);

        static void Throws(object? sender, UnobservedFaultEventArgs e) => throw new NotSupportedException("subscriber");
    }

    [Fact]
    public void AsyncVoidAndContextCallbacksThatThrow_DoNotUnwindTheLoop()
    {
        using var faults = new FaultRecorder("async void");
        Live.Run(async () =>
        {
            AsyncVoid();
            SynchronizationContext.Current!.Post(_ => throw new FormatException("callback"), null);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        }, new RingOptions { Name = "async void" });
        Assert.Equal(["async void", "callback"], faults.Messages.Order());

        static async void AsyncVoid()
        {
            await Task.Yield();
            throw new FormatException("async void");
        }
    }

    [Fact]
    public void HandWrittenContinuationThatThrows_DoesNotUnwindTheLoop()
    {
        using var faults = new FaultRecorder("by hand");
        Live.Run(async () =>
        {
            RingExecutor.Spawn(FailsNever).GetAwaiter().OnCompleted(() => throw new FormatException("of a task"));
            Op.Nop().GetAwaiter().OnCompleted(() => throw new FormatException("of an op"));
            RingExecutor.Yield().OnCompleted(() => throw new FormatException("of a yield"));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        }, new RingOptions { Name = "by hand" }, settled: false);
        Assert.Equal(["of a task", "of a yield", "of an op"], faults.Messages.Order());
    }

    private static async RingTask FailsLater()
    {
        await RingExecutor.Yield();
        throw new FormatException("later");
    }

    private static async RingTask FailsNever() => await RingExecutor.Yield();

    private static async RingTask FailsAtOnce()
    {
        await RingTask.CompletedTask;
        throw new FormatException("at once");
    }
}

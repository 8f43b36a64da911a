// Tests: what belongs to an executor that has stopped: using it says so, disposing it does no harm, and nothing touches memory
// that was unmapped.

namespace RingCore.Tests.Executor;

[Collection(nameof(Alone))]
public sealed class AfterTheEndTests
{
    [Fact]
    public void ConnectionThatOutlivesItsExecutor_SaysSo_AndCanBeDisposed()
    {
        Live.RequireIoUring();
        RingConnection left = null!, right = null!;
        ReadLease lease = default;
        RingExecutor.Run(async () =>
        {
            (left, right) = Live.Pair();
            await right.WriteAsync(new byte[3]);
            lease = await left.ReadLeaseAsync();
        });
        Assert.Contains("has stopped", Assert.Throws<ObjectDisposedException>(() => { _ = left.ReadAsync(new byte[1]); }).Message, StringComparison.Ordinal);
        Assert.Contains("has stopped", Assert.Throws<ObjectDisposedException>(() => { _ = left.WriteAsync(new byte[1]); }).Message, StringComparison.Ordinal);
        lease.Dispose();
        left.Dispose();
        right.Dispose();
        Assert.True(left.DisposeAsync().IsCompleted);
    }

    [Fact]
    public void RingAfterItsEnd_IsEmptyAndFull()
    {
        Live.RequireIoUring();
        var ring = new Ring(new RingOptions { SqEntries = 4, CqEntries = 8 });
        ring.Dispose();
        ring.Dispose();
        unsafe
        {
            Assert.True(ring.TryGetSqe() == null);
        }

        Assert.Equal(0u, ring.Ready);
        Assert.Equal(0u, ring.LostCqes);
        Assert.False(ring.NeedsEnter);
        Assert.Throws<ObjectDisposedException>(() => ring.Enter(0));
    }

    [Fact]
    public void InvokedWork_SeesTheCallersAsyncLocals_AndTheLoopDoesNot()
    {
        Live.RequireIoUring();
        var local = new AsyncLocal<string?> { Value = "caller" };
        RingExecutor.Run(async () =>
        {
            Assert.Equal("caller", local.Value);
            await Op.Nop();
            Assert.Equal("caller", local.Value);
            RingExecutor ring = RingExecutor.Current!;
            string? seen = "unset";
            using (ExecutionContext.SuppressFlow())
                ring.Post(() => seen = local.Value);
            await Op.Nop();
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            Assert.Null(seen);
        });
        Assert.Equal("caller", local.Value);
    }

    [Fact]
    public void HandleOfAnotherExecutor_IsRefused()
    {
        Live.RequireIoUring();
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            await Task.Run(() => RingExecutor.Run(async () =>
            {
                Assert.Throws<InvalidOperationException>(() => { _ = Op.Recv(left, new byte[1]).Start(); });
                Assert.Throws<InvalidOperationException>(() => { _ = Op.Nop().Then(Op.Recv(left, new byte[1])).Start(); });
                await RingTask.CompletedTask;
            }));
            Assert.Equal(0, left.InFlight);
            left.Dispose();
            right.Dispose();
        });
    }

    /// <summary>A subscriber whose own work fails must not make the list of faults arm itself twice: the loop would spin for ever.</summary>
    [Fact]
    public void SubscriberThatStartsAFailingTask_IsReportedToo()
    {
        Live.RequireIoUring();
        int reports = 0;
        void OnFault(object? sender, UnobservedFaultEventArgs fault)
        {
            if (fault.Exception is FormatException && ++reports == 1)
                _ = RingExecutor.Spawn(Fail);
        }

        RingExecutor.UnobservedFault += OnFault;
        try
        {
            Live.Run(async () =>
            {
                _ = RingExecutor.Spawn(Fail);
                for (int i = 0; i < 500 && reports < 2; i++)
                    await RingExecutor.Delay(TimeSpan.FromMilliseconds(10));
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
            });
        }
        finally
        {
            RingExecutor.UnobservedFault -= OnFault;
        }

        Assert.Equal(2, reports);

        static async RingTask Fail()
        {
            await RingExecutor.Yield();
            throw new FormatException();
        }
    }

    [Fact]
    public void MultishotWithADeadline_IsRefused()
    {
        Live.RequireIoUring();
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            Assert.Throws<NotSupportedException>(() => Op.Poll(left, 1).WithTimeout(TimeSpan.FromSeconds(1)).Multishot());
            await RingTask.CompletedTask;
            left.Dispose();
            right.Dispose();
        });
    }
}

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
        Assert.Contains("has stopped", Assert.Throws<InvalidOperationException>(() => { _ = left.ReadAsync(new byte[1]); }).Message, StringComparison.Ordinal);
        Assert.Contains("has stopped", Assert.Throws<InvalidOperationException>(() => { _ = left.WriteAsync(new byte[1]); }).Message, StringComparison.Ordinal);
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
}

// Tests: results that are asked for twice. A second await throws, and harms nobody else: an awaitable that stands in the ready
// queue is not pooled, a sequence is not asked again before what it brought is taken.

using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class TakenOnceTests
{
    /// <summary>Pooled while it stood in the ready queue, it took all that stood behind it out of there.</summary>
    [Fact]
    public void SecondAwaitBeforeTheFirstHasRun_Throws_AndLosesNoContinuation()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            ValueTask<OpResult> first = Op.Nop().Start();
            ValueTask<OpResult> twice = Op.Nop().Start();
            ValueTask<OpResult> last = Op.Nop().Start();
            Task<OpResult> awaited = twice.AsTask();
            Task<OpResult> behind = last.AsTask();
            await first; // The other two have ended with it; their continuations are queued behind this.
            Assert.IsType<InvalidOperationException>(await Caught.By(twice));
            Assert.Equal(0, (await behind).Res);
            Assert.Equal(0, (await awaited).Res);
        });
    }

    [Fact]
    public void SequenceAskedAgainBeforeItsResultIsTaken_Throws()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_POLL_ADD).Many(1);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await using IAsyncEnumerator<OpResult> polls = Op.Poll(handle, 5).Multishot().GetAsyncEnumerator();
            ValueTask<OpResult> nop = Op.Nop().Start();
            Task<bool> first = polls.MoveNextAsync().AsTask();
            await nop;
            Assert.Throws<InvalidOperationException>(() => { _ = polls.MoveNextAsync(); });
            Assert.True(await first);
            Assert.Equal(1, polls.Current.Res);
        });
    }

    [Fact]
    public void SequenceLeftBeforeItsResultIsTaken_Ends()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_POLL_ADD).Many(1);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            IAsyncEnumerator<OpResult> polls = Op.Poll(handle, 5).Multishot().GetAsyncEnumerator();
            ValueTask<bool> first = polls.MoveNextAsync();
            await Op.Nop();
            await Op.Nop();
            Assert.True(first.IsCompleted);
            ValueTask left = polls.DisposeAsync();
            Assert.Throws<InvalidOperationException>(() => first.IsCompleted); // What it brought is nobody's.
            await left;
            Assert.Equal(0, handle.InFlight);
        });
    }
}

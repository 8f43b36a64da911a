// Tests: how a sequence tells that it has ended: only a peer that has finished is an end without an exception, and what a stream
// ends with is the last thing it yields.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class SequenceEndTests
{
    /// <summary>Half of what a peer sends must not pass for the whole because the executor stops.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ExecutorStops_IsNotTheEndOfAConnectionsBytes(bool untaken)
    {
        using var kernel = new FakeKernel();
        Exception? how = null;
        bool ended = false;
        kernel.On(IORING_OP_RECV).Run(op =>
        {
            op.Deliver("half"u8, CqeFlags.IORING_CQE_F_MORE);
            if (untaken)
                op.Deliver("more"u8, CqeFlags.IORING_CQE_F_MORE);
        });
        kernel.Run(async () =>
        {
            var connection = RingConnection.Adopt(kernel.NewFd());
            _ = RingExecutor.Spawn(async () =>
            {
                try
                {
                    await foreach (ReadLease lease in connection.ReadAllAsync())
                        lease.Dispose();
                    ended = true;
                }
                catch (OperationCanceledException e)
                {
                    how = e;
                }

                connection.Dispose();
            });
            await Op.Nop();
        });
        Assert.False(ended);
        Assert.NotNull(how);
    }

    /// <summary>What a CQE with F_MORE says of the end is obeyed as that of the last one.</summary>
    [Fact]
    public void EndInTheMiddle_CancelsWhatWouldFollow()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_POLL_ADD).Many(1, Odd.Last);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await using var odd = new Odd(handle);
            Assert.True(await odd.MoveNextAsync());
            Assert.False(await odd.MoveNextAsync());
            Assert.Equal(0, handle.InFlight);
        });

    }

    /// <summary>A result that could not be kept (no memory) is not the end: the consumer goes on waiting.</summary>
    [Fact]
    public void ResultThatIsNotKept_IsNotTheEnd()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_POLL_ADD).Many(Odd.Lost);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            await using var odd = new Odd(handle);
            kernel.WhenIdle(() => kernel.Oldest(IORING_OP_POLL_ADD).More(7));
            Assert.True(await odd.MoveNextAsync());
            Assert.Equal(7, odd.Current);
        });
    }

    /// <summary>A sequence that ends at one result, and keeps nothing of another.</summary>
    private sealed class Odd(RingHandle handle) : MultishotStream<int>(handle, default, cap: 100)
    {
        internal const int Last = 13;
        internal const int Lost = 14;

        private readonly RingHandle _polled = handle;

        protected override unsafe void Arm()
        {
            ref OpSlot slot = ref Driver.Begin(this, _polled, out io_uring_sqe* sqe, out _);
            Prep.Poll(sqe, 1);
            sqe->len = OpFlags.IORING_POLL_ADD_MULTI;
            Driver.Prepared(ref slot, sqe);
        }

        protected override bool TakeIn(int res, uint flags) => res == Lost || (res >= 0 && res != Last && Keep(res));

        protected override void Release(int result)
        {
        }
    }
}

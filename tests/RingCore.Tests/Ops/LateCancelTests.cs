// Tests: tokens that strike in the gaps: between the check and the registration, while a call looks for room in the queue, or so
// late that the pooled object they name is somebody else's by then.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class LateCancelTests
{
    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    /// <summary>On another thread, and waits for it: what it posts is there afterwards.</summary>
    private static void CancelElsewhere(CancellationTokenSource source)
    {
        var other = new Thread(source.Cancel);
        other.Start();
        other.Join();
    }

    /// <summary>
    /// The cancel of the first write is posted while that write ends inside the same enter. Its object is pooled, and rented by the third,
    /// which stands in the queue without a token, before the post is taken.
    /// </summary>
    [Fact]
    public void CancelPostedForAWriteThatEnded_DoesNotHitTheNextUseOfItsObject()
    {
        using var kernel = new FakeKernel();
        using var source = new CancellationTokenSource();
        var wire = new List<string>();
        kernel.On(IORING_OP_SEND).Run(op =>
        {
            CancelElsewhere(source);
            wire.Add(op.Text());
            op.Finish(1);
        });
        kernel.On(IORING_OP_SENDMSG).Hold().Run(op =>
        {
            wire.Add(op.Text());
            op.Finish(1);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask first = connection.WriteAsync(Bytes("1"), source.Token);
            ValueTask second = connection.WriteAsync(Bytes("2"));
            await first;
            ValueTask third = connection.WriteAsync(Bytes("3"));
            await Op.Nop();
            await Op.Nop(); // The post has run.
            Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_ASYNC_CANCEL);
            Assert.Equal("2", kernel.Oldest(IORING_OP_SENDMSG).Text());
            wire.Add("2");
            kernel.Complete(IORING_OP_SENDMSG, 1);
            await second;
            await third;
        });
        Assert.Equal(["1", "2", "3"], wire);
    }

    /// <summary>As above, with the object's next use in the queue of a connection that has nothing gathered: it would end at once.</summary>
    [Fact]
    public void CancelPostedForAWriteThatEnded_DoesNotHitAnotherConnection()
    {
        using var kernel = new FakeKernel();
        using var source = new CancellationTokenSource();
        kernel.On(IORING_OP_SEND).Hold().Run(op =>
        {
            CancelElsewhere(source);
            op.Finish(1);
        });
        kernel.On(IORING_OP_SENDMSG).Complete(1);
        kernel.Run(async () =>
        {
            using var other = RingConnection.Adopt(kernel.NewFd());
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask ahead = other.WriteAsync(Bytes("0"));
            await connection.WriteAsync(Bytes("1"), source.Token);
            ValueTask queued = other.WriteAsync(Bytes("2"));
            await Op.Nop();
            await Op.Nop();
            Assert.False(queued.IsCompleted);
            kernel.Complete(IORING_OP_SEND, 1);
            await ahead;
            await queued;
        });
    }

    /// <summary>As the first, with a chain: its run is pooled, too, and the next chain has it before the post is taken.</summary>
    [Fact]
    public void CancelPostedForAChainThatEnded_DoesNotHitTheNextUseOfItsRun()
    {
        using var kernel = new FakeKernel();
        using var source = new CancellationTokenSource();
        kernel.On(IORING_OP_RECV).Run(op =>
        {
            CancelElsewhere(source);
            op.Finish(1);
        }).Hold();
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            Assert.True((await Op.Nop().Then(Op.Recv(connection, new byte[1])).Start(source.Token)).IsSuccess);
            ValueTask<ChainResult> second = Op.Nop().Then(Op.Recv(connection, new byte[1])).Start();
            await Op.Nop();
            await Op.Nop(); // The post has run.
            Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_ASYNC_CANCEL);
            kernel.Complete(IORING_OP_RECV, 1);
            Assert.True((await second).IsSuccess);
        });
    }

    public static TheoryData<string> Calls => ["op", "read", "exactly", "lease", "write"];

    /// <summary>The call finds the queue full and enters for room; the token strikes in there, behind the call's own look at it.</summary>
    [Theory]
    [MemberData(nameof(Calls))]
    public void TokenThatStrikesWhileTheCallMakesRoom_CancelsIt(string call)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Hold(IORING_OP_SEND);
        kernel.Run(async () =>
        {
            using var source = new CancellationTokenSource();
            var connection = RingConnection.Adopt(kernel.NewFd());
            await Op.Nop();
            kernel.On(IORING_OP_NOP).Run(op =>
            {
                source.Cancel();
                op.Finish(0);
            });
            for (int i = 0; i < 8; i++)
                _ = Op.Nop().Start();
            switch (call)
            {
                case "op":
                    Assert.Equal(-Errno.ECANCELED, (await Op.Recv(connection, new byte[4]).Start(source.Token)).Res);
                    break;
                case "read":
                    Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadAsync(new byte[4], source.Token)), exactMatch: false);
                    break;
                case "exactly":
                    Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadExactlyAsync(new byte[4], source.Token)), exactMatch: false);
                    break;
                case "lease":
                    Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadLeaseAsync(source.Token)), exactMatch: false);
                    break;
                default:
                    Assert.IsType<OperationCanceledException>(await Caught.By(connection.WriteAsync(new byte[4], source.Token)), exactMatch: false);
                    break;
            }

            Assert.Equal(0, connection.InFlight);
            Assert.DoesNotContain(kernel.Taken, op => op.Opcode is IORING_OP_RECV or IORING_OP_SEND);
            await connection.DisposeAsync();
        });
    }
}

// Tests: the write side of a connection: call order, gathering, short sends, and cancelling a write that is queued, alone with the
// kernel, or gathered with others. What left is known byte by byte, since the fake records what each send carried.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class WriteTests
{
    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    /// <summary>Sends and gathered sends take so many bytes each (−1: all), and what they took is written down.</summary>
    private static List<string> Wire(FakeKernel kernel, params int[] takes)
    {
        var wire = new List<string>();
        var left = new Queue<int>(takes);
        void Send(FakeOp op)
        {
            string text = op.Text();
            int take = left.TryDequeue(out int n) && n >= 0 ? n : text.Length;
            wire.Add(text[..take]);
            op.Finish(take);
        }

        kernel.On(IORING_OP_SEND).Always(Send);
        kernel.On(IORING_OP_SENDMSG).Always(Send);
        return wire;
    }

    /// <summary>Before 6.1 a cancelled send that the kernel had gone on with reports none of the bytes that left: it must not go on.</summary>
    [Fact]
    public void KernelBefore61_IsNotAskedToGoOnAfterAShortSend()
    {
        using var kernel = new FakeKernel();
        kernel.Opcodes.Remove(IORING_OP_SENDMSG_ZC);
        List<string> wire = Wire(kernel, 2, 3, -1, 4);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask[] writes = [connection.WriteAsync(Bytes("alone,")), connection.WriteAsync(Bytes("gathered,")), connection.WriteAsync(Bytes("too"))];
            foreach (ValueTask write in writes)
                await write;
        });
        Assert.Equal(["al", "one", ",", "gath", "ered,too"], wire);
        Assert.All(kernel.Taken.Where(op => op.Opcode is IORING_OP_SEND or IORING_OP_SENDMSG),
            op => Assert.Equal((uint)SocketConstants.MSG_NOSIGNAL, op.Sqe.msg_flags));
    }

    [Fact]
    public void ConcurrentWrites_LeaveInCallOrder_TheQueuedOnesGathered()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask[] writes = [.. Enumerable.Range(1, 5).Select(i => connection.WriteAsync(Bytes($"<{i}>")))];
            foreach (ValueTask write in writes)
                await write;
        });
        Assert.Equal(["<1>", "<2><3><4><5>"], wire);
        Assert.All(kernel.Taken.Where(op => op.Opcode is IORING_OP_SEND or IORING_OP_SENDMSG),
            op => Assert.Equal((uint)(SocketConstants.MSG_WAITALL | SocketConstants.MSG_NOSIGNAL), op.Sqe.msg_flags));
    }

    [Fact]
    public void AtMostOneSend_IsWithTheKernel()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.Hold(IORING_OP_SENDMSG);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask[] writes = [.. Enumerable.Range(1, 100).Select(_ => connection.WriteAsync(Bytes("x")))];
            await Op.Nop();
            Assert.Equal((1, 0), (kernel.InFlight(IORING_OP_SEND).Count, kernel.InFlight(IORING_OP_SENDMSG).Count));
            kernel.Complete(IORING_OP_SEND, 1);
            await Op.Nop();
            await Op.Nop();
            Assert.Equal((0, 1), (kernel.InFlight(IORING_OP_SEND).Count, kernel.InFlight(IORING_OP_SENDMSG).Count));
            Assert.Equal(60, kernel.Oldest(IORING_OP_SENDMSG).Payload().Length); // The gathering limit.
            kernel.Complete(IORING_OP_SENDMSG, 60);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SENDMSG, 39));
            foreach (ValueTask write in writes)
                await write;
        });
    }

    /// <summary>A writer that never pauses must not keep a shutdown waiting.</summary>
    [Fact]
    public void Flush_DoesNotWaitForWhatIsWrittenAfterIt()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.Hold(IORING_OP_SENDMSG);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask[] before = [connection.WriteAsync(Bytes("alone")), connection.WriteAsync(Bytes("queued"))];
            ValueTask flush = connection.Writes.FlushAsync();
            ValueTask after = connection.WriteAsync(Bytes("after"));
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SEND, 5));
            await before[0];
            Assert.False(flush.IsCompleted);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SENDMSG, 6));
            await flush;
            Assert.True(before[1].IsCompletedSuccessfully);
            Assert.False(after.IsCompleted);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SENDMSG, 5));
            await after;
            await before[1];
        });
    }

    /// <summary>It ends without an error where the writes before it do not leave: they have told.</summary>
    [Theory]
    [InlineData("fails")]
    [InlineData("cancelled")]
    [InlineData("disposed")]
    public void Flush_EndsWithTheWritesBeforeIt(string how)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask[] writes = [connection.WriteAsync(Bytes("alone")), connection.WriteAsync(Bytes("queued"))];
            ValueTask flush = connection.Writes.FlushAsync();
            await Op.Nop();
            if (how == "fails")
                kernel.Complete(IORING_OP_SEND, -Errno.EPIPE);
            else if (how == "cancelled")
                connection.CancelAll();
            else
                connection.Dispose();
            await flush;
            foreach (ValueTask write in writes)
                Assert.NotNull(await Caught.By(write));
        });
    }

    [Fact]
    public void ShortSend_IsContinued()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel, 3, 1);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            await connection.WriteAsync(Bytes("abcdefgh"));
        });
        Assert.Equal(["abc", "d", "efgh"], wire);
    }

    [Fact]
    public void ShortGatheredSend_IsContinuedInsideAWrite()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel, -1, 4);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask[] writes = [.. new[] { "a", "bbb", "ccc", "ddd" }.Select(text => connection.WriteAsync(Bytes(text)))];
            foreach (ValueTask write in writes)
                await write;
        });
        Assert.Equal(["a", "bbbc", "ccddd"], wire);
    }

    [Fact]
    public void ListOfMemories_LeavesAsOne()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            await connection.WriteAsync([Bytes("head "), Bytes("body "), ReadOnlyMemory<byte>.Empty, Bytes("tail")]);
            await connection.WriteAsync(ReadOnlyMemory<byte>.Empty);
            await connection.WriteAsync(Array.Empty<ReadOnlyMemory<byte>>());
        });
        Assert.Equal(["head body tail"], wire);
    }

    [Fact]
    public void CancelledWhileQueued_EndsAtOnceAndIsNotSent()
    {
        using var kernel = new FakeKernel();
        var wire = new List<string>();
        kernel.On(IORING_OP_SEND).Hold();
        kernel.On(IORING_OP_SENDMSG).Always(op =>
        {
            wire.Add(op.Text());
            op.Finish(op.Payload().Length);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask first = connection.WriteAsync(Bytes("1"));
            ValueTask second = connection.WriteAsync(Bytes("2"), source.Token);
            ValueTask third = connection.WriteAsync(Bytes("3"));
            await Op.Nop();
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(second), exactMatch: false);
            Assert.False(first.IsCompleted);
            kernel.Complete(IORING_OP_SEND, 1);
            await first;
            await third;
            Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_ASYNC_CANCEL);
        });
        Assert.Equal(["3"], wire);
    }

    [Fact]
    public void CancelledInFlightBeforeTheFirstByte_LeavesTheStreamWhole()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SEND).Hold().Complete(1);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask write = connection.WriteAsync(Bytes("1"), source.Token);
            await Op.Nop();
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(write), exactMatch: false);
            await connection.WriteAsync(Bytes("2"));
        });
    }

    [Fact]
    public void CancelledAfterAPart_FaultsTheStreamAndSaysHowMuchLeft()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_SEND, 3);
            op.Finish(0);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask write = connection.WriteAsync(Bytes("abcdef"), source.Token);
            ValueTask queued = connection.WriteAsync(Bytes("x"));
            await Op.Nop();
            source.Cancel();
            var e = Assert.IsType<IOException>(await Caught.By(write));
            Assert.Contains("3 bytes", e.Message);
            Assert.IsType<OperationCanceledException>(e.InnerException, exactMatch: false);
            Assert.NotNull(await Caught.By(queued));
            Assert.IsType<IOException>(Record.Exception(() => { _ = connection.WriteAsync(Bytes("y")); }));
            Assert.IsType<IOException>(await Caught.By(connection.SendAsync(Bytes("z"))));
        });
        Assert.Equal(1, kernel.Taken.Count(op => op.Opcode is IORING_OP_SEND or IORING_OP_SENDMSG));
    }

    [Fact]
    public void CancelledWhileGathered_OthersAreSentAgain()
    {
        using var kernel = new FakeKernel();
        var wire = new List<string>();
        kernel.On(IORING_OP_SEND).Complete(1);
        kernel.On(IORING_OP_SENDMSG).Hold().Run(op =>
        {
            wire.Add(op.Text());
            op.Finish(op.Payload().Length);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask first = connection.WriteAsync(Bytes("1"));
            ValueTask second = connection.WriteAsync(Bytes("2"));
            ValueTask third = connection.WriteAsync(Bytes("3"), source.Token);
            ValueTask fourth = connection.WriteAsync(Bytes("4"));
            await first;
            await Op.Nop();
            source.Cancel();
            await second;
            Assert.IsType<OperationCanceledException>(await Caught.By(third), exactMatch: false);
            await fourth;
        });
        Assert.Equal("24", string.Concat(wire));
    }

    [Fact]
    public void CancelledBehindTheGatheredOnes_EndsAndTheyGoOn()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SEND).Complete(1);
        kernel.Hold(IORING_OP_SENDMSG);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask first = connection.WriteAsync(Bytes("1"));
            ValueTask second = connection.WriteAsync(Bytes("2"));
            await first;
            ValueTask behind = connection.WriteAsync(Bytes("3"), source.Token); // The gathered send is with the kernel without it.
            await Op.Nop();
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(behind), exactMatch: false);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SENDMSG, 1));
            await second;
        });
    }

    [Fact]
    public void OneCancelledBehindAHalfSentOne_StreamStaysWhole()
    {
        using var kernel = new FakeKernel();
        var wire = new List<string>();
        kernel.On(IORING_OP_SEND).Complete(1);
        kernel.On(IORING_OP_SENDMSG).Complete(2).Hold().Run(op =>
        {
            wire.Add(op.Text());
            op.Finish(op.Payload().Length);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask first = connection.WriteAsync(Bytes("1"));
            ValueTask second = connection.WriteAsync(Bytes("abcd")); // "ab" leaves, then the rest is gathered with the third.
            ValueTask third = connection.WriteAsync(Bytes("3"), source.Token);
            await first;
            await Op.Nop();
            await Op.Nop();
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(third), exactMatch: false);
            await second;
        });
        Assert.Equal(["cd"], wire);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CancelAllOrShutdownWhileGathered_EndsThem(bool shutdown)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SEND).Complete(1);
        kernel.Hold(IORING_OP_SENDMSG);
        Exception? left = null;
        kernel.Run(async () =>
        {
            var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask first = connection.WriteAsync(Bytes("1"));
            RingTask second = RingExecutor.Spawn(async () =>
            {
                left = await Caught.By(connection.WriteAsync(Bytes("2")));
                connection.Dispose();
            });
            await first;
            await Op.Nop();
            if (shutdown)
                return;
            connection.CancelAll();
            await second;
        });
        Assert.IsType<OperationCanceledException>(left, exactMatch: false);
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_SENDMSG);
    }

    [Theory]
    [InlineData(2, false)] // All of the second left, nothing of the third.
    [InlineData(3, true)] // A byte of the third left.
    [InlineData(4, false)] // All of the third left: it succeeded.
    public void CancelledWhileGathered_PartLeft(int left, bool faults)
    {
        using var kernel = new FakeKernel();
        var wire = new List<string>();
        kernel.On(IORING_OP_SEND).Complete(1);
        kernel.On(IORING_OP_SENDMSG).Hold().Run(op =>
        {
            wire.Add(op.Text());
            op.Finish(op.Payload().Length);
        });
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_SENDMSG, left);
            op.Finish(0);
        });
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask first = connection.WriteAsync(Bytes("1"));
            ValueTask second = connection.WriteAsync(Bytes("22"));
            ValueTask third = connection.WriteAsync(Bytes("33"), source.Token);
            ValueTask fourth = connection.WriteAsync(Bytes("44"));
            await first;
            await Op.Nop();
            source.Cancel();
            await second;
            Exception? e = await Caught.By(third);
            Exception? last = await Caught.By(fourth);
            if (faults)
            {
                Assert.IsType<IOException>(e);
                Assert.Contains("1 bytes", e.Message);
                Assert.NotNull(last);
                Assert.IsType<IOException>(Record.Exception(() => { _ = connection.WriteAsync(Bytes("5")); }));
            }
            else
            {
                Assert.Equal(left == 4, e is null);
                Assert.Null(last);
            }
        });
        Assert.Equal(faults ? [] : ["44"], wire);
    }

    [Fact]
    public void BrokenPipe_FailsThisWriteAndAllQueued()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SEND).Complete(-Errno.EPIPE);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask first = connection.WriteAsync(Bytes("1"));
            ValueTask second = connection.WriteAsync(Bytes("2"));
            Assert.IsType<System.Net.Sockets.SocketException>(await Caught.By(first));
            Assert.IsType<System.Net.Sockets.SocketException>(await Caught.By(second));
            Assert.IsType<IOException>(Record.Exception(() => { _ = connection.WriteAsync(Bytes("3")); }));
        });
        Assert.Single(kernel.Taken, op => op.Opcode is IORING_OP_SEND or IORING_OP_SENDMSG);
    }

    [Fact]
    public void DisposedWithWritesQueued_EndsThemAll()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.Run(async () =>
        {
            var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask first = connection.WriteAsync(Bytes("1"));
            ValueTask second = connection.WriteAsync(Bytes("2"));
            await Op.Nop();
            connection.Dispose();
            Assert.IsType<ObjectDisposedException>(await Caught.By(first));
            Assert.IsType<ObjectDisposedException>(await Caught.By(second));
        });
    }

    [Fact]
    public void SendMeanwhile_Throws()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SEND).Hold().Complete(2);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask write = connection.WriteAsync(Bytes("1"));
            Assert.IsType<InvalidOperationException>(await Caught.By(connection.SendAsync(Bytes("2"))));
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SEND, 1));
            await write;
            Assert.Equal(2, await connection.SendAsync(Bytes("abc"))); // Short, and that is all.
        });
    }

    [Fact]
    public void WriteDuringASend_WaitsForIt()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask<int> send = connection.SendAsync(Bytes("ab"));
            ValueTask write = connection.WriteAsync(Bytes("c"));
            await Op.Nop();
            Assert.Single(kernel.InFlight(IORING_OP_SEND));
            Assert.Empty(kernel.InFlight(IORING_OP_SENDMSG));
            kernel.Complete(IORING_OP_SEND, 1);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SENDMSG, 1));
            Assert.Equal(1, await send);
            await write;
        });
    }

    /// <summary>A single send holds the write side before its Pin runs: what that writes goes behind it.</summary>
    [Fact]
    public void WriteOutOfASendsPin_GoesBehindTheSend()
    {
        using var kernel = new FakeKernel();
        int withKernel = 0;
        foreach (io_uring_op op in (io_uring_op[])[IORING_OP_SEND, IORING_OP_SENDMSG])
        {
            kernel.On(op).Always(send =>
            {
                Assert.Equal(1, ++withKernel);
                int length = send.Payload().Length;
                kernel.After(TimeSpan.FromMilliseconds(1), () =>
                {
                    withKernel--;
                    send.Finish(send.Opcode == IORING_OP_SEND ? (int)send.Sqe.len : length);
                });
            });
        }

        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            Task? write = null;
            var memory = new HookedMemory("abc") { OnPin = () => write = connection.WriteAsync(Bytes("de")).AsTask() };
            Assert.Equal(3, await connection.SendAsync(memory.Memory));
            await write!;
            Assert.IsType<NotSupportedException>(await Caught.By(connection.SendAsync(HookedMemory.Refusing("abc").Memory)));
            Assert.Equal(1, await connection.SendAsync(new byte[1])); // The one that failed holds nothing.
        });
        Assert.Equal([IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_SEND],
            kernel.Taken.Select(op => op.Opcode).Where(op => op is IORING_OP_SEND or IORING_OP_SENDMSG));
    }
}

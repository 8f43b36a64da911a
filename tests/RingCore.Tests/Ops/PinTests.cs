// Tests: pins, where Pin and Unpin are a user's code. A transfer pins once, at the call and never inside the reap; what cannot be
// pinned throws at the call and leaves nothing behind, a chain's earlier steps included; what Unpin throws is reported, and the
// loop, the slot and the fd do not notice.

using System.Buffers;
using RingCore.Sys;
using RingCore.Tests.Executor;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

[Collection(nameof(Alone))]
public sealed class PinTests
{
    /// <summary>Memory that can be pinned once.</summary>
    private static HookedMemory Once(string text)
    {
        var memory = new HookedMemory(text);
        memory.OnPin = () =>
        {
            if (memory.Taken > 0)
                throw new NotSupportedException("pinned again");
        };
        return memory;
    }

    [Fact]
    public void ExactReadInPieces_PinsOnce()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("ab").Bytes("cde").Bytes("f");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            HookedMemory memory = Once("......");
            await connection.ReadExactlyAsync(memory.Memory);
            Assert.Equal("abcdef", memory.Text);
            Assert.Equal((1, 0), (memory.Taken, memory.Pins));
        });
    }

    [Fact]
    public void WritesInPieces_PinOnce_AloneAndGathered()
    {
        using var kernel = new FakeKernel();
        var wire = new List<string>();
        var takes = new Queue<int>([1, 2, 3, 1]);
        void Send(FakeOp op)
        {
            int take = takes.TryDequeue(out int n) ? n : op.Payload().Length;
            wire.Add(op.Text()[..take]);
            op.Finish(take);
        }

        kernel.On(IORING_OP_SEND).Always(Send);
        kernel.On(IORING_OP_SENDMSG).Always(Send);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            HookedMemory[] memories = [Once("abcdef"), Once("ghi"), Once("jkl")];
            ValueTask[] writes = [.. memories.Select(memory => connection.WriteAsync(memory.Memory))];
            foreach (ValueTask write in writes)
                await write;
            Assert.All(memories, memory => Assert.Equal((1, 0), (memory.Taken, memory.Pins)));
        });
        Assert.Equal(["a", "bc", "def", "g", "hijkl"], wire);
    }

    [Fact]
    public void MemoryThatCannotBePinned_ThrowsAtTheCall_AndTheConnectionGoesOn()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Complete(3).Complete(4);
        kernel.On(IORING_OP_SEND).Always(op => op.Finish((int)op.Sqe.len));
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            Memory<byte> memory = HookedMemory.Refusing("....").Memory;
            Assert.Throws<NotSupportedException>(() => { _ = connection.ReadAsync(memory); });
            Assert.Equal(3, await connection.ReadAsync(new byte[4]));
            Assert.Throws<NotSupportedException>(() => { _ = connection.ReadExactlyAsync(memory); });
            await connection.ReadExactlyAsync(new byte[4]);
            Assert.Throws<NotSupportedException>(() => { _ = connection.WriteAsync(memory); });
            await connection.WriteAsync(new byte[4]);
            Assert.IsType<NotSupportedException>(await Caught.By(connection.SendAsync(memory)));
            await Op.Nop();
            Assert.Equal(4, await connection.SendAsync(new byte[4]));
            Assert.Equal(0, connection.InFlight);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SecondRead_IsRefused_AndItsPinReturns(bool exactly)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask<int> first = connection.ReadAsync(new byte[4]);
            var memory = new HookedMemory("....");
            Assert.Throws<InvalidOperationException>(() =>
            {
                if (exactly)
                    _ = connection.ReadExactlyAsync(memory.Memory);
                else
                    _ = connection.ReadAsync(memory.Memory);
            });
            Assert.Equal((1, 0), (memory.Taken, memory.Pins));
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 1));
            Assert.Equal(1, await first);
        });
    }

    [Theory]
    [InlineData(IORING_OP_READV, 0)]
    [InlineData(IORING_OP_READV, 2)]
    [InlineData(IORING_OP_WRITEV, 1)]
    [InlineData(IORING_OP_SENDMSG, 0)]
    [InlineData(IORING_OP_SENDMSG, 1)]
    [InlineData(IORING_OP_SENDMSG, 2)]
    public void ListOfWhichOneCannotBePinned_ReturnsThePinsOfTheOthers(io_uring_op code, int bad)
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            HookedMemory[] memories = [new("a"), new("b"), new("c")];
            memories[bad] = HookedMemory.Refusing("x");
            Memory<byte>[] list = [.. memories.Select(memory => memory.Memory)];
            ReadOnlyMemory<byte>[] readOnly = [.. list];
            Op op = code == IORING_OP_READV ? Op.Readv(handle, list, 0) : code == IORING_OP_WRITEV ? Op.Writev(handle, readOnly, 0) : Op.SendMsg(handle, readOnly);
            Assert.Throws<NotSupportedException>(() => { _ = op.Start(); });
            await Op.Nop();
            Assert.Equal(bad, memories.Sum(memory => memory.Taken));
            Assert.All(memories, memory => Assert.Equal(0, memory.Pins));
            Assert.Equal(0, handle.InFlight);
        });
        Assert.DoesNotContain(kernel.Taken, op => op.Opcode == code);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ChainOfWhichAStepCannotBePinned_SubmitsNothing(int bad)
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            HookedMemory[] memories = [new("a"), new("b"), new("c"), new("d")];
            memories[bad] = HookedMemory.Refusing("x");
            OpChain chain = Op.Write(handle, memories[0].Memory, 0).WithTimeout(TimeSpan.FromSeconds(1))
                .Then(Op.Writev(handle, [memories[1].Memory, memories[2].Memory], 0))
                .Then(Op.Fsync(handle))
                .Then(Op.Read(handle, memories[3].Memory, 0));
            uint pending = RingExecutor.Current!.Ring.Pending;
            Assert.Throws<NotSupportedException>(() => { _ = chain.Start(); });
            Assert.Equal(bad, memories.Sum(memory => memory.Taken));
            Assert.All(memories, memory => Assert.Equal(0, memory.Pins));
            Assert.Equal(0, handle.InFlight);
            Assert.Equal(pending, RingExecutor.Current!.Ring.Pending);
            await Op.Nop();
        });
        Assert.Equal([IORING_OP_NOP, IORING_OP_ASYNC_CANCEL], kernel.Taken.Select(op => op.Opcode)); // The wake-up's, at shutdown.
    }

    [Fact]
    public void ChainThatCannotBePinned_EndsNoPinOfTheChainBefore()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Complete(1).Complete(1);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            HookedMemory[] before = [new("a"), new("b")];
            await Op.Write(handle, before[0].Memory, 0).Then(Op.Write(handle, before[1].Memory, 0));
            OpChain chain = Op.Write(handle, HookedMemory.Refusing("x").Memory, 0).Then(Op.Nop());
            Assert.Throws<NotSupportedException>(() => { _ = chain.Start(); });
            Assert.All(before, memory => Assert.Equal(0, memory.Pins));
        });
    }

    [Fact]
    public void ChainThatDoesNotFit_ReturnsItsPins()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var memory = new HookedMemory("a");
            OpChain chain = Op.Write(handle, memory.Memory, 0).Then(Op.Nop());
            while (chain.Count < 9)
                chain = chain.Then(Op.Nop());
            Assert.Throws<ArgumentException>(() => { _ = chain.Start(); });
            Assert.Equal(0, memory.Pins);
            await Op.Nop();
        });
    }

    [Fact]
    public void PinThatStartsOps_LeavesTheChainWhole()
    {
        using var kernel = new FakeKernel(); // It reports a chain that is cut in two.
        kernel.On(IORING_OP_WRITE).Always(op => op.Finish((int)op.Sqe.len));
        kernel.On(IORING_OP_WRITEV).Always(op => op.Finish(op.Payload().Length));
        var wire = new List<string>();
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            HookedMemory[] memories = [new("a"), new("bc"), new("def")];
            var nops = new List<ValueTask<OpResult>>();
            foreach (HookedMemory memory in memories)
            {
                memory.OnPin = () =>
                {
                    for (int i = 0; i < 7; i++)
                        nops.Add(Op.Nop().Start());
                };
                memory.OnUnpin = () => wire.Add(memory.Text);
            }

            ValueTask<ChainResult> running = Op.Write(handle, memories[0].Memory, 0).Then(Op.Writev(handle, [memories[1].Memory, memories[2].Memory], 0)).Start();
            Assert.All(memories, memory => Assert.Equal(1, memory.Pins));
            ChainResult chain = await running;
            Assert.Equal([1, 5], chain.Steps.Select(step => step.Res));
            Assert.All(memories, memory => Assert.Equal((1, 0), (memory.Taken, memory.Pins)));
            foreach (ValueTask<OpResult> nop in nops)
                Assert.Equal(0, (await nop).Res);
        });
        Assert.Equal(["a", "bc", "def"], wire);
    }

    [Theory]
    [InlineData(IORING_OP_WRITE, false)]
    [InlineData(IORING_OP_WRITEV, false)]
    [InlineData(IORING_OP_WRITE, true)]
    [InlineData(IORING_OP_WRITEV, true)]
    public void PinThatStartsOps_LeavesTheOpWhole(io_uring_op code, bool deadline)
    {
        using var kernel = new FakeKernel();
        kernel.On(code).Always(op => op.Finish(op.Payload().Length));
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var memory = new HookedMemory("abc");
            var nops = new List<ValueTask<OpResult>>();
            memory.OnPin = () =>
            {
                for (int i = 0; i < 300; i++) // More than the queue has places, and the table slots.
                    nops.Add(Op.Nop().Start());
            };
            Op op = code == IORING_OP_WRITE ? Op.Write(handle, memory.Memory, 0) : Op.Writev(handle, [memory.Memory], 0);
            Assert.Equal(3, (await (deadline ? op.WithTimeout(TimeSpan.FromSeconds(1)) : op)).Res);
            Assert.Equal((1, 0), (memory.Taken, memory.Pins));
            foreach (ValueTask<OpResult> nop in nops)
                Assert.Equal(0, (await nop).Res);
        });
        Assert.Single(kernel.Taken, op => op.Opcode == code);
    }

    public static TheoryData<string> Ways =>
        ["recv", "recv cancelled", "sendmsg", "chain", "read", "read refused", "second read", "exactly", "write", "gathered", "list", "list refused", "send"];

    [Theory]
    [MemberData(nameof(Ways))]
    public void UnpinThatThrows_IsReported_AndTheLoopGoesOn(string way)
    {
        using var kernel = new FakeKernel();
        FaultRecorder? faults = null;
        HookedMemory[] memories = [HookedMemory.Clinging("abc"), HookedMemory.Clinging("def")];
        Memory<byte> memory = memories[0].Memory;
        if (way is "recv cancelled" or "second read")
            kernel.Hold(IORING_OP_RECV);
        else
            kernel.On(IORING_OP_RECV).Always(op => op.Deliver("x"u8));
        kernel.On(IORING_OP_SEND).Always(op => op.Finish((int)op.Sqe.len));
        kernel.On(IORING_OP_SENDMSG).Always(op => op.Finish(op.Payload().Length));
        try
        {
            kernel.Run(async () =>
            {
                faults = new FaultRecorder(RingExecutor.Current!.Name);
                var connection = RingConnection.Adopt(kernel.NewFd());
                await Use(connection);
                Assert.All(memories, left => Assert.Equal(0, left.Pins));
                Assert.Equal(0, connection.InFlight);
                await connection.DisposeAsync();
                await Op.Nop();
            });
        }
        finally
        {
            faults?.Dispose();
        }

        int unpinned = memories.Sum(left => left.Taken);
        Assert.NotEqual(0, unpinned);
        Assert.Equal(Enumerable.Repeat("Unpin", unpinned), faults!.Messages); // Each once.
        Assert.All(faults.Faults, fault => Assert.Contains("Clinging", fault.Exception.StackTrace, StringComparison.Ordinal));

        async RingTask Use(RingConnection connection)
        {
            using var source = new CancellationTokenSource();
            switch (way)
            {
                case "recv":
                    Assert.Equal(1, (await Op.Recv(connection, memory)).Res);
                    break;
                case "recv cancelled":
                    ValueTask<OpResult> cancelled = Op.Recv(connection, memory).Start(source.Token);
                    await Op.Nop();
                    source.Cancel();
                    Assert.Equal(-Errno.ECANCELED, (await cancelled).Res);
                    break;
                case "sendmsg":
                    Assert.Equal(6, (await Op.SendMsg(connection, [memory, memories[1].Memory])).Res);
                    break;
                case "chain":
                    Assert.Equal([3, 3], (await Op.Send(connection, memory).Then(Op.Send(connection, memories[1].Memory))).Steps.Select(step => step.Res));
                    break;
                case "read":
                    Assert.Equal(1, await connection.ReadAsync(memory));
                    break;
                case "read refused":
                    Assert.IsType<OperationCanceledException>(await Caught.By(connection.ReadAsync(memory, new CancellationToken(canceled: true))), exactMatch: false);
                    break;
                case "second read":
                    ValueTask<int> first = connection.ReadAsync(memories[1].Memory);
                    Assert.Throws<InvalidOperationException>(() => { _ = connection.ReadAsync(memory); });
                    kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 1));
                    Assert.Equal(1, await first);
                    break;
                case "exactly":
                    await connection.ReadExactlyAsync(memory);
                    Assert.Equal("xxx", memories[0].Text);
                    break;
                case "write":
                    await connection.WriteAsync(memory);
                    break;
                case "gathered":
                    ValueTask ahead = connection.WriteAsync(new byte[1]);
                    ValueTask second = connection.WriteAsync(memory);
                    ValueTask third = connection.WriteAsync(memories[1].Memory);
                    await ahead;
                    await second;
                    await third;
                    break;
                case "list":
                    await connection.WriteAsync([memory, memories[1].Memory]);
                    await connection.WriteAsync(new byte[1]);
                    break;
                case "list refused":
                    Assert.IsType<NotSupportedException>(await Caught.By(connection.WriteAsync([memory, HookedMemory.Refusing("x").Memory])));
                    await connection.WriteAsync(new byte[1]);
                    break;
                case "send":
                    Assert.Equal(3, await connection.SendAsync(memory));
                    break;
                default:
                    Assert.Fail(way);
                    break;
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void UnpinThatStartsOpsUntilTheSlotsGrow_FreesItsOwnSlot(bool vectored)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_READ).Always(static op => op.Finish(1));
        kernel.On(IORING_OP_READV).Always(static op => op.Finish(1));
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var memory = new HookedMemory("x");
            var started = new List<ValueTask<OpResult>>();
            memory.OnUnpin = () =>
            {
                for (int i = 0; i < 300; i++) // The table starts with 256 slots.
                    started.Add(Op.Nop().Start());
            };
            Op read = vectored ? Op.Readv(handle, [memory.Memory], 0) : Op.Read(handle, memory.Memory, 0);
            Assert.Equal(1, (await read).Res);
            Assert.Equal(300, started.Count);
            foreach (ValueTask<OpResult> nop in started)
                Assert.Equal(0, (await nop).Res);
            Assert.Equal(0, memory.Pins);
            OpTable table = RingExecutor.Current!.Driver.Table;
            int inUse = Enumerable.Range(0, table.Capacity).Count(i => table.At(i).State != SlotState.Free);
            Assert.Equal(1, inUse); // The standing read of the wake-up.
        });
    }

    [Fact]
    public void UnpinThatEndsPins_DoesNotHoldTheLoop()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var memory = new HookedMemory("x");
            var turns = new List<long>();
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            void ReadRefused() => _ = Op.Read(handle, memory.Memory, 0).Start(new CancellationToken(canceled: true));
            memory.OnUnpin = () =>
            {
                turns.Add(RingExecutor.Current!.Counters.Turns);
                if (turns.Count < 20)
                    ReadRefused();
                else
                    done.SetResult();
            };
            ReadRefused();
            await done.Task; // Nothing but the pins keeps the loop from sleeping.
            Assert.Equal((20, 0), (memory.Taken, memory.Pins));
            Assert.Equal(0, RingExecutor.Current!.Driver.Pins.Out);
            Assert.InRange(turns.Distinct().Count(), 9, 20);
        });
    }

    /// <summary>With the submission queue full and the kernel busy, an op's start moves completions aside and handles none.</summary>
    [Theory]
    [InlineData("op")]
    [InlineData("op with a deadline")]
    [InlineData("read")]
    [InlineData("exactly")]
    [InlineData("lease")]
    public void RoomMadeForAnOp_RunsNoUnpin(string way)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_READ).Always(static op => op.Finish(1));
        foreach (io_uring_op code in new[] { IORING_OP_POLL_ADD, IORING_OP_RECV })
            kernel.On(code).Always(static op => op.Finish(4));
        kernel.Run(async () =>
        {
            using var other = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var connection = RingConnection.Adopt(kernel.NewFd());
            var memory = new HookedMemory("x") { OnUnpin = connection.Dispose };
            await Op.Nop(); // The executor's own read leaves with it.
            List<ValueTask<OpResult>> ops = [Op.Read(other, memory.Memory, 0).Start()];
            while (ops.Count < 16) // The first eight leave and complete; the other eight fill the queue.
                ops.Add(Op.Nop().Start());
            kernel.RefuseEnter(Errno.EBUSY);
            Op poll = Op.Poll(connection, SocketConstants.POLLIN);
            Func<Task> call = way switch
            {
                "op" => async () => await poll.Start(),
                "op with a deadline" => async () => await poll.WithTimeout(TimeSpan.FromSeconds(1)).Start(),
                "read" => async () => await connection.ReadAsync(new byte[4]),
                "exactly" => async () => await connection.ReadExactlyAsync(new byte[4]),
                _ => async () => (await connection.ReadLeaseAsync()).Dispose(),
            };
            Task called = call();
            Assert.Equal(1, memory.Pins);
            Assert.False(connection.IsDisposed);
            Assert.Equal(1, connection.InFlight);
            await Caught.By(new ValueTask(called));
            Assert.Equal(0, memory.Pins);
            foreach (ValueTask<OpResult> op in ops)
                await op;
        });
    }

    [Fact]
    public void UnpinThatThrowsDuringShutdown_IsReportedToo()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        FaultRecorder? faults = null;
        var memory = HookedMemory.Clinging("abc");
        try
        {
            kernel.Run(async () =>
            {
                faults = new FaultRecorder(RingExecutor.Current!.Name);
                _ = RingExecutor.Spawn(async () =>
                {
                    using var connection = RingConnection.Adopt(kernel.NewFd());
                    await connection.ReadAsync(memory.Memory);
                });
                await Op.Nop();
            });
        }
        finally
        {
            faults?.Dispose();
        }

        Assert.Equal(0, memory.Pins);
        Assert.Equal(["Unpin"], faults!.Messages);
    }
}

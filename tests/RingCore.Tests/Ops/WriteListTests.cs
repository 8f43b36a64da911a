// Tests: writes of lists, and writes that nobody awaits: nothing is lost, the order of the calls is kept, all of a list or nothing
// of it is queued, and every pin returns, whether they leave, are cancelled, or cannot be pinned.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class WriteListTests
{
    private static HookedMemory[] Memories(string texts) => [.. texts.Split(' ').Select(text => new HookedMemory(text))];

    private static ReadOnlyMemory<byte>[] List(params HookedMemory[] memories) => [.. memories.Select(memory => (ReadOnlyMemory<byte>)memory.Memory)];

    private static void AssertReturned(params HookedMemory[] memories) => Assert.All(memories, memory => Assert.Equal(0, memory.Pins));

    /// <summary>Sends leave whole and are written down, but for the first so many, which stay with the kernel.</summary>
    private static List<string> Wire(FakeKernel kernel, int heldSends = 0, int heldLists = 0)
    {
        var wire = new List<string>();
        foreach ((io_uring_op code, int held) in new[] { (IORING_OP_SEND, heldSends), (IORING_OP_SENDMSG, heldLists) })
        {
            for (int i = 0; i < held; i++)
                kernel.On(code).Hold();
            kernel.On(code).Always(op =>
            {
                wire.Add(op.Text());
                op.Finish(op.Payload().Length);
            });
        }

        return wire;
    }

    [Fact]
    public void DroppedWrites_LeaveInCallOrder_AndTheirPinsReturn()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel);
        HookedMemory[] m = Memories("a bb c dd e f g");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            _ = connection.WriteAsync(List(m[0], m[1])); // To an idle connection: held back until both are in the queue.
            _ = connection.WriteAsync(m[2].Memory);
            _ = connection.WriteAsync(List(m[3], m[4]));
            _ = connection.WriteAsync(m[5].Memory);
            Assert.All(m[..6], memory => Assert.Equal(1, memory.Pins));
            await connection.WriteAsync(m[6].Memory);
            AssertReturned(m);
        });
        Assert.Equal(["abb", "cddefg"], wire);
    }

    [Fact]
    public void DroppedWrites_OneCancelledWhileGathered_TheOthersLeaveInOrder()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel, heldLists: 1);
        HookedMemory[] m = Memories("a b c d e f");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            _ = connection.WriteAsync(m[0].Memory);
            _ = connection.WriteAsync(m[1].Memory);
            _ = connection.WriteAsync(List(m[2], m[3]), source.Token);
            _ = connection.WriteAsync(m[4].Memory);
            await Op.Nop();
            await Op.Nop();
            Assert.Equal("bcde", kernel.Oldest(IORING_OP_SENDMSG).Text());
            source.Cancel();
            Assert.All(m[1..5], memory => Assert.Equal(1, memory.Pins)); // Only asked: the kernel has them.
            await connection.WriteAsync(m[5].Memory);
            AssertReturned(m);
        });
        Assert.Equal(["a", "bef"], wire);
    }

    [Fact]
    public void UnpinThatCancels_WhatHasLeftTogetherWithIt_HasLeft()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel);
        HookedMemory[] m = Memories("a b c d");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            m[1].OnUnpin = source.Cancel;
            ValueTask first = connection.WriteAsync(m[0].Memory);
            ValueTask second = connection.WriteAsync(m[1].Memory);
            ValueTask third = connection.WriteAsync(m[2].Memory, source.Token);
            ValueTask last = connection.WriteAsync(m[3].Memory);
            await first;
            await second;
            await third;
            await last;
            AssertReturned(m);
        });
        Assert.Equal(["a", "bcd"], wire);
    }

    [Fact]
    public void UnpinThatWrites_StandsInLine()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel, heldLists: 1);
        HookedMemory[] m = Memories("a b c d x");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask written = default;
            m[1].OnUnpin = () => written = connection.WriteAsync(m[4].Memory);
            _ = connection.WriteAsync(m[0].Memory);
            ValueTask cancelled = connection.WriteAsync(m[1].Memory, source.Token);
            _ = connection.WriteAsync(m[2].Memory);
            _ = connection.WriteAsync(m[3].Memory);
            await Op.Nop();
            await Op.Nop();
            Assert.Equal("bcd", kernel.Oldest(IORING_OP_SENDMSG).Text());
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(cancelled), exactMatch: false);
            await Op.Nop();
            await written;
            AssertReturned(m);
        });
        Assert.Equal(["a", "cd", "x"], wire); // Unpin runs after the reap, which has sent on what waited.
    }

    /// <summary>Whatever is called then would name an fd number that may be another's.</summary>
    [Fact]
    public void PinThatDisposesTheHandle_NothingIsSubmitted_AndThePinReturns()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_OPENAT).Complete(kernel.NewFd());
        kernel.Run(async () =>
        {
            RingFile file = await RingFile.OpenAsync("fake", FileMode.Open, FileAccess.ReadWrite);
            int before = kernel.Taken.Count();
            foreach ((RingHandle handle, Func<RingHandle, Memory<byte>, Task> call) in new (RingHandle, Func<RingHandle, Memory<byte>, Task>)[]
            {
                (RingConnection.Adopt(kernel.NewFd()), (handle, memory) => ((RingConnection)handle).WriteAsync(memory).AsTask()),
                (RingConnection.Adopt(kernel.NewFd()), (handle, memory) => ((RingConnection)handle).ReadAsync(memory).AsTask()),
                (RingConnection.Adopt(kernel.NewFd()), (handle, memory) => ((RingConnection)handle).ReadExactlyAsync(memory).AsTask()),
                (file, (handle, memory) => ((RingFile)handle).WriteAsync(memory, 0).AsTask()),
            })
            {
                var memory = new HookedMemory("memory") { OnPin = handle.Dispose };
                await Assert.ThrowsAsync<ObjectDisposedException>(() => call(handle, memory.Memory));
                Assert.Equal((1, 0), (memory.Taken, memory.Pins));
            }

            Assert.Equal(before, kernel.Taken.Count());
        });
    }

    [Fact]
    public void ListCancelledWhileQueued_EndsAtOnce_AndNothingOfItLeaves()
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel, heldSends: 1);
        HookedMemory[] m = Memories("a b c d");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask first = connection.WriteAsync(m[0].Memory);
            ValueTask list = connection.WriteAsync(List(m[1], m[2]), source.Token);
            ValueTask last = connection.WriteAsync(m[3].Memory);
            await Op.Nop();
            source.Cancel();
            var e = Assert.IsType<OperationCanceledException>(await Caught.By(list), exactMatch: false);
            Assert.Equal(source.Token, e.CancellationToken);
            await Op.Nop();
            AssertReturned(m[1], m[2]);
            kernel.Complete(IORING_OP_SEND, 1);
            await first;
            await last;
            AssertReturned(m);
        });
        Assert.Equal(["d"], wire);
    }

    [Theory]
    [InlineData(-Errno.ECANCELED, false)] // Nothing had left.
    [InlineData(1, true)] // The first memory and nothing of the second: the second is cancelled between two memories ...
    [InlineData(2, true)] // ... or inside one.
    [InlineData(4, true)] // All had left.
    public void ListCancelledWithTheKernel_NoPinIsLost(int left, bool some)
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel, heldLists: 1);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_SENDMSG, left);
            op.Finish(0);
        });
        HookedMemory[] m = Memories("a bb c d");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask list = connection.WriteAsync(List(m[0], m[1], m[2]), source.Token);
            await Op.Nop();
            Assert.Equal("abbc", kernel.Oldest(IORING_OP_SENDMSG).Text());
            source.Cancel();
            Exception? e = await Caught.By(list);
            AssertReturned(m);
            if (left == 4)
                Assert.Null(e);
            else if (left == 2)
                Assert.IsType<IOException>(e); // The peer has half a memory.
            else
                Assert.IsType<OperationCanceledException>(e, exactMatch: false);
            if (left == 2)
                Assert.IsType<IOException>(Record.Exception(() => { _ = connection.WriteAsync(m[3].Memory); }));
            else
                await connection.WriteAsync(m[3].Memory);
            AssertReturned(m);
        });
        Assert.Equal(left == 2 ? [] : ["d"], wire);
        Assert.Equal(some, left > 0);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(2, true)]
    [InlineData(0, false)]
    [InlineData(2, false)]
    public void ListOfWhichOneCannotBePinned_QueuesNothing_AndTheConnectionGoesOn(int bad, bool idle)
    {
        using var kernel = new FakeKernel();
        List<string> wire = Wire(kernel);
        HookedMemory[] m = Memories("a b c");
        m[bad] = HookedMemory.Refusing("x");
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask ahead = idle ? default : connection.WriteAsync(new HookedMemory("1").Memory);
            ValueTask list = connection.WriteAsync(List(m));
            Assert.True(list.IsFaulted);
            AssertReturned(m);
            Assert.IsType<NotSupportedException>(await Caught.By(list));
            await connection.WriteAsync(new HookedMemory("2").Memory);
            await connection.WriteAsync(List(Memories("3 4")));
            await ahead;
            AssertReturned(m);
        });
        Assert.Equal("1234"[(idle ? 1 : 0)..], string.Concat(wire));
    }

    [Fact]
    public void DisposedWithDroppedListsInFlight_PinsReturnWithTheKernelsAnswer()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SENDMSG);
        HookedMemory[] m = Memories("a b c d");
        kernel.Run(async () =>
        {
            var connection = RingConnection.Adopt(kernel.NewFd());
            _ = connection.WriteAsync(List(m[0], m[1]));
            await Op.Nop();
            _ = connection.WriteAsync(List(m[2], m[3]));
            connection.Dispose();
            Assert.All(m[..2], memory => Assert.Equal(1, memory.Pins));
            await connection.DisposeAsync();
            AssertReturned(m);
        });
    }

    /// <summary>The reading end of a pipe: EBADF is no IOException.</summary>
    [Fact]
    public void ListThatTheKernelRefuses_EveryResultIsTaken() => Live.OnThread(() => // Its pools are empty.
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITEV).Complete(-Errno.EBADF);
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            Assert.IsType<UnauthorizedAccessException>(await Caught.By(pipe.WriteAsync(List(Memories("a b c")))));
            Pool<TransferAwaitable> pool = HandlePools.Of(OpDriver.Required).Transfers;
            int spare = 0;
            while (pool.Rent().Version != 0)
                spare++;
            Assert.Equal(3, spare);
        });
    });
}

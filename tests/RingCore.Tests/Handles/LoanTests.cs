// Tests: Handles. The three ways to break the loan rule in C#: a pooled array given back early, memory that the GC moves, an await
// that ends at the cancel instead of at the op's end. Each test shows that RingCore holds the loan until the terminal CQE.

using System.Buffers;
using System.Runtime.CompilerServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;

namespace RingCore.Tests.Handles;

public sealed class LoanTests : LiveTest
{
    [Theory, MemberData(nameof(AllModes))]
    public void PooledArray_IsNotGivenBackByAnAwaitThatEndsEarly(string mode) => Run(mode, async () =>
    {
        // The code everybody writes: rent, await, return in finally. The await must not end while the kernel may still write.
        (RingConnection a, RingConnection b) = UnixPair();
        for (int round = 0; round < 200; round++)
        {
            byte[] rented = ArrayPool<byte>.Shared.Rent(64);
            using var source = new CancellationTokenSource();
            bool delivered = false;
            try
            {
                ValueTask<int> read = a.ReadAsync(rented, source.Token);
                if (round % 2 == 0)
                    _ = Task.Run(source.Cancel);
                else
                    source.Cancel();
                delivered = await read > 0;
            }
            catch (OperationCanceledException)
            {
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rented);
            }

            Assert.False(delivered);
            byte[] next = ArrayPool<byte>.Shared.Rent(64); // Most likely the same array: nobody may write into it any more.
            next.AsSpan().Fill(0xAA);
            await b.WriteAsync("stray bytes"u8.ToArray());
            byte[] mine = new byte[11];
            await a.ReadExactlyAsync(mine);
            Assert.Equal("stray bytes"u8.ToArray(), mine);
            Assert.True(next.AsSpan().IndexOfAnyExcept((byte)0xAA) < 0, "a returned array was written to");
            ArrayPool<byte>.Shared.Return(next);
        }

        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void MemoryThatTheGcWouldMove_StaysWhileLent(string mode) => Run(mode, async () =>
    {
        // Ordinary arrays, young and surrounded by garbage, compacted while receives and sends are with the kernel.
        (RingConnection a, RingConnection b) = UnixPair();
        for (int round = 0; round < 10; round++)
        {
            var garbage = new List<byte[]>();
            byte[] target = Young(garbage);
            ValueTask reading = b.ReadExactlyAsync(target);
            garbage.Clear();
            Compact();
            byte[] data = Young(garbage);
            RandomBytes(data.Length, round).CopyTo(data, 0);
            ValueTask writing = a.WriteAsync(data);
            garbage.Clear();
            Compact();
            await writing;
            await reading;
            Assert.Equal(RandomBytes(target.Length, round), target);
        }

        (a, b).Dispose();
    });

    private static byte[] Young(List<byte[]> garbage)
    {
        for (int i = 0; i < 100; i++)
            garbage.Add(new byte[1000]);
        return new byte[5000];
    }

    private static void Compact() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);

    [Theory, MemberData(nameof(AllModes))]
    public void CancelledAwait_EndsWithTheOp_AndThePinReturnsThenNotBefore(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        var memory = new HookedMemory(new string(' ', 4096));
        using var source = new CancellationTokenSource();
        ValueTask<int> read = a.ReadAsync(memory.Memory, source.Token);
        Assert.Equal(1, memory.Pins);
        await RingExecutor.Yield();
        source.Cancel();
        Assert.False(read.IsCompleted); // The cancel is asked for; the kernel has the loan until its answer.
        Assert.Equal(1, memory.Pins);
        Assert.Single(RingExecutor.Current!.InFlight());
        await Throws<OperationCanceledException>(async () => await read);
        Assert.Equal(0, memory.Pins);
        Assert.Empty(RingExecutor.Current!.InFlight());

        // Disposal asks only, too.
        read = a.ReadAsync(memory.Memory);
        a.Dispose();
        Assert.Equal(1, memory.Pins);
        Assert.False(read.IsCompleted);
        await Throws<ObjectDisposedException>(async () => await read);
        Assert.Equal(0, memory.Pins);
        b.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void EveryWayToLend_TakesAsManyPinsAsItReturns(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        var memory = new HookedMemory(new string(' ', 4096));
        ReadOnlyMemory<byte> part = memory.Memory[..100];
        byte[] sink = new byte[100 * 8];
        ValueTask drained = b.ReadExactlyAsync(sink);
        ValueTask first = a.WriteAsync(part);
        ValueTask queued = a.WriteAsync(part);
        Assert.Equal(2, memory.Pins);
        ValueTask list = a.WriteAsync([part, part]);
        await first;
        await queued;
        await list;
        Assert.Equal(100, await a.SendAsync(part));
        Assert.Equal(200, (await Op.SendMsg(a, [part, part])).Res);
        Assert.Equal(100, (await Op.Send(a, part).Then(Op.Nop())).Steps[0].Res);
        await drained;
        Assert.Equal(0, memory.Pins);

        await b.WriteAsync(new byte[300]);
        Assert.Equal(100, await a.ReadAsync(memory.Memory[..100]));
        await a.ReadExactlyAsync(memory.Memory[..100]);
        Assert.Equal(100, (await Op.Readv(a, [memory.Memory[..50], memory.Memory[50..100]])).Res);
        Assert.Equal(0, memory.Pins);

        // And when they fail: refused, timed out, cancelled in a chain.
        Assert.Equal(-Errno.ETIME, (await Op.Recv(a, memory.Memory).WithTimeout(TimeSpan.FromMilliseconds(5))).Res);
        ChainResult chain = await Op.Recv(a, memory.Memory, SocketConstants.MSG_DONTWAIT).Then(Op.Send(a, part));
        Assert.Equal(0, chain.BrokenAt);
        Assert.Equal(0, memory.Pins);
        Assert.True(memory.Taken > 10);
        (a, b).Dispose();
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference LendAndForget(RingConnection connection)
    {
        byte[] array = new byte[64];
        _ = connection.ReadAsync(array);
        return new WeakReference(array);
    }

    [Theory, MemberData(nameof(Modes))]
    public void MemoryOfADroppedCall_LivesUntilTheOpEnds(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        WeakReference array = LendAndForget(a);
        await RingExecutor.Yield();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.True(array.IsAlive, "the kernel has its address");
        await b.WriteAsync("x"u8.ToArray());
        await Until(() => RingExecutor.Current!.InFlight().Count == 0);
        for (int i = 0; i < 200 && array.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await RingExecutor.Yield();
        }

        Assert.False(array.IsAlive, "nobody has it any more");
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void DescriptorInUse_IsNotClosedUnderAnOp(string mode) => Run(mode, async () =>
    {
        // Disposed with a read in flight, its number must not be given to the next socket before that read has ended.
        for (int i = 0; i < 50; i++)
        {
            (RingConnection a, RingConnection b) = UnixPair();
            int fd = a.Fd;
            ValueTask<int> read = a.ReadAsync(new byte[1]);
            a.Dispose();
            (RingConnection c, RingConnection d) = UnixPair();
            Assert.NotEqual(fd, c.Fd);
            Assert.NotEqual(fd, d.Fd);
            await d.WriteAsync("x"u8.ToArray());
            Assert.Equal(1, await c.ReadAsync(new byte[1]));
            await Throws<ObjectDisposedException>(async () => await read);
            (b, c).Dispose();
            d.Dispose();
        }
    });
}

// Tests: the provided buffer ring over the fake kernel, which reads entries and tail from the registered memory as the kernel does.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.CqeFlags;

namespace RingCore.Tests.Rings;

public sealed unsafe class BufferRingTests
{
    private static BufferRing Lent(Ring ring)
    {
        var buffers = new BufferRing(ring, 7, 4, 64);
        for (ushort id = 0; id < 4; id++)
            buffers.Return(id);
        return buffers;
    }

    [Fact]
    public void New_LendsNothing()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        using var buffers = new BufferRing(ring, 7, 4, 64);
        Assert.Equal(0, kernel.BuffersFree(7));
    }

    [Fact]
    public void All_AreLentInOrder()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        using BufferRing buffers = Lent(ring);
        Assert.Equal(4, kernel.BuffersFree(7));
        for (int id = 0; id < 4; id++)
        {
            Assert.Equal(IORING_CQE_F_BUFFER | ((uint)id << 16), kernel.Pick(7, [(byte)id, 9], out int stored));
            Assert.Equal(2, stored);
            Assert.Equal([(byte)id, 9], new Span<byte>(buffers.AddressOf((ushort)id), 2).ToArray());
        }

        Assert.Equal(0u, kernel.Pick(7, [1], out int none));
        Assert.Equal(-Errno.ENOBUFS, none);
    }

    [Fact]
    public void Tail_WrapsAfter65536Returns()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        using BufferRing buffers = Lent(ring);
        for (int round = 0; round < 70_000; round++)
        {
            byte mark = (byte)(round * 7);
            uint flags = kernel.Pick(7, [mark], out int stored);
            Assert.Equal(1, stored);
            ushort id = (ushort)(flags >> IORING_CQE_BUFFER_SHIFT);
            Assert.Equal(round & 3, id);
            Assert.Equal(mark, *buffers.AddressOf(id));
            buffers.Return(id);
            Assert.Equal(4, kernel.BuffersFree(7));
            Assert.Equal((ushort)(round + 5), kernel.BufferTail(7));
        }
    }

    [Fact]
    public void ReturnedOutOfOrder_ArePickedInTheOrderOfReturn()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        using BufferRing buffers = Lent(ring);
        for (int i = 0; i < 4; i++)
            kernel.Pick(7, [0], out _);
        foreach (ushort id in new ushort[] { 2, 0, 3, 1 })
            buffers.Return(id);
        int[] picked = new int[4];
        for (int i = 0; i < 4; i++)
            picked[i] = (int)(kernel.Pick(7, [0], out _) >> IORING_CQE_BUFFER_SHIFT);
        Assert.Equal([2, 0, 3, 1], picked);
    }

    /// <summary>The tail lies in entry 0: writing that entry whole would show the kernel another tail for a moment.</summary>
    [Fact]
    public void Tail_IsNeverDisturbedWhileBuffersReturn()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        using var buffers = new BufferRing(ring, 7, 1, 64); // Every return writes entry 0.
        bool done = false;
        int jumps = 0;
        long looks = 0;
        var watcher = new Thread(() =>
        {
            ushort last = kernel.BufferTail(7);
            while (!Volatile.Read(ref done))
            {
                for (int i = 0; i < 64; i++)
                {
                    ushort now = kernel.BufferTail(7);
                    if ((ushort)(now - last) >= 0x8000)
                        jumps++;
                    last = now;
                }

                Interlocked.Increment(ref looks);
            }
        });
        watcher.Start();
        for (int i = 0; i < 3_000_000; i++)
        {
            buffers.Return(0);
            if (i % 5_000 == 0) // Else a watcher that was not scheduled for half a turn of the tail would see a jump.
            {
                long seen = Volatile.Read(ref looks);
                SpinWait.SpinUntil(() => Volatile.Read(ref looks) > seen + 1);
            }
        }

        Volatile.Write(ref done, true);
        watcher.Join();
        Assert.Equal(0, jumps);
    }

    [Fact]
    public void Refused_ThrowsWithTheErrno()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        using var first = new BufferRing(ring, 7, 4, 64);
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => new BufferRing(ring, 7, 4, 64));
        Assert.Contains("EEXIST", e.Message);
    }

    [Fact]
    public void Dispose_TakesTheGroupBackOnce()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options());
        var buffers = new BufferRing(ring, 7, 4, 64);
        Assert.Equal([(ushort)7], kernel.Groups);
        buffers.Dispose();
        buffers.Dispose();
        Assert.Empty(kernel.Groups);
        Assert.Single(kernel.Registers, call => call.Opcode == RegisterOps.IORING_UNREGISTER_PBUF_RING && call.Result == 0);
    }
}

// Tests: registered buffers over the fake kernel (what the SQE says, who may take the table back and when, what the kernel refuses)
// and over the real one (sub-ranges up to the edges, with and without O_DIRECT, sockets, a table that comes and goes).

using RingCore.Sys;
using RingCore.Tests.Fakes;
using RingCore.Tests.Handles;
using static RingCore.Sys.RegisterOps;

namespace RingCore.Tests.Ops;

public sealed class RingBuffersTests : LiveTest, IDisposable
{
    private const int Direct = 0x4000; // O_DIRECT on x86-64 Linux.
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Sqe_NamesTheBufferAndAnAddressInIt()
    {
        using var kernel = new FakeKernel();
        kernel.On(io_uring_op.IORING_OP_READ_FIXED).Bytes("hello");
        kernel.On(io_uring_op.IORING_OP_WRITE_FIXED).Complete(3);
        kernel.Run(async () =>
        {
            await using RingBuffers buffers = RingBuffers.Register(4, 5000);
            Assert.Equal((4, 4), (buffers.Count, kernel.FixedBuffers.Count));
            using RingHandle file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op read = Op.ReadFixed(file, buffers[2], length: 100, offset: 7, start: 50);
            Assert.Contains("buf_index=2", read.Explain());
            Assert.Equal(5, (await read).Res);
            Assert.Equal("hello"u8.ToArray(), buffers[2].Memory.Slice(50, 5).ToArray());
            Assert.Equal(3, (await Op.WriteFixed(file, buffers[3], length: 3)).Res);
            Assert.Equal(0, buffers.InFlight);
            FakeOp[] taken = [.. kernel.Taken];
            CheckSqe(kernel, taken[0], index: 2, start: 50, length: 100, offset: 7);
            CheckSqe(kernel, taken[1], index: 3, start: 0, length: 3, offset: ulong.MaxValue);
        });
        Assert.Empty(kernel.FixedBuffers);
    }

    private static unsafe void CheckSqe(FakeKernel kernel, FakeOp op, int index, int start, uint length, ulong offset)
    {
        iovec buffer = kernel.FixedBuffers[index];
        Assert.Equal(0ul, (ulong)buffer.iov_base % 4096);
        Assert.Equal((nuint)5000, buffer.iov_len);
        Assert.Equal(index, op.Sqe.buf_index);
        Assert.Equal((ulong)buffer.iov_base + (ulong)start, op.Sqe.addr);
        Assert.Equal(length, op.Sqe.len);
        Assert.Equal(offset, op.Sqe.off);
    }

    [Fact]
    public void DisposedWhileAnOpUsesOne_TheTableIsTakenBackWhenItHasEnded()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(io_uring_op.IORING_OP_READ_FIXED);
        kernel.Run(async () =>
        {
            RingBuffers buffers = RingBuffers.Register(1, 64);
            using RingHandle file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ValueTask<OpResult> read = Op.ReadFixed(file, buffers[0], 64).Start();
            Assert.Equal(1, buffers.InFlight);
            buffers.Dispose();
            ValueTask closed = buffers.DisposeAsync();
            Assert.True(buffers.IsDisposed);
            Assert.Single(kernel.FixedBuffers);
            Assert.IsType<ObjectDisposedException>(Record.Exception(() => Op.ReadFixed(file, buffers[0], 1).Start()));
            Assert.IsType<InvalidOperationException>(Record.Exception(() => RingBuffers.Register(1, 64))); // The table is still there.
            await RingExecutor.Yield();
            Assert.False(closed.IsCompleted);
            kernel.WhenIdle(() => kernel.Deliver(io_uring_op.IORING_OP_READ_FIXED, "late"));
            Assert.Equal(4, (await read).Res);
            Assert.Empty(kernel.FixedBuffers);
            await closed;
            await using RingBuffers next = RingBuffers.Register(2, 64);
            Assert.Equal(2, kernel.FixedBuffers.Count);
        });
        Assert.Equal(2, kernel.Registers.Count(call => call.Opcode == IORING_UNREGISTER_BUFFERS));
    }

    [Fact]
    public void ChainOfFixedOps_BorrowsOnceForEachStep_AndBreaksOnAShortRead()
    {
        using var kernel = new FakeKernel();
        kernel.On(io_uring_op.IORING_OP_READ_FIXED).Bytes("short");
        kernel.Run(async () =>
        {
            await using RingBuffers buffers = RingBuffers.Register(1, 64);
            using RingHandle file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ValueTask<ChainResult> chain = Op.ReadFixed(file, buffers[0], 64).Then(Op.WriteFixed(file, buffers[0], 64)).Start();
            Assert.Equal(2, buffers.InFlight);
            ChainResult result = await chain;
            Assert.Equal(0, result.BrokenAt);
            Assert.Equal(0, buffers.InFlight);
        });
    }

    [Fact]
    public void RefusedForTheLockedMemoryLimit_SaysSo_AndAnotherTryMayWork()
    {
        using var kernel = new FakeKernel();
        kernel.RefuseRegister(IORING_REGISTER_BUFFERS, Errno.ENOMEM);
        kernel.Run(async () =>
        {
            string message = Assert.Throws<InvalidOperationException>(() => RingBuffers.Register(8, 4096)).Message;
            Assert.Contains("locked-memory limit", message);
            Assert.Contains("ENOMEM", message);
            kernel.RefuseRegister(IORING_REGISTER_BUFFERS, Errno.EOPNOTSUPP);
            Assert.Contains("EOPNOTSUPP", Assert.Throws<InvalidOperationException>(() => RingBuffers.Register(8, 4096)).Message);
            await RingTask.CompletedTask;
        });
    }

    /// <summary>Seen on 5.10.46: registration waits for all requests of the ring, the executor's wake-up among them, and so for ever.</summary>
    [Fact]
    public void KernelBefore513_IsRefusedInsteadOfHanging()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        kernel.Run(async () =>
        {
            Assert.Contains("5.13", Assert.Throws<InvalidOperationException>(() => RingBuffers.Register(8, 4096)).Message);
            await RingTask.CompletedTask;
        });
    }

    [Fact]
    public async Task LeftToTheExecutorsEnd_DisposalStillCompletes()
    {
        RequireIoUring();
        RingBuffers? buffers = null;
        RingExecutor executor = RingExecutor.Start();
        await executor.InvokeAsync(async () =>
        {
            buffers = RingBuffers.Register(2, 100);
            await RingTask.CompletedTask;
        });
        await executor.DisposeAsync();
        await Live.Bounded(buffers!.DisposeAsync().AsTask());
        Assert.Equal(100, buffers[1].Memory.ToArray().Length); // The memory stays the application's.
    }

    [Theory]
    [InlineData(0, 101)]
    [InlineData(1, 100)]
    [InlineData(100, 1)]
    [InlineData(101, 0)]
    [InlineData(-1, 1)]
    [InlineData(0, -1)]
    [InlineData(int.MaxValue, 1)]
    [InlineData(1, int.MaxValue)]
    public void RangeOutsideTheBuffer_IsAnException_NotAnErrno(int start, int length) => Run(All, async () =>
    {
        await using RingBuffers buffers = RingBuffers.Register(1, 100);
        (RingHandle read, RingHandle write) = Pipe();
        using (read)
        using (write)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => Op.ReadFixed(read, buffers[0], length, start: start));
            Assert.Throws<ArgumentOutOfRangeException>(() => Op.WriteFixed(write, buffers[0], length, start: start));
            Assert.Equal(0, (await Op.WriteFixed(write, buffers[0], length: 0, start: 100)).Res); // The edge itself.
        }
    });

    [Fact]
    public void RegisterArguments_AreChecked() => Run(All, async () =>
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => RingBuffers.Register(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => RingBuffers.Register(16385, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => RingBuffers.Register(1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => RingBuffers.Register(16384, 1 << 20));
        await using (RingBuffers buffers = RingBuffers.Register(3, 4097))
            Assert.ThrowsAny<Exception>(() => buffers[3]);
        Assert.Throws<InvalidOperationException>(() =>
        {
            RingBuffers first = RingBuffers.Register(1, 1);
            try
            {
                RingBuffers.Register(1, 1);
            }
            finally
            {
                first.Dispose();
            }
        });
    });

    [Theory]
    [InlineData(All, 0)]
    [InlineData(All, Direct)]
    [InlineData(Linux510, 0)]
    public void SubRanges_UpToTheEdges_CarryTheRightBytes(string mode, int flags) => Run(mode, async () =>
    {
        const int size = 3 * 4096;
        byte[] data = RandomBytes(size, 62);
        string path = Path.Combine(_folder, "data");
        File.WriteAllBytes(path, data);
        OpResult opened = await Op.OpenAt(path, FileConstants.O_RDWR | flags);
        Assert.SkipWhen(opened.Res == -Errno.EINVAL, "no O_DIRECT on this file system");
        await using RingBuffers buffers = RingBuffers.Register(3, size);
        int step = flags == 0 ? 1 : 4096;
        using (RingHandle file = RingHandle.Adopt(opened.Res, ownsFd: true))
        {
            foreach ((int start, int length) in new[] { (0, size), (0, step), (size - step, step), (step, size - step), (4096, 4096), (size, 0) })
            {
                RingBuffer buffer = buffers[2];
                buffer.Memory.Span.Fill(0xEE);
                int offset = flags == 0 ? 17 : 0;
                int expected = Math.Min(length, size - offset);
                Assert.Equal(expected, (await Op.ReadFixed(file, buffer, length, offset, start)).Res);
                Assert.True(buffer.Memory.Span.Slice(start, expected).SequenceEqual(data.AsSpan(offset, expected)), $"{start}, {length}");
                Assert.True(buffer.Memory.Span[..start].IndexOfAnyExcept((byte)0xEE) < 0, "written before the range");
                Assert.True(buffer.Memory.Span[(start + expected)..].IndexOfAnyExcept((byte)0xEE) < 0, "written behind the range");
            }

            RandomBytes(size, 63).CopyTo(buffers[0].Memory);
            Assert.Equal(4096, (await Op.WriteFixed(file, buffers[0], length: 4096, offset: 4096, start: size - 4096)).Res);
        }

        byte[] now = File.ReadAllBytes(path);
        buffers[0].Memory.Span[(size - 4096)..].CopyTo(data.AsSpan(4096));
        Assert.Equal(data, now);
    });

    [Fact]
    public void Sockets_AndManyTables_WithoutARest() => Run(All, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        using (a)
        using (b)
        {
            for (int i = 0; i < 100; i++)
            {
                await using RingBuffers buffers = RingBuffers.Register(2, 128);
                buffers[0].Memory.Span.Fill((byte)i);
                ValueTask<OpResult> read = Op.ReadFixed(b, buffers[1], length: 64, start: 64).Start();
                Assert.Equal(32, (await Op.WriteFixed(a, buffers[0], length: 32, start: 96)).Res);
                Assert.Equal(32, (await read).Res);
                Assert.True(buffers[1].Memory.Span.Slice(64, 32).IndexOfAnyExcept((byte)i) < 0);
            }
        }
    });

    [Fact]
    public void AnotherExecutorsBuffer_IsRefusedWithASentence() => Run(All, async () =>
    {
        await using RingExecutor other = RingExecutor.Start(new RingOptions { Name = "other" });
        RingBuffers theirs = await other.InvokeAsync(() => ValueTask.FromResult(RingBuffers.Register(1, 64)));
        (RingHandle read, RingHandle write) = Pipe();
        using (read)
        using (write)
            Assert.Contains("RingExecutor 'other'", Assert.Throws<InvalidOperationException>(() => Op.ReadFixed(read, theirs[0], 64).Start()).Message);
        await theirs.DisposeAsync(); // Any thread.
    });

    [Fact]
    public void CancelledRead_ReturnsItsBuffer() => Run(All, async () =>
    {
        RingBuffers buffers = RingBuffers.Register(1, 64);
        (RingHandle read, RingHandle write) = Pipe();
        using (read)
        using (write)
        {
            using var cancel = new CancellationTokenSource();
            ValueTask<OpResult> pending = Op.ReadFixed(read, buffers[0], 64).Start(cancel.Token);
            await RingExecutor.Yield();
            ValueTask closed = buffers.DisposeAsync();
            cancel.Cancel();
            Assert.Equal(-Errno.ECANCELED, (await pending).Res);
            await closed;
        }
    });
}

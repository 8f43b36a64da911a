// Tests: Handles. RingPipe: bytes exact at odd sizes, the end, a reader that has gone, order of writes, cancellation before and
// after the first byte, FIFOs, non-blocking fds, disposal. The standard streams are in StandardStreamTests.

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed partial class RingPipeTests : LiveTest
{
    private static async RingTask<byte[]> ReadToEnd(RingPipe pipe, int chunk = 10_000)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[chunk];
        while (await pipe.ReadAsync(buffer) is var count and > 0)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }

    [Theory, MemberData(nameof(AllModes))]
    public void WhatIsWritten_IsRead_ThenTheEnd(string mode) => Run(mode, async () =>
    {
        foreach (int size in (int[])[0, 1, 4095, 4096, 4097, 65_536, 65_537, 1_048_577])
        {
            (RingPipe reader, RingPipe writer) = RingPipe.Create();
            byte[] bytes = RandomBytes(size, size);
            RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(reader));
            await writer.WriteAsync(bytes);
            writer.Dispose();
            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await reading));
            Assert.Equal(0, await reader.ReadAsync(new byte[1]));
            reader.Dispose();
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void Writes_LeaveInCallOrder(string mode) => Run(mode, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create(4096);
        var expected = new MemoryStream();
        var writes = new List<Task>();
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = RandomBytes(i * 37 % 9000, i);
            expected.Write(bytes);
            writes.Add(writer.WriteAsync(bytes).AsTask());
        }

        Assert.Equal(1, writer.InFlight);
        RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(reader));
        await Task.WhenAll(writes);
        writer.Dispose();
        Assert.Equal(SHA256.HashData(expected.ToArray()), SHA256.HashData(await reading));
        reader.Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void ReaderGone_IsEpipe_NotASignal(string mode) => Run(mode, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create();
        reader.Dispose();
        IOException e = await Throws<IOException>(async () => await writer.WriteAsync(new byte[10]));
        Assert.Equal(Errno.EPIPE, e.HResult);

        // In the middle: the error says how much had left, and so does every later write.
        (reader, RingPipe second) = RingPipe.Create(4096);
        Task write = second.WriteAsync(new byte[10_000]).AsTask();
        Task queued = second.WriteAsync(new byte[1]).AsTask();
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        reader.Dispose();
        e = await Throws<IOException>(async () => await write);
        Assert.Contains("after 4096 bytes", e.Message, StringComparison.Ordinal);
        Assert.Equal(Errno.EPIPE, e.InnerException!.HResult);
        await Throws<IOException>(async () => await queued);
        e = await Throws<IOException>(async () => await second.WriteAsync(new byte[1]));
        Assert.Contains("after 4096 of its bytes", e.Message, StringComparison.Ordinal);
        (writer, second).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void Capacity_IsTheKernels(string mode) => Run(mode, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create(capacity: 5000);
        Assert.Equal(8192, Libc.fcntl(writer.Fd, 1032, 0)); // F_GETPIPE_SZ
        await writer.WriteAsync(new byte[8192]);
        (reader, writer).Dispose();
        Assert.Throws<ArgumentOutOfRangeException>(() => RingPipe.Create(-1));
        if (Libc.getpid() != 0 && Environment.UserName != "root")
            Assert.Throws<UnauthorizedAccessException>(() => RingPipe.Create(int.MaxValue / 2));
    });

    [Theory, MemberData(nameof(Modes))]
    public void SecondRead_Throws_AndCancelledReadLosesNothing(string mode) => Run(mode, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create();
        byte[] buffer = new byte[10];
        for (int i = 0; i < 50; i++)
        {
            using var cancel = new CancellationTokenSource();
            ValueTask<int> read = reader.ReadAsync(buffer, cancel.Token);
            await Throws<InvalidOperationException>(async () => await reader.ReadAsync(new byte[1]));
            if (i % 2 == 0)
                await RingExecutor.Yield();
            if (i % 3 == 0)
                _ = Task.Run(cancel.Cancel);
            else
                cancel.Cancel();
            var e = await Throws<OperationCanceledException>(async () => await read);
            Assert.Equal(cancel.Token, e.CancellationToken);
        }

        await writer.WriteAsync("kept"u8.ToArray());
        Assert.Equal(4, await reader.ReadAsync(buffer));
        using var before = new CancellationTokenSource();
        before.Cancel();
        await Throws<OperationCanceledException>(async () => await reader.ReadAsync(buffer, before.Token));
        await Throws<OperationCanceledException>(async () => await writer.WriteAsync(buffer, before.Token));
        (reader, writer).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void CancelledWrites_QueuedOnesEnd_ThePartialOneSaysHowMuch(string mode) => Run(mode, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create(4096);
        using var cancel = new CancellationTokenSource();
        await writer.WriteAsync(new byte[4096]); // Full.
        Task first = writer.WriteAsync(new byte[5000]).AsTask();
        Task queued = writer.WriteAsync(new byte[1], cancel.Token).AsTask();
        Task behind = writer.WriteAsync("end"u8.ToArray()).AsTask();
        cancel.Cancel();
        await Throws<OperationCanceledException>(async () => await queued);
        byte[] all = new byte[10_000];
        int got = 0;
        while (got < 4096 + 5000 + 3)
            got += await reader.ReadAsync(all.AsMemory(got));
        await first;
        await behind;
        Assert.Equal("end", Encoding.UTF8.GetString(all, got - 3, 3));

        // Nothing of it has left: the handle is whole. Part of it has: it is not.
        await writer.WriteAsync(new byte[4096]);
        using var soon = new CancellationTokenSource(20);
        await Throws<OperationCanceledException>(async () => await writer.WriteAsync(new byte[5000], soon.Token));
        Assert.Equal(4096, await reader.ReadAsync(all));
        using var later = new CancellationTokenSource(20);
        IOException fault = await Throws<IOException>(async () => await writer.WriteAsync(new byte[5000], later.Token));
        Assert.Contains("after 4096 bytes", fault.Message, StringComparison.Ordinal);
        (reader, writer).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void DisposeAndCancelAll_EndWhatWaits(string mode) => Run(mode, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create(4096);
        await writer.WriteAsync(new byte[4096]);
        Task[] writes = [.. Enumerable.Range(0, 2000).Select(_ => writer.WriteAsync(new byte[10]).AsTask())];
        writer.CancelAll();
        foreach (Task write in writes)
            await Throws<OperationCanceledException>(async () => await write);
        writes = [.. Enumerable.Range(0, 2000).Select(_ => writer.WriteAsync(new byte[10]).AsTask())];
        writer.Dispose();
        foreach (Task write in writes)
            await Throws<ObjectDisposedException>(async () => await write);
        await Throws<ObjectDisposedException>(async () => await writer.WriteAsync(new byte[1]));
        Assert.Equal(4096, await reader.ReadAsync(new byte[5000]));
        Assert.Equal(0, await reader.ReadAsync(new byte[1]));
        (RingPipe other, RingPipe open) = RingPipe.Create();
        ValueTask<int> read = other.ReadAsync(new byte[1]);
        int fd = other.Fd;
        await other.DisposeAsync();
        Assert.False(Live.IsOpen(fd));
        await Throws<ObjectDisposedException>(async () => await read);
        (reader, open).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void NonBlockingEnds_StillWait(string mode) => Run(mode, async () =>
    {
        (int read, int write) = RawPipe(FileConstants.O_NONBLOCK);
        using RingPipe reader = RingPipe.Adopt(read);
        using RingPipe writer = RingPipe.Adopt(write);
        RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(reader));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        byte[] bytes = RandomBytes(300_000, 3);
        await writer.WriteAsync(bytes);
        writer.Dispose();
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await reading));
    });

    [Fact]
    public void WhereTheKernelSaysEagain_APollWaits()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_READ).Complete(-Errno.EAGAIN).Bytes("abc");
        kernel.On(IORING_OP_WRITE).Complete(2).Complete(-Errno.EAGAIN).Complete(1).Complete(0);
        kernel.On(IORING_OP_POLL_ADD).Complete(SocketConstants.POLLIN).Complete(SocketConstants.POLLOUT);
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            Assert.Equal(3, await pipe.ReadAsync(new byte[3]));
            await pipe.WriteAsync("xyz"u8.ToArray());
            Assert.Equal(Errno.EIO, (await Caught.By(pipe.WriteAsync("x"u8.ToArray())))!.HResult); // A write that takes nothing would go on for ever.
        });
        Assert.Equal(
            [IORING_OP_READ, IORING_OP_POLL_ADD, IORING_OP_READ, IORING_OP_WRITE, IORING_OP_WRITE, IORING_OP_POLL_ADD, IORING_OP_WRITE, IORING_OP_WRITE],
            kernel.Taken.Take(8).Select(op => op.Opcode));
        Assert.Equal([3u, 1u, 1u, 1u], kernel.Taken.Where(op => op.Opcode == IORING_OP_WRITE).Select(op => op.Sqe.len));
        Assert.All(kernel.Taken.Where(op => op.Opcode is IORING_OP_READ or IORING_OP_WRITE), op => Assert.Equal(ulong.MaxValue, op.Sqe.off));
    }

    [Fact]
    public void QueuedWrites_AreGathered_AndPolledFor()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Hold();
        kernel.On(IORING_OP_WRITEV).Complete(-Errno.EAGAIN).Complete(4).Complete(2);
        kernel.On(IORING_OP_POLL_ADD).Complete(SocketConstants.POLLOUT);
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            ValueTask[] writes = [pipe.WriteAsync("ab"u8.ToArray()), pipe.WriteAsync("cde"u8.ToArray()), pipe.WriteAsync("fgh"u8.ToArray())];
            await Op.Nop();
            kernel.Complete(IORING_OP_WRITE, 2);
            foreach (ValueTask write in writes)
                await write;
        });
        FakeOp[] gathered = [.. kernel.Taken.Where(op => op.Opcode == IORING_OP_WRITEV)];
        Assert.Equal([2u, 2u, 1u], gathered.Select(op => op.Sqe.len)); // Memories: both, both, what was left of the second.
        Assert.All(gathered, op => Assert.Equal(ulong.MaxValue, op.Sqe.off));
    }

    [Fact]
    public void GatheredWrites_OfWhichNothingIsTaken_AreAnError()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITEV).Complete(0);
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            Assert.Equal(Errno.EIO, (await Caught.By(pipe.WriteAsync([new byte[1], new byte[2]])))!.HResult);
        });
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_WRITEV);
    }

    [Fact]
    public void GatheredWrites_WaitingInThePoll_EndWithCancelOrDispose()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Hold();
        kernel.On(IORING_OP_WRITEV).Complete(-Errno.EAGAIN).Complete(-Errno.EAGAIN).Always(op => op.Finish(-Errno.EAGAIN));
        kernel.Hold(IORING_OP_POLL_ADD);
        kernel.Run(async () =>
        {
            RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            using var cancel = new CancellationTokenSource();
            ValueTask first = pipe.WriteAsync("a"u8.ToArray()), second = pipe.WriteAsync("b"u8.ToArray(), cancel.Token), third = pipe.WriteAsync("c"u8.ToArray());
            await Op.Nop();
            kernel.Complete(IORING_OP_WRITE, 1);
            await first;
            await Op.Nop();
            await Op.Nop();
            cancel.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(second));
            await Op.Nop();
            await Op.Nop();
            pipe.Dispose();
            Assert.IsType<ObjectDisposedException>(await Caught.By(third));
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GatheredWrites_CancelledAsTheKernelSaysEagain_EndWithoutThePoll(bool all)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Hold();
        kernel.On(IORING_OP_WRITEV).Hold();
        kernel.Hold(IORING_OP_POLL_ADD);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_WRITEV, -Errno.EAGAIN);
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            using var cancel = new CancellationTokenSource();
            ValueTask first = pipe.WriteAsync("a"u8.ToArray()), second = pipe.WriteAsync("b"u8.ToArray(), cancel.Token), third = pipe.WriteAsync("c"u8.ToArray(), cancel.Token);
            await Op.Nop();
            kernel.Complete(IORING_OP_WRITE, 1);
            await first;
            await Op.Nop();
            if (all)
                pipe.CancelAll();
            else
                cancel.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(second));
            Assert.IsType<OperationCanceledException>(await Caught.By(third));
        });
        Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_POLL_ADD);
    }

    [Theory]
    [InlineData(-Errno.EAGAIN)] // A poll would wait for more.
    [InlineData(2)] // The rest would.
    public void CancelAll_AsAReadHasToGoOn_EndsIt(int res)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_READ);
        kernel.Hold(IORING_OP_POLL_ADD);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_READ, res);
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            ValueTask read = pipe.ReadExactlyAsync(new byte[3]);
            await Op.Nop();
            pipe.CancelAll();
            Assert.IsType<OperationCanceledException>(await Caught.By(read));
        });
        Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_POLL_ADD);
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_READ);
    }

    [Fact]
    public void CancelAll_AtAShortWrite_DoesNotGoOn()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_WRITE);
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Complete(IORING_OP_WRITE, 2); // Part of it had left already.
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("pipe"));
            ValueTask write = pipe.WriteAsync("xyz"u8.ToArray());
            await Op.Nop();
            pipe.CancelAll();
            Assert.Contains("after 2 bytes", (await Caught.By(write))!.Message, StringComparison.Ordinal);
        });
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_WRITE);
    }

    [Theory]
    [InlineData(Errno.EINTR)]
    [InlineData(512)] // The kernel's own "run me again", which leaks out of its workers.
    [InlineData(Errno.EAGAIN)] // Somebody holds a lease on the file.
    public void FifoWhoseOpenIsInterrupted_IsOpenedAgain(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_OPENAT).Complete(-errno).Complete(-errno).Run(op => op.Finish(kernel.NewFd("fifo")));
        kernel.Run(async () =>
        {
            using RingPipe pipe = await RingPipe.OpenAsync("/fake", FileAccess.Read);
        });
        Assert.Equal(3, kernel.Taken.Count(op => op.Opcode == IORING_OP_OPENAT));
    }

    [Theory]
    [InlineData(Errno.EINTR)]
    [InlineData(512)]
    public void WorkerThatASignalInterrupts_ReadsAndWritesAgain_BehindAPoll(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_READ).Complete(-errno).Complete(-errno).Complete(3);
        kernel.On(IORING_OP_WRITE).Complete(-errno).Complete(2);
        kernel.On(IORING_OP_WRITEV).Complete(-errno).Complete(2);
        kernel.On(IORING_OP_POLL_ADD).Complete(1).Complete(1).Complete(4).Complete(4);
        kernel.Run(async () =>
        {
            using RingPipe pipe = RingPipe.Adopt(kernel.NewFd("terminal"));
            Assert.Equal(3, await pipe.ReadAsync(new byte[10]));
            ValueTask first = pipe.WriteAsync(new byte[2]), second = pipe.WriteAsync(new byte[1]), third = pipe.WriteAsync(new byte[1]);
            await first;
            await second;
            await third;
        });
        Assert.Equal(4, kernel.Taken.Count(op => op.Opcode == IORING_OP_POLL_ADD));
    }

    [Theory, MemberData(nameof(Modes))]
    public void Fifo_OpensWhenBothEndsDo(string mode) => Run(mode, async () =>
    {
        string path = Path.Combine(Path.GetTempPath(), $"ringcore-fifo-{Environment.ProcessId}-{mode.Length}");
        Assert.Equal(0, MkFifo(path, 0x180));
        try
        {
            foreach (bool readerFirst in (bool[])[true, false])
            {
                ValueTask<RingPipe> first = RingPipe.OpenAsync(path, readerFirst ? FileAccess.Read : FileAccess.Write);
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
                Assert.False(first.IsCompleted);
                RingPipe second = await RingPipe.OpenAsync(path, readerFirst ? FileAccess.Write : FileAccess.Read);
                (RingPipe reader, RingPipe writer) = readerFirst ? (await first, second) : (second, await first);
                byte[] bytes = RandomBytes(100_000, 5);
                RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(reader));
                await writer.WriteAsync(bytes);
                writer.Dispose();
                Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await reading));
                reader.Dispose();
            }

            using var cancel = new CancellationTokenSource(20);
            await Throws<OperationCanceledException>(async () => await RingPipe.OpenAsync(path, FileAccess.Read, cancel.Token));
            (await RingPipe.OpenAsync(path, FileAccess.ReadWrite)).Dispose();
            await Throws<FileNotFoundException>(async () => await RingPipe.OpenAsync(path + "-not", FileAccess.Read));
        }
        finally
        {
            File.Delete(path);
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void Pair_TalksBothWays(string mode) => Run(mode, async () =>
    {
        (RingConnection left, RingConnection right) = RingConnection.CreatePair();
        foreach ((RingConnection from, RingConnection to) in ((RingConnection, RingConnection)[])[(left, right), (right, left)])
        {
            byte[] bytes = RandomBytes(500_001, 9), got = new byte[bytes.Length];
            ValueTask reading = to.ReadExactlyAsync(got);
            await from.WriteAsync(bytes);
            await reading;
            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(got));
        }

        Assert.Equal(1, Libc.fcntl(left.Fd, FileConstants.F_GETFD, 0)); // FD_CLOEXEC
        left.Dispose();
        Assert.Equal(0, await right.ReadAsync(new byte[1]));
        right.Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void WarmReadsAndWrites_AllocateNothing(string mode) => Run(mode, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create();
        byte[] buffer = new byte[100];
        long before = 0;
        for (int i = 0; i < 300; i++)
        {
            if (i == 200)
                before = GC.GetAllocatedBytesForCurrentThread();
            await writer.WriteAsync(buffer);
            await reader.ReadAsync(buffer); // Without an assertion: those allocate.
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100 * 8);
        (reader, writer).Dispose();
    });

    private static unsafe (int Read, int Write) RawPipe(int flags)
    {
        int* fds = stackalloc int[2];
        Assert.Equal(0, Libc.pipe2(fds, FileConstants.O_CLOEXEC | flags));
        return (fds[0], fds[1]);
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MkFifo(string path, uint mode);
}

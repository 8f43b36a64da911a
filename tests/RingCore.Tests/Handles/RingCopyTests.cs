// Tests: Handles. CopyToAsync between every two of file, pipe, Unix socket and TCP socket: exact at odd sizes, by hash; counts and
// offsets; what it says when it ends early. The fake kernel plays what a live one does too rarely: no splice, short splices, a full disk.

using System.Security.Cryptography;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed class RingCopyTests : LiveTest, IDisposable
{
    private static readonly int[] s_sizes = [0, 1, 4095, 4096, 4097, 1_048_577];
    private readonly string _directory = Directory.CreateTempSubdirectory("ringcore-copy").FullName;

    public static TheoryData<string, string, string> Kinds
    {
        get
        {
            var data = new TheoryData<string, string, string>();
            string[] kinds = ["file", "pipe", "unix", "tcp"];
            foreach (string mode in (string[])[All, Linux510])
                foreach (string from in kinds)
                    foreach (string to in kinds)
                        data.Add(mode, from, to);
            return data;
        }
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>A handle to copy from, and what fills it.</summary>
    private async RingTask<(RingHandle From, RingTask Feeding)> Source(string kind, byte[] bytes)
    {
        switch (kind)
        {
            case "file":
                string path = Path.Combine(_directory, "source");
                File.WriteAllBytes(path, bytes);
                return (await RingFile.OpenAsync(path), RingTask.CompletedTask);
            case "pipe":
                (RingPipe reader, RingPipe writer) = RingPipe.Create();
                return (reader, RingExecutor.Spawn(async () =>
                {
                    await writer.WriteAsync(bytes);
                    writer.Dispose();
                }));
            default:
                (RingConnection a, RingConnection b) = kind == "tcp" ? await TcpPair() : RingConnection.CreatePair();
                return (a, RingExecutor.Spawn(async () =>
                {
                    await b.WriteAsync(bytes);
                    await b.ShutdownAsync(System.Net.Sockets.SocketShutdown.Send);
                    b.Dispose();
                }));
        }
    }

    /// <summary>A handle to copy to, and what arrives there in the end.</summary>
    private async RingTask<(RingHandle To, RingTask<byte[]> Arriving)> Target(string kind)
    {
        switch (kind)
        {
            case "file":
                string path = Path.Combine(_directory, "target");
                return (await RingFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite), RingExecutor.Spawn(async () =>
                {
                    await RingExecutor.Yield();
                    return Array.Empty<byte>();
                }));
            case "pipe":
                (RingPipe reader, RingPipe writer) = RingPipe.Create();
                return (writer, RingExecutor.Spawn(async () =>
                {
                    using RingPipe end = reader;
                    var all = new MemoryStream();
                    byte[] buffer = new byte[30_000];
                    while (await end.ReadAsync(buffer) is var count and > 0)
                        all.Write(buffer, 0, count);
                    return all.ToArray();
                }));
            default:
                (RingConnection a, RingConnection b) = kind == "tcp" ? await TcpPair() : RingConnection.CreatePair();
                return (a, RingExecutor.Spawn(async () =>
                {
                    using RingConnection end = b;
                    return await ReadToEnd(end);
                }));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void EveryKind_ToEveryKind_ByHash(string mode, string from, string to) => Run(mode, async () =>
    {
        foreach (int size in s_sizes)
        {
            byte[] bytes = RandomBytes(size, size);
            (RingHandle source, RingTask feeding) = await Source(from, bytes);
            (RingHandle target, RingTask<byte[]> arriving) = await Target(to);
            Assert.Equal(size, await source.CopyToAsync(target));
            await feeding;
            await source.DisposeAsync();
            await target.DisposeAsync();
            byte[] arrived = await arriving;
            if (to == "file")
                arrived = File.ReadAllBytes(Path.Combine(_directory, "target"));
            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(arrived));
        }
    });

    [Theory, MemberData(nameof(Kinds))]
    public void Count_IsReachedExactly_AndTheRestStays(string mode, string from, string to) => Run(mode, async () =>
    {
        byte[] bytes = RandomBytes(700_000, 5);
        (RingHandle source, RingTask feeding) = await Source(from, bytes);
        (RingHandle target, RingTask<byte[]> arriving) = await Target(to);
        Assert.Equal(0, await source.CopyToAsync(target, 0));
        long first = await source.CopyToAsync(target, 300_001);
        long second = from == "file" || to == "file"
            ? await source.CopyToAsync(from == "file" ? 300_001 : 0, target, to == "file" ? 300_001 : 0)
            : await source.CopyToAsync(target);
        Assert.Equal((300_001, 399_999), (first, second));
        await feeding;
        await source.DisposeAsync();
        await target.DisposeAsync();
        byte[] arrived = await arriving;
        if (to == "file")
            arrived = File.ReadAllBytes(Path.Combine(_directory, "target"));
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(arrived));
    });

    [Theory, MemberData(nameof(Modes))]
    public void Append_GrowsAtTheEnd(string mode) => Run(mode, async () =>
    {
        foreach (string from in (string[])["file", "pipe", "unix"])
        {
            string path = Path.Combine(_directory, "log");
            File.WriteAllBytes(path, "head"u8.ToArray());
            byte[] bytes = RandomBytes(300_000, 6);
            (RingHandle source, RingTask feeding) = await Source(from, bytes);
            await using (RingFile log = await RingFile.OpenAsync(path, FileMode.Append, FileAccess.Write))
                Assert.Equal(bytes.Length, await source.CopyToAsync(log)); // splice says EINVAL, what is in the pipe between is not lost.
            await feeding;
            await source.DisposeAsync();
            Assert.Equal(SHA256.HashData([.. "head"u8, .. bytes]), SHA256.HashData(File.ReadAllBytes(path)));
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void Devices_AndFullOnes(string mode) => Run(mode, async () =>
    {
        using RingFile zero = await RingFile.OpenAsync("/dev/zero"), full = await RingFile.OpenAsync("/dev/full", access: FileAccess.Write);
        using RingFile nowhere = await RingFile.OpenAsync("/dev/null", access: FileAccess.Write);
        Assert.Equal(1_000_000, await zero.CopyToAsync(nowhere, 1_000_000));
        RingCopyException e = await Throws<RingCopyException>(async () => await zero.CopyToAsync(full, 1000));
        Assert.Equal((0, 0, Errno.ENOSPC), (e.BytesCopied, e.BytesLost, e.HResult));
        (RingHandle source, RingTask feeding) = await Source("unix", new byte[1000]);
        await feeding;
        e = await Throws<RingCopyException>(async () => await source.CopyToAsync(full));
        Assert.Equal((0, 1000, Errno.ENOSPC), (e.BytesCopied, e.BytesLost, e.HResult));
        source.Dispose();
    });

    [Theory, MemberData(nameof(Kinds))]
    public void Cancelled_InTheMiddle_SaysHowMuchLeft(string mode, string from, string to) => Run(mode, async () =>
    {
        if (from == "file")
            return;
        RingHandle source, feeder;
        if (from == "pipe")
            (source, feeder) = RingPipe.Create();
        else
            (source, feeder) = from == "tcp" ? await TcpPair() : RingConnection.CreatePair();
        (RingHandle target, RingTask<byte[]> arriving) = await Target(to);
        using var cancel = new CancellationTokenSource();
        Task<long> copying = source.CopyToAsync(target, long.MaxValue, cancel.Token).AsTask();
        Assert.Equal(10_000, (await (feeder is RingConnection ? Op.Send(feeder, new byte[10_000]) : Op.Write(feeder, new byte[10_000]))).Res);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(30));
        await Throws<InvalidOperationException>(async () => await source.CopyToAsync(target));
        cancel.Cancel();
        var e = await Throws<OperationCanceledException>(async () => await copying);
        Assert.Equal(cancel.Token, e.CancellationToken);
        var detail = Assert.IsType<RingCopyException>(e.InnerException);
        Assert.Equal((10_000, 0), (detail.BytesCopied, detail.BytesLost));

        // Both go on where it ended.
        ValueTask<long> rest = source.CopyToAsync(target, 5);
        await (feeder is RingConnection ? Op.Send(feeder, new byte[5]) : Op.Write(feeder, new byte[5]));
        Assert.Equal(5, await rest);
        source.Dispose();
        feeder.Dispose();
        await target.DisposeAsync();
        Assert.Equal(to == "file" ? 0 : 10_005, (await arriving).Length);
    });

    [Theory, MemberData(nameof(Kinds))]
    public void TargetIsStuck_CancelDisposeOrVanish_EndsIt(string mode, string from, string to) => Run(mode, async () =>
    {
        if (to == "file")
            return;
        foreach (string end in (string[])["cancel", "dispose source", "dispose target", "vanish"])
        {
            byte[] bytes = new byte[20_000_000]; // More than any buffer between holds.
            (RingHandle source, RingTask feeding) = await Source(from, bytes);
            RingTask fed = RingExecutor.Spawn(async () => await Caught(feeding));
            RingHandle target, stuck;
            if (to == "pipe")
                (stuck, target) = RingPipe.Create();
            else
                (target, stuck) = to == "tcp" ? await TcpPair() : RingConnection.CreatePair();
            using var cancel = new CancellationTokenSource();
            Task<long> copying = source.CopyToAsync(target, long.MaxValue, cancel.Token).AsTask();
            await Op.Poll(stuck, SocketConstants.POLLIN);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            Assert.False(copying.IsCompleted);
            Action act = end switch
            {
                "cancel" => cancel.Cancel,
                "dispose source" => source.Dispose,
                "dispose target" => target.Dispose,
                _ => stuck.Dispose,
            };
            act();
            RingCopyException e = end == "cancel"
                ? (RingCopyException)(await Throws<OperationCanceledException>(async () => await copying)).InnerException!
                : await Throws<RingCopyException>(async () => await copying);
            Assert.True(e.BytesCopied > 0 && e.BytesCopied < bytes.Length, e.Message);
            Assert.True(from == "file" ? e.BytesLost == 0 : e.BytesLost >= 0, e.Message);
            if (end.StartsWith("dispose", StringComparison.Ordinal))
                Assert.IsType<ObjectDisposedException>(e.InnerException);
            source.Dispose();
            target.Dispose();
            stuck.Dispose();
            await fed;
        }
    });

    private static async RingTask Caught(RingTask task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public void WritesToTheTarget_WaitForTheCopy(string mode) => Run(mode, async () =>
    {
        byte[] bytes = RandomBytes(500_000, 8);
        foreach (string kind in (string[])["pipe", "unix", "tcp"])
        {
            (RingHandle source, RingTask feeding) = await Source("file", bytes);
            (RingHandle target, RingTask<byte[]> arriving) = await Target(kind);
            ValueTask<long> copying = source.CopyToAsync(target);
            ValueTask tail = target is RingPipe pipe ? pipe.WriteAsync("tail"u8.ToArray()) : ((RingConnection)target).WriteAsync("tail"u8.ToArray());
            await tail;
            Assert.Equal(bytes.Length, await copying);
            await feeding;
            source.Dispose();
            target.Dispose();
            Assert.Equal(SHA256.HashData([.. bytes, .. "tail"u8]), SHA256.HashData(await arriving));
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void Shutdown_EndsACopyThatWaits(string mode)
    {
        int leaked = RingExecutor.LeakedOps;
        Task<long>? copying = null;
        RingHandle[] handles = [];
        Live.Run(
            async () =>
            {
                (RingPipe reader, RingPipe writer) = RingPipe.Create();
                (RingConnection a, RingConnection b) = RingConnection.CreatePair();
                handles = [reader, writer, a, b];
                copying = a.CopyToAsync(writer).AsTask();
                await Op.Send(b, new byte[100]);
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(10));
            },
            Options(mode), settled: false);
        Assert.Equal(leaked, RingExecutor.LeakedOps);
        Assert.True(copying!.IsCanceled);
        foreach (RingHandle handle in handles)
            handle.Dispose();
    }

    [Fact]
    public void WrongArguments_Throw() => Run(All, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create();
        await Throws<ArgumentOutOfRangeException>(async () => await reader.CopyToAsync(writer, -1));
        await Throws<ArgumentOutOfRangeException>(async () => await reader.CopyToAsync(5, writer, 0));
        await Throws<ArgumentOutOfRangeException>(async () => await reader.CopyToAsync(0, writer, -1));
        ValueTask<int> read = reader.ReadAsync(new byte[1]);
        await Throws<InvalidOperationException>(async () => await reader.CopyToAsync(writer));
        await writer.WriteAsync(new byte[1]);
        Assert.Equal(1, await read);
        writer.Dispose();
        await Throws<ObjectDisposedException>(async () => await reader.CopyToAsync(writer));
        Assert.Equal(0, await reader.ReadAsync(new byte[1])); // The failed start has let go of the source.
        reader.Dispose();
    });

    private static async RingTask<RingFile> FakeFile(FakeKernel kernel)
    {
        kernel.On(IORING_OP_OPENAT).Run(op => op.Finish(kernel.NewFd("file")));
        return await RingFile.OpenAsync("/fake");
    }

    [Fact]
    public void NoSplice_FallsBack_WithWhatIsInThePipeBetween()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SPLICE).Complete(3).Complete(-Errno.EINVAL);
        kernel.On(IORING_OP_READ).Bytes("abc").Bytes("de").Complete(0);
        kernel.On(IORING_OP_WRITE).Complete(3).Complete(2);
        kernel.Run(async () =>
        {
            using RingFile from = await FakeFile(kernel), to = await FakeFile(kernel);
            Assert.Equal(5, await from.CopyToAsync(100, to, 1000));
        });
        Assert.Equal([ulong.MaxValue, 103ul, 105], kernel.Taken.Where(op => op.Opcode == IORING_OP_READ).Select(op => op.Sqe.off));
        Assert.Equal([1000ul, 1003], kernel.Taken.Where(op => op.Opcode == IORING_OP_WRITE).Select(op => op.Sqe.off));
    }

    /// <summary>As a file opened for direct I/O does with a tail that is not aligned.</summary>
    [Theory]
    [InlineData(Errno.EINVAL, long.MaxValue)]
    [InlineData(Errno.EINVAL, 3)]
    [InlineData(Errno.EOPNOTSUPP, long.MaxValue)]
    public void NeitherSpliceNorWrite_TakesWhatIsInThePipeBetween_IsAnError(int errno, long count)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SPLICE).Complete(3).Complete(1).Complete(-Errno.EINVAL);
        kernel.On(IORING_OP_READ).Bytes("bc").Complete(0);
        kernel.On(IORING_OP_WRITE).Complete(-errno);
        kernel.Run(async () =>
        {
            using RingFile from = await FakeFile(kernel), to = await FakeFile(kernel);
            var e = Assert.IsType<RingCopyException>(await Fakes.Caught.By(from.CopyToAsync(to, count)));
            Assert.Equal((1, errno), (e.BytesCopied, e.HResult));
        });
        Assert.Single(kernel.Taken, op => op.Opcode == IORING_OP_READ);
    }

    /// <summary>Before 6.1 a send that waits for all and is cancelled does not say how much had left.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sends_WaitForAll_WhereTheKernelStillSaysHowMuchLeft(bool old)
    {
        using FakeKernel kernel = old ? FakeKernel.Linux510() : new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("abc").Complete(0);
        kernel.On(IORING_OP_SEND).Complete(2).Complete(1);
        kernel.Run(async () =>
        {
            using RingConnection from = RingConnection.Adopt(kernel.NewFd()), to = RingConnection.Adopt(kernel.NewFd());
            Assert.Equal(3, await from.CopyToAsync(to));
        });
        uint expected = (uint)(SocketConstants.MSG_NOSIGNAL | (old ? 0 : SocketConstants.MSG_WAITALL));
        Assert.All(kernel.Taken.Where(op => op.Opcode == IORING_OP_SEND), op => Assert.Equal(expected, op.Sqe.msg_flags));
    }

    [Fact]
    public void ShortSplices_AndAFullDisk()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SPLICE).Complete(100).Complete(40).Complete(60).Complete(50).Complete(20).Complete(-Errno.ENOSPC);
        kernel.On(IORING_OP_POLL_ADD).Complete(SocketConstants.POLLIN).Complete(SocketConstants.POLLIN);
        kernel.Run(async () =>
        {
            using var from = RingConnection.Adopt(kernel.NewFd());
            using RingFile to = await FakeFile(kernel);
            var e = Assert.IsType<RingCopyException>(await Fakes.Caught.By(from.CopyToAsync(0, to, 7)));
            Assert.Equal((120, 30), (e.BytesCopied, e.BytesLost));
            Assert.Contains("after 120 bytes; 30 more, taken from the source, are lost", e.Message, StringComparison.Ordinal);
        });
        FakeOp[] splices = [.. kernel.Taken.Where(op => op.Opcode == IORING_OP_SPLICE)];
        Assert.Equal([ulong.MaxValue, 7, 47, ulong.MaxValue, 107, 127], splices.Select(op => op.Sqe.off));
        Assert.Equal([262_144u, 100, 60, 262_144, 50, 30], splices.Select(op => op.Sqe.len));
        Assert.All(splices, op => Assert.Equal(OpFlags.SPLICE_F_NONBLOCK, op.Sqe.splice_flags));
    }

    /// <summary>A worker says it when its process is stopped and goes on.</summary>
    [Theory]
    [InlineData(Errno.EINTR)]
    [InlineData(512)]
    public void Interrupted_GoesOn(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SPLICE).Complete(-errno).Complete(10).Complete(-errno).Complete(10).Complete(0);
        kernel.Run(async () =>
        {
            using RingFile from = await FakeFile(kernel), to = await FakeFile(kernel);
            Assert.Equal(10, await from.CopyToAsync(to));
        });
    }

    [Fact]
    public void NotReady_IsPolled_NotBusy()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SPLICE).Complete(-Errno.EAGAIN).Complete(10).Complete(0);
        kernel.On(IORING_OP_POLL_ADD).Always(op => op.Finish((int)op.Sqe.poll32_events));
        kernel.Run(async () =>
        {
            using RingPipe from = RingPipe.Adopt(kernel.NewFd()), to = RingPipe.Adopt(kernel.NewFd());
            Assert.Equal(10, await from.CopyToAsync(to));
        });
        Assert.Equal(
            [SocketConstants.POLLIN, 0, SocketConstants.POLLOUT, SocketConstants.POLLIN, 0, SocketConstants.POLLIN, 0],
            kernel.Taken.Where(op => op.Opcode is IORING_OP_POLL_ADD or IORING_OP_SPLICE).Select(op => op.Opcode == IORING_OP_SPLICE ? 0 : (int)op.Sqe.poll32_events));
    }

    [Fact]
    public void WriteFails_WhileTheReadAheadWaits_TheReadIsCancelled_ItsBytesAreCounted()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("first").Hold();
        kernel.On(IORING_OP_SEND).Hold();
        kernel.On(IORING_OP_ASYNC_CANCEL).Run(op =>
        {
            kernel.Deliver(IORING_OP_RECV, "late");
            op.Finish(-Errno.ENOENT);
        });
        kernel.Run(async () =>
        {
            using RingConnection from = RingConnection.Adopt(kernel.NewFd()), to = RingConnection.Adopt(kernel.NewFd());
            ValueTask<long> copying = from.CopyToAsync(to);
            await Op.Nop();
            await Op.Nop();
            kernel.Complete(IORING_OP_SEND, -Errno.EPIPE);
            var e = Assert.IsType<RingCopyException>(await Fakes.Caught.By(copying));
            Assert.Equal((0, 9), (e.BytesCopied, e.BytesLost));
            Assert.IsType<System.Net.Sockets.SocketException>(e.InnerException);
        });
    }

    /// <summary>A caller's synchronization context of its own kind sends continuations to other threads: a copy's are the ring's.</summary>
    [Fact]
    public void CallersContextIsForeign_TheCopyStaysOnTheRing()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Bytes("first").Hold();
        kernel.On(IORING_OP_SEND).Complete(5).Complete(6);
        kernel.WhenIdle(() => kernel.Deliver(IORING_OP_RECV, "second"));
        kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 0));
        kernel.Run(async () =>
        {
            using RingConnection from = RingConnection.Adopt(kernel.NewFd()), to = RingConnection.Adopt(kernel.NewFd());
            SynchronizationContext? own = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(new SynchronizationContext()); // Posts to the thread pool.
            ValueTask<long> copying = from.CopyToAsync(to);
            SynchronizationContext.SetSynchronizationContext(own);
            Assert.Equal(11, await copying);
        });
    }

    /// <summary>A copy within one file, at offsets that overlap or do not, by one handle or two, appended or not.</summary>
    [Theory]
    [InlineData(0, 0, 1000, true)]
    [InlineData(0, 100, long.MaxValue, true)]
    [InlineData(0, 100, 101, true)]
    [InlineData(0, 100, 100, false)]
    [InlineData(0, 1000, 1000, false)]
    [InlineData(0, 1000, 1001, true)] // It would read what it has appended.
    [InlineData(100, 0, 101, true)]
    [InlineData(100, 0, 100, false)]
    [InlineData(600, 0, long.MaxValue, false)] // To the end: 400 bytes.
    [InlineData(400, 0, long.MaxValue, true)]
    [InlineData(1000, 1000, long.MaxValue, false)] // Nothing at all.
    [InlineData(0, 0, 0, false)]
    public void WithinOneFile_OverlappingRanges_AreRefused(long from, long to, long count, bool refused) => Run(All, async () =>
    {
        string path = Path.Combine(_directory, "one"), link = Path.Combine(_directory, "link");
        byte[] bytes = RandomBytes(1000, 11);
        File.CreateSymbolicLink(link, "one");
        for (int way = 0; way < 3; way++)
        {
            File.WriteAllBytes(path, bytes);
            await using RingFile source = await RingFile.OpenAsync(path, access: FileAccess.ReadWrite);
            await using RingFile target = way < 2
                ? await RingFile.OpenAsync(link, access: FileAccess.ReadWrite)
                : await RingFile.OpenAsync(path, FileMode.Append, FileAccess.Write);
            if (way == 2 && to != 1000)
                continue; // It is written at the end, wherever that is.
            Task<long> copying = source.CopyToAsync(from, way == 0 ? source : target, to, count).AsTask();
            if (refused)
            {
                Assert.Equal(Errno.EINVAL, (await Throws<IOException>(async () => await copying)).HResult);
                Assert.Equal(bytes, File.ReadAllBytes(path));
                continue;
            }

            long copied = Math.Min(count, 1000 - from);
            Assert.Equal(copied, await copying);
            byte[] expected = new byte[Math.Max(1000, to + copied)];
            bytes.CopyTo(expected, 0);
            bytes.AsSpan((int)from, (int)copied).CopyTo(expected.AsSpan((int)to));
            Assert.Equal(expected, File.ReadAllBytes(path));
        }
    });

    [Fact]
    public void OntoItself_AtItsOwnPosition_IsRefused_AndAnEchoIsNot() => Run(All, async () =>
    {
        string path = Path.Combine(_directory, "one");
        File.WriteAllText(path, "content");
        using (FileStream output = new(path, FileMode.Append)) // As "cat file >> file".
        {
            RingPipe standard = RingPipe.Adopt((int)output.SafeFileHandle.DangerousGetHandle(), ownsFd: false);
            await using RingFile file = await RingFile.OpenAsync(path);
            await Throws<IOException>(async () => await file.CopyToAsync(standard));
            standard.Dispose();
        }

        Assert.Equal("content", File.ReadAllText(path));
        (RingConnection a, RingConnection b) = RingConnection.CreatePair();
        RingTask<long> echo = RingExecutor.Spawn(() => a.CopyToAsync(a));
        await b.WriteAsync("hello"u8.ToArray());
        byte[] back = new byte[5];
        await b.ReadExactlyAsync(back);
        b.Dispose();
        await Fakes.Caught.By(new ValueTask<long>(echo.AsTask()));
        a.Dispose();
        Assert.Equal("hello"u8, back);
    });

    [Theory, MemberData(nameof(Kinds))]
    public void BorrowedSocket_KeepsItsFlags(string mode, string from, string to) => Run(mode, async () =>
    {
        byte[] bytes = RandomBytes(500_000, 12);
        (RingHandle source, RingTask feeding) = await Source(from, bytes);
        (RingHandle target, RingTask<byte[]> arriving) = await Target(to);
        (int, int) before = (Flags(source), Flags(target));
        RingHandle lentSource = Borrowed(source), lentTarget = Borrowed(target);
        Task<long> copying = lentSource.CopyToAsync(lentTarget).AsTask();
        Assert.Equal(before, (Flags(source), Flags(target)));
        Assert.Equal(bytes.Length, await copying);
        Assert.Equal(before, (Flags(source), Flags(target)));
        await feeding;
        if (!ReferenceEquals(lentSource, source))
            lentSource.Dispose();
        if (!ReferenceEquals(lentTarget, target))
            lentTarget.Dispose();
        source.Dispose();
        await target.DisposeAsync();
        byte[] arrived = await arriving;
        if (to == "file")
            arrived = File.ReadAllBytes(Path.Combine(_directory, "target"));
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(arrived));
    });

    private static int Flags(RingHandle handle) => Libc.fcntl(handle.Fd, FileConstants.F_GETFL, 0);

    private static RingHandle Borrowed(RingHandle handle) => handle switch
    {
        RingConnection => RingConnection.Adopt(handle.Fd, ownsFd: false),
        RingPipe => RingPipe.Adopt(handle.Fd, ownsFd: false),
        _ => handle,
    };
}

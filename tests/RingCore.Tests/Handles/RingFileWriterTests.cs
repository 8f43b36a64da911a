// Tests: Handles. The streaming writer over a fake kernel: one write in flight while the other buffer fills, short writes go on,
// errors come at the next call and at disposal with what is known to be written. Then against real files, a full disk included.

using System.Runtime.InteropServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed class RingFileWriterTests : LiveTest, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private static async RingTask<RingFile> Open(FakeKernel kernel, FileMode mode = FileMode.Create)
    {
        int fd = kernel.NewFd();
        kernel.On(IORING_OP_OPENAT).Complete(fd);
        return await RingFile.OpenAsync("fake", mode, FileAccess.Write);
    }

    [Fact]
    public void OneWriteIsInFlight_WhileTheOtherBufferFills()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_WRITE);
        byte[] data = RandomBytes(12_000, 1);
        var written = new MemoryStream();
        var offsets = new List<ulong>();
        void Finish()
        {
            FakeOp op = Assert.Single(kernel.InFlight(IORING_OP_WRITE));
            offsets.Add(op.Sqe.off);
            written.Write(op.Payload());
            op.Finish((int)op.Sqe.len);
        }

        kernel.Run(async () =>
        {
            await using RingFile file = await Open(kernel);
            RingFileWriter writer = file.CreateWriter(offset: 100, bufferSize: 4096);
            for (int i = 0; i < 8; i++)
                Assert.True(writer.WriteAsync(data.AsMemory(i * 1000, 1000)).IsCompletedSuccessfully, $"{i}");
            Assert.Equal((8000, 0), (writer.Accepted, writer.Written));
            Assert.Equal(1, file.InFlight);
            ValueTask blocked = writer.WriteAsync(data.AsMemory(8000, 1000)); // Both are full: 4,096 with the kernel, 3,904 + 192 here.
            Assert.False(blocked.IsCompleted);
            Assert.Throws<InvalidOperationException>(() => _ = writer.WriteAsync(data));
            Assert.Throws<InvalidOperationException>(() => _ = writer.FlushAsync());
            kernel.WhenIdle(Finish);
            await blocked;
            Assert.Equal(4096, writer.Written);
            Assert.Equal(1, file.InFlight);
            await writer.WriteAsync(data.AsMemory(9000, 100));
            kernel.WhenIdle(Finish).WhenIdle(Finish);
            await writer.FlushAsync();
            Assert.Equal((9100, 9100), (writer.Accepted, writer.Written));
            await writer.DisposeAsync(); // Nothing left: no op.
            await writer.DisposeAsync();
            Assert.Throws<ObjectDisposedException>(() => _ = writer.WriteAsync(data));
        });
        Assert.Equal(data[..9100], written.ToArray());
        Assert.Equal([100ul, 4196, 8292], offsets);
    }

    [Fact]
    public void LargeMemory_FillsBuffer_AfterBuffer_AndShortWritesGoOn()
    {
        using var kernel = new FakeKernel();
        byte[] data = RandomBytes(100_000, 2);
        byte[] file = new byte[data.Length];
        int ops = 0;
        kernel.On(IORING_OP_WRITE).Always(op =>
        {
            int take = Math.Min(++ops * 7000, (int)op.Sqe.len);
            op.Payload().AsSpan(0, take).CopyTo(file.AsSpan((int)op.Sqe.off));
            op.Finish(take);
        });
        kernel.Run(async () =>
        {
            await using RingFile target = await Open(kernel);
            await using RingFileWriter writer = target.CreateWriter(bufferSize: 65536);
            await writer.WriteAsync(data.AsMemory(0, 70_000));
            Assert.Equal((70_000, 0), (writer.Accepted, writer.Written));
            await writer.WriteAsync(data.AsMemory(70_000));
            await writer.FlushAsync();
            Assert.Equal(100_000, writer.Written);
        });
        Assert.Equal(data, file);
    }

    [Theory]
    [InlineData(Errno.ENOSPC)]
    [InlineData(Errno.EDQUOT)]
    [InlineData(Errno.EFBIG)]
    public void Error_ComesAtTheNextCall_AndAtDisposal_WithWhatIsWritten(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Complete(4096).Complete(1000).Complete(-errno);
        kernel.Run(async () =>
        {
            await using RingFile file = await Open(kernel);
            RingFileWriter writer = file.CreateWriter(bufferSize: 4096);
            byte[] piece = new byte[2048];
            for (int i = 0; i < 4; i++)
                await writer.WriteAsync(piece);
            await SettleAsync(file);
            await writer.WriteAsync(new byte[1]); // Sends the second buffer, which had stood full.
            await SettleAsync(file);
            for (int i = 0; i < 3; i++)
            {
                IOException e = Assert.IsType<IOException>(await Caught.By(writer.WriteAsync(new byte[1])));
                Assert.Equal(errno, e.HResult);
                Assert.Contains("Of 8193 bytes this writer has taken, 5096 are in the file", e.Message, StringComparison.Ordinal);
                Assert.Equal(1000L, e.InnerException!.Data["BytesWritten"]);
            }

            Assert.Equal(5096, writer.Written);
            Assert.IsType<IOException>(await Caught.By(writer.FlushAsync()));
            Assert.IsType<IOException>(await Caught.By(writer.DisposeAsync()));
            Assert.Null(await Caught.By(writer.DisposeAsync()));
        });
    }

    private static async RingTask SettleAsync(RingFile file)
    {
        do
            await RingExecutor.Yield();
        while (file.InFlight > 0);
        await RingExecutor.Yield(); // What the reap has queued runs.
    }

    [Theory, MemberData(nameof(AllModes))]
    public void RandomPieces_AreTheFile(string mode)
    {
        const int seed = 57;
        Run(mode, async () =>
        {
            var random = new Random(seed);
            foreach (FileMode fileMode in new[] { FileMode.Create, FileMode.Append })
            {
                byte[] data = RandomBytes(2_000_000, seed);
                string path = Path.Combine(_folder, $"{fileMode}");
                File.WriteAllText(path, "before");
                await using (RingFile file = await RingFile.OpenAsync(path, fileMode, FileAccess.Write))
                {
                    await using RingFileWriter writer = file.CreateWriter(bufferSize: 64 * 1024);
                    int at = 0;
                    while (at < data.Length)
                    {
                        int length = Math.Min(random.Next(20) switch { 0 => random.Next(300_000), 1 => 65536, 2 => 0, _ => random.Next(3000) }, data.Length - at);
                        await writer.WriteAsync(data.AsMemory(at, length));
                        at += length;
                        Assert.Equal(at, writer.Accepted);
                        if (random.Next(50) == 0)
                        {
                            await writer.FlushAsync();
                            Assert.Equal(at, writer.Written);
                            Assert.Equal(at, (await file.GetStatusAsync()).Length - (fileMode == FileMode.Append ? 6 : 0));
                        }
                    }
                }

                byte[] got = File.ReadAllBytes(path);
                Assert.True(data.AsSpan().SequenceEqual(got.AsSpan(fileMode == FileMode.Append ? 6 : 0)), $"seed {seed}, {fileMode}");
            }
        });
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int mount(string source, string target, string type, ulong flags, string data);

    [DllImport("libc", SetLastError = true)]
    private static extern int umount2(string target, int flags);

    [Theory, MemberData(nameof(Modes))]
    public void FullDisk_SaysHowMuchIsWritten(string mode)
    {
        RequireIoUring();
        string disk = Path.Combine(_folder, "disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(mount("tmpfs", disk, "tmpfs", 0, "size=1m") == 0, "no mount allowed here");
        try
        {
            Run(mode, async () =>
            {
                byte[] data = RandomBytes(3_000_000, 7);
                await using (RingFile file = await RingFile.OpenAsync(Path.Combine(disk, "a"), FileMode.Create, FileAccess.ReadWrite))
                {
                    IOException e = await Throws<IOException>(async () => await file.WriteAsync(data, 0));
                    Assert.Equal(Errno.ENOSPC, e.HResult);
                    long written = (long)e.Data["BytesWritten"]!;
                    Assert.Equal(1 << 20, written);
                    Assert.Contains($"{written} of {data.Length} bytes", e.Message, StringComparison.Ordinal);
                    byte[] got = new byte[written];
                    await file.ReadExactlyAsync(got, 0);
                    Assert.True(data.AsSpan(0, got.Length).SequenceEqual(got));
                    e = await Throws<IOException>(async () => await file.AllocateAsync(0, 5_000_000));
                    Assert.Equal(Errno.ENOSPC, e.HResult);
                    await file.SetLengthAsync(0);
                    IOException gathered = await Throws<IOException>(async () =>
                        await file.WriteAsync([data.AsMemory(0, 700_000), data.AsMemory(700_000, 700_000)], 0));
                    Assert.Equal(1L << 20, gathered.Data["BytesWritten"]);
                    await file.SetLengthAsync(0);
                    RingFileWriter writer = file.CreateWriter(bufferSize: 65536);
                    IOException? last = null;
                    for (int at = 0; at < data.Length && last is null; at += 1000)
                        last = await Caught.By(writer.WriteAsync(data.AsMemory(at, 1000))) as IOException;
                    Assert.Equal(Errno.ENOSPC, last!.HResult);
                    Assert.Equal(1 << 20, writer.Written);
                    Assert.Equal(1 << 20, new FileInfo(file.Path).Length);
                    await Throws<IOException>(async () => await writer.DisposeAsync());
                }

                IOException full = await Throws<IOException>(async () =>
                {
                    await using RingFile another = await RingFile.OpenAsync(Path.Combine(disk, "b"), FileMode.Create, FileAccess.Write);
                    await another.AppendAsync(new byte[1]);
                });
                Assert.Equal(Errno.ENOSPC, full.HResult);
            });
        }
        finally
        {
            Assert.Equal(0, umount2(disk, 2)); // MNT_DETACH.
        }
    }
}

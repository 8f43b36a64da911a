// Tests: Handles. Conformance C6 55 to 59: data of every kind of transfer against a reference array, buffered and direct, aligned
// and not, in one memory or many, at any offset; whole writes over a fake kernel that cuts them; append, sizes, status, options.

using System.Buffers;
using System.Runtime.InteropServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using RingCore.Tests.Ops;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed class RingFileIoTests : LiveTest, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private string Name(string name) => Path.Combine(_folder, name);

    private static int AnyLength(Random random) => random.Next(8) switch
    {
        0 => 0,
        1 => 1,
        2 => 4095 + random.Next(3),
        3 => random.Next(1_200_000),
        _ => random.Next(20_000),
    };

    /// <summary>Cuts a memory into pieces, empty ones included.</summary>
    private static List<Memory<byte>> Pieces(Memory<byte> whole, Random random, int grain)
    {
        var list = new List<Memory<byte>>();
        while (!whole.IsEmpty)
        {
            int length = Math.Min(whole.Length, random.Next(1 + whole.Length / grain / 3) * grain);
            list.Add(whole[..length]);
            whole = whole[length..];
            if (list.Count > 40)
                break;
        }

        list.Add(whole);
        return list;
    }

    [Theory, MemberData(nameof(AllModes))]
    public void Transfers_OfEveryKind_EqualTheReference(string mode)
    {
        const int seed = 5501;
        Run(mode, async () =>
        {
            var random = new Random(seed);
            byte[] model = new byte[3_000_000];
            int length = 0;
            string path = Name("model");
            await using RingFile buffered = await RingFile.OpenAsync(path, FileMode.CreateNew, FileAccess.ReadWrite);
            await using RingFile direct = await RingFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite, RingFileOptions.Direct | RingFileOptions.WriteThrough);
            for (int round = 0; round < 60; round++)
            {
                bool isDirect = round % 3 == 2;
                int grain = isDirect ? 4096 : 1;
                RingFile file = isDirect ? direct : buffered;
                int offset = random.Next(1_500_000 / grain) * grain;
                Memory<byte> data = RingFile.AlignedMemory((AnyLength(random) + grain - 1) / grain * grain);
                random.NextBytes(data.Span);
                if (round % 2 == 0)
                    await file.WriteAsync(data, offset);
                else
                    await file.WriteAsync(Pieces(data, random, grain).ConvertAll(piece => (ReadOnlyMemory<byte>)piece), offset);
                data.Span.CopyTo(model.AsSpan(offset));
                if (!data.IsEmpty)
                    length = Math.Max(length, offset + data.Length);

                int from = random.Next((length + 5000) / grain) * grain;
                Memory<byte> got = RingFile.AlignedMemory((AnyLength(random) + grain - 1) / grain * grain);
                int expected = Math.Clamp(length - from, 0, got.Length);
                int count = round % 2 == 0 ? await file.ReadAsync(got, from) : await file.ReadAsync(Pieces(got, random, grain), from);
                Assert.True(expected == count, $"seed {seed}, round {round}: {count} of {expected}");
                Assert.True(model.AsSpan(from, count).SequenceEqual(got.Span[..count]), $"seed {seed}, round {round}");
                if (from + got.Length <= length)
                    await file.ReadExactlyAsync(got, from);
                else if (!got.IsEmpty)
                    Assert.Contains($"after {expected} of {got.Length} bytes", (await Throws<EndOfStreamException>(async () => await file.ReadExactlyAsync(got, from))).Message, StringComparison.Ordinal);
            }

            await buffered.FlushToDiskAsync();
            await direct.FlushToDiskAsync(dataOnly: true);
            Assert.True(model.AsSpan(0, length).SequenceEqual(File.ReadAllBytes(path)), $"seed {seed}");
        }, seconds: 60);
    }

    [Theory, MemberData(nameof(Modes))]
    public void UnalignedDirectTransfers_SayWhatIsWrong(string mode) => Run(mode, async () =>
    {
        File.WriteAllBytes(Name("d"), RandomBytes(10_000, 1));
        await using RingFile file = await RingFile.OpenAsync(Name("d"), FileMode.Open, FileAccess.ReadWrite, RingFileOptions.Direct);
        RingFileStatus status = await file.GetStatusAsync();
        Assert.NotEqual(0, status.DirectOffsetAlignment);
        Memory<byte> memory = RingFile.AlignedMemory(8192);
        IOException e = await Throws<IOException>(async () => await file.ReadAsync(memory[..4096], 1));
        Assert.Equal(Errno.EINVAL, e.HResult);
        Assert.Contains("must be aligned", e.Message, StringComparison.Ordinal);
        e = await Throws<IOException>(async () => await file.WriteAsync(memory.Slice(1, 4096), 0));
        Assert.Contains("O_DIRECT", e.Message, StringComparison.Ordinal);
        Assert.Equal(0L, e.Data["BytesWritten"]);
        Assert.Equal(4096, await file.ReadAsync(memory[..4096], 4096));
        Assert.Equal(10_000 - 8192, await file.ReadAsync(memory, 8192)); // The end is in mid-block.
        Assert.Throws<NotSupportedException>(() => file.CreateWriter());
        e = await Throws<IOException>(async () => await RingFile.OpenAsync("/proc/version", options: RingFileOptions.Direct));
        Assert.Contains("no O_DIRECT", e.Message, StringComparison.Ordinal);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void ShortAndInterruptedWrites_GoOnFromTheReap_AndPinOnce(int seed)
    {
        var random = new Random(seed);
        using var kernel = new FakeKernel();
        byte[] file = new byte[10_000];
        void Take(FakeOp op)
        {
            byte[] payload = op.Payload();
            int take = Math.Min(payload.Length, 1 + random.Next(300));
            if (random.Next(5) == 0)
            {
                op.Finish(-Errno.EINTR);
                return;
            }

            payload.AsSpan(0, take).CopyTo(file.AsSpan((int)op.Sqe.off));
            op.Finish(take);
        }

        kernel.On(IORING_OP_WRITE).Always(Take);
        kernel.On(IORING_OP_WRITEV).Always(Take);
        kernel.Run(async () =>
        {
            await using RingFile target = await OpenFake(kernel);
            var one = new HookedMemory(new string('a', 1000));
            await target.WriteAsync(one.Memory, 10);
            Assert.Equal((1, 0), (one.Taken, one.Pins));
            HookedMemory[] several = [new("bcd"), new(""), new(new string('e', 700)), new("f"), new(new string('g', 300))];
            await target.WriteAsync([.. several.Select(memory => (ReadOnlyMemory<byte>)memory.Memory)], 2000);
            Assert.All(several, memory => Assert.Equal((memory.Memory.IsEmpty ? 0 : 1, 0), (memory.Taken, memory.Pins)));
        });
        Assert.Equal(new string('a', 1000), System.Text.Encoding.UTF8.GetString(file, 10, 1000));
        Assert.Equal($"bcd{new string('e', 700)}f{new string('g', 300)}\0", System.Text.Encoding.UTF8.GetString(file, 2000, 1005));
    }

    private static async RingTask<RingFile> OpenFake(FakeKernel kernel)
    {
        int fd = kernel.NewFd();
        kernel.On(IORING_OP_OPENAT).Complete(fd);
        return await RingFile.OpenAsync("fake", FileMode.Open, FileAccess.ReadWrite);
    }

    [Fact]
    public void WriteThatFailsOrIsCancelledHalfway_SaysHowMuchIsThere()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            RingFile file = await OpenFake(kernel);
            kernel.On(IORING_OP_WRITE).Complete(40).Complete(-Errno.EIO).Complete(0).Complete(30).Hold().Hold();
            IOException e = Assert.IsType<IOException>(await Caught.By(file.WriteAsync(new byte[100], 0)));
            Assert.Equal((Errno.EIO, 40L), (e.HResult, e.Data["BytesWritten"]));
            e = Assert.IsType<IOException>(await Caught.By(file.WriteAsync(new byte[100], 0))); // Nothing, and no error: it does not try for ever.
            Assert.Equal((Errno.EIO, 0L), (e.HResult, e.Data["BytesWritten"]));

            using var source = new CancellationTokenSource();
            ValueTask write = file.WriteAsync(new byte[100], 0, source.Token);
            await RingExecutor.Yield();
            await RingExecutor.Yield();
            source.Cancel();
            e = Assert.IsType<IOException>(await Caught.By(write));
            Assert.IsType<OperationCanceledException>(e.InnerException);
            Assert.Equal(30L, e.Data["BytesWritten"]);

            write = file.WriteAsync(new byte[100], 0);
            await RingExecutor.Yield();
            file.Dispose();
            Assert.IsType<ObjectDisposedException>(await Caught.By(write));
        });
    }

    [Fact]
    public void CancelAll_EndsAShortWrite_ThatWouldHaveGoneOn()
    {
        using var kernel = new FakeKernel();
        kernel.NeverCancels(IORING_OP_WRITE);
        kernel.Hold(IORING_OP_WRITE);
        kernel.Run(async () =>
        {
            await using RingFile file = await OpenFake(kernel);
            ValueTask write = file.WriteAsync(new byte[100], 0);
            await RingExecutor.Yield();
            file.CancelAll();
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_WRITE, 60));
            IOException e = Assert.IsType<IOException>(await Caught.By(write));
            Assert.Equal(60L, e.Data["BytesWritten"]);
        });
    }

    [Theory, MemberData(nameof(AllModes))]
    public void AppendsFromTwoTasks_AllArrive_InOnePieceEach(string mode) => Run(mode, async () =>
    {
        foreach (FileMode fileMode in new[] { FileMode.Append, FileMode.OpenOrCreate })
        {
            string path = Name($"log {fileMode}");
            File.WriteAllText(path, "first\n");
            await using (RingFile one = await RingFile.OpenAsync(path, fileMode, FileAccess.Write))
            await using (RingFile two = await RingFile.OpenAsync(path, fileMode, FileAccess.Write))
            {
                RingTask a = RingExecutor.Spawn(() => Append(one, "a"));
                RingTask b = RingExecutor.Spawn(() => Append(two, "b"));
                await a;
                await b;
            }

            string[] lines = File.ReadAllLines(path);
            Assert.Equal("first", lines[0]);
            foreach (string who in new[] { "a", "b" })
                Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{who} {i} {new string('x', i)}"), lines.Where(line => line.StartsWith(who, StringComparison.Ordinal)));
            Assert.Equal(401, lines.Length);
        }
    });

    private static async RingTask Append(RingFile file, string who)
    {
        for (int i = 0; i < 200; i++)
        {
            byte[] head = System.Text.Encoding.UTF8.GetBytes($"{who} {i} ");
            byte[] tail = System.Text.Encoding.UTF8.GetBytes(new string('x', i) + "\n");
            if (i % 2 == 0)
                await file.AppendAsync([head, tail]);
            else
                await file.AppendAsync((byte[])[.. head, .. tail]);
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public void AppendModeFile_RefusesOffsets(string mode) => Run(mode, async () =>
    {
        await using RingFile file = await RingFile.OpenAsync(Name("a"), FileMode.Append, FileAccess.Write);
        Assert.Throws<NotSupportedException>(() => _ = file.WriteAsync(new byte[1], 0));
        await file.AppendAsync("x"u8.ToArray());
        await file.AppendAsync(ReadOnlyMemory<byte>.Empty);
        await file.AppendAsync([]);
        Assert.Equal("x", File.ReadAllText(Name("a")));
    });

    [Theory, MemberData(nameof(Modes))]
    public void MoreMemoriesThanOneRequestCanName_AreWrittenAll(string mode) => Run(mode, async () =>
    {
        byte[] data = RandomBytes(10_000, 4);
        await using RingFile file = await RingFile.OpenAsync(Name("v"), FileMode.CreateNew, FileAccess.ReadWrite);
        await file.WriteAsync([.. Enumerable.Range(0, 2500).Select(i => (ReadOnlyMemory<byte>)data.AsMemory(i * 4, 4))], 7);
        Assert.Equal(data, File.ReadAllBytes(Name("v"))[7..]);
        byte[] got = new byte[10_000];
        Assert.Equal(4096, await file.ReadAsync([.. Enumerable.Range(0, 2500).Select(i => got.AsMemory(i * 4, 4))], 7));
        Assert.Equal(data[..4096], got[..4096]);
        Assert.Equal(0, await file.ReadAsync(Array.Empty<Memory<byte>>(), 0));
        await file.WriteAsync(Array.Empty<ReadOnlyMemory<byte>>(), 0);
    });

    [Theory, MemberData(nameof(Modes))]
    public void LengthsAndStatus_EqualSystemIo(string mode) => Run(mode, async () =>
    {
        await using RingFile file = await RingFile.OpenAsync(Name("s"), FileMode.CreateNew, FileAccess.ReadWrite, createMode: UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await file.WriteAsync(RandomBytes(5000, 1), 0);
        foreach (long length in new[] { 3000, 0, 8_000_000_000, 10 })
        {
            await file.SetLengthAsync(length);
            OpFilesTests.AssertSame(new FileInfo(Name("s")), await file.GetStatusAsync(), links: 1);
            Assert.Equal(length, new FileInfo(Name("s")).Length);
        }

        await file.AllocateAsync(0, 100_000);
        RingFileStatus status = await file.GetStatusAsync();
        Assert.Equal(100_000, status.Length);
        Assert.True(status.AllocatedLength >= 100_000);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, status.Mode);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = file.SetLengthAsync(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = file.AllocateAsync(0, 0));
        using var source = new CancellationTokenSource();
        source.Cancel();
        await Throws<OperationCanceledException>(async () => await file.SetLengthAsync(1, source.Token));

        await using RingFile readOnly = await RingFile.OpenAsync(Name("s"));
        IOException e = await Throws<IOException>(async () => await readOnly.SetLengthAsync(1));
        Assert.Equal(Errno.EINVAL, e.HResult);
        await Throws<UnauthorizedAccessException>(async () => await readOnly.AllocateAsync(0, 1));
        await readOnly.FlushToDiskAsync();
        await using RingFile device = await RingFile.OpenAsync("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        await device.FlushToDiskAsync(); // The kernel says EINVAL, FileStream nothing.
        await using RingFile folder = await RingFile.OpenAsync(_folder); // A directory, to flush a rename.
        await folder.FlushToDiskAsync();
        Assert.True((await folder.GetStatusAsync()).IsDirectory);
    });

    /// <summary>Conformance C6 58, and 59's large files: beyond 4 GiB, and beyond what the file system holds.</summary>
    [Theory, MemberData(nameof(Modes))]
    public void LargeOffsets_Work_UpToTheFileSystemsLimit(string mode) => Run(mode, async () =>
    {
        await using RingFile file = await RingFile.OpenAsync(Name("l"), FileMode.CreateNew, FileAccess.ReadWrite);
        byte[] data = RandomBytes(5000, 8);
        foreach (long offset in new[] { int.MaxValue - 10L, uint.MaxValue - 10L, 1L << 40 })
        {
            await file.WriteAsync(data, offset);
            byte[] got = new byte[data.Length];
            await file.ReadExactlyAsync(got, offset);
            Assert.Equal(data, got);
        }

        Assert.Equal(0, await file.ReadAsync(data, 1L << 41));
        await file.SetLengthAsync(0);
        IOException e = await Throws<IOException>(async () => await file.WriteAsync(data, long.MaxValue - 5000));
        Assert.Contains(e.HResult, (int[])[Errno.EFBIG, Errno.EINVAL]);
    });

    [DllImport("libc", SetLastError = true)]
    private static extern unsafe int setrlimit(int resource, ulong* limit);

    [Fact]
    public void FileSizeLimit_IsEFBIG_WithWhatWasWritten() =>
        DescriptorLimitTests.RunChild(nameof(Child_FileSizeLimit), typeof(RingFileIoTests));

    [Theory, MemberData(nameof(Modes))]
    public unsafe void Child_FileSizeLimit(string mode)
    {
        DescriptorLimitTests.OnlyInChild();
        ulong* limit = stackalloc ulong[2] { 100_000, ulong.MaxValue };
        Assert.Equal(0, setrlimit(1, limit)); // RLIMIT_FSIZE.
        Run(mode, LimitedAsync);
        limit[0] = ulong.MaxValue;
        Assert.Equal(0, setrlimit(1, limit));
    }

    private async RingTask LimitedAsync()
    {
        byte[] data = RandomBytes(300_000, 2);
        await using RingFile file = await RingFile.OpenAsync(Name("big"), FileMode.Create, FileAccess.ReadWrite);
        IOException e = await Throws<IOException>(async () => await file.WriteAsync(data, 10));
        Assert.Equal(Errno.EFBIG, e.HResult);
        Assert.Equal(99_990L, e.Data["BytesWritten"]);
        Assert.True(File.ReadAllBytes(Name("big")).AsSpan(10).SequenceEqual(data.AsSpan(0, 99_990)));
        e = await Throws<IOException>(async () => await file.AppendAsync(data));
        Assert.Equal((Errno.EFBIG, 0L), (e.HResult, e.Data["BytesWritten"]));
        if (RingExecutor.Current!.Ring.Features.HasFlag(RingFeatures.Ftruncate))
            Assert.Equal(Errno.EFBIG, (await Throws<IOException>(async () => await file.SetLengthAsync(100_001))).HResult);
        Assert.Equal(Errno.EFBIG, (await Throws<IOException>(async () => await file.AllocateAsync(0, 100_001))).HResult);
    }

    /// <summary>Memory that is promised, not there: a write to /dev/null does not look at it.</summary>
    private sealed unsafe class Promised(int length) : MemoryManager<byte>
    {
        private readonly nint _address = Libc.mmap(null, (nuint)length, FileConstants.PROT_READ, FileConstants.MAP_PRIVATE | FileConstants.MAP_ANONYMOUS, -1, 0);

        public override Span<byte> GetSpan() => new((void*)_address, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)_address + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing) => Libc.munmap((void*)_address, (nuint)length);
    }

    [Theory, MemberData(nameof(Modes))]
    public void LongerThanTheKernelTakesAtOnce_IsWrittenAll(string mode) => Run(mode, async () =>
    {
        using var promised = new Promised(int.MaxValue);
        await using RingFile file = await RingFile.OpenAsync("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        long before = RingExecutor.Current!.Counters.Sqes;
        await file.WriteAsync(promised.Memory, 0);
        await file.WriteAsync([promised.Memory, promised.Memory], 0);
        Assert.True(RingExecutor.Current!.Counters.Sqes - before is >= 5 and < 12); // 0x7ffff000 bytes a request.
        Assert.Equal(0x7ffff000, (await Op.Write(file, promised.Memory, 0)).Res);
    });

    [Theory, MemberData(nameof(Modes))]
    public void OpenOptions_DoWhatTheySay(string mode) => Run(mode, async () =>
    {
        File.WriteAllText(Name("file"), "content");
        File.CreateSymbolicLink(Name("link"), "file");
        await using (RingFile file = await RingFile.OpenAsync(Name("link"), options: RingFileOptions.NoAccessTime))
            Assert.Equal(7, await file.ReadAsync(new byte[10], 0));
        Assert.Equal(Errno.ELOOP, (await Throws<IOException>(async () => await RingFile.OpenAsync(Name("link"), options: RingFileOptions.NoFollow))).HResult);
        await using (RingFile file = await RingFile.OpenAsync(Name("file"), options: RingFileOptions.DeleteOnClose))
        {
            Assert.True(File.Exists(Name("file")));
            ValueTask<int> read = file.ReadAsync(new byte[10], 0);
            file.Dispose();
            try
            {
                Assert.Equal(7, await read);
            }
            catch (ObjectDisposedException)
            {
            }
        }

        Assert.False(File.Exists(Name("file")));
        await using (await RingFile.OpenAsync(Name("private"), FileMode.Create, FileAccess.Write, createMode: UnixFileMode.UserWrite))
            Assert.Equal(UnixFileMode.UserWrite, new FileInfo(Name("private")).UnixFileMode);
        await using (await RingFile.OpenAsync(Name("usual"), FileMode.Create, FileAccess.Write))
            Assert.Equal(0x1B6, (int)new FileInfo(Name("usual")).UnixFileMode | 0x12); // 0666, whatever the umask takes away.
        await Throws<ArgumentOutOfRangeException>(async () => await RingFile.OpenAsync(Name("x"), (FileMode)77));
        await Throws<ArgumentOutOfRangeException>(async () => await RingFile.OpenAsync(Name("x"), FileMode.Open, (FileAccess)4));
    });

    [Theory, MemberData(nameof(Modes))]
    public void ThousandFiles_OpenAtOnce(string mode) => Run(mode, async () =>
    {
        for (int i = 0; i < 1000; i++)
            File.WriteAllText(Name($"{i}"), $"file {i}");
        var opening = new ValueTask<RingFile>[1000];
        for (int i = 0; i < 1000; i++)
            opening[i] = RingFile.OpenAsync(Name($"{i}"), FileMode.Open, FileAccess.ReadWrite);
        var files = new RingFile[1000];
        for (int i = 0; i < 1000; i++)
            files[i] = await opening[i];
        var reads = new (byte[] Buffer, ValueTask<int> Read)[1000];
        for (int i = 0; i < 1000; i++)
        {
            byte[] buffer = new byte[20];
            reads[i] = (buffer, files[i].ReadAsync(buffer, 0));
        }

        for (int i = 0; i < 1000; i++)
        {
            int count = await reads[i].Read;
            Assert.Equal($"file {i}", System.Text.Encoding.UTF8.GetString(reads[i].Buffer, 0, count));
        }

        foreach (RingFile file in files)
            await file.DisposeAsync();
    });

    [Fact]
    public void MemoryThatRefuses_ThrowsAtTheCall_AndLeavesNothing()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await using RingFile file = await OpenFake(kernel);
            var fine = new HookedMemory("fine");
            HookedMemory refusing = HookedMemory.Refusing("refusing");
            Assert.Throws<NotSupportedException>(() => _ = file.WriteAsync(refusing.Memory, 0));
            Assert.Throws<NotSupportedException>(() => _ = file.WriteAsync([fine.Memory, refusing.Memory], 0));
            Assert.Equal((1, 0), (fine.Taken, fine.Pins));
            Assert.Equal(0, file.InFlight);
        });
    }

    [Theory, MemberData(nameof(Modes))]
    public void WarmTransfers_AllocateNothing(string mode) => Run(mode, async () =>
    {
        await using RingFile file = await RingFile.OpenAsync(Name("w"), FileMode.CreateNew, FileAccess.ReadWrite);
        byte[] memory = GC.AllocateArray<byte>(100, pinned: true);
        long most = long.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int j = 0; j < 10; j++)
            {
                await file.WriteAsync(memory, 0);
                await file.ReadAsync(memory, 0);
            }

            most = Math.Min(most, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, most);
    });
}

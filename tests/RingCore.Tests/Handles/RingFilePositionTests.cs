// Tests: Handles. A RingFile of what has no position (FIFO, pipe, terminal, device) and of what only seems to
// have a length (/proc): the answer is System.IO's, the bytes are all there and in order. And paths: resolved
// once, whatever directory the process changes to.

using System.Runtime.InteropServices;
using System.Text;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed partial class RingFilePositionTests : LiveTest, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private string Name(string name) => Path.Combine(_folder, name);

    private string Fifo(string name)
    {
        Assert.Equal(0, mkfifo(Name(name), 0x1B6));
        return Name(name);
    }

    /// <summary>Numbers in lines: what is lost, doubled or moved shows.</summary>
    private static byte[] Lines(int count) => Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(1, count).Select(i => i + "\n")));

    private static FileStream Open(string path, FileAccess access) =>
        new(path, FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);

    /// <summary>
    /// A FIFO open for reading, and a thread outside RingCore that writes into it, in pieces of any length.
    /// </summary>
    private static async RingTask<(RingFile Fifo, Task Feeding)> Fed(string path, byte[] bytes, int seed)
    {
        using FileStream both = Open(path, FileAccess.ReadWrite); // No open has to wait for another.
        FileStream writer = Open(path, FileAccess.Write);
        Task feeding = Task.Run(() => Feed(writer, bytes, seed));
        return (await RingFile.OpenAsync(path), feeding);
    }

    private static void Feed(FileStream writer, byte[] bytes, int seed)
    {
        using FileStream stream = writer;
        var random = new Random(seed);
        for (int at = 0; at < bytes.Length;)
        {
            int count = Math.Min(random.Next(1, 70_000), bytes.Length - at);
            stream.Write(bytes, at, count);
            at += count;
        }
    }

    private static async RingTask<byte[]> ReadAll(RingFile file, int chunkSize = 128 * 1024, int depth = 4, long offset = 0)
    {
        var all = new MemoryStream();
        await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(offset, chunkSize, depth))
            all.Write(chunk.Span);
        return all.ToArray();
    }

    [Theory, MemberData(nameof(AllModes))]
    public void ReadAll_OfAFifo_IsInOrderAndWhole(string mode) => Run(mode, async () =>
    {
        byte[] lines = Lines(100_000);
        string path = Fifo("fifo");
        foreach ((int chunkSize, int depth, long offset) in new[] { (128 * 1024, 4, 0L), (1000, 64, 0L), (70_000, 1, 5L) })
        {
            (RingFile file, Task feeding) = await Fed(path, lines, chunkSize);
            await using RingFile disposed = file;
            Assert.False(file.CanSeek);
            byte[] read = await ReadAll(file, chunkSize, depth, offset);
            Assert.True(lines.AsSpan().SequenceEqual(read), $"{read.Length} of {lines.Length} bytes, chunks of {chunkSize}");
            await feeding;
        }
    });

    [Fact]
    public void ReadAll_OfAPipeByPath_YieldsWhatHasCome_AndLosesNothingWhenLeft() => Run(All, async () =>
    {
        (RingPipe reader, RingPipe writer) = RingPipe.Create();
        await writer.WriteAsync("some"u8.ToArray());
        await using (RingFile file = await RingFile.OpenAsync($"/proc/self/fd/{reader.Fd}"))
        {
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync())
            {
                Assert.Equal("some"u8, chunk.Span); // Although the writer is open: it is not filled up.
                await writer.WriteAsync("more"u8.ToArray());
                Assert.Equal(0, file.InFlight);
                break;
            }

            byte[] rest = new byte[4];
            await file.ReadExactlyAsync(rest, 1_000_000);
            Assert.Equal("more"u8, rest);
        }

        (reader, writer).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void EveryReadAndWrite_OfAFifo_IgnoresTheOffset(string mode) => Run(mode, async () =>
    {
        string path = Fifo("fifo");
        await using RingFile reader = await RingFile.OpenAsync(path, access: FileAccess.ReadWrite);
        await using RingFile writer = await RingFile.OpenAsync(path, access: FileAccess.Write);
        byte[] buffer = new byte[100];
        await writer.WriteAsync("one"u8.ToArray(), 77);
        ReadOnlyMemory<byte>[] list = ["two"u8.ToArray(), "three"u8.ToArray()];
        await writer.WriteAsync(list, 5);
        await writer.AppendAsync("four"u8.ToArray());
        list = ["fi"u8.ToArray(), "ve"u8.ToArray()];
        await writer.AppendAsync(list);
        await using (RingFileWriter gathered = writer.CreateWriter(offset: 10))
        {
            await gathered.WriteAsync("six"u8.ToArray());
            await gathered.FlushAsync();
            await gathered.WriteAsync("seven"u8.ToArray());
        }

        await writer.FlushToDiskAsync();
        Assert.Equal(4, await reader.ReadAsync(buffer.AsMemory(0, 4), 0));
        Memory<byte>[] parts = [buffer.AsMemory(4, 1), buffer.AsMemory(5, 3)];
        Assert.Equal(4, await reader.ReadAsync(parts, 9));
        await reader.ReadExactlyAsync(buffer.AsMemory(8, 10), 4096);
        Assert.Equal(9, await reader.ReadAsync(buffer.AsMemory(18), 1));
        Assert.Equal("onetwothreefourfivesixseven", Encoding.ASCII.GetString(buffer, 0, 27));
    });

    [Theory, MemberData(nameof(Modes))]
    public void Copies_FromAndToAFifo_AreWhole(string mode) => Run(mode, async () =>
    {
        byte[] lines = Lines(100_000);
        string path = Fifo("fifo");
        (RingFile fifo, Task feeding) = await Fed(path, lines, 1);
        await using (RingFile file = await RingFile.OpenAsync(Name("copy"), FileMode.Create, FileAccess.Write))
            Assert.Equal(lines.Length, await fifo.CopyToAsync(0, file, 0));
        await fifo.DisposeAsync();
        await feeding;
        Assert.True(lines.AsSpan().SequenceEqual(File.ReadAllBytes(Name("copy"))));

        var all = new MemoryStream();
        using FileStream both = Open(path, FileAccess.ReadWrite), reader = Open(path, FileAccess.Read);
        Task draining = Task.Run(() => reader.CopyTo(all));
        await using (RingFile writer = await RingFile.OpenAsync(path, access: FileAccess.Write))
        await using (RingFile file = await RingFile.OpenAsync(Name("copy")))
            Assert.Equal(lines.Length - 100, await file.CopyToAsync(100, writer, 0));
        both.Dispose();
        await draining;
        byte[] drained = all.ToArray();
        Assert.True(lines.AsSpan(100).SequenceEqual(drained));
    });

    [Theory]
    [InlineData("/dev/null")]
    [InlineData("/dev/zero")]
    [InlineData("/dev/full")]
    [InlineData("/dev/urandom")]
    [InlineData("/dev/ptmx")]
    [InlineData("/proc/self/status")]
    [InlineData("/proc/version")]
    [InlineData("/sys/kernel/mm/transparent_hugepage/enabled")]
    [InlineData("fifo")]
    [InlineData("file")]
    public void CanSeek_AndFlushToDisk_AreFileStreams(string path) => Run(All, async () =>
    {
        path = path switch { "fifo" => Fifo(path), "file" => Name(path), _ => path };
        if (path == Name("file"))
            File.WriteAllText(path, "content");
        FileAccess access = path.StartsWith("/dev", StringComparison.Ordinal) || path == Name("fifo") ? FileAccess.ReadWrite : FileAccess.Read;
        if (!File.Exists(path))
            Assert.Skip($"There is no {path} here.");
        using var stream = new FileStream(path, FileMode.Open, access, FileShare.ReadWrite, bufferSize: 0);
        await using RingFile file = await RingFile.OpenAsync(path, FileMode.Open, access);
        Assert.Equal(stream.CanSeek, file.CanSeek);
        stream.Flush(flushToDisk: true);
        await file.FlushToDiskAsync();
        await file.FlushToDiskAsync(dataOnly: true);
        if (access == FileAccess.Read)
            Assert.Equal(File.ReadAllText(path).Split('\n')[0], Encoding.UTF8.GetString(await ReadAll(file)).Split('\n')[0]);
    });

    [Theory]
    [InlineData(Errno.EIO)]
    [InlineData(Errno.ENOSPC)]
    [InlineData(Errno.EDQUOT)]
    public void FlushToDisk_ErrorsOfAFile_StayErrors(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_OPENAT).Run(op => op.Finish(kernel.NewFd("file")));
        kernel.On(IORING_OP_FSYNC).Complete(-errno).Complete(-Errno.EINVAL).Complete(-Errno.EROFS).Complete(-Errno.EOPNOTSUPP);
        kernel.Run(async () =>
        {
            await using RingFile file = await RingFile.OpenAsync("/fake");
            Assert.Equal(errno, (await Throws<IOException>(async () => await file.FlushToDiskAsync())).HResult);
            for (int i = 0; i < 3; i++)
                await file.FlushToDiskAsync();
        });
    }

    [Theory, MemberData(nameof(Modes))]
    public void Terminal_IsReadLineByLine(string mode) => Run(mode, async () =>
    {
        await using RingFile master = await RingFile.OpenAsync("/dev/ptmx", access: FileAccess.ReadWrite);
        Assert.Equal(0, unlockpt(master.Fd));
        byte[] name = new byte[100];
        Assert.Equal(0, ptsname_r(master.Fd, name, name.Length));
        string path = Encoding.ASCII.GetString(name).TrimEnd('\0');
        await using RingFile terminal = await RingFile.OpenAsync(path, access: FileAccess.ReadWrite);
        Assert.False(terminal.CanSeek);
        var lines = new List<string>();
        await master.WriteAsync("first\n"u8.ToArray(), 0);
        await foreach (ReadOnlyMemory<byte> chunk in terminal.ReadAllAsync())
        {
            lines.Add(Encoding.ASCII.GetString(chunk.Span));
            await master.WriteAsync(lines.Count == 1 ? "second\n"u8.ToArray() : "\u0004"u8.ToArray(), 0); // Ctrl-D: the end.
        }

        Assert.Equal(["first\n", "second\n"], lines);
        await terminal.FlushToDiskAsync();
    });

    [Fact]
    public void SocketByPath_IsRefused_AsInSystemIo() => Run(All, async () =>
    {
        await using RingListener listener = RingListener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Name("socket")));
        IOException theirs = Assert.ThrowsAny<IOException>(() => new FileStream(Name("socket"), FileMode.Open).Dispose());
        IOException ours = await Throws<IOException>(async () => await RingFile.OpenAsync(Name("socket")));
        Assert.Equal((theirs.GetType(), Errno.ENXIO), (ours.GetType(), ours.HResult));
    });

    /// <summary>A process has one working directory: these tests run alone.</summary>
    private static void In(string directory, Action act)
    {
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = directory;
        try
        {
            act();
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public void RelativePath_IsThatOfTheCall_AndDeleteOnCloseDeletesItsOwn(string mode) => Run(mode, async () =>
    {
        (string a, string b) = (Directory.CreateDirectory(Name("a")).FullName, Directory.CreateDirectory(Name("b")).FullName);
        File.WriteAllText(Path.Combine(b, "scratch"), "precious");
        ValueTask<RingFile> opening = default;
        In(a, () => opening = RingFile.OpenAsync("scratch", FileMode.Create, FileAccess.ReadWrite, RingFileOptions.DeleteOnClose));
        RingFile file = await opening; // The SQE went in after the directory had changed back.
        Assert.Equal(Path.Combine(a, "scratch"), file.Path);
        Assert.True(File.Exists(file.Path));
        In(b, file.Dispose);
        Assert.False(File.Exists(Path.Combine(a, "scratch")));
        Assert.Equal("precious", File.ReadAllText(Path.Combine(b, "scratch")));

        Fifo("a/fifo");
        ValueTask<RingPipe> both = default;
        In(a, () => both = RingPipe.OpenAsync("fifo", FileAccess.ReadWrite));
        (await both).Dispose();

        RingListener? listener = null;
        In(a, () => listener = RingListener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint("socket")));
        File.WriteAllText(Path.Combine(b, "socket"), "precious");
        In(b, listener!.Dispose);
        Assert.False(File.Exists(Path.Combine(a, "socket")));
        Assert.True(File.Exists(Path.Combine(b, "socket")));
    });

    [Fact]
    public void DeleteOnClose_LeavesTheNameOfAnotherFile() => Run(All, async () =>
    {
        foreach (bool inFlight in (bool[])[false, true])
        {
            RingFile file = await RingFile.OpenAsync(Name("x"), FileMode.Create, FileAccess.ReadWrite, RingFileOptions.DeleteOnClose);
            File.Move(Name("x"), Name("moved"), overwrite: true);
            File.WriteAllText(Name("x"), "another's");
            ValueTask<RingFileStatus> asking = inFlight ? file.GetStatusAsync() : default;
            await file.DisposeAsync();
            if (inFlight)
                await Caught.By(asking);
            Assert.Equal("another's", File.ReadAllText(Name("x")));
            File.Delete(Name("x"));
        }
    });

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);

    [LibraryImport("libc")]
    private static partial int unlockpt(int fd);

    [LibraryImport("libc")]
    private static partial int ptsname_r(int fd, byte[] name, nint length);
}

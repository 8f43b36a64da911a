// Tests: Handles. RingFile against System.IO: the same bytes, and for the same mistakes the same exception types.

namespace RingCore.Tests.Handles;

public sealed class RingFileTests : LiveTest, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        File.Delete("no-such-relative-file");
        GC.SuppressFinalize(this);
    }

    private string Name(string name) => Path.Combine(_folder, name);

    [Theory, MemberData(nameof(AllModes))]
    public void RandomWritesAndReads_EqualSystemIo(string mode)
    {
        const int seed = 55;
        Run(mode, async () =>
        {
            var random = new Random(seed);
            byte[] model = new byte[300_000];
            int length = 0;
            await using (RingFile file = await RingFile.OpenAsync(Name("a"), FileMode.CreateNew, FileAccess.ReadWrite))
            {
                Assert.Equal(Name("a"), file.Path);
                for (int i = 0; i < 200; i++)
                {
                    int offset = random.Next(200_000);
                    byte[] data = RandomBytes(random.Next(i % 10 == 0 ? 100_000 : 100), i);
                    await file.WriteAsync(data, offset);
                    data.CopyTo(model, offset);
                    if (data.Length > 0)
                        length = Math.Max(length, offset + data.Length);

                    int from = random.Next(length + 10);
                    byte[] got = new byte[random.Next(5000)];
                    int count = await file.ReadAsync(got, from);
                    Assert.Equal(Math.Clamp(length - from, 0, got.Length), count);
                    Assert.True(model.AsSpan(from, count).SequenceEqual(got.AsSpan(0, count)), $"seed {seed}, round {i}");
                }

                Assert.Equal(0, await file.ReadAsync(new byte[1], length)); // The end.
                Assert.Equal(0, await file.ReadAsync(Memory<byte>.Empty, 0));
                await file.WriteAsync(Memory<byte>.Empty, 0);
                Assert.Equal(0, (await Op.Fsync(file)).Res);
            }

            Assert.True(File.ReadAllBytes(Name("a")).AsSpan().SequenceEqual(model.AsSpan(0, length)));
        });
    }

    [Theory, MemberData(nameof(Modes))]
    public void ConcurrentReads_AtDifferentOffsets_DoNotMix(string mode) => Run(mode, async () =>
    {
        byte[] data = RandomBytes(100 * 1000, 1);
        File.WriteAllBytes(Name("b"), data);
        await using RingFile file = await RingFile.OpenAsync(Name("b"));
        var reads = new List<(byte[] Buffer, Task<int> Read)>();
        for (int i = 0; i < 100; i++)
        {
            byte[] buffer = new byte[1000];
            reads.Add((buffer, file.ReadAsync(buffer, i * 1000L).AsTask()));
        }

        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(1000, await reads[i].Read);
            Assert.True(data.AsSpan(i * 1000, 1000).SequenceEqual(reads[i].Buffer));
        }
    });

    /// <summary>Every mode and access on every kind of path: the outcome is that of a FileStream.</summary>
    [Theory, MemberData(nameof(Modes))]
    public void EveryModeAndAccess_EndsAsInSystemIo(string mode) => Run(mode, async () =>
    {
        string deep = Name("no-folder/file");
        string inFile = Name("is-a-file/under");
        File.WriteAllText(Name("is-a-file"), "content");
        string tooLong = Name(new string('x', 300));
        var differences = new List<string>();
        foreach (FileMode fileMode in Enum.GetValues<FileMode>())
        {
            foreach (FileAccess access in Enum.GetValues<FileAccess>())
            {
                foreach (string path in new[] { Name("there"), Name("missing"), "no-such-relative-file", "no/such-relative-file", deep, inFile, _folder, tooLong })
                {
                    string expected = Try(path, () => new FileStream(path, fileMode, access, FileShare.ReadWrite | FileShare.Delete).Dispose());
                    string actual = await TryRing(path, fileMode, access);
                    if (path == _folder && actual == "opened, -1")
                        actual = await TryRead(path); // No fstat at every open: a directory says at the first read what it is.
                    if (expected != actual)
                        differences.Add($"{fileMode} {access} {Path.GetRelativePath(_folder, path)}: System.IO {expected}, RingFile {actual}");
                }
            }
        }

        Assert.True(differences.Count == 0, string.Join(Environment.NewLine, differences));
    });

    private string Try(string path, Action open)
    {
        Prepare(path);
        try
        {
            open();
        }
        catch (Exception e)
        {
            return Words(e);
        }

        return "opened, " + (File.Exists(path) ? new FileInfo(path).Length : -1);
    }

    private async RingTask<string> TryRing(string path, FileMode fileMode, FileAccess access)
    {
        Prepare(path);
        try
        {
            await using RingFile file = await RingFile.OpenAsync(path, fileMode, access);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Words(e);
        }

        return "opened, " + (File.Exists(path) ? new FileInfo(path).Length : -1);
    }

    private static async RingTask<string> TryRead(string path)
    {
        await using RingFile file = await RingFile.OpenAsync(path);
        try
        {
            return (await file.ReadAsync(new byte[1], 0)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (Exception e)
        {
            return Words(e);
        }
    }

    private static string Words(Exception e) => $"{e.GetType().Name} 0x{e.HResult:x}{(e is FileNotFoundException { FileName: not null } ? " with name" : "")}";

    private void Prepare(string path)
    {
        File.Delete(Name("missing"));
        File.Delete("no-such-relative-file");
        File.WriteAllText(Name("there"), "twelve bytes");
        Assert.NotEqual("", path);
    }

    [Theory, MemberData(nameof(Modes))]
    public void Misuse_ThrowsWhatSystemIoThrows(string mode) => Run(mode, async () =>
    {
        File.WriteAllText(Name("c"), "content");
        RingFile read = await RingFile.OpenAsync(Name("c"));
        RingFile write = await RingFile.OpenAsync(Name("c"), FileMode.Open, FileAccess.Write);
        var e = await Throws<UnauthorizedAccessException>(async () => await read.WriteAsync(new byte[1], 0));
        Assert.Contains("EBADF", e.Message, StringComparison.Ordinal);
        await Throws<UnauthorizedAccessException>(async () => await write.ReadAsync(new byte[1], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = read.ReadAsync(new byte[1], -1));
        await Throws<ArgumentException>(async () => await RingFile.OpenAsync(""));
        await Throws<ArgumentException>(async () => await RingFile.OpenAsync("a\0b"));
        read.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ = read.ReadAsync(new byte[1], 0));
        await write.DisposeAsync();
        await write.DisposeAsync();
    });

    [Theory, MemberData(nameof(Modes))]
    public void CancelledFileRead_EndsOnce_AndTheBufferIsNotTouchedAfterwards(string mode) => Run(mode, async () =>
    {
        // Conformance C3 25.
        byte[] data = RandomBytes(1 << 20, 3);
        File.WriteAllBytes(Name("d"), data);
        await using RingFile file = await RingFile.OpenAsync(Name("d"));
        byte[] buffer = new byte[data.Length];
        for (int i = 0; i < 50; i++)
        {
            using var source = new CancellationTokenSource();
            buffer.AsSpan().Clear();
            ValueTask<int> read = file.ReadAsync(buffer, 0, source.Token);
            if (i % 2 == 0)
                await RingExecutor.Yield();
            source.Cancel();
            try
            {
                Assert.Equal(data.Length, await read);
                Assert.True(data.AsSpan().SequenceEqual(buffer));
            }
            catch (OperationCanceledException)
            {
                byte[] before = (byte[])buffer.Clone();
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                Assert.True(before.AsSpan().SequenceEqual(buffer));
            }
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void OpenedFileWhoseExecutorStops_IsClosed(string mode)
    {
        RequireIoUring();
        File.WriteAllText(Name("e"), "content");
        List<string> before = Descriptors();
        for (int i = 0; i < 20; i++)
        {
            RingExecutor executor = RingExecutor.Start(Options(mode));
            executor.Post(async () =>
            {
                RingFile file = await RingFile.OpenAsync(Name("e"));
                await file.ReadAsync(new byte[10], 0);
            });
            Assert.True(executor.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(10)));
        }

        AssertDescriptors(before);
    }
}

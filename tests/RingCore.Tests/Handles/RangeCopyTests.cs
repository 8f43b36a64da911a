// Tests: Handles. Copies between regular files, which the kernel makes in ranges: exact at any offsets and own positions, on file
// systems that cannot as well, cut short by a token, a disposal, the executor's end; clones where there is a file system for it.

using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using RingCore.Sys;

namespace RingCore.Tests.Handles;

public sealed partial class RangeCopyTests : LiveTest, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-range").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private string Name(string name) => Path.Combine(_folder, name);

    private static byte[] Hash(string path) => SHA256.HashData(File.ReadAllBytes(path));

    private string Sparse(string name, long length)
    {
        using FileStream file = File.Create(Name(name));
        file.SetLength(length);
        return Name(name);
    }

    [Theory, MemberData(nameof(AllModes))]
    public void AnyOffsetsAndCounts_AreExact_WithAFewOps(string mode) => Run(mode, async () =>
    {
        byte[] bytes = RandomBytes(5_000_001, 1);
        File.WriteAllBytes(Name("from"), bytes);
        RingCounters counters = RingExecutor.Current!.Counters;
        foreach ((int from, int to, long count) in new[]
            { (0, 0, long.MaxValue), (1, 4097, long.MaxValue), (4096, 8192, 3_000_000), (4_950_000, 10, long.MaxValue), (5_000_001, 0, 10) })
        {
            File.WriteAllText(Name("to"), "head");
            await using RingFile source = await RingFile.OpenAsync(Name("from"));
            await using RingFile target = await RingFile.OpenAsync(Name("to"), access: FileAccess.Write);
            long before = counters.Sqes;
            int copied = (int)Math.Min(count, bytes.Length - from);
            Assert.Equal(copied, await source.CopyToAsync(from, target, to, count));
            if (copied >= RangeCopy.Least)
                Assert.InRange(counters.Sqes - before, 0, 10); // By splice it were more than twenty.
            byte[] expected = new byte[Math.Max(4, copied == 0 ? 0 : to + copied)];
            "head"u8.CopyTo(expected);
            bytes.AsSpan(from, copied).CopyTo(expected.AsSpan(Math.Min(to, expected.Length)));
            Assert.Equal(SHA256.HashData(expected), Hash(Name("to")));
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void OwnPositions_MoveOn(string mode) => Run(mode, async () =>
    {
        byte[] bytes = RandomBytes(1_000_000, 2);
        File.WriteAllBytes(Name("from"), bytes);
        using (FileStream from = File.OpenRead(Name("from")), to = File.Create(Name("to")))
        {
            from.Position = 100;
            to.Write("head"u8);
            to.Flush();
            using RingPipe input = RingPipe.Adopt((int)from.SafeFileHandle.DangerousGetHandle(), ownsFd: false);
            using RingPipe output = RingPipe.Adopt((int)to.SafeFileHandle.DangerousGetHandle(), ownsFd: false);
            Assert.Equal(0, Libc.lseek(input.Fd, 100, 0) - 100); // What a FileStream's position does at its next read.
            Assert.Equal(4, Libc.lseek(output.Fd, 4, 0));
            Assert.Equal(500_000, await input.CopyToAsync(output, 500_000));
            Assert.Equal(499_900, await input.CopyToAsync(output));
        }

        Assert.Equal(SHA256.HashData([.. "head"u8, .. bytes[100..]]), Hash(Name("to")));
    });

    [Fact]
    public void FileSystemsApart_AndMoreCopiesThanThreads() => Run(All, async () =>
    {
        if (!Directory.Exists("/dev/shm"))
            Assert.Skip("There is no /dev/shm here.");
        string shared = Directory.CreateDirectory($"/dev/shm/{Path.GetFileName(_folder)}").FullName;
        try
        {
            byte[] bytes = RandomBytes(700_000, 3);
            File.WriteAllBytes(Name("from"), bytes);
            var copies = new List<Task>();
            for (int i = 0; i < 24; i++)
                copies.Add(Copy(Name("from"), Path.Combine(i % 2 == 0 ? shared : _folder, $"to{i}")).AsTask());
            await Task.WhenAll(copies);
            for (int i = 0; i < 24; i++)
                Assert.Equal(SHA256.HashData(bytes), Hash(Path.Combine(i % 2 == 0 ? shared : _folder, $"to{i}")));
        }
        finally
        {
            Directory.Delete(shared, recursive: true);
        }
    });

    private static async RingTask Copy(string from, string to)
    {
        await using RingFile source = await RingFile.OpenAsync(from);
        await using RingFile target = await RingFile.OpenAsync(to, FileMode.Create, FileAccess.ReadWrite);
        await source.CopyToAsync(target);
    }

    /// <summary>A terabyte of holes into a tmpfs or a disk that would take minutes, if nobody stopped it.</summary>
    [Theory]
    [InlineData("cancel")]
    [InlineData("dispose source")]
    [InlineData("dispose target")]
    [InlineData("cancel all")]
    public void Stopped_InTheMiddle_EndsWithinAPiece(string way) => Run(All, async () =>
    {
        using RingFile source = await RingFile.OpenAsync(Sparse("from", 1L << 40));
        using RingFile target = await RingFile.OpenAsync(Name("to"), FileMode.Create, FileAccess.Write);
        using var cancel = new CancellationTokenSource();
        Task<long> copying = source.CopyToAsync(target, long.MaxValue, cancel.Token).AsTask();
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        Action act = way switch
        {
            "cancel" => cancel.Cancel,
            "dispose source" => source.Dispose,
            "dispose target" => target.Dispose,
            _ => source.CancelAll,
        };
        act();
        var e = (RingCopyException)(way is "cancel" or "cancel all"
            ? (await Throws<OperationCanceledException>(async () => await copying)).InnerException!
            : await Throws<RingCopyException>(async () => await copying));
        Assert.Equal(0, e.BytesLost);
        Assert.Equal(new FileInfo(Name("to")).Length, e.BytesCopied);
    });

    [Fact]
    public void Shutdown_EndsACopyOnAThread()
    {
        Task<long>? copying = null;
        RingFile? source = null, target = null;
        Live.Run(
            async () =>
            {
                source = await RingFile.OpenAsync(Sparse("from", 1L << 40));
                target = await RingFile.OpenAsync(Name("to"), FileMode.Create, FileAccess.Write);
                copying = source.CopyToAsync(target).AsTask();
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(10));
            },
            Options(All), settled: false);
        Assert.True(copying!.IsCanceled);
        source!.Dispose();
        target!.Dispose();
    }

    [Theory]
    [InlineData("btrfs", "mkfs.btrfs -q", 120)]
    [InlineData("xfs", "mkfs.xfs -q -m reflink=1", 320)]
    public void Clone_SharesTheBlocks(string type, string mkfs, int megabytes) => Run(All, async () =>
    {
        string image = Sparse(type, megabytes * 1024L * 1024), mount = Directory.CreateDirectory(Name(type + "-mount")).FullName;
        if (!Shell($"{mkfs} {image}") || !Shell($"mount -o loop {image} {mount}"))
            Assert.Skip($"No {type} can be made and mounted here.");
        try
        {
            byte[] bytes = RandomBytes(20_000_001, 4);
            File.WriteAllBytes($"{mount}/from", bytes);
            await Copy($"{mount}/from", $"{mount}/to"); // What is not written yet is written first.
            Assert.Equal(SHA256.HashData(bytes), Hash($"{mount}/to"));
            Assert.True(Shell($"sync; filefrag -v {mount}/to | grep -q shared"), "no shared blocks");
        }
        finally
        {
            Shell($"umount {mount}");
        }
    });

    private static bool Shell(string command)
    {
        using Process process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"({command}) >/dev/null 2>&1"]))!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

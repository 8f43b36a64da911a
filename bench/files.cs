// What a file operation costs, on each file system named: RingCore's ops and its streaming writer beside the plain calls of System.IO.
// One process, one thread; minima and medians of rounds; the kernel's own worker threads may use the other core.
// usage: dotnet run bench/files.cs [-- rounds=7 count=2000 folders=/tmp,/dev/shm]
#:project ../src/RingCore
#:property PublishAot=false

using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using RingCore;

Dictionary<string, string> options = args.Select(arg => arg.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[^1]);
int rounds = int.Parse(options.GetValueOrDefault("rounds", "7"));
int count = int.Parse(options.GetValueOrDefault("count", "2000"));
foreach (string folder in options.GetValueOrDefault("folders", Path.GetTempPath() + ",/dev/shm").Split(','))
{
    string name = Path.Combine(folder, $"ringcore-bench-{Environment.ProcessId}");
    Console.WriteLine($"\n{new DriveInfo(folder).DriveFormat} ({folder})".PadRight(46) + "  real µs, min  median    CPU µs, min, each");
    try
    {
        RingExecutor.Run(() => MeasureAsync(name));
    }
    finally
    {
        File.Delete(name);
    }
}

async RingTask MeasureAsync(string name)
{
    byte[] small = GC.AllocateArray<byte>(100, pinned: true), page = GC.AllocateArray<byte>(4096, pinned: true);
    byte[] large = GC.AllocateArray<byte>(1 << 20, pinned: true);
    await using RingFile ring = await RingFile.OpenAsync(name, FileMode.Create, FileAccess.ReadWrite);
    using SafeFileHandle plain = File.OpenHandle(name, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    await ReportAsync("100-byte write, RandomAccess.Write", count, () => Sync(() => RandomAccess.Write(plain, small, 0)));
    await ReportAsync("100-byte write, RingFile.WriteAsync", count, async () => await ring.WriteAsync(small, 0));
    await ReportAsync("100-byte write, RingFileWriter", 1, async () =>
    {
        await using RingFileWriter writer = ring.CreateWriter();
        for (int i = 0; i < 100 * count; i++)
            await writer.WriteAsync(small);
    }, 100 * count);
    await ReportAsync("100-byte write, FileStream (64 KiB buffer)", 1, () => Sync(() =>
    {
        using var stream = new FileStream(name, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 65536);
        for (int i = 0; i < 100 * count; i++)
            stream.Write(small);
    }), 100 * count);
    foreach (int size in new[] { 64, 128, 256, 1024 })
    {
        await ReportAsync($"64 MiB in 4 KiB pieces, RingFileWriter, {size} KiB", 1, async () =>
        {
            await using RingFileWriter writer = ring.CreateWriter(bufferSize: size * 1024);
            for (int i = 0; i < 16384; i++)
                await writer.WriteAsync(page);
        });
    }

    await ReportAsync("64 MiB in 4 KiB pieces, FileStream, 64 KiB", 1, () => Sync(() =>
    {
        using var stream = new FileStream(name, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 65536);
        for (int i = 0; i < 16384; i++)
            stream.Write(page);
    }));
    await ReportAsync("cached 4 KiB read, RandomAccess.Read", count, () => Sync(() => RandomAccess.Read(plain, page, 4096)));
    await ReportAsync("cached 4 KiB read, RingFile.ReadAsync", count, async () => await ring.ReadAsync(page, 4096));
    await ReportAsync("cached 64 MiB, RandomAccess.Read, 1 MiB", 1, () => Sync(() =>
    {
        for (long at = 0; at < 64 << 20; at += large.Length)
            RandomAccess.Read(plain, large, at);
    }));
    foreach ((int chunk, int depth) in new[] { (128, 1), (128, 4), (1024, 2), (1024, 4) })
    {
        await ReportAsync($"cached 64 MiB, ReadAllAsync, {chunk} KiB, depth {depth}", 1, async () =>
        {
            long bytes = 0;
            await foreach (ReadOnlyMemory<byte> piece in ring.ReadAllAsync(chunkSize: chunk * 1024, depth: depth))
                bytes += piece.Length;
            if (bytes != 64 << 20)
                throw new InvalidDataException($"{bytes}");
        });
    }

    await ReportAsync("statx, GetStatusAsync", count / 10, async () => await ring.GetStatusAsync());
    await ReportAsync("set the length, SetLengthAsync", count / 10, async () => await ring.SetLengthAsync(64 << 20));
}

static RingTask Sync(Action action)
{
    action();
    return RingTask.CompletedTask;
}

async RingTask ReportAsync(string what, int times, Func<RingTask> action, int each = 0)
{
    var real = new List<double>();
    var cpu = new List<double>();
    for (int round = -1; round < rounds; round++)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < times; i++)
            await action();
        double elapsed = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        if (round < 0)
            continue; // Warm-up.
        real.Add(elapsed / Math.Max(times, each));
        cpu.Add((Environment.CpuUsage.TotalTime - before).TotalMicroseconds / Math.Max(times, each));
    }

    Console.WriteLine($"{what,-45}{real.Min(),14:F2} {real.Order().ElementAt(rounds / 2),9:F2} {cpu.Min(),14:F2}");
}

// RingCore's side of the comparison with fio: 4 KB random reads with O_DIRECT, so many tasks as reads are to be under way.
// usage: random-reads file=PATH seconds=3 depth=32; prints `iops N cpu_us_per_read N ok` after a second of warm-up that checks what is read.
#:project ../../src/RingCore

using System.Diagnostics;
using System.Runtime.InteropServices;
using RingCore;
using RingCore.Bench;

var row = new Row(["reads", .. args]);
try
{
    RingExecutor.Run(async () =>
    {
        using RingFile file = await RingFile.OpenAsync(row.Text("file"), FileMode.Open, FileAccess.Read, RingFileOptions.Direct);
        long blocks = (await file.GetStatusAsync()).Length / Reads.BlockSize;
        await new Reads(file, blocks, check: true).RunAsync(row.Number("depth", 32), TimeSpan.FromSeconds(1));
        var reads = new Reads(file, blocks, check: false);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        double seconds = await reads.RunAsync(row.Number("depth", 32), TimeSpan.FromSeconds(row.Number("seconds", 3)));
        double cpu = (Environment.CpuUsage.TotalTime - before).TotalMicroseconds;
        Console.WriteLine($"iops {reads.Done / seconds:F0} cpu_us_per_read {cpu / reads.Done:F3} ok");
    });
    return 0;
}
catch (Exception e)
{
    return Row.Fail(e);
}

internal sealed class Reads(RingFile file, long blocks, bool check)
{
    public const int BlockSize = 4096;

    private readonly Random _random = new(1);
    private bool _stop;

    public long Done { get; private set; }

    public async RingTask<double> RunAsync(long depth, TimeSpan time)
    {
        long started = Stopwatch.GetTimestamp();
        var tasks = new RingTask[depth];
        for (int i = 0; i < depth; i++)
            tasks[i] = RingExecutor.Spawn(Loop);
        await RingExecutor.Delay(time);
        _stop = true;
        foreach (RingTask task in tasks)
            await task;
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private async RingTask Loop()
    {
        Memory<byte> memory = RingFile.AlignedMemory(BlockSize);
        while (!_stop)
        {
            long block = _random.NextInt64(blocks);
            int read = await file.ReadAsync(memory, block * BlockSize);
            if (read != BlockSize || (check && MemoryMarshal.Read<long>(memory.Span) != block))
                throw new InvalidDataException($"Reading block {block}: {read} bytes.");
            Done++;
        }
    }
}

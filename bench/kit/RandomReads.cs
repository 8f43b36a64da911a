using System.Text.Json;

namespace RingCore.Bench;

/// <summary>4 KB random reads with O_DIRECT, 32 under way, on one core: RingCore against fio's io_uring engine.</summary>
public static class RandomReads
{
    private const long FileSize = 1L << 30;
    private const string Row = "reads";

    // fio as it comes, and with what makes it fastest: registered buffers and file, batches, no time stamps, no map of what was read.
    private static readonly Dictionary<string, string> s_fio = new()
    {
        ["fio"] = "",
        ["fio-tuned"] = "--registerfiles=1 --fixedbufs=1 --iodepth_batch_submit=32 --iodepth_batch_complete_min=1 --iodepth_batch_complete_max=32 --gtod_reduce=1 --norandommap=1",
    };

    private static readonly Column[] s_columns =
    [
        new("ringcore-jit", ColumnKind.Jit, "bench/table/random-reads.cs"),
        new("ringcore-aot", ColumnKind.Aot, "bench/table/random-reads.cs"),
    ];

    public static async Task CompareAsync(Harness harness, string names)
    {
        bool Chosen(string name) => names == "all" || names.Split(',').Contains(name);
        Column[] columns = await Column.BuildAllAsync(s_columns.Where(column => Chosen(column.Name)), harness.Configuration);
        string file = await PrepareFileAsync();
        var cases = new List<Case>();
        if (Commands.Missing("fio") is { } missing)
        {
            Console.WriteLine($"fio is left out: {missing}");
        }
        else
        {
            cases.AddRange(s_fio.Where(fio => Chosen(fio.Key)).Select(fio => new Case(Row, fio.Key, () => FioAsync(file, harness.Seconds, fio.Value))));
        }

        cases.AddRange(columns.Select(column => new Case(Row, column.Name, async () =>
            Comparison.Parse(await Commands.RunAsync(Commands.OnCore(0, [.. column.Command, $"file={file}", $"seconds={harness.Seconds}", "depth=32"]))))));
        Comparison comparison = await Comparison.RunAsync("measuring", harness.Rounds, cases);
        var report = new Report("random reads", Machine.Describe("table/liburing.c", ".flags = "),
            $"{harness.Rounds} rounds of {harness.Seconds} s on core 0, a file of 1 GiB on {new DriveInfo(file).DriveFormat}; ratios to the faster fio");
        Print(report, comparison);
        harness.End(report, comparison.Samples);
    }

    public static void Print(Report report, Comparison comparison)
    {
        var rate = new Figure("iops", "reads/s", HigherIsBetter: true);
        string faster = comparison.BestOf(Row, rate, s_fio.ContainsKey);
        report.Add(comparison.SheetOf(Row, "4 KB random reads, O_DIRECT, depth 32", faster, rate, new("cpu_us_per_read", "CPU µs")));
    }

    /// <summary>Really written: what was only reserved is read without the disk. Each block begins with its number.</summary>
    private static async Task<string> PrepareFileAsync()
    {
        string file = Path.Combine(Toolchain.Scratch("table-data"), "blocks");
        if (File.Exists(file) && new FileInfo(file).Length == FileSize)
        {
            return file;
        }

        await using var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var chunk = new byte[1 << 20];
        for (long offset = 0; offset < FileSize; offset += chunk.Length)
        {
            for (int block = 0; block < chunk.Length; block += 4096)
            {
                BitConverter.TryWriteBytes(chunk.AsSpan(block), (offset + block) / 4096);
            }

            await stream.WriteAsync(chunk);
        }

        stream.Flush(flushToDisk: true);
        return file;
    }

    private static async Task<Dictionary<string, double>> FioAsync(string file, int seconds, string settings)
    {
        string output = await Commands.RunAsync(["fio", "--name=reads", $"--filename={file}", "--rw=randread", "--bs=4k", "--direct=1", "--ioengine=io_uring",
            "--iodepth=32", "--cpus_allowed=0", "--thread", "--time_based", $"--runtime={seconds}", "--ramp_time=1", "--output-format=json",
            .. settings.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        JsonElement job = JsonDocument.Parse(output[output.IndexOf('{', StringComparison.Ordinal)..]).RootElement.GetProperty("jobs")[0];
        double iops = job.GetProperty("read").GetProperty("iops").GetDouble();
        double busy = (job.GetProperty("usr_cpu").GetDouble() + job.GetProperty("sys_cpu").GetDouble()) / 100;
        return new() { ["iops"] = iops, ["cpu_us_per_read"] = busy * 1e6 / iops };
    }
}

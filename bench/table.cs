// The original's benchmark table: RingCore, .NET as it comes, tokio and C doing the same work. What rows and columns mean: bench/README.md.
// usage: dotnet run bench/table.cs [-- --rounds 10 --rows cat,files --columns c,ringcore-aot --sweep]
//        dotnet run bench/table.cs -- --http      HTTP servers under wrk
//        dotnet run bench/table.cs -- --fio       random reads with O_DIRECT, against fio
#:package ScottPlot@5.1.59
#:project kit/BenchKit.csproj
#:property PublishAot=false
#:property NoWarn=NU1603

using System.CommandLine;
using System.Text.Json;
using RingCore.Bench;
using ScottPlot;

string[] tunings = ["", "DOTNET_TieredPGO=0", "DOTNET_TieredCompilation=0"];
string[] runtimes = ["runtime=single", "runtime=multi"];
string[] buffers = [.. new[] { 64, 128, 256, 512, 1024, 2048 }.Select(kilobytes => $"buffer={kilobytes * 1024}")];
Row[] rows =
[
    new("cat", "cat of 100 MB, file to file", column => column is { Kind: ColumnKind.C } or { Program: "bench/table/ring.cs" }
        ? [.. from buffer in buffers from depth in new[] { 2, 4 } select $"{buffer} depth={depth}"] : buffers),
    new("files", "100 small files, at once where it can", Runtimes),
    new("sequential", "100 HTTP requests, one by one", Runtimes),
    new("concurrent", "1,000 HTTP requests, 200 tasks", Runtimes),
    new("timer", "200 timers of 1 ms", Runtimes),
    new("start", "a process that reads one file", column => column.Kind == ColumnKind.Jit ? tunings : [""]),
];
Column[] columns =
[
    new("blocking-jit", ColumnKind.Jit, "bench/table/blocking.cs"),
    new("blocking-aot", ColumnKind.Aot, "bench/table/blocking.cs"),
    new("async-jit", ColumnKind.Jit, "bench/table/async.cs"),
    new("async-aot", ColumnKind.Aot, "bench/table/async.cs"),
    new("ringcore-jit", ColumnKind.Jit, "bench/table/ring.cs"),
    new("ringcore-aot", ColumnKind.Aot, "bench/table/ring.cs"),
    new("tokio", ColumnKind.Cargo, "tokio"),
    new("c", ColumnKind.C, "table-c"),
    new("control", ColumnKind.C, "table-c"),
];

var rowNames = new Option<string>("--rows") { Description = $"Which rows: {string.Join(',', rows.Select(row => row.Name))}.", DefaultValueFactory = _ => "all" };
var columnNames = new Option<string>("--columns") { Description = $"Which columns: {string.Join(',', columns.Select(column => column.Name))}.", DefaultValueFactory = _ => "all" };
var sweep = new Option<bool>("--sweep") { Description = "Look for every column's best settings again; else those of bench/table/settings.json." };
var http = new Option<bool>("--http") { Description = "Compare HTTP servers under wrk instead." };
var fio = new Option<bool>("--fio") { Description = "Compare random reads with O_DIRECT with fio's instead." };
var harness = new Harness("The original's benchmark table.", rounds: 10, seconds: 3, rowNames, columnNames, sweep, http, fio);
return await harness.RunAsync(args, () => harness.Value(http) ? HttpServers.CompareAsync(harness, harness.Value(columnNames))
    : harness.Value(fio) ? RandomReads.CompareAsync(harness, harness.Value(columnNames))
    : MeasureAsync(Column.Choose(rows, row => row.Name, harness.Value(rowNames)), Column.Choose(columns, harness.Value(columnNames))));

// What the settings of a row that waits, or has many small steps, may be.
string[] Runtimes(Column column) => column.Kind switch
{
    ColumnKind.Cargo => runtimes,
    ColumnKind.Jit => tunings,
    _ => [""],
};

async Task MeasureAsync(Row[] chosen, Column[] wanted)
{
    Column[] built = await Column.BuildAllAsync(wanted, harness.Configuration);
    await Toolchain.BuildCAsync("spawn");
    bool whole = chosen.Length == rows.Length && wanted.Length == columns.Length;
    var work = new Work();
    if (!await work.PrepareServerAsync())
    {
        chosen = [.. chosen.Where(row => !row.NeedsServer)];
    }

    Settings settings = await Settings.FindAsync(chosen, built, work, harness.Value(sweep));
    Case[] cases = [.. from row in chosen from column in built select new Case(row.Name, column.Name, () => work.RunAsync(row, column, settings.Of(row, column)))];
    Comparison comparison = await Comparison.RunAsync("measuring", harness.Rounds, cases);

    var report = new Report("the original's table", Machine.Describe("table/liburing.c", ".flags = "), $"{harness.Rounds} rounds; files on {work.FileSystem}; "
        + $"HTTP server ({Work.HttpServer}) on core 0, its clients on core 1, timers on core 1, the rest on all cores");
    TableReport.Print(report, comparison, chosen.ToDictionary(row => row.Name, row => row.Title));
    settings.Print(report);
    report.Say(await CompilersAsync());
    foreach (Column column in wanted.Where(column => column.Missing is not null))
    {
        report.Say($"{column.Name}: not measured, {column.Missing}");
    }

    harness.End(report, comparison.Samples);
    if (whole)   // the picture in docs/ shows all there is, or stays as it was
    {
        Console.WriteLine("drawn in " + Picture.Draw(chosen, built, comparison));
    }
}

static async Task<string> CompilersAsync()
{
    var versions = new List<string>();
    foreach ((string column, string how, string tool) in new[] { ("c", "cc -O2", "cc"), ("tokio", "cargo --release, lto, one codegen unit", "rustc") })
    {
        versions.Add(Commands.Missing(tool) is null ? $"{column}: {how}, {(await Commands.RunAsync(tool, "--version")).Split('\n')[0]}" : $"{column}: {how}");
    }

    return string.Join("; ", versions);
}

/// <summary>A row of the table, and the settings a column may be given in it.</summary>
sealed record Row(string Name, string Title, Func<Column, string[]> SettingsOf)
{
    public bool NeedsServer => Name is "sequential" or "concurrent";

    /// <summary>What is compared first.</summary>
    public string ValueName => TableReport.First(Name).Name;

    /// <summary>From what programs print to what is shown.</summary>
    public double Scale => TableReport.First(Name).Scale;
}

/// <summary>Carries out one cell: the files it needs, the server it talks to, the check of what it left behind.</summary>
sealed class Work
{
    public const string HttpServer = "http-c";
    private const int CatSize = 100_000_000, FileCount = 100, FileSize = 4096, TimerCount = 200;

    private readonly string _folder = Toolchain.Scratch("table-data");
    private readonly byte[] _hash;

    public Work()
    {
        var content = new byte[CatSize];
        new Random(1).NextBytes(content);
        File.WriteAllBytes(From, content);
        _hash = System.Security.Cryptography.SHA256.HashData(content);
        for (int i = 0; i < FileCount; i++)
        {
            var small = new byte[FileSize];
            BitConverter.TryWriteBytes(small, (long)i);
            BitConverter.TryWriteBytes(small.AsSpan(FileSize - 8), (long)i);
            File.WriteAllBytes(Path.Combine(_folder, $"{i:000}"), small);
        }

        FileSystem = new DriveInfo(_folder).DriveFormat;
    }

    public string FileSystem { get; }

    private string From => Path.Combine(_folder, "from");

    private string To => Path.Combine(_folder, "to");

    public async Task<bool> PrepareServerAsync()
    {
        var server = new Column(HttpServer, ColumnKind.C, HttpServer);
        await server.BuildAsync("");
        if (server.Missing is not null)
        {
            Console.WriteLine($"The rows with HTTP requests are left out: {server.Missing}.");
        }

        return server.Missing is null;
    }

    public async Task<Dictionary<string, double>> RunAsync(Row row, Column column, string setting)
    {
        string[] words = setting.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] program = [.. column.Command, row.NeedsServer ? "requests" : row.Name, .. words.Where(word => !word.StartsWith("DOTNET_", StringComparison.Ordinal))];
        Dictionary<string, string> environment = words.Where(word => word.StartsWith("DOTNET_", StringComparison.Ordinal))
            .Select(word => word.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        Dictionary<string, double> sample = Comparison.Parse((await RunAsync(row, program, environment)).TrimEnd().Split('\n')[^1]);
        sample["cpu_us"] = (sample["user_us"] + sample["sys_us"]) / (row.Name == "timer" ? TimerCount : 1);
        return sample;
    }

    private async Task<string> RunAsync(Row row, string[] program, Dictionary<string, string> environment)
    {
        switch (row.Name)
        {
            case "cat":
                File.Delete(To);   // the warm-up makes it, the counted run writes over it
                string output = await Commands.RunAsync([.. program, $"from={From}", $"to={To}", $"size={CatSize}"], environment);
                await using (FileStream copy = File.OpenRead(To))
                {
                    return (await System.Security.Cryptography.SHA256.HashDataAsync(copy)).SequenceEqual(_hash)
                        ? output
                        : throw new BenchException("The copy differs from what was copied.");
                }

            case "files":
                return await Commands.RunAsync([.. program, $"dir={_folder}", $"count={FileCount}", $"size={FileSize}"], environment);
            case "timer":
                return await Commands.RunAsync(Commands.OnCore(1, [.. program, $"count={TimerCount}", "delay_us=1000"]), environment);
            case "start":
                return await Commands.RunAsync([Toolchain.CProgram("spawn"), .. program, "warmup=0", $"path={Path.Combine(_folder, "000")}", $"size={FileSize}"], environment);
            default:
                await using (Server server = await Server.StartAsync(port => [Toolchain.CProgram(HttpServer), $"{port}"]))
                {
                    string[] count = row.Name == "sequential" ? ["count=100", "tasks=1"] : ["count=1000", "tasks=200"];
                    return await Commands.RunAsync(Commands.OnCore(1, [.. program, .. count, $"port={server.Port}", $"answer={HttpServers.AnswerLength(server.Port)}"]), environment);
                }
        }
    }
}

/// <summary>The best setting of every column in every row, looked for once and kept in a file.</summary>
sealed class Settings
{
    private const int Runs = 3;
    private static readonly string s_file = Path.Combine(Toolchain.BenchFolder, "table", "settings.json");

    public Dictionary<string, Dictionary<string, string>> Chosen { get; private init; } = [];

    public string Of(Row row, Column column) => Chosen[row.Name][IsControl(column, Chosen[row.Name]) ? "c" : column.Name];

    public static async Task<Settings> FindAsync(Row[] rows, Column[] columns, Work work, bool anew)
    {
        var settings = new Settings
        {
            Chosen = File.Exists(s_file) ? JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, string>>>(await File.ReadAllTextAsync(s_file))! : [],
        };
        (Row Row, Column Column, string Setting)[] open =
            [.. from row in rows from column in columns where (anew && column.Name != "control") || !settings.Knows(row, column) from setting in row.SettingsOf(column) select (row, column, setting)];
        Case[] cases = [.. open.Where(one => one.Row.SettingsOf(one.Column).Length > 1)
            .Select(one => new Case(one.Row.Name, $"{one.Column.Name} {one.Setting}".Trim(), () => work.RunAsync(one.Row, one.Column, one.Setting)))];
        Comparison comparison = await Comparison.RunAsync("best settings", Runs, cases);
        foreach (var cell in open.GroupBy(one => (Row: one.Row, Column: one.Column)))
        {
            if (!settings.Chosen.TryGetValue(cell.Key.Row.Name, out Dictionary<string, string>? row))
            {
                row = settings.Chosen[cell.Key.Row.Name] = [];
            }

            row[cell.Key.Column.Name] = cell.Select(one => one.Setting).MinBy(setting =>
            {
                string name = $"{cell.Key.Column.Name} {setting}".Trim();
                return comparison.Has(cell.Key.Row.Name, name) ? comparison.Values(cell.Key.Row.Name, name, cell.Key.Row.ValueName).Median() : double.MaxValue;
            })!;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(s_file)!);
        await File.WriteAllTextAsync(s_file, JsonSerializer.Serialize(settings.Chosen, new JsonSerializerOptions { WriteIndented = true }) + "\n");
        return settings;
    }

    public void Print(Report report)
    {
        foreach ((string row, Dictionary<string, string> columns) in Chosen)
        {
            string all = string.Join("; ", columns.Where(column => column.Value.Length > 0).Select(column => $"{column.Key} {column.Value}"));
            report.Say(all.Length > 0 ? $"settings, {row}: {all}" : $"settings, {row}: as it comes");
        }
    }

    /// <summary>The control repeats C, settings and all.</summary>
    private static bool IsControl(Column column, Dictionary<string, string> row) => column.Name == "control" && row.ContainsKey("c");

    private bool Knows(Row row, Column column) => Chosen.TryGetValue(row.Name, out Dictionary<string, string>? columns) && (columns.ContainsKey(column.Name) || IsControl(column, columns));
}

static class Picture
{
    private const int Across = 3;

    /// <summary>One chart per row: a bar of real time and a bar of CPU time per column, medians.</summary>
    public static string Draw(Row[] rows, Column[] columns, Comparison comparison)
    {
        var all = new Multiplot();
        Row[] drawn = [.. rows.Where(row => comparison.Samples.ContainsKey(row.Name))];
        all.AddPlots(drawn.Length);
        all.Layout = new ScottPlot.MultiplotLayouts.Grid((drawn.Length + Across - 1) / Across, Math.Min(Across, Math.Max(1, drawn.Length)));
        for (int i = 0; i < drawn.Length; i++)
        {
            DrawRow(all.GetPlot(i), drawn[i], [.. columns.Where(column => column.Name != "control" && comparison.Has(drawn[i].Name, column.Name))], comparison);
        }

        string file = Toolchain.InRepository("docs/table.png");
        all.SavePng(file, 1500, 420 * ((drawn.Length + Across - 1) / Across));
        return Path.GetRelativePath(Toolchain.InRepository("."), file);
    }

    private static void DrawRow(Plot plot, Row row, Column[] columns, Comparison comparison)
    {
        plot.Title(row.Title, 15);
        plot.XLabel(row.Name == "timer" ? "µs each: from its time (dark), user and system CPU (pale)" : "ms: real (dark), user and system CPU (pale)", 12);
        double most = 0;
        for (int i = 0; i < columns.Length; i++)
        {
            bool ours = columns[i].Name.StartsWith("ringcore", StringComparison.Ordinal);
            Add(row.ValueName, i - 0.2, ours ? Colors.OrangeRed : Colors.SteelBlue);
            Add("cpu_us", i + 0.2, ours ? Colors.SandyBrown : Colors.LightSteelBlue);

            void Add(string value, double position, ScottPlot.Color colour)
            {
                double median = comparison.Values(row.Name, columns[i].Name, value).Median() * row.Scale;
                most = Math.Max(most, median);
                Bar bar = new() { Position = position, Value = median, FillColor = colour, Size = 0.36, Label = Comparison.Number(median), Orientation = Orientation.Horizontal };
                bar.LineWidth = 0;
                plot.Add.Bar(bar);
            }
        }

        plot.Axes.Left.SetTicks([.. Enumerable.Range(0, columns.Length).Select(i => (double)i)], [.. columns.Select(column => column.Name)]);
        plot.Axes.SetLimits(0, most * 1.2, columns.Length - 0.4, -0.6);
        plot.HideGrid();
    }
}

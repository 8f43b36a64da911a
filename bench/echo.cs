// Echo servers against the C ceiling: CPU per request and latency, in interleaved rounds. What the columns mean: bench/README.md.
// usage: dotnet run bench/echo.cs [-- --rounds 10 --seconds 3 --connections 64 --size 64 --arms c-single,ringcore-jit]
//        dotnet run bench/echo.cs -- --idle
#:package Spectre.Console@0.57.2
#:package System.CommandLine@3.0.0
#:project kit/BenchKit.csproj
#:property PublishAot=false

using System.CommandLine;
using RingCore.Bench;
using Spectre.Console;

Arm[] known =
[
    new("c-single", Kind.C, "single"),
    new("c-multi", Kind.C, "multi"),
    new("c-select", Kind.C, "select"),
    new("c-single-pf", Kind.C, "single pollfirst"),
    new("c-multi-pf", Kind.C, "multi pollfirst"),
    new("c-select-pf", Kind.C, "select pollfirst"),
    new("c-single-fixed", Kind.C, "single fixed"),
    new("c-multi-fixed", Kind.C, "multi fixed"),
    new("ringcore-jit", Kind.Jit, "examples/echo.cs"),
    new("ringcore-aot", Kind.Aot, "examples/echo.cs"),
    new("sockets", Kind.Jit, "bench/stock/echo-sockets.cs"),
    new("sockets-inline", Kind.Jit, "bench/stock/echo-sockets.cs", InlineCompletions: true),
    new("sockets-aot", Kind.Aot, "bench/stock/echo-sockets.cs"),
    new("sockets-inline-aot", Kind.Aot, "bench/stock/echo-sockets.cs", InlineCompletions: true),
    new("control", Kind.C, "single"),
];

var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs every arm once.", DefaultValueFactory = _ => 10 };
var seconds = new Option<int>("--seconds") { Description = "Seconds counted per arm and round, after one second of warm-up.", DefaultValueFactory = _ => 3 };
var connections = new Option<int>("--connections") { Description = "Connections that each send the next request when the answer is there.", DefaultValueFactory = _ => 64 };
var size = new Option<int>("--size") { Description = "Bytes per request.", DefaultValueFactory = _ => 64 };
var arms = new Option<string>("--arms") { Description = $"Which servers: {string.Join(',', known.Select(arm => arm.Name))}.", DefaultValueFactory = _ => "all" };
var configuration = new Option<string>("--configuration") { Description = "Build configuration; anything unoptimised is refused.", DefaultValueFactory = _ => "Release" };
var idle = new Option<string?>("--idle")
{
    Description = "Measure memory per idle connection of this file-based app instead (bench/idle.cs when none is named).",
    Arity = ArgumentArity.ZeroOrOne,
};
var root = new RootCommand("Measures echo servers against the C ceiling.") { rounds, seconds, connections, size, arms, configuration, idle };
root.SetAction(async parsed =>
{
    if (Console.IsOutputRedirected)
    {
        AnsiConsole.Profile.Width = 120;
    }

    try
    {
        string build = parsed.GetValue(configuration)!;
        if (parsed.GetResult(idle) is not null)
        {
            await MeasureIdleAsync(parsed.GetValue(idle) ?? "bench/idle.cs", build);
            return 0;
        }

        var plan = new Plan(parsed.GetValue(rounds), parsed.GetValue(seconds), parsed.GetValue(connections), parsed.GetValue(size));
        await MeasureEchoAsync(Choose(parsed.GetValue(arms)!), plan, build);
        return 0;
    }
    catch (BenchException problem)
    {
        await Console.Error.WriteLineAsync(problem.Message);
        return 1;
    }
});
return await root.Parse(args).InvokeAsync();

Arm[] Choose(string names) => names == "all"
    ? known
    : [.. names.Split(',').Select(name => known.FirstOrDefault(arm => arm.Name == name)
        ?? throw new BenchException($"There is no arm `{name}`; the arms are {string.Join(", ", known.Select(arm => arm.Name))}."))];

static async Task MeasureEchoAsync(Arm[] arms, Plan plan, string configuration)
{
    Console.WriteLine("building");
    await Toolchain.BuildCAsync();
    var commands = new Dictionary<(Kind, string), string[]>();
    foreach (Arm arm in arms)
    {
        commands.TryAdd((arm.Kind, arm.Program), []);
        if (commands[(arm.Kind, arm.Program)].Length == 0)
        {
            commands[(arm.Kind, arm.Program)] = await arm.BuildAsync(configuration);
        }
    }

    var machine = Machine.Describe();
    var samples = arms.ToDictionary(arm => arm.Name, _ => new List<Sample>());
    await AnsiConsole.Progress().AutoRefresh(false).StartAsync(async screen =>   // nothing of the harness runs beside a measurement
    {
        ProgressTask progress = screen.AddTask("measuring", maxValue: plan.Rounds * arms.Length);
        for (int round = 0; round < plan.Rounds; round++)
        {
            foreach (Arm arm in arms.Rotated(round))
            {
                progress.Description = $"round {round + 1} of {plan.Rounds}: {arm.Name}";
                screen.Refresh();
                samples[arm.Name].Add(await MeasureArmAsync(arm, commands[(arm.Kind, arm.Program)], plan));
                progress.Increment(1);
            }
        }

        progress.Description = "measured";
        screen.Refresh();
    });

    Report.Print(machine, plan, samples);
    Console.WriteLine("written to " + Results.Write($"echo-{plan.Connections}x{plan.Size}", machine, new { plan, samples }));
}

static async Task<Sample> MeasureArmAsync(Arm arm, string[] command, Plan plan)
{
    await using Server server = await Server.StartAsync(port => arm.CommandLine(command, port), arm.Environment);
    if (arm.Kind == Kind.Jit)
    {
        await LoadAsync(Math.Max(plan.Seconds, 6));   // not counted: on a core that is never idle the last tier takes seconds to come
    }

    return await LoadAsync(plan.Seconds);

    async Task<Sample> LoadAsync(int seconds)
    {
        string[] load = [Toolchain.CProgram("load"), "127.0.0.1", $"{server.Port}", $"{plan.Connections}", $"{plan.Size}", $"{seconds}", $"{server.Id}"];
        return Sample.Parse(await Commands.RunAsync(Commands.OnCore(1, load)));
    }
}

static async Task MeasureIdleAsync(string source, string configuration)
{
    if (!File.Exists(Toolchain.InRepository(source)))
    {
        Console.WriteLine($"{source} is not there: memory per idle connection was not measured");
        return;
    }

    IdleConnections.Cost cost = await IdleConnections.MeasureAsync(await Toolchain.BuildJitAsync(source, configuration));
    var machine = Machine.Describe();
    Console.WriteLine(machine);
    Console.WriteLine($"from {cost.Few.Connections} to {cost.Many.Connections} idle connections, bytes each: "
        + $"{cost.ManagedEach:F0} managed + {cost.NativeEach:F0} native = {cost.ManagedEach + cost.NativeEach:F0}");
    Console.WriteLine("written to " + Results.Write("idle", machine, cost));
}

enum Kind
{
    C,
    Jit,
    Aot,
}

sealed record Plan(int Rounds, int Seconds, int Connections, int Size);

/// <summary>One server under test. Program: the mode of echo_limit, or the source file of a file-based app.</summary>
sealed record Arm(string Name, Kind Kind, string Program, bool InlineCompletions = false)
{
    public Dictionary<string, string> Environment { get; } =
        InlineCompletions ? new() { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" } : [];

    public async Task<string[]> BuildAsync(string configuration) => Kind switch
    {
        Kind.C => [Toolchain.CProgram("echo_limit")],
        Kind.Jit => await Toolchain.BuildJitAsync(Program, configuration),
        _ => await Toolchain.PublishAotAsync(Program, configuration),
    };

    public IEnumerable<string> CommandLine(string[] command, int port) =>
        Kind == Kind.C ? [.. command, $"{port}", .. Program.Split(' ')] : [.. command, $"127.0.0.1:{port}"];
}

/// <summary>What the load saw of one arm in one round; times in microseconds.</summary>
sealed record Sample(double RequestsPerSecond, double P50, double P99, double P999, double CpuPerRequest)
{
    public static Sample Parse(string line)
    {
        Dictionary<string, double> values = line.Split(' ', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Chunk(2)
            .ToDictionary(pair => pair[0], pair => double.Parse(pair[1]));
        return new Sample(values["rps"], values["p50us"], values["p99us"], values["p999us"], values["cpu_us_per_request"]);
    }
}

static class Report
{
    private const string Control = "control";
    private const string ControlOf = "c-single";

    public static void Print(Machine machine, Plan plan, Dictionary<string, List<Sample>> samples)
    {
        Console.WriteLine();
        Console.WriteLine(machine);
        Console.WriteLine($"{plan.Connections} connections, {plan.Size} bytes, {plan.Rounds} rounds of {plan.Seconds} s; server on core 0, load on core 1");
        PrintCpu(samples);
        PrintLatency(samples);
        if (samples.ContainsKey(Control) && samples.ContainsKey(ControlOf))
        {
            PrintControl(Values(samples[Control], CpuPerRequest), Values(samples[ControlOf], CpuPerRequest));
        }
    }

    private static double CpuPerRequest(Sample sample) => sample.CpuPerRequest;

    private static double[] Values(List<Sample> samples, Func<Sample, double> select) => [.. samples.Select(select)];

    /// <summary>The C mode with the lowest median: what every other arm is divided by.</summary>
    private static string? BetterC(Dictionary<string, List<Sample>> samples, Func<Sample, double> select) =>
        samples.Keys.Where(name => name.StartsWith("c-", StringComparison.Ordinal)).MinBy(name => samples[name].Select(select).Median());

    private static void PrintCpu(Dictionary<string, List<Sample>> samples)
    {
        string? better = BetterC(samples, CpuPerRequest);
        Table table = NewTable($"CPU per request, µs; ratios to {better ?? "C (not run)"}",
            "arm", "min", "median", "spread", "× C min", "× C median", "× C by round", "requests/s");
        foreach ((string name, List<Sample> rounds) in samples)
        {
            double[] cpu = Values(rounds, CpuPerRequest);
            double[]? c = better is null ? null : Values(samples[better], CpuPerRequest);
            table.AddRow(
                name,
                $"{cpu.Min():F3}",
                $"{cpu.Median():F3}",
                $"{cpu.Spread():P0}",
                Ratio(cpu.Min(), c?.Min()),
                Ratio(cpu.Median(), c?.Median()),
                c is null ? "" : $"{PairRatios(cpu, c).Median():F3}",
                $"{rounds.Select(round => round.RequestsPerSecond).Median():F0}");
        }

        AnsiConsole.Write(table);
    }

    private static void PrintLatency(Dictionary<string, List<Sample>> samples)
    {
        string? better = BetterC(samples, sample => sample.P50);
        Table table = NewTable($"Latency, µs, medians of the rounds; ratios to {better ?? "C (not run)"}", "arm", "p50", "× C", "p99", "× C", "p99.9");
        foreach ((string name, List<Sample> rounds) in samples)
        {
            table.AddRow(
                name,
                $"{MedianOf(name, round => round.P50):F1}",
                Ratio(MedianOf(name, round => round.P50), better is null ? null : MedianOf(better, round => round.P50)),
                $"{MedianOf(name, round => round.P99):F1}",
                Ratio(MedianOf(name, round => round.P99), better is null ? null : MedianOf(better, round => round.P99)),
                $"{MedianOf(name, round => round.P999):F1}");
        }

        AnsiConsole.Write(table);

        double MedianOf(string name, Func<Sample, double> select) => samples[name].Select(select).Median();
    }

    /// <summary>The same C server measured twice: what differs here is noise.</summary>
    private static void PrintControl(double[] second, double[] first)
    {
        double[] ratios = PairRatios(second, first);
        Console.WriteLine($"control, {ControlOf} against itself: minima {second.Min() / first.Min():F3}, medians {second.Median() / first.Median():F3}, "
            + $"by round {ratios.Min():F3} to {ratios.Max():F3}, middle half {ratios.Quantile(0.25):F3} to {ratios.Quantile(0.75):F3}");
    }

    private static double[] PairRatios(double[] values, double[] others) => [.. values.Zip(others, (value, other) => value / other)];

    private static string Ratio(double value, double? other) => other is null ? "" : $"{value / other:F3}";

    private static Table NewTable(string title, params string[] columns)
    {
        var table = new Table().Title(title).Border(TableBorder.Rounded);
        foreach (string column in columns)
        {
            table.AddColumn(column, settings => settings.Alignment = column == "arm" ? Justify.Left : Justify.Right);
        }

        return table;
    }
}

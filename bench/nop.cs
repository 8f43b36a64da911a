// Operations that do nothing, so that only the way to the kernel and back costs: C, the Ring layer, and awaits of Op.Nop().
// usage: dotnet run bench/nop.cs [-- --rounds 10 --seconds 2]
#:package Spectre.Console@0.57.2
#:package System.CommandLine@3.0.0
#:project kit/BenchKit.csproj
#:property PublishAot=false

using System.CommandLine;
using RingCore.Bench;
using Spectre.Console;

const string RingProgram = "bench/nop-ring.cs";

var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs every program once.", DefaultValueFactory = _ => 10 };
var seconds = new Option<int>("--seconds") { Description = "Seconds per program and round.", DefaultValueFactory = _ => 2 };
var configuration = new Option<string>("--configuration") { Description = "Build configuration; anything unoptimised is refused.", DefaultValueFactory = _ => "Release" };
var root = new RootCommand("Measures NOPs per second: RingCore against C.") { rounds, seconds, configuration };
root.SetAction(async parsed =>
{
    if (Console.IsOutputRedirected)
    {
        AnsiConsole.Profile.Width = 120;
    }

    try
    {
        await MeasureAsync(parsed.GetValue(rounds), parsed.GetValue(seconds), parsed.GetValue(configuration)!);
        return 0;
    }
    catch (BenchException problem)
    {
        await Console.Error.WriteLineAsync(problem.Message);
        return 1;
    }
});
return await root.Parse(args).InvokeAsync();

static async Task MeasureAsync(int rounds, int seconds, string configuration)
{
    Arm[] arms = await BuildAsync(configuration);
    var machine = Machine.Describe();
    Dictionary<string, List<double>> samples = arms.ToDictionary(arm => arm.Name, _ => new List<double>());
    await AnsiConsole.Progress().AutoRefresh(false).StartAsync(async screen =>   // nothing of the harness runs beside a measurement
    {
        ProgressTask progress = screen.AddTask("measuring", maxValue: rounds * arms.Length);
        for (int round = 0; round < rounds; round++)
        {
            foreach (Arm arm in arms.Rotated(round))
            {
                progress.Description = $"round {round + 1} of {rounds}: {arm.Name}";
                screen.Refresh();
                string output = await Commands.RunAsync(Commands.OnCore(0, [.. arm.Command, $"batch={arm.Batch}", $"seconds={seconds}"]));
                samples[arm.Name].Add(OpsPerSecond(output));
                progress.Increment(1);
            }
        }

        progress.Description = "measured";
        screen.Refresh();
    });

    Console.WriteLine();
    Console.WriteLine(machine);
    foreach (IGrouping<int, Arm> batch in arms.GroupBy(arm => arm.Batch))
    {
        Print(batch, samples);
    }

    Console.WriteLine("written to " + Results.Write("nop", machine, new { rounds, seconds, opsPerSecond = samples }));
}

static async Task<Arm[]> BuildAsync(string configuration)
{
    Console.WriteLine("building");
    string[] jit = await Toolchain.BuildJitAsync(RingProgram, configuration); // First: what is unoptimised is refused at once.
    string[] aot = await Toolchain.PublishAotAsync(RingProgram, configuration);
    await Toolchain.BuildCAsync();
    string[] c = [Toolchain.CProgram("nop_limit")];
    (string Name, string[] Command)[] programs =
    [
        ("c", c), ("ring-jit", [.. jit, "layer=ring"]), ("ring-aot", [.. aot, "layer=ring"]),
        ("op-jit", [.. jit, "layer=op"]), ("op-aot", [.. aot, "layer=op"]), ("control", c),
    ];
    return [.. from batch in new[] { 1, 32 } from program in programs select new Arm($"{program.Name}-{batch}", batch, program.Command)];
}

static double OpsPerSecond(string output) => output.Trim().Split(' ') is ["ops_per_second", var number]
    ? double.Parse(number)
    : throw new BenchException($"expected `ops_per_second N`, got `{output.Trim()}`");

static void Print(IGrouping<int, Arm> batch, Dictionary<string, List<double>> samples)
{
    List<double> c = samples[$"c-{batch.Key}"];
    Table table = new Table().Title($"NOPs in batches of {batch.Key}, million per second").Border(TableBorder.Rounded).AddColumn("program");
    foreach (string column in new[] { "best", "median", "spread", "× C best", "× C median", "× C by round" })
    {
        table.AddColumn(column, settings => settings.RightAligned());
    }

    foreach (Arm arm in batch)
    {
        List<double> ops = samples[arm.Name];
        table.AddRow(arm.Name, $"{ops.Max() / 1e6:F2}", $"{ops.Median() / 1e6:F2}", $"{ops.Spread():P0}",
            $"{ops.Max() / c.Max():F3}", $"{ops.Median() / c.Median():F3}", $"{ops.Zip(c, (mine, theirs) => mine / theirs).Median():F3}");
    }

    AnsiConsole.Write(table);
}

sealed record Arm(string Name, int Batch, string[] Command);

// Echo servers against the C ceiling: CPU per request and latency, in interleaved rounds. What the columns mean: bench/README.md.
// usage: dotnet run bench/echo.cs [-- --rounds 10 --seconds 3 --connections 64 --size 64 --arms c-single,ringcore-jit]
//        dotnet run bench/echo.cs -- --idle
#:project kit/BenchKit.csproj
#:property PublishAot=false

using System.CommandLine;
using RingCore.Bench;

const string C = "echo_limit", RingCoreServer = "examples/echo.cs", SocketServer = "bench/stock/echo-sockets.cs";
const string Inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1", Address = "127.0.0.1:{port}";
Column[] known =
[
    new("c-single", ColumnKind.C, C, "{port} single"),
    new("c-multi", ColumnKind.C, C, "{port} multi"),
    new("c-select", ColumnKind.C, C, "{port} select"),
    new("c-single-pf", ColumnKind.C, C, "{port} single pollfirst"),
    new("c-multi-pf", ColumnKind.C, C, "{port} multi pollfirst"),
    new("c-select-pf", ColumnKind.C, C, "{port} select pollfirst"),
    new("c-single-fixed", ColumnKind.C, C, "{port} single fixed"),
    new("c-multi-fixed", ColumnKind.C, C, "{port} multi fixed"),
    new("ringcore-jit", ColumnKind.Jit, RingCoreServer, Address),
    new("ringcore-aot", ColumnKind.Aot, RingCoreServer, Address),
    new("sockets", ColumnKind.Jit, SocketServer, Address),
    new("sockets-inline", ColumnKind.Jit, SocketServer, Address, Inline),
    new("sockets-aot", ColumnKind.Aot, SocketServer, Address),
    new("sockets-inline-aot", ColumnKind.Aot, SocketServer, Address, Inline),
    new("control", ColumnKind.C, C, "{port} single"),
];

var connections = new Option<int>("--connections") { Description = "Connections that each send the next request when the answer is there.", DefaultValueFactory = _ => 64 };
var size = new Option<int>("--size") { Description = "Bytes per request.", DefaultValueFactory = _ => 64 };
var arms = new Option<string>("--arms") { Description = $"Which servers: {string.Join(',', known.Select(arm => arm.Name))}.", DefaultValueFactory = _ => "all" };
var idle = new Option<string?>("--idle")
{
    Description = "Measure memory per idle connection of this file-based app instead (bench/idle.cs when none is named).",
    Arity = ArgumentArity.ZeroOrOne,
};
var harness = new Harness("Measures echo servers against the C ceiling.", rounds: 10, seconds: 3, connections, size, arms, idle);
return await harness.RunAsync(args, () => harness.Has(idle) ? MeasureIdleAsync(harness.Value(idle) ?? "bench/idle.cs") : MeasureEchoAsync());

async Task MeasureEchoAsync()
{
    Column[] built = await Column.BuildAllAsync(Column.Choose(known, harness.Value(arms)), harness.Configuration);
    await Toolchain.BuildCAsync("load");
    string row = $"{harness.Value(connections)} connections, {harness.Value(size)} bytes";
    Comparison comparison = await Comparison.RunAsync("measuring", harness.Rounds, [.. built.Select(arm => new Case(row, arm.Name, () => MeasureArmAsync(arm)))]);
    var report = new Report("echo", Machine.Describe(), $"{row}, {harness.Rounds} rounds of {harness.Seconds} s; server on core 0, load on core 1");
    EchoReport.Print(report, row, comparison);
    harness.End(report, comparison.Samples);
}

async Task<Dictionary<string, double>> MeasureArmAsync(Column arm)
{
    await using Server server = await arm.ServeAsync();
    if (arm.Kind == ColumnKind.Jit)
    {
        await LoadAsync(Math.Max(harness.Seconds, 6));   // not counted: on a core that is never idle the last tier takes seconds to come
    }

    return await LoadAsync(harness.Seconds);

    async Task<Dictionary<string, double>> LoadAsync(int seconds) => Comparison.Parse(await Commands.RunAsync(Commands.OnCore(1,
        Toolchain.CProgram("load"), "127.0.0.1", $"{server.Port}", $"{harness.Value(connections)}", $"{harness.Value(size)}", $"{seconds}", $"{server.Id}")), mustSayOk: false);
}

async Task MeasureIdleAsync(string source)
{
    if (!File.Exists(Toolchain.InRepository(source)))
    {
        throw new BenchException($"{source} is not there: memory per idle connection was not measured");
    }

    IdleConnections.Cost cost = await IdleConnections.MeasureAsync(await Toolchain.BuildJitAsync(source, harness.Configuration));
    var report = new Report("idle connections", Machine.Describe(), IdleConnections.Describe(cost));
    harness.End(report, cost);
}

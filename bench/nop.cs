// Operations that do nothing, so that only the way to the kernel and back costs: C, the Ring layer, and awaits of Op.Nop().
// usage: dotnet run bench/nop.cs [-- --rounds 10 --seconds 2]
#:project kit/BenchKit.csproj
#:property PublishAot=false

using RingCore.Bench;

const string Ring = "bench/nop-ring.cs";
Column[] columns =
[
    new("c", ColumnKind.C, "nop_limit"),
    new("ring-jit", ColumnKind.Jit, Ring, "layer=ring"),
    new("ring-aot", ColumnKind.Aot, Ring, "layer=ring"),
    new("op-jit", ColumnKind.Jit, Ring, "layer=op"),
    new("op-aot", ColumnKind.Aot, Ring, "layer=op"),
    new("control", ColumnKind.C, "nop_limit"),
];

var harness = new Harness("Measures NOPs per second: RingCore against C.", rounds: 10, seconds: 2);
return await harness.RunAsync(args, async () =>
{
    Column[] built = await Column.BuildAllAsync(columns, harness.Configuration);
    Comparison comparison = await Comparison.RunAsync("measuring", harness.Rounds,
        [.. from batch in new[] { 1, 32 } from column in built select new Case(NopReport.RowOf(batch), column.Name, () => MeasureAsync(column, batch))]);
    var report = new Report("nop", Machine.Describe(), $"{harness.Rounds} rounds of {harness.Seconds} s on core 0");
    NopReport.Print(report, comparison);
    harness.End(report, comparison.Samples);
});

async Task<Dictionary<string, double>> MeasureAsync(Column column, int batch) => Comparison.Parse(
    await Commands.RunAsync(Commands.OnCore(0, [.. column.Command, $"batch={batch}", $"seconds={harness.Seconds}"])), mustSayOk: false);

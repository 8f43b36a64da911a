namespace RingCore.Bench;

/// <summary>The tables of an echo run.</summary>
public static class EchoReport
{
    private static readonly Figure s_cpu = new("cpu_us_per_request", "CPU µs");
    private static readonly Figure s_rate = new("rps", "requests/s", HigherIsBetter: true, Brief: true);
    private static readonly Figure s_p50 = new("p50us", "p50", Brief: true);

    public static void Print(Report report, string row, Comparison comparison)
    {
        report.Add(comparison.SheetOf(row, "CPU per request, µs", BetterC(s_cpu), s_cpu, s_rate));
        report.Add(comparison.SheetOf(row, "Latency, µs, medians of the rounds", BetterC(s_p50),
            s_p50, new("p99us", "p99", Brief: true), new("p999us", "p99.9", Brief: true)));
        report.Say(comparison.ControlLine(row, "c-single", "control", s_cpu));

        string BetterC(Figure figure) => comparison.BestOf(row, figure, name => name.StartsWith("c-", StringComparison.Ordinal));
    }
}

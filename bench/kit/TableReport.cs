namespace RingCore.Bench;

/// <summary>The tables of a run of the original's table, and who is first in each row.</summary>
public static class TableReport
{
    private const string Ours = "ringcore-aot", OursJit = "ringcore-jit", C = "c", Control = "control";

    /// <summary>What a row compares first: milliseconds; of the timers, µs from their time.</summary>
    public static Figure First(string row) => row == "timer" ? new("error_us", "µs from its time") : new("real_us", "real ms", Scale: 1e-3);

    public static Figure Cpu(string row) => row == "timer" ? new("cpu_us", "CPU µs each") : new("cpu_us", "CPU ms", Scale: 1e-3);

    public static void Print(Report report, Comparison comparison, IReadOnlyDictionary<string, string> titles)
    {
        string[] rows = [.. titles.Keys.Where(comparison.Samples.ContainsKey)];
        report.Add(Summary(comparison, rows, titles));
        foreach (string row in rows)
        {
            report.Add(comparison.SheetOf(row, titles[row], C, First(row), Cpu(row) with { Brief = true }));
        }

        foreach (string row in rows)
        {
            report.Say(Verdict(comparison, row, Ours, ""));
            report.Say(Verdict(comparison, row, OursJit, "-jit"));
        }
    }

    /// <summary>As the original prints it: real time, and user plus system CPU time; medians.</summary>
    private static Sheet Summary(Comparison comparison, string[] rows, IReadOnlyDictionary<string, string> titles)
    {
        string[] columns = [.. comparison.Samples.Values.SelectMany(row => row.Keys).Distinct()];
        return new("Medians, ms: real / user and system CPU; of the timers, µs each: from its time / CPU", ["row", .. columns],
            [.. rows.Select(row => (string[])[titles[row], .. columns.Select(column => Cell(row, column))])]);

        string Cell(string row, string column) => comparison.Has(row, column) ? $"{Show(row, column, First(row))} / {Show(row, column, Cpu(row))}" : "–";

        string Show(string row, string column, Figure figure) => $"{comparison.Median(row, column, figure.Name) * figure.Scale:F2}";
    }

    /// <summary>Who is first but for C, and how far RingCore is from C, in medians and minima.</summary>
    private static string? Verdict(Comparison comparison, string row, string ours, string suffix)
    {
        Figure figure = First(row);
        string best = comparison.BestOf(row, figure, name => name is not (Ours or OursJit or C or Control) && name.EndsWith(suffix, StringComparison.Ordinal));
        if (best.Length == 0 || !comparison.Has(row, ours))
        {
            return null;
        }

        string toC = comparison.Has(row, C) ? $", × C {Median(ours) / Median(C):F3} (minima {Min(ours) / Min(C):F3})" : "";
        string control = comparison.Has(row, Control) && comparison.Has(row, C) ? $", control × C {Median(Control) / Median(C):F3}" : "";
        return $"{row}: {ours} is {Median(ours) / Median(best):F3} × {best}{(Median(ours) <= Median(best) ? "" : " (NOT FIRST)")}{toC}{control}";

        double Median(string column) => comparison.Median(row, column, figure.Name);
        double Min(string column) => comparison.Values(row, column, figure.Name).Min();
    }
}

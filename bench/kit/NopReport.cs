namespace RingCore.Bench;

/// <summary>The tables of a NOP run.</summary>
public static class NopReport
{
    private static readonly Figure s_rate = new("ops_per_second", "million/s", Scale: 1e-6, HigherIsBetter: true);

    public static string RowOf(int batch) => $"batches of {batch}";

    public static void Print(Report report, Comparison comparison)
    {
        foreach (string row in comparison.Samples.Keys)
        {
            report.Add(comparison.SheetOf(row, $"NOPs, {row}, million per second", "c", s_rate));
            report.Say(comparison.ControlLine(row, "c", "control", s_rate));
        }
    }
}

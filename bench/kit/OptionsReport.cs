namespace RingCore.Bench;

/// <summary>The tables of an options run: a row each, compared with its first column.</summary>
public static class OptionsReport
{
    public static void Print(Report report, Comparison comparison)
    {
        foreach ((string row, var columns) in comparison.Samples)
        {
            report.Add(comparison.SheetOf(row, row, columns.Keys.First(), new("cpu", "CPU µs"), new Figure("time", "time µs")));
        }
    }
}

using Spectre.Console;

namespace RingCore.Bench;

/// <summary>One thing to measure: a column doing a row's work once. It says what it found by name.</summary>
public sealed record Case(string Row, string Column, Func<Task<Dictionary<string, double>>> MeasureAsync);

/// <summary>One measured value as a report shows it: in full (best, median, spread, ratios to the base), or its median alone.</summary>
public sealed record Figure(string Name, string Title, double Scale = 1, bool HigherIsBetter = false, bool Brief = false)
{
    public double Best(double[] values) => HigherIsBetter ? values.Max() : values.Min();
}

/// <summary>What every case said in every round, by row and column.</summary>
public sealed class Comparison
{
    /// <summary>Row, column, and for each round the values by name.</summary>
    public Dictionary<string, Dictionary<string, List<Dictionary<string, double>>>> Samples { get; init; } = [];

    /// <summary>Row and column of what failed, and how; its figures are left out.</summary>
    public Dictionary<string, string> Failures { get; } = [];

    /// <summary>Runs the cases in rounds, row by row, each time beginning with another column, under a progress bar.</summary>
    public static async Task<Comparison> RunAsync(string what, int rounds, IReadOnlyList<Case> cases)
    {
        var comparison = new Comparison();
        await AnsiConsole.Progress().AutoRefresh(false).StartAsync(async screen =>   // nothing of the harness runs beside a measurement
        {
            ProgressTask progress = screen.AddTask(what, maxValue: Math.Max(1, rounds * cases.Count));
            for (int round = 0; round < rounds; round++)
            {
                foreach (Case one in cases.GroupBy(one => one.Row).SelectMany(row => Rotated([.. row], round)))
                {
                    progress.Description = $"{what}, round {round + 1} of {rounds}: {one.Row}, {one.Column}".EscapeMarkup();
                    screen.Refresh();
                    await comparison.MeasureAsync(one);
                    progress.Increment(1);
                }
            }

            progress.Description = $"{what}: done";
            screen.Refresh();
        });
        foreach ((string which, string how) in comparison.Failures)
        {
            Console.WriteLine($"{which} failed: {how}");
        }

        return comparison;
    }

    public bool Has(string row, string column) => Samples.TryGetValue(row, out var columns) && columns.ContainsKey(column);

    public double[] Values(string row, string column, string value) =>
        [.. Samples[row][column].Where(sample => sample.ContainsKey(value)).Select(sample => sample[value])];

    public double Median(string row, string column, string value) => Values(row, column, value).Median();

    /// <summary>The column with the best median among those that pass, or "".</summary>
    public string BestOf(string row, Figure figure, Func<string, bool> passes) => !Samples.TryGetValue(row, out var columns) ? ""
        : columns.Keys.Where(passes).MinBy(name => Median(row, name, figure.Name) * (figure.HigherIsBetter ? -1 : 1)) ?? "";

    /// <summary>Reads <c>name value name value ...</c>; a program that ends it with <c>ok</c> has checked its work.</summary>
    public static Dictionary<string, double> Parse(string line, bool mustSayOk = true)
    {
        string[] words = line.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] pairs = words is [.. var inner, "ok"] ? inner : words;
        return pairs.Length % 2 == 0 && (pairs.Length < words.Length || !mustSayOk) && pairs.Length > 0
            ? pairs.Chunk(2).ToDictionary(pair => pair[0], pair => double.Parse(pair[1]))
            : throw new BenchException($"expected `name value ...{(mustSayOk ? " ok" : "")}`, got `{line.Trim()}`");
    }

    /// <summary>One row as a table: its columns, their figures, and the ratios to the base column.</summary>
    public Sheet? SheetOf(string row, string title, string baseColumn, params Figure[] figures)
    {
        if (!Samples.TryGetValue(row, out var columns) || columns.Count == 0)
        {
            return null;
        }

        string times = $"× {(baseColumn.Length > 0 ? baseColumn : "?")}";
        string[] headings = [.. figures.SelectMany(figure => figure.Brief
            ? [figure.Title, times]
            : new[] { $"{figure.Title}, {(figure.HigherIsBetter ? "best" : "min")}", "median", "spread", $"{times}, {(figure.HigherIsBetter ? "best" : "min")}", "median", "by round" })];
        var lines = new List<string[]>();
        foreach (string column in columns.Keys)
        {
            lines.Add([column, .. figures.SelectMany(figure => Cells(row, column, baseColumn, figure))]);
        }

        return new Sheet(title, ["", .. headings], lines);
    }

    /// <summary>The same program measured twice: what differs here is noise.</summary>
    public string? ControlLine(string row, string column, string control, Figure figure)
    {
        if (!Has(row, column) || !Has(row, control))
        {
            return null;
        }

        double[] first = Values(row, column, figure.Name), second = Values(row, control, figure.Name);
        double[] ratios = [.. second.Zip(first, (mine, theirs) => mine / theirs)];
        return $"control, {column} against itself ({row}): {(figure.HigherIsBetter ? "maxima" : "minima")} {figure.Best(second) / figure.Best(first):F3}, "
            + $"medians {second.Median() / first.Median():F3}, by round {ratios.Min():F3} to {ratios.Max():F3}, "
            + $"middle half {ratios.Quantile(0.25):F3} to {ratios.Quantile(0.75):F3}";
    }

    public static string Number(double value) => value >= 1000 ? $"{value:F0}" : value >= 100 ? $"{value:F1}" : value >= 10 ? $"{value:F2}" : $"{value:F3}";

    private string[] Cells(string row, string column, string baseColumn, Figure figure)
    {
        double[] mine = Values(row, column, figure.Name);
        double[] theirs = Has(row, baseColumn) ? Values(row, baseColumn, figure.Name) : [];
        if (mine.Length == 0)
        {
            return figure.Brief ? ["", ""] : ["", "", "", "", "", ""];
        }

        string medians = theirs.Length == 0 ? "" : $"{mine.Median() / theirs.Median():F3}";
        return figure.Brief
            ? [Number(mine.Median() * figure.Scale), medians]
            : [Number(figure.Best(mine) * figure.Scale), Number(mine.Median() * figure.Scale), $"{mine.Spread():P0}",
                theirs.Length == 0 ? "" : $"{figure.Best(mine) / figure.Best(theirs):F3}", medians,
                theirs.Length == 0 ? "" : $"{mine.Zip(theirs, (me, they) => me / they).Median():F3}"];
    }

    /// <summary>The same items, begun one place later in every round, so that nobody always runs first or after the same pause.</summary>
    private static IEnumerable<T> Rotated<T>(T[] items, int round) => Enumerable.Range(0, items.Length).Select(i => items[(i + round) % items.Length]);

    private async Task MeasureAsync(Case one)
    {
        string which = $"{one.Row}, {one.Column}";
        if (Failures.ContainsKey(which))
        {
            return;
        }

        try
        {
            Dictionary<string, double> sample = await one.MeasureAsync();
            if (!Samples.TryGetValue(one.Row, out var columns))
            {
                columns = Samples[one.Row] = [];
            }

            if (!columns.TryGetValue(one.Column, out var rounds))
            {
                rounds = columns[one.Column] = [];
            }

            rounds.Add(sample);
        }
        catch (BenchException problem)
        {
            Failures[which] = problem.Message;
            if (Samples.TryGetValue(one.Row, out var columns))
            {
                columns.Remove(one.Column);
            }
        }
    }
}

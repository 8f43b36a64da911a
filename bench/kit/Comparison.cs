using Spectre.Console;

namespace RingCore.Bench;

/// <summary>One thing to measure: a column's program doing a row's work once.</summary>
public sealed record Case(string Row, string Column, Func<Task<Dictionary<string, double>>> MeasureAsync);

/// <summary>What every case said in every round, by row and column.</summary>
public sealed class Comparison
{
    /// <summary>Row, column, and for each round the values by name.</summary>
    public Dictionary<string, Dictionary<string, List<Dictionary<string, double>>>> Samples { get; } = [];

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
                foreach (Case one in cases.GroupBy(one => one.Row).SelectMany(row => row.ToArray().Rotated(round)))
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

    /// <summary>Reads <c>name value name value ... ok</c>.</summary>
    public static Dictionary<string, double> Parse(string line)
    {
        string[] words = line.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is [.. var pairs, "ok"]
            ? pairs.Chunk(2).ToDictionary(pair => pair[0], pair => double.Parse(pair[1]))
            : throw new BenchException($"expected `name value ... ok`, got `{line.Trim()}`");
    }

    /// <summary>One row in full: every column's minimum, median and spread of each value, and their ratios to C's.</summary>
    public void PrintRow(string row, string title, string c, params (string Value, string Title, double Scale)[] values)
    {
        if (!Samples.TryGetValue(row, out var columns) || columns.Count == 0)
        {
            return;
        }

        Table table = new Table().Title(title.EscapeMarkup()).Border(TableBorder.Rounded).AddColumn("column");
        foreach (string heading in values.SelectMany(value => new[] { value.Title + " min", "median", "spread", "× C min", "× C median" }))
        {
            table.AddColumn(heading, settings => settings.RightAligned());
        }

        foreach (string column in columns.Keys)
        {
            var cells = new List<string> { column };
            foreach ((string value, _, double scale) in values)
            {
                double[] mine = Values(row, column, value);
                double[] theirs = Has(row, c) ? Values(row, c, value) : [];
                cells.AddRange(mine.Length == 0 ? ["", "", "", "", ""] : [Number(mine.Min() * scale), Number(mine.Median() * scale), $"{mine.Spread():P0}",
                    theirs.Length == 0 ? "" : $"{mine.Min() / theirs.Min():F3}", theirs.Length == 0 ? "" : $"{mine.Median() / theirs.Median():F3}"]);
            }

            table.AddRow([.. cells]);
        }

        AnsiConsole.Write(table);
    }

    public static string Number(double value) => value >= 1000 ? $"{value:F0}" : value >= 100 ? $"{value:F1}" : value >= 10 ? $"{value:F2}" : $"{value:F3}";

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

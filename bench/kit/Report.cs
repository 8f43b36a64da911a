using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace RingCore.Bench;

/// <summary>A table: its headings, the first column's included, and its lines.</summary>
public sealed record Sheet(string Title, string[] Headings, IReadOnlyList<string[]> Lines);

/// <summary>What a run has to tell: printed as it comes, and kept as Markdown in <c>bench/history</c> when asked for.</summary>
public sealed class Report
{
    private readonly Machine _machine;
    private readonly string _name;
    private readonly StringBuilder _markdown = new();

    public Report(string name, Machine machine, string plan)
    {
        _name = name;
        _machine = machine;
        Console.WriteLine();
        Console.WriteLine(machine);
        Say(plan);
    }

    public void Say(string? line)
    {
        if (line is null)
        {
            return;
        }

        Console.WriteLine(line);
        _markdown.Append(line).Append("\n\n");
    }

    public void Add(Sheet? sheet)
    {
        if (sheet is null)
        {
            return;
        }

        Table table = new Table().Title(sheet.Title.EscapeMarkup()).Border(TableBorder.Rounded).AddColumn(sheet.Headings[0]);
        foreach (string heading in sheet.Headings[1..])
        {
            table.AddColumn(heading.EscapeMarkup(), settings => settings.RightAligned());
        }

        foreach (string[] line in sheet.Lines)
        {
            table.AddRow([.. line.Select(cell => cell.EscapeMarkup())]);
        }

        AnsiConsole.Write(table);
        _markdown.Append($"### {sheet.Title}\n\n| {string.Join(" | ", sheet.Headings)} |\n| --- |{string.Concat(sheet.Headings.Skip(1).Select(_ => " ---: |"))}\n");
        foreach (string[] line in sheet.Lines)
        {
            _markdown.Append($"| {string.Join(" | ", line)} |\n");
        }

        _markdown.Append('\n');
    }

    /// <summary>Adds the run to the machine's page of that day: <c>bench/history/MACHINE/DATE.md</c>.</summary>
    public void Keep()
    {
        string file = Path.Combine(Toolchain.BenchFolder, "history", _machine.ShortName, $"{_machine.Date:yyyy-MM-dd}.md");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        if (!File.Exists(file))
        {
            File.WriteAllText(file, $"# {_machine.Date:yyyy-MM-dd}\n\n{_machine.Processor}, {_machine.Cores} cores, {_machine.DotNet}. Made by the bench's `--keep`; how to read it: [bench/README.md](../../README.md).\n");
        }

        File.AppendAllText(file, $"\n## {_name}, {_machine.Date:HH:mm} UTC\n\n{_machine.Details}\n\n{_markdown.ToString().TrimEnd()}\n");
        Console.WriteLine($"kept in {Path.GetRelativePath(Toolchain.InRepository("."), file)}");
    }

    /// <summary>Every round's values, for what the tables do not tell.</summary>
    public void Write(string file, object samples)
    {
        File.WriteAllText(file, JsonSerializer.Serialize(new { name = _name, machine = _machine, samples }, s_readable) + "\n");
        Console.WriteLine($"written to {file}");
    }

    private static readonly JsonSerializerOptions s_readable = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
}

using System.CommandLine;
using Spectre.Console;

namespace RingCore.Bench;

/// <summary>The command line that all harnesses share, and what they do with a result: print it, keep it, write its rounds.</summary>
public sealed class Harness
{
    private readonly RootCommand _root;
    private readonly Option<int> _rounds;
    private readonly Option<int> _seconds;
    private readonly Option<string> _configuration = new("--configuration") { Description = "Build configuration; anything unoptimised is refused.", DefaultValueFactory = _ => "Release" };
    private readonly Option<bool> _keep = new("--keep") { Description = "Add the tables to bench/history, the page of this machine and day." };
    private readonly Option<string?> _json = new("--json") { Description = "Write every round to this file." };
    private ParseResult _parsed = null!;

    public Harness(string description, int rounds, int seconds, params Symbol[] more)
    {
        _rounds = new("--rounds") { Description = "Rounds; each runs everything once.", DefaultValueFactory = _ => rounds };
        _seconds = new("--seconds") { Description = "Seconds counted in each round.", DefaultValueFactory = _ => seconds };
        _root = new RootCommand(description) { _rounds, _configuration, _keep, _json };
        if (seconds > 0)
        {
            _root.Options.Add(_seconds);
        }

        foreach (Symbol symbol in more)
        {
            if (symbol is Option option)
            {
                _root.Options.Add(option);
            }
            else
            {
                _root.Arguments.Add((Argument)symbol);
            }
        }
    }

    public int Rounds => _parsed.GetValue(_rounds);

    public int Seconds => _parsed.GetValue(_seconds);

    public string Configuration => _parsed.GetValue(_configuration)!;

    public bool Has(Option option) => _parsed.GetResult(option) is not null;

    public T Value<T>(Option<T> option) => _parsed.GetValue(option)!;

    public T Value<T>(Argument<T> argument) => _parsed.GetValue(argument)!;

    /// <summary>Parses, measures, and turns what cannot be done into a sentence and exit code 1.</summary>
    public Task<int> RunAsync(string[] args, Func<Task> measureAsync)
    {
        _root.SetAction(async parsed =>
        {
            _parsed = parsed;
            if (Console.IsOutputRedirected)
            {
                AnsiConsole.Profile.Width = 200;
            }

            try
            {
                await measureAsync();
                return 0;
            }
            catch (BenchException problem)
            {
                await Console.Error.WriteLineAsync(problem.Message);
                return 1;
            }
        });
        return _root.Parse(args).InvokeAsync();
    }

    /// <summary>After the last table.</summary>
    public void End(Report report, object samples)
    {
        if (_parsed.GetValue(_keep))
        {
            report.Keep();
        }

        if (_parsed.GetValue(_json) is { } file)
        {
            report.Write(file, samples);
        }
    }
}

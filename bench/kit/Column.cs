namespace RingCore.Bench;

public enum ColumnKind
{
    C,
    Cargo,
    Jit,
    Aot,
}

/// <summary>
/// One program of a comparison. <paramref name="Program"/> is the source of a file-based app, or the name of a C or Rust program below
/// <c>out</c>; <paramref name="Arguments"/> may say <c>{port}</c>; <paramref name="Environment"/> is one <c>NAME=VALUE</c>. What cannot
/// be built, for want of a tool or a file, is left out and says why.
/// </summary>
public sealed record Column(string Name, ColumnKind Kind, string Program, string Arguments = "", string Environment = "")
{
    /// <summary>What starts it; empty before it is built, or when something is missing.</summary>
    public string[] Command { get; private set; } = [];

    /// <summary>Null, or why it is left out.</summary>
    public string? Missing { get; private set; }

    public IReadOnlyDictionary<string, string> Variables => Environment.Split('=', 2) is [var name, var value]
        ? new Dictionary<string, string> { [name] = value } : [];

    /// <summary>Starts it as a server on core 0.</summary>
    public Task<Server> ServeAsync() =>
        Server.StartAsync(port => Command.Select(word => word.Replace("{port}", $"{port}", StringComparison.Ordinal)), Variables);

    public async Task BuildAsync(string configuration)
    {
        try
        {
            string[] command = await BuildKindAsync(configuration);
            Command = [.. command, .. Arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        }
        catch (BenchException problem) when (problem is not UnoptimisedException)
        {
            Missing = Reason(problem.Message);
        }
    }

    /// <summary>Those of the names, or all.</summary>
    public static Column[] Choose(Column[] known, string names) => Choose(known, column => column.Name, names);

    public static T[] Choose<T>(T[] known, Func<T, string> nameOf, string names) => names == "all"
        ? known
        : [.. names.Split(',').Select(name => known.FirstOrDefault(one => nameOf(one) == name)
            ?? throw new BenchException($"There is no `{name}`; there are {string.Join(", ", known.Select(nameOf))}."))];

    /// <summary>Builds all, and returns those that came out; says on standard output what was left out.</summary>
    public static async Task<Column[]> BuildAllAsync(IEnumerable<Column> columns, string configuration)
    {
        Console.WriteLine("building");
        var built = new List<Column>();
        foreach (Column column in columns)
        {
            await column.BuildAsync(configuration);
            if (column.Missing is { } why)
            {
                Console.WriteLine($"{column.Name} is left out: {why}");
            }
            else
            {
                built.Add(column);
            }
        }

        return built.Count > 0 ? [.. built] : throw new BenchException("Nothing could be built.");
    }

    private async Task<string[]> BuildKindAsync(string configuration)
    {
        switch (Kind)
        {
            case ColumnKind.C:
                await Toolchain.BuildCAsync(Program);
                return [Toolchain.CProgram(Program)];
            case ColumnKind.Cargo:
                await Toolchain.BuildCargoAsync();
                return [Toolchain.CargoProgram(Program)];
            case ColumnKind.Jit:
                return await Toolchain.BuildJitAsync(Program, configuration);
            default:
                return await Toolchain.PublishAotAsync(Program, configuration);
        }
    }

    private string Reason(string message)
    {
        string? tool = Kind switch
        {
            ColumnKind.C => Commands.Missing("make") ?? Commands.Missing("cc") ?? (File.Exists("/usr/include/liburing.h") ? null : "liburing-dev is missing"),
            ColumnKind.Aot => Commands.Missing("clang") is null || Commands.Missing("gcc") is null ? null : "clang is missing",
            _ => null,
        };
        string[] lines = message.Split('\n');
        return File.Exists(Toolchain.InRepository(Program)) || Kind is ColumnKind.C or ColumnKind.Cargo ? tool ?? Error(lines) : $"{Program} is not there";
    }

    private static string Error(string[] lines) => lines.FirstOrDefault(line => line.Contains("error", StringComparison.OrdinalIgnoreCase)) ?? lines[0];
}

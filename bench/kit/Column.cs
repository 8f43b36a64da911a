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
/// <c>out</c>. What cannot be built, for want of a tool or a file, is left out and says why.
/// </summary>
public sealed record Column(string Name, ColumnKind Kind, string Program, string Arguments = "")
{
    /// <summary>What starts it; empty before it is built, or when something is missing.</summary>
    public string[] Command { get; private set; } = [];

    /// <summary>Null, or why it is left out.</summary>
    public string? Missing { get; private set; }

    public async Task BuildAsync(string configuration)
    {
        try
        {
            string[] command = await BuildKindAsync(configuration);
            Command = [.. command, .. Arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        }
        catch (BenchException problem)
        {
            Missing = Reason(problem.Message);
        }
    }

    /// <summary>Builds all, and returns those that came out; says on standard output what was left out.</summary>
    public static async Task<Column[]> BuildAllAsync(IEnumerable<Column> columns, string configuration)
    {
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

        return [.. built];
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

using System.Text.Json;

namespace RingCore.Bench;

public static class Results
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>Writes one run, with every round, to <c>bench/results/</c> and returns the file's name within the repository.</summary>
    public static string Write(string name, Machine machine, object run)
    {
        string file = $"{name}-{machine.Date:yyyyMMdd-HHmmss}.json";
        Directory.CreateDirectory(Path.Combine(Toolchain.BenchFolder, "results"));
        File.WriteAllText(Path.Combine(Toolchain.BenchFolder, "results", file), JsonSerializer.Serialize(new { machine, run }, Readable) + "\n");
        return $"bench/results/{file}";
    }
}

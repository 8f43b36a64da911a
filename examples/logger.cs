#:project ../src/RingCore
// A log with many writers: dotnet run examples/logger.cs FILE. A hundred tasks append lines. While one gathered append is with the
// kernel the lines of all tasks collect, and the next takes them along: few writes, each line whole. Then the file is read back.

using System.Text;
using RingCore;

const int Tasks = 100, LinesEach = 100;
if (args.Length != 1)
{
    Console.Error.WriteLine("usage: logger FILE");
    return 2;
}

string path = args[0], run = $"pid {Environment.ProcessId}"; // Others may append to it, too.
string Line(int task, int i) => $"{run} task {task} line {i} {new string('.', task)}";
try
{
    RingExecutor.Run(async () =>
    {
        await using RingFile file = await RingFile.OpenAsync(path, FileMode.Append, FileAccess.Write);
        var log = new Log(file);
        await Task.WhenAll(Enumerable.Range(0, Tasks).Select(task => RingExecutor.Spawn(async () =>
        {
            for (int i = 0; i < LinesEach; i++)
                await log.WriteLineAsync(Line(task, i));
        }).AsTask()));
        Console.WriteLine($"{Tasks * LinesEach} lines of {Tasks} tasks, {(double)Tasks * LinesEach / log.Writes:F1} lines a write");
    });
    ILookup<string, string> found = File.ReadLines(path).Where(line => line.StartsWith(run + " ")).ToLookup(line => line.Split(' ')[3]);
    bool isWhole = found.Count == Tasks && Enumerable.Range(0, Tasks).All(task => found[$"{task}"].SequenceEqual(Enumerable.Range(0, LinesEach).Select(i => Line(task, i))));
    Console.WriteLine($"read back: every line whole and in its task's order: {(isWhole ? "yes" : "NO")}");
    return isWhole ? 0 : 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or RingUnavailableException)
{
    Console.Error.WriteLine($"logger: {e.Message}");
    return e is RingUnavailableException ? 3 : 1;
}

internal sealed class Log(RingFile file)
{
    private List<ReadOnlyMemory<byte>> _lines = []; // What the next append takes.
    private Task _writing = Task.CompletedTask;
    private Task? _next;

    public int Writes { get; private set; }

    // Completes when the line is in the file. After an error it does not any more: a log has no holes.
    public Task WriteLineAsync(string line)
    {
        _lines.Add(Encoding.UTF8.GetBytes(line + "\n"));
        return _next ??= WriteAsync(before: _writing);
    }

    private async Task WriteAsync(Task before)
    {
        await RingExecutor.Yield(); // Behind every task that has a line for this append.
        await before;
        (List<ReadOnlyMemory<byte>> lines, _lines, _writing, _next) = (_lines, [], _next!, null);
        await file.AppendAsync(lines); // One writev; O_APPEND finds the end of the file, whoever else appends.
        Writes++;
    }
}

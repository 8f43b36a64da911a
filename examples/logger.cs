#:project ../src/RingCore
// A hundred tasks log to one file: dotnet run examples/logger.cs [FILE]. Each append gathers the parts of several lines, so a line is
// never split and nobody copies it together; the kernel appends at the end as it is then, so nothing is overwritten, not even by other
// processes. At the end every line is looked for in the file. Without FILE: one in the folder of temporary files, removed at the end.

using System.Text;
using RingCore;

if (args is [""])
{
    Console.Error.WriteLine("usage: logger [FILE]");
    return 2;
}

const int Tasks = 100, Appends = 10, Lines = 10;
string path = args.FirstOrDefault() ?? Path.Join(Path.GetTempPath(), $"ringcore-log-{Environment.ProcessId}");
try
{
    RingExecutor.Run(async () =>
    {
        await using RingFile log = await RingFile.OpenAsync(path, FileMode.Append, FileAccess.Write, args.Length == 0 ? RingFileOptions.DeleteOnClose : 0);
        long start = (await log.GetStatusAsync()).Length; // What was there stays.
        await Task.WhenAll(Enumerable.Range(0, Tasks).Select(task => WriteAsync(log, task).AsTask())); // All at once, on this one thread.
        await log.FlushToDiskAsync(); // What was logged survives a power cut.

        var counts = new int[Tasks];
        int inOrder = 0;
        await using RingFile file = await RingFile.OpenAsync(path);
        var text = new MemoryStream();
        await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(start))
            text.Write(chunk.Span);
        foreach (string line in Encoding.UTF8.GetString(text.ToArray()).Split('\n'))
        {
            if (line.Split(' ') is [var process, "task", var task, "line", var number] && process == $"[{Environment.ProcessId}]"
                && int.Parse(number) == counts[int.Parse(task)]++)
                inOrder++; // Another process's lines may be in between.
        }

        Console.WriteLine($"{Tasks} tasks wrote {Tasks * Appends * Lines} lines in {Tasks * Appends} appends");
        Console.WriteLine($"{counts.Sum()} are in the file, {inOrder} of them whole and in their task's order");
        if (inOrder != Tasks * Appends * Lines)
            throw new InvalidDataException($"{path}: lines are lost");
    });
    return 0;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or RingUnavailableException or InvalidDataException)
{
    Console.Error.WriteLine($"logger: {e.Message}");
    return e is RingUnavailableException ? 3 : 1;
}

static async RingTask WriteAsync(RingFile log, int task)
{
    byte[] process = Encoding.UTF8.GetBytes($"[{Environment.ProcessId}] "), name = Encoding.UTF8.GetBytes($"task {task} ");
    for (int append = 0; append < Appends; append++)
    {
        var parts = new List<ReadOnlyMemory<byte>>();
        for (int line = append * Lines; line < (append + 1) * Lines; line++)
            parts.AddRange([process, name, Encoding.UTF8.GetBytes($"line {line}\n")]);
        await log.AppendAsync(parts); // All of it, or an exception.
    }
}

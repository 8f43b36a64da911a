// A hundred tasks log to one file: dotnet run examples/stock/logger.cs [FILE]. FileMode.Append only starts at the end: two writers would
// overwrite each other. So there is one: the tasks queue their lines in a channel, and it writes what is queued with one gathered call. At
// the end every line is looked for in the file. Without FILE: one in the folder of temporary files, removed at the end.
// The twin of examples/logger.cs on RandomAccess and Channel.

using System.Text;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;

const int Tasks = 100, Appends = 10, Lines = 10;
string path = args.FirstOrDefault() ?? Path.Join(Path.GetTempPath(), $"stock-log-{Environment.ProcessId}");
try
{
    using SafeFileHandle log = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, FileOptions.Asynchronous | (args.Length == 0 ? FileOptions.DeleteOnClose : 0));
    long start = RandomAccess.GetLength(log); // What was there stays.
    var queue = Channel.CreateBounded<ReadOnlyMemory<byte>[]>(new BoundedChannelOptions(1000) { SingleReader = true });
    Task writer = AppendAsync(log, start, queue.Reader);
    await Task.WhenAny(writer, Task.WhenAll(Enumerable.Range(0, Tasks).Select(task => Task.Run(() => WriteAsync(queue.Writer, task))))); // A full disk ends it, too.
    queue.Writer.TryComplete();
    await writer;
    RandomAccess.FlushToDisk(log); // What was logged survives a power cut. A blocking call: there is no other.

    var counts = new int[Tasks];
    int inOrder = 0;
    await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
    file.Position = start;
    using var reader = new StreamReader(file);
    while (await reader.ReadLineAsync() is { } line)
    {
        if (line.Split(' ') is [var process, "task", var task, "line", var number] && process == $"[{Environment.ProcessId}]"
            && int.Parse(number) == counts[int.Parse(task)]++)
            inOrder++;
    }

    Console.WriteLine($"{Tasks} tasks wrote {Tasks * Appends * Lines} lines in {Tasks * Appends} appends");
    Console.WriteLine($"{counts.Sum()} are in the file, {inOrder} of them whole and in their task's order");
    if (inOrder != Tasks * Appends * Lines)
        throw new InvalidDataException($"{path}: lines are lost");
    return 0;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
{
    Console.Error.WriteLine($"logger: {e.Message}");
    return 1;
}

static async Task WriteAsync(ChannelWriter<ReadOnlyMemory<byte>[]> log, int task)
{
    byte[] process = Encoding.UTF8.GetBytes($"[{Environment.ProcessId}] "), name = Encoding.UTF8.GetBytes($"task {task} ");
    for (int append = 0; append < Appends; append++)
        await log.WriteAsync([.. Enumerable.Range(append * Lines, Lines).SelectMany(line => new ReadOnlyMemory<byte>[] { process, name, Encoding.UTF8.GetBytes($"line {line}\n") })]);
}

static async Task AppendAsync(SafeFileHandle log, long offset, ChannelReader<ReadOnlyMemory<byte>[]> queue)
{
    var parts = new List<ReadOnlyMemory<byte>>();
    for (; await queue.WaitToReadAsync(); parts.Clear())
    {
        while (parts.Count < 1000 && queue.TryRead(out ReadOnlyMemory<byte>[]? lines))
            parts.AddRange(lines);
        await RandomAccess.WriteAsync(log, parts, offset); // All of it, or an exception.
        offset += parts.Sum(part => (long)part.Length);
    }
}

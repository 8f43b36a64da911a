// The .NET async column of the table, as people write it: FileStream with FileOptions.Asynchronous, File, Socket, Task.
// usage: async ROW key=value...; what the rows do and print: bench/README.md, "The table".
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RingCore.Bench;

var row = new Row(args);
try
{
    for (long i = row.Warmup; i > 0; i--)
    {
        await RunAsync();
    }

    row.StartClock();
    await RunAsync();
    row.PrintClock();
    return 0;
}
catch (Exception e)
{
    return Row.Fail(e);
}

Task RunAsync() => row.Name switch
{
    "cat" => CatAsync(),
    "files" => FilesAsync(),
    "requests" => RequestsAsync(),
    "timer" => TimerAsync(),
    "start" => CheckFileAsync(row.Text("path"), row.Number("size", 4096), 0),
    _ => throw row.Unknown(),
};

async Task CatAsync()
{
    await using var from = new FileStream(row.Text("from"), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
    await using var to = new FileStream(row.Text("to"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
    await from.CopyToAsync(to, (int)row.Number("buffer", 262_144));
    Row.CheckCopy(to.Position, to.Length, row.Number("size", 0));
}

async Task FilesAsync()
{
    var tasks = new Task[row.Paths.Length];
    long size = row.Number("size", 4096);
    for (int i = 0; i < tasks.Length; i++)
    {
        tasks[i] = CheckFileAsync(row.Paths[i], size, i);
    }

    await Task.WhenAll(tasks);
}

async Task CheckFileAsync(string path, long size, long index) => Row.CheckFile(await File.ReadAllBytesAsync(path), size, index);

async Task RequestsAsync()
{
    var tasks = new Task[row.Number("tasks", 1)];
    for (int i = 0; i < tasks.Length; i++)
    {
        tasks[i] = RequestManyAsync(row.Number("count", 100) / tasks.Length);
    }

    await Task.WhenAll(tasks);
}

async Task RequestManyAsync(long count)
{
    var server = new IPEndPoint(IPAddress.Loopback, (int)row.Number("port", 0));
    var answer = new byte[4096];
    long expected = row.Number("answer", 0);
    for (; count > 0; count--)
    {
        using var connection = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await connection.ConnectAsync(server);
        await connection.SendAsync(Row.Request);
        int length = 0, received;
        while ((received = await connection.ReceiveAsync(answer.AsMemory(length))) > 0)
        {
            length += received;
        }

        Row.CheckAnswer(answer.AsSpan(0, length), expected);
    }
}

async Task TimerAsync()
{
    TimeSpan delay = TimeSpan.FromMicroseconds(row.Number("delay_us", 1000));
    for (long i = 0; i < row.Number("count", 200); i++)
    {
        long started = Stopwatch.GetTimestamp();
        await Task.Delay(delay);
        row.AddTimer(started, delay);
    }
}

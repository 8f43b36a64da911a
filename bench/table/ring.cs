// The RingCore column of the table, through the public API.
// usage: ring ROW key=value...; what the rows do and print: bench/README.md, "The table".
#:project ../../src/RingCore

using System.Diagnostics;
using System.Net;
using RingCore;
using RingCore.Bench;

var row = new Row(args);
var buffers = new Dictionary<int, byte[]>();
try
{
    RingExecutor.Run(async () =>
    {
        for (long i = row.Warmup; i > 0; i--)
            await RunRow();
        row.StartClock();
        await RunRow();
        row.PrintClock();
    });
    return 0;
}
catch (Exception e)
{
    return Row.Fail(e);
}

RingTask RunRow() => row.Name switch
{
    "cat" => Cat(),
    "files" => Files(),
    "requests" => Requests(),
    "timer" => Timer(),
    "start" => CheckFile(row.Text("path"), 0, BufferOf(0, (int)row.Number("size", 4096) + 1)),
    _ => throw row.Unknown(),
};

// As many chunks under way as the depth says, each read and then written by a task of its own.
async RingTask Cat()
{
    await using RingFile from = await RingFile.OpenAsync(row.Text("from"));
    await using RingFile to = await RingFile.OpenAsync(row.Text("to"), FileMode.OpenOrCreate, FileAccess.Write);
    var copy = new Copy(from, to, row.Number("size", 0), (int)row.Number("buffer", 262_144));
    await Together((int)row.Number("depth", 4), i => copy.Chunks(BufferOf(i, (int)row.Number("buffer", 262_144))));
    Row.CheckCopy(copy.Copied, (await to.GetStatusAsync()).Length, row.Number("size", 0));
}

RingTask Files()
{
    var size = (int)row.Number("size", 4096);
    return Together(row.Paths.Length, i => CheckFile(row.Paths[i], i, BufferOf(i, size + 1)));
}

// The buffer is a byte longer than the file, so that one read shows where it ends.
async RingTask CheckFile(string path, long index, byte[] buffer)
{
    using RingFile file = await RingFile.OpenAsync(path);
    int length = await file.ReadAsync(buffer, 0);
    Row.CheckFile(buffer.AsSpan(0, length), buffer.Length - 1, index);
}

RingTask Requests()
{
    var tasks = (int)row.Number("tasks", 1);
    return Together(tasks, i => RequestMany(row.Number("count", 100) / tasks, BufferOf(i, 4096)));
}

async RingTask RequestMany(long count, byte[] answer)
{
    long expected = row.Number("answer", 0);
    var server = new IPEndPoint(IPAddress.Loopback, (int)row.Number("port", 0));
    for (; count > 0; count--)
    {
        using RingConnection connection = await RingConnection.ConnectAsync(server);
        await connection.WriteAsync(Row.Request);
        int length = 0, received;
        while ((received = await connection.ReadAsync(answer.AsMemory(length))) > 0)
            length += received;
        Row.CheckAnswer(answer.AsSpan(0, length), expected);
    }
}

async RingTask Timer()
{
    TimeSpan delay = TimeSpan.FromMicroseconds(row.Number("delay_us", 1000));
    for (long i = 0; i < row.Number("count", 200); i++)
    {
        long started = Stopwatch.GetTimestamp();
        await RingExecutor.Delay(delay);
        row.AddTimer(started, delay);
    }
}

// A task's buffer stays from the warm-up on. Pinned: what the kernel is lent need not be pinned each time.
byte[] BufferOf(int task, int size)
{
    if (!buffers.TryGetValue(task, out byte[]? buffer))
        buffers[task] = buffer = GC.AllocateUninitializedArray<byte>(size, pinned: true);
    return buffer;
}

static async RingTask Together(int count, Func<int, RingTask> start)
{
    var tasks = new RingTask[count];
    for (int i = 0; i < count; i++)
        tasks[i] = start(i);
    foreach (RingTask task in tasks)
        await task;
}

internal sealed class Copy(RingFile from, RingFile to, long size, int chunk)
{
    private long _next;

    public long Copied { get; private set; }

    public async RingTask Chunks(byte[] buffer)
    {
        while (_next < size)
        {
            long offset = _next;
            Memory<byte> memory = buffer.AsMemory(0, (int)Math.Min(chunk, size - offset));
            _next += chunk;
            await from.ReadExactlyAsync(memory, offset);
            await to.WriteAsync(memory, offset);
            Copied += memory.Length;
        }
    }
}

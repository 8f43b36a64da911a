// The RingCore column of the table, through the public API.
// usage: ring ROW key=value...; what the rows do and print: bench/README.md, "The table".
#:project ../../src/RingCore

using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using RingCore;
using RingCore.Bench;
using RingCore.Sys;

var row = new Row(args);
var buffers = new Dictionary<int, Memory<byte>>();
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

// By ops, so that the closes of all files reach the kernel together, too: a handle closes with a call of its own. The buffer is a byte
// longer than the file, so that one read shows where it ends.
async RingTask CheckFile(string path, long index, Memory<byte> buffer)
{
    OpResult opened = await Op.OpenAt(path, FileConstants.O_RDONLY);
    if (!opened.IsSuccess)
        throw new IOException($"Opening '{path}': {opened}");
    using (RingHandle file = RingHandle.Adopt(opened.Res, ownsFd: false))
    {
        OpResult read = await Op.Read(file, buffer, 0);
        Row.CheckFile(buffer.Span[..Math.Max(0, read.Res)], buffer.Length - 1, index);
    }

    await Op.Close(opened.Res);
}

RingTask Requests()
{
    var tasks = (int)row.Number("tasks", 1);
    return Together(tasks, i => RequestMany(row.Number("count", 100) / tasks, BufferOf(i, 4096)));
}

// A request is one chain: connecting, sending and receiving reach the kernel together.
async RingTask RequestMany(long count, Memory<byte> memory)
{
    long expected = row.Number("answer", 0);
    var server = new IPEndPoint(IPAddress.Loopback, (int)row.Number("port", 0));
    for (; count > 0; count--)
    {
        OpResult socket = await Op.Socket(SocketConstants.AF_INET, SocketConstants.SOCK_STREAM);
        if (!socket.IsSuccess)
            throw new IOException($"Making a socket: {socket}");
        using RingConnection connection = RingConnection.Adopt(socket.Res);
        ChainResult result = await Op.Connect(connection, server)
            .Then(Op.Send(connection, Row.Request))
            .Then(Op.Recv(connection, memory, SocketConstants.MSG_WAITALL)); // to the end of the stream
        Row.CheckAnswer(memory.Span[..Math.Max(0, result.Steps[^1].Res)], expected);
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
Memory<byte> BufferOf(int task, int size)
{
    if (!buffers.TryGetValue(task, out Memory<byte> buffer))
        buffers[task] = buffer = MemoryMarshal.CreateFromPinnedArray(GC.AllocateUninitializedArray<byte>(size, pinned: true), 0, size);
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

    public async RingTask Chunks(Memory<byte> buffer)
    {
        while (_next < size)
        {
            long offset = _next;
            Memory<byte> memory = buffer[..(int)Math.Min(chunk, size - offset)];
            _next += chunk;
            await from.ReadExactlyAsync(memory, offset);
            await to.WriteAsync(memory, offset);
            Copied += memory.Length;
        }
    }
}

// What each optional kernel feature saves: the same work with and without it, in interleaved slices of a few milliseconds in one
// process. Quoted are the smallest CPU time of an operation (noise only ever adds) and the medians. bench/README.md has more.
// usage: dotnet run bench/options.cs [-- SUBJECT... --rounds 40 --ms 25]      subjects: files buffers sqpoll multishot links handoff placement
#:project options/OptionWork.csproj
#:property PublishAot=false
#:property NoWarn=$(NoWarn);CA1861

using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using RingCore;
using RingCore.Bench;
using RingCore.Sys;

string data = Path.Combine(AppContext.BaseDirectory, "options.data");
var random = new Random(1);
var everything = new Dictionary<string, Func<List<Work>>>
{
    ["files"] = Files,
    ["buffers"] = Buffers,
    ["sqpoll"] = SqPoll,
    ["multishot"] = Multishot,
    ["links"] = Links,
    ["handoff"] = HandOff,
    ["placement"] = Placement,
};
var subjects = new Argument<string[]>("subject") { Description = $"Which: {string.Join(' ', everything.Keys)}; all when none is named.", Arity = ArgumentArity.ZeroOrMore };
var slice = new Option<int>("--ms") { Description = "Milliseconds of a slice.", DefaultValueFactory = _ => 25 };
var harness = new Harness("Measures what optional kernel features save.", rounds: 40, seconds: 0, subjects, slice);
return await harness.RunAsync(args, async () =>
{
    string[] chosen = harness.Value(subjects) is { Length: > 0 } named ? named : [.. everything.Keys];
    if (chosen.FirstOrDefault(name => !everything.ContainsKey(name)) is { } unknown)
    {
        throw new BenchException($"'{unknown}' is no subject; there are: {string.Join(", ", everything.Keys)}");
    }

    File.WriteAllBytes(data, new byte[64 << 20]);
    try
    {
        foreach (string subject in chosen)
        {
            await MeasureAsync(subject);
        }
    }
    finally
    {
        File.Delete(data);
    }
});

async Task MeasureAsync(string subject)
{
    List<Work> all = everything[subject]();
    all.ForEach(work => work.Calibrate(harness.Value(slice)));
    Comparison comparison = await Comparison.RunAsync(subject, harness.Rounds,
        [.. all.Select(work => new Case(work.Row, work.Column, () => Task.FromResult(work.Measure())))]);
    var report = new Report($"options: {subject}", Machine.Describe(), $"{harness.Rounds} slices of about {harness.Value(slice)} ms; "
        + "µs of CPU (of the whole process; placement: of the servers) and of time for one operation");
    OptionsReport.Print(report, comparison);
    harness.End(report, comparison.Samples);
    all.ForEach(work => work.Dispose());
}

// Registered files: 16 socket pairs, a send and a receive of 64 bytes on each, on a bare ring.
List<Work> Files() => [new FixedFilesWork("send + receive", "by fd", fixedFiles: false), new FixedFilesWork("send + receive", "registered files", fixedFiles: true)];

// Registered buffers. Both arms read into the same kind of memory.
List<Work> Buffers()
{
    const int direct = 0x4000; // O_DIRECT
    var list = new List<Work>();
    foreach ((string name, int flags, int size, int depth) in new[]
        { ("O_DIRECT 4 KiB, 32 deep", direct, 4096, 32), ("O_DIRECT 128 KiB, 8 deep", direct, 131072, 8), ("cached 4 KiB, 32 deep", 0, 4096, 32), ("cached 128 KiB, 8 deep", 0, 131072, 8) })
    {
        list.Add(new RingWork(name, "read", null, () => Reader(flags, size, depth, registered: false)));
        list.Add(new RingWork(name, "read fixed", null, () => Reader(flags, size, depth, registered: true)));
    }

    return list;
}

// A random read; every worker has its buffer.
async RingTask<Func<int, RingTask>> Reader(int flags, int size, int depth, bool registered)
{
    int fd = (await Op.OpenAt(data, flags)).Res;
    RingHandle file = RingHandle.Adopt(fd, ownsFd: true);
    var buffers = RingBuffers.Register(depth, size);
    return operations => Workers(depth, operations, async (worker, count) =>
    {
        RingBuffer buffer = buffers[worker];
        for (int i = 0; i < count; i++)
        {
            long offset = (long)random.Next((64 << 20) / size) * size;
            OpResult result = registered ? await Op.ReadFixed(file, buffer, size, offset) : await Op.Read(file, buffer.Memory, offset);
            Check(result.Res, size);
        }
    });
}

// A submission poller. It has a core of its own where the machine has two: CPU time counts both.
List<Work> SqPoll()
{
    var list = new List<Work>();
    var polled = new RingOptions { SqPoll = TimeSpan.FromMilliseconds(10) };
    foreach ((string name, Func<RingTask<Func<int, RingTask>>> work) in new (string, Func<RingTask<Func<int, RingTask>>>)[]
        {
            ("nothing (NOP), 64 deep", () => Nops(64)),
            ("nothing (NOP), 1 deep", () => Nops(1)),
            ("cached 4 KiB read, 32 deep", () => Reader(0, 4096, 32, registered: false)),
            ("echo over 16 socket pairs", () => Echoes(16, multishot: false)),
            ("echo over 1 socket pair", () => Echoes(1, multishot: false)),
        })
    {
        list.Add(new RingWork(name, "enters", null, work));
        list.Add(new RingWork(name, "poller", polled, work));
    }

    return list;
}

async RingTask<Func<int, RingTask>> Nops(int depth)
{
    await RingExecutor.Yield();
    return operations => Workers(depth, operations, async (_, count) =>
    {
        for (int i = 0; i < count; i++)
            Check((await Op.Nop()).Res, 0);
    });
}

// One operation: 64 bytes there and back again.
async RingTask<Func<int, RingTask>> Echoes(int pairs, bool multishot)
{
    await RingExecutor.Yield();
    var clients = new RingConnection[pairs];
    for (int i = 0; i < pairs; i++)
    {
        (int left, int right) = Raw.SocketPair();
        clients[i] = RingConnection.Adopt(left);
        RingConnection server = RingConnection.Adopt(right);
        _ = RingExecutor.Spawn(() => multishot ? EchoAll(server) : EchoOneByOne(server));
    }

    return operations => Workers(pairs, operations, async (worker, count) =>
    {
        byte[] buffer = new byte[64];
        for (int i = 0; i < count; i++)
        {
            await clients[worker].WriteAsync(buffer);
            await clients[worker].ReadExactlyAsync(buffer);
        }
    });
}

static async RingTask EchoOneByOne(RingConnection connection)
{
    try
    {
        while (true)
        {
            using ReadLease lease = await connection.ReadLeaseAsync();
            if (lease.IsEnd)
                break;
            await connection.WriteAsync(lease.Memory);
        }
    }
    catch (OperationCanceledException)
    {
        // The bench is over.
    }
}

static async RingTask EchoAll(RingConnection connection)
{
    try
    {
        await foreach (ReadLease lease in connection.ReadAllAsync())
        {
            using (lease)
                await connection.WriteAsync(lease.Memory);
        }
    }
    catch (OperationCanceledException)
    {
        // The bench is over.
    }
}

List<Work> Multishot()
{
    var oneShot = new RingOptions { Without = RingFeatures.MultishotAccept };
    return
    [
        new RingWork("connect, accept, close", "one accept each", oneShot, Accepts),
        new RingWork("connect, accept, close", "multishot", null, Accepts),
        new RingWork("echo over 16 pairs", "one receive each", null, () => Echoes(16, multishot: false)),
        new RingWork("echo over 16 pairs", "multishot", null, () => Echoes(16, multishot: true)),
    ];
}

async RingTask<Func<int, RingTask>> Accepts()
{
    await RingExecutor.Yield();
    RingListener listener = RingListener.Bind(new UnixDomainSocketEndPoint($"\0ringcore-bench-{Environment.ProcessId}-{random.Next()}"));
    _ = RingExecutor.Spawn(async () =>
    {
        await foreach (RingConnection connection in listener.AcceptAllAsync())
            connection.Dispose();
    });
    return operations => Workers(16, operations, async (_, count) =>
    {
        byte[] end = new byte[1];
        for (int i = 0; i < count; i++)
        {
            using RingConnection client = await RingConnection.ConnectAsync(listener.LocalEndPoint);
            Check(await client.ReadAsync(end), 0);
        }
    });
}

// Links: read 4 KiB and write them to /dev/null, as a chain and as two awaits.
List<Work> Links()
{
    var list = new List<Work>();
    foreach (int depth in new[] { 1, 16 })
    {
        list.Add(new RingWork($"read, then write, {depth} deep", "two awaits", null, () => Copies(depth, linked: false)));
        list.Add(new RingWork($"read, then write, {depth} deep", "a chain", null, () => Copies(depth, linked: true)));
    }

    return list;
}

async RingTask<Func<int, RingTask>> Copies(int depth, bool linked)
{
    RingHandle from = RingHandle.Adopt((await Op.OpenAt(data, FileConstants.O_RDONLY)).Res, ownsFd: true);
    RingHandle to = RingHandle.Adopt((await Op.OpenAt("/dev/null", FileConstants.O_WRONLY)).Res, ownsFd: true);
    return operations => Workers(depth, operations, async (_, count) =>
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(4096, pinned: true);
        for (int i = 0; i < count; i++)
        {
            Op read = Op.Read(from, buffer, i % 1000 * 4096);
            Op write = Op.Write(to, buffer);
            if (linked)
            {
                ChainResult result = await read.Then(write);
                Check(result.Steps[1].Res, 4096);
            }
            else
            {
                Check((await read).Res, 4096);
                Check((await write).Res, 4096);
            }
        }
    });
}

// A number to and fro between two threads that sleep in their rings, by eventfd as Post does it, and by MSG_RING.
List<Work> HandOff() =>
[
    new HandOffWork("to and fro between two threads", "sleeping rings, eventfd", messages: false),
    new HandOffWork("to and fro between two threads", "sleeping rings, MSG_RING", messages: true),
    new RingWork("to and fro between two threads", "executors, Post", null, Posts),
];

async RingTask<Func<int, RingTask>> Posts()
{
    await RingExecutor.Yield();
    RingExecutor here = RingExecutor.Current!;
    RingExecutor there = RingExecutor.Start(new RingOptions { Name = "there" });
    return async operations =>
    {
        for (int i = 0; i < operations; i++)
        {
            var back = new TaskCompletionSource();
            there.Post(() => here.Post(back.SetResult));
            await back.Task;
        }
    };
}

// How connections are placed on two executors.
List<Work> Placement() =>
[
    new GroupWork("connect, ask, close", "acceptor", RingPlacement.Acceptor, 16, 0, true),
    new GroupWork("connect, ask, close", "listener each", RingPlacement.ListenerEach, 16, 0, true),
    new GroupWork("the same with 500 µs of work", "acceptor", RingPlacement.Acceptor, 4, 500, true),
    new GroupWork("the same with 500 µs of work", "listener each", RingPlacement.ListenerEach, 4, 500, true),
    new GroupWork("2 connections, 500 µs of work", "listener each", RingPlacement.ListenerEach, 2, 500, false),
    new GroupWork("2 connections, 500 µs of work", "acceptor", RingPlacement.Acceptor, 2, 500, false),
];

static async RingTask Workers(int depth, int operations, Func<int, int, RingTask> work)
{
    var tasks = new List<RingTask>();
    for (int worker = 0; worker < depth; worker++)
        tasks.Add(work(worker, Math.Max(1, operations / depth)));
    foreach (RingTask task in tasks)
        await task;
}

static void Check(int result, int expected)
{
    if (result != expected)
        throw new BenchException(result < 0 ? Errno.Describe(-result) : $"{result} instead of {expected}");
}

// What each optional kernel feature saves: the same work with and without it, in interleaved slices of a few milliseconds in one
// process. Quoted are the smallest CPU time of an operation (noise only ever adds) and the medians. bench/README.md has more.
// usage: dotnet run bench/options.cs [-- SUBJECT... [rounds=40] [ms=25]]      subjects: files buffers sqpoll multishot links handoff placement
#:project options/OptionArms.csproj
#:property PublishAot=false
#:property NoWarn=$(NoWarn);CA1861

using System.Net;
using System.Net.Sockets;
using RingCore;
using RingCore.Bench;
using RingCore.Sys;

string[] subjects = [.. args.Where(arg => !arg.Contains('='))];
int Number(string name, int otherwise) => args.Where(arg => arg.StartsWith(name + "=")).Select(arg => int.Parse(arg[(name.Length + 1)..])).FirstOrDefault(otherwise);
int rounds = Number("rounds", 40);
int milliseconds = Number("ms", 25);
string data = Path.Combine(AppContext.BaseDirectory, "options.data");
var random = new Random(1);
File.WriteAllBytes(data, new byte[64 << 20]);
var everything = new Dictionary<string, Func<List<Arm>>>
{
    ["files"] = Files,
    ["buffers"] = Buffers,
    ["sqpoll"] = SqPoll,
    ["multishot"] = Multishot,
    ["links"] = Links,
    ["handoff"] = HandOff,
    ["placement"] = Placement,
};
if (subjects.FirstOrDefault(name => !everything.ContainsKey(name)) is { } unknown)
{
    Console.Error.WriteLine($"'{unknown}' is no subject; there are: {string.Join(", ", everything.Keys)}");
    return 2;
}

var machine = Machine.Describe();
Console.WriteLine(machine);
foreach (string subject in subjects.Length > 0 ? subjects : [.. everything.Keys])
{
    List<Arm> arms = everything[subject]();
    foreach (Arm arm in arms)
        arm.Calibrate(milliseconds);
    for (int round = 0; round < rounds; round++)
    {
        foreach (Arm arm in arms.Rotated(round))
            arm.Measure();
    }

    Console.WriteLine();
    Console.WriteLine($"{subject}, {rounds} slices of about {milliseconds} ms; µs of CPU (of the whole process; placement: of the servers) and of time for one operation");
    Console.WriteLine($"{"",-44}{"CPU min",10}{"median",10}{"time min",10}{"median",10}{"mean",10}   CPU and time minima against the line above");
    foreach (Arm arm in arms)
    {
        Arm? first = arm.IsBase ? null : arms[arms.IndexOf(arm) - 1];
        Console.WriteLine($"{arm.Name,-44}{arm.Cpu.Min(),10:F3}{arm.Cpu.Median(),10:F3}{arm.Time.Min(),10:F3}{arm.Time.Median(),10:F3}{arm.Time.Average(),10:F3}"
            + (first is null ? "" : $"   {arm.Cpu.Min() / first.Cpu.Min(),6:F3} {arm.Time.Min() / first.Time.Min(),6:F3}"));
    }

    Console.WriteLine("written to " + Results.Write($"options-{subject}", machine, arms.Select(arm => new { arm.Name, arm.Cpu, arm.Time })));
    foreach (Arm arm in arms)
        arm.Dispose();
}

File.Delete(data);
return 0;

// Registered files: 16 socket pairs, a send and a receive of 64 bytes on each, on a bare ring.
List<Arm> Files() => [new RawArm("send + receive, by fd", fixedFiles: false, isBase: true), new RawArm("send + receive, registered files", fixedFiles: true, isBase: false)];

// Registered buffers. Both arms read into the same kind of memory.
List<Arm> Buffers()
{
    const int direct = 0x4000; // O_DIRECT
    var list = new List<Arm>();
    foreach ((string name, int flags, int size, int depth) in new[]
        { ("O_DIRECT 4 KiB, 32 deep", direct, 4096, 32), ("O_DIRECT 128 KiB, 8 deep", direct, 131072, 8), ("cached 4 KiB, 32 deep", 0, 4096, 32), ("cached 128 KiB, 8 deep", 0, 131072, 8) })
    {
        list.Add(new RingArm(name + ": read", true, null, () => Reader(flags, size, depth, registered: false)));
        list.Add(new RingArm(name + ": read fixed", false, null, () => Reader(flags, size, depth, registered: true)));
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
List<Arm> SqPoll()
{
    var list = new List<Arm>();
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
        list.Add(new RingArm(name, true, null, work));
        list.Add(new RingArm(name + ", poller", false, polled, work));
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

List<Arm> Multishot()
{
    var oneShot = new RingOptions { Without = RingFeatures.MultishotAccept };
    return
    [
        new RingArm("connect, accept, close: one accept each", true, oneShot, Accepts),
        new RingArm("connect, accept, close: multishot", false, null, Accepts),
        new RingArm("echo over 16 pairs: one receive each", true, null, () => Echoes(16, multishot: false)),
        new RingArm("echo over 16 pairs: multishot", false, null, () => Echoes(16, multishot: true)),
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
List<Arm> Links()
{
    var list = new List<Arm>();
    foreach (int depth in new[] { 1, 16 })
    {
        list.Add(new RingArm($"read, then write, {depth} deep: two awaits", true, null, () => Copies(depth, linked: false)));
        list.Add(new RingArm($"read, then write, {depth} deep: a chain", false, null, () => Copies(depth, linked: true)));
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
List<Arm> HandOff() =>
[
    new HandOffArm("to and fro between sleeping rings: eventfd", messages: false, isBase: true),
    new HandOffArm("to and fro between sleeping rings: MSG_RING", messages: true, isBase: false),
    new RingArm("to and fro between executors: Post", true, null, Posts),
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
List<Arm> Placement() =>
[
    new GroupArm("connect, ask, close: acceptor", RingPlacement.Acceptor, 16, 0, true, isBase: true),
    new GroupArm("connect, ask, close: listener each", RingPlacement.ListenerEach, 16, 0, true, isBase: false),
    new GroupArm("the same with 500 µs of work: acceptor", RingPlacement.Acceptor, 4, 500, true, isBase: true),
    new GroupArm("the same with 500 µs of work: listener each", RingPlacement.ListenerEach, 4, 500, true, isBase: false),
    new GroupArm("2 connections, 500 µs of work: listener each", RingPlacement.ListenerEach, 2, 500, false, isBase: true),
    new GroupArm("2 connections, 500 µs of work: acceptor", RingPlacement.Acceptor, 2, 500, false, isBase: false),
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

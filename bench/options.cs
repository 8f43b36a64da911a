// What each optional kernel feature saves: the same work with and without it, in interleaved slices of a few milliseconds in one
// process. Quoted are the smallest CPU time of an operation (noise only ever adds) and the medians. bench/README.md has more.
// usage: dotnet run bench/options.cs [-- SUBJECT... [rounds=40] [ms=25]]      subjects: files buffers sqpoll multishot links handoff placement
#:project kit/BenchKit.csproj
#:project ../src/RingCore
#:property PublishAot=false
#:property AllowUnsafeBlocks=true
#:property NoWarn=$(NoWarn);CA1861

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
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

/// <summary>One way to do the work.</summary>
abstract class Arm(string name, bool isBase) : IDisposable
{
    private int _operations = 64;

    public string Name { get; } = name;

    /// <summary>Whether the next arm is compared with this one.</summary>
    public bool IsBase { get; } = isBase;

    /// <summary>µs of CPU for one operation, by slice.</summary>
    public List<double> Cpu { get; } = [];

    public List<double> Time { get; } = [];

    protected abstract void Run(int operations);

    public abstract void Dispose();

    /// <summary>Warms up, and finds how many operations make a slice.</summary>
    public void Calibrate(int milliseconds)
    {
        for (long end = Environment.TickCount64 + 600; Environment.TickCount64 < end;)
        {
            long start = Environment.TickCount64;
            Run(_operations);
            if (Environment.TickCount64 - start < milliseconds / 2)
                _operations *= 2;
        }
    }

    public void Measure()
    {
        long cpu = CpuNow(), time = Raw.Clock(Raw.Monotonic);
        Run(_operations);
        Time.Add((Raw.Clock(Raw.Monotonic) - time) / 1e3 / _operations);
        Cpu.Add((CpuNow() - cpu) / 1e3 / _operations);
    }

    protected virtual long CpuNow() => Raw.Clock(Raw.ProcessCpu);
}

/// <summary>Work on an executor.</summary>
sealed class RingArm : Arm
{
    private readonly RingExecutor _executor;
    private readonly Func<int, RingTask> _work;

    public RingArm(string name, bool isBase, RingOptions? options, Func<RingTask<Func<int, RingTask>>> prepare)
        : base(name, isBase)
    {
        _executor = RingExecutor.Start(options ?? new RingOptions());
        _work = _executor.InvokeAsync(prepare).GetAwaiter().GetResult();
    }

    protected override void Run(int operations) => _executor.InvokeAsync(() => _work(operations)).GetAwaiter().GetResult();

    public override void Dispose() => _executor.DisposeAsync().AsTask().GetAwaiter().GetResult();
}

/// <summary>Sends and receives on a bare ring. The ring belongs to the thread that measures.</summary>
sealed unsafe class RawArm : Arm
{
    private const int Pairs = 16;
    private readonly Ring _ring = new();
    private readonly bool _fixed;
    private readonly List<int> _fds = [];
    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed(Pairs * 64);

    public RawArm(string name, bool fixedFiles, bool isBase)
        : base(name, isBase)
    {
        _fixed = fixedFiles;
        for (int i = 0; i < Pairs; i++)
        {
            (int left, int right) = Raw.SocketPair();
            _fds.Add(left);
            _fds.Add(right);
        }

        int[] table = [.. _fds];
        fixed (int* first = table)
        {
            if (fixedFiles && _ring.Register(RegisterOps.IORING_REGISTER_FILES, first, (uint)table.Length) < 0)
                throw new BenchException("registered files are refused");
        }
    }

    protected override void Run(int operations)
    {
        for (int done = 0; done < operations; done += Pairs)
        {
            for (int i = 0; i < Pairs; i++)
            {
                Prepare(io_uring_op.IORING_OP_SEND, 2 * i, i);
                Prepare(io_uring_op.IORING_OP_RECV, 2 * i + 1, i);
            }

            for (uint seen = 0; seen < 2 * Pairs;)
            {
                _ring.Enter(2 * Pairs - seen);
                uint ready = _ring.Ready;
                for (uint i = 0; i < ready; i++)
                {
                    if (_ring.CqeAt(i).res != 64)
                        throw new BenchException($"result {_ring.CqeAt(i).res}");
                }

                _ring.Advance(ready);
                seen += ready;
            }
        }
    }

    private void Prepare(io_uring_op op, int place, int pair)
    {
        io_uring_sqe* sqe = _ring.TryGetSqe();
        sqe->opcode = op;
        sqe->fd = _fixed ? place : _fds[place];
        sqe->flags = _fixed ? SqeFlags.IOSQE_FIXED_FILE : (byte)0;
        sqe->addr = (ulong)(_memory + pair * 64);
        sqe->len = 64;
    }

    public override void Dispose()
    {
        _ring.Dispose();
        _fds.ForEach(fd => Libc.close(fd));
    }
}

/// <summary>Two threads, each asleep in its ring until the other one has something for it.</summary>
sealed unsafe class HandOffArm : Arm
{
    private readonly bool _messages;
    private readonly Side[] _sides = [new(), new()];
    private readonly Thread _partner;

    private sealed class Side
    {
        internal Ring? Ring;
        internal int EventFd;
        internal readonly ulong* Count = (ulong*)NativeMemory.AllocZeroed(8);
    }

    public HandOffArm(string name, bool messages, bool isBase)
        : base(name, isBase)
    {
        _messages = messages;
        Open(_sides[0]);
        using var ready = new ManualResetEventSlim();
        _partner = new Thread(() =>
        {
            Open(_sides[1]);
            ready.Set();
            while (Receive(_sides[1]))
                Give(_sides[1], _sides[0]);
            _sides[1].Ring!.Dispose();
        });
        _partner.Start();
        ready.Wait();
    }

    private void Open(Side side)
    {
        side.Ring = new Ring();
        side.EventFd = Libc.eventfd(0, FileConstants.EFD_CLOEXEC);
        if (!_messages)
            Arm(side);
    }

    private static void Arm(Side side)
    {
        io_uring_sqe* sqe = side.Ring!.TryGetSqe();
        sqe->opcode = io_uring_op.IORING_OP_READ;
        sqe->fd = side.EventFd;
        sqe->addr = (ulong)side.Count;
        sqe->len = 8;
        sqe->user_data = 1;
    }

    private static bool Send(int eventFd, ulong value) => Libc.write(eventFd, &value, 8) == 8;

    private void Give(Side from, Side to)
    {
        if (!_messages)
        {
            Send(to.EventFd, 1);
            return;
        }

        io_uring_sqe* sqe = from.Ring!.TryGetSqe();
        sqe->opcode = io_uring_op.IORING_OP_MSG_RING;
        sqe->fd = to.Ring!.Fd;
        sqe->len = 7; // The result over there.
        sqe->off = 1; // Its user_data.
        sqe->user_data = 2; // Goes with the next enter, which waits as well.
    }

    /// <summary>False: the end.</summary>
    private bool Receive(Side side)
    {
        while (true)
        {
            side.Ring!.Enter(1);
            uint ready = side.Ring.Ready;
            int got = 0;
            for (uint i = 0; i < ready; i++)
                got = side.Ring.CqeAt(i).user_data == 1 ? side.Ring.CqeAt(i).res : got;
            side.Ring.Advance(ready);
            if (got == 0)
                continue;
            if (!_messages)
                Arm(side);
            return _messages ? got == 7 : *side.Count < 1000;
        }
    }

    protected override void Run(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            Give(_sides[0], _sides[1]);
            Receive(_sides[0]);
        }
    }

    public override void Dispose()
    {
        if (_messages)
        {
            Give(_sides[0], _sides[1]);
            (_sides[0].Ring!.TryGetSqe() - 1)->len = 9; // Not a 7: the partner ends.
            _sides[0].Ring!.Enter(0);
        }
        else
        {
            Send(_sides[1].EventFd, 1000);
        }

        _partner.Join();
        _sides[0].Ring!.Dispose();
        foreach (Side side in _sides)
            Libc.close(side.EventFd);
    }
}

/// <summary>A group of two executors that answers, and clients on an executor of their own: with a connection for each request, or for a whole slice.</summary>
sealed class GroupArm : Arm
{
    private readonly RingExecutorGroup _group = RingExecutorGroup.Start(2);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;
    private readonly EndPoint _address;
    private readonly int _clients;
    private readonly int _workUs;
    private readonly bool _forEachRequest;

    public GroupArm(string name, RingPlacement placement, int clients, int workUs, bool forEachRequest, bool isBase)
        : base(name, isBase)
    {
        _clients = clients;
        _workUs = workUs;
        _forEachRequest = forEachRequest;
        var listening = new TaskCompletionSource<EndPoint>();
        _serving = _group.ServeAsync(new IPEndPoint(IPAddress.Loopback, 0), AnswerAsync, placement, listening.SetResult, _stop.Token);
        _address = listening.Task.GetAwaiter().GetResult();
    }

    /// <summary>The servers' alone: the clients are the same for every arm.</summary>
    protected override long CpuNow() => _group.Executors.Sum(executor =>
        executor.InvokeAsync(() => ValueTask.FromResult(Raw.Clock(Raw.ThreadCpu))).GetAwaiter().GetResult());

    private async RingTask AnswerAsync(RingConnection connection)
    {
        byte[] buffer = new byte[64];
        try
        {
            while (await connection.ReadAsync(buffer) > 0)
            {
                for (long end = Raw.Clock(Raw.Monotonic) + _workUs * 1000; Raw.Clock(Raw.Monotonic) < end;)
                    Thread.SpinWait(1);
                await connection.WriteAsync(buffer);
            }
        }
        catch (SocketException)
        {
            // The client resets, to leave no port in TIME_WAIT.
        }
    }

    protected override void Run(int operations) => RingExecutor.Run(async () =>
    {
        var clients = new List<RingTask>();
        for (int c = 0; c < _clients; c++)
            clients.Add(RingExecutor.Spawn(() => ClientAsync(Math.Max(1, operations / _clients))));
        foreach (RingTask client in clients)
            await client;
    });

    private async RingTask ClientAsync(int requests)
    {
        byte[] buffer = new byte[64];
        for (int i = 0; i < requests;)
        {
            using RingConnection connection = await RingConnection.ConnectAsync(_address);
            SetReset(connection);
            for (int inThis = _forEachRequest ? 1 : requests; inThis > 0; inThis--, i++)
            {
                await connection.WriteAsync(buffer);
                await connection.ReadExactlyAsync(buffer);
            }
        }
    }

    private static void SetReset(RingConnection connection)
    {
        SocketOptions options = connection.Options;
        options.ResetOnClose = true;
    }

    public override void Dispose()
    {
        _stop.Cancel();
        _serving.GetAwaiter().GetResult();
        _group.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}

static unsafe class Raw
{
    public const int Monotonic = 1, ProcessCpu = 2, ThreadCpu = 3;

    public static (int Left, int Right) SocketPair()
    {
        int* pair = stackalloc int[2];
        return Libc.socketpair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM | SocketConstants.SOCK_CLOEXEC, 0, pair) == 0
            ? (pair[0], pair[1])
            : throw new BenchException("no socket pair");
    }

    public static long Clock(int id)
    {
        long* time = stackalloc long[2];
        Read(id, time);
        return time[0] * 1_000_000_000 + time[1];
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    private static extern int Read(int id, long* time);
}

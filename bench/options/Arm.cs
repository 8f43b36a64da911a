// What options.cs compares: an arm runs a number of operations, and keeps the CPU and the elapsed time of one, by slice.

using System.Runtime.InteropServices;
using RingCore.Sys;

namespace RingCore.Bench;

/// <summary>One way to do the work.</summary>
public abstract class Arm(string name, bool isBase) : IDisposable
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
public sealed class RingArm : Arm
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

/// <summary>Clocks and sockets without an executor.</summary>
public static unsafe class Raw
{
    public const int Monotonic = 1, ProcessCpu = 2, ThreadCpu = 3;

    public static (int Left, int Right) SocketPair()
    {
        int* pair = stackalloc int[2];
        return SocketPair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM | SocketConstants.SOCK_CLOEXEC, 0, pair) == 0
            ? (pair[0], pair[1])
            : throw new BenchException("no socket pair");
    }

    public static long Clock(int id)
    {
        long* time = stackalloc long[2];
        Read(id, time);
        return time[0] * 1_000_000_000 + time[1];
    }

    [DllImport("libc", EntryPoint = "close")]
    public static extern int Close(int fd);

    [DllImport("libc", EntryPoint = "eventfd")]
    public static extern int EventFd(uint value, int flags);

    [DllImport("libc", EntryPoint = "write")]
    public static extern nint Write(int fd, void* bytes, nuint count);

    [DllImport("libc", EntryPoint = "socketpair")]
    private static extern int SocketPair(int domain, int type, int protocol, int* pair);

    [DllImport("libc", EntryPoint = "clock_gettime")]
    private static extern int Read(int id, long* time);
}

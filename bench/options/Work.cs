// What options.cs compares: a way to do a piece of work, run in slices; a slice tells the CPU and the elapsed time of one operation.

using System.Runtime.InteropServices;
using RingCore.Sys;

namespace RingCore.Bench;

/// <summary>One way to do the work of a row.</summary>
public abstract class Work(string row, string column) : IDisposable
{
    private int _operations = 64;

    /// <summary>The first of a row is what the others are compared with.</summary>
    public string Row { get; } = row;

    public string Column { get; } = column;

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

    /// <summary>One slice: µs for one operation.</summary>
    public Dictionary<string, double> Measure()
    {
        long cpu = CpuNow(), time = Raw.Clock(Raw.Monotonic);
        Run(_operations);
        time = Raw.Clock(Raw.Monotonic) - time;
        return new() { ["cpu"] = (CpuNow() - cpu) / 1e3 / _operations, ["time"] = time / 1e3 / _operations };
    }

    protected virtual long CpuNow() => Raw.Clock(Raw.ProcessCpu);
}

/// <summary>Work on an executor.</summary>
public sealed class RingWork : Work
{
    private readonly RingExecutor _executor;
    private readonly Func<int, RingTask> _work;

    public RingWork(string row, string column, RingOptions? options, Func<RingTask<Func<int, RingTask>>> prepare)
        : base(row, column)
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

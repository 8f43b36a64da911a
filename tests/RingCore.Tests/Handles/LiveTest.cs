// Tests: what every live test shares: the kernel modes it runs in, an executor with a deadline, connected pairs, and the look
// behind at the end: no slot, wide block, lease or descriptor may be left. It tests nothing itself.
// They run alone: they count the descriptors of the process. Live.cs runs tests that need less than that.

using System.Net;
using System.Net.Sockets;
using RingCore.Sys;

namespace RingCore.Tests.Handles;

[Collection(nameof(Alone))]
public abstract class LiveTest
{
    protected const string All = "all features";
    protected const string Linux510 = "as Linux 5.10";
    protected const string Tiny = "tiny rings and buffers";
    protected const string TinyLinux510 = "tiny, as Linux 5.10";
    protected const string Polled = "a poller that often sleeps";

    /// <summary>With every optional feature on, and without what a 5.10 kernel lacks.</summary>
    public static TheoryData<string> Modes => [All, Linux510];

    /// <summary>The same, both again with rings and buffer groups so small that they are always full, and with a submission poller.</summary>
    public static TheoryData<string> AllModes => [All, Linux510, Tiny, TinyLinux510, Polled];

    protected static RingOptions Options(string mode)
    {
        var options = new RingOptions { Name = mode };
        if (mode is Linux510 or TinyLinux510)
            options = options with { Without = ~RingFeatures.Linux510 };
        if (mode is Tiny or TinyLinux510)
            options = options with { SqEntries = 4, CqEntries = 8, LeaseBufferCount = 2, LeaseBufferSize = 64 };
        if (mode is Polled)
            options = options with { SqPoll = TimeSpan.FromMilliseconds(1) };
        return options;
    }

    protected static void RequireIoUring() => Live.RequireIoUring();

    /// <summary>Runs a body on an executor of its own; a hang is a failure that names the ops in flight.</summary>
    protected static void Run(string mode, Func<RingTask> body, Func<RingOptions, RingOptions>? change = null, int seconds = 30)
    {
        RequireIoUring();
        RingOptions options = Options(mode);
        if (change is not null)
            options = change(options);
        List<string> before = Descriptors();
        RingExecutor executor = RingExecutor.Start(options);
        Assert.True(mode != Polled || executor.Ring.IsPolled || !executor.Ring.Features.HasFlag(RingFeatures.ExtArg));
        try
        {
            Wait(executor, executor.InvokeAsync(async () =>
            {
                await body();
                await AssertNothingLeft(executor);
            }), seconds);
        }
        finally
        {
            Assert.True(executor.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(15)), "the executor did not stop");
        }

        AssertDescriptors(before);
    }

    /// <summary>Waits for a task of an executor, with a deadline.</summary>
    protected static void Wait(RingExecutor executor, Task task, int seconds = 30)
    {
        if (Task.WaitAny([task], TimeSpan.FromSeconds(seconds)) < 0)
        {
            Task<string> report = executor.InvokeAsync(async () =>
            {
                await RingTask.CompletedTask;
                return string.Join("; ", executor.InFlight()) + $" leases out: {executor.LeasesOut().Count}";
            });
            Assert.Fail($"hangs; in flight: {(report.Wait(2000) ? report.Result : "(the loop does not turn)")}");
        }

        task.GetAwaiter().GetResult();
    }

    /// <summary>On the ring: what ends by itself ends soon, and then nothing is left.</summary>
    protected static async RingTask AssertNothingLeft(RingExecutor executor)
    {
        OpDriver driver = executor.Driver;
        for (int i = 0; i < 400 && (driver.Outstanding > 1 || executor.Counters.LeasesOut > 0); i++)
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        Assert.Empty(executor.InFlight());
        Assert.Equal(0, executor.Counters.LeasesOut);
        Assert.Empty(executor.LeasesOut());
        Assert.Equal(0, driver.Table.BlockBytes);
        Assert.InRange(driver.Outstanding, 0, 2); // The wake-up, and before 5.11 the timer op of the delay above.
        Assert.Equal(0, executor.Counters.StaleCqes);
        Assert.Equal(0u, executor.Ring.LostCqes);
    }

    /// <summary>What is open now, as the kernel names it: sockets, pipes, rings, eventfds, temporary files.</summary>
    protected static List<string> Descriptors()
    {
        var list = new List<string>();
        foreach (string path in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            string target = new FileInfo(path).LinkTarget ?? "";
            if (target.StartsWith("socket:", StringComparison.Ordinal) || target.StartsWith("pipe:", StringComparison.Ordinal)
                || target.Contains("io_uring", StringComparison.Ordinal) || target.Contains("eventfd", StringComparison.Ordinal)
                || target.StartsWith(Path.GetTempPath(), StringComparison.Ordinal))
            {
                list.Add(target);
            }
        }

        return list;
    }

    protected static void AssertDescriptors(List<string> before)
    {
        List<string> left = [];
        for (int i = 0; i < 100; i++)
        {
            left = [.. Descriptors().Except(before)];
            if (left.Count == 0)
                return;
            GC.Collect(); // A peer's Socket that a test dropped is not RingCore's leak.
            GC.WaitForPendingFinalizers();
        }

        Assert.Fail($"descriptors left open: {string.Join(", ", left)}");
    }

    protected static IPEndPoint Loopback => new(IPAddress.Loopback, 0);

    /// <summary>A connected TCP pair on loopback, both ends on the current executor.</summary>
    protected static async RingTask<(RingConnection Client, RingConnection Server)> TcpPair(IPAddress? address = null)
    {
        await using RingListener listener = RingListener.Bind(new IPEndPoint(address ?? IPAddress.Loopback, 0));
        RingTask<RingConnection> accepting = RingExecutor.Spawn(() => listener.AcceptAsync());
        RingConnection client = await RingConnection.ConnectAsync(listener.LocalEndPoint);
        return (client, await accepting);
    }

    /// <summary>A connected Unix pair, both ends on the current executor.</summary>
    protected static unsafe (RingConnection A, RingConnection B) UnixPair()
    {
        int* fds = stackalloc int[2];
        Assert.Equal(0, Libc.socketpair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM | SocketConstants.SOCK_CLOEXEC, 0, fds));
        return (RingConnection.Adopt(fds[0]), RingConnection.Adopt(fds[1]));
    }

    /// <summary>A pipe: read end, write end.</summary>
    protected static unsafe (RingHandle Read, RingHandle Write) Pipe()
    {
        int* fds = stackalloc int[2];
        Assert.Equal(0, Libc.pipe2(fds, FileConstants.O_CLOEXEC));
        return (RingHandle.Adopt(fds[0], ownsFd: true), RingHandle.Adopt(fds[1], ownsFd: true));
    }

    /// <summary>A blocking peer outside RingCore.</summary>
    protected static Socket StockClient(EndPoint server)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, server is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        socket.Connect(server);
        return socket;
    }

    protected static byte[] RandomBytes(int size, int seed)
    {
        byte[] bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Awaits an exception. (Assert.ThrowsAsync would leave the ring's thread behind.)</summary>
    protected static async RingTask<T> Throws<T>(Func<RingTask> body)
        where T : Exception
    {
        try
        {
            await body();
        }
        catch (T e)
        {
            Assert.Equal(typeof(T), e.GetType());
            return e;
        }

        Assert.Fail($"no {typeof(T).Name}");
        throw new InvalidOperationException();
    }

    /// <summary>Reads until the peer has finished.</summary>
    protected static async RingTask<byte[]> ReadToEnd(RingConnection connection, int chunk = 65536)
    {
        var all = new MemoryStream();
        byte[] buffer = new byte[chunk];
        while (await connection.ReadAsync(buffer) is var count and > 0)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }

    /// <summary>Turns of the loop until a condition holds; the test's deadline bounds it.</summary>
    protected static async RingTask Until(Func<bool> condition)
    {
        while (!condition())
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
    }
}

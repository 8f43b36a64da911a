// Tests: Handles. No descriptor left: accepting backs off and goes on, other calls throw. The limit is lowered in a child process,
// which is this test program again, told by an environment variable to run the test that is skipped otherwise.

using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore.Sys;
using RingCore.Tests.Refused;

namespace RingCore.Tests.Handles;

public sealed class DescriptorLimitTests : LiveTest
{
    private const string ChildVariable = "RINGCORE_TEST_CHILD";

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        internal ulong Soft;
        internal ulong Hard;
    }

    [DllImport("libc", SetLastError = true)]
    private static extern unsafe int setrlimit(int resource, Limit* limit);

    [DllImport("libc", SetLastError = true)]
    private static extern unsafe int getrlimit(int resource, Limit* limit);

    /// <param name="test">A theory with two cases.</param>
    /// <param name="type">Its class.</param>
    /// <param name="heapLimit">Hexadecimal bytes of managed heap.</param>
    internal static void RunChild(string test, Type type, string? heapLimit = null)
    {
        RequireIoUring();
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [ChildVariable] = "1" },
        };
        if (heapLimit is not null)
            start.Environment["DOTNET_GCHeapHardLimit"] = heapLimit;
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(typeof(DescriptorLimitTests).Assembly.Location);
        start.ArgumentList.Add("-method");
        start.ArgumentList.Add($"{type.FullName}.{test}");
        using Process child = Process.Start(start)!;
        Task<string> output = child.StandardOutput.ReadToEndAsync();
        Task<string> errors = child.StandardError.ReadToEndAsync();
        if (!child.WaitForExit(60_000))
        {
            child.Kill();
            Assert.Fail($"the child hangs: {output.Result} {errors.Result}");
        }

        Assert.True(child.ExitCode == 0 && output.Result.Contains("Total: 2", StringComparison.Ordinal)
            && output.Result.Contains("Skipped: 0", StringComparison.Ordinal), $"exit {child.ExitCode}: {output.Result} {errors.Result}");
    }

    internal static void OnlyInChild()
    {
        if (Environment.GetEnvironmentVariable(ChildVariable) is null)
            Assert.Skip("runs in a child process of another test");
    }

    [Fact]
    public void NoDescriptorLeft_AcceptingBacksOffAndGoesOn() => RunChild(nameof(Child_AcceptAtTheLimit), typeof(DescriptorLimitTests));

    [Theory, MemberData(nameof(Modes))]
    public void Child_AcceptAtTheLimit(string mode)
    {
        OnlyInChild();
        Run(mode, () => Serve(limited: false)); // Everything is loaded and compiled before the limit strikes.
        Run(mode, () => Serve(limited: true));
    }

    /// <summary>What is loaded at its first use cannot be then: metrics after a second, and what reports a fault. Neither may end the process.</summary>
    [Fact]
    public async Task NoDescriptorLeft_MetricsAndFaultReportsDoNotEndTheProcess()
    {
        RequireIoUring();
        (int exitCode, string output) = await ChildProcess.RunAsync("full table");
        Assert.Equal(0, exitCode);
        Assert.Contains("goes on without metrics", output, StringComparison.Ordinal);
        Assert.Contains("nobody will await this", output, StringComparison.Ordinal);
        Assert.Contains("still here", output, StringComparison.Ordinal);
    }

    /// <summary>The child's part: in a process that has loaded nothing but what it needed.</summary>
    internal static void FullTable()
    {
        RingExecutor.Run(async () =>
        {
            SetTheLimit(0);
            _ = RingExecutor.Spawn(async () =>
            {
                await RingExecutor.Yield();
                throw new InvalidOperationException("nobody will await this");
            });
            await RingExecutor.Delay(TimeSpan.FromSeconds(2));
            SetTheLimit(1024);
        });
        byte[] text = "still here\n"u8.ToArray();
        unsafe
        {
            fixed (byte* start = text)
                _ = Libc.write(1, start, (nuint)text.Length); // Console may not load any more: the loader remembers that it could not.
        }
    }

    private static unsafe void SetTheLimit(ulong soft)
    {
        Limit limit;
        _ = getrlimit(7, &limit); // RLIMIT_NOFILE
        limit.Soft = soft;
        _ = setrlimit(7, &limit);
    }

    private static async RingTask Serve(bool limited)
    {
        await using RingListener listener = RingListener.Bind(Loopback);
        using RingConnection first = await RingConnection.ConnectAsync(listener.LocalEndPoint);

        // Clients connect from sockets made before the limit: the server alone runs out. An accept takes the limit of the moment
        // its SQE is prepared, so it starts after that, and with room for one.
        var clients = new List<Socket>();
        for (int i = 0; i < 4; i++)
            clients.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        var fillers = new List<int>();
        Limit before = default;
        if (limited)
        {
            before = LowerTheLimit(fillers);
            Assert.Equal(0, Libc.close(fillers[^1]));
            fillers.RemoveAt(fillers.Count - 1);
        }

        var served = new List<RingConnection>();
        RingTask accepting = RingExecutor.Spawn(async () =>
        {
            await foreach (RingConnection connection in listener.AcceptAllAsync())
            {
                served.Add(connection);
                if (served.Count == 6)
                    break;
            }
        });
        try
        {
            await Until(() => served.Count == 1);
            clients.ForEach(client => client.Connect(listener.LocalEndPoint));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(100)); // Several rounds of backing off.
            if (limited)
            {
                Assert.Single(served);
                SocketException e = await Throws<SocketException>(async () => (await RingConnection.ConnectAsync(listener.LocalEndPoint)).Dispose());
                Assert.Equal(SocketError.TooManyOpenSockets, e.SocketErrorCode);
                Assert.Throws<SocketException>(() => RingListener.Bind(Loopback));
                await Throws<IOException>(async () => await RingFile.OpenAsync("/dev/null"));
                SocketException? single = await TryAcceptOnce(listener);
                Assert.Null(single);

                // Existing connections do not notice.
                await first.WriteAsync("x"u8.ToArray());
                Assert.Equal(1, await served[0].ReadAsync(new byte[1]));
            }
        }
        finally
        {
            if (limited)
                RestoreTheLimit(before, fillers);
        }

        using RingConnection last = await RingConnection.ConnectAsync(listener.LocalEndPoint);
        await accepting; // The four that waited, and this one: none is lost.
        foreach (Socket client in clients)
        {
            client.Send("y"u8);
            client.Dispose();
        }

        int bytes = 0;
        for (int i = 1; i < 5; i++)
            bytes += await served[i].ReadAsync(new byte[10]);
        Assert.Equal(4, bytes);
        served.ForEach(connection => connection.Dispose());
    }

    /// <summary>A single accept at the limit waits: it ends with its token, not with an error.</summary>
    private static async RingTask<SocketException?> TryAcceptOnce(RingListener listener)
    {
        using var source = new CancellationTokenSource();
        RingTask accept = RingExecutor.Spawn(async () => (await listener.AcceptAsync(source.Token)).Dispose());
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
        source.Cancel();
        try
        {
            await accept;
        }
        catch (OperationCanceledException)
        {
        }
        catch (SocketException e)
        {
            return e;
        }

        return null;
    }

    private static unsafe Limit LowerTheLimit(List<int> fillers)
    {
        Limit before;
        Assert.Equal(0, getrlimit(7, &before)); // RLIMIT_NOFILE
        var lowered = new Limit { Soft = (ulong)Directory.EnumerateFileSystemEntries("/proc/self/fd").Count() + 20, Hard = before.Hard };
        Assert.Equal(0, setrlimit(7, &lowered));
        while (Libc.eventfd(0, FileConstants.EFD_CLOEXEC) is var fd and >= 0)
            fillers.Add(fd);
        return before;
    }

    private static unsafe void RestoreTheLimit(Limit before, List<int> fillers)
    {
        setrlimit(7, &before);
        fillers.ForEach(fd => Libc.close(fd));
    }
}

// The servers that the tour measures: this program again, as a child process. Serve is the child's side, the rest its parent's.
// A line on the child's standard input asks for its count of enters; the end of standard input ends it.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace RingCore.Tour;

public sealed class MeasuredServer : IDisposable
{
    private readonly Process _process;

    internal MeasuredServer(string kind, bool inline)
    {
        string self = Environment.ProcessPath!;
        string[] app = Path.GetFileName(self) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        var start = new ProcessStartInfo(self, [.. app, "serve", kind]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = inline ? "1" : "0";
        _process = Process.Start(start)!;
        Address = IPEndPoint.Parse(ReadLine().Split(' ')[^1]);
    }

    internal IPEndPoint Address { get; }

    internal int Id => _process.Id;

    /// <summary>User and system time of all its threads, to 10 ms.</summary>
    internal TimeSpan CpuTime()
    {
        _process.Refresh();
        return _process.TotalProcessorTime;
    }

    /// <summary>io_uring_enter calls: RingCore counts them, and they are all the system calls that a running server makes.</summary>
    internal long Enters()
    {
        _process.StandardInput.WriteLine();
        return long.Parse(ReadLine());
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
            _process.Kill();
        _process.Dispose();
    }

    private string ReadLine() => _process.StandardOutput.ReadLine()
        ?? throw new InvalidOperationException("The server ended before it should; what it said is above.");

    public static void Serve(string kind, Func<RingListener, CancellationToken, RingTask> serve)
    {
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        if (kind == "sockets")
            ServeOnSockets(any).Wait();
        else
            RingExecutor.Run(() => ServeOnRing(any, serve));
    }

    private static async RingTask ServeOnRing(IPEndPoint address, Func<RingListener, CancellationToken, RingTask> serve)
    {
        RingExecutor executor = RingExecutor.Current!;
        using var stop = new CancellationTokenSource();
        OnLines(() => Console.WriteLine(executor.Counters.Enters), end: stop.Cancel);
        await using RingListener listener = RingListener.Bind(address);
        Console.WriteLine($"listening on {listener.LocalEndPoint}");
        await serve(listener, stop.Token);
    }

    // The same as one writes it on sockets.
    private static async Task ServeOnSockets(IPEndPoint address)
    {
        OnLines(() => Console.WriteLine(0), end: () => Environment.Exit(0));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(address);
        listener.Listen(512);
        Console.WriteLine($"listening on {listener.LocalEndPoint}");
        while (true)
            _ = EchoAsync(await listener.AcceptAsync());

        static async Task EchoAsync(Socket connection)
        {
            using (connection)
            {
                connection.NoDelay = true;
                byte[] buffer = new byte[64];
                int read;
                while ((read = await connection.ReceiveAsync(buffer.AsMemory())) > 0)
                {
                    for (int sent = 0; sent < read;)
                        sent += await connection.SendAsync(buffer.AsMemory(sent, read - sent));
                }
            }
        }
    }

    private static void OnLines(Action line, Action end) => new Thread(() =>
    {
        while (Console.ReadLine() is not null)
            line();
        end();
    })
    { IsBackground = true }.Start();
}

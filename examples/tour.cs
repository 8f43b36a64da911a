#:project ../src/RingCore
#:package Spectre.Console
// The tour: an echo server and its clients in one process; the life of one await, as the recorder saw it; and RingCore against
// System.Net.Sockets. Under a minute: dotnet run examples/tour.cs
// `tour.cs life [full|short|cancelled|together]` shows the one await alone: of a whole, a short, a cancelled read, or of two
// servers' reads that enter the kernel together. `tour.cs serve ...` is how the tour starts the servers it measures.
// Exit codes: 0; 2 bad argument; 3 io_uring is not available here; 4 unoptimised build, whose figures would mislead.

using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using RingCore;
using RingCore.Sys;
using Spectre.Console;

Assembly[] measured = [typeof(RingExecutor).Assembly, typeof(Load).Assembly];
if (measured.Any(assembly => assembly.GetCustomAttribute<DebuggableAttribute>() is { IsJITOptimizerDisabled: true }))
{
    Console.WriteLine("This is an unoptimised build, whose figures would mislead: run it without `-c Debug`.");
    return 4;
}

var report = RingCapabilities.Probe();
if (!report.IsAvailable)
    return ExplainAbsence(report.Problem);
if (Console.IsOutputRedirected)
    AnsiConsole.Profile.Width = 120;
switch (args)
{
    case []:
        ShowLife("full");
        Compare(report);
        return 0;
    case ["life", "full" or "short" or "cancelled" or "together"]:
        ShowLife(args[1]);
        return 0;
    case ["serve", "ring"]:
        ServeOnRing();
        return 0;
    case ["serve", "sockets"]:
        ServeOnSockets().Wait();
        return 0;
    default:
        Console.Error.WriteLine("usage: tour.cs [life full|short|cancelled|together]");
        return 2;
}

// ---- Where io_uring is not available -------------------------------------------------------------------------------------------

static int ExplainAbsence(string problem)
{
    Console.WriteLine(problem);
    if (AppContext.GetData("EntryPointFileDirectoryPath") is string folder && Path.Join(folder, "../README.md") is var readme && File.Exists(readme))
    {
        IEnumerable<string> section = File.ReadLines(readme).SkipWhile(line => line != "## Not on Linux, or in a container")
            .TakeWhile((line, index) => index == 0 || !line.StartsWith("## ", StringComparison.Ordinal));
        Console.WriteLine(string.Join('\n', ["", .. section]).TrimEnd());
    }

    return 3;
}

// ---- One process: an echo server, its clients, and one await under the glass ---------------------------------------------------

static void ShowLife(string scenario)
{
    Headline("An echo server and two clients over real sockets: one process, one thread, one ring");
    (TraceEvent[] events, OpInfo read, string explained) = RingExecutor.Run(() => Converse(scenario), new RingOptions { TraceEvents = 2048 });
    Headline($"The life of one await: `read = await connection.ReadAsync(buffer)` in {read.Task}");
    Console.WriteLine($"what it asks of the kernel: {explained}");
    Console.WriteLine();
    Console.WriteLine("step      time     what the recorder kept");
    foreach ((string step, TraceEvent at, string words) in Life(events, read))
        Console.WriteLine($"{step,4} {(at.TimeNs - events.First(e => e.Op == read.UserData).TimeNs) / 1e3,+8:+0.0;-0.0;0.0} µs  {words}");
    Console.WriteLine();
}

// Servers and clients as tasks of one executor. The last round is the one that counts: before it, the server's read waits in the
// kernel and everything is at rest, so the in-flight list shows it; then its bytes come, or it is cancelled.
static async RingTask<(TraceEvent[], OpInfo, string)> Converse(string scenario)
{
    using var stopReading = new CancellationTokenSource();
    using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    _ = RingExecutor.Spawn(() => Serve(listener, stopReading.Token));
    using RingConnection first = await RingConnection.ConnectAsync(listener.LocalEndPoint);
    using RingConnection second = await RingConnection.ConnectAsync(listener.LocalEndPoint);
    foreach ((RingConnection client, string text) in new[] { (first, "hello"), (second, "hello to you"), (first, "and again") })
    {
        byte[] answer = new byte[text.Length];
        await client.WriteAsync(Encoding.ASCII.GetBytes(text));
        await client.ReadExactlyAsync(answer);
        Console.WriteLine($"client {(client == first ? 1 : 2)} sent \"{text}\" and received \"{Encoding.ASCII.GetString(answer)}\"");
    }

    if (scenario != "together")
        second.Dispose();
    RingConnection[] clients = scenario == "together" ? [first, second] : [first];
    OpInfo read = default;
    string explained = "";
    for (int pass = 0; pass < 3; pass++) // So that the last pays for no code's first run.
    {
        await Exchange(clients, bytes: 64, rounds: 1000);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
        read = RingExecutor.Current!.InFlight().First(op => op.Opcode == io_uring_op.IORING_OP_RECV);
        using RingHandle socket = RingHandle.Adopt(read.Fd, ownsFd: false);
        explained = Op.Recv(socket, new byte[read.BytesLent]).Explain();
    }

    if (scenario == "cancelled")
        stopReading.Cancel();
    else
        await Exchange(clients, bytes: scenario == "short" ? 5 : 64, rounds: 1);
    await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
    return (RingExecutor.Current!.Trace.Snapshot(), read, explained);
}

static async RingTask Exchange(RingConnection[] clients, int bytes, int rounds)
{
    byte[] buffer = new byte[bytes];
    for (int round = 0; round < rounds; round++)
    {
        ValueTask[] writes = [.. clients.Select(client => client.WriteAsync(buffer))]; // Hot: all are prepared here, and enter together.
        foreach (ValueTask write in writes)
            await write;
        foreach (RingConnection client in clients)
            await client.ReadExactlyAsync(buffer);
    }
}

static async RingTask Serve(RingListener listener, CancellationToken stopReading = default, CancellationToken stop = default)
{
    await foreach (RingConnection connection in listener.AcceptAllAsync(stop))
        _ = RingExecutor.Spawn(() => Echo(connection, stopReading));
}

static async RingTask Echo(RingConnection connection, CancellationToken stopReading)
{
    using (connection)
    {
        byte[] buffer = new byte[64];
        try
        {
            int read;
            while ((read = await connection.ReadAsync(buffer, stopReading)) > 0)
                await connection.WriteAsync(buffer.AsMemory(0, read));
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            // The peer has gone, or the read was cancelled: this connection is over.
        }
    }
}

// The events that belong to one op, found through the ids that join them, in the order of their times.
static List<(string Step, TraceEvent Event, string Words)> Life(TraceEvent[] events, OpInfo op)
{
    var life = new List<(string, TraceEvent, string)>();
    int prepared = Find(0, e => e.Kind == TraceKind.OpPrepared && e.Op == op.UserData);
    int suspended = Find(prepared, e => e.Kind == TraceKind.TaskSuspended && e.Op == op.UserData);
    int entered = Find(prepared, e => e.Kind == TraceKind.Entered);
    int cancelled = Find(prepared, e => e.Kind == TraceKind.CancelAsked && e.Op == op.UserData);
    int completed = Find(prepared, e => e.Kind == TraceKind.OpCompleted && e.Op == op.UserData);
    int returned = Array.FindLastIndex(events, completed, e => e.Kind == TraceKind.EnterReturned);
    int queued = Find(completed, e => e.Kind == TraceKind.Queued && e.Op == op.UserData);
    int waited = Array.FindLastIndex(events, completed, e => e.Kind == TraceKind.Entered);
    long task = events[suspended].Task;
    int resumed = Find(queued, e => e.Kind == TraceKind.TaskResumed && e.Task == task);
    int reused = Find(completed, e => e.Kind == TraceKind.OpPrepared && (uint)e.Op == (uint)op.UserData);

    Add("1, 2", prepared, e => $"op prepared    {(io_uring_op)e.A} fd={e.B} {Slot(e.Op)} (task {e.Task})");
    Add("", suspended, e => $"suspended      task {e.Task} ({op.Task}) awaits {Slot(e.Op)}");
    Add("3", entered, Enter);
    Add("", waited == entered ? -1 : waited, Enter);
    Add("", cancelled, e => $"cancel asked   {Slot(e.Op)}");
    Add("4", returned, e => $"enter returned {Count(e.B, "CQE")} written by the kernel (enter {e.Op})");
    Add("5", completed, e => $"CQE reaped     {Slot(e.Op)} {new OpResult(e.A, (uint)e.B)}");
    Add("5", queued, e => $"queued         the continuation of {Slot(e.Op)}");
    Add("6", resumed, e => $"resumed        task {e.Task}");
    Add("7", reused, e => $"slot reused    {Slot(e.Op)} {(io_uring_op)e.A} (task {e.Task}): the CQE had no F_MORE, so slot and loans were free");
    return [.. life.OrderBy(line => line.Item2.TimeNs)];

    int Find(int from, Predicate<TraceEvent> wanted) => from < 0 ? -1 : Array.FindIndex(events, from, wanted);

    void Add(string step, int index, Func<TraceEvent, string> words)
    {
        if (index >= 0)
            life.Add((step, events[index], words(events[index])));
    }

    static string Enter(TraceEvent e) =>
        $"enter {e.Op,-8} {Count(e.A, "SQE")} submitted; {(e.B > 0 ? $"waits for {Count(e.B, "completion")}" : "does not wait")}";

    static string Slot(ulong userData) => $"slot={(uint)userData} gen={userData >> 32}";

    static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}

// ---- Against System.Net.Sockets ------------------------------------------------------------------------------------------------

// Every server is a process of its own on one core, the load on another; what is read of it is that process's CPU time alone.
static void Compare(RingCapabilities report)
{
    Arm[] arms = [new("RingCore", "ring"), new("System.Net.Sockets", "sockets"), new("sockets, inline", "sockets", Inline: true)];
    int[] cores = [.. Enumerable.Range(0, 64).Where(core => (Affinity(null) >> core & 1) != 0).Take(2)];
    string pinning = cores.Length == 2 ? $"server on core {cores[0]}, load on core {cores[1]}" : "one core for both: read the CPU time only";
    Headline("RingCore against System.Net.Sockets: echo, 64 connections, 64 bytes, each waits for its answer");
    var table = new Table().Border(TableBorder.Rounded).AddColumn("server");
    foreach (string column in new[] { "requests/s", "CPU µs/request", "× RingCore", "system calls/request" })
        table.AddColumn(column, settings => settings.RightAligned());
    AnsiConsole.Progress().AutoRefresh(false).Start(screen => // Nothing of ours runs beside a measurement, except between ticks.
    {
        double? ringCore = null;
        ProgressTask progress = screen.AddTask("measuring", maxValue: arms.Length * (Load.WarmUp + Load.Measured + Load.Counted).TotalSeconds);
        foreach (Arm arm in arms)
        {
            progress.Description = arm.Name;
            Sample sample = Measure(arm, cores, time =>
            {
                progress.Increment(time.TotalSeconds);
                screen.Refresh();
            });
            ringCore ??= sample.CpuMicroseconds;
            table.AddRow(arm.Name, $"{sample.RequestsPerSecond:N0}", $"{sample.CpuMicroseconds:F2}", $"{sample.CpuMicroseconds / ringCore:F2}", sample.SystemCalls);
        }

        progress.Description = "measured";
        progress.Value = progress.MaxValue;
        screen.Refresh();
    });
    AnsiConsole.Write(table);
    Console.WriteLine("inline: DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1. CPU: user and system time of the server process alone.");
    Console.WriteLine($"{report.Kernel}, {Environment.ProcessorCount} processors, .NET {Environment.Version}; {pinning}.");
    Console.WriteLine("One round beside whatever else this machine does. Figures to quote come from bench/, in many rounds and against C.");
}

static Sample Measure(Arm arm, int[] cores, Action<TimeSpan> tick)
{
    nint all = Affinity(null);
    if (cores.Length == 2)
        Affinity((nint)1 << cores[0]); // The process started next inherits it.
    using var server = new ServerProcess(arm);
    if (cores.Length == 2)
        Affinity((nint)1 << cores[1]);
    Sample sample = RingExecutor.Run(async () =>
    {
        var load = new Load(tick);
        await load.ConnectAsync(server.Address);
        await load.RunAsync(Load.WarmUp); // Pools fill, and the JIT reaches its last tier.

        // Between runs every answer is in and nothing moves, so counters of both sides mean the same requests.
        long cpu = server.CpuNanoseconds(), enters = server.Enters();
        (long requests, TimeSpan time) = await load.RunAsync(Load.Measured);
        cpu = server.CpuNanoseconds() - cpu;
        enters = server.Enters() - enters;
        string calls = arm.Kind == "ring" ? $"{(double)enters / requests:F3}" : await CountSystemCalls(server.Id, load);
        load.Close();
        return new Sample(requests / time.TotalSeconds, cpu / 1e3 / requests, calls);
    });
    Affinity(all);
    return sample;
}

// The processors that this process's first thread may use, after setting them.
static nint Affinity(nint? mask)
{
    using var self = Process.GetCurrentProcess();
    if (OperatingSystem.IsLinux())
        self.ProcessorAffinity = mask ?? self.ProcessorAffinity;
    return OperatingSystem.IsLinux() ? self.ProcessorAffinity : 0;
}

// perf counts the server's system calls while `cat`, its command, runs: from the first line it says back to the end of its input.
static async RingTask<string> CountSystemCalls(int server, Load load)
{
    string[] arguments = ["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", $"{server}", "cat"];
    try
    {
        using Process perf = Process.Start(new ProcessStartInfo("perf", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        perf.StandardInput.WriteLine("counting");
        if (perf.StandardOutput.ReadLine() is null)
            return "perf may not count here";
        (long requests, _) = await load.RunAsync(Load.Counted);
        perf.StandardInput.Close();
        string? line = perf.StandardError.ReadToEnd().Split('\n').FirstOrDefault(line => line.Contains("sys_enter", StringComparison.Ordinal));
        return long.TryParse(line?.Split(',')[0], out long calls) ? $"{(double)calls / requests:F3}" : "perf counted nothing";
    }
    catch (Exception e) when (e is Win32Exception or IOException)
    {
        return e is Win32Exception ? "needs perf" : "perf may not count here";
    }
}

static void Headline(string text) => AnsiConsole.Write(new Rule($"[bold]{Markup.Escape(text)}[/]").LeftJustified());

// The server that is measured. A line on standard input asks for its count of enters, the end of standard input ends it.
static void ServeOnRing() => RingExecutor.Run(async () =>
{
    RingExecutor executor = RingExecutor.Current!;
    using var stop = new CancellationTokenSource();
    OnLines(() => Console.WriteLine(executor.Counters.Enters), end: stop.Cancel);
    await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    Console.WriteLine($"listening on {listener.LocalEndPoint}");
    await Serve(listener, stop: stop.Token);
});

// The same as one writes it on sockets.
static async Task ServeOnSockets()
{
    OnLines(() => Console.WriteLine(0), end: () => Environment.Exit(0));
    using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
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

static void OnLines(Action line, Action end) => new Thread(() =>
{
    while (Console.ReadLine() is not null)
        line();
    end();
})
{ IsBackground = true }.Start();

internal sealed record Arm(string Name, string Kind, bool Inline = false);

internal sealed record Sample(double RequestsPerSecond, double CpuMicroseconds, string SystemCalls);

/// <summary>The clients: each sends its next request when the answer to the last one is in, and checks it.</summary>
internal sealed class Load(Action<TimeSpan> tick)
{
    public static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2), Measured = TimeSpan.FromSeconds(3), Counted = TimeSpan.FromSeconds(1);

    private readonly RingConnection[] _connections = new RingConnection[64];
    private bool _stop;
    private long _answered;

    public async RingTask ConnectAsync(IPEndPoint server)
    {
        for (int i = 0; i < _connections.Length; i++)
            _connections[i] = await RingConnection.ConnectAsync(server);
    }

    public async RingTask<(long Requests, TimeSpan Time)> RunAsync(TimeSpan time)
    {
        (_stop, _answered) = (false, 0);
        long started = Stopwatch.GetTimestamp();
        RingTask[] clients = [.. _connections.Select(connection => RingExecutor.Spawn(() => RequestAsync(connection)))];
        TimeSpan step = time / 4;
        for (int i = 0; i < 4; i++)
        {
            await RingExecutor.Delay(step);
            tick(step);
        }

        _stop = true;
        foreach (RingTask client in clients)
            await client;
        return (_answered, Stopwatch.GetElapsedTime(started));
    }

    public void Close()
    {
        foreach (RingConnection connection in _connections)
            connection.Dispose();
    }

    private async RingTask RequestAsync(RingConnection connection)
    {
        byte[] request = new byte[64], answer = new byte[64];
        Random.Shared.NextBytes(request);
        while (!_stop)
        {
            await connection.WriteAsync(request);
            await connection.ReadExactlyAsync(answer);
            if (!answer.AsSpan().SequenceEqual(request))
                throw new InvalidDataException("The answer is not the request.");
            _answered++;
        }
    }
}

/// <summary>A measured server: this program again, as a child process.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    public ServerProcess(Arm arm)
    {
        const string inline = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
        string self = Environment.ProcessPath!;
        string[] app = Path.GetFileName(self) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        var start = new ProcessStartInfo(self, [.. app, "serve", arm.Kind]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment[inline] = arm.Inline ? "1" : "0";
        _process = Process.Start(start)!;
        Address = IPEndPoint.Parse(ReadLine().Split(' ')[^1]);
    }

    public IPEndPoint Address { get; }

    public int Id => _process.Id;

    /// <summary>Nanoseconds on a processor, user and system, of all its threads: the process's own clock.</summary>
    public long CpuNanoseconds()
    {
        long[] time = new long[2]; // struct timespec
        return clock_getcpuclockid(Id, out int clock) == 0 && clock_gettime(clock, time) == 0
            ? time[0] * 1_000_000_000 + time[1]
            : throw new InvalidOperationException("The server's processor clock cannot be read.");
    }

    /// <summary>io_uring_enter calls: RingCore counts them, and they are all the system calls that a running server makes.</summary>
    public long Enters()
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

    [DllImport("libc")]
    private static extern int clock_getcpuclockid(int process, out int clock);

    [DllImport("libc")]
    private static extern int clock_gettime(int clock, [Out] long[] time);
}

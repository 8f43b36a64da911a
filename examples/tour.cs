#:project ../src/RingCore
#:project tour/Comparison.csproj
#:package Spectre.Console
// The tour: an echo server and its clients in one process; the life of one await, as the recorder saw it; and RingCore against
// System.Net.Sockets (measured in the folder tour). Under a minute: dotnet run examples/tour.cs
// `tour.cs life [full|short|cancelled|together]` shows the one await alone: of a whole, a short, a cancelled read, or of two
// servers' reads that enter the kernel together. `tour.cs serve ...` is how the tour starts the servers it measures.
// Exit codes: 0; 2 bad argument; 3 io_uring is not available here; 4 unoptimised build, whose figures would mislead.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using RingCore;
using RingCore.Sys;
using RingCore.Tour;
using Spectre.Console;

Assembly[] measured = [typeof(RingExecutor).Assembly, typeof(Comparison).Assembly];
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
        Headline("RingCore against System.Net.Sockets: echo, 64 connections, 64 bytes, each waits for its answer");
        Comparison.Show(report);
        return 0;
    case ["life", "full" or "short" or "cancelled" or "together"]:
        ShowLife(args[1]);
        return 0;
    case ["serve", "ring" or "sockets"]:
        MeasuredServer.Serve(args[1], (listener, stop) => Serve(listener, stop: stop));
        return 0;
    default:
        Console.Error.WriteLine("usage: tour.cs [life full|short|cancelled|together]");
        return 2;
}

static void Headline(string text) => AnsiConsole.Write(new Rule($"[bold]{Markup.Escape(text)}[/]").LeftJustified());

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
    (TraceEvent[] life, OpInfo read, string explained) = RingExecutor.Run(() => Converse(scenario), new RingOptions { TraceEvents = 2048 });
    Headline($"The life of one await: `read = await connection.ReadAsync(buffer)` in {read.Task}");
    Console.WriteLine($"what it asks of the kernel: {explained}");
    Console.WriteLine();
    Console.WriteLine("step      time     what the recorder kept");
    foreach ((string step, TraceEvent at, string words) in Life(life, read))
        Console.WriteLine($"{step,4} {(at.TimeNs - life[0].TimeNs) / 1e3,+8:+0.0;-0.0;0.0} µs  {words}");
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
    return (RingExecutor.Current!.Trace.LifeOf(read.Id), read, explained);
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

// What the recorder kept of one op, in words; the steps are those of ARCHITECTURE.md's "One await".
static IEnumerable<(string Step, TraceEvent Event, string Words)> Life(TraceEvent[] life, OpInfo op)
{
    bool entered = false;
    foreach (TraceEvent e in life)
    {
        (string step, string words) = e.Kind switch
        {
            TraceKind.OpPrepared when e.Id == op.Id => ("1, 2", $"op prepared    {e.Opcode} fd={e.Fd} {e.Id} (task {e.Task})"),
            TraceKind.TaskSuspended => ("", $"suspended      task {e.Task} ({op.Task}) at {op.Location ?? "no PDB here"} awaits {e.Id}"),
            TraceKind.Entered => (entered ? "" : "3", Enter(e)),
            TraceKind.CancelAsked => ("", $"cancel asked   {e.Id}"),
            TraceKind.EnterReturned => ("4", $"enter returned {Count(e.Ready, "CQE")} written by the kernel (enter {e.Enter})"),
            TraceKind.OpCompleted => ("5", $"CQE reaped     {e.Id} {new OpResult(e.Result, e.CqeFlags)}"),
            TraceKind.Queued => ("5", $"queued         the continuation of {e.Id}"),
            TraceKind.TaskResumed => ("6", $"resumed        task {e.Task}"),
            _ => ("7", $"slot reused    {e.Id} {e.Opcode} (task {e.Task}): the CQE had no F_MORE, so slot and loans were free"),
        };
        entered |= e.Kind == TraceKind.Entered;
        yield return (step, e, words);
    }

    static string Enter(TraceEvent e) =>
        $"enter {e.Enter,-8} {Count(e.Submitted, "SQE")} submitted; {(e.WaitsFor > 0 ? $"waits for {Count(e.WaitsFor, "completion")}" : "does not wait")}";

    static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}

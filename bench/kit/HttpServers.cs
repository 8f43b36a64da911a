using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace RingCore.Bench;

/// <summary>HTTP servers that say hello, under wrk: server on core 0, wrk on core 1; connections kept, or one per request.</summary>
public static partial class HttpServers
{
    private const string Loads = "64 connections;512 connections;64, one request each;512, one request each";

    private static readonly Figure s_cpu = new("cpu_us_per_request", "CPU µs");

    private static readonly Column[] s_columns =
    [
        new("blocking-jit", ColumnKind.Jit, "bench/table/http-blocking.cs", "127.0.0.1:{port}"),
        new("blocking-aot", ColumnKind.Aot, "bench/table/http-blocking.cs", "127.0.0.1:{port}"),
        new("async-jit", ColumnKind.Jit, "examples/stock/http-server.cs", "127.0.0.1:{port}"),
        new("async-aot", ColumnKind.Aot, "examples/stock/http-server.cs", "127.0.0.1:{port}"),
        new("ringcore-jit", ColumnKind.Jit, "examples/http-server.cs", "127.0.0.1:{port}"),
        new("ringcore-aot", ColumnKind.Aot, "examples/http-server.cs", "127.0.0.1:{port}"),
        new("tokio", ColumnKind.Cargo, "http-tokio", "{port}"),
        new("c", ColumnKind.C, "http-c", "{port}"),
        new("control", ColumnKind.C, "http-c", "{port}"),
    ];

    public static async Task CompareAsync(Harness harness, string names)
    {
        if (Commands.Missing("wrk") is { } missing)
        {
            throw new BenchException($"{missing}: nothing to load the servers with.");
        }

        Column[] columns = await Column.BuildAllAsync(Column.Choose(s_columns, names), harness.Configuration);
        Case[] cases = [.. from load in Loads.Split(';') from column in columns select new Case(load, column.Name, () => MeasureAsync(column, load, harness.Seconds))];
        Comparison comparison = await Comparison.RunAsync("measuring", harness.Rounds, cases);
        var report = new Report("HTTP servers", Machine.Describe("table/http-liburing.c", ".flags = "),
            $"{harness.Rounds} rounds of {harness.Seconds} s, wrk with one thread; server on core 0, wrk on core 1");
        Print(report, comparison);
        harness.End(report, comparison.Samples);
    }

    public static void Print(Report report, Comparison comparison)
    {
        foreach (string load in comparison.Samples.Keys)
        {
            report.Add(comparison.SheetOf(load, load, "c", s_cpu, new("requests_per_second", "requests/s", HigherIsBetter: true, Brief: true)));
            report.Say(comparison.ControlLine(load, "c", "control", s_cpu));
        }
    }

    /// <summary>How long this server's answer to the table's request is, head and body.</summary>
    public static int AnswerLength(int port)
    {
        using var connection = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        connection.Connect(IPAddress.Loopback, port);
        connection.Send("GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"u8);
        var answer = new byte[4096];
        int length = 0, received;
        while ((received = connection.Receive(answer.AsSpan(length))) > 0)
        {
            length += received;
        }

        string text = Encoding.ASCII.GetString(answer, 0, length);
        return text.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && text.EndsWith("\r\n\r\nHello, World!", StringComparison.Ordinal)
            ? length
            : throw new BenchException($"The server's answer is not what was expected: {text}");
    }

    private static async Task<Dictionary<string, double>> MeasureAsync(Column column, string load, int seconds)
    {
        string connections = load.Split(' ', ',')[0];
        bool closes = load.Contains("one request", StringComparison.Ordinal);
        await using Server server = await column.ServeAsync();
        if (column.Kind == ColumnKind.Jit)
        {
            await LoadAsync(Math.Max(seconds, 5));   // not counted: on a core that is never idle the last tier takes seconds to come
        }

        TimeSpan before = ProcessCpu.Of(server.Id);
        string output = await LoadAsync(seconds);
        TimeSpan cpu = ProcessCpu.Of(server.Id) - before;
        if (Errors().Match(output) is { Success: true } errors)
        {
            throw new BenchException($"wrk saw errors: {errors.Value.Trim()}");
        }

        return new()
        {
            ["cpu_us_per_request"] = cpu.TotalMicroseconds / double.Parse(Requests().Match(output).Groups[1].Value),
            ["requests_per_second"] = double.Parse(Rate().Match(output).Groups[1].Value),
        };

        async Task<string> LoadAsync(int seconds)
        {
            string[] close = closes ? ["-H", "Connection: close"] : [];
            return await Commands.RunAsync(Commands.OnCore(1, ["wrk", "-t1", $"-c{connections}", $"-d{seconds}s", .. close, $"http://127.0.0.1:{server.Port}/"]));
        }
    }

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Requests();

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"Socket errors:.*|Non-2xx.*")]
    private static partial Regex Errors();
}

#:project ../src/RingCore
// Loads an HTTP server: dotnet run examples/stress-client.cs ADDRESS:PORT [REQUESTS TASKS]. Every request is a connection of its own;
// TASKS of them run at a time on one thread. Prints how many succeeded, the rate and the latencies; exit code 1 if any failed.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RingCore;

int requests = 1000;
int tasks = 200;
if (args.Length is not (1 or 3) || !IPEndPoint.TryParse(args[0], out IPEndPoint? server)
    || (args.Length == 3 && !(int.TryParse(args[1], out requests) && int.TryParse(args[2], out tasks) && requests > 0 && tasks > 0)))
{
    Console.Error.WriteLine("usage: stress-client ADDRESS:PORT [REQUESTS TASKS]");
    return 2;
}

byte[] request = [.. "GET / HTTP/1.1\r\nHost: "u8, .. System.Text.Encoding.ASCII.GetBytes(args[0]), .. "\r\nConnection: close\r\n\r\n"u8];
var latencies = new List<double>(requests);
var failures = new Dictionary<string, int>();
int started = 0;
try
{
    long start = Stopwatch.GetTimestamp();
    RingExecutor.Run(async () =>
    {
        RingTask[] running = [.. Enumerable.Range(0, tasks).Select(_ => RingExecutor.Spawn(Requests))];
        foreach (RingTask task in running)
            await task;
    });
    double rate = requests / Stopwatch.GetElapsedTime(start).TotalSeconds;
    Console.WriteLine($"{latencies.Count} of {requests} requests succeeded with {tasks} tasks");
    foreach ((string what, int count) in failures)
        Console.WriteLine($"{count} failed: {what}");
    latencies.Sort();
    if (latencies.Count > 0)
        Console.WriteLine($"{rate:F0} requests/s; half within {latencies[latencies.Count / 2]:F2} ms, 99 % within {latencies[latencies.Count * 99 / 100]:F2} ms");
    return failures.Count == 0 ? 0 : 1;
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

async RingTask Requests()
{
    while (started++ < requests) // One thread runs all tasks: no lock.
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            using RingConnection connection = await RingConnection.ConnectAsync(server, TimeSpan.FromSeconds(10));
            await connection.WriteAsync(request);
            bool? ok = null;
            while (await connection.ReadLeaseAsync() is { IsEnd: false } lease) // To the end: the server closes.
                using (lease)
                    ok ??= lease.Span.StartsWith("HTTP/1.1 200"u8);
            if (ok != true)
                throw new InvalidDataException("the answer is not 200");
            latencies.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidDataException or TimeoutException)
        {
            failures[e.Message] = failures.GetValueOrDefault(e.Message) + 1;
        }
    }
}

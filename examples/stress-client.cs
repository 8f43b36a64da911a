#:project ../src/RingCore
// Load for an HTTP server: dotnet run examples/stress-client.cs HOST:PORT REQUESTS TASKS. Each task keeps one connection and sends its
// next request when the answer to the last one is in, all of it; after an error it connects anew. Exit code 1: there were errors.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using RingCore;

if (args.Length != 3 || !IPEndPoint.TryParse(args[0], out IPEndPoint? server) || !int.TryParse(args[1], out int requests) || !int.TryParse(args[2], out int tasks)
    || requests < 1 || tasks < 1)
{
    Console.Error.WriteLine("usage: stress-client ADDRESS:PORT REQUESTS TASKS, such as 127.0.0.1:7001 1000 200");
    return 2;
}

byte[] request = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {server}\r\n\r\n");
(List<double> times, int next, int errors, string error) = ([], 0, 0, "");
try
{
    RingExecutor.Run(async () =>
    {
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, tasks).Select(_ => RingExecutor.Spawn(ClientAsync).AsTask()));
        Console.WriteLine($"{times.Count} of {requests} requests answered, {times.Count / Stopwatch.GetElapsedTime(started).TotalSeconds:F0} requests/s, {errors} errors{error}");
    });
    times.Sort();
    double Share(int percent) => times.ElementAtOrDefault((times.Count - 1) * percent / 100);
    Console.WriteLine($"half within {Share(50):F3} ms, 99 of 100 within {Share(99):F3} ms, all within {Share(100):F3} ms");
    return errors > 0 ? 1 : 0;
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

async RingTask ClientAsync()
{
    RingConnection? connection = null;
    for (var buffer = new byte[64 * 1024]; next++ < requests;)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            connection ??= await RingConnection.ConnectAsync(server, timeout: TimeSpan.FromSeconds(10));
            await connection.WriteAsync(request);
            for (int filled = 0; filled < Length(buffer.AsSpan(0, filled));)
                filled += await connection.ReadAsync(buffer.AsMemory(filled)) is > 0 and int read ? read : throw new InvalidDataException("an answer is cut short, or too long");
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (Exception e) when (e is SocketException or IOException or TimeoutException or InvalidDataException)
        {
            connection?.Dispose();
            (errors, error, connection) = (errors + 1, $", the last: {e.Message}", null);
        }
    }

    connection?.Dispose();
}

// Bytes in the whole answer that begins here; before its head is all there, more than any number.
static int Length(ReadOnlySpan<byte> answer)
{
    int head = answer.IndexOf("\r\n\r\n"u8);
    Match match = Regex.Match(Encoding.Latin1.GetString(answer[..Math.Max(head, 0)]), @"^HTTP/1\.1 200 [\s\S]*?\r\nContent-Length: *([0-9]{1,9})", RegexOptions.IgnoreCase);
    return head < 0 ? int.MaxValue : match.Success ? head + 4 + int.Parse(match.Groups[1].Value) : throw new InvalidDataException("an answer is not 200 with a length");
}

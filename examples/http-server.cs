#:project ../src/RingCore
// An HTTP/1.1 server that says hello: dotnet run examples/http-server.cs [address:port]. Keep-alive, pipelining, requests that come in
// pieces, bodies skipped. The answers to all requests of one read leave in one write, and no request allocates anything.

using System.Buffers;
using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using RingCore;

using var stop = new CancellationTokenSource();
Action<PosixSignalContext> onSignal = signal => { signal.Cancel = true; stop.Cancel(); };
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, onSignal), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, onSignal);
string at = args.FirstOrDefault("127.0.0.1:7001");
try
{
    RingExecutor.Run(async () =>
    {
        await using RingListener listener = RingListener.Bind(IPEndPoint.TryParse(at, out IPEndPoint? address) && at.EndsWith($":{address.Port}", StringComparison.Ordinal)
            ? address : throw new FormatException($"'{at}' is not address:port, such as 127.0.0.1:7001"), backlog: 4096);
        Console.WriteLine($"listening on {listener.LocalEndPoint}");
        await foreach (RingConnection connection in listener.AcceptAllAsync(stop.Token))
            _ = RingExecutor.Spawn(() => Serve(connection));
    });
}
catch (Exception e) when (e is FormatException or SocketException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    Environment.ExitCode = e is FormatException ? 2 : e is SocketException ? 1 : 3;
}

static async RingTask Serve(RingConnection connection)
{
    byte[] input = GC.AllocateUninitializedArray<byte>(8192);
    var request = new Request(0, Request.Ok, Keep: true);
    try
    {
        long start = 0; // Of the next request: behind the input while a body is skipped.
        for (int end = 0, read = 1, length = 0; request.Keep && read > 0; length = 0)
        {
            end += read = await connection.ReadAsync(input.AsMemory(end));
            byte[] output = ArrayPool<byte>.Shared.Rent(512 + 6 * (int)Math.Max(end - start, 0)); // No answer has six times the bytes that ask for it.
            while (request.Keep && start < end && Request.TryParse(input.AsSpan((int)start..end), isLast: read == 0, ref request))
                (start, length) = (start + request.Length, length + request.Answer(output.AsSpan(length)));
            await connection.WriteAsync(output.AsMemory(0, length));
            ArrayPool<byte>.Shared.Return(output); // It is not on loan any more: the write was awaited.
            input.AsSpan((int)Math.Min(start, end)..end).CopyTo(input);
            (start, end) = (Math.Max(start - end, 0), (int)Math.Max(end - start, 0));
        }

        await connection.ShutdownAsync(SocketShutdown.Send);
        while (request.Status != Request.Ok && await connection.ReadAsync(input) > 0) { } // To close with input unread is to reset, which may overtake the answer.
    }
    catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
    {
        // The peer has gone, or the server stops.
    }

    connection.Dispose();
}

// A request, Length bytes of head and body, and what to answer.
internal readonly record struct Request(long Length, string Status, bool Keep = false, bool IsHead = false)
{
    public const string Ok = "200 OK\r\nContent-Length: 13", None = "\r\nContent-Length: 0";

    // False: its head is not all there.
    public static bool TryParse(ReadOnlySpan<byte> data, bool isLast, ref Request request)
    {
        int head = data.IndexOf("\r\n\r\n"u8), end = data.IndexOf("\r\n"u8), space = data.IndexOf((byte)' '), hosts = 0, bodies = 0;
        if (head < 0 && data.Length < 8192 && !isLast && data.IndexOf("\n\n"u8) < 0)
            return false;
        request = new Request(data.Length, head < 0 && data.Length >= 8192 ? "431 Request Header Fields Too Large" + None : "400 Bad Request" + None);
        if (head < 0 || space <= 0 || end < space + 11)
            return true;
        ReadOnlySpan<byte> line = data[..end], rest = data[..(head + 2)];
        bool isHead = line.StartsWith("HEAD "u8), isNew = line.EndsWith(" HTTP/1.1"u8), keep = isNew;
        bool isGood = (isNew || line.EndsWith(" HTTP/1.0"u8)) && !line[(space + 1)..^9].ContainsAnyExceptInRange((byte)'!', (byte)'~');
        uint body = 0;
        while (isGood && !(rest = rest[(end + 2)..]).IsEmpty)
        {
            line = rest[..(end = rest.IndexOf("\r\n"u8))];
            int colon = Math.Max(line.IndexOf((byte)':'), 0);
            ReadOnlySpan<byte> name = line[..colon], value = line[(colon + 1)..].Trim(" \t"u8);
            isGood = colon > 0 && !name.ContainsAnyExceptInRange((byte)'!', (byte)'~') && !value.ContainsAny((byte)'\r', (byte)'\n', (byte)0)
                && !Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8); // Where such a body ends nobody here can tell.
            if (Ascii.EqualsIgnoreCase(name, "Host"u8))
                hosts++;
            else if (Ascii.EqualsIgnoreCase(name, "Connection"u8))
                keep = isNew ? keep && !Ascii.EqualsIgnoreCase(value, "close"u8) : Ascii.EqualsIgnoreCase(value, "keep-alive"u8);
            else if (Ascii.EqualsIgnoreCase(name, "Content-Length"u8))
                isGood &= ++bodies == 1 && Utf8Parser.TryParse(value, out body, out int digits) && digits == value.Length;
        }

        if (isGood && (hosts == 1 || !isNew))
            request = new Request(head + 4 + body, isHead || data.StartsWith("GET "u8) ? Ok : "405 Method Not Allowed\r\nAllow: GET, HEAD" + None, keep, isHead);
        return true;
    }

    public int Answer(Span<byte> to) => Utf8.TryWrite(
        to, $"HTTP/1.1 {Status}\r\nContent-Type: text/plain\r\nConnection: {(Keep ? "keep-alive" : "close")}\r\n\r\n{(Status == Ok && !IsHead ? "Hello, World!" : "")}", out int length) ? length : 0;
}

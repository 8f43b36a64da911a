#:project ../src/RingCore
// Serves the files of a folder over HTTP/1.1: dotnet run examples/file-server.cs FOLDER [address:port]. GET and HEAD, keep-alive; a path
// that ends with / means its index.html. What is outside the folder is 403 by whatever way: .., %2e%2e, a symbolic link. A big file takes
// a few read-ahead buffers, however big it is. Serves until SIGINT or SIGTERM.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using RingCore;

using var stop = new CancellationTokenSource();
Action<PosixSignalContext> onSignal = signal => { signal.Cancel = true; stop.Cancel(); };
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, onSignal), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, onSignal);
string folder = "";
try
{
    RingExecutor.Run(async () =>
    {
        await using (RingFile root = await RingFile.OpenAsync(args is [{ Length: > 0 }, ..] ? args[0] + "/" : throw new FormatException("usage: file-server FOLDER [address:port]")))
            folder = RealPath(root).TrimEnd('/') + '/';
        await using RingListener listener = RingListener.Bind(IPEndPoint.Parse(args.ElementAtOrDefault(1) ?? "127.0.0.1:7002"));
        Console.WriteLine($"listening on {listener.LocalEndPoint}");
        await foreach (RingConnection connection in listener.AcceptAllAsync(stop.Token))
            _ = RingExecutor.Spawn(() => ServeAsync(connection));
    });
}
catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException or SocketException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    Environment.ExitCode = e is FormatException ? 2 : e is RingUnavailableException ? 3 : 1;
}

async RingTask ServeAsync(RingConnection connection)
{
    using RingConnection owned = connection;
    byte[] input = new byte[8192];
    try
    {
        int length = 0, head, read = 1;
        for (bool keep = true; keep;)
        {
            while ((head = input.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0 && length < input.Length && read > 0)
                length += read = await connection.ReadAsync(input.AsMemory(length));
            keep = length > 0 && await AnswerAsync(connection, head < 0 ? [] : Encoding.Latin1.GetString(input, 0, head).Split("\r\n"));
            length -= keep ? head + 4 : length;
            input.AsSpan(head + 4, length).CopyTo(input); // The next request may have come with this one.
        }

        await connection.ShutdownAsync(SocketShutdown.Send);
        while (await connection.ReadAsync(input) > 0) { } // To close with input unread is to reset, which may overtake the answer.
    }
    catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
    {
        // The peer has gone, the file has shrunk, or the server stops.
    }
}

// False: the connection ends with this answer. Bodies are not read: a request that has one ends it, too.
async RingTask<bool> AnswerAsync(RingConnection connection, string[] lines)
{
    ILookup<string, string> headers = lines.Skip(1).Select(line => line.Split(':', 2)).ToLookup(pair => pair[0], pair => pair[^1].Trim().ToLowerInvariant(), StringComparer.OrdinalIgnoreCase);
    string[] words = lines is [var first, ..] ? first.Split(' ') : ["", "", ""];
    bool isGood = words is [_, ['/', ..], "HTTP/1.1" or "HTTP/1.0"] && headers["Host"].Count() == (words[2] == "HTTP/1.1" || headers.Contains("Host") ? 1 : 0);
    bool keep = isGood && !headers.Contains("Transfer-Encoding") && headers["Content-Length"].All(value => value == "0")
        && (words[2] == "HTTP/1.1" ? !headers["Connection"].Contains("close") : headers["Connection"].Contains("keep-alive"));
    (string status, RingFile? file, long left) = !isGood ? ("400 Bad Request", null, 0)
        : words[0] is "GET" or "HEAD" ? await OpenAsync(Uri.UnescapeDataString(words[1].Split('?')[0])) : ("405 Method Not Allowed\r\nAllow: GET, HEAD", null, 0L);
    await using RingFile? owned = file;
    ReadOnlyMemory<byte> head = Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {left}\r\nConnection: {(keep ? "keep-alive" : "close")}\r\n\r\n");
    await using IAsyncEnumerator<ReadOnlyMemory<byte>>? chunks = words[0] == "GET" ? file?.ReadAllAsync().GetAsyncEnumerator() : null;
    for (ReadOnlyMemory<byte> part = default; !head.IsEmpty || left > 0; (head, left) = (default, chunks is null ? 0 : left - part.Length))
    {
        if (chunks is not null && left > 0) // The file may have grown or shrunk since its length was announced.
            part = await chunks.MoveNextAsync() ? chunks.Current[..(int)Math.Min(chunks.Current.Length, left)] : throw new EndOfStreamException();
        await connection.WriteAsync([head, part]); // All of it: the head leaves with the first part.
    }

    return keep;
}

async RingTask<(string Status, RingFile? File, long Length)> OpenAsync(string path)
{
    if (path.Contains('\0') || path.Split('/').Contains(".."))
        return ("403 Forbidden", null, 0);
    try
    {
        byte[] seen = new byte[RingFileStatus.Size]; // Looked at first: the open of a FIFO waits for its other end.
        if ((await Op.Statx(path = folder + path.TrimStart('/') + (path.EndsWith('/') ? "index.html" : ""), seen)).IsSuccess && !new RingFileStatus(seen).IsFile)
            return ("404 Not Found", null, 0);
        RingFile file = await RingFile.OpenAsync(path);
        RingFileStatus status = await file.GetStatusAsync();
        if (status.IsFile && RealPath(file).StartsWith(folder, StringComparison.Ordinal)) // Of what is open: nobody can swap it in between.
            return ("200 OK", file, status.Length);
        await file.DisposeAsync();
        return (status.IsFile ? "403 Forbidden" : "404 Not Found", null, 0);
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        return (e is UnauthorizedAccessException ? "403 Forbidden" : "404 Not Found", null, 0);
    }
}

static string RealPath(RingFile file) => new FileInfo($"/proc/self/fd/{file.Fd}").LinkTarget!; // The kernel's, without links.

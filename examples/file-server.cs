#:project ../src/RingCore
// Serves the files of a folder: dotnet run examples/file-server.cs DIR [address:port]. GET and HEAD, HTTP/1.1 keep-alive. A file of any
// size goes out through four buffers, read ahead while the socket takes what came before. Symbolic links are followed: they are the
// folder owner's; nothing in a request leads out of the folder.

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using RingCore;
using RingCore.Sys;

if (args.Length is 0 or > 2 || !Directory.Exists(args[0]) || !IPEndPoint.TryParse(args.ElementAtOrDefault(1) ?? "127.0.0.1:7003", out IPEndPoint? address))
{
    Console.Error.WriteLine("usage: file-server DIR [address:port]");
    return 2;
}

string root = Path.GetFullPath(args[0]).TrimEnd('/') + '/';
using var stop = new CancellationTokenSource();
Action<PosixSignalContext> onSignal = signal => { signal.Cancel = true; stop.Cancel(); };
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, onSignal), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, onSignal);
try
{
    RingExecutor.Run(async () =>
    {
        await using RingListener listener = RingListener.Bind(address);
        Console.WriteLine($"listening on {listener.LocalEndPoint}");
        await foreach (RingConnection connection in listener.AcceptAllAsync(stop.Token))
            _ = RingExecutor.Spawn(() => ServeAsync(connection));
    });
}
catch (Exception e) when (e is SocketException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is RingUnavailableException ? 3 : 1;
}

return 0;

async RingTask ServeAsync(RingConnection connection)
{
    using RingConnection owned = connection;
    var buffer = new byte[8192];
    try
    {
        bool keep = true;
        for (int filled = 0, head, read = 1; keep && read > 0; filled += read)
        {
            while (keep && (head = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) >= 0)
            {
                keep = await AnswerAsync(connection, Encoding.UTF8.GetString(buffer, 0, head));
                buffer.AsSpan((head + 4)..filled).CopyTo(buffer);
                filled -= head + 4;
            }

            if (filled == buffer.Length)
                keep = await AnswerAsync(connection, "a head too long for this server");
            read = keep ? await connection.ReadAsync(buffer.AsMemory(filled)) : 0;
        }

        await connection.ShutdownAsync(SocketShutdown.Send); // To close with input unread is to reset, which may overtake the answer.
        while (!keep && await connection.ReadAsync(buffer) > 0)
            continue;
    }
    catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
    {
        // The peer has gone, the server stops, or a file has become shorter than announced: the peer sees its answer cut off.
    }
}

// Answers one request. False: the connection ends with it.
async RingTask<bool> AnswerAsync(RingConnection connection, string head)
{
    string[] lines = head.Split("\r\n"), words = lines[0].Split(' ');
    bool Has(string header) => lines.Any(line => line.Replace(" ", "").StartsWith(header, StringComparison.OrdinalIgnoreCase));
    bool isGood = words is [_, ['/', ..], "HTTP/1.0"] || (words is [_, ['/', ..], "HTTP/1.1"] && Has("Host:"));
    bool keep = isGood && words[2] == "HTTP/1.1" && !Has("Connection:close") && !Has("Content-Length:") && !Has("Transfer-Encoding:"); // No bodies here.
    string path = isGood ? Path.GetFullPath(root + Uri.UnescapeDataString(words[1].Split('?')[0]).Replace('\0', '/')) : "";
    var found = new byte[RingFileStatus.Size]; // Asked for before opening: to open a FIFO is to wait for its writer.
    string status = !isGood ? "400 Bad Request"
        : words[0] is not ("GET" or "HEAD") ? "405 Method Not Allowed\r\nAllow: GET, HEAD"
        : !path.StartsWith(root, StringComparison.Ordinal) ? "403 Forbidden"
        : (await Op.Statx(path, found)).Errno is > 0 and int errno ? errno == Errno.EACCES ? "403 Forbidden" : "404 Not Found"
        : new RingFileStatus(found).IsFile ? "200 OK" : "403 Forbidden";
    RingFile? opened = null;
    try { opened = status == "200 OK" ? await RingFile.OpenAsync(path) : null; }
    catch (UnauthorizedAccessException) { status = "403 Forbidden"; }
    using RingFile? file = opened;
    long left = file is null ? 0 : (await file.GetStatusAsync()).Length;
    string type = Path.GetExtension(path) switch { ".html" => "text/html", ".txt" or ".md" or ".cs" => "text/plain", _ => "application/octet-stream" };
    await connection.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {left}\r\nConnection: {(keep ? "keep-alive" : "close")}\r\n\r\n"));
    if (file is null || words[0] == "HEAD" || left == 0)
        return keep;
    await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync())
    {
        await connection.WriteAsync(chunk[..(int)Math.Min(left, chunk.Length)]); // It may have grown.
        if ((left -= chunk.Length) <= 0)
            return keep;
    }

    throw new IOException("the file has become shorter");
}

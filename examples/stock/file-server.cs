// Serves the files of a folder over HTTP/1.1: dotnet run examples/stock/file-server.cs FOLDER [address:port]. GET and HEAD, keep-alive; a
// path that ends with / means its index.html. What is outside the folder is 403 by whatever way: .., %2e%2e, a symbolic link. A big file
// takes one buffer, however big it is. Serves until SIGINT or SIGTERM. The twin of examples/file-server.cs on Socket and RandomAccess.

using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

using var stop = new CancellationTokenSource();
Action<PosixSignalContext> onSignal = signal => { signal.Cancel = true; stop.Cancel(); };
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, onSignal), terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, onSignal);
string folder = "";
try
{
    folder = Path.GetFullPath(args.Length > 0 ? args[0] : throw new FormatException("usage: file-server FOLDER [address:port]"));
    folder = (new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder).TrimEnd('/') + '/';
    using var listener = new TcpListener(IPEndPoint.Parse(args.ElementAtOrDefault(1) ?? "127.0.0.1:7002"));
    listener.Start(backlog: 4096);
    Console.WriteLine($"listening on {listener.LocalEndpoint}");
    while (true)
        _ = ServeAsync(await listener.AcceptSocketAsync(stop.Token));
}
catch (Exception e) when (e is FormatException or ArgumentException or IOException or UnauthorizedAccessException or SocketException)
{
    Console.Error.WriteLine(e.Message);
    Environment.ExitCode = e is FormatException ? 2 : 1;
}
catch (OperationCanceledException) { } // SIGINT or SIGTERM.

async Task ServeAsync(Socket socket)
{
    socket.NoDelay = true;
    using var stream = new NetworkStream(socket, ownsSocket: true);
    byte[] input = new byte[8192];
    try
    {
        int length = 0, head, read = 1;
        for (bool keep = true; keep;)
        {
            while ((head = input.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0 && length < input.Length && read > 0)
                length += read = await stream.ReadAsync(input.AsMemory(length), stop.Token);
            keep = length > 0 && await AnswerAsync(stream, head < 0 ? [] : Encoding.Latin1.GetString(input, 0, head).Split("\r\n"));
            length -= keep ? head + 4 : length;
            input.AsSpan(head + 4, length).CopyTo(input); // The next request may have come with this one.
        }

        socket.Shutdown(SocketShutdown.Send);
        while (await stream.ReadAsync(input, stop.Token) > 0)
            continue; // To close with input unread is to reset, which may overtake the answer.
    }
    catch (Exception e) when (e is SocketException or IOException or OperationCanceledException) { } // Gone, shrunk, or the server stops.
}

// False: the connection ends with this answer. Bodies are not read: a request that has one ends it, too.
async Task<bool> AnswerAsync(NetworkStream stream, string[] lines)
{
    ILookup<string, string> headers = lines.Skip(1).Select(line => line.Split(':', 2)).ToLookup(pair => pair[0], pair => pair[^1].Trim().ToLowerInvariant(), StringComparer.OrdinalIgnoreCase);
    string[] words = lines is [var first, ..] ? first.Split(' ') : ["", "", ""];
    bool isGood = words is [_, ['/', ..], "HTTP/1.1" or "HTTP/1.0"] && headers["Host"].Count() == (words[2] == "HTTP/1.1" || headers.Contains("Host") ? 1 : 0);
    bool keep = isGood && !headers.Contains("Transfer-Encoding") && headers["Content-Length"].All(value => value == "0")
        && (words[2] == "HTTP/1.1" ? !headers["Connection"].Contains("close") : headers["Connection"].Contains("keep-alive"));
    (string status, SafeFileHandle? file, long length) = !isGood ? ("400 Bad Request", null, 0)
        : words[0] is "GET" or "HEAD" ? Open(Uri.UnescapeDataString(words[1].Split('?')[0])) : ("405 Method Not Allowed\r\nAllow: GET, HEAD", null, 0L);
    using SafeFileHandle? owned = file;
    using IMemoryOwner<byte> buffer = MemoryPool<byte>.Shared.Rent(128 * 1024);
    int filled = Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: {(keep ? "keep-alive" : "close")}\r\n\r\n", buffer.Memory.Span);
    long left = words[0] == "GET" ? length : 0;
    do // The head leaves with the first part. The file may have grown or shrunk since its length was announced.
    {
        int read = left == 0 ? 0 : (int)Math.Min(left, await RandomAccess.ReadAsync(file!, buffer.Memory[filled..], length - left, stop.Token));
        await stream.WriteAsync(buffer.Memory[..(filled + read)], stop.Token); // All of it.
        (left, filled) = read > 0 || left == 0 ? (left - read, 0) : throw new EndOfStreamException();
    }
    while (left > 0);
    return keep;
}

(string Status, SafeFileHandle? File, long Length) Open(string path)
{
    if (path.Contains('\0') || path.Split('/').Contains(".."))
        return ("403 Forbidden", null, 0);
    try
    {
        path = folder + path.TrimStart('/') + (path.EndsWith('/') ? "index.html" : "");
        if (!File.Exists(path))
            return ("404 Not Found", null, 0);
        SafeFileHandle file = File.OpenHandle(path, options: FileOptions.Asynchronous | FileOptions.SequentialScan); // Blocks: there is no other. A FIFO would for ever.
        if (new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget!.StartsWith(folder, StringComparison.Ordinal)) // Of what is open.
            return ("200 OK", file, RandomAccess.GetLength(file));
        file.Dispose();
        return ("403 Forbidden", null, 0);
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        return (e is UnauthorizedAccessException ? "403 Forbidden" : "404 Not Found", null, 0);
    }
}

#:project ../src/RingCore
// Gets a page: dotnet run examples/http-client.cs http://HOST[:PORT]/PATH. Body to standard output, status line to standard error.
// It asks in HTTP/1.0, so that the body ends with the connection and comes without chunks. Exit code 1: not 200, or cut short.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RingCore;

if (args.Length != 1 || !Uri.TryCreate(args[0], UriKind.Absolute, out Uri? uri) || uri.Scheme != "http")
{
    Console.Error.WriteLine("usage: http-client http://HOST[:PORT]/PATH");
    return 2;
}

try
{
    return RingExecutor.Run(() => GetAsync(uri));
}
catch (Exception e) when (e is IOException or SocketException or TimeoutException or InvalidDataException or RingUnavailableException)
{
    Console.Error.WriteLine($"http-client: {e.Message}");
    return e is RingUnavailableException ? 3 : 1;
}

static async RingTask<int> GetAsync(Uri uri)
{
    IPAddress[] addresses = await Dns.GetHostAddressesAsync(uri.DnsSafeHost); // On the thread pool: DNS is not a kernel request.
    using RingConnection connection = await RingConnection.ConnectAsync(new IPEndPoint(addresses[0], uri.Port), timeout: TimeSpan.FromSeconds(10));
    await connection.WriteAsync(Encoding.ASCII.GetBytes($"GET {uri.PathAndQuery} HTTP/1.0\r\nHost: {uri.Authority}\r\n\r\n"));

    var buffer = new byte[64 * 1024];
    int filled = 0, read = 1, head = -1;
    while (head < 0 && read > 0 && filled < buffer.Length)
    {
        filled += read = await connection.ReadAsync(buffer.AsMemory(filled));
        head = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
    }

    if (head < 0 || !buffer.AsSpan().StartsWith("HTTP/1."u8))
        throw new InvalidDataException("the answer is not HTTP");
    string[] lines = Encoding.Latin1.GetString(buffer, 0, head).Split("\r\n");
    Console.Error.WriteLine(lines[0]);
    string? length = lines.FirstOrDefault(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
    long expected = length is null ? -1 : long.Parse(length.AsSpan(15), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture), got = 0;

    RingPipe output = RingPipe.StandardOutput();
    for (Memory<byte> body = buffer.AsMemory((head + 4)..filled); ; body = buffer.AsMemory(0, read))
    {
        await output.WriteAsync(body);
        got += body.Length;
        if (got == expected || (read = await connection.ReadAsync(buffer)) == 0)
            break;
    }

    if (expected >= 0 && got != expected)
        throw new InvalidDataException($"{got} bytes came, {expected} were promised");
    return lines[0].Split(' ') is [_, "200", ..] ? 0 : 1;
}

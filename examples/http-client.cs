#:project ../src/RingCore
// Fetches one page: dotnet run examples/http-client.cs HOST[:PORT] [PATH]. The name is resolved by the base library, because DNS is no
// kernel request; everything after it is. Headers go to standard error, the body to standard output.

using System.Net;
using System.Net.Sockets;
using System.Text;
using RingCore;

string[] target = args.Length is 1 or 2 ? args[0].Split(':') : [];
ushort port = 80;
if (target.Length is not (1 or 2) || (target.Length == 2 && !ushort.TryParse(target[1], out port)))
{
    Console.Error.WriteLine("usage: http-client HOST[:PORT] [PATH]");
    return 2;
}

try
{
    IPAddress[] addresses = await Dns.GetHostAddressesAsync(target[0]);
    using Stream output = Console.OpenStandardOutput();
    return RingExecutor.Run(async () =>
    {
        using RingConnection connection = await RingConnection.ConnectAsync(new IPEndPoint(addresses[0], port), TimeSpan.FromSeconds(5));
        string request = $"GET {(args.Length > 1 ? args[1] : "/")} HTTP/1.1\r\nHost: {args[0]}\r\nConnection: close\r\n\r\n";
        await connection.WriteAsync(Encoding.ASCII.GetBytes(request));

        var head = new List<byte>(); // Until the empty line; it may end in the middle of a read.
        int end = -1;
        while (await connection.ReadLeaseAsync() is { IsEnd: false } lease)
        {
            using (lease)
            {
                if (end >= 0)
                {
                    output.Write(lease.Span);
                    continue;
                }

                head.AddRange(lease.Span);
                end = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(head).IndexOf("\r\n\r\n"u8);
                if (end >= 0)
                    output.Write(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(head)[(end + 4)..]);
            }
        }

        string headers = Encoding.ASCII.GetString([.. head.Take(Math.Max(end, 0))]);
        Console.Error.WriteLine(headers);
        return headers.Split(' ') is ["HTTP/1.1" or "HTTP/1.0", ['2', ..], ..] ? 0 : 1; // No success, or no answer at all.
    });
}
catch (Exception e) when (e is SocketException or IOException or TimeoutException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is RingUnavailableException ? 3 : 1;
}

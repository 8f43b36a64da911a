// The .NET blocking column's HTTP server: a thread per connection.
// usage: http-blocking ADDRESS:PORT
using System.Net;
using System.Net.Sockets;
using System.Text;

byte[] keep = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!"u8.ToArray();
byte[] last = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, World!"u8.ToArray();

using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
listener.Bind(IPEndPoint.Parse(args.Length > 0 ? args[0] : "127.0.0.1:8080"));
listener.Listen(4096);
while (true)
{
    Socket connection = listener.Accept();
    new Thread(() => Serve(connection), maxStackSize: 128 * 1024) { IsBackground = true }.Start();
}

void Serve(Socket connection)
{
    using Socket owned = connection;
    try
    {
        connection.NoDelay = true;
        Span<byte> buffer = stackalloc byte[4096];
        int length = 0, received;
        while ((received = connection.Receive(buffer[length..])) > 0)   // 0 also when a request is too long for the buffer
        {
            length += received;
            int end;
            while ((end = buffer[..length].IndexOf("\r\n\r\n"u8)) >= 0)
            {
                bool closing = AsksToClose(buffer[..end]);
                connection.Send(closing ? last : keep);
                if (closing)
                {
                    return;
                }

                buffer[(end + 4)..length].CopyTo(buffer);
                length -= end + 4;
            }
        }
    }
    catch (SocketException)
    {
        // The peer went away; its connection closes here and the others go on.
    }
}

static bool AsksToClose(ReadOnlySpan<byte> head)
{
    ReadOnlySpan<byte> name = "Connection: close"u8;
    foreach (Range line in head.Split((byte)'\n'))
    {
        if (head[line] is { Length: >= 17 } text && Ascii.EqualsIgnoreCase(text[..name.Length], name))
        {
            return true;
        }
    }

    return false;
}

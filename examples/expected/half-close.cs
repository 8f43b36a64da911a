// Both ends of the half-closed connections that proxy.sh sends through a proxy: without an argument the far end, which serves until
// it is killed, with a port the near one. On 'a' the near end sends all and ends its sending side before there is an answer; on 'b'
// the far end does. Each says what it has received.

using System.Net;
using System.Net.Sockets;

byte[] data = new byte[10 << 20];
new Random(1).NextBytes(data); // The same on both sides.

if (args is [string port])
{
    foreach (char way in "ab")
        Talk(Connect(int.Parse(port), way), speaksFirst: way == 'a', "near");
    return;
}

var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
Console.WriteLine($"listening on {listener.LocalEndpoint}");
while (true)
{
    var stream = new NetworkStream(listener.AcceptSocket(), ownsSocket: true);
    Talk(stream, speaksFirst: stream.ReadByte() == 'b', "far");
}

static NetworkStream Connect(int port, char way)
{
    var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
    socket.Connect(IPAddress.Loopback, port);
    socket.Send([(byte)way]);
    return new NetworkStream(socket, ownsSocket: true);
}

void Talk(NetworkStream stream, bool speaksFirst, string who)
{
    if (speaksFirst)
        SendAllAndEnd();
    using var received = new MemoryStream();
    stream.CopyTo(received);
    bool same = received.ToArray().AsSpan().SequenceEqual(data);
    Console.WriteLine($"{who} end, which ends {(speaksFirst ? "first" : "last")}, received {received.Length} bytes: {(same ? "the same" : "NOT THE SAME")}");
    if (!speaksFirst)
        SendAllAndEnd();
    stream.Dispose();

    void SendAllAndEnd()
    {
        stream.Write(data);
        stream.Socket.Shutdown(SocketShutdown.Send);
    }
}

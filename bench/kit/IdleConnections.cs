using System.Net;
using System.Net.Sockets;

namespace RingCore.Bench;

/// <summary>
/// What one idle connection costs a server in memory: the difference between 1,000 and 10,000 of them. The server counts its own bytes:
/// started as <c>ADDRESS:PORT 1000 10000</c> it prints, each time that many connections are open and waiting,
/// <c>connections N managed BYTES native BYTES</c> (managed after a full collection).
/// </summary>
public static class IdleConnections
{
    private const int Few = 1_000;
    private const int Many = 10_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public sealed record Memory(int Connections, long Managed, long Native);

    public sealed record Cost(Memory Few, Memory Many)
    {
        public double ManagedEach => Each(Many.Managed - Few.Managed);

        public double NativeEach => Each(Many.Native - Few.Native);

        private double Each(long bytes) => (double)bytes / (Many.Connections - Few.Connections);
    }

    public static string Describe(Cost cost) => $"from {cost.Few.Connections} to {cost.Many.Connections} idle connections, bytes each: "
        + $"{cost.ManagedEach:F0} managed + {cost.NativeEach:F0} native = {cost.ManagedEach + cost.NativeEach:F0}";

    public static async Task<Cost> MeasureAsync(string[] command)
    {
        await using Server server = await Server.StartAsync(port => [.. command, $"127.0.0.1:{port}", $"{Few}", $"{Many}"]);
        var connections = new List<Socket>(Many);
        try
        {
            await OpenAsync(connections, Few, server.Port);
            Memory few = await ReadMemoryAsync(server, Few);
            await OpenAsync(connections, Many, server.Port);
            return new Cost(few, await ReadMemoryAsync(server, Many));
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    private static async Task OpenAsync(List<Socket> connections, int count, int port)
    {
        while (connections.Count < count)
        {
            var connection = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            connections.Add(connection);
            await connection.ConnectAsync(IPAddress.Loopback, port);
        }
    }

    private static async Task<Memory> ReadMemoryAsync(Server server, int connections)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await foreach (string line in server.Lines.ReadAllAsync(patience.Token))
            {
                if (line.Split(' ') is ["connections", var count, "managed", var managed, "native", var native] && int.Parse(count) == connections)
                {
                    return new Memory(connections, long.Parse(managed), long.Parse(native));
                }
            }
        }
        catch (OperationCanceledException)
        {
        }

        throw new BenchException($"The server did not print `connections {connections} managed BYTES native BYTES`.");
    }
}

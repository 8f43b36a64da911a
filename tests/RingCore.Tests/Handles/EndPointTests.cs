// Tests: Handles. Addresses: IPv4, IPv6, dual mode with IPv4-mapped peers, Unix paths and abstract names; what is bound, what
// each side sees, what is left in the file system. On the real kernel.

using System.Net;
using System.Net.Sockets;

namespace RingCore.Tests.Handles;

public sealed class EndPointTests : LiveTest
{
    private static void RequireIPv6()
    {
        if (!Socket.OSSupportsIPv6)
            Assert.Skip("no IPv6 here");
    }

    private static async RingTask<(RingConnection Client, RingConnection Server)> Meet(RingListener listener, EndPoint address)
    {
        RingTask<RingConnection> accepting = RingExecutor.Spawn(() => listener.AcceptAsync());
        RingConnection client = await RingConnection.ConnectAsync(address);
        RingConnection server = await accepting;
        await client.WriteAsync("ping"u8.ToArray());
        byte[] got = new byte[4];
        await server.ReadExactlyAsync(got);
        Assert.Equal("ping"u8.ToArray(), got);
        return (client, server);
    }

    [Theory, MemberData(nameof(Modes))]
    public void IPv4_PortZeroIsResolved_AndBothSidesSeeTheSamePair(string mode) => Run(mode, async () =>
    {
        await using RingListener listener = RingListener.Bind(Loopback);
        var bound = Assert.IsType<IPEndPoint>(listener.LocalEndPoint);
        Assert.Equal(IPAddress.Loopback, bound.Address);
        Assert.NotEqual(0, bound.Port);
        (RingConnection client, RingConnection server) = await Meet(listener, bound);
        Assert.Equal(bound, client.RemoteEndPoint);
        Assert.Equal(bound, server.LocalEndPoint);
        Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
        Assert.True(client.Options.NoDelay && server.Options.NoDelay);
        (client, server).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void IPv6_Alone(string mode)
    {
        RequireIPv6();
        Run(mode, async () =>
        {
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            (RingConnection client, RingConnection server) = await Meet(listener, listener.LocalEndPoint);
            Assert.Equal(IPAddress.IPv6Loopback, ((IPEndPoint)server.RemoteEndPoint!).Address);
            Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
            (client, server).Dispose();
        });
    }

    [Theory, MemberData(nameof(Modes))]
    public void DualMode_TakesIPv6AndIPv4Peers_TheLatterMapped(string mode)
    {
        RequireIPv6();
        Run(mode, async () =>
        {
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
            int port = ((IPEndPoint)listener.LocalEndPoint).Port;
            (RingConnection client, RingConnection server) = await Meet(listener, new IPEndPoint(IPAddress.IPv6Loopback, port));
            Assert.Equal(IPAddress.IPv6Loopback, ((IPEndPoint)server.RemoteEndPoint!).Address);
            (client, server).Dispose();
            (client, server) = await Meet(listener, new IPEndPoint(IPAddress.Loopback, port));
            IPAddress peer = ((IPEndPoint)server.RemoteEndPoint!).Address;
            Assert.True(peer.IsIPv4MappedToIPv6);
            Assert.Equal(IPAddress.Loopback, peer.MapToIPv4());
            Assert.Equal(AddressFamily.InterNetwork, client.LocalEndPoint!.AddressFamily);
            (client, server).Dispose();
        });
    }

    [Theory, MemberData(nameof(Modes))]
    public void UnixPath_ExistsWhileBound_AndIsRemovedAtDisposal(string mode) => Run(mode, async () =>
    {
        string path = Path.Combine(Path.GetTempPath(), $"ringcore-{Path.GetRandomFileName()}.sock");
        for (int i = 0; i < 2; i++) // Twice: the path is free again.
        {
            RingListener listener = RingListener.Bind(new UnixDomainSocketEndPoint(path));
            Assert.True(File.Exists(path));
            (RingConnection client, RingConnection server) = await Meet(listener, new UnixDomainSocketEndPoint(path));
            Assert.Equal(path, server.LocalEndPoint!.ToString());
            Assert.NotNull(client.LocalEndPoint); // Unnamed.
            Assert.Throws<SocketException>(() => RingListener.Bind(new UnixDomainSocketEndPoint(path)));
            Assert.True(File.Exists(path)); // The failed bind did not take it away.
            RingTask pending = RingExecutor.Spawn(async () => (await listener.AcceptAsync()).Dispose());
            await listener.DisposeAsync();
            Assert.False(File.Exists(path));
            await Throws<ObjectDisposedException>(async () => await pending);
            (client, server).Dispose();
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void UnixPathRemovedByOthers_IsNoErrorAtDisposal(string mode) => Run(mode, async () =>
    {
        string path = Path.Combine(Path.GetTempPath(), $"ringcore-{Path.GetRandomFileName()}.sock");
        RingListener listener = RingListener.Bind(new UnixDomainSocketEndPoint(path));
        File.Delete(path);
        (RingConnection a, RingConnection b) = UnixPair();
        await Throws<SocketException>(async () => await RingConnection.ConnectAsync(new UnixDomainSocketEndPoint(path)));
        await listener.DisposeAsync();

        // Nor where its directory has gone.
        string folder = Directory.CreateTempSubdirectory("ringcore-").FullName;
        listener = RingListener.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "s")));
        Directory.Delete(folder, recursive: true);
        await listener.DisposeAsync();
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void UnixPathThatASuccessorHasTaken_Stays_AndIsTheSuccessors(string mode) => Run(mode, async () =>
    {
        string path = Path.Combine(Path.GetTempPath(), $"ringcore-{Path.GetRandomFileName()}.sock");
        var address = new UnixDomainSocketEndPoint(path);
        RingListener old = RingListener.Bind(address);
        File.Delete(path); // As a server does that takes over, while the old one still serves.
        RingListener successor = RingListener.Bind(address);
        await old.DisposeAsync();
        (RingConnection client, RingConnection server) = await Meet(successor, address);
        (client, server).Dispose();
        await successor.DisposeAsync();
        Assert.False(File.Exists(path));

        RingListener replaced = RingListener.Bind(address);
        File.Delete(path);
        await File.WriteAllTextAsync(path, "no socket");
        await replaced.DisposeAsync();
        Assert.True(File.Exists(path));
        File.Delete(path);
    });

    [Theory, MemberData(nameof(Modes))]
    public void UnixPathThatBeginsWithAnAt_IsAPath_AndIsRemovedFromTheDirectoryItWasGivenIn(string mode) => Run(mode, async () =>
    {
        string folder = Directory.CreateTempSubdirectory("ringcore-").FullName, before = Environment.CurrentDirectory;
        try
        {
            Environment.CurrentDirectory = folder;
            var address = new UnixDomainSocketEndPoint("@service");
            RingListener listener = RingListener.Bind(address);
            Assert.True(File.Exists(Path.Combine(folder, "@service")));
            (RingConnection client, RingConnection server) = await Meet(listener, address);
            (client, server).Dispose();
            Environment.CurrentDirectory = before;
            await listener.DisposeAsync();
            Assert.Empty(Directory.GetFileSystemEntries(folder));
        }
        finally
        {
            Environment.CurrentDirectory = before;
            Directory.Delete(folder, recursive: true);
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void AbstractUnixName_LeavesNoFile(string mode) => Run(mode, async () =>
    {
        var address = new UnixDomainSocketEndPoint($"\0ringcore-{Path.GetRandomFileName()}");
        RingListener listener = RingListener.Bind(address);
        (RingConnection client, RingConnection server) = await Meet(listener, address);
        (client, server).Dispose();
        await listener.DisposeAsync();
        SocketException e = await Throws<SocketException>(async () => await RingConnection.ConnectAsync(address));
        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
        listener = RingListener.Bind(address);
        await listener.DisposeAsync();
    });

    [Theory, MemberData(nameof(Modes))]
    public void EndPointOfAnotherKind_IsRefusedWithASentence(string mode) => Run(mode, async () =>
    {
        var name = new DnsEndPoint("localhost", 1);
        Assert.Contains("resolve names first", Assert.Throws<NotSupportedException>(() => RingListener.Bind(name)).Message, StringComparison.Ordinal);
        await Throws<NotSupportedException>(async () => await RingConnection.ConnectAsync(name));
        Assert.Throws<ArgumentOutOfRangeException>(() => RingListener.Bind(Loopback, backlog: 0));
    });

    [Theory, MemberData(nameof(Modes))]
    public void Options_RoundTrip(string mode) => Run(mode, async () =>
    {
        // Conformance C4 36.
        (RingConnection client, RingConnection server) = await TcpPair();
        SocketOptions options = client.Options;
        Assert.True(options.NoDelay);
        options.NoDelay = false;
        options.KeepAlive = true;
        options.ResetOnClose = true;
        options.SendBufferSize = 20_000;
        options.ReceiveBufferSize = 30_000;
        options = client.Options;
        Assert.False(options.NoDelay);
        Assert.True(options.KeepAlive);
        Assert.True(options.ResetOnClose);
        Assert.Equal(40_000, options.SendBufferSize);
        Assert.Equal(60_000, options.ReceiveBufferSize);
        options.ResetOnClose = false;
        Assert.False(client.Options.ResetOnClose);
        (RingConnection a, RingConnection b) = UnixPair();
        Assert.Throws<SocketException>(() => a.Options.NoDelay); // A TCP option.
        (a, b).Dispose();
        (client, server).Dispose();
    });
}

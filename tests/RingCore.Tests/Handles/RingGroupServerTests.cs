// Tests: Handles. Serving on a group: both placements, how even they are, and what happens to connections when a handler, an accept
// loop or a whole executor drops out: the others go on and no fd is left open.

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using RingCore.Sys;

namespace RingCore.Tests.Handles;

public sealed class RingGroupServerTests : LiveTest
{
    private readonly ConcurrentDictionary<string, int> _served = new();

    public static TheoryData<RingPlacement> Placements => [RingPlacement.ListenerEach, RingPlacement.Acceptor];

    private async RingTask Echo(RingConnection connection)
    {
        _served.AddOrUpdate(RingExecutor.Current!.Name, 1, (_, count) => count + 1);
        byte[] buffer = new byte[256];
        try
        {
            while (await connection.ReadAsync(buffer) is var count and > 0)
                await connection.WriteAsync(buffer.AsMemory(0, count));
        }
        catch (SocketException)
        {
            // The client resets on purpose.
        }
    }

    /// <summary>A group that serves; disposing it stops accepting first, then the group, and finds nothing left.</summary>
    private sealed class Serving : IAsyncDisposable
    {
        private readonly List<string> _before = Descriptors();
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource<EndPoint> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Serving(int count, Func<RingConnection, RingTask> handler, RingPlacement placement, string name = "group", RingOptions? options = null)
        {
            RequireIoUring();
            Group = RingExecutorGroup.Start(count, (options ?? new RingOptions()) with { Name = name });
            Done = Group.ServeAsync(new IPEndPoint(IPAddress.Loopback, 0), handler, placement, _listening.SetResult, _stop.Token);
        }

        internal RingExecutorGroup Group { get; }

        internal Task Done { get; }

        internal Task<EndPoint> Address => Live.Bounded(_listening.Task);

        internal Task StopAccepting()
        {
            _stop.Cancel();
            return Live.Bounded(Done);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAccepting();
            await Live.Bounded(Group.DisposeAsync().AsTask());
            foreach (RingExecutor executor in Group.Executors)
                Assert.Equal((0, 0), (executor.Driver.Outstanding, (int)executor.Counters.StaleCqes));
            AssertDescriptors(_before);
            _stop.Dispose();
        }
    }

    private static async Task AskAsync(Socket client, byte what)
    {
        byte[] answer = new byte[1];
        await client.SendAsync(new byte[] { what });
        Assert.Equal(1, await Live.Bounded(client.ReceiveAsync(answer)));
        Assert.Equal(what, answer[0]);
    }

    [Theory, MemberData(nameof(Placements))]
    public async Task EveryExecutorServes(RingPlacement placement)
    {
        await using var serving = new Serving(3, Echo, placement);
        EndPoint address = await serving.Address;
        var clients = new List<Socket>();
        for (int i = 0; i < 90; i++)
        {
            clients.Add(StockClient(address));
            await AskAsync(clients[i], (byte)i);
        }

        Assert.Equal(3, _served.Count);
        Assert.Equal(90, _served.Values.Sum());
        if (placement == RingPlacement.Acceptor)
            Assert.All(_served.Values, count => Assert.Equal(30, count));
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Acceptor_FillsUpTheExecutorWithTheFewest()
    {
        await using var serving = new Serving(2, Echo, RingPlacement.Acceptor);
        EndPoint address = await serving.Address;
        var clients = new List<Socket>();
        for (int i = 0; i < 8; i++)
        {
            clients.Add(StockClient(address));
            await AskAsync(clients[i], 1);
        }

        string first = _served.Keys.Min()!;
        Assert.Equal([4, 4], _served.Values);
        for (int i = 0; i < 8; i += 2)
            clients[i].Dispose(); // All on one executor: they were dealt out in turn.
        await Task.Delay(200);
        _served.Clear();
        for (int i = 0; i < 4; i++)
        {
            clients.Add(StockClient(address));
            await AskAsync(clients[^1], 2);
        }

        Assert.Equal(4, Assert.Single(_served).Value);
        clients.ForEach(client => client.Dispose());
    }

    [Theory, MemberData(nameof(Placements))]
    public async Task ThousandConnections_AreAllServed_AndAllClosed(RingPlacement placement)
    {
        await using var serving = new Serving(2, Echo, placement);
        EndPoint address = await serving.Address;
        for (int i = 0; i < 1000; i++)
        {
            using Socket client = StockClient(address);
            await AskAsync(client, (byte)i);
            client.LingerState = new LingerOption(true, 0); // A reset is an end too, and leaves no TIME_WAIT behind.
        }

        Assert.Equal(1000, _served.Values.Sum());
    }

    [Theory, MemberData(nameof(Placements))]
    public async Task HandlerThatFails_IsReported_AndTheOthersGoOn(RingPlacement placement)
    {
        string name = $"failing-{placement}";
        var faults = new ConcurrentQueue<string>();
        void Collect(object? sender, UnobservedFaultEventArgs e)
        {
            if (e.Executor.Name.StartsWith(name, StringComparison.Ordinal))
                faults.Enqueue(e.Exception.Message);
        }

        RingExecutor.UnobservedFault += Collect;
        try
        {
            await using (var serving = new Serving(2, async connection =>
            {
                byte[] buffer = new byte[1];
                await connection.ReadAsync(buffer);
                if (buffer[0] == 13)
                    throw new InvalidDataException("thirteen");
                await connection.WriteAsync(buffer);
            }, placement, name))
            {
                EndPoint address = await serving.Address;
                for (byte i = 0; i < 20; i++)
                {
                    using Socket client = StockClient(address);
                    if (i != 13)
                    {
                        await AskAsync(client, i);
                        continue;
                    }

                    await client.SendAsync(new byte[] { 13 });
                    Assert.Equal(0, await Live.Bounded(client.ReceiveAsync(new byte[1]))); // Its connection was closed.
                }
            }
        }
        finally
        {
            RingExecutor.UnobservedFault -= Collect;
        }

        Assert.Equal("thirteen", Assert.Single(faults));
    }

    [Fact]
    public async Task AcceptLoopThatFails_IsReported_AndItsPartnerServesAll()
    {
        var faults = new ConcurrentQueue<Exception>();
        void Collect(object? sender, UnobservedFaultEventArgs e)
        {
            if (e.Executor.Name.StartsWith("half", StringComparison.Ordinal))
                faults.Enqueue(e.Exception);
        }

        RingExecutor.UnobservedFault += Collect;
        try
        {
            await using var serving = new Serving(2, Echo, RingPlacement.ListenerEach, "half");
            EndPoint address = await serving.Address;
            await BreakListener(serving.Group.Executors[0]);
            while (faults.IsEmpty)
                await Task.Delay(5, TestContext.Current.CancellationToken);
            await Task.Delay(50, TestContext.Current.CancellationToken);
            for (int i = 0; i < 20; i++)
            {
                using Socket client = StockClient(address);
                await AskAsync(client, (byte)i);
            }

            Assert.Equal(20, _served["half-1"]);
            Assert.False(serving.Done.IsCompleted);
        }
        finally
        {
            RingExecutor.UnobservedFault -= Collect;
        }

        Assert.IsType<SocketException>(Assert.Single(faults));
    }

    /// <summary>accept(2) on a listener that was shut down is EINVAL: nothing a retry could help.</summary>
    private static Task BreakListener(RingExecutor executor) => Live.Bounded(executor.InvokeAsync(async () =>
    {
        await Until(() => executor.InFlight().Any(op => op.Opcode == io_uring_op.IORING_OP_ACCEPT));
        Assert.Equal(0, Libc.shutdown(executor.InFlight().Single(op => op.Opcode == io_uring_op.IORING_OP_ACCEPT).Fd, SocketConstants.SHUT_RDWR));
    }));

    [Fact]
    public async Task LastAcceptLoopThatFails_EndsTheServing()
    {
        RequireIoUring();
        void Ignore(object? sender, UnobservedFaultEventArgs e)
        {
        }

        List<string> before = Descriptors();
        RingExecutor.UnobservedFault += Ignore;
        try
        {
            await using RingExecutorGroup group = RingExecutorGroup.Start(2);
            Task done = group.ServeAsync(Loopback, Echo, RingPlacement.Acceptor);
            await BreakListener(group.Executors[0]);
            await Assert.ThrowsAsync<SocketException>(() => Live.Bounded(done));
        }
        finally
        {
            RingExecutor.UnobservedFault -= Ignore;
        }

        AssertDescriptors(before);
    }

    [Fact]
    public async Task ExecutorThatStops_ItsConnectionsAreClosed_AndTheAcceptorPassesItBy()
    {
        await using var serving = new Serving(3, Echo, RingPlacement.Acceptor);
        EndPoint address = await serving.Address;
        for (int round = 0; round < 2; round++)
        {
            // Connections keep coming while it stops: each is served by another, or closed, and none is left open.
            using var stop = new CancellationTokenSource();
            Task<int> load = LoadAsync(address, stop.Token);
            await Task.Delay(100);
            await Live.Bounded(serving.Group.Executors[2 - round].DisposeAsync().AsTask());
            await Task.Delay(100);
            await stop.CancelAsync();
            Assert.True(await Live.Bounded(load) > 0);
        }

        _served.Clear();
        using Socket client = StockClient(address);
        await AskAsync(client, 7);
        Assert.Equal("group-0", Assert.Single(_served).Key);
    }

    /// <summary>One connection after the other; a peer that goes away in between is no error here.</summary>
    private static async Task<int> LoadAsync(EndPoint address, CancellationToken stop)
    {
        int answered = 0;
        while (!stop.IsCancellationRequested)
        {
            using Socket client = StockClient(address);
            try
            {
                await client.SendAsync(new byte[] { 1 });
                answered += await client.ReceiveAsync(new byte[1]);
            }
            catch (SocketException)
            {
                continue;
            }
        }

        return answered;
    }

    /// <summary>Its listener would go on getting its share of the connections.</summary>
    [Fact]
    public async Task ExecutorThatStopsBeforeItAccepts_ItsListenerIsClosed_AndItsPartnerServesAll()
    {
        RequireIoUring();
        using var stop = new CancellationTokenSource();
        await using RingExecutorGroup group = RingExecutorGroup.Start(2);
        var listening = new TaskCompletionSource<EndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task done = group.ServeAsync(new IPEndPoint(IPAddress.Loopback, 0), Echo, RingPlacement.ListenerEach, endPoint =>
        {
            group.Executors[1].DisposeAsync().AsTask().Wait();
            listening.SetResult(endPoint);
        }, stop.Token);
        EndPoint address = await Live.Bounded(listening.Task);
        await Task.Delay(100);
        for (int i = 0; i < 20; i++)
        {
            using Socket client = StockClient(address);
            await AskAsync(client, (byte)i);
        }

        stop.Cancel();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Live.Bounded(done));
    }

    [Theory, MemberData(nameof(Placements))]
    public async Task AfterTheToken_ConnectionsGoOn_AndThePortIsFree(RingPlacement placement)
    {
        await using var serving = new Serving(2, Echo, placement);
        EndPoint address = await serving.Address;
        using Socket client = StockClient(address);
        await AskAsync(client, 1);
        await serving.StopAccepting();
        await AskAsync(client, 2);
        using var again = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        again.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        again.Bind(address);
        again.Listen();
    }

    [Theory, MemberData(nameof(Placements))]
    public async Task PortInUse_FailsTheTask_AndLeavesNothing(RingPlacement placement)
    {
        RequireIoUring();
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(Loopback);
        other.Listen();
        List<string> before = Descriptors();
        await using (RingExecutorGroup group = RingExecutorGroup.Start(2))
        {
            SocketException e = await Assert.ThrowsAsync<SocketException>(() => Live.Bounded(group.ServeAsync(other.LocalEndPoint!, Echo, placement)));
            Assert.Equal(SocketError.AddressAlreadyInUse, e.SocketErrorCode);
        }

        AssertDescriptors(before);
    }

    [Fact]
    public async Task UnixPath_NeedsAnAcceptor()
    {
        RequireIoUring();
        var path = new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), $"ringcore-group-{Environment.ProcessId}"));
        await using RingExecutorGroup group = RingExecutorGroup.Start(2);
        Assert.Throws<ArgumentException>(() => { _ = group.ServeAsync(path, Echo); });
        using var stop = new CancellationTokenSource();
        var listening = new TaskCompletionSource();
        Task done = group.ServeAsync(path, Echo, RingPlacement.Acceptor, _ => listening.SetResult(), stop.Token);
        await Live.Bounded(listening.Task);
        for (int i = 0; i < 4; i++)
        {
            using Socket client = StockClient(path);
            await AskAsync(client, 1);
        }

        Assert.Equal(4, _served.Values.Sum());
        await stop.CancelAsync();
        await Live.Bounded(done);
        Assert.False(File.Exists(path.ToString()));
    }

    [Fact]
    public async Task GroupDisposedWhileServing_EndsTheServingToo()
    {
        RequireIoUring();
        List<string> before = Descriptors();
        foreach (RingPlacement placement in Placements)
        {
            RingExecutorGroup group = RingExecutorGroup.Start(2);
            var listening = new TaskCompletionSource<EndPoint>();
            Task done = group.ServeAsync(Loopback, Echo, placement, listening.SetResult);
            using Socket client = StockClient(await Live.Bounded(listening.Task));
            await AskAsync(client, 1);
            await Live.Bounded(group.DisposeAsync().AsTask());
            await Live.Bounded(done);
            Assert.Equal(0, await Live.Bounded(client.ReceiveAsync(new byte[1])));
        }

        AssertDescriptors(before);
    }

    [Fact]
    public async Task AsLinux510_BothPlacementsServe()
    {
        foreach (RingPlacement placement in Placements)
        {
            await using var serving = new Serving(2, Echo, placement, options: Options(TinyLinux510));
            EndPoint address = await serving.Address;
            for (int i = 0; i < 20; i++)
            {
                using Socket client = StockClient(address);
                await AskAsync(client, (byte)i);
            }
        }

        Assert.Equal(40, _served.Values.Sum());
    }
}

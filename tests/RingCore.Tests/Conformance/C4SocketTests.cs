// Tests: conformance group C4, accept, connect, sockets and pipes, on the real kernel. 29 and 37 are in HandlerTests and
// ExactnessTests, 35 in BadPeerTests, 36 in EndPointTests too.

using System.Net;
using System.Net.Sockets;
using RingCore.Sys;
using RingCore.Tests.Handles;

namespace RingCore.Tests.Conformance;

public sealed class C4SocketTests : LiveTest
{
    [Theory, MemberData(nameof(AllModes))] // 31, 33
    public void ConnectionsQueuedBeforeAccept_AreAllAccepted_WithTheirPeers(string mode) => Run(mode, async () =>
    {
        await using RingListener listener = RingListener.Bind(Loopback);
        var clients = new List<RingConnection>();
        for (int i = 0; i < 20; i++)
            clients.Add(await RingConnection.ConnectAsync(listener.LocalEndPoint));
        var peers = new HashSet<string>();
        for (int i = 0; i < 20; i++)
        {
            using RingConnection server = await listener.AcceptAsync();
            peers.Add(server.RemoteEndPoint!.ToString()!);
        }

        Assert.Equal(clients.Select(client => client.LocalEndPoint!.ToString()!).Order(), peers.Order());
        clients.ForEach(client => client.Dispose());
    });

    [Theory, MemberData(nameof(AllModes))] // 32
    public void ThousandsOfConnectsFromSeveralThreads_AreAcceptedOnceEach(string mode) => Run(mode, async () =>
    {
        const int threads = 4;
        const int each = 500;
        await using RingListener listener = RingListener.Bind(Loopback, backlog: 4096);
        var seen = new HashSet<int>();
        int duplicates = 0;
        RingTask accepting = RingExecutor.Spawn(async () =>
        {
            await foreach (RingConnection connection in listener.AcceptAllAsync())
            {
                _ = RingExecutor.Spawn(async () =>
                {
                    using (connection)
                    {
                        byte[] number = new byte[4];
                        await connection.ReadExactlyAsync(number);
                        if (!seen.Add(BitConverter.ToInt32(number)))
                            duplicates++;
                    }
                });
                if (seen.Count == threads * each)
                    break;
            }
        });
        EndPoint address = listener.LocalEndPoint;
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < each; i++)
            {
                using Socket socket = StockClient(address);
                socket.Send(BitConverter.GetBytes(thread * each + i));
            }
        })));
        await Until(() => seen.Count == threads * each);
        Assert.Equal(0, duplicates);
        await listener.DisposeAsync();
        await accepting;
    }, seconds: 60);

    [Theory, MemberData(nameof(AllModes))] // 34
    public void AcceptWithADeadline_TimesOut_OrDelivers(string mode) => Run(mode, async () =>
    {
        await using RingListener listener = RingListener.Bind(Loopback);
        Op accept = Op.Accept(listener).WithTimeout(TimeSpan.FromMilliseconds(10));
        Assert.Equal(-Errno.ETIME, (await accept).Res);
        Assert.Equal(-Errno.ETIME, (await accept).Res); // The description can be used again.
        using RingConnection client = await RingConnection.ConnectAsync(listener.LocalEndPoint);
        OpResult accepted = await Op.Accept(listener).WithTimeout(TimeSpan.FromSeconds(20));
        Assert.True(accepted.IsSuccess, accepted.ToString());
        using RingConnection server = RingConnection.Adopt(accepted.Res);
        await client.WriteAsync("x"u8.ToArray());
        Assert.Equal(1, await server.ReadAsync(new byte[1]));
    });

    [Theory, MemberData(nameof(Modes))] // 36
    public void WholeSetUpThroughOps_Works(string mode) => Run(mode, async () =>
    {
        await using RingListener listener = RingListener.Bind(Loopback);
        OpResult socket = await Op.Socket(SocketConstants.AF_INET, SocketConstants.SOCK_STREAM);
        Assert.True(socket.IsSuccess, socket.ToString());
        RingHandle handle = RingHandle.Adopt(socket.Res, ownsFd: true);
        Assert.Equal(0, (await Op.Connect(handle, listener.LocalEndPoint)).Res);
        using RingConnection server = await listener.AcceptAsync();
        Assert.Equal(3, (await Op.Send(handle, new byte[3])).Res);
        Assert.Equal(3, await server.ReadAsync(new byte[10]));
        Assert.Equal(0, (await Op.Shutdown(handle, SocketConstants.SHUT_WR)).Res);
        Assert.Equal(0, await server.ReadAsync(new byte[10]));
        handle.Dispose();
        Assert.Equal(-Errno.EBADF, (await Op.Close(1 << 20)).Res);
        Assert.Equal(-Errno.EAFNOSUPPORT, (await Op.Socket(9999, SocketConstants.SOCK_STREAM)).Res);
    });

    [Theory, MemberData(nameof(AllModes))] // 38
    public void ReadAndWriteOps_WorkOnSockets_WithAnyOffset(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        foreach (long offset in new[] { -1L, 0L })
        {
            byte[] got = new byte[100];
            ValueTask<OpResult> read = Op.Read(b, got, offset).Start();
            Assert.Equal(5, (await Op.Write(a, "bytes"u8.ToArray(), offset)).Res);
            Assert.Equal(5, (await read).Res);
            Assert.Equal("bytes"u8.ToArray(), got[..5]);
            Assert.Equal(5, (await Op.Writev(a, ["by"u8.ToArray(), "tes"u8.ToArray()], offset)).Res);
            byte[] left = new byte[3];
            byte[] right = new byte[3];
            Assert.Equal(5, (await Op.Readv(b, [left, right], offset)).Res);
            Assert.Equal("bytes"u8.ToArray(), left.Concat(right[..2]).ToArray());
        }

        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 39
    public void EmptySocket_NoWaitSaysWouldBlock_AndReceivesWaitEvenIfNonblocking(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        Assert.Equal(-Errno.EAGAIN, (await Op.Recv(a, new byte[1], SocketConstants.MSG_DONTWAIT)).Res);
        Assert.Equal(0, Libc.fcntl(a.Fd, FileConstants.F_SETFL, FileConstants.O_RDWR | FileConstants.O_NONBLOCK));
        byte[] buffer = new byte[1];
        Func<RingTask<int>>[] waits =
        [
            async () => await a.ReadAsync(buffer),
            async () => { using ReadLease lease = await a.ReadLeaseAsync(); return lease.Length; },
            async () => (await Op.Recv(a, buffer)).Res,
        ];
        foreach (Func<RingTask<int>> wait in waits)
        {
            RingTask<int> reading = RingExecutor.Spawn(wait);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
            Assert.False(reading.IsCompleted, "it did not wait");
            await b.WriteAsync("x"u8.ToArray());
            Assert.Equal(1, await reading);
        }

        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 40
    public void Pipes_WaitForData_EndWithZero_AndBreakWithAnError(string mode) => Run(mode, async () =>
    {
        (RingHandle read, RingHandle write) = Pipe();
        byte[] got = new byte[10];
        ValueTask<OpResult> waiting = Op.Read(read, got).Start();
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(2));
        Assert.False(waiting.IsCompleted);
        Assert.Equal(3, (await Op.Write(write, "abc"u8.ToArray())).Res);
        Assert.Equal(3, (await waiting).Res);
        await write.DisposeAsync();
        Assert.Equal(0, (await Op.Read(read, got)).Res);
        await read.DisposeAsync();

        (read, write) = Pipe();
        await read.DisposeAsync();
        Assert.Equal(-Errno.EPIPE, (await Op.Write(write, "abc"u8.ToArray())).Res); // And the process lives: no SIGPIPE.
        write.Dispose();
    });
}

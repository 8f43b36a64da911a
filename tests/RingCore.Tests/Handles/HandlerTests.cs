// Tests: Handles. What goes wrong inside: handlers that throw or never return, the wrong thread, double awaits, dropped hot
// calls, disposal with operations in flight. Each is a clear error or continued service, with nothing leaked. Real kernel.

using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace RingCore.Tests.Handles;

public sealed class HandlerTests : LiveTest
{
    [Theory, MemberData(nameof(Modes))]
    public void HandlerThatThrows_IsReportedOnce_AndTheOthersGoOn(string mode)
    {
        var faults = new List<UnobservedFaultEventArgs>();
        void Collect(object? sender, UnobservedFaultEventArgs fault)
        {
            lock (faults)
                faults.Add(fault);
        }

        RingExecutor.UnobservedFault += Collect;
        try
        {
            Run(mode, async () =>
            {
                await using RingListener listener = RingListener.Bind(Loopback);
                RingTask serving = RingExecutor.Spawn(async () =>
                {
                    int number = 0;
                    await foreach (RingConnection connection in listener.AcceptAllAsync())
                        _ = RingExecutor.Spawn(() => Handle(connection, fail: number++ == 0));
                });
                using RingConnection first = await RingConnection.ConnectAsync(listener.LocalEndPoint);
                using RingConnection second = await RingConnection.ConnectAsync(listener.LocalEndPoint);
                await first.WriteAsync(new byte[1]);
                Assert.Empty(await ReadToEnd(first));
                await second.WriteAsync("still there"u8.ToArray());
                byte[] reply = new byte[11];
                await second.ReadExactlyAsync(reply);
                Assert.Equal("still there"u8.ToArray(), reply);
                await Until(() => faults.Count > 0); // A second's patience: somebody might still await it.
                second.Dispose();
                await listener.DisposeAsync();
                await serving;
            });
        }
        finally
        {
            RingExecutor.UnobservedFault -= Collect;
        }

        UnobservedFaultEventArgs only = Assert.Single(faults);
        Assert.Equal("a handler's bug", only.Exception.Message);
        Assert.Equal(nameof(Handle), only.TaskName);
    }

    private static async RingTask Handle(RingConnection connection, bool fail)
    {
        using (connection)
        {
            byte[] buffer = new byte[100];
            while (await connection.ReadAsync(buffer) is var count and > 0)
            {
                if (fail)
                    throw new FormatException("a handler's bug");
                await connection.WriteAsync(buffer.AsMemory(0, count));
            }
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public void HandlersThatNeverReturn_DoNotHoldUpShutdown(string mode)
    {
        RequireIoUring();
        List<string> before = Descriptors();
        RingExecutor executor = RingExecutor.Start(Options(mode) with { ShutdownTimeout = TimeSpan.FromMilliseconds(300) });
        int spins = 0;
        Wait(executor, executor.InvokeAsync(async () =>
        {
            (RingConnection a, RingConnection b) = UnixPair();
            _ = RingExecutor.Spawn(async () =>
            {
                using (a)
                    await new TaskCompletionSource().Task; // For ever.
            });
            _ = RingExecutor.Spawn(async () =>
            {
                byte[] buffer = new byte[10];
                while (true)
                {
                    try
                    {
                        await b.ReadAsync(buffer);
                    }
                    catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or InvalidOperationException)
                    {
                        spins++; // Reads on, whatever it is told.
                    }
                }
            });
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        }));
        Assert.True(executor.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(10)), "shutdown is not bounded");
        Assert.True(spins > 0);
        executor = null!;
        AssertDescriptors(before); // The two sockets were never disposed: their finalizers close them.
    }

    [Theory, MemberData(nameof(Modes))]
    public void UseFromAWrongThread_ThrowsASentence_AndDisposeHops(string mode) => Run(mode, async () =>
    {
        RingListener listener = RingListener.Bind(Loopback);
        (RingConnection a, RingConnection b) = UnixPair();
        byte[] buffer = new byte[1];
        Action[] wrong =
        [
            () => _ = a.ReadAsync(buffer),
            () => _ = a.ReadExactlyAsync(buffer),
            () => _ = a.ReadLeaseAsync(),
            () => _ = a.WriteAsync(buffer),
            () => a.SendAsync(buffer).AsTask().GetAwaiter().GetResult(),
            () => a.ShutdownAsync(SocketShutdown.Both).AsTask().GetAwaiter().GetResult(),
            () => listener.AcceptAsync().AsTask().GetAwaiter().GetResult(),
            () => a.CancelAll(),
            () => RingListener.Bind(Loopback),
            () => RingConnection.Adopt(0, ownsFd: false),
            () => RingConnection.ConnectAsync(Loopback).AsTask().GetAwaiter().GetResult(),
            () => _ = Op.Nop().Start(),
            () => Op.Nop().Multishot(),
            () => _ = RingExecutor.Delay(TimeSpan.Zero),
        ];
        await Task.Run(() =>
        {
            foreach (Action use in wrong)
            {
                Exception e = Assert.ThrowsAny<Exception>(use);
                if (e is NotSupportedException)
                    continue; // A NOP has no multishot form, on any thread.
                Assert.IsType<InvalidOperationException>(e);
                Assert.True(e.Message.Contains("RingExecutor", StringComparison.Ordinal), e.Message);
            }
        });

        // None of it reached the connection: it still works. Disposal may come from anywhere.
        await a.WriteAsync("x"u8.ToArray());
        await b.ReadExactlyAsync(buffer);
        Assert.Equal((byte)'x', buffer[0]);
        await Task.Run(async () =>
        {
            a.Dispose();
            await b.DisposeAsync();
            await listener.DisposeAsync();
        });
        Assert.True(a.IsDisposed);
    });

    [Theory, MemberData(nameof(Modes))]
    public void TwoExecutors_DoNotShareHandles(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        RingExecutor other = RingExecutor.Start(Options(mode));
        InvalidOperationException e = await Throws<InvalidOperationException>(async () =>
            await other.InvokeAsync(async () =>
            {
                await a.ReadAsync(new byte[1]);
            }));
        Assert.Contains("belongs to the thread", e.Message, StringComparison.Ordinal);
        await other.DisposeAsync();
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void DoubleAwait_Throws_AndTheNextReadWorks(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        byte[] buffer = new byte[1];
        ValueTask<int> read = a.ReadAsync(buffer);
        await b.WriteAsync("1"u8.ToArray());
        Assert.Equal(1, await read);
        await Throws<InvalidOperationException>(async () => await read);

        read = a.ReadAsync(buffer); // Reuses the pooled awaitable: the old ValueTask's token must not fit it.
        ValueTask<int> stale = read;
        RingTask firstAwait = RingExecutor.Spawn(async () => Assert.Equal(1, await read));
        await Throws<InvalidOperationException>(async () => await stale); // While the first await is pending.
        await b.WriteAsync("2"u8.ToArray());
        await firstAwait;

        ValueTask write = a.WriteAsync(buffer);
        await write;
        await Throws<InvalidOperationException>(async () => await write);
        ValueTask<OpResult> nop = Op.Nop().Start();
        await nop;
        await Throws<InvalidOperationException>(async () => await nop);
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void SecondRead_Throws_AndTheFirstGoesOn(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        byte[] buffer = new byte[1];
        ValueTask<int> first = a.ReadAsync(buffer);
        Assert.Throws<InvalidOperationException>(() => _ = a.ReadAsync(new byte[1]));
        Assert.Throws<InvalidOperationException>(() => _ = a.ReadLeaseAsync());
        Assert.Throws<InvalidOperationException>(() => _ = a.ReadExactlyAsync(new byte[1]));
        await b.WriteAsync("1"u8.ToArray());
        Assert.Equal(1, await first);
        (a, b).Dispose();
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropCalls(RingConnection a, RingConnection b)
    {
        _ = a.ReadLeaseAsync();
        _ = b.WriteAsync("lost"u8.ToArray());
    }

    [Theory, MemberData(nameof(Modes))]
    public void DroppedHotCalls_LeaveNoSlotAndNoLease_AndAreCounted(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        long before = RingExecutor.Current!.Counters.DroppedResults;
        DropCalls(a, b);
        await Until(() => RingExecutor.Current!.InFlight().Count == 0);
        for (int i = 0; i < 500 && RingExecutor.Current!.Counters.DroppedResults - before < 2; i++)
        {
            // Fresh traffic elsewhere: the dropped objects must be reachable from no pool, slot or queue.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(2));
        }

        Assert.Equal(2, RingExecutor.Current!.Counters.DroppedResults - before);
        (a, b).Dispose();
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference DropSequence(RingConnection connection) =>
        new(Op.Poll(connection, RingCore.Sys.SocketConstants.POLLIN).Multishot().GetAsyncEnumerator());

    [Fact]
    public void DroppedSequenceWithNothingInIt_IsNoDroppedResult() => Run(All, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        long before = RingExecutor.Current!.Counters.DroppedResults;
        WeakReference dropped = DropSequence(a);
        for (int i = 0; dropped.IsAlive && i < 500; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(2));
        }

        Assert.False(dropped.IsAlive);
        await RingExecutor.Yield(); // What the finalizer posts.
        Assert.Equal(before, RingExecutor.Current!.Counters.DroppedResults);
        (a, b).Dispose();
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropAccept(RingListener listener) => _ = Op.Accept(listener).Start();

    [Theory, MemberData(nameof(Modes))]
    public void AcceptedConnectionThatNobodyTakes_IsClosed(string mode) => Run(mode, async () =>
    {
        await using RingListener listener = RingListener.Bind(Loopback);
        DropAccept(listener);
        using RingConnection client = await RingConnection.ConnectAsync(listener.LocalEndPoint);
        RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(client));
        for (int i = 0; i < 500 && !reading.IsCompleted; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(2));
        }

        Assert.True(reading.IsCompleted, "the accepted socket is still open");
        Assert.Empty(await reading);
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropPair() => _ = UnixPair();

    [Theory, MemberData(nameof(Modes))]
    public void HandlesCollectedUndisposed_AreClosedAndCounted(string mode) => Run(mode, async () =>
    {
        List<string> before = Descriptors();
        DropPair();
        for (int i = 0; i < 500 && RingExecutor.Current!.Counters.UndisposedHandles < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(2));
        }

        Assert.Equal(2, RingExecutor.Current!.Counters.UndisposedHandles);
        AssertDescriptors(before);
    });

    [Theory, MemberData(nameof(AllModes))]
    public void DisposeWithReadWriteAndAcceptInFlight_EndsThemAll(string mode) => Run(mode, async () =>
    {
        RingListener listener = RingListener.Bind(Loopback);
        (RingConnection a, RingConnection b) = UnixPair();
        byte[] large = new byte[8 << 20];
        RingTask[] running =
        [
            RingExecutor.Spawn(async () =>
            {
                await a.ReadAsync(new byte[1]);
            }),
            RingExecutor.Spawn(async () => (await b.ReadLeaseAsync()).Dispose()),
            RingExecutor.Spawn(async () => await a.WriteAsync(large)), // b reads one buffer of it and no more.
            RingExecutor.Spawn(async () => await a.WriteAsync(large)), // Queued behind it.
            RingExecutor.Spawn(async () => (await listener.AcceptAsync()).Dispose()),
        ];
        await running[1];
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(10));
        a.Dispose();
        Assert.True(a.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => _ = a.ReadAsync(new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => _ = a.WriteAsync(large));
        Assert.Throws<ObjectDisposedException>(() => _ = a.Fd);
        await listener.DisposeAsync();
        await a.DisposeAsync();
        await Throws<ObjectDisposedException>(async () => await running[0]);
        for (int i = 2; i < 4; i++)
        {
            try
            {
                await running[i];
                Assert.Fail("a write to a peer that does not read cannot have ended well");
            }
            catch (Exception e) when (e is ObjectDisposedException or IOException)
            {
                // Part of the first had left: an IOException that says how much.
            }
        }

        await Throws<ObjectDisposedException>(async () => await running[4]);
        b.Dispose();
        b.Dispose(); // Twice is harmless.
        await b.DisposeAsync();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void DisposedListenerWithAcceptPending_FreesItsPortAtOnce(string mode) => Run(mode, async () =>
    {
        // Conformance C3 29.
        RingListener listener = RingListener.Bind(Loopback);
        EndPoint address = listener.LocalEndPoint;
        for (int i = 0; i < 20; i++)
        {
            RingListener now = listener;
            RingTask accepting = i % 2 == 0
                ? RingExecutor.Spawn(async () => (await now.AcceptAsync()).Dispose())
                : RingExecutor.Spawn(() => AcceptUntilDisposed(now));
            if (i % 4 < 2)
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            using (RingConnection client = await RingConnection.ConnectAsync(address))
                await RingExecutor.Yield();
            RingConnection? second = i % 3 == 0 ? await RingConnection.ConnectAsync(address) : null;
            await listener.DisposeAsync();
            listener = RingListener.Bind(address);
            try
            {
                await accepting;
            }
            catch (ObjectDisposedException)
            {
            }

            second?.Dispose();
        }

        await listener.DisposeAsync();
    });

    private static async RingTask AcceptUntilDisposed(RingListener listener)
    {
        await foreach (RingConnection connection in listener.AcceptAllAsync())
            connection.Dispose();
    }

    [Theory, MemberData(nameof(Modes))]
    public void ListenerClosedUnderAPendingAccept_ClosesConnectionsThatNobodyTook(string mode) => Run(mode, async () =>
    {
        await using RingListener listener = RingListener.Bind(Loopback);
        using var source = new CancellationTokenSource();
        IAsyncEnumerator<RingConnection> accepts = listener.AcceptAllAsync(source.Token).GetAsyncEnumerator();
        ValueTask<bool> next = accepts.MoveNextAsync();
        RingConnection[] clients = new RingConnection[5];
        for (int i = 0; i < clients.Length; i++)
            clients[i] = await RingConnection.ConnectAsync(listener.LocalEndPoint);
        Assert.True(await next);
        accepts.Current.Dispose();
        source.Cancel();
        await accepts.DisposeAsync(); // Leaves with up to four accepted and not taken.
        await listener.DisposeAsync(); // And those never accepted go with the listener.
        foreach (RingConnection client in clients)
        {
            try
            {
                Assert.Equal(0, await client.ReadAsync(new byte[1]));
            }
            catch (SocketException e)
            {
                Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
            }

            client.Dispose();
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void MemoryThatCannotBePinned_ThrowsAtTheCall_AndTheConnectionGoesOn(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        await b.WriteAsync(new byte[10]);
        ReadLease lease = await a.ReadLeaseAsync();
        ReadOnlyMemory<byte> stale = lease.Memory;
        lease.Dispose();
        Assert.ThrowsAny<ObjectDisposedException>(() => _ = a.WriteAsync(stale));
        await Throws<ObjectDisposedException>(async () => await a.SendAsync(stale));
        await Throws<ObjectDisposedException>(async () => await a.WriteAsync([new byte[3], stale, new byte[4]]));
        await a.WriteAsync("good"u8.ToArray());
        a.Dispose();
        byte[] got = await ReadToEnd(b);
        Assert.Equal("good"u8.ToArray(), got[^4..]);
        b.Dispose();
    });
}

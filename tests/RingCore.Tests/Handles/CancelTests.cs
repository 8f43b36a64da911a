// Tests: Handles. Cancellation on the real kernel: tokens from other threads against reused slots, results that win against the
// cancel, CancelAll by handle, writes cancelled queued, gathered or sent in part. Exactly one outcome each; nothing is lost.

using System.Net.Sockets;
using RingCore.Sys;
using RingCore.Tests.Fakes;

namespace RingCore.Tests.Handles;

public sealed class CancelTests : LiveTest
{
    /// <summary>Conformance C3 26. A canceller thread strikes while reads end, and their slots are used again at once.</summary>
    private static void CancelRace(string mode, int rounds, int lanes) => Run(mode, async () =>
    {
        const int seed = 26;
        int[] delivered = new int[lanes];
        int[] cancelled = new int[lanes];
        var pending = new CancellationTokenSource?[lanes];
        bool stop = false;
        var canceller = new Thread(() =>
        {
            var random = new Random(seed);
            while (!Volatile.Read(ref stop))
            {
                Interlocked.Exchange(ref pending[random.Next(lanes)], null)?.Cancel();
                Thread.SpinWait(random.Next(200));
            }
        })
        { IsBackground = true };
        canceller.Start();
        var tasks = new RingTask[lanes];
        for (int lane = 0; lane < lanes; lane++)
        {
            int mine = lane;
            tasks[lane] = RingExecutor.Spawn(async () =>
            {
                (RingConnection a, RingConnection b) = UnixPair();
                var random = new Random(seed + mine);
                byte[] sent = new byte[1];
                byte[] got = new byte[1];
                byte next = 0;
                byte expected = 0;
                for (int round = 0; round < rounds / lanes; round++)
                {
                    var source = new CancellationTokenSource();
                    ValueTask<int> read = a.ReadAsync(got, source.Token);
                    bool feed = random.Next(2) == 0;
                    Volatile.Write(ref pending[mine], source);
                    if (feed)
                    {
                        sent[0] = next++;
                        await b.WriteAsync(sent);
                    }
                    else if (random.Next(2) == 0 && Interlocked.Exchange(ref pending[mine], null) is { } taken)
                    {
                        taken.Cancel(); // On the owner thread, before the read is submitted.
                    }

                    try
                    {
                        Assert.Equal(1, await read);
                        Assert.Equal(expected++, got[0]);
                        delivered[mine]++;
                    }
                    catch (OperationCanceledException e)
                    {
                        Assert.Equal(source.Token, e.CancellationToken);
                        cancelled[mine]++;
                        if (feed)
                        {
                            // The byte came after the cancel had won: it is still there, and no stale cancel hits this read.
                            Assert.Equal(1, await a.ReadAsync(got));
                            Assert.Equal(expected++, got[0]);
                        }
                    }

                    Interlocked.Exchange(ref pending[mine], null);
                }

                Assert.Equal(next, expected);
                (a, b).Dispose();
            });
        }

        foreach (RingTask task in tasks)
            await task;
        Volatile.Write(ref stop, true);
        canceller.Join();
        Assert.Equal(rounds / lanes * lanes, delivered.Sum() + cancelled.Sum());
        Assert.True(cancelled.Sum() > rounds / 10 && delivered.Sum() > rounds / 10, $"seed {seed}: {delivered.Sum()} delivered, {cancelled.Sum()} cancelled: no race");
    }, seconds: 120);

    [Theory, MemberData(nameof(Modes))]
    public void HundredThousandCancelsFromAnotherThread_EachReadHasOneOutcome(string mode) => CancelRace(mode, rounds: 100_000, lanes: 16);

    [Theory, MemberData(nameof(AllModes))]
    public void CancelRaceWithReads_InEveryMode(string mode) => CancelRace(mode, rounds: 10_000, lanes: 5);

    [Theory, MemberData(nameof(AllModes))]
    public void CancelledLeaseRead_LosesNoBytesAndNoBuffer(string mode) => Run(mode, async () =>
    {
        const int seed = 27;
        var random = new Random(seed);
        (RingConnection a, RingConnection b) = UnixPair();
        byte expected = 0;
        for (int round = 0; round < 3000; round++)
        {
            using var source = new CancellationTokenSource();
            ValueTask<ReadLease> read = a.ReadLeaseAsync(source.Token);
            int order = random.Next(3);
            if (order == 0)
                source.Cancel();
            await b.WriteAsync(new[] { (byte)round });
            if (order == 1)
                source.Cancel();
            else if (order == 2)
                _ = Task.Run(source.Cancel);
            try
            {
                using ReadLease lease = await read;
                Assert.Equal(1, lease.Length);
                Assert.Equal(expected++, lease.Span[0]);
            }
            catch (OperationCanceledException)
            {
                using ReadLease lease = await a.ReadLeaseAsync();
                Assert.Equal(1, lease.Length);
                Assert.Equal(expected++, lease.Span[0]);
            }
        }

        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void CancelledRead_WhoseBytesHadCome_DeliversThem(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = UnixPair();
        await b.WriteAsync("abc"u8.ToArray());
        using var source = new CancellationTokenSource();
        byte[] buffer = new byte[10];
        ValueTask<int> read = a.ReadAsync(buffer, source.Token); // Submitted ahead of the cancel: the receive finds its bytes.
        source.Cancel();
        Assert.Equal(3, await read);
        Assert.Equal("abc"u8.ToArray(), buffer[..3]);
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void TokenAlreadyCancelled_NeverReachesTheKernel(string mode) => Run(mode, async () =>
    {
        RingExecutor executor = RingExecutor.Current!;
        (RingConnection a, RingConnection b) = UnixPair();
        await using RingListener listener = RingListener.Bind(Loopback);
        var cancelled = new CancellationToken(canceled: true);
        uint before = executor.Ring.Pending;
        Func<RingTask>[] calls =
        [
            async () => { await a.ReadAsync(new byte[1], cancelled); },
            async () => await a.ReadExactlyAsync(new byte[1], cancelled),
            async () => (await a.ReadLeaseAsync(cancelled)).Dispose(),
            async () => await a.WriteAsync(new byte[1], cancelled),
            async () => await a.WriteAsync([new byte[1], new byte[1]], cancelled),
            async () => { await a.SendAsync(new byte[1], cancelled); },
            async () => (await listener.AcceptAsync(cancelled)).Dispose(),
            async () => (await RingConnection.ConnectAsync(listener.LocalEndPoint, cancellationToken: cancelled)).Dispose(),
            async () => (await RingFile.OpenAsync("/dev/null", cancellationToken: cancelled)).Dispose(),
            async () => await RingExecutor.Delay(TimeSpan.FromDays(1), cancelled),
        ];
        foreach (Func<RingTask> call in calls)
        {
            OperationCanceledException e = await Throws<OperationCanceledException>(call);
            Assert.Equal(cancelled, e.CancellationToken);
        }

        Assert.Equal(-Errno.ECANCELED, (await Op.Nop().Start(cancelled)).Res);
        Assert.Equal(before, executor.Ring.Pending);
        Assert.Empty(executor.InFlight());

        // The connection is whole: none of it stands in the way.
        await b.WriteAsync("x"u8.ToArray());
        Assert.Equal(1, await a.ReadAsync(new byte[1]));
        await a.WriteAsync("y"u8.ToArray());
        Assert.Equal(1, await b.ReadAsync(new byte[1]));
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void CancelAll_HitsOnlyItsHandle(string mode) => Run(mode, async () =>
    {
        // Conformance C3 27: by handle.
        (RingConnection a, RingConnection b) = UnixPair();
        (RingConnection other, RingConnection feed) = UnixPair();
        ValueTask<int> hit = a.ReadAsync(new byte[1]);
        ValueTask<OpResult> poll = Op.Poll(a, SocketConstants.POLLIN).Start();
        ValueTask<int> spared = other.ReadAsync(new byte[1]);
        ValueTask<OpResult> timer = Op.Timeout(TimeSpan.FromMilliseconds(30)).Start();
        a.CancelAll();
        OperationCanceledException e = await Throws<OperationCanceledException>(async () => await hit);
        Assert.Equal(CancellationToken.None, e.CancellationToken);
        Assert.Equal(-Errno.ECANCELED, (await poll).Res);
        Assert.Equal(-Errno.ETIME, (await timer).Res);
        Assert.False(spared.IsCompleted);
        await feed.WriteAsync("x"u8.ToArray());
        Assert.Equal(1, await spared);

        // The handle itself is still open.
        await b.WriteAsync("y"u8.ToArray());
        Assert.Equal(1, await a.ReadAsync(new byte[1]));
        (a, b).Dispose();
        (other, feed).Dispose();
    });

    private static (RingConnection A, RingConnection B) Blocked()
    {
        (RingConnection a, RingConnection b) = UnixPair();
        SocketOptions options = a.Options;
        options.SendBufferSize = 1;
        return (a, b);
    }

    [Theory, MemberData(nameof(AllModes))]
    public void CancelAll_EndsWritesToo_QueuedGatheredOrSentInPart(string mode) => Run(mode, async () =>
    {
        for (int round = 0; round < 2; round++)
        {
            (RingConnection a, RingConnection b) = Blocked();
            var writes = new List<Task>();
            if (round == 1) // A short one first: the others are gathered behind it.
                writes.Add(a.WriteAsync(new byte[1]).AsTask());
            for (int i = 0; i < 70; i++)
                writes.Add(a.WriteAsync(new byte[100_000]).AsTask());
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            a.CancelAll();
            int lost = 0;
            foreach (Task write in writes.Skip(round))
            {
                try
                {
                    await write;
                    Assert.Fail("a write to a peer that does not read ended well");
                }
                catch (IOException)
                {
                    lost++; // The one that had begun says how much had left, those behind it that there is a hole.
                }
                catch (OperationCanceledException)
                {
                    lost++;
                }
            }

            Assert.Equal(70, lost);
            await Throws<IOException>(async () => await a.WriteAsync(new byte[1]));
            (a, b).Dispose();
        }
    });

    [Theory, MemberData(nameof(AllModes))]
    public void CancelledWrites_QueuedOrGathered_EndAlone_AndTheStreamStaysWhole(string mode) => Run(mode, async () =>
    {
        // The peer does not read. First write: alone with the kernel. Then queued ones, of which every third is cancelled.
        for (int gathered = 0; gathered < 2; gathered++)
        {
            (RingConnection a, RingConnection b) = Blocked();
            byte[] large = RandomBytes(300_000, 1);
            var expected = new MemoryStream();
            using var source = new CancellationTokenSource();
            Task first = a.WriteAsync(gathered == 1 ? new byte[1] : large).AsTask();
            expected.Write(gathered == 1 ? new byte[1] : large);
            var kept = new List<Task>();
            var cancelled = new List<Task>();
            for (int i = 0; i < 9; i++)
            {
                byte[] data = i == 0 ? large : RandomBytes(1000, i);
                if (i % 3 == 2)
                {
                    cancelled.Add(a.WriteAsync(data, source.Token).AsTask());
                    continue;
                }

                expected.Write(data);
                kept.Add(a.WriteAsync(data).AsTask());
            }

            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            Assert.All(cancelled, task => Assert.False(task.IsCompleted));
            await Task.Run(source.Cancel);
            foreach (Task task in cancelled)
                await Throws<OperationCanceledException>(async () => await task); // Although the peer still does not read.
            Assert.All(kept, task => Assert.False(task.IsCompleted));

            RingTask<byte[]> reading = RingExecutor.Spawn(() => ReadToEnd(b));
            await first;
            await Task.WhenAll(kept);
            a.Dispose();
            byte[] got = await reading;
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(got), $"{got.Length} of {expected.Length}");
            b.Dispose();
        }
    });

    [Theory, MemberData(nameof(AllModes))]
    public void ShutdownWithGatheredWritesInFlight_EndsThem(string mode)
    {
        RequireIoUring();
        List<string> before = Descriptors();
        int leaked = RingExecutor.LeakedOps;
        RingExecutor executor = RingExecutor.Start(Options(mode));
        int ended = 0;
        Wait(executor, executor.InvokeAsync(async () =>
        {
            (RingConnection a, RingConnection b) = Blocked();
            for (int i = 0; i < 5; i++)
            {
                _ = RingExecutor.Spawn(async () =>
                {
                    try
                    {
                        await a.WriteAsync(new byte[100_000]);
                    }
                    catch (Exception e) when (e is OperationCanceledException or IOException)
                    {
                        if (++ended == 4)
                            (a, b).Dispose();
                    }
                });
            }

            byte[] some = new byte[110_000];
            await b.ReadExactlyAsync(some); // The first is through: the others are gathered, the second sent in part.
        }));
        Assert.True(executor.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(4)), "shutdown ran into its bound");
        Assert.Equal(4, ended);
        Assert.Equal(leaked, RingExecutor.LeakedOps);
        AssertDescriptors(before);
    }

    [Theory, MemberData(nameof(Modes))]
    public void AsTaskOfWhatDisposalEnds_HasTheSameExceptionAsAnAwait(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = Blocked();
        Task[] tasks = [a.ReadAsync(new byte[1]).AsTask(), b.ReadLeaseAsync().AsTask()];
        a.Dispose();
        await Throws<ObjectDisposedException>(async () => await tasks[0]);
        (await (Task<ReadLease>)tasks[1]).Dispose(); // a's end.
        b.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void WriteCancelledAfterPartOfItLeft_SaysHowMuch_AndEndsTheWriteSide(string mode) => Run(mode, async () =>
    {
        (RingConnection a, RingConnection b) = Blocked();
        using var source = new CancellationTokenSource();
        Task write = a.WriteAsync(new byte[1 << 20], source.Token).AsTask();
        Task queued = a.WriteAsync(new byte[10]).AsTask();
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        source.Cancel();
        IOException e = await Throws<IOException>(async () => await write);
        IOException behind = await Throws<IOException>(async () => await queued);
        IOException later = await Throws<IOException>(async () => await a.WriteAsync(new byte[1]));
        Assert.Equal(behind.Message, later.Message);
        await a.ShutdownAsync(SocketShutdown.Send);
        int left = (await ReadToEnd(b)).Length;
        Assert.True(left > 0);
        Assert.Contains($"after {left} bytes", e.Message, StringComparison.Ordinal);
        Assert.Contains($"after {left} of its bytes", later.Message, StringComparison.Ordinal);

        // Reading goes on.
        await b.WriteAsync("x"u8.ToArray());
        Assert.Equal(1, await a.ReadAsync(new byte[1]));
        (a, b).Dispose();
    });

    [Theory, MemberData(nameof(Modes))]
    public void CancelBetweenAnOpAndItsDeadline_KeepsTheTwoTogether(string mode) => Run(mode, async () =>
    {
        // The token strikes while the SQE is being written: the cancel's SQE must not come between the op and its LINK_TIMEOUT.
        (RingConnection a, RingConnection b) = UnixPair();
        for (int i = 0; i < 10; i++)
        {
            using var source = new CancellationTokenSource();
            using var memory = new HookedMemory(new string(' ', 16)) { OnPin = source.Cancel }; // Between the check of the token and its registration.
            OpResult result = await Op.Recv(a, memory.Memory).WithTimeout(TimeSpan.FromSeconds(20)).Start(source.Token);
            Assert.Equal(-Errno.ECANCELED, result.Res);
        }

        (a, b).Dispose();
    });
}

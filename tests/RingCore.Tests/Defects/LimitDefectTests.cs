// Tests: Defects 18 to 25 of the Rust original: cost, chains, files, short writes, leaks, starvation. Each test is named after its
// defect and fails when that defect is put into this code.

using System.Net;
using System.Net.Sockets;
using RingCore.Sys;

namespace RingCore.Tests.Defects;

[Collection(nameof(Alone))]
public sealed class LimitDefectTests
{
    [Fact]
    public void D18_OneEnterATurn_ForEverythingThatTurnSubmitted()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            using TamperedKernel kernel = TamperedKernel.Install();
            RingExecutor.Run(async () =>
            {
                RingExecutor ring = RingExecutor.Current!;
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                (RingCounters counters, int calls) = (ring.Counters, kernel.Enters);
                ValueTask<OpResult>[] nops = [.. Enumerable.Range(0, 100).Select(_ => Op.Nop().Start())];
                foreach (ValueTask<OpResult> nop in nops)
                    await nop;
                RingCounters spent = ring.Counters - counters;
                Assert.Equal((1, 100, 100), (spent.Enters, spent.Sqes, spent.Cqes));
                Assert.Equal(1, kernel.Enters - calls);

                (counters, calls) = (ring.Counters, kernel.Enters);
                for (int i = 0; i < 50; i++)
                    await Op.Nop();
                spent = ring.Counters - counters;
                Assert.Equal((50, 50, 50), (spent.Enters, spent.Sqes, spent.Cqes));
                Assert.Equal(50, kernel.Enters - calls);
            }, new RingOptions { Kernel = TamperedKernel.Kernel });
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void D19_AChain_GoesInWhole_HoweverFullTheQueueIs(int before)
    {
        Live.Run(async () =>
        {
            ValueTask<OpResult>[] others = [.. Enumerable.Range(0, before).Select(_ => Op.Nop().Start())];

            // The second step fails; cut in two by a full queue, the third and fourth would run.
            ChainResult result = await Op.Nop().Then(Op.OpenAt("/nonexistent/name", FileConstants.O_RDONLY)).Then(Op.Nop()).Then(Op.Nop());
            Assert.Equal(1, result.BrokenAt);
            Assert.Equal([0, -Errno.ENOENT, -Errno.ECANCELED, -Errno.ECANCELED], result.Steps.Select(step => step.Res));
            foreach (ValueTask<OpResult> other in others)
                Assert.True((await other).IsSuccess);
        }, new RingOptions { SqEntries = 4, CqEntries = 16 });
    }

    [Fact]
    public void D19_AChainThatCannotFit_IsRefusedBeforeItsFirstStep()
    {
        Live.Run(async () =>
        {
            OpChain chain = Op.Nop().Then(Op.Nop()).Then(Op.Nop()).Then(Op.Nop()).Then(Op.Nop());
            long sqes = RingExecutor.Current!.Counters.Sqes;
            var e = Assert.Throws<ArgumentException>(() => { _ = chain.Start(); });
            Assert.Contains("SqEntries", e.Message, StringComparison.Ordinal);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            Assert.True(RingExecutor.Current!.Counters.Sqes - sqes <= 1); // The wake-up's own.
        }, new RingOptions { SqEntries = 4, CqEntries = 16 });
    }

    [Fact]
    public void D20_AShortStep_IsSeenAsWhatBrokeTheChain()
    {
        InFolder(async folder =>
        {
            string from = Path.Combine(folder, "from"), to = Path.Combine(folder, "to");
            File.WriteAllBytes(from, new byte[5000]);
            File.WriteAllBytes(to, []);
            using RingHandle source = await Open(from, FileConstants.O_RDONLY), target = await Open(to, FileConstants.O_WRONLY);
            byte[] buffer = new byte[4096];
            ChainResult whole = await Op.Read(source, buffer, 0).Then(Op.Write(target, buffer, 0));
            Assert.True(whole.IsSuccess);
            ChainResult tail = await Op.Read(source, buffer, 4096).Then(Op.Write(target, buffer, 4096));
            Assert.False(tail.IsSuccess);
            Assert.Equal(0, tail.BrokenAt);
            Assert.Equal(904, tail.Steps[0].Res); // The tail is not lost: it is in the buffer.
            Assert.Equal(Errno.ECANCELED, tail.Steps[1].Errno);
            Assert.Equal(904, (await Op.Write(target, buffer.AsMemory(0, tail.Steps[0].Res), 4096)).Res);
            Assert.Equal(5000, new FileInfo(to).Length);
        });
    }

    [Fact]
    public void D21_WritesWithoutAnOffset_FollowEachOther()
    {
        InFolder(async folder =>
        {
            string path = Path.Combine(folder, "log");
            File.WriteAllBytes(path, []);
            using (RingHandle file = await Open(path, FileConstants.O_WRONLY))
            {
                for (int i = 0; i < 100; i++)
                {
                    Assert.Equal(5, (await Op.Write(file, "line\n"u8.ToArray())).Res);
                    Assert.Equal(10, (await Op.Writev(file, ["two l"u8.ToArray(), "ines\n"u8.ToArray()])).Res);
                }
            }

            Assert.Equal(string.Concat(Enumerable.Repeat("line\ntwo lines\n", 100)), File.ReadAllText(path));
            using RingHandle reading = await Open(path, FileConstants.O_RDONLY);
            byte[] five = new byte[5];
            Assert.Equal(5, (await Op.Read(reading, five)).Res);
            Assert.Equal("line\n"u8, five);
            Assert.Equal(5, (await Op.Read(reading, five)).Res);
            Assert.Equal("two l"u8, five);

            // A handle's methods name their offset: there is no default to forget.
            await using RingFile positional = await RingFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite);
            await positional.WriteAsync("LINE"u8.ToArray(), offset: 15);
            Assert.StartsWith("line\ntwo lines\nLINE\ntwo", File.ReadAllText(path), StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData(RingFeatures.None)]
    [InlineData(RingFeatures.ExtArg)]
    public void D22_ATimerThatEnds_IsASuccess(RingFeatures without)
    {
        Live.Run(async () =>
        {
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(2));
            await RingExecutor.Delay(TimeSpan.Zero);
            OpResult timeout = await Op.Timeout(TimeSpan.FromMilliseconds(2)); // Below the handles the errno is a value, documented as the success.
            Assert.Equal(Errno.ETIME, timeout.Errno);
        }, new RingOptions { Without = without });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public void D23_ShortSends_AreGoneOnFrom(int most)
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            using TamperedKernel kernel = TamperedKernel.Install(onSqe: sqe => Shorten(sqe, (uint)most));
            RingExecutor.Run(async () =>
            {
                (RingConnection left, RingConnection right) = Live.Pair();
                using (left)
                using (right)
                {
                    byte[] sent = new byte[1000], received = new byte[1600];
                    new Random(most).NextBytes(sent);
                    ValueTask one = left.WriteAsync(sent);
                    ValueTask two = left.WriteAsync(sent.AsMemory(0, 300)); // Gathered with the next.
                    ValueTask three = left.WriteAsync(sent.AsMemory(300, 300));
                    ValueTask all = right.ReadExactlyAsync(received);
                    await one;
                    await two;
                    await three;
                    await all;
                    Assert.Equal([.. sent, .. sent[..600]], received);
                }
            }, new RingOptions { Kernel = TamperedKernel.Kernel });
        }, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void D23_AMegabyteThroughASmallSendBuffer_ArrivesWhole()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            {
                SocketOptions options = left.Options;
                options.SendBufferSize = 1;
                byte[] sent = new byte[1 << 20], received = new byte[1 << 20];
                new Random(1).NextBytes(sent);
                ValueTask write = left.WriteAsync(sent);
                await right.ReadExactlyAsync(received);
                await write;
                Assert.Equal(sent, received);
            }
        }, timeout: TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void D24_ErrorPaths_LeaveNoFd_AndFdsAreCloseOnExec()
    {
        Live.Run(async () =>
        {
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var taken = (IPEndPoint)listener.LocalEndPoint;
            Assert.Throws<SocketException>(() => RingListener.Bind(taken));
            int fds = Live.FdCount();
            for (int i = 0; i < 20; i++)
            {
                Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<SocketException>(() => RingListener.Bind(taken)).SocketErrorCode);
                Assert.Throws<SocketException>(() => RingListener.Bind(new IPEndPoint(IPAddress.Parse("203.0.113.1"), 0)));
                Assert.Throws<NotSupportedException>(() => RingListener.Bind(new DnsEndPoint("localhost", 1))); // No blocking DNS.
                await Assert.ThrowsAsync<NotSupportedException>(async () => await RingConnection.ConnectAsync(new DnsEndPoint("localhost", 1)));
                var refused = await Assert.ThrowsAsync<SocketException>(async () => await RingConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, 1)));
                Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
                await Assert.ThrowsAsync<FileNotFoundException>(async () => await RingFile.OpenAsync("/nonexistent-name"));
            }

            await Live.SettledAsync();
            Assert.Equal(fds, Live.FdCount());

            ValueTask<RingConnection> connecting = RingConnection.ConnectAsync(taken);
            using RingConnection accepted = await listener.AcceptAsync();
            using RingConnection connected = await connecting;
            await using RingFile file = await RingFile.OpenAsync("/proc/self/status");
            foreach (int fd in new[] { listener.Fd, accepted.Fd, connected.Fd, file.Fd, RingExecutor.Current!.Ring.Fd })
                Assert.Equal(1, Libc.fcntl(fd, FileConstants.F_GETFD, 0) & 1); // FD_CLOEXEC.
        });
    }

    [Fact]
    public void D24_IPv6_Works()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6 && File.Exists("/proc/net/if_inet6"), "no IPv6 here");
        Live.Run(async () =>
        {
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
            ValueTask<RingConnection> connecting = RingConnection.ConnectAsync(listener.LocalEndPoint);
            using RingConnection accepted = await listener.AcceptAsync();
            using RingConnection connected = await connecting;
            await connected.WriteAsync(new byte[3]);
            using ReadLease lease = await accepted.ReadLeaseAsync();
            Assert.Equal(3, lease.Length);
            Assert.Equal(AddressFamily.InterNetworkV6, accepted.RemoteEndPoint!.AddressFamily);
        });
    }

    [Fact]
    public void D25_TasksThatWakeEachOther_DoNotStarveIo_AndAThrowingOneDoesNotEndTheLoop()
    {
        using var faults = new Executor.FaultRecorder("D25");
        RingCounters counters = Live.Run(async () =>
        {
            bool stop = false;
            RingTask ping = RingExecutor.Spawn(Spin), pong = RingExecutor.Spawn(Spin);
            _ = RingExecutor.Spawn(async () =>
            {
                await RingExecutor.Yield();
                throw new FormatException("on purpose");
            });
            Assert.Equal(Errno.ETIME, (await Op.Timeout(TimeSpan.FromMilliseconds(2))).Errno);
            stop = true;
            await ping; // Joined.
            await pong;

            async RingTask Spin()
            {
                while (!stop)
                    await RingExecutor.Yield();
            }
        }, new RingOptions { Name = "D25" }, timeout: TimeSpan.FromSeconds(10));
        Assert.True(counters.QuotaSpent > 0);
        Assert.Equal(["on purpose"], faults.Messages);
    }

    private static unsafe void Shorten(TamperedKernel.SqePointer pointer, uint most)
    {
        io_uring_sqe* sqe = pointer.Value;
        if (sqe->opcode == io_uring_op.IORING_OP_SEND)
        {
            sqe->len = Math.Min(sqe->len, most);
        }
        else if (sqe->opcode == io_uring_op.IORING_OP_SENDMSG)
        {
            var message = (msghdr*)sqe->addr;
            message->msg_iovlen = 1;
            message->msg_iov->iov_len = Math.Min(message->msg_iov->iov_len, most);
        }
    }

    private static async RingTask<RingHandle> Open(string path, int flags)
    {
        OpResult result = await Op.OpenAt(path, flags);
        Assert.True(result.IsSuccess, result.ToString());
        return RingHandle.Adopt(result.Res, ownsFd: true);
    }

    private static void InFolder(Func<string, RingTask> body)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ringcore-");
        try
        {
            Live.Run(() => body(folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

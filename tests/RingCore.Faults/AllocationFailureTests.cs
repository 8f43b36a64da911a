// Fault tests: every public call with its 1st, 2nd, 3rd … allocation failing, until it needs no more: cold
// and warm, without and with a token. What must hold after each is in Scenario.Body.

using System.Net.Sockets;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)] // One hook for the process.

namespace RingCore.Faults;

public sealed class AllocationFailureTests
{
    private const int Most = 2000;

    private static readonly Scenario[] s_all =
    [
        new("nop", Peer, async w => await Op.Nop()),
        new("op that lends", Peer, async w => Check(await Op.Recv(w.Connection, w.First).Start(w.Token))),
        new("op with a timeout", Peer, async w =>
            Check(await Op.Recv(w.Connection, w.First).WithTimeout(TimeSpan.FromSeconds(1)).Start(w.Token))),
        new("vectored op", Peer, async w =>
            Check(await Op.Writev(w.Connection, [w.First, w.Second]).Start(w.Token))),
        new("chain", Peer, async w =>
            Assert.True((await Op.Write(w.Connection, w.First).Then(Op.Read(w.Connection, w.Second))
                .Start(w.Token)).IsSuccess)),
        new("read", Peer, async w => Assert.NotEqual(0, await w.Connection.ReadAsync(w.First, w.Token))),
        new("read that waits", Peer, async w => await w.Connection.ReadAsync(Memory<byte>.Empty, w.Token)),
        new("read exactly", Peer, async w => await w.Connection.ReadExactlyAsync(w.First, w.Token)),
        new("write", Peer, async w => await w.Connection.WriteAsync(w.First, w.Token)),
        new("writes that queue", Peer, async w =>
        {
            ValueTask first = w.Connection.WriteAsync(w.First, w.Token);
            Exception? error = null;
            ValueTask second = default;
            try
            {
                second = w.Connection.WriteAsync(w.Second, w.Token);
            }
            catch (OutOfMemoryException e)
            {
                error = e;
            }

            await first;
            await second;
            if (error is not null)
                throw error;
        }),
        new("write of a list", Peer, async w =>
            await w.Connection.WriteAsync([w.First, w.Second, w.Third], w.Token)),
        new("send", Peer, async w => Assert.NotEqual(0, await w.Connection.SendAsync(w.First, w.Token))),
        new("lease", Peer, LeaseAsync),
        new("lease, the group dry", Dry, LeaseAsync),
        new("lease as on Linux 5.10", Peer, LeaseAsync) { Kernel = FakeKernel.Linux510 },
        new("leases", Peer, LeasesAsync),
        new("leases as on Linux 5.10", Peer, LeasesAsync) { Kernel = FakeKernel.Linux510 },
        new("pair and pipe", Peer, async w =>
        {
            (RingPipe reader, RingPipe writer) = RingPipe.Create();
            using (reader)
            using (writer)
            {
                await writer.WriteAsync(w.First, w.Token);
                await reader.ReadExactlyAsync(w.Second, w.Token);
            }
        }),
        new("connect", Peer, async w =>
            (await RingConnection.ConnectAsync(World.Loopback, cancellationToken: w.Token)).Dispose()),
        new("connect with a deadline", Peer, async w =>
            (await RingConnection.ConnectAsync(World.Loopback, TimeSpan.FromSeconds(1), w.Token)).Dispose()),
        new("accept", Peer, async w =>
        {
            await using RingListener listener = RingListener.Bind(World.AnyPort);
            (await listener.AcceptAsync(w.Token)).Dispose();
        }),
        new("accept all", Peer, AcceptAllAsync),
        new("accept all as on Linux 5.10", Peer, AcceptAllAsync) { Kernel = FakeKernel.Linux510 },
        new("multishot poll", Peer, async w =>
        {
            MultishotOp polls = Op.Poll(w.Connection, SocketConstants.POLLIN).Multishot();
            await foreach (OpResult result in polls.WithCancellation(w.Token))
            {
                Check(result);
                break;
            }
        }),
        new("file", Peer, async w =>
        {
            await using RingFile file = await OpenAsync(w);
            await file.ReadAsync(w.First, 0, w.Token);
            await file.WriteAsync(w.Second, 0, w.Token);
            await file.WriteAsync([w.First, w.Second], 0, w.Token);
            await file.FlushToDiskAsync(cancellationToken: w.Token);
        }),
        new("file read to its end", Peer, async w =>
        {
            await using RingFile file = await OpenAsync(w);
            int chunks = 0;
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: 4096, depth: 3, cancellationToken: w.Token))
            {
                if (++chunks == 3)
                    break;
            }
        }),
        new("file writer", Peer, async w =>
        {
            await using RingFile file = await OpenAsync(w);
            RingFileWriter writer = file.CreateWriter(bufferSize: 4096);
            for (int i = 0; i < 3; i++)
                await writer.WriteAsync(new byte[3000]);
            await writer.FlushAsync();
            await writer.DisposeAsync();
        }),
        new("copy between sockets", Peer, async w => await w.Connection.CopyToAsync(w.Other, 10, w.Token)),
        new("copy from a file", Peer, async w =>
        {
            await using RingFile file = await OpenAsync(w);
            await file.CopyToAsync(w.Connection, 10, w.Token);
        }),
        new("copy through pipes", Peer, async w =>
        {
            (RingPipe reader, RingPipe writer) = RingPipe.Create();
            using (reader)
            using (writer)
                await w.Connection.CopyToAsync(writer, 10, w.Token);
        }),
        new("delay", Peer, async w => await RingExecutor.Delay(TimeSpan.FromMilliseconds(1), w.Token)),
        new("many delays", Peer, async w =>
        {
            ValueTask[] delays = [.. Enumerable.Range(0, 20)
                .Select(i => RingExecutor.Delay(TimeSpan.FromMilliseconds(i), w.Token))];
            foreach (ValueTask delay in delays)
                await delay;
        }),
        new("delay as on Linux 5.10", Peer, async w => await RingExecutor.Delay(TimeSpan.FromMilliseconds(1), w.Token))
        {
            Kernel = FakeKernel.Linux510,
        },
        new("invoke", Peer, async w => await w.Executor.InvokeAsync(async () => await Op.Nop())),
        new("spawn", Peer, async w => await RingExecutor.Spawn(async () => await Op.Nop())),
        new("spawn of a Task", Peer, async w => await RingExecutor.Spawn(async Task () => await Op.Nop())),
        new("post", Peer, async w =>
        {
            bool ran = false;
            w.Executor.Post(() => ran = true);
            await Op.Nop();
            await Op.Nop();
            if (!ran && AllocationHook.FailedSite >= 0)
                throw new OutOfMemoryException(); // It is reported as a fault that nobody awaits.
            Assert.True(ran);
        }),
        new("nested tasks", Peer, async w => await Deep(3)),
        new("yield", Peer, async w => await RingExecutor.Yield()),
        new("handle disposed with ops", Reluctant, async w =>
        {
            int fd = w.Kernel.NewFd();
            RingConnection connection;
            try
            {
                connection = RingConnection.Adopt(fd);
            }
            catch (OutOfMemoryException)
            {
                w.Executor.Driver.CloseFd(fd); // It is still the caller's.
                throw;
            }

            try
            {
                ValueTask<int> read = connection.ReadAsync(w.First[..5], w.Token);
                ValueTask closing = connection.DisposeAsync();
                Exception? error = await Caught.By(read);
                await closing;
                if (error is OutOfMemoryException)
                    throw error; // No memory for the message.
                Assert.IsType<ObjectDisposedException>(error);
            }
            finally
            {
                connection.Dispose();
            }
        }),
        new("unpin that throws", Peer, async w =>
        {
            int thrown = 0;
            using var faults = new Subscription((_, fault) => thrown += fault.Exception is FormatException ? 1 : 0);
            w.Memories[0].OnUnpin = static () => throw new FormatException("Unpin");
            try
            {
                Check(await Op.Recv(w.Connection, w.First).Start(w.Token));
                await Op.Nop();
            }
            finally
            {
                w.Memories[0].OnUnpin = null;
            }

            Assert.True(thrown == 1 || AllocationHook.FailedSite >= 0);
        }),
        new("a kernel without memory", Peer, async w =>
        {
            w.Kernel.RefuseEnter(Errno.EAGAIN, times: 1100); // A millisecond each.
            var nops = new List<ValueTask<OpResult>>();
            Exception? error = null;
            try
            {
                for (int i = 0; i < 3; i++)
                    nops.Add(Op.Nop().Start(w.Token));
            }
            catch (OutOfMemoryException e)
            {
                error = e;
            }

            foreach (ValueTask<OpResult> nop in nops)
                Assert.Equal(-Errno.EAGAIN, (await nop).Res);
            if (error is not null)
                throw error;
        }),
        new("full queue", Peer, async w =>
        {
            var nops = new List<ValueTask<OpResult>>();
            for (int i = 0; i < 260; i++) // One slot more than the table begins with.
                nops.Add(Op.Nop().Start());
            foreach (ValueTask<OpResult> nop in nops)
                Check(await nop);
        }),
    ];

    public static TheoryData<string> Names => [.. s_all.Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryAllocationFailsOnce(string name)
    {
        Scenario scenario = s_all.Single(one => one.Name == name);
        (bool, bool)[] ways = [(false, false), (true, false), (false, true), (true, true)];
        foreach ((bool token, bool warm) in ways)
        {
            int n = 1;
            while (scenario.RunFailing(n, token, warm))
                Assert.True(++n < Most, "it never passes");
        }
    }

    /// <summary>Else all of these tests would pass without a look at anything.</summary>
    [Fact]
    public void TheRewriter_HasFoundTheAllocations()
    {
        Assert.Null(RingExecutor.Current); // Loads RingCore.
        Assert.InRange(Rewriter.SiteCount, 300, 3000);
    }

    /// <summary>
    /// Start and end of an executor: it runs, or says that it cannot, and either way gives back all that it
    /// had.
    /// </summary>
    [Fact]
    public void EveryAllocationOfAWholeLife_FailsOnce()
    {
        int n = 1;
        for (bool failed = true; failed; n++)
        {
            Assert.True(n < Most, "it never passes");
            using var kernel = new FakeKernel();
            Peer(kernel);
            RingOptions options = kernel.Options();
            Exception? error = null;
            bool ended = false;
            AllocationHook.Arm(n);
            try
            {
                RingExecutor.Run(
                    async () =>
                    {
                        await Op.Nop();
                        _ = RingExecutor.Current!.InvokeAsync(
                            async () => await RingExecutor.Delay(TimeSpan.FromHours(1)));
                        ended = true;
                    },
                    options);
            }
            catch (Exception e)
            {
                error = e;
            }

            AllocationHook.Disarm();
            failed = AllocationHook.FailedSite >= 0;
            string where = $"allocation {n} ({Rewriter.Describe(AllocationHook.FailedSite)}): {error}";
            Assert.True(error is OutOfMemoryException || (error is null && ended), where);
            Assert.True(kernel.OpenFds.Count == 0 && kernel.MappedNow == 0, $"left open or mapped: {where}");
        }
    }

    private static void Peer(FakeKernel kernel)
    {
        kernel.On(IORING_OP_RECV).Always(op => op.Deliver("peer's bytes"u8));
        kernel.On(IORING_OP_READ).Always(op => op.Finish((int)op.Sqe.len));
        io_uring_op[] transfers = [IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_WRITE, IORING_OP_WRITEV, IORING_OP_READV];
        foreach (io_uring_op op in transfers)
            kernel.On(op).Always(one => one.Finish(one.Payload().Length));
        kernel.On(IORING_OP_ACCEPT).Always(op => op.Finish(kernel.NewFd()));
        kernel.On(IORING_OP_OPENAT).Always(op => op.Finish(kernel.NewFd("file")));
        kernel.On(IORING_OP_SPLICE).Always(op => op.Finish((int)op.Sqe.len));
        kernel.On(IORING_OP_POLL_ADD).Always(op => op.Finish(SocketConstants.POLLIN));
        foreach (io_uring_op op in new[] { IORING_OP_CONNECT, IORING_OP_FSYNC, IORING_OP_STATX })
            kernel.On(op).Always(0);
    }

    /// <summary>Receives of five bytes stay with the kernel.</summary>
    private static void Reluctant(FakeKernel kernel)
    {
        Peer(kernel);
        kernel.On(IORING_OP_RECV).Always(op =>
        {
            if (op.Sqe.len != 5)
                op.Deliver("peer's bytes"u8);
        });
    }

    /// <summary>The group's first receive finds no buffer.</summary>
    private static void Dry(FakeKernel kernel)
    {
        Peer(kernel);
        bool dry = true;
        kernel.On(IORING_OP_RECV).Always(op =>
        {
            if (dry && op.SelectsBuffer)
                op.Finish(-Errno.ENOBUFS);
            else
                op.Deliver("peer's bytes"u8);
            dry = false;
        });
    }

    private sealed class Subscription : IDisposable
    {
        private readonly EventHandler<UnobservedFaultEventArgs> _handler;

        internal Subscription(EventHandler<UnobservedFaultEventArgs> handler) =>
            RingExecutor.UnobservedFault += _handler = handler;

        public void Dispose() => RingExecutor.UnobservedFault -= _handler;
    }

    private static void Check(OpResult result) => Assert.True(result.Res >= 0, result.ToString());

    private static async RingTask LeaseAsync(World w)
    {
        using ReadLease lease = await w.Connection.ReadLeaseAsync(w.Token);
        Assert.Equal("peer's bytes"u8, lease.Span);
    }

    private static async RingTask LeasesAsync(World w)
    {
        int count = 0;
        await foreach (ReadLease lease in w.Connection.ReadAllAsync(2, w.Token))
        {
            lease.Dispose();
            if (++count == 3)
                break;
        }
    }

    private static async RingTask AcceptAllAsync(World w)
    {
        await using RingListener listener = RingListener.Bind(World.AnyPort);
        int count = 0;
        await foreach (RingConnection accepted in listener.AcceptAllAsync(w.Token))
        {
            accepted.Dispose();
            if (++count == 3)
                break;
        }
    }

    private static async RingTask<RingFile> OpenAsync(World w) =>
        await RingFile.OpenAsync("/nowhere/file", FileMode.Open, FileAccess.ReadWrite, cancellationToken: w.Token);

    private static async RingTask Deep(int levels)
    {
        if (levels > 0)
            await Deep(levels - 1);
        await Op.Nop();
    }
}

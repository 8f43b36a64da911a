// Tests: what things cost, in SQEs, enters and CQEs: exact, because the kernel is played. Each scenario runs in an executor of its
// own, after a warm-up op that takes the wake-up's standing read with it, and is measured between two snapshots of the counters.
// docs/costs.md is made from this list and compared with it by CostTests.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Costs;

/// <summary>What a scenario did, and why.</summary>
internal sealed record Cost(string Scenario, long Sqes, long Enters, long Cqes, string Why);

internal static class CostScenarios
{
    private static readonly RingOptions s_options = new() { SqEntries = 128, CqEntries = 256 };

    internal static IEnumerable<Cost> All()
    {
        yield return OneRead();
        yield return LeasedRead();
        yield return HundredReads();
        yield return Chain();
        yield return PingPong();
        yield return EchoRoundTrip();
        yield return ThreeWrites();
        yield return IdleSecond();
        yield return UnreadCqes();
        yield return ConnectWithDeadline();
        yield return ReadWithTimeout();
        yield return CancelledRead();
        yield return TenConnections();
    }

    private static Cost Measure(string scenario, string why, FakeKernel kernel, Func<FakeKernel, RingTask> body)
    {
        RingCounters spent = default;
        using (kernel)
        {
            kernel.Run(async () =>
            {
                await Op.Nop();
                RingCounters before = RingExecutor.Current!.Counters;
                await body(kernel);
                spent = RingExecutor.Current!.Counters - before;
            }, s_options);
        }

        return new Cost(scenario, spent.Sqes, spent.Enters, spent.Cqes, why);
    }

    internal static Cost OneRead() => Measure(
        "one read", "One enter submits the receive and waits for it.", new FakeKernel(), async kernel =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            kernel.Hold(IORING_OP_RECV);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 5));
            Assert.Equal(5, await connection.ReadAsync(new byte[64]));
        });

    internal static Cost LeasedRead() => Measure(
        "one leased read", "As a read; the buffer is picked by the kernel, lent and given back through memory alone.", new FakeKernel(), async kernel =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            kernel.Hold(IORING_OP_RECV);
            kernel.WhenIdle(() => kernel.Deliver(IORING_OP_RECV, "hello"));
            using ReadLease lease = await connection.ReadLeaseAsync();
            Assert.Equal(5, lease.Length);
        });

    internal static Cost HundredReads() => Measure(
        "100 reads started together", "Reads started in one turn share one enter; so do their completions one reap.", new FakeKernel(), async kernel =>
        {
            kernel.On(IORING_OP_RECV).Always(5);
            var connections = new RingConnection[100];
            var reads = new ValueTask<int>[100];
            for (int i = 0; i < 100; i++)
            {
                connections[i] = RingConnection.Adopt(kernel.NewFd());
                reads[i] = connections[i].ReadAsync(new byte[64]);
            }

            for (int i = 0; i < 100; i++)
            {
                Assert.Equal(5, await reads[i]);
                connections[i].Dispose();
            }
        });

    internal static Cost Chain() => Measure(
        "a chain of three", "The kernel runs the steps one after the other; each has its own result.", new FakeKernel(), async kernel =>
        {
            using var file = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            kernel.On(IORING_OP_WRITE).Complete(64);
            kernel.On(IORING_OP_FSYNC).Complete(0);
            kernel.On(IORING_OP_READ).Complete(64);
            ChainResult chain = await Op.Write(file, new byte[64], 0).Then(Op.Fsync(file)).Then(Op.Read(file, new byte[64], 0));
            Assert.True(chain.IsSuccess);
        });

    internal static Cost PingPong() => Measure(
        "ping-pong of two tasks over a socket pair, 10 round trips",
        "A send completes inside its enter and so does the receive at the other end: each of the 20 messages costs one enter, which "
        + "takes the sender's next receive along.",
        new FakeKernel(), async kernel =>
        {
            (RingConnection left, RingConnection right) = Pair(kernel);
            RingTask echo = RingExecutor.Spawn(async () =>
            {
                byte[] memory = new byte[8];
                for (int i = 0; i < 10; i++)
                {
                    Assert.Equal(4, await right.ReadAsync(memory));
                    await right.WriteAsync(memory.AsMemory(0, 4));
                }
            });
            byte[] answer = new byte[8];
            for (int i = 0; i < 10; i++)
            {
                ValueTask<int> read = left.ReadAsync(answer);
                await left.WriteAsync("ping"u8.ToArray());
                Assert.Equal(4, await read);
            }

            await echo;
            left.Dispose();
            right.Dispose();
        });

    internal static Cost EchoRoundTrip() => Measure(
        "an echo round trip, seen by the server", "One enter takes the receive and waits for it, one takes the send, which completes inside it.",
        new FakeKernel(), async kernel =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            kernel.Hold(IORING_OP_RECV);
            kernel.On(IORING_OP_SEND).Always(5);
            kernel.WhenIdle(() => kernel.Deliver(IORING_OP_RECV, "hello"));
            using ReadLease lease = await connection.ReadLeaseAsync();
            await connection.WriteAsync(lease.Memory);
        });

    internal static Cost ThreeWrites() => Measure(
        "three writes to one connection at once", "One send at a time per connection: the first leaves alone, the others gathered.", new FakeKernel(), async kernel =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            kernel.On(IORING_OP_SEND).Always(5);
            kernel.On(IORING_OP_SENDMSG).Always(10);
            ValueTask[] writes = [connection.WriteAsync(new byte[5]), connection.WriteAsync(new byte[5]), connection.WriteAsync(new byte[5])];
            foreach (ValueTask write in writes)
                await write;
        });

    internal static Cost IdleSecond() => Measure(
        "an idle second with one timer", "A delay is no op: the earliest deadline bounds the enter's wait.", new FakeKernel(), async kernel =>
        {
            long before = kernel.NowNs;
            await RingExecutor.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal(1_000_000_000, kernel.NowNs - before);
        });

    internal static Cost UnreadCqes() => Measure(
        "a read that completes while another task runs (kernel without task work flags)",
        "One enter submits both; the read's CQE is there when the loop would sleep: it is reaped without an enter.",
        FakeKernel.Linux510(), async kernel =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            kernel.Hold(IORING_OP_RECV);
            ValueTask<int> read = connection.ReadAsync(new byte[64]);
            await Op.Nop();
            kernel.Complete(IORING_OP_RECV, 5);
            Assert.Equal(5, await read);
        });

    internal static Cost ConnectWithDeadline() => Measure(
        "a connect with a deadline", "The deadline stands in the timer heap; it would cost a cancel only if it struck.", new FakeKernel(), async kernel =>
        {
            kernel.Hold(IORING_OP_CONNECT);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_CONNECT, 0));
            var endPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 9);
            using RingConnection connection = await RingConnection.ConnectAsync(endPoint, TimeSpan.FromSeconds(5));
        });

    internal static Cost ReadWithTimeout() => Measure(
        "a read with Op.WithTimeout", "The deadline is a linked LINK_TIMEOUT with an SQE and a CQE of its own.", new FakeKernel(), async kernel =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            kernel.Hold(IORING_OP_RECV);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 5));
            Assert.Equal(5, (await Op.Recv(connection, new byte[64]).WithTimeout(TimeSpan.FromSeconds(5))).Res);
        });

    internal static Cost CancelledRead() => Measure(
        "a read, cancelled by its token", "The cancel is an op too, and the read ends with a CQE of its own.", new FakeKernel(), async kernel =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            kernel.Hold(IORING_OP_RECV);
            ValueTask<int> read = connection.ReadAsync(new byte[64], source.Token);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            source.Cancel();
            Assert.NotNull(await Caught.By(read));
        });

    internal static Cost TenConnections() => Measure(
        "ten connections accepted by one multishot accept", "One SQE arms it; each connection is a CQE, and those of one enter share it.", new FakeKernel(), async kernel =>
        {
            using var listener = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            int[] fds = [.. Enumerable.Range(0, 10).Select(_ => kernel.NewFd())];
            kernel.On(IORING_OP_ACCEPT).Run(op =>
            {
                foreach (int fd in fds[..9])
                    op.More(fd);
                op.Finish(fds[9]);
            });
            int taken = 0;
            await foreach (OpResult result in Op.Accept(listener).Multishot())
            {
                RingConnection.Adopt(result.Res).Dispose();
                if (++taken == 10)
                    break;
            }
        });

    /// <summary>Two ends of a stream: a send completes at once, and what it carried reaches the other end's receive.</summary>
    private static (RingConnection Left, RingConnection Right) Pair(FakeKernel kernel)
    {
        int left = kernel.NewFd();
        int right = kernel.NewFd();
        var unread = new Dictionary<int, Queue<byte[]>> { [left] = new(), [right] = new() };
        kernel.On(IORING_OP_RECV).Always(op =>
        {
            if (unread[op.Fd].TryDequeue(out byte[]? data))
                op.Deliver(data);
        });
        kernel.On(IORING_OP_SEND).Always(op =>
        {
            byte[] data = op.Payload();
            op.Finish(data.Length);
            int peer = op.Fd == left ? right : left;
            if (kernel.InFlight(IORING_OP_RECV).FirstOrDefault(receive => receive.Fd == peer) is { } waiting)
                waiting.Deliver(data);
            else
                unread[peer].Enqueue(data);
        });
        return (RingConnection.Adopt(left), RingConnection.Adopt(right));
    }
}

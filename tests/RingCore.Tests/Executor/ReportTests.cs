// Tests: Executor. What an executor tells of itself: the names of tasks, ops in flight, and the words of Explain.

using System.Runtime.CompilerServices;
using RingCore.Sys;

namespace RingCore.Tests.Executor;

public sealed class ReportTests
{
    [Fact]
    public void TaskNames_AreThoseOfTheSource()
    {
        Assert.Equal(nameof(Method), TaskName.Of(StateMachine(Method)));
        Assert.Equal(nameof(Generic), TaskName.Of(StateMachine(Generic<int>)));
        Assert.Equal("Local", TaskName.Of(StateMachine(Local)));
        Assert.Equal($"{nameof(TaskNames_AreThoseOfTheSource)} (lambda)", TaskName.Of(StateMachine(async () => await RingExecutor.Yield())));
        Assert.Equal(nameof(String), TaskName.Of(typeof(string)));

        static async RingTask Local() => await RingExecutor.Yield();
        static Type StateMachine(Func<RingTask> method) => method.Method.GetCustomAttributes(typeof(AsyncStateMachineAttribute), false)
            .Cast<AsyncStateMachineAttribute>().Single().StateMachineType;
    }

    [Fact]
    public void InFlight_TellsOpcodeFdTaskAndMemory()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            {
                RingTask reading = RingExecutor.Spawn(() => ReadsAByte(left));
                OpInfo op = Assert.Single(Live.InFlight());
                Assert.Equal(io_uring_op.IORING_OP_RECV, op.Opcode);
                Assert.Equal(left.Fd, op.Fd);
                Assert.Equal(nameof(ReadsAByte), op.Task);
                Assert.Equal(100, op.BytesLent);
                Assert.False(op.CancelAsked);
                Assert.Contains($"fd={left.Fd}", op.ToString(), StringComparison.Ordinal);
                Assert.Equal(1, RingExecutor.Current!.Counters.InFlight);
                await right.WriteAsync(new byte[1]);
                await reading;
                Assert.Empty(Live.InFlight());
            }
        });
    }

    [Fact]
    public void InFlight_FromAnotherThread_Throws()
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(() => ring.InFlight()));
            await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(() => ring.LeasesOut()));
        });
    }

    [Fact]
    public void Explain_TellsTheSqeAndWhatTheKernelDoes()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            {
                int fd = left.Fd;
                Assert.StartsWith("IORING_OP_NOP · ", Op.Nop().Explain(), StringComparison.Ordinal);
                Contains(Op.Recv(left, new byte[10]), $"IORING_OP_RECV fd={fd} addr=memory[10] len=10 msg_flags=0x0", "without a thread");
                Contains(Op.Send(left, new byte[10]), "IORING_OP_SEND", "msg_flags=0x4000"); // MSG_NOSIGNAL.
                Contains(Op.Read(left, new byte[3]), "off=-1 (current position)");
                Contains(Op.Write(left, new byte[3], offset: 7), "off=7", "len=3");
                Contains(Op.Readv(left, [new byte[1], new byte[2]]), "iovec[2] len=2");
                Contains(Op.Writev(left, [new byte[1], new byte[2]]), "iovec[2] len=2");
                Contains(Op.SendMsg(left, [new byte[1]]), "msghdr(iovec[1]) len=1");
                Contains(Op.Accept(left), "IORING_OP_ACCEPT");
                Contains(Op.Connect(left, new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 80)), "sockaddr(127.0.0.1:80)", "addrlen");
                Contains(Op.Timeout(TimeSpan.FromMilliseconds(1500)), "timespec(1.5 s)", "success");
                Contains(Op.Cancel(new OpId(0x1_0000_0002)), "user_data(slot=2 gen=1)");
                Contains(Op.OpenAt("a/b", FileConstants.O_RDONLY), "AT_FDCWD", "\"a/b\"", "mode(666)");
                Contains(Op.Poll(left, SocketConstants.POLLIN), "poll32_events=0x1");
                Contains(Op.Fsync(left), "fsync_flags=0", "worker");
                Contains(Op.Fsync(left, dataOnly: true), "fsync_flags=1");
                Contains(Op.Shutdown(left, 1), "how(1)", "worker");
                Contains(Op.Socket(SocketConstants.AF_INET, SocketConstants.SOCK_STREAM), "domain(2)", "protocol(0)");
                Contains(Op.Close(5), "fd=5");
                Contains(Op.Nop().WithTimeout(TimeSpan.FromSeconds(2)), "IO_LINK", "IORING_OP_LINK_TIMEOUT", "timespec(2 s)");
                string chain = Op.Nop().Then(Op.Nop()).Explain();
                Assert.Equal(2, chain.Split(Environment.NewLine).Length);
                Assert.Contains("IO_LINK to the next", chain, StringComparison.Ordinal);
                Assert.Contains("multishot", Op.Accept(left).Multishot().Explain(), StringComparison.Ordinal);
                long enters = RingExecutor.Current!.Counters.Sqes;
                Assert.Empty(Live.InFlight()); // Nothing was submitted for any of it.
                Assert.Equal(enters, RingExecutor.Current!.Counters.Sqes);
                Op gone = Op.Recv(left, new byte[1]);
                left.Dispose();
                Contains(gone, "fd=disposed");
                await RingExecutor.Yield();
            }
        });

        static void Contains(Op op, params string[] parts)
        {
            Assert.All(parts, part => Assert.Contains(part, op.Explain(), StringComparison.Ordinal));
            Assert.Equal(op.Explain(), op.ToString());
        }
    }

    private static async RingTask ReadsAByte(RingConnection connection) => Assert.Equal(1, await connection.ReadAsync(new byte[100]));

    private static async RingTask Method() => await RingExecutor.Yield();

    private static async RingTask Generic<T>()
    {
        await RingExecutor.Yield();
        _ = typeof(T);
    }
}

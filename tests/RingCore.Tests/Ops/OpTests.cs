// Tests: one op through the whole stack: the SQE each description writes, the two lifetimes, stale and doubled CQEs, handles that
// close only when the last loan is back.

using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class OpTests
{
    private static readonly byte[] s_memory = GC.AllocateArray<byte>(64, pinned: true);

    private static unsafe ulong Address => (ulong)Unsafe.AsPointer(ref s_memory[0]);

    /// <summary>Awaits one op that ends with 0, and gives the SQE the kernel saw.</summary>
    private static io_uring_sqe SqeOf(Func<RingHandle, Op> describe, out int fd)
    {
        using var kernel = new FakeKernel();
        io_uring_op code = IORING_OP_NOP;
        int handleFd = -1;
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(handleFd = kernel.NewFd(), ownsFd: true);
            Op op = describe(handle);
            code = op.Code;
            kernel.On(code).Complete(0);
            Assert.Equal(0, (await op).Res);
        });
        fd = handleFd;
        return kernel.Taken.First(op => op.Opcode == code).Sqe;
    }

    /// <summary>Without the check the kernel would be given fd 0: standard input.</summary>
    [Fact]
    public void NoHandle_IsRefusedByEveryOpThatTakesOne()
    {
        MethodInfo[] ops = [.. typeof(Op).GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Where(method => method.GetParameters().Any(parameter => parameter.ParameterType == typeof(RingHandle)))];
        Assert.True(ops.Length > 15, $"{ops.Length} ops");
        foreach (MethodInfo op in ops)
        {
            object?[] arguments = [.. op.GetParameters().Select(parameter => ValueFor(parameter.ParameterType))];
            Exception? thrown = Assert.Throws<TargetInvocationException>(() => op.Invoke(null, arguments)).InnerException;
            Assert.True(thrown is ArgumentNullException, $"{op}: {thrown}");
        }

        static object? ValueFor(Type type) =>
            type == typeof(RingHandle) ? null
            : type == typeof(Memory<byte>) ? new Memory<byte>(new byte[RingFileStatus.Size])
            : type == typeof(EndPoint) ? new IPEndPoint(IPAddress.Loopback, 1)
            : type.IsInterface ? Array.CreateInstance(type.GenericTypeArguments[0], 1)
            : RuntimeHelpers.GetUninitializedObject(type);
    }

    [Fact]
    public void Read_WritesItsSqe()
    {
        io_uring_sqe sqe = SqeOf(handle => Op.Read(handle, s_memory, 77), out int fd);
        Assert.Equal((fd, 77ul, Address, 64u, (byte)0), (sqe.fd, sqe.off, sqe.addr, sqe.len, sqe.flags));
    }

    [Fact]
    public void Write_AtTheFilesPosition()
    {
        io_uring_sqe sqe = SqeOf(handle => Op.Write(handle, s_memory.AsMemory(8, 5)), out int fd);
        Assert.Equal((fd, ulong.MaxValue, Address + 8, 5u), (sqe.fd, sqe.off, sqe.addr, sqe.len));
    }

    [Fact]
    public void RecvAndSend_CarryMessageFlags()
    {
        io_uring_sqe recv = SqeOf(handle => Op.Recv(handle, s_memory, SocketConstants.MSG_WAITALL), out int fd);
        Assert.Equal((fd, Address, 64u, (uint)SocketConstants.MSG_WAITALL), (recv.fd, recv.addr, recv.len, recv.msg_flags));
        io_uring_sqe send = SqeOf(handle => Op.Send(handle, s_memory), out _);
        Assert.Equal((uint)SocketConstants.MSG_NOSIGNAL, send.msg_flags);
    }

    [Fact]
    public void SmallOps_WriteTheirSqes()
    {
        io_uring_sqe accept = SqeOf(Op.Accept, out int fd);
        Assert.Equal((fd, (uint)SocketConstants.SOCK_CLOEXEC, 0ul, 0ul), (accept.fd, accept.accept_flags, accept.addr, accept.off));
        io_uring_sqe poll = SqeOf(handle => Op.Poll(handle, SocketConstants.POLLIN), out fd);
        Assert.Equal((fd, (uint)SocketConstants.POLLIN, 0u), (poll.fd, poll.poll32_events, poll.len));
        io_uring_sqe sync = SqeOf(handle => Op.Fsync(handle, dataOnly: true), out fd);
        Assert.Equal((fd, OpFlags.IORING_FSYNC_DATASYNC), (sync.fd, sync.fsync_flags));
        io_uring_sqe shutdown = SqeOf(handle => Op.Shutdown(handle, 2), out fd);
        Assert.Equal((fd, 2u), (shutdown.fd, shutdown.len));
        io_uring_sqe socket = SqeOf(_ => Op.Socket(2, 1, 6), out _);
        Assert.Equal((2, (ulong)(1 | SocketConstants.SOCK_CLOEXEC), 6u), (socket.fd, socket.off, socket.len));
        io_uring_sqe cancel = SqeOf(_ => Op.Cancel(new OpId(0x1_0000_0007)), out _);
        Assert.Equal((-1, 0x1_0000_0007ul, 0u), (cancel.fd, cancel.addr, cancel.cancel_flags));
        io_uring_sqe close = SqeOf(_ => Op.Close(12345), out _);
        Assert.Equal((12345, 0u), (close.fd, close.file_index));
    }

    [Fact]
    public unsafe void StructsBehindTheSqe_AreWhatTheKernelReads()
    {
        using var kernel = new FakeKernel();
        var seen = new List<string>();
        kernel.On(IORING_OP_OPENAT).Run(op =>
        {
            seen.Add(new string((sbyte*)op.Sqe.addr));
            seen.Add($"{op.Fd == FileConstants.AT_FDCWD} {(op.Sqe.open_flags & FileConstants.O_CLOEXEC) != 0} {Convert.ToString(op.Sqe.len, 8)}");
            op.Finish(-Errno.ENOENT);
        });
        kernel.On(IORING_OP_CONNECT).Run(op =>
        {
            seen.Add($"{op.Sqe.off} {Convert.ToHexString(new ReadOnlySpan<byte>((void*)op.Sqe.addr, 8))}");
            op.Finish(0);
        });
        kernel.On(IORING_OP_WRITEV).Run(op =>
        {
            seen.Add($"{op.Sqe.len} {op.Text()}");
            op.Finish(5);
        });
        kernel.On(IORING_OP_SENDMSG).Run(op =>
        {
            seen.Add($"{op.Sqe.len} {op.Text()}");
            op.Finish(5);
        });
        kernel.On(IORING_OP_TIMEOUT).Run(op =>
        {
            seen.Add($"{((__kernel_timespec*)op.Sqe.addr)->tv_sec} {((__kernel_timespec*)op.Sqe.addr)->tv_nsec} {op.Sqe.len} {op.Sqe.off}");
            op.Finish(-Errno.ETIME);
        });
        kernel.Run(() => StructsBody(kernel));
        Assert.Equal(["a/ü", "True True 666", "16 02001F907F000001", "2 abcde", "1 abcde", "1 500000100 1 0"], seen);
    }

    private static async RingTask StructsBody(FakeKernel kernel)
    {
        using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
        ReadOnlyMemory<byte>[] parts = ["abc"u8.ToArray(), "de"u8.ToArray()];
        Assert.Equal(Errno.ENOENT, (await Op.OpenAt("a/ü", FileConstants.O_RDONLY)).Errno);
        Assert.True((await Op.Connect(handle, new IPEndPoint(IPAddress.Loopback, 8080))).IsSuccess);
        Assert.Equal(5, (await Op.Writev(handle, parts)).Res);
        Assert.Equal(5, (await Op.SendMsg(handle, parts)).Res);
        Assert.Equal(-Errno.ETIME, (await Op.Timeout(TimeSpan.FromTicks(15_000_001))).Res);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(int.MaxValue)]
    [InlineData(-Errno.ECONNRESET)]
    [InlineData(-4095)]
    public void AnyResult_ComesBackAsAValue(int res)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_NOP).Complete(res, 0x8000_0000);
        kernel.Run(async () => Assert.Equal(new OpResult(res, 0x8000_0000), await Op.Nop()));
    }

    [Fact]
    public void OneDescription_CanBeAwaitedTwice()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_NOP).Complete(1).Complete(2);
        kernel.Run(async () =>
        {
            Op op = Op.Nop();
            Assert.Equal(1, (await op).Res);
            Assert.Equal(2, (await op).Res);
        });
    }

    [Fact]
    public void SecondAwaitOfOneStart_Throws()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            ValueTask<OpResult> started = Op.Nop().Start();
            await started;
            Assert.IsType<InvalidOperationException>(await Caught.By(started));
        });
    }

    [Fact]
    public void CompletedBeforeAwaited_IsDelivered()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_NOP).Complete(7).Complete(0);
        kernel.Run(async () =>
        {
            ValueTask<OpResult> early = Op.Nop().Start();
            await Op.Nop();
            Assert.True(early.IsCompleted);
            Assert.Equal(7, (await early).Res);
        });
    }

    [Fact]
    public void BlockingOnTheResult_Throws()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            ValueTask<OpResult> started = Op.Nop().Start();
            Assert.Throws<InvalidOperationException>(() => started.GetAwaiter().GetResult());
            await started;
        });
    }

    [Fact]
    public void ReorderedCompletions_ReachTheirOwnAwaits()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.WhenIdle(() =>
        {
            IReadOnlyList<FakeOp> held = kernel.InFlight(IORING_OP_RECV);
            for (int i = held.Count - 1; i >= 0; i--)
                held[i].Finish(i + 1);
        });
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            var started = new ValueTask<OpResult>[6];
            for (int i = 0; i < started.Length; i++)
                started[i] = Op.Recv(handle, new byte[16]).Start();
            for (int i = 0; i < started.Length; i++)
                Assert.Equal(i + 1, (await started[i]).Res);
        });
    }

    [Fact]
    public void StaleGeneration_IsCountedAndTouchesNobody()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await Op.Nop();
            ulong old = kernel.All[^1].UserData;
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ValueTask<OpResult> read = Op.Recv(handle, new byte[8]).Start(out OpId key);
            Assert.Equal((int)(uint)old, key.Slot); // The same slot, of a later generation.
            await Op.Nop();
            kernel.Post(old, 99, 0);
            await Op.Nop();
            Assert.False(read.IsCompleted);
            Assert.Equal(1, RingExecutor.Current!.Counters.StaleCqes);
            kernel.Complete(IORING_OP_RECV, 3);
            Assert.Equal(3, (await read).Res);
        }, staleCqes: 1);
    }

    [Fact]
    public void SecondTerminalCqe_IsStale()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_NOP).Run(op =>
        {
            op.Finish(1);
            kernel.Post(op.UserData, 2, 0);
        });
        kernel.Run(async () =>
        {
            Assert.Equal(1, (await Op.Nop()).Res);
            Assert.Equal(0, (await Op.Nop()).Res);
        }, staleCqes: 1);
    }

    [Fact]
    public void DisposedHandle_RefusesNewOps()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op op = Op.Recv(handle, new byte[8]);
            handle.Dispose();
            Assert.Throws<ObjectDisposedException>(() => op.Start());
            await Op.Nop();
        });
        Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_RECV);
    }

    [Fact]
    public void DisposeWithOpsInFlight_ClosesAfterTheLastTerminalCqe()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.NeverCancels(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            int fd = kernel.NewFd();
            var handle = RingHandle.Adopt(fd, ownsFd: true);
            ValueTask<OpResult> first = Op.Recv(handle, new byte[8]).Start();
            ValueTask<OpResult> second = Op.Recv(handle, new byte[8]).Start();
            await Op.Nop();
            Assert.Equal(2, handle.InFlight);
            ValueTask closed = handle.DisposeAsync();
            await Op.Nop();
            Assert.DoesNotContain(fd, kernel.Closes);
            kernel.Complete(IORING_OP_RECV, 1);
            Assert.Equal(1, (await first).Res);
            Assert.DoesNotContain(fd, kernel.Closes);
            kernel.Complete(IORING_OP_RECV, 2);
            Assert.Equal(2, (await second).Res);
            await closed;
            Assert.Equal(1, kernel.Closes.Count(number => number == fd));
        });
    }

    [Fact]
    public void BorrowedFd_IsNotClosed()
    {
        using var kernel = new FakeKernel();
        int fd = kernel.NewFd();
        using (var ring = new Ring(kernel.Options()))
            Assert.True(ring.Fd > fd);
        RingExecutor.Run(async () =>
        {
            RingHandle.Adopt(fd, ownsFd: false).Dispose();
            await Op.Nop();
        }, kernel.Options());
        Assert.Equal([fd], kernel.OpenFds);
    }

    [Fact]
    public void InFlightList_TellsOpAgeTaskAndLoan()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            RingTask<int> reader = RingExecutor.Spawn(() => ReadOnce(handle));
            OpInfo info = Assert.Single(RingExecutor.Current!.InFlight());
            Assert.Equal((IORING_OP_RECV, handle.Fd, 24, false), (info.Opcode, info.Fd, info.BytesLent, info.CancelAsked));
            Assert.Equal(nameof(ReadOnce), info.Task);
            await Op.Nop(); // Prepared in the first turn, before the loop has read its clock.
            Assert.InRange(RingExecutor.Current!.InFlight()[0].Age, TimeSpan.Zero, TimeSpan.FromMinutes(1));
            handle.CancelAll();
            Assert.True(RingExecutor.Current!.InFlight()[0].CancelAsked);
            Assert.Equal(-Errno.ECANCELED, await reader);
            Assert.Empty(RingExecutor.Current!.InFlight());
        });

        static async RingTask<int> ReadOnce(RingHandle handle) => (await Op.Recv(handle, new byte[24])).Res;
    }
}

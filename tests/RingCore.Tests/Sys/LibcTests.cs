// Tests: Sys. Each wrapper answers >= 0 or -errno, and a request goes through a raw ring by the
// structs and constants of this folder alone. Rings may be forbidden where tests run (containers):
// tests that need one are skipped then. The plain calls need no privileges.
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.SocketConstants;

namespace RingCore.Tests.Sys;

public sealed unsafe class LibcTests
{
    [Fact]
    public void BadDescriptor_IsMinusEbadf_Everywhere()
    {
        byte b = 0;
        int value = 0;
        uint length = 4;
        Assert.Equal(-EBADF, Libc.close(-1));
        Assert.Equal(-EBADF, Libc.read(-1, &b, 1));
        Assert.Equal(-EBADF, Libc.write(-1, &b, 1));
        Assert.Equal(-EBADF, Libc.bind(-1, &b, 1));
        Assert.Equal(-EBADF, Libc.connect(-1, &b, 1));
        Assert.Equal(-EBADF, Libc.listen(-1, 1));
        Assert.Equal(-EBADF, Libc.shutdown(-1, SHUT_RDWR));
        Assert.Equal(-EBADF, Libc.fcntl(-1, F_GETFL, 0));
        Assert.Equal(-EBADF, Libc.setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &value, 4));
        Assert.Equal(-EBADF, Libc.getsockopt(-1, SOL_SOCKET, SO_ERROR, &value, &length));
        Assert.Equal(-EBADF, Libc.getsockname(-1, &value, &length));
        Assert.Equal(-EBADF, Libc.getpeername(-1, &value, &length));
    }

    [Fact]
    public void BadArguments_AreMinusErrno()
    {
        int pair = 0;
        Assert.Equal(-EINVAL, Libc.munmap((void*)1, 4096));
        Assert.Equal(-EINVAL, Libc.madvise((void*)4096, 4096, 9999));
        Assert.Equal(-EINVAL, Libc.eventfd(0, -1));
        Assert.Equal(-EAFNOSUPPORT, Libc.socket(9999, SOCK_STREAM, 0));
        Assert.Equal(-EAFNOSUPPORT, Libc.socketpair(9999, SOCK_STREAM, 0, &pair));
        Assert.Equal(-EINVAL, Libc.pipe2(&pair, -1));
        Assert.Equal(-EINVAL, Libc.prctl(-1, 0, 0, 0, 0));
        fixed (byte* missing = "/nonexistent/name\0"u8)
        {
            Assert.Equal(-ENOENT, Libc.open(missing, O_RDONLY, 0));
            Assert.Equal(-ENOENT, Libc.unlink(missing));
        }
    }

    [Fact]
    public void Mmap_FailureIsASmallNegativeNumber_AndNeverAnAddress()
    {
        const int ReadWrite = PROT_READ | PROT_WRITE;
        Assert.Equal(-EINVAL, Libc.mmap(null, 0, ReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        Assert.Equal(-EBADF, Libc.mmap(null, 4096, ReadWrite, MAP_SHARED, -1, 0));
        Assert.Equal(-EINVAL, Libc.mmap(null, 4096, ReadWrite, MAP_PRIVATE, -1, 1));

        nint page = Libc.mmap(null, 4096, ReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        Assert.True(page > 0);
        *(int*)page = 42;
        Assert.Equal(0, Libc.madvise((void*)page, 4096, MADV_DONTFORK));
        Assert.Equal(0, Libc.munmap((void*)page, 4096));
    }

    [Fact]
    public void IoUringCalls_FailureIsMinusErrno()
    {
        io_uring_params parameters = default;
        int setup = Libc.io_uring_setup(0, &parameters);
        Assert.SkipWhen(setup is -EPERM or -ENOSYS or -EACCES, "io_uring is not available here");
        Assert.Equal(-EINVAL, setup);
        parameters.flags = 0x80000000;
        Assert.Equal(-EINVAL, Libc.io_uring_setup(8, &parameters));
        Assert.Equal(-EFAULT, Libc.io_uring_setup(8, null));
        Assert.Equal(-EBADF, Libc.io_uring_enter(-1, 0, 0, 0, null, 0));
        Assert.Equal(-EINVAL, Libc.io_uring_enter(-1, 0, 0, 0x80000000, null, 0));
        // Not -1 here: newer kernels run some register operations without a ring and refuse others.
        const int NeverOpen = int.MaxValue;
        const uint Unregister = RegisterOps.IORING_UNREGISTER_FILES;
        Assert.Equal(-EBADF, Libc.io_uring_register(NeverOpen, Unregister, null, 0));
    }

    [Fact]
    public void Errno_SurvivesAGarbageCollectionAtTheReturn()
    {
        // Collections in a row on another thread make many returns from native code meet one.
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
            }
        });
        collector.Start();
        try
        {
            // Half a second at most: on a busy machine each collection takes its time.
            long end = Environment.TickCount64 + 500;
            for (int i = 0; i < 20_000 && Environment.TickCount64 < end; i++)
            {
                int expected = (i & 1) == 0 ? -EBADF : -EINVAL;
                int result = (i & 1) == 0 ? Libc.close(-1) : Libc.munmap((void*)1, 4096);
                Assert.Equal(expected, result);
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    [Fact]
    public void PipeReadWriteClose_MoveBytes()
    {
        int* fds = stackalloc int[2];
        Assert.Equal(0, Libc.pipe2(fds, O_CLOEXEC | O_NONBLOCK));
        byte b = 7;
        Assert.Equal(-EAGAIN, Libc.read(fds[0], &b, 1));
        Assert.Equal(1, Libc.write(fds[1], &b, 1));
        b = 0;
        Assert.Equal(1, Libc.read(fds[0], &b, 1));
        Assert.Equal(7, b);
        Assert.Equal(O_WRONLY | O_NONBLOCK, Libc.fcntl(fds[1], F_GETFL, 0));
        Assert.Equal(0, Libc.close(fds[0]));
        Assert.Equal(-EPIPE, Libc.write(fds[1], &b, 1));
        Assert.Equal(0, Libc.close(fds[1]));
        Assert.Equal(-EBADF, Libc.close(fds[1]));
    }

    [Fact]
    public void Eventfd_Counts()
    {
        int fd = Libc.eventfd(3, EFD_CLOEXEC | EFD_NONBLOCK);
        Assert.True(fd >= 0);
        ulong value = 4;
        Assert.Equal(8, Libc.write(fd, &value, 8));
        Assert.Equal(8, Libc.read(fd, &value, 8));
        Assert.Equal(7ul, value);
        Assert.Equal(-EAGAIN, Libc.read(fd, &value, 8));
        Assert.Equal(0, Libc.close(fd));
    }

    [Fact]
    public void Socketpair_ShutdownEndsTheStream()
    {
        int* fds = stackalloc int[2];
        Assert.Equal(0, Libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
        byte b = 9;
        Assert.Equal(1, Libc.write(fds[0], &b, 1));
        Assert.Equal(0, Libc.shutdown(fds[0], SHUT_WR));
        Assert.Equal(1, Libc.read(fds[1], &b, 1));
        Assert.Equal(0, Libc.read(fds[1], &b, 1));
        Assert.Equal(0, Libc.close(fds[0]));
        Assert.Equal(0, Libc.close(fds[1]));
    }

    [Fact]
    public void TcpSocket_BindsListensAndKnowsItsAddress()
    {
        int fd = Libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
        Assert.True(fd >= 0);
        int on = 1;
        Assert.Equal(0, Libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(int)));
        Assert.Equal(0, Libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(int)));
        sockaddr_in address = default;
        address.sin_family = AF_INET;
        address.sin_addr = 0x0100007f; // 127.0.0.1 in network byte order
        Assert.Equal(0, Libc.bind(fd, &address, (uint)sizeof(sockaddr_in)));
        Assert.Equal(0, Libc.listen(fd, 16));

        int listening = 0;
        uint length = sizeof(int);
        Assert.Equal(0, Libc.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length));
        Assert.Equal((1, 4u), (listening, length));

        sockaddr_storage bound = default;
        length = (uint)sizeof(sockaddr_storage);
        Assert.Equal(0, Libc.getsockname(fd, &bound, &length));
        Assert.Equal((uint)sizeof(sockaddr_in), length);
        Assert.Equal((ushort)AF_INET, bound.ss_family);
        Assert.NotEqual((ushort)0, ((sockaddr_in*)&bound)->sin_port);
        Assert.Equal(-ENOTCONN, Libc.getpeername(fd, &bound, &length));
        Assert.Equal(0, Libc.close(fd));
    }

    [Fact]
    public void UnixSocketPath_IsMadeAndUnlinked()
    {
        string path = Path.Combine(Path.GetTempPath(), $"rc-{Guid.NewGuid():N}.sock");
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        Assert.True(bytes.Length <= 108, path);
        sockaddr_un address = default;
        address.sun_family = AF_UNIX;
        bytes.CopyTo(new Span<byte>(address.sun_path, 108));

        int fd = Libc.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        Assert.True(fd >= 0);
        Assert.Equal(0, Libc.bind(fd, &address, (uint)sizeof(sockaddr_un)));
        Assert.True(File.Exists(path));
        Assert.Equal(0, Libc.unlink(address.sun_path));
        Assert.False(File.Exists(path));
        Assert.Equal(0, Libc.close(fd));
    }

    [Fact]
    public void Open_MakesAFile()
    {
        string path = Path.Combine(Path.GetTempPath(), $"rc-{Guid.NewGuid():N}.tmp");
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(path + '\0');
        fixed (byte* name = bytes)
        {
            int fd = Libc.open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0x180); // 0600
            Assert.True(fd >= 0);
            Assert.Equal(0, Libc.close(fd));
            Assert.Equal(-EEXIST, Libc.open(name, O_RDWR | O_CREAT | O_EXCL, 0x180));
            Assert.Equal(0, Libc.unlink(name));
        }
    }

    [Fact]
    public void ClockAndPid_AgreeWithTheBaseLibrary()
    {
        Assert.Equal(Environment.ProcessId, Libc.getpid());
        long first = Libc.clock_gettime_ns();
        Thread.Sleep(2);
        long second = Libc.clock_gettime_ns();
        Assert.InRange(second - first, 2_000_000, 10_000_000_000);
    }

    [Fact]
    public void NopThroughARawRing_ComesBackWithItsUserData()
    {
        io_uring_params p = default;
        int fd = Libc.io_uring_setup(4, &p);
        Assert.SkipWhen(fd is -EPERM or -ENOSYS or -EACCES, "io_uring is not available here");
        Assert.True(fd >= 0, Describe(fd));
        Assert.Equal((4u, 8u), (p.sq_entries, p.cq_entries));
        Assert.NotEqual(0u, p.features & Features.IORING_FEAT_SINGLE_MMAP);

        nuint ringSize = Math.Max(
            p.sq_off.array + p.sq_entries * sizeof(uint),
            p.cq_off.cqes + p.cq_entries * (uint)sizeof(io_uring_cqe));
        nuint sqesSize = p.sq_entries * (uint)sizeof(io_uring_sqe);
        byte* ring = Map(fd, ringSize, MmapOffsets.IORING_OFF_SQ_RING);
        var sqes = (io_uring_sqe*)Map(fd, sqesSize, MmapOffsets.IORING_OFF_SQES);
        Assert.Equal(3u, *(uint*)(ring + p.sq_off.ring_mask));
        Assert.Equal(4u, *(uint*)(ring + p.sq_off.ring_entries));
        Assert.Equal(7u, *(uint*)(ring + p.cq_off.ring_mask));
        Assert.Equal(8u, *(uint*)(ring + p.cq_off.ring_entries));

        sqes[0] = default;
        sqes[0].opcode = io_uring_op.IORING_OP_NOP;
        sqes[0].user_data = 0x1122334455667788;
        sqes[1] = default;
        sqes[1].opcode = (io_uring_op)255;
        sqes[1].user_data = ulong.MaxValue;
        var array = (uint*)(ring + p.sq_off.array);
        (array[0], array[1]) = (0, 1);
        // Release: pairs with the kernel's acquire of the SQ tail.
        Volatile.Write(ref *(uint*)(ring + p.sq_off.tail), 2u);

        const uint Wait = EnterFlags.IORING_ENTER_GETEVENTS;
        Assert.Equal(1, Libc.io_uring_enter(fd, 1, 1, Wait, null, 8));
        Assert.Equal(1, Libc.io_uring_enter(fd, 1, 2, Wait, null, 8));
        // Acquire: pairs with the kernel's release of the CQ tail.
        Assert.Equal(2u, Volatile.Read(ref *(uint*)(ring + p.cq_off.tail)));
        Assert.Equal(2u, *(uint*)(ring + p.sq_off.head));
        var cqes = (io_uring_cqe*)(ring + p.cq_off.cqes);
        Assert.Equal((0x1122334455667788ul, 0), (cqes[0].user_data, cqes[0].res));
        Assert.Equal((0u, 0u), (cqes[0].flags, cqes[1].flags));
        Assert.Equal((ulong.MaxValue, -EINVAL), (cqes[1].user_data, cqes[1].res));

        Assert.Equal(0, Libc.munmap(sqes, sqesSize));
        Assert.Equal(0, Libc.munmap(ring, ringSize));
        Assert.Equal(0, Libc.close(fd));
    }

    [Fact]
    public void EnterWithTimeout_IsMinusEtime()
    {
        io_uring_params p = default;
        int fd = Libc.io_uring_setup(4, &p);
        Assert.SkipWhen(fd is -EPERM or -ENOSYS or -EACCES, "io_uring is not available here");
        Assert.True(fd >= 0, Describe(fd));
        bool extArg = (p.features & Features.IORING_FEAT_EXT_ARG) != 0;
        Assert.SkipUnless(extArg, "needs EXT_ARG (5.11)");

        const uint Wait = EnterFlags.IORING_ENTER_GETEVENTS | EnterFlags.IORING_ENTER_EXT_ARG;
        __kernel_timespec timeout = new() { tv_nsec = 1_000_000 };
        io_uring_getevents_arg arg = new() { sigmask_sz = 8, ts = (ulong)&timeout };
        nuint size = (nuint)sizeof(io_uring_getevents_arg);
        Assert.Equal(-ETIME, Libc.io_uring_enter(fd, 0, 1, Wait, &arg, size));
        Assert.Equal(0, Libc.close(fd));
    }

    [Fact]
    public void Probe_ReportsOpcodesInOurLayout()
    {
        io_uring_params p = default;
        int fd = Libc.io_uring_setup(4, &p);
        Assert.SkipWhen(fd is -EPERM or -ENOSYS or -EACCES, "io_uring is not available here");
        Assert.True(fd >= 0, Describe(fd));
        byte* memory = stackalloc byte[16 + 256 * 8];
        new Span<byte>(memory, 16 + 256 * 8).Clear();
        Assert.Equal(0, Libc.io_uring_register(fd, RegisterOps.IORING_REGISTER_PROBE, memory, 256));
        Assert.Equal(0, Libc.close(fd));

        var probe = (io_uring_probe*)memory;
        var ops = (io_uring_probe_op*)(memory + sizeof(io_uring_probe));
        Assert.True(probe->last_op >= (byte)io_uring_op.IORING_OP_TEE);
        Assert.Equal(probe->last_op + 1, probe->ops_len);
        for (int i = 0; i < probe->ops_len; i++)
        {
            Assert.Equal(i, ops[i].op);
        }

        var recv = (int)io_uring_op.IORING_OP_RECV;
        Assert.Equal(OpFlags.IO_URING_OP_SUPPORTED, ops[recv].flags);
    }

    private static byte* Map(int fd, nuint size, ulong offset)
    {
        nint address = Libc.mmap(
            null, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (long)offset);
        Assert.True(address > 0, address.ToString());
        return (byte*)address;
    }
}

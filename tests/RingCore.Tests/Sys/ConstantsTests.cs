// Tests: Sys. The value of every constant and opcode, as literals taken from the interface
// description and compared by name and C# type. Each test also fails when its class has a constant
// without a line here, so that none can be added or renamed unseen.
// Error numbers are in ErrnoTests.
using System.Reflection;
using RingCore.Sys;

namespace RingCore.Tests.Sys;

public sealed class ConstantsTests
{
    [Fact]
    public void Opcodes_HaveTheKernelsNumbers()
    {
        (string, object)[] golden =
        [
            ("IORING_OP_NOP", (byte)0),
            ("IORING_OP_READV", (byte)1),
            ("IORING_OP_WRITEV", (byte)2),
            ("IORING_OP_FSYNC", (byte)3),
            ("IORING_OP_READ_FIXED", (byte)4),
            ("IORING_OP_WRITE_FIXED", (byte)5),
            ("IORING_OP_POLL_ADD", (byte)6),
            ("IORING_OP_POLL_REMOVE", (byte)7),
            ("IORING_OP_SYNC_FILE_RANGE", (byte)8),
            ("IORING_OP_SENDMSG", (byte)9),
            ("IORING_OP_RECVMSG", (byte)10),
            ("IORING_OP_TIMEOUT", (byte)11),
            ("IORING_OP_TIMEOUT_REMOVE", (byte)12),
            ("IORING_OP_ACCEPT", (byte)13),
            ("IORING_OP_ASYNC_CANCEL", (byte)14),
            ("IORING_OP_LINK_TIMEOUT", (byte)15),
            ("IORING_OP_CONNECT", (byte)16),
            ("IORING_OP_FALLOCATE", (byte)17),
            ("IORING_OP_OPENAT", (byte)18),
            ("IORING_OP_CLOSE", (byte)19),
            ("IORING_OP_FILES_UPDATE", (byte)20),
            ("IORING_OP_STATX", (byte)21),
            ("IORING_OP_READ", (byte)22),
            ("IORING_OP_WRITE", (byte)23),
            ("IORING_OP_FADVISE", (byte)24),
            ("IORING_OP_MADVISE", (byte)25),
            ("IORING_OP_SEND", (byte)26),
            ("IORING_OP_RECV", (byte)27),
            ("IORING_OP_OPENAT2", (byte)28),
            ("IORING_OP_EPOLL_CTL", (byte)29),
            ("IORING_OP_SPLICE", (byte)30),
            ("IORING_OP_PROVIDE_BUFFERS", (byte)31),
            ("IORING_OP_REMOVE_BUFFERS", (byte)32),
            ("IORING_OP_TEE", (byte)33),
            ("IORING_OP_SHUTDOWN", (byte)34),
            ("IORING_OP_RENAMEAT", (byte)35),
            ("IORING_OP_UNLINKAT", (byte)36),
            ("IORING_OP_MKDIRAT", (byte)37),
            ("IORING_OP_SYMLINKAT", (byte)38),
            ("IORING_OP_LINKAT", (byte)39),
            ("IORING_OP_MSG_RING", (byte)40),
            ("IORING_OP_FSETXATTR", (byte)41),
            ("IORING_OP_SETXATTR", (byte)42),
            ("IORING_OP_FGETXATTR", (byte)43),
            ("IORING_OP_GETXATTR", (byte)44),
            ("IORING_OP_SOCKET", (byte)45),
            ("IORING_OP_URING_CMD", (byte)46),
            ("IORING_OP_SEND_ZC", (byte)47),
            ("IORING_OP_SENDMSG_ZC", (byte)48),
            ("IORING_OP_READ_MULTISHOT", (byte)49),
            ("IORING_OP_WAITID", (byte)50),
            ("IORING_OP_FUTEX_WAIT", (byte)51),
            ("IORING_OP_FUTEX_WAKE", (byte)52),
            ("IORING_OP_FUTEX_WAITV", (byte)53),
            ("IORING_OP_FIXED_FD_INSTALL", (byte)54),
            ("IORING_OP_FTRUNCATE", (byte)55),
            ("IORING_OP_BIND", (byte)56),
            ("IORING_OP_LISTEN", (byte)57),
            ("IORING_OP_RECV_ZC", (byte)58),
            ("IORING_OP_EPOLL_WAIT", (byte)59),
            ("IORING_OP_READV_FIXED", (byte)60),
            ("IORING_OP_WRITEV_FIXED", (byte)61),
            ("IORING_OP_PIPE", (byte)62),
            ("IORING_OP_NOP128", (byte)63),
            ("IORING_OP_URING_CMD128", (byte)64),
        ];
        Assert.Equal(typeof(byte), Enum.GetUnderlyingType(typeof(io_uring_op)));
        AssertConstants(typeof(io_uring_op), golden);
    }

    [Fact]
    public void SqeFlags_HaveTheKernelsValues()
    {
        AssertConstants(typeof(SqeFlags),
        [
            ("IOSQE_FIXED_FILE", (byte)1),
            ("IOSQE_IO_DRAIN", (byte)2),
            ("IOSQE_IO_LINK", (byte)4),
            ("IOSQE_IO_HARDLINK", (byte)8),
            ("IOSQE_ASYNC", (byte)0x10),
            ("IOSQE_BUFFER_SELECT", (byte)0x20),
            ("IOSQE_CQE_SKIP_SUCCESS", (byte)0x40),
        ]);
    }

    [Fact]
    public void CqeFlags_HaveTheKernelsValues()
    {
        AssertConstants(typeof(CqeFlags),
        [
            ("IORING_CQE_F_BUFFER", 1u),
            ("IORING_CQE_F_MORE", 2u),
            ("IORING_CQE_F_SOCK_NONEMPTY", 4u),
            ("IORING_CQE_F_NOTIF", 8u),
            ("IORING_CQE_F_BUF_MORE", 0x10u),
            ("IORING_CQE_BUFFER_SHIFT", 16),
        ]);
    }

    [Fact]
    public void SetupFlags_HaveTheKernelsValues()
    {
        AssertConstants(typeof(SetupFlags),
        [
            ("IORING_SETUP_SQPOLL", 2u),
            ("IORING_SETUP_SQ_AFF", 4u),
            ("IORING_SETUP_CQSIZE", 8u),
            ("IORING_SETUP_CLAMP", 0x10u),
            ("IORING_SETUP_SUBMIT_ALL", 0x80u),
            ("IORING_SETUP_COOP_TASKRUN", 0x100u),
            ("IORING_SETUP_TASKRUN_FLAG", 0x200u),
            ("IORING_SETUP_SINGLE_ISSUER", 0x1000u),
            ("IORING_SETUP_DEFER_TASKRUN", 0x2000u),
            ("IORING_SETUP_NO_SQARRAY", 0x10000u),
        ]);
    }

    [Fact]
    public void EnterFlags_HaveTheKernelsValues()
    {
        AssertConstants(typeof(EnterFlags),
        [
            ("IORING_ENTER_GETEVENTS", 1u),
            ("IORING_ENTER_SQ_WAKEUP", 2u),
            ("IORING_ENTER_EXT_ARG", 8u),
            ("IORING_ENTER_REGISTERED_RING", 0x10u),
            ("IORING_ENTER_NO_IOWAIT", 0x80u),
        ]);
    }

    [Fact]
    public void Features_HaveTheKernelsValues()
    {
        AssertConstants(typeof(Features),
        [
            ("IORING_FEAT_SINGLE_MMAP", 1u),
            ("IORING_FEAT_NODROP", 2u),
            ("IORING_FEAT_SUBMIT_STABLE", 4u),
            ("IORING_FEAT_RW_CUR_POS", 8u),
            ("IORING_FEAT_CUR_PERSONALITY", 0x10u),
            ("IORING_FEAT_FAST_POLL", 0x20u),
            ("IORING_FEAT_POLL_32BITS", 0x40u),
            ("IORING_FEAT_SQPOLL_NONFIXED", 0x80u),
            ("IORING_FEAT_EXT_ARG", 0x100u),
            ("IORING_FEAT_NATIVE_WORKERS", 0x200u),
            ("IORING_FEAT_RSRC_TAGS", 0x400u),
            ("IORING_FEAT_CQE_SKIP", 0x800u),
            ("IORING_FEAT_NO_IOWAIT", 0x20000u),
        ]);
    }

    [Fact]
    public void RingFlags_HaveTheKernelsValues()
    {
        AssertConstants(typeof(RingFlags),
        [
            ("IORING_SQ_NEED_WAKEUP", 1u),
            ("IORING_SQ_CQ_OVERFLOW", 2u),
            ("IORING_SQ_TASKRUN", 4u),
        ]);
    }

    [Fact]
    public void MmapOffsets_HaveTheKernelsValues()
    {
        AssertConstants(typeof(MmapOffsets),
        [
            ("IORING_OFF_SQ_RING", 0UL),
            ("IORING_OFF_CQ_RING", 0x8000000UL),
            ("IORING_OFF_SQES", 0x10000000UL),
        ]);
    }

    [Fact]
    public void RegisterOps_HaveTheKernelsValues()
    {
        AssertConstants(typeof(RegisterOps),
        [
            ("IORING_REGISTER_BUFFERS", 0u),
            ("IORING_UNREGISTER_BUFFERS", 1u),
            ("IORING_REGISTER_FILES", 2u),
            ("IORING_UNREGISTER_FILES", 3u),
            ("IORING_REGISTER_PROBE", 8u),
            ("IORING_REGISTER_IOWQ_MAX_WORKERS", 0x13u),
            ("IORING_REGISTER_RING_FDS", 0x14u),
            ("IORING_UNREGISTER_RING_FDS", 0x15u),
            ("IORING_REGISTER_PBUF_RING", 0x16u),
            ("IORING_UNREGISTER_PBUF_RING", 0x17u),
        ]);
    }

    [Fact]
    public void OpFlags_HaveTheKernelsValues()
    {
        AssertConstants(typeof(OpFlags),
        [
            ("IORING_TIMEOUT_ABS", 1u),
            ("IORING_TIMEOUT_UPDATE", 2u),
            ("IORING_TIMEOUT_BOOTTIME", 4u),
            ("IORING_TIMEOUT_REALTIME", 8u),
            ("IORING_TIMEOUT_ETIME_SUCCESS", 0x20u),
            ("IORING_TIMEOUT_MULTISHOT", 0x40u),
            ("IORING_TIMEOUT_IMMEDIATE_ARG", 0x80u),
            ("IORING_LINK_TIMEOUT_UPDATE", 0x10u),
            ("IORING_TIMEOUT_CLOCK_MASK", 0xcu),
            ("IORING_TIMEOUT_UPDATE_MASK", 0x12u),
            ("IORING_POLL_ADD_MULTI", 1u),
            ("IORING_POLL_UPDATE_EVENTS", 2u),
            ("IORING_POLL_UPDATE_USER_DATA", 4u),
            ("IORING_POLL_ADD_LEVEL", 8u),
            ("IORING_ASYNC_CANCEL_ALL", 1u),
            ("IORING_ASYNC_CANCEL_FD", 2u),
            ("IORING_ASYNC_CANCEL_ANY", 4u),
            ("IORING_ASYNC_CANCEL_FD_FIXED", 8u),
            ("IORING_ASYNC_CANCEL_USERDATA", 0x10u),
            ("IORING_ASYNC_CANCEL_OP", 0x20u),
            ("IORING_RECVSEND_POLL_FIRST", (ushort)1),
            ("IORING_RECV_MULTISHOT", (ushort)2),
            ("IORING_RECVSEND_BUNDLE", (ushort)0x10),
            ("IORING_SEND_VECTORIZED", (ushort)0x20),
            ("IORING_ACCEPT_MULTISHOT", (ushort)1),
            ("IORING_ACCEPT_DONTWAIT", (ushort)2),
            ("IORING_ACCEPT_POLL_FIRST", (ushort)4),
            ("IORING_FSYNC_DATASYNC", 1u),
            ("SPLICE_F_MOVE", 1u),
            ("SPLICE_F_NONBLOCK", 2u),
            ("SPLICE_F_MORE", 4u),
            ("SPLICE_F_FD_IN_FIXED", 0x80000000u),
            ("RWF_HIPRI", 1u),
            ("RWF_DSYNC", 2u),
            ("RWF_SYNC", 4u),
            ("RWF_NOWAIT", 8u),
            ("RWF_APPEND", 0x10u),
            ("RWF_NOAPPEND", 0x20u),
            ("RWF_ATOMIC", 0x40u),
            ("RWF_DONTCACHE", 0x80u),
            ("EPOLLEXCLUSIVE", 0x10000000u),
            ("IO_URING_OP_SUPPORTED", (ushort)1),
        ]);
    }

    [Fact]
    public void SocketConstants_HaveTheKernelsValues()
    {
        AssertConstants(typeof(SocketConstants),
        [
            ("AF_UNIX", 1),
            ("AF_INET", 2),
            ("AF_INET6", 0xa),
            ("SOCK_STREAM", 1),
            ("SOCK_NONBLOCK", 0x800),
            ("SOCK_CLOEXEC", 0x80000),
            ("SOL_SOCKET", 1),
            ("SO_REUSEADDR", 2),
            ("SO_ERROR", 4),
            ("SO_SNDBUF", 7),
            ("SO_RCVBUF", 8),
            ("SO_KEEPALIVE", 9),
            ("SO_LINGER", 0xd),
            ("SO_REUSEPORT", 0xf),
            ("SO_ACCEPTCONN", 0x1e),
            ("IPPROTO_TCP", 6),
            ("IPPROTO_IPV6", 0x29),
            ("TCP_NODELAY", 1),
            ("IPV6_V6ONLY", 0x1a),
            ("MSG_PEEK", 2),
            ("MSG_TRUNC", 0x20),
            ("MSG_DONTWAIT", 0x40),
            ("MSG_WAITALL", 0x100),
            ("MSG_NOSIGNAL", 0x4000),
            ("MSG_MORE", 0x8000),
            ("SHUT_RD", 0),
            ("SHUT_WR", 1),
            ("SHUT_RDWR", 2),
            ("POLLIN", 1),
            ("POLLPRI", 2),
            ("POLLOUT", 4),
            ("POLLERR", 8),
            ("POLLHUP", 0x10),
            ("POLLNVAL", 0x20),
            ("POLLRDHUP", 0x2000),
        ]);
    }

    [Fact]
    public void FileConstants_HaveTheKernelsValues()
    {
        AssertConstants(typeof(FileConstants),
        [
            ("O_ACCMODE", 3),
            ("O_RDONLY", 0),
            ("O_WRONLY", 1),
            ("O_RDWR", 2),
            ("O_CREAT", 0x40),
            ("O_EXCL", 0x80),
            ("O_TRUNC", 0x200),
            ("O_APPEND", 0x400),
            ("O_NONBLOCK", 0x800),
            ("O_DSYNC", 0x1000),
            ("O_DIRECT", 0x4000),
            ("O_DIRECTORY", 0x10000),
            ("O_NOFOLLOW", 0x20000),
            ("O_CLOEXEC", 0x80000),
            ("O_SYNC", 0x101000),
            ("AT_FDCWD", -100),
            ("AT_REMOVEDIR", 0x200),
            ("AT_EMPTY_PATH", 0x1000),
            ("AT_SYMLINK_NOFOLLOW", 0x100),
            ("AT_SYMLINK_FOLLOW", 0x400),
            ("RENAME_NOREPLACE", 1u),
            ("RENAME_EXCHANGE", 2u),
            ("STATX_BASIC_STATS", 0x7ffu),
            ("STATX_BTIME", 0x800u),
            ("STATX_SIZE", 0x200u),
            ("STATX_TYPE_MODE", 0x3u),
            ("STATX_DIOALIGN", 0x2000u),
            ("S_IFMT", 0xF000),
            ("S_IFREG", 0x8000),
            ("S_IFIFO", 0x1000),
            ("S_IFDIR", 0x4000),
            ("S_IFLNK", 0xA000),
            ("S_IFBLK", 0x6000),
            ("SEEK_CUR", 1),
            ("FALLOC_FL_KEEP_SIZE", 1),
            ("FALLOC_FL_PUNCH_HOLE", 2),
            ("FALLOC_FL_ZERO_RANGE", 0x10),
            ("O_NOATIME", 0x40000),
            ("F_DUPFD_CLOEXEC", 1030),
            ("F_GETFD", 1),
            ("F_GETFL", 3),
            ("F_SETFL", 4),
            ("F_GETPIPE_SZ", 1032),
            ("F_SETPIPE_SZ", 1031),
            ("PROT_READ", 1),
            ("PROT_WRITE", 2),
            ("PROT_NONE", 0),
            ("MAP_SHARED", 1),
            ("MAP_PRIVATE", 2),
            ("MAP_ANONYMOUS", 0x20),
            ("MAP_POPULATE", 0x8000),
            ("MAP_FIXED", 0x10),
            ("MAP_NORESERVE", 0x4000),
            ("MADV_DONTFORK", 10),
            ("EFD_CLOEXEC", 0x80000),
            ("EFD_NONBLOCK", 0x800),
            ("CLOCK_REALTIME", 0),
            ("CLOCK_MONOTONIC", 1),
            ("CLOCK_BOOTTIME", 7),
        ]);
    }

    [Fact]
    public void Libc_HaveTheKernelsValues()
    {
        AssertConstants(typeof(Libc),
        [
            ("NR_io_uring_setup", 425),
            ("NR_io_uring_enter", 426),
            ("NR_io_uring_register", 427),
        ]);
    }

    [Fact]
    public void Constants_CanBeUsedInTheKernelsSpelling()
    {
        // What a writer of Ring/ or Ops/ does, with the field types of the structs.
        io_uring_sqe sqe = default;
        sqe.opcode = io_uring_op.IORING_OP_RECV;
        sqe.flags = SqeFlags.IOSQE_BUFFER_SELECT | SqeFlags.IOSQE_FIXED_FILE;
        sqe.ioprio = OpFlags.IORING_RECV_MULTISHOT | OpFlags.IORING_RECVSEND_POLL_FIRST;
        sqe.cancel_flags = OpFlags.IORING_ASYNC_CANCEL_FD;
        sqe.flags |= SqeFlags.IOSQE_ASYNC;
        Assert.Equal((byte)27, (byte)sqe.opcode);
        Assert.Equal((byte)0x31, sqe.flags);
        Assert.Equal((ushort)3, sqe.ioprio);
        Assert.Equal(2u, sqe.cancel_flags);
    }

    private static void AssertConstants(Type type, (string Name, object Value)[] golden)
    {
        Dictionary<string, object?> actual = type
            .GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)
            .Where(field => field.IsLiteral)
            .ToDictionary(field => field.Name, field => field.GetRawConstantValue());
        foreach ((string name, object value) in golden)
        {
            Assert.True(actual.TryGetValue(name, out object? found), $"{name} is missing");
            Assert.Equal((name, value), (name, found!));
        }

        Assert.Equal(golden.Select(entry => entry.Name).Order(), actual.Keys.Order());
    }
}

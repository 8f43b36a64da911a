// Layer: Sys. The socket, poll, file and memory-mapping constants of libc that this project uses,
// with their Linux values on x86-64 (the asm-generic ones; O_DIRECT differs on arm64).
// Used by Ring/, Ops/ and Handles/. Constants nobody needs are left out on purpose: this is not a
// copy of libc's headers.
namespace RingCore.Sys;

/// <summary>
/// Constants of <c>sys/socket.h</c>, <c>netinet/tcp.h</c> and <c>poll.h</c>, typed as the calls
/// take them.
/// </summary>
public static class SocketConstants
{
    /// <summary>
    /// No particular address family; on connect of a datagram socket: forget the peer.
    /// </summary>
    public const int AF_UNSPEC = 0;

    /// <summary>Local sockets, addressed by a path (<see cref="sockaddr_un"/>).</summary>
    public const int AF_UNIX = 1;

    /// <summary>IPv4 (<see cref="sockaddr_in"/>).</summary>
    public const int AF_INET = 2;

    /// <summary>IPv6 (<see cref="sockaddr_in6"/>).</summary>
    public const int AF_INET6 = 10;

    /// <summary>A byte stream: TCP, or a Unix stream.</summary>
    public const int SOCK_STREAM = 1;

    /// <summary>Datagrams: UDP, or Unix datagrams.</summary>
    public const int SOCK_DGRAM = 2;

    /// <summary>
    /// Bit of the socket type and of accept flags: plain calls give -EAGAIN instead of waiting.
    /// io_uring requests wait anyway.
    /// </summary>
    public const int SOCK_NONBLOCK = 0x800;

    /// <summary>Bit of the socket type and of accept flags: closed on exec.</summary>
    public const int SOCK_CLOEXEC = 0x80000;

    /// <summary>
    /// The largest backlog worth asking for; the kernel caps it at <c>net.core.somaxconn</c>.
    /// </summary>
    public const int SOMAXCONN = 4096;

    /// <summary>Option level of the socket itself.</summary>
    public const int SOL_SOCKET = 1;

    /// <summary>
    /// Option: bind to an address whose old connections still linger in TIME_WAIT.
    /// </summary>
    public const int SO_REUSEADDR = 2;

    /// <summary>Option, read only: the socket's type.</summary>
    public const int SO_TYPE = 3;

    /// <summary>
    /// Option, read only: the pending error as a positive errno, cleared by reading it.
    /// </summary>
    public const int SO_ERROR = 4;

    /// <summary>Option: size of the send buffer; the kernel doubles what is asked.</summary>
    public const int SO_SNDBUF = 7;

    /// <summary>Option: size of the receive buffer; the kernel doubles what is asked.</summary>
    public const int SO_RCVBUF = 8;

    /// <summary>Option: probe idle connections.</summary>
    public const int SO_KEEPALIVE = 9;

    /// <summary>
    /// Option: what close does with unsent data (two ints: on, seconds); on with 0 seconds resets
    /// the connection.
    /// </summary>
    public const int SO_LINGER = 13;

    /// <summary>
    /// Option: several sockets listen on one address and the kernel spreads connections over them.
    /// Since 3.9.
    /// </summary>
    public const int SO_REUSEPORT = 15;

    /// <summary>Option, read only: whether the socket listens.</summary>
    public const int SO_ACCEPTCONN = 30;

    /// <summary>
    /// Option: allow MSG_ZEROCOPY for plain sends; io_uring's SEND_ZC does not need it. Since 4.14.
    /// </summary>
    public const int SO_ZEROCOPY = 60;

    /// <summary>Protocol and option level of TCP.</summary>
    public const int IPPROTO_TCP = 6;

    /// <summary>Protocol of UDP.</summary>
    public const int IPPROTO_UDP = 17;

    /// <summary>Option level of IPv6.</summary>
    public const int IPPROTO_IPV6 = 41;

    /// <summary>Option at IPPROTO_TCP: send small segments at once (no Nagle).</summary>
    public const int TCP_NODELAY = 1;

    /// <summary>Option at IPPROTO_TCP: hold partial segments back.</summary>
    public const int TCP_CORK = 3;

    /// <summary>Option at IPPROTO_IPV6: an IPv6 listener does not take IPv4 connections.</summary>
    public const int IPV6_V6ONLY = 26;

    /// <summary>Receive without removing the data.</summary>
    public const int MSG_PEEK = 0x2;

    /// <summary>
    /// In: return a datagram's true length. Out, in <see cref="msghdr.msg_flags"/>: the datagram
    /// was cut.
    /// </summary>
    public const int MSG_TRUNC = 0x20;

    /// <summary>
    /// Do not wait: -EAGAIN. Also how an io_uring send or receive is told not to wait.
    /// </summary>
    public const int MSG_DONTWAIT = 0x40;

    /// <summary>
    /// Transfer the full length: after a short transfer the kernel goes on until all is done, the
    /// stream ends or an error comes. Not with multishot receive (-EINVAL).
    /// </summary>
    public const int MSG_WAITALL = 0x100;

    /// <summary>
    /// A broken connection gives -EPIPE without SIGPIPE. io_uring sends always behave so.
    /// </summary>
    public const int MSG_NOSIGNAL = 0x4000;

    /// <summary>More data follows: hold partial segments back.</summary>
    public const int MSG_MORE = 0x8000;

    /// <summary>Shutdown: no more receiving.</summary>
    public const int SHUT_RD = 0;

    /// <summary>Shutdown: no more sending; the peer reads the end of the stream.</summary>
    public const int SHUT_WR = 1;

    /// <summary>Shutdown: both directions.</summary>
    public const int SHUT_RDWR = 2;

    /// <summary>
    /// Poll bit: something to read, a connection to accept, or the end of the stream.
    /// </summary>
    public const int POLLIN = 0x1;

    /// <summary>Poll bit: urgent data.</summary>
    public const int POLLPRI = 0x2;

    /// <summary>Poll bit: room to write.</summary>
    public const int POLLOUT = 0x4;

    /// <summary>Poll bit: an error is pending; reported even if not asked for.</summary>
    public const int POLLERR = 0x8;

    /// <summary>Poll bit: both directions are closed; reported even if not asked for.</summary>
    public const int POLLHUP = 0x10;

    /// <summary>Poll bit: not an open descriptor (plain poll only).</summary>
    public const int POLLNVAL = 0x20;

    /// <summary>Poll bit: the peer ended its sending side.</summary>
    public const int POLLRDHUP = 0x2000;
}

/// <summary>
/// Constants of <c>fcntl.h</c>, <c>sys/mman.h</c>, <c>sys/eventfd.h</c>, <c>time.h</c> and
/// <c>unistd.h</c>.
/// </summary>
public static class FileConstants
{
    /// <summary>Open for reading.</summary>
    public const int O_RDONLY = 0;

    /// <summary>Open for writing.</summary>
    public const int O_WRONLY = 1;

    /// <summary>Open for both.</summary>
    public const int O_RDWR = 2;

    /// <summary>Make the file if it is not there; the mode argument counts then.</summary>
    public const int O_CREAT = 0x40;

    /// <summary>With O_CREAT: fail with -EEXIST if the name is there.</summary>
    public const int O_EXCL = 0x80;

    /// <summary>Cut the file to zero length.</summary>
    public const int O_TRUNC = 0x200;

    /// <summary>Every write goes to the end, whatever its offset.</summary>
    public const int O_APPEND = 0x400;

    /// <summary>
    /// Plain calls give -EAGAIN instead of waiting. io_uring requests wait anyway.
    /// </summary>
    public const int O_NONBLOCK = 0x800;

    /// <summary>
    /// A write completes when data and what is needed to read it back are on the device.
    /// </summary>
    public const int O_DSYNC = 0x1000;

    /// <summary>
    /// Bypass the page cache; addresses, offsets and lengths must be aligned to the device's block.
    /// This is the x86-64 value.
    /// </summary>
    public const int O_DIRECT = 0x4000;

    /// <summary>Fail with -ENOTDIR unless it is a directory. This is the x86-64 value.</summary>
    public const int O_DIRECTORY = 0x10000;

    /// <summary>
    /// Fail with -ELOOP if the last part of the path is a symbolic link. This is the x86-64 value.
    /// </summary>
    public const int O_NOFOLLOW = 0x20000;

    /// <summary>
    /// Reading leaves the time of last access alone. -EPERM unless the file is the caller's.
    /// </summary>
    public const int O_NOATIME = 0x40000;

    /// <summary>Closed on exec.</summary>
    public const int O_CLOEXEC = 0x80000;

    /// <summary>As O_DSYNC, and the metadata too (value with O_DSYNC's bit).</summary>
    public const int O_SYNC = 0x101000;

    /// <summary>The path argument's directory is the current one.</summary>
    public const int AT_FDCWD = -100;

    /// <summary>Unlinkat: remove a directory.</summary>
    public const int AT_REMOVEDIR = 0x200;

    /// <summary>Statx, linkat: an empty path means the descriptor itself.</summary>
    public const int AT_EMPTY_PATH = 0x1000;

    /// <summary>Statx, unlinkat and others: do not follow a symbolic link at the path's end.</summary>
    public const int AT_SYMLINK_NOFOLLOW = 0x100;

    /// <summary>Linkat: follow a symbolic link at the path's end.</summary>
    public const int AT_SYMLINK_FOLLOW = 0x400;

    /// <summary>Renameat: fail with -EEXIST if the new name is there.</summary>
    public const uint RENAME_NOREPLACE = 1;

    /// <summary>Renameat: swap the two names; both must be there.</summary>
    public const uint RENAME_EXCHANGE = 2;

    /// <summary>Statx: type and permissions up to the number of blocks.</summary>
    public const uint STATX_BASIC_STATS = 0x7ff;

    /// <summary>Statx: the time of creation.</summary>
    public const uint STATX_BTIME = 0x800;

    /// <summary>Statx: the length.</summary>
    public const uint STATX_SIZE = 0x200;

    /// <summary>Statx: type and permissions.</summary>
    public const uint STATX_TYPE_MODE = 0x3;

    /// <summary>Statx: what O_DIRECT asks of memory and offsets. Since 6.1.</summary>
    public const uint STATX_DIOALIGN = 0x2000;

    /// <summary>Mode: the bits that tell the type.</summary>
    public const int S_IFMT = 0xF000;

    /// <summary>Mode: a regular file.</summary>
    public const int S_IFREG = 0x8000;

    /// <summary>Mode: a directory.</summary>
    public const int S_IFDIR = 0x4000;

    /// <summary>Mode: a symbolic link.</summary>
    public const int S_IFLNK = 0xA000;

    /// <summary>Fallocate: allocate beyond the end without making the file longer.</summary>
    public const int FALLOC_FL_KEEP_SIZE = 1;

    /// <summary>Fallocate: give the range back and leave a hole; needs KEEP_SIZE.</summary>
    public const int FALLOC_FL_PUNCH_HOLE = 2;

    /// <summary>Fallocate: the range reads as zeros.</summary>
    public const int FALLOC_FL_ZERO_RANGE = 0x10;

    /// <summary>
    /// Fcntl: copy the descriptor to the lowest free number from the argument on, closed on exec.
    /// </summary>
    public const int F_DUPFD_CLOEXEC = 1030;

    /// <summary>Fcntl: read the descriptor's own flags.</summary>
    public const int F_GETFD = 1;

    /// <summary>Fcntl: read the open file's flags.</summary>
    public const int F_GETFL = 3;

    /// <summary>Fcntl: set the open file's flags.</summary>
    public const int F_SETFL = 4;

    /// <summary>Fcntl: size of a pipe's buffer, set. Since 2.6.35.</summary>
    public const int F_SETPIPE_SZ = 1031;

    /// <summary>Mapping may be read.</summary>
    public const int PROT_READ = 1;

    /// <summary>Mapping may be written.</summary>
    public const int PROT_WRITE = 2;

    /// <summary>Mapping is not accessible: a guard page.</summary>
    public const int PROT_NONE = 0;

    /// <summary>
    /// Changes are seen by every mapping of the same object; needed for ring memory.
    /// </summary>
    public const int MAP_SHARED = 0x1;

    /// <summary>Changes stay in this process.</summary>
    public const int MAP_PRIVATE = 0x2;

    /// <summary>Not backed by a file; zero filled.</summary>
    public const int MAP_ANONYMOUS = 0x20;

    /// <summary>Fill the page tables now instead of by page faults.</summary>
    public const int MAP_POPULATE = 0x8000;

    /// <summary>mmap: at the very address, in place of what is there.</summary>
    public const int MAP_FIXED = 0x10;

    /// <summary>mmap: nothing is set aside for it.</summary>
    public const int MAP_NORESERVE = 0x4000;

    /// <summary>
    /// Madvise: a forked child does not get the mapping. Keeps ring memory out of children.
    /// </summary>
    public const int MADV_DONTFORK = 10;

    /// <summary>Madvise: undo MADV_DONTFORK.</summary>
    public const int MADV_DOFORK = 11;

    /// <summary>Eventfd: closed on exec.</summary>
    public const int EFD_CLOEXEC = 0x80000;

    /// <summary>Eventfd: plain reads give -EAGAIN instead of waiting.</summary>
    public const int EFD_NONBLOCK = 0x800;

    /// <summary>Clock that can be set and jumps.</summary>
    public const int CLOCK_REALTIME = 0;

    /// <summary>Clock that only goes forward, stopped during suspend.</summary>
    public const int CLOCK_MONOTONIC = 1;

    /// <summary>Clock that only goes forward, counting suspend.</summary>
    public const int CLOCK_BOOTTIME = 7;

    /// <summary>Seek from the start.</summary>
    public const int SEEK_SET = 0;

    /// <summary>Seek from the position.</summary>
    public const int SEEK_CUR = 1;

    /// <summary>Seek from the end.</summary>
    public const int SEEK_END = 2;
}

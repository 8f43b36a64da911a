// Layer: Sys. The only place that calls into libc: the three io_uring syscalls and the few plain
// calls around them. Called by Ring/ (behind its kernel seam) and by Handles/ for calls that
// cannot block. Every method returns a value >= 0 on success and -errno on failure, which is also
// how the kernel fills cqe.res, so that the layers above know one convention only.
// No policy here: nothing is retried, no error is turned into an exception, nothing allocates.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>
/// System calls as plain functions: a result of 0 or more on success, -errno on failure. Linux
/// only; on other systems the first call throws <see cref="DllNotFoundException"/>.
/// </summary>
[SuppressMessage(
    "Interoperability", "SYSLIB1054", Justification = "Blittable: needs no generator.")]
internal static class Libc
{
    /// <summary>
    /// Syscall number of <c>io_uring_setup</c>, the same on x86-64 and arm64. Since 5.1.
    /// </summary>
    public const int NR_io_uring_setup = 425;

    /// <summary>
    /// Syscall number of <c>io_uring_enter</c>, the same on x86-64 and arm64. Since 5.1.
    /// </summary>
    public const int NR_io_uring_enter = 426;

    /// <summary>
    /// Syscall number of <c>io_uring_register</c>, the same on x86-64 and arm64. Since 5.1.
    /// </summary>
    public const int NR_io_uring_register = 427;

    /// <summary>
    /// Makes a ring with at least <paramref name="entries"/> SQ slots and returns its descriptor.
    /// -EINVAL: zero entries, an unknown or impossible flag. -EPERM: switched off by
    /// <c>kernel.io_uring_disabled</c> or a seccomp filter. -ENOSYS: a kernel without io_uring, or
    /// a seccomp filter. -ENOMEM: memlock limit. -EMFILE: no descriptor left. Since 5.1.
    /// </summary>
    internal static unsafe int io_uring_setup(uint entries, io_uring_params* p)
    {
        nint result = Syscall2(NR_io_uring_setup, (nint)entries, (nint)p);
        return result >= 0 ? (int)result : NegativeErrno();
    }

    /// <summary>
    /// Submits up to <paramref name="to_submit"/> SQEs and, with
    /// <see cref="EnterFlags.IORING_ENTER_GETEVENTS"/>, waits for <paramref name="min_complete"/>
    /// CQEs. Returns how many SQEs were consumed; fewer than asked is not an error, but skips the
    /// wait. <paramref name="arg"/> and <paramref name="argsz"/>: a signal mask (8), or what the
    /// EXT_ARG flags say (24 or 64). Since 5.1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe int io_uring_enter(
        int fd, uint to_submit, uint min_complete, uint flags, void* arg, nuint argsz)
    {
        // The hot call of the whole runtime: one P/Invoke and one compare.
        nint result = Syscall6(NR_io_uring_enter,
            fd, (nint)to_submit, (nint)min_complete, (nint)flags, (nint)arg, (nint)argsz);
        return result >= 0 ? (int)result : NegativeErrno();
    }

    /// <summary>
    /// Runs one register operation (<see cref="RegisterOps"/>) on a ring. What a result above zero
    /// means depends on the operation. Since 5.1.
    /// </summary>
    internal static unsafe int io_uring_register(int fd, uint opcode, void* arg, uint nr_args)
    {
        nint result = Syscall4(NR_io_uring_register, fd, (nint)opcode, (nint)arg, (nint)nr_args);
        return result >= 0 ? (int)result : NegativeErrno();
    }

    /// <summary>
    /// Maps memory and returns its address; a failure is a value from -1 to -4095, which no address
    /// can be. Addresses above the half of the address space do not occur in user space.
    /// </summary>
    internal static unsafe nint mmap(void* addr, nuint length, int prot, int flags, int fd, long offset)
    {
        // MAP_FAILED is (void*)-1, the same shape as the other calls.
        nint result = mmap_(addr, length, prot, flags, fd, offset);
        return result != -1 ? result : NegativeErrno();
    }

    /// <summary>
    /// Unmaps memory. 0, or -EINVAL for a range that is not page aligned or empty.
    /// </summary>
    internal static unsafe int munmap(void* addr, nuint length)
    {
        return munmap_(addr, length) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Tells the kernel about a mapping, here <see cref="FileConstants.MADV_DONTFORK"/>.
    /// </summary>
    internal static unsafe int madvise(void* addr, nuint length, int advice)
    {
        return madvise_(addr, length, advice) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Closes a descriptor. On Linux the number is free again whatever the result, -EINTR included:
    /// never close twice.
    /// </summary>
    internal static int close(int fd)
    {
        return close_(fd) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>Makes an eventfd, a 64-bit counter behind a descriptor, and returns it.</summary>
    internal static int eventfd(uint initval, int flags)
    {
        int result = eventfd_(initval, flags);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>Reads at the file's position; returns the bytes read, 0 at the end.</summary>
    internal static unsafe nint read(int fd, void* buffer, nuint count)
    {
        nint result = read_(fd, buffer, count);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// Writes at the file's position; returns the bytes written, possibly fewer than asked. On a
    /// broken pipe or socket the process also gets SIGPIPE, which .NET ignores by default.
    /// </summary>
    internal static unsafe nint write(int fd, void* buffer, nuint count)
    {
        nint result = write_(fd, buffer, count);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// What descriptors are ready for, without waiting where <paramref name="timeout"/>, in
    /// milliseconds, is 0. The number of those that are.
    /// </summary>
    public static unsafe int poll(pollfd* fds, nuint nfds, int timeout)
    {
        int result = poll_(fds, nfds, timeout);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// Makes a socket and returns its descriptor. <paramref name="type"/> may carry SOCK_CLOEXEC
    /// and SOCK_NONBLOCK.
    /// </summary>
    internal static int socket(int domain, int type, int protocol)
    {
        int result = socket_(domain, type, protocol);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// Makes two connected sockets and stores their descriptors at <paramref name="sv"/>.
    /// </summary>
    internal static unsafe int socketpair(int domain, int type, int protocol, int* sv)
    {
        return socketpair_(domain, type, protocol, sv) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Connects a socket; may block unless it is O_NONBLOCK: then -EINPROGRESS (TCP), or -EAGAIN
    /// for a Unix socket whose listener's backlog is full, which no poll tells the end of.
    /// </summary>
    public static unsafe int connect(int fd, void* addr, uint addrlen)
    {
        return connect_(fd, addr, addrlen) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Gives a socket its local address. -EADDRINUSE, -EADDRNOTAVAIL, -EACCES are the usual
    /// failures.
    /// </summary>
    internal static unsafe int bind(int fd, void* addr, uint addrlen)
    {
        return bind_(fd, addr, addrlen) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Lets a socket take connections; the kernel caps <paramref name="backlog"/> at
    /// <c>net.core.somaxconn</c>.
    /// </summary>
    internal static int listen(int fd, int backlog)
    {
        return listen_(fd, backlog) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Ends one or both directions of a connection. Wakes requests that wait on it; -ENOTCONN if
    /// there is none.
    /// </summary>
    internal static int shutdown(int fd, int how)
    {
        return shutdown_(fd, how) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>Sets a socket option.</summary>
    internal static unsafe int setsockopt(int fd, int level, int optname, void* optval, uint optlen)
    {
        return setsockopt_(fd, level, optname, optval, optlen) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Reads a socket option; <paramref name="optlen"/> holds the room before and the size after.
    /// </summary>
    internal static unsafe int getsockopt(int fd, int level, int optname, void* optval, uint* optlen)
    {
        return getsockopt_(fd, level, optname, optval, optlen) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Reads the local address. <paramref name="addrlen"/> holds the room before and the true size
    /// after, which may be larger: the address was cut then.
    /// </summary>
    internal static unsafe int getsockname(int fd, void* addr, uint* addrlen)
    {
        return getsockname_(fd, addr, addrlen) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Reads the peer's address, sizes as in <see cref="getsockname"/>; -ENOTCONN without a peer.
    /// </summary>
    internal static unsafe int getpeername(int fd, void* addr, uint* addrlen)
    {
        return getpeername_(fd, addr, addrlen) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Makes a pipe: <paramref name="fds"/>[0] is the reading end, [1] the writing end.
    /// </summary>
    internal static unsafe int pipe2(int* fds, int flags)
    {
        return pipe2_(fds, flags) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Descriptor control, for commands whose argument is an int or absent (F_GETFL, F_SETFL,
    /// F_GETFD, F_DUPFD_CLOEXEC).
    /// </summary>
    internal static int fcntl(int fd, int cmd, int arg)
    {
        int result = fcntl_(fd, cmd, arg);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// Opens a file by its zero-terminated UTF-8 path and returns the descriptor. May block on disk
    /// or network.
    /// </summary>
    internal static unsafe int open(byte* pathname, int flags, uint mode)
    {
        int result = open_(pathname, flags, mode);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// Removes a name from the file system, for example the path of a Unix socket before bind.
    /// </summary>
    internal static unsafe int unlink(byte* pathname)
    {
        return unlink_(pathname) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// Moves a file's position, or tells it (0, SEEK_CUR). -ESPIPE: a pipe, a terminal or a socket,
    /// which have none. Does not block.
    /// </summary>
    internal static long lseek(int fd, long offset, int whence)
    {
        long result = lseek_(fd, offset, whence);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// Copies from one regular file to another inside the kernel, or lets them share blocks where the
    /// file system can. Bytes, perhaps fewer; 0 at the end. A null offset is the file's position.
    /// Blocks on the disk. -EBADF also for O_APPEND, -EXDEV, -EOPNOTSUPP, -EINVAL: not between these.
    /// </summary>
    internal static unsafe nint copy_file_range(
        int fd_in, long* off_in, int fd_out, long* off_out, nuint len, uint flags)
    {
        nint result = copy_file_range_(fd_in, off_in, fd_out, off_out, len, flags);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>Sets a file's length. May block on disk or network.</summary>
    internal static int ftruncate(int fd, long length)
    {
        return ftruncate_(fd, length) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// What there is to know about an open file, or about a path. Of an open local file it does not
    /// block.
    /// </summary>
    internal static unsafe int statx(int dirfd, byte* pathname, int flags, uint mask, statx* result)
    {
        return statx_(dirfd, pathname, flags, mask, result) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// CLOCK_MONOTONIC in nanoseconds: the clock of TIMEOUT requests and of enter's timeouts, so
    /// deadlines computed from it agree with the kernel's. Served without a kernel entry (vDSO).
    /// Also -errno on failure, which cannot happen for this clock.
    /// </summary>
    internal static unsafe long clock_gettime_ns()
    {
        __kernel_timespec now;
        if (clock_gettime_(FileConstants.CLOCK_MONOTONIC, &now) < 0)
        {
            return NegativeErrno();
        }

        return now.tv_sec * 1_000_000_000 + now.tv_nsec;
    }

    /// <summary>Id of the calling process; cannot fail.</summary>
    internal static int getpid()
    {
        return getpid_();
    }

    /// <summary>
    /// Process and thread control; the meaning of the arguments depends on <paramref
    /// name="option"/>.
    /// </summary>
    internal static int prctl(int option, nuint arg2, nuint arg3, nuint arg4, nuint arg5)
    {
        int result = prctl_(option, arg2, arg3, arg4, arg5);
        return result >= 0 ? result : NegativeErrno();
    }

    /// <summary>
    /// Binds a thread to the processors whose bits are set; 0 is the calling thread. -EINVAL: none
    /// of them may be used here. <paramref name="size"/>: bytes in the mask.
    /// </summary>
    internal static unsafe int sched_setaffinity(int thread, nuint size, ulong* mask)
    {
        return sched_setaffinity_(thread, size, mask) >= 0 ? 0 : NegativeErrno();
    }

    /// <summary>
    /// The processors a thread may run on, as bits; 0 is the calling thread. -EINVAL: the mask is
    /// too small for this machine.
    /// </summary>
    internal static unsafe int sched_getaffinity(int thread, nuint size, ulong* mask)
    {
        return sched_getaffinity_(thread, size, mask) >= 0 ? 0 : NegativeErrno();
    }

    // The failure branch, kept out of line so that the callers stay small. libc says only -1 and
    // leaves the reason in the thread's errno. By the time managed code runs again, that variable
    // may be stale: leaving a P/Invoke can meet a garbage collection in progress, and waiting for
    // it makes syscalls of its own. SetLastError = true has the stub save errno right behind the
    // native call, before that transition; GetLastPInvokeError reads the saved value.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int NegativeErrno()
    {
        return -Marshal.GetLastPInvokeError();
    }

    // libc's syscall() is variadic in C. Declaring it with a fixed number of integer arguments is
    // sound where both kinds of call put integers into the same registers: on x86-64 (System V) a
    // variadic call differs only in AL, the number of vector registers used, which syscall() does
    // not look at; on arm64 Linux there is no difference. fcntl, open and prctl below are the same
    // case. All arguments are blittable, so the runtime pins and copies nothing.

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern nint Syscall2(nint number, nint a1, nint a2);

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern nint Syscall4(nint number, nint a1, nint a2, nint a3, nint a4);

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern nint Syscall6(
        nint number, nint a1, nint a2, nint a3, nint a4, nint a5, nint a6);

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static extern unsafe nint mmap_(
        void* addr, nuint length, int prot, int flags, int fd, long offset);

    [DllImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static extern unsafe int munmap_(void* addr, nuint length);

    [DllImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static extern unsafe int madvise_(void* addr, nuint length, int advice);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int close_(int fd);

    [DllImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static extern int eventfd_(uint initval, int flags);

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    private static extern unsafe nint read_(int fd, void* buffer, nuint count);

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    private static extern unsafe nint write_(int fd, void* buffer, nuint count);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static extern unsafe int poll_(pollfd* fds, nuint nfds, int timeout);

    [DllImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static extern int socket_(int domain, int type, int protocol);

    [DllImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    private static extern unsafe int socketpair_(int domain, int type, int protocol, int* sv);

    [DllImport("libc", EntryPoint = "connect", SetLastError = true)]
    private static extern unsafe int connect_(int fd, void* addr, uint addrlen);

    [DllImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static extern unsafe int bind_(int fd, void* addr, uint addrlen);

    [DllImport("libc", EntryPoint = "listen", SetLastError = true)]
    private static extern int listen_(int fd, int backlog);

    [DllImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    private static extern int shutdown_(int fd, int how);

    [DllImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static extern unsafe int setsockopt_(
        int fd, int level, int optname, void* optval, uint optlen);

    [DllImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static extern unsafe int getsockopt_(
        int fd, int level, int optname, void* optval, uint* optlen);

    [DllImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    private static extern unsafe int getsockname_(int fd, void* addr, uint* addrlen);

    [DllImport("libc", EntryPoint = "getpeername", SetLastError = true)]
    private static extern unsafe int getpeername_(int fd, void* addr, uint* addrlen);

    [DllImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    private static extern unsafe int pipe2_(int* fds, int flags);

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static extern int fcntl_(int fd, int cmd, int arg);

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern unsafe int open_(byte* pathname, int flags, uint mode);

    [DllImport("libc", EntryPoint = "unlink", SetLastError = true)]
    private static extern unsafe int unlink_(byte* pathname);

    [DllImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static extern long lseek_(int fd, long offset, int whence);

    [DllImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    private static extern unsafe nint copy_file_range_(
        int fd_in, long* off_in, int fd_out, long* off_out, nuint len, uint flags);

    [DllImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static extern int ftruncate_(int fd, long length);

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static extern unsafe int statx_(
        int dirfd, byte* pathname, int flags, uint mask, statx* result);

    [DllImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static extern unsafe int clock_gettime_(int clockid, __kernel_timespec* now);

    [DllImport("libc", EntryPoint = "getpid")]
    private static extern int getpid_();

    [DllImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static extern unsafe int sched_setaffinity_(int thread, nuint size, ulong* mask);

    [DllImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static extern unsafe int sched_getaffinity_(int thread, nuint size, ulong* mask);

    [DllImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static extern int prctl_(int option, nuint arg2, nuint arg3, nuint arg4, nuint arg5);
}

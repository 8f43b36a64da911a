// Layer: Sys. the seam between RingCore and the operating system. Ring, the executor and the handles reach
// the kernel's io_uring calls, memory mapping and the clock only through one Kernel; the tests construct
// another one and play the kernel over plain memory, executor included. It holds function pointers to static
// methods: the call costs what a direct call costs. It does not decide anything and does not translate
// errors: every entry returns >= 0, or -errno.

using static RingCore.Sys.FileConstants;

namespace RingCore.Sys;

/// <summary>
/// The operating system as RingCore sees it: one sealed set of function pointers. Every entry returns
/// −errno on failure.
/// </summary>
internal sealed class Kernel
{
    /// <summary>The real thing.</summary>
    internal static unsafe Kernel Linux { get; } = new()
    {
        Setup = &Libc.io_uring_setup,
        Enter = &Libc.io_uring_enter,
        Register = &Libc.io_uring_register,
        Map = &MapShared,
        Unmap = &Unmapped,
        Close = &Libc.close,
        Now = &Libc.clock_gettime_ns,
        EventFd = &NewEventFd,
        Signal = &SignalEventFd,
        Pause = &PauseMillisecond,
    };

    /// <summary>io_uring_setup(2): entries, parameters in and out; a ring fd.</summary>
    internal unsafe required delegate*<uint, io_uring_params*, int> Setup;

    /// <summary>
    /// io_uring_enter(2): ring fd, SQEs to submit, completions to wait for, flags, argument, its size; SQEs
    /// consumed.
    /// </summary>
    internal unsafe required delegate*<int, uint, uint, uint, void*, nuint, int> Enter;

    /// <summary>io_uring_register(2): ring fd, opcode, argument, its count.</summary>
    internal unsafe required delegate*<int, uint, void*, uint, int> Register;

    /// <summary>
    /// mmap(2) of ring memory, shared and excluded from fork: length in bytes, ring fd, IORING_OFF_* offset;
    /// an address.
    /// </summary>
    internal unsafe required delegate*<nuint, int, ulong, nint> Map;

    /// <summary>munmap(2): address, length in bytes.</summary>
    internal unsafe required delegate*<nint, nuint, int> Unmap;

    /// <summary>close(2).</summary>
    internal unsafe required delegate*<int, int> Close;

    /// <summary>CLOCK_MONOTONIC in nanoseconds.</summary>
    internal unsafe required delegate*<long> Now;

    /// <summary>eventfd(2), close on exec; an fd.</summary>
    internal unsafe required delegate*<int> EventFd;

    /// <summary>Adds one to an eventfd; called from any thread.</summary>
    internal unsafe required delegate*<int, int> Signal;

    /// <summary>Lets a millisecond pass, for a kernel that has no memory just now.</summary>
    internal unsafe required delegate*<void> Pause;

    private static unsafe nint MapShared(nuint length, int fd, ulong offset)
    {
        const int protection = PROT_READ | PROT_WRITE;
        const int flags = MAP_SHARED | MAP_POPULATE;
        nint address = Libc.mmap(null, length, protection, flags, fd, (long)offset);

        // A forked child that wrote to a shared ring would corrupt the parent's queue; without the mapping it
        // cannot.
        if (address > 0)
            Libc.madvise((void*)address, length, MADV_DONTFORK);
        return address;
    }

    private static unsafe int Unmapped(nint address, nuint length) => Libc.munmap((void*)address, length);

    private static int NewEventFd() => Libc.eventfd(0, EFD_CLOEXEC);

    private static unsafe int SignalEventFd(int fd)
    {
        ulong one = 1;
        return (int)Libc.write(fd, &one, sizeof(ulong));
    }

    private static void PauseMillisecond() => Thread.CurrentThread.Join(1);
}

// Old kernels: what a process has to do for itself when it is the only one on a machine: mounts, the loopback interface, the way
// out. As anything but process 1 it does none of it. It checks nothing.

using System.Runtime.InteropServices;
using System.Text;
using RingCore.Sys;

namespace KernelCheck;

internal static unsafe class Machine
{
    /// <summary>Whether the kernel started this program as init, from an initramfs.</summary>
    internal static bool IsOurs => Environment.ProcessId == 1;

    /// <summary>A folder on tmpfs for files and Unix sockets.</summary>
    internal static string Scratch => IsOurs ? "/tmp" : "/dev/shm";

    internal static void SetUp()
    {
        Mount("proc", "/proc");
        Mount("sysfs", "/sys");
        Mount("devtmpfs", "/dev");
        Mount("tmpfs", "/tmp");
        LoopbackUp();
    }

    /// <summary>Ends the machine; the emulator ends with it.</summary>
    internal static void PowerOff()
    {
        const int sysReboot = 169, magic1 = unchecked((int)0xfee1dead), magic2 = 672274793, powerOff = 0x4321fedc;
        Console.Out.Flush();
        sync();
        syscall(sysReboot, magic1, magic2, powerOff, 0);
    }

    /// <summary>
    /// Gives up root and nearly all lockable memory, for the calling thread alone: the raw system call, unlike libc's, changes
    /// one thread's credentials. The limit is the process's, so nothing that locks memory may run beside it.
    /// </summary>
    internal static void BecomeNobody(long lockedBytes)
    {
        const int sysSetresuid = 117, rlimitMemlock = 8, nobody = 65534;
        ulong* limit = stackalloc ulong[2] { (ulong)lockedBytes, (ulong)lockedBytes };
        Check(setrlimit(rlimitMemlock, limit), "setrlimit");
        Check((int)syscall(sysSetresuid, nobody, nobody, nobody, 0), "setresuid");
    }

    /// <summary>The fds now open that may be ours: sockets, rings, eventfds, files of the checks. The runtime opens others as it goes.</summary>
    internal static int CountFds() => Directory.GetFiles("/proc/self/fd").Count(IsOurFd);

    private static bool IsOurFd(string path)
    {
        string target = new FileInfo(path).LinkTarget ?? ""; // The folder's own fd has gone by now.
        return target.StartsWith("socket:", StringComparison.Ordinal) || target.StartsWith("anon_inode:", StringComparison.Ordinal)
            || target.StartsWith(Scratch, StringComparison.Ordinal);
    }

    private static void Mount(string type, string target)
    {
        Directory.CreateDirectory(target);
        int result = mount(Utf8(type), Utf8(target), Utf8(type), 0, null);
        if (result < 0 && Marshal.GetLastPInvokeError() != Errno.EBUSY) // The kernel may have mounted /dev already.
            Check(result, $"mount {target}");
    }

    /// <summary>As `ip link set lo up`: the kernel gives lo its address by itself.</summary>
    private static void LoopbackUp()
    {
        const nuint siocgifflags = 0x8913, siocsifflags = 0x8914;
        const short iffUp = 1;
        int fd = Libc.socket(SocketConstants.AF_INET, SocketConstants.SOCK_STREAM, 0);
        byte* request = stackalloc byte[40]; // struct ifreq: the name in 16 bytes, then the flags.
        new Span<byte>(request, 40).Clear();
        "lo"u8.CopyTo(new Span<byte>(request, 16));
        Check(ioctl(fd, siocgifflags, request), "SIOCGIFFLAGS");
        *(short*)(request + 16) |= iffUp;
        Check(ioctl(fd, siocsifflags, request), "SIOCSIFFLAGS");
        _ = Libc.close(fd);
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text + '\0');

    private static void Check(int result, string what)
    {
        if (result < 0)
            throw new InvalidOperationException($"{what}: {Errno.Describe(Marshal.GetLastPInvokeError())}");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int mount(byte[] source, byte[] target, byte[] type, nuint flags, void* data);

    [DllImport("libc", SetLastError = true)]
    private static extern int ioctl(int fd, nuint request, void* argument);

    [DllImport("libc", SetLastError = true)]
    private static extern int setrlimit(int resource, void* limit);

    [DllImport("libc", SetLastError = true)]
    private static extern nint syscall(nint number, nint a, nint b, nint c, nint d);

    [DllImport("libc")]
    private static extern void sync();
}

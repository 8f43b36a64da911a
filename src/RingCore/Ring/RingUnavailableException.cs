// Ring layer: why io_uring cannot be used here, and what to do about it. Thrown by whoever starts an
// executor, and reported as data by RingCapabilities. Diagnose is a pure function so that every cause has a
// test without touching the host.

using static RingCore.RingUnavailableCause;
using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>io_uring cannot be used in this process. The message names the cause and the remedy.</summary>
public sealed class RingUnavailableException : PlatformNotSupportedException
{
    /// <summary>Made by whoever tried to start a ring.</summary>
    internal RingUnavailableException(RingUnavailableCause cause, int errno, string message)
        : base(message)
    {
        Cause = cause;
        Errno = errno;
    }

    /// <summary>The cause, for programs.</summary>
    public RingUnavailableCause Cause { get; }

    /// <summary>The errno of the refused system call, or 0.</summary>
    public int Errno { get; }

    /// <summary>Turns a refused io_uring_setup into an exception that says why and what to do.</summary>
    /// <param name="errno">The errno, positive.</param>
    /// <param name="sysctl">The content of /proc/sys/kernel/io_uring_disabled, or null where it is
    /// missing.</param>
    /// <param name="seccomp">Whether a seccomp filter is active in this process.</param>
    internal static RingUnavailableException Diagnose(int errno, string? sysctl, bool seccomp)
    {
        (RingUnavailableCause cause, string why) = errno switch
        {
            EPERM when sysctl is "1" or "2" => (DisabledBySysctl,
                $"kernel.io_uring_disabled is {sysctl}. Remedy: 'sysctl kernel.io_uring_disabled=0'"
                + (sysctl == "1" ? ", or add this user's group to kernel.io_uring_group." : ".")),
            EPERM or ENOSYS when seccomp => (BlockedBySeccomp,
                "a seccomp filter refuses io_uring_setup, as container runtimes do by default. "
                + "Remedy: run the container with deploy/seccomp-ringcore.json "
                + "(Docker, Podman: --security-opt seccomp=seccomp-ringcore.json)."),
            EPERM => (BlockedBySecurityModule,
                "the kernel refuses io_uring_setup to this user. "
                + "Remedy: look for a security policy that forbids io_uring."),
            EACCES => (BlockedBySecurityModule,
                "a security module (SELinux or AppArmor) refuses it. "
                + "Remedy: allow io_uring for this domain."),
            ENOSYS => (KernelTooOld,
                "this kernel has no io_uring (or a sandbox such as gVisor hides it). "
                + "Remedy: Linux 5.10 or newer, with CONFIG_IO_URING."),
            ENOMEM => (MemoryLock,
                "the locked-memory limit is too small for the ring. "
                + "Remedy: raise it ('ulimit -l unlimited', Docker: --ulimit memlock=-1), "
                + "or ask for fewer SqEntries and CqEntries."),
            EMFILE or ENFILE => (FileLimit,
                "no file descriptor is left. Remedy: 'ulimit -n', or close some."),
            _ => (Other, "io_uring_setup failed."),
        };
        return new(cause, errno, $"io_uring is not available: {why} ({Describe(errno)})");
    }

    /// <summary>As <see cref="Diagnose(int, string, bool)"/>, looking at this host.</summary>
    internal static RingUnavailableException Diagnose(int errno) =>
        Diagnose(errno, ReadLine("/proc/sys/kernel/io_uring_disabled"), SeccompFilterActive());

    /// <summary>The refusal on an operating system other than Linux.</summary>
    internal static RingUnavailableException NotLinux() => new(RingUnavailableCause.NotLinux, 0,
        "io_uring is not available: this is not Linux. "
        + "Remedy: Linux 5.10 or newer, or the stock System.Net.Sockets here.");

    /// <summary>The refusal on a kernel that has io_uring but not enough of it.</summary>
    internal static RingUnavailableException TooOld(string missing) => new(KernelTooOld, 0,
        $"io_uring is not available: this kernel lacks {missing}. Remedy: Linux 5.10 or newer.");

    private static string? ReadLine(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool SeccompFilterActive() =>
        ReadLine("/proc/self/status")?.Contains("Seccomp:\t2", StringComparison.Ordinal) ?? false;
}

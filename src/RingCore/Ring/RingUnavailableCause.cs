// Ring layer: the causes of a RingUnavailableException, for programs that react to them.

namespace RingCore;

/// <summary>What stands between this process and io_uring.</summary>
public enum RingUnavailableCause
{
    /// <summary>Nothing: io_uring works.</summary>
    None,

    /// <summary>Not Linux.</summary>
    NotLinux,

    /// <summary>
    /// The kernel lacks io_uring or something that RingCore cannot do without (floor: Linux 5.10).
    /// </summary>
    KernelTooOld,

    /// <summary>The sysctl <c>kernel.io_uring_disabled</c> (Linux 6.6) forbids it.</summary>
    DisabledBySysctl,

    /// <summary>A seccomp filter, as in a container, refuses the system calls.</summary>
    BlockedBySeccomp,

    /// <summary>A security module (SELinux, AppArmor) refuses.</summary>
    BlockedBySecurityModule,

    /// <summary>The locked-memory limit (RLIMIT_MEMLOCK) is too small for the ring.</summary>
    MemoryLock,

    /// <summary>No file descriptor is left.</summary>
    FileLimit,

    /// <summary>Something else; the errno tells.</summary>
    Other,
}

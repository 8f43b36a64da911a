// Layer: Sys. The file, memory-mapping and eventfd constants of libc that this project uses, with
// their Linux values on x86-64 (the asm-generic ones; O_DIRECT differs on arm64). Used by Ring/, Ops/
// and Handles/. Constants nobody needs are left out on purpose: this is not a copy of libc's headers.
namespace RingCore.Sys;

/// <summary>
/// Constants of <c>fcntl.h</c>, <c>sys/mman.h</c>, <c>sys/eventfd.h</c>, <c>time.h</c> and
/// <c>unistd.h</c>.
/// </summary>
public static class FileConstants
{
    /// <summary>The bits of the flags that tell reading from writing.</summary>
    public const int O_ACCMODE = 3;

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

    /// <summary>Mode: a named pipe.</summary>
    public const int S_IFIFO = 0x1000;

    /// <summary>Mode: a directory.</summary>
    public const int S_IFDIR = 0x4000;

    /// <summary>Mode: a symbolic link.</summary>
    public const int S_IFLNK = 0xA000;

    /// <summary>Type bits: a block device.</summary>
    internal const int S_IFBLK = 0x6000;

    /// <summary>lseek: from the present position.</summary>
    internal const int SEEK_CUR = 1;

    /// <summary>Fallocate: allocate beyond the end without making the file longer.</summary>
    public const int FALLOC_FL_KEEP_SIZE = 1;

    /// <summary>Fallocate: give the range back and leave a hole; needs KEEP_SIZE.</summary>
    public const int FALLOC_FL_PUNCH_HOLE = 2;

    /// <summary>Fallocate: the range reads as zeros.</summary>
    public const int FALLOC_FL_ZERO_RANGE = 0x10;

    /// <summary>
    /// Fcntl: copy the descriptor to the lowest free number from the argument on, closed on exec.
    /// </summary>
    internal const int F_DUPFD_CLOEXEC = 1030;

    /// <summary>Fcntl: read the descriptor's own flags.</summary>
    internal const int F_GETFD = 1;

    /// <summary>Fcntl: read the open file's flags.</summary>
    internal const int F_GETFL = 3;

    /// <summary>Fcntl: set the open file's flags.</summary>
    internal const int F_SETFL = 4;

    /// <summary>Fcntl: size of a pipe's buffer; -EBADF for what is no pipe. Since 2.6.35.</summary>
    public const int F_GETPIPE_SZ = 1032;

    /// <summary>Fcntl: size of a pipe's buffer, set. Since 2.6.35.</summary>
    internal const int F_SETPIPE_SZ = 1031;

    /// <summary>Mapping may be read.</summary>
    internal const int PROT_READ = 1;

    /// <summary>Mapping may be written.</summary>
    internal const int PROT_WRITE = 2;

    /// <summary>Mapping is not accessible: a guard page.</summary>
    internal const int PROT_NONE = 0;

    /// <summary>
    /// Changes are seen by every mapping of the same object; needed for ring memory.
    /// </summary>
    internal const int MAP_SHARED = 0x1;

    /// <summary>Changes stay in this process.</summary>
    internal const int MAP_PRIVATE = 0x2;

    /// <summary>Not backed by a file; zero filled.</summary>
    internal const int MAP_ANONYMOUS = 0x20;

    /// <summary>Fill the page tables now instead of by page faults.</summary>
    internal const int MAP_POPULATE = 0x8000;

    /// <summary>mmap: at the very address, in place of what is there.</summary>
    internal const int MAP_FIXED = 0x10;

    /// <summary>mmap: nothing is set aside for it.</summary>
    internal const int MAP_NORESERVE = 0x4000;

    /// <summary>
    /// Madvise: a forked child does not get the mapping. Keeps ring memory out of children.
    /// </summary>
    internal const int MADV_DONTFORK = 10;

    /// <summary>Eventfd: closed on exec.</summary>
    internal const int EFD_CLOEXEC = 0x80000;

    /// <summary>Eventfd: plain reads give -EAGAIN instead of waiting.</summary>
    internal const int EFD_NONBLOCK = 0x800;

    /// <summary>Clock that can be set and jumps.</summary>
    internal const int CLOCK_REALTIME = 0;

    /// <summary>Clock that only goes forward, stopped during suspend.</summary>
    internal const int CLOCK_MONOTONIC = 1;

    /// <summary>Clock that only goes forward, counting suspend.</summary>
    internal const int CLOCK_BOOTTIME = 7;
}

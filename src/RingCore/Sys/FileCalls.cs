// Layer: Sys. the plain system calls about files that cannot block, or that run where nothing waits: what
// a file is, and whether two are the same. They never throw.

using System.Text;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;

namespace RingCore.Sys;

/// <summary>statx, lseek and unlink.</summary>
internal static class FileCalls
{
    /// <summary>Of an open file, or of a path; all zero where the kernel does not say.</summary>
    internal static unsafe statx Status(int fd, string path = "")
    {
        statx status = default;
        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0'))
            Libc.statx(fd, bytes, AT_EMPTY_PATH, STATX_BASIC_STATS, &status);
        return status;
    }

    internal static int Type(in statx status) => status.stx_mode & S_IFMT;

    /// <summary>What no other file on this machine has while this one is open.</summary>
    internal static (uint Major, uint Minor, ulong Inode) Identity(in statx status) =>
        (status.stx_dev_major, status.stx_dev_minor, status.stx_ino);

    /// <summary>Whether it has a position: as FileStream.CanSeek.</summary>
    internal static bool CanSeek(int fd) => Libc.lseek(fd, 0, SEEK_CUR) is not (-ESPIPE or -EINVAL);

    /// <summary>Removes a name, unless it is another file's by now.</summary>
    internal static unsafe void Unlink(string path, (uint, uint, ulong) identity)
    {
        if (Identity(Status(AT_FDCWD, path)) != identity)
            return;
        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0'))
            Libc.unlink(bytes);
    }
}

// Handles layer: what statx told about a file, in .NET's words. It only reads a struct;
// RingFile.GetStatusAsync and Op.Statx ask.

using System.Runtime.InteropServices;
using RingCore.Sys;
using static RingCore.Sys.FileConstants;

namespace RingCore;

/// <summary>What the kernel knows about a file.</summary>
public sealed class RingFileStatus
{
    /// <summary>
    /// Bytes that <see cref="Op.Statx(string, Memory{byte}, int, uint)"/> needs for its result.
    /// </summary>
    public const int Size = 256;

    private readonly statx _raw;

    /// <summary>
    /// Reads the struct that a successful <see cref="Op.Statx(string, Memory{byte}, int, uint)"/> has filled
    /// in.
    /// </summary>
    /// <param name="result">At least <see cref="Size"/> bytes.</param>
    public RingFileStatus(ReadOnlySpan<byte> result) => _raw = MemoryMarshal.Read<statx>(result);

    /// <summary>The kernel's struct.</summary>
    public statx Raw => _raw;

    /// <summary>In bytes.</summary>
    public long Length => (long)_raw.stx_size;

    /// <summary>Bytes allocated; fewer than <see cref="Length"/> where the file has holes.</summary>
    public long AllocatedLength => (long)_raw.stx_blocks * 512;

    /// <summary>Permissions.</summary>
    public UnixFileMode Mode => (UnixFileMode)(_raw.stx_mode & ~S_IFMT);

    /// <summary>Whether it is a regular file.</summary>
    public bool IsFile => FileCalls.Type(_raw) == S_IFREG;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => FileCalls.Type(_raw) == S_IFDIR;

    /// <summary>Whether it is a symbolic link, asked about with AT_SYMLINK_NOFOLLOW.</summary>
    public bool IsSymbolicLink => FileCalls.Type(_raw) == S_IFLNK;

    /// <summary>Names the file has.</summary>
    public int LinkCount => (int)_raw.stx_nlink;

    /// <summary>Unique on its device.</summary>
    public ulong Inode => _raw.stx_ino;

    /// <summary>Last change of the contents.</summary>
    public DateTimeOffset LastWriteTime => Time(_raw.stx_mtime);

    /// <summary>Last access; many systems keep it only roughly.</summary>
    public DateTimeOffset LastAccessTime => Time(_raw.stx_atime);

    /// <summary>Last change of the contents, name, mode or owner.</summary>
    public DateTimeOffset LastChangeTime => Time(_raw.stx_ctime);

    /// <summary>Creation; null where the file system does not keep it.</summary>
    public DateTimeOffset? CreationTime => Has(STATX_BTIME) ? Time(_raw.stx_btime) : null;

    /// <summary>
    /// Bytes that memory must be aligned to with <see cref="RingFileOptions.Direct"/>; 0: there is no
    /// O_DIRECT here; null: the kernel does not say (before 6.1), or was not asked (STATX_DIOALIGN, which
    /// <see cref="RingFile.GetStatusAsync"/> does).
    /// </summary>
    public int? DirectMemoryAlignment => Has(STATX_DIOALIGN) ? (int)_raw.stx_dio_mem_align : null;

    /// <summary>The same for offsets and lengths.</summary>
    public int? DirectOffsetAlignment => Has(STATX_DIOALIGN) ? (int)_raw.stx_dio_offset_align : null;

    private bool Has(uint mask) => (_raw.stx_mask & mask) != 0;

    private static DateTimeOffset Time(statx_timestamp time) =>
        DateTimeOffset.UnixEpoch.AddTicks(
            time.tv_sec * TimeSpan.TicksPerSecond + time.tv_nsec / TimeSpan.NanosecondsPerTick);
}

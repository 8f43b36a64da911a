// Layer: Sys. What statx reports about a file, and the constants that path and size requests take.
// Used by Ops/ (which lends the memory the kernel fills) and Handles/ (which reads it).
// Fields beyond those an older kernel knows are zero: stx_mask says which are filled in.
using System.Runtime.InteropServices;

namespace RingCore.Sys;

// The struct keeps the kernel's spelling, although C# would rather reserve lower-case type names.
#pragma warning disable CS8981

/// <summary>A point in time since 1970, 16 bytes. Part of <see cref="statx"/>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct statx_timestamp
{
    /// <summary>Offset 0. Seconds; negative before 1970.</summary>
    [FieldOffset(0)] public long tv_sec;

    /// <summary>Offset 8. Nanoseconds to add, below 10^9.</summary>
    [FieldOffset(8)] public uint tv_nsec;
}

/// <summary>What the kernel reports about a file, 256 bytes. Written at completion.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public struct statx
{
    /// <summary>Offset 0. <c>STATX_*</c> of the fields that are filled in.</summary>
    [FieldOffset(0)] public uint stx_mask;

    /// <summary>Offset 4. Block size that suits reads and writes, in bytes.</summary>
    [FieldOffset(4)] public uint stx_blksize;

    /// <summary>Offset 8. <c>STATX_ATTR_*</c>: compressed, immutable, append-only and others.</summary>
    [FieldOffset(8)] public ulong stx_attributes;

    /// <summary>Offset 16. Number of hard links.</summary>
    [FieldOffset(16)] public uint stx_nlink;

    /// <summary>Offset 20. Owner.</summary>
    [FieldOffset(20)] public uint stx_uid;

    /// <summary>Offset 24. Group.</summary>
    [FieldOffset(24)] public uint stx_gid;

    /// <summary>Offset 28. Type (<see cref="FileConstants.S_IFMT"/>) and permissions.</summary>
    [FieldOffset(28)] public ushort stx_mode;

    /// <summary>Offset 32. Inode number.</summary>
    [FieldOffset(32)] public ulong stx_ino;

    /// <summary>Offset 40. Length in bytes.</summary>
    [FieldOffset(40)] public ulong stx_size;

    /// <summary>Offset 48. Blocks of 512 bytes that are allocated.</summary>
    [FieldOffset(48)] public ulong stx_blocks;

    /// <summary>Offset 56. Which bits of stx_attributes this file system knows.</summary>
    [FieldOffset(56)] public ulong stx_attributes_mask;

    /// <summary>Offset 64. Last access.</summary>
    [FieldOffset(64)] public statx_timestamp stx_atime;

    /// <summary>Offset 80. Creation, where the file system keeps it.</summary>
    [FieldOffset(80)] public statx_timestamp stx_btime;

    /// <summary>Offset 96. Last change of the inode.</summary>
    [FieldOffset(96)] public statx_timestamp stx_ctime;

    /// <summary>Offset 112. Last change of the contents.</summary>
    [FieldOffset(112)] public statx_timestamp stx_mtime;

    /// <summary>Offset 128. Major number, if the file is a device.</summary>
    [FieldOffset(128)] public uint stx_rdev_major;

    /// <summary>Offset 132. Minor number, if the file is a device.</summary>
    [FieldOffset(132)] public uint stx_rdev_minor;

    /// <summary>Offset 136. Major number of the device the file is on.</summary>
    [FieldOffset(136)] public uint stx_dev_major;

    /// <summary>Offset 140. Minor number of the device the file is on.</summary>
    [FieldOffset(140)] public uint stx_dev_minor;

    /// <summary>Offset 144. Mount. Since 5.8.</summary>
    [FieldOffset(144)] public ulong stx_mnt_id;

    /// <summary>Offset 152. Alignment of memory for O_DIRECT; 0: no O_DIRECT. Since 6.1.</summary>
    [FieldOffset(152)] public uint stx_dio_mem_align;

    /// <summary>Offset 156. Alignment of offsets and lengths for O_DIRECT. Since 6.1.</summary>
    [FieldOffset(156)] public uint stx_dio_offset_align;
}

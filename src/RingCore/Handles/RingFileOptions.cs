// Handles layer: how a file can be opened besides mode and access. RingFile turns these into O_* flags.

namespace RingCore;

/// <summary>How a <see cref="RingFile"/> is opened.</summary>
[Flags]
public enum RingFileOptions
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>
    /// Past the page cache (O_DIRECT): memory, offsets and lengths must be aligned, see
    /// <see cref="RingFile.AlignedMemory"/> and <see cref="RingFileStatus.DirectMemoryAlignment"/>. Not every
    /// file system has it.
    /// </summary>
    Direct = 1 << 0,

    /// <summary>A write ends when its data is on the device (O_DSYNC).</summary>
    WriteThrough = 1 << 1,

    /// <summary>
    /// Reading does not change the time of last access (O_NOATIME): for the file's owner only.
    /// </summary>
    NoAccessTime = 1 << 2,

    /// <summary>
    /// A symbolic link at the path's end is refused (O_NOFOLLOW): <see cref="IOException"/> with ELOOP.
    /// </summary>
    NoFollow = 1 << 3,

    /// <summary>
    /// Disposal removes the file's name, by unlink(2) on the ring's thread, unless another file has it by
    /// then.
    /// </summary>
    DeleteOnClose = 1 << 4,
}

// Handles layer: a file: open, read and write at an offset, close. Positions are always explicit: ops in flight together would
// share the file's own position. Owner thread only.

using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>An open file. Owner thread only, but for disposal.</summary>
public sealed class RingFile : RingHandle
{
    private RingFile(OpDriver driver, int fd, string path)
        : base(driver, fd, ownsFd: true) => Path = path;

    /// <summary>The path it was opened with.</summary>
    public string Path { get; }

    /// <summary>Opens a file (IORING_OP_OPENAT, 5.6).</summary>
    /// <param name="path">Relative to the working directory, or absolute.</param>
    /// <param name="mode">As for System.IO.</param>
    /// <param name="access">As for System.IO.</param>
    /// <param name="token">Asks for cancellation; a file that was opened all the same is closed.</param>
    public static async ValueTask<RingFile> OpenAsync(
        string path, FileMode mode = FileMode.Open, FileAccess access = FileAccess.Read, CancellationToken token = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        OpDriver driver = OpDriver.Required;
        int flags = access switch
        {
            FileAccess.Read => FileConstants.O_RDONLY,
            FileAccess.Write => FileConstants.O_WRONLY,
            _ => FileConstants.O_RDWR,
        };
        flags |= mode switch
        {
            FileMode.CreateNew => FileConstants.O_CREAT | FileConstants.O_EXCL,
            FileMode.Create => FileConstants.O_CREAT | FileConstants.O_TRUNC,
            FileMode.OpenOrCreate => FileConstants.O_CREAT,
            FileMode.Truncate => FileConstants.O_TRUNC,
            FileMode.Append => FileConstants.O_CREAT | FileConstants.O_APPEND,
            _ => 0,
        };
        OpResult result = await Op.OpenAt(path, flags).Start(token);
        if (result.Res == -Errno.ENOENT && ((flags & FileConstants.O_CREAT) != 0 || !Directory.Exists(System.IO.Path.GetDirectoryName(path))))
            throw new DirectoryNotFoundException($"Opening '{path}': its directory is not there ({Errno.Describe(Errno.ENOENT)}).");
        if (!result.IsSuccess)
            throw RingErrors.File(result.Res, null, token, $"Opening '{path}'");
        return new RingFile(driver, result.Res, path);
    }

    /// <summary>Reads at an offset (IORING_OP_READ, 5.6). May be short; 0 at the end of the file.</summary>
    /// <param name="memory">On loan to the kernel until the read has ended.</param>
    /// <param name="offset">In bytes, zero or more.</param>
    /// <param name="token">Asks for cancellation; file I/O under way is often not cancelled.</param>
    public ValueTask<int> ReadAsync(Memory<byte> memory, long offset, CancellationToken token = default)
    {
        Check(offset);
        return FileAwaitable.Start(this, Op.Read(this, memory, offset), token, "Reading");
    }

    /// <summary>Writes at an offset (IORING_OP_WRITE, 5.6). May be short.</summary>
    /// <inheritdoc cref="ReadAsync"/>
    public ValueTask<int> WriteAsync(ReadOnlyMemory<byte> memory, long offset, CancellationToken token = default)
    {
        Check(offset);
        return FileAwaitable.Start(this, Op.Write(this, memory, offset), token, "Writing");
    }

    private void Check(long offset)
    {
        Driver.ThrowIfNotOwner();
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
    }

    /// <summary>The awaitable of a file op: bytes, or what System.IO would throw.</summary>
    internal sealed class FileAwaitable : OpAwaitable, IValueTaskSource<int>
    {
        private RingFile _file = null!;
        private CancellationToken _token;
        private string _what = "";

        protected override ValueTaskSourceStatus CompletedStatus => RingErrors.StatusOf(Res, _file, _token);

        internal static ValueTask<int> Start(RingFile file, in Op op, CancellationToken token, string what)
        {
            FileAwaitable awaitable = HandlePools.OfThread.FileTransfers.Rent();
            awaitable.Begin(file.Driver);
            awaitable._file = file;
            awaitable._token = token;
            awaitable._what = what;
            if (Op.Refused(file.Driver, token))
                file.Driver.Refuse(awaitable);
            else
                op.Write(file.Driver, awaitable, step: 0, token, linked: false);
            return new ValueTask<int>(awaitable, awaitable.Version);
        }

        public int GetResult(short token)
        {
            Take(token);
            int res = Res;
            RingFile file = _file;
            CancellationToken cancelled = _token;
            string what = _what;
            _file = null!;
            _token = default;
            HandlePools.OfThread.FileTransfers.Return(this);

            return res >= 0 ? res : throw RingErrors.File(res, file, cancelled, $"{what} '{file.Path}'");
        }
    }
}

#:project ../src/RingCore
// Copies a file past the page cache with registered buffers: dotnet run examples/fixed-buffers.cs [FILE COPY]
// Notice: eight reads and writes are always under way, and the kernel looks up the buffers' pages once instead of for every one.

using System.Security.Cryptography;
using RingCore;
using RingCore.Sys;

if (args.Length is not (0 or 2))
{
    Console.Error.WriteLine("usage: fixed-buffers [FILE COPY]");
    return 2;
}

const int pieces = 8, size = 65536, page = 4096, direct = 0x4000; // O_DIRECT
int exit = 0;
string folder = Directory.CreateTempSubdirectory("fixed-buffers-").FullName;
string from = args.Length == 2 ? args[0] : Path.Combine(folder, "data"), to = args.Length == 2 ? args[1] : Path.Combine(folder, "copy");
try
{
    if (args.Length != 2)
        File.WriteAllBytes(from, RandomNumberGenerator.GetBytes(16 * 1024 * 1024 + 777)); // Not a whole number of pages.
    RingExecutor.Run(Copy);
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    exit = e is RingUnavailableException ? 3 : 1;
}

Directory.Delete(folder, recursive: true);
return exit;

async RingTask Copy()
{
    long length = new FileInfo(from).Length, next = 0;
    await using RingBuffers buffers = RingBuffers.Register(pieces, size); // Each begins on a page boundary, as O_DIRECT wants it.
    using RingHandle source = await Open(from, FileConstants.O_RDONLY), target = await Open(to, FileConstants.O_RDWR | FileConstants.O_CREAT);
    await Task.WhenAll(Enumerable.Range(0, pieces).Select(i => CopyPieces(buffers[i]).AsTask())); // All have begun before the first is awaited.
    using (var copy = File.OpenHandle(to, FileMode.Open, FileAccess.Write))
        RandomAccess.SetLength(copy, length); // The last page was written whole, and an older copy may have been longer.
    Console.WriteLine($"copied {(length + size - 1) / size} pieces of {size / 1024} KiB through {pieces} registered buffers");
    Console.WriteLine($"the copy has {(SHA256.HashData(File.ReadAllBytes(from)).SequenceEqual(SHA256.HashData(File.ReadAllBytes(to))) ? "the same" : "ANOTHER")} hash");

    async RingTask CopyPieces(RingBuffer buffer)
    {
        for (long offset = next; offset < length; offset = next)
        {
            next += size; // One thread runs all of this: no lock.
            int read = 0, written = 0, piece = (int)Math.Min(size, length - offset);
            while (read < piece)
                read += Moved(await Op.ReadFixed(source, buffer, size - read, offset + read, start: read), from);
            int whole = (piece + page - 1) / page * page;
            while (written < whole)
                written += Moved(await Op.WriteFixed(target, buffer, whole - written, offset + written, start: written), to);
        }
    }
}

static int Moved(OpResult result, string path) => result.Res > 0 ? result.Res : throw new IOException(result.Res == 0 ? $"{path} ended early" : $"{path}: {result}");

static async RingTask<RingHandle> Open(string path, int flags)
{
    OpResult opened = await Op.OpenAt(path, flags | direct);
    opened = opened.Res == -Errno.EINVAL ? await Op.OpenAt(path, flags) : opened; // Not every file system has O_DIRECT.
    return opened.IsSuccess ? RingHandle.Adopt(opened.Res, ownsFd: true) : throw new IOException($"{path}: {opened}");
}

// A hundred files at once: dotnet run examples/stock/concurrent-reads.cs. A read of a file is a blocking call on a thread of the pool:
// a hundred system calls on as many threads as the pool has got. The twin of examples/concurrent-reads.cs on RandomAccess.

using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

const int Count = 100, Length = 4096;
string folder = Directory.CreateTempSubdirectory("concurrent-reads-").FullName;
try
{
    string[] paths = [.. Enumerable.Range(0, Count).Select(i => Path.Combine(folder, $"file-{i:00}"))];
    using var written = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    for (int i = 0; i < Count; i++)
    {
        var content = new byte[Length];
        new Random(i).NextBytes(content);
        File.WriteAllBytes(paths[i], content);
        written.AppendData(content);
    }

    SafeFileHandle[] files = [.. paths.Select(path => File.OpenHandle(path, options: FileOptions.Asynchronous))];
    byte[][] buffers = await Task.WhenAll(files.Select(ReadAsync));

    using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    for (int i = 0; i < Count; i++)
    {
        hash.AppendData(buffers[i]);
        files[i].Dispose();
    }

    bool isSame = hash.GetCurrentHash().SequenceEqual(written.GetCurrentHash());
    Console.WriteLine($"{Count} files of {Length} bytes: {(isSame ? "what was written" : "NOT what was written")}");
    return isSame ? 0 : 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

static async Task<byte[]> ReadAsync(SafeFileHandle file)
{
    var buffer = new byte[Length];
    for (int done = 0, read; done < Length; done += read) // A read may be short.
    {
        read = await RandomAccess.ReadAsync(file, buffer.AsMemory(done), done);
        if (read == 0)
            throw new EndOfStreamException($"a file ended after {done} of {Length} bytes");
    }

    return buffer;
}

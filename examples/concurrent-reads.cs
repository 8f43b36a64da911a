#:project ../src/RingCore
// A hundred files, one enter: dotnet run examples/concurrent-reads.cs. The reads are all started before the first is awaited; then the
// executor enters the kernel once, and a hundred SQEs go in. The counters say so; a loop of read(2) would enter a hundred times.

using System.Security.Cryptography;
using RingCore;

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

    bool isSame = RingExecutor.Run(async () =>
    {
        RingFile[] files = new RingFile[Count];
        for (int i = 0; i < Count; i++)
            files[i] = await RingFile.OpenAsync(paths[i]);

        RingExecutor executor = RingExecutor.Current!;
        RingCounters before = executor.Counters, atFirst = default;
        var buffers = new byte[Count][];
        RingTask[] reads = [.. Enumerable.Range(0, Count).Select(i => RingExecutor.Spawn(async () =>
        {
            await files[i].ReadExactlyAsync(buffers[i] = new byte[Length], offset: 0); // A read may be short: this one is not.
            if (atFirst.Enters == 0)
                atFirst = executor.Counters - before; // The first to come back looks how they all left.
        }))];
        foreach (RingTask read in reads)
            await read;
        Console.WriteLine($"{atFirst.Sqes} reads submitted by {atFirst.Enters} enter");

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int i = 0; i < Count; i++)
        {
            hash.AppendData(buffers[i]);
            await files[i].DisposeAsync();
        }

        return hash.GetCurrentHash().SequenceEqual(written.GetCurrentHash());
    });
    Console.WriteLine($"{Count} files of {Length} bytes: {(isSame ? "what was written" : "NOT what was written")}");
    return isSame ? 0 : 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is RingUnavailableException ? 3 : 1;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

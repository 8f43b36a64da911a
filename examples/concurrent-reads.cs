#:project ../src/RingCore
// A hundred files read at once with one system call: dotnet run examples/concurrent-reads.cs. Every read is a request in the submission
// queue; when all tasks wait, the executor enters the kernel once and hands over all of them.

using RingCore;

const int Count = 100;
string folder = Directory.CreateTempSubdirectory("concurrent-reads-").FullName;
try
{
    for (int i = 0; i < Count; i++)
        File.WriteAllText(Path.Combine(folder, $"{i}"), new string((char)('a' + i % 26), 1000 + i));
    RingExecutor.Run(async () =>
    {
        var files = new RingFile[Count];
        for (int i = 0; i < Count; i++)
            files[i] = await RingFile.OpenAsync(Path.Combine(folder, $"{i}"));
        RingCounters before = RingExecutor.Current!.Counters;
        var buffers = new byte[Count][];
        var reads = new ValueTask<int>[Count];
        for (int i = 0; i < Count; i++) // Each call writes its request; none waits yet.
            reads[i] = files[i].ReadAsync(buffers[i] = new byte[4096], offset: 0);
        long bytes = 0;
        for (int i = 0; i < Count; i++)
        {
            int read = await reads[i];
            if (read != 1000 + i || buffers[i].AsSpan(0, read).ContainsAnyExcept((byte)('a' + i % 26)))
                throw new InvalidDataException($"file {i} came back wrong");
            bytes += read;
        }

        RingCounters used = RingExecutor.Current!.Counters - before;
        Console.WriteLine($"{Count} files, {bytes} bytes, all as written");
        Console.WriteLine($"requests: {used.Sqes}; completions: {used.Cqes}; enters until the last was there: {used.Enters}");
        foreach (RingFile file in files)
            await file.DisposeAsync();
    });
    return 0;
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

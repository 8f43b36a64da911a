#:project ../src/RingCore
// Copies files to standard output: dotnet run examples/cat.cs FILE...; without a file, or for -, standard input. A file is read ahead,
// with four reads in flight; a pipe, a terminal or a device is read as its bytes come. Exit code 1: a file or the output failed.

using RingCore;

try
{
    return RingExecutor.Run(async () =>
    {
        RingPipe output = RingPipe.StandardOutput();
        int status = 0;
        foreach (string path in args.DefaultIfEmpty("-"))
        {
            await using IAsyncEnumerator<ReadOnlyMemory<byte>> chunks = ReadAsync(path).GetAsyncEnumerator();
            while (await IsNextAsync(path, chunks)) // A file that fails is reported, the next ones may still do.
                await output.WriteAsync(chunks.Current); // All of it. An output that fails ends the program: a gap would be worse.
        }

        return status;

        async RingTask<bool> IsNextAsync(string path, IAsyncEnumerator<ReadOnlyMemory<byte>> chunks)
        {
            try
            {
                return await chunks.MoveNextAsync();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Console.Error.WriteLine($"cat: {path}: {e.Message}");
                status = 1;
                return false;
            }
        }
    });
}
catch (Exception e) when (e is IOException or RingUnavailableException)
{
    Console.Error.WriteLine($"cat: {e.GetBaseException().Message}"); // A full disk, a reader that has gone.
    return e is IOException ? 1 : 3;
}

static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(string path)
{
    var status = new byte[RingFileStatus.Size];
    if (path != "-" && (await Op.Statx(path, status).Start()).IsSuccess && new RingFileStatus(status).IsFile)
    {
        await using RingFile file = await RingFile.OpenAsync(path);
        await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync())
            yield return chunk; // Valid until the next is asked for.
        yield break;
    }

    using RingPipe input = path == "-" ? RingPipe.StandardInput() : await RingPipe.OpenAsync(path, FileAccess.Read);
    var buffer = new byte[64 * 1024];
    for (int read; (read = await input.ReadAsync(buffer)) > 0;)
        yield return buffer.AsMemory(0, read);
}

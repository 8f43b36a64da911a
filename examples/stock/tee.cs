// Copies standard input to two files and to standard output: dotnet run examples/stock/tee.cs FILE1 FILE2. The three writes of a chunk
// and the read of the next one run at once. An output that fails is reported and dropped; the others get everything.
// The twin of examples/tee.cs on FileStream.

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: tee FILE1 FILE2");
    return 2;
}

try
{
    await using Stream input = Console.OpenStandardInput();
    await using Stream output = Console.OpenStandardOutput(); // Which does not tell that its reader has gone.
    await using var file1 = new FileStream(args[0], FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);
    await using var file2 = new FileStream(args[1], FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0, useAsync: true);
    List<Stream> outputs = [file1, file2, output]; // Those that have not failed.
    byte[] buffer = new byte[64 * 1024], next = new byte[64 * 1024]; // One is written while the other is read into.
    for (int read = await input.ReadAsync(buffer); read > 0 && outputs.Count > 0; (buffer, next) = (next, buffer))
    {
        ReadOnlyMemory<byte> chunk = buffer.AsMemory(0, read);
        Task[] writes = [.. outputs.ToArray().Select(stream => WriteAsync(stream, chunk))]; // A copy: one may fail before the next has begun.
        Task<int> reading = input.ReadAsync(next).AsTask();
        await Task.WhenAll(writes);
        read = await reading;
    }

    return outputs.Count == 3 ? 0 : 1;

    async Task WriteAsync(Stream stream, ReadOnlyMemory<byte> chunk)
    {
        try
        {
            await stream.WriteAsync(chunk); // All of it, or an exception.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Console.Error.WriteLine($"tee: {(stream as FileStream)?.Name ?? "standard output"}: {e.Message}");
            lock (outputs) // The three may end on three threads.
                outputs.Remove(stream);
        }
    }
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
{
    Console.Error.WriteLine($"tee: {e.Message}");
    return 1;
}

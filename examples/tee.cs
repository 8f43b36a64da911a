#:project ../src/RingCore
// Copies standard input to two files and to standard output: dotnet run examples/tee.cs FILE1 FILE2. The three writes of a chunk and
// the read of the next one leave with one enter. An output that fails is reported and dropped; the others get everything.

using RingCore;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: tee FILE1 FILE2");
    return 2;
}

try
{
    return RingExecutor.Run(async () =>
    {
        RingPipe input = RingPipe.StandardInput(), output = RingPipe.StandardOutput();
        await using RingFile file1 = await RingFile.OpenAsync(args[0], FileMode.Create, FileAccess.Write);
        await using RingFile file2 = await RingFile.OpenAsync(args[1], FileMode.Create, FileAccess.Write);
        List<string> outputs = [args[0], args[1], "standard output"]; // Those that have not failed.
        byte[] buffer = new byte[64 * 1024], next = new byte[64 * 1024]; // One is written while the other is read into.
        long position = 0;
        for (int read = await input.ReadAsync(buffer); read > 0 && outputs.Count > 0; (buffer, next) = (next, buffer))
        {
            ReadOnlyMemory<byte> chunk = buffer.AsMemory(0, read);
            RingTask[] writes = // Each of them all of the chunk, or an exception.
            [
                WriteAsync(args[0], () => file1.WriteAsync(chunk, position)),
                WriteAsync(args[1], () => file2.WriteAsync(chunk, position)),
                WriteAsync("standard output", () => output.WriteAsync(chunk)),
            ];
            ValueTask<int> reading = input.ReadAsync(next);
            foreach (RingTask write in writes)
                await write;
            (position, read) = (position + read, await reading);
        }

        return outputs.Count == 3 ? 0 : 1;

        async RingTask WriteAsync(string name, Func<ValueTask> write)
        {
            try
            {
                if (outputs.Contains(name))
                    await write();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Console.Error.WriteLine($"tee: {name}: {e.GetBaseException().Message}");
                outputs.Remove(name);
            }
        }
    });
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or RingUnavailableException)
{
    Console.Error.WriteLine($"tee: {e.Message}");
    return e is RingUnavailableException ? 3 : 1;
}

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
        RingPipe input = RingPipe.StandardInput();
        List<Output> outputs = [await Output.OpenAsync(args[0]), await Output.OpenAsync(args[1]), new("standard output", RingPipe.StandardOutput())];
        byte[] buffer = new byte[64 * 1024], next = new byte[64 * 1024]; // One is written while the other is read into.
        int failed = 0;
        for (int read = await input.ReadAsync(buffer); read > 0 && outputs.Count > 0; (buffer, next) = (next, buffer))
        {
            ReadOnlyMemory<byte> chunk = buffer.AsMemory(0, read);
            RingTask[] writes = [.. outputs.Select(output => RingExecutor.Spawn(() => output.WriteAsync(chunk)))];
            ValueTask<int> reading = input.ReadAsync(next);
            foreach (RingTask write in writes)
                await write;
            failed += outputs.RemoveAll(output => output.Failed);
            read = await reading;
        }

        foreach (Output output in outputs)
            output.Handle.Dispose();
        return failed > 0 ? 1 : 0;
    });
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"tee: {e.Message}");
    return 1;
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

internal sealed class Output(string name, RingHandle handle)
{
    private long _position;

    public RingHandle Handle => handle;

    public bool Failed { get; private set; }

    public static async RingTask<Output> OpenAsync(string path) => new(path, await RingFile.OpenAsync(path, FileMode.Create, FileAccess.Write));

    public async RingTask WriteAsync(ReadOnlyMemory<byte> chunk)
    {
        try
        {
            await (handle is RingFile file ? file.WriteAsync(chunk, _position) : ((RingPipe)handle).WriteAsync(chunk));
            _position += chunk.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"tee: {name}: {(e.InnerException ?? e).Message}");
            Failed = true;
        }
    }
}

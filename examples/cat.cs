#:project ../src/RingCore
// Copies files to standard output: dotnet run examples/cat.cs FILE...; without a file, or for -, standard input. A file is read ahead,
// with four reads in flight; a pipe, a terminal or a device is read as its bytes come.

using RingCore;

try
{
    return RingExecutor.Run(async () =>
    {
        int status = 0;
        foreach (string path in args.DefaultIfEmpty("-"))
        {
            try
            {
                RingPipe output = RingPipe.StandardOutput();
                if (path == "-")
                    await CopyAsync(RingPipe.StandardInput(), output);
                else
                    await CatAsync(path, output);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"cat: {path}: {(e.InnerException ?? e).Message}");
                status = 1; // Full disk, closed reader, no such file: the others may still do.
            }
        }

        return status;
    });
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

static async RingTask CatAsync(string path, RingPipe output)
{
    await using RingFile file = await RingFile.OpenAsync(path);
    if ((await file.GetStatusAsync()).IsFile)
    {
        await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync()) // Each is valid until the next is asked for.
            await output.WriteAsync(chunk);
    }
    else
    {
        await CopyAsync(RingPipe.Adopt(file.Fd, ownsFd: false), output);
    }
}

static async RingTask CopyAsync(RingPipe input, RingPipe output)
{
    var buffer = new byte[64 * 1024];
    int read;
    while ((read = await input.ReadAsync(buffer)) > 0)
        await output.WriteAsync(buffer.AsMemory(0, read)); // All of it, or an exception.
}

// Copies files to standard output: dotnet run examples/stock/cat.cs FILE...; without a file, or for -, standard input. Exit code 1: a
// file or the output failed; a reader that has gone is not noticed, since the console's stream keeps that to itself.
// The twin of examples/cat.cs on FileStream.

try
{
    await using Stream output = Console.OpenStandardOutput(); // A FileStream on fd 1 would not move the position that others share.
    int status = 0;
    foreach (string path in args.DefaultIfEmpty("-"))
    {
        try
        {
            await using Stream input = path == "-" ? Console.OpenStandardInput() : new FileStream(path, new FileStreamOptions
            {
                BufferSize = 0, // The copy has its own.
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            });
            await CopyAsync(input, output);
        }
        catch (Exception e) when (e is IOException and not OutputException or UnauthorizedAccessException or ArgumentException)
        {
            Console.Error.WriteLine($"cat: {path}: {e.Message}");
            status = 1; // The next ones may still do.
        }
    }

    return status;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
{
    Console.Error.WriteLine($"cat: {e.Message}"); // A full disk.
    return 1;
}

static async Task CopyAsync(Stream input, Stream output)
{
    var buffer = new byte[128 * 1024];
    while (await input.ReadAsync(buffer) is > 0 and int read)
    {
        try
        {
            await output.WriteAsync(buffer.AsMemory(0, read)); // All of it, or an exception.
        }
        catch (IOException e)
        {
            throw new OutputException(e.Message, e); // It ends the program: a gap would be worse.
        }
    }
}

internal sealed class OutputException(string message, Exception inner) : IOException(message, inner);

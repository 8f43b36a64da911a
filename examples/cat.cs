#:project ../src/RingCore
// Copies files to standard output: dotnet run examples/cat.cs FILE...; without a file, or for -, standard input. The kernel
// copies: from file to file in one go, else by splice, and a pipe or a terminal as its bytes come. Exit code 1: a file
// or the output failed.

using RingCore;

try
{
    return RingExecutor.Run(async () =>
    {
        RingPipe output = RingPipe.StandardOutput();
        int status = 0;
        foreach (string path in args.DefaultIfEmpty("-"))
        {
            try
            {
                await using RingHandle input = path == "-" ? RingPipe.StandardInput() : await RingFile.OpenAsync(path);
                await input.CopyToAsync(output);
            }
            catch (RingCopyException e) when (e.BytesLost > 0 || e.HResult is 28 or 32)
            {
                throw; // A full disk, a reader that has gone: a gap in the output would be worse than its end.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Console.Error.WriteLine($"cat: {path}: {e.GetBaseException().Message}"); // The next ones may still do.
                status = 1;
            }
        }

        return status;
    });
}
catch (Exception e) when (e is IOException or RingUnavailableException)
{
    Console.Error.WriteLine($"cat: {e.GetBaseException().Message}");
    return e is IOException ? 1 : 3;
}

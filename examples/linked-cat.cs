#:project ../src/RingCore
// Copies a file to standard output through chains of read and write: dotnet run examples/linked-cat.cs FILE. The kernel starts the write
// when the read has succeeded in full, without a turn through this program. A short read breaks its chain: the last piece is then
// written on its own, so the output is right for every length, also of a file that shrinks meanwhile.

using RingCore;
using RingCore.Sys;

if (args is not [var path])
{
    Console.Error.WriteLine("usage: linked-cat FILE");
    return 2;
}

try
{
    RingExecutor.Run(async () =>
    {
        await using RingFile file = await RingFile.OpenAsync(path);
        using RingHandle output = RingHandle.Adopt(1, ownsFd: false);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(256 * 1024, pinned: true);
        int chains = 0;
        int broken = 0;
        for (long offset = 0; ;)
        {
            ChainResult chain = await Op.Read(file, buffer, offset).Then(Op.Write(output, buffer)); // Both of one length: known before the read.
            chains++;
            int read = Check(chain.Steps[0], "reading");
            int written = chain.IsSuccess ? chain.Steps[1].Res : Math.Max(0, chain.Steps[1].Res);
            if (read == buffer.Length && chain.Steps[1] is { IsSuccess: false } refused)
                Check(refused, "writing"); // The read was whole: it was the write that failed.
            broken += read < buffer.Length ? 1 : 0;
            while (written < read) // A short read severed the link, or a pipe took only a part.
                written += Check(await Op.Write(output, buffer.AsMemory(written, read - written)), "writing");
            offset += read;
            if (read == 0)
                break; // The end. A short read alone does not prove it.
        }

        Console.Error.WriteLine($"{chains} chains, {broken} broken by a short read");
    });
    return 0;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or RingUnavailableException)
{
    Console.Error.WriteLine($"linked-cat: {e.Message}");
    return e is RingUnavailableException ? 3 : 1;
}

static int Check(OpResult result, string what) =>
    result.IsSuccess ? result.Res : throw new IOException($"{what}: {Errno.Describe(result.Errno)}");

#:project ../src/RingCore
// Copies a file to standard output with chains: dotnet run examples/linked-cat.cs FILE. Each chunk is a read and the write of what it
// brought, linked in the kernel: four chunks, eight requests, one enter, and no user code runs in between. A read that comes up short
// breaks its chain, so that no byte is written that was not read; what it brought is then written without a link.

using RingCore;
using RingCore.Sys;

const int Chunk = 64 * 1024, Depth = 4;
if (args.Length != 1)
{
    Console.Error.WriteLine("usage: linked-cat FILE");
    return 2;
}

try
{
    return RingExecutor.Run(async () =>
    {
        await using RingFile file = await RingFile.OpenAsync(args[0]);
        RingHandle output = RingHandle.Adopt(1, ownsFd: false);
        Memory<byte>[] buffers = [.. Enumerable.Range(0, Depth).Select(_ => (Memory<byte>)new byte[Chunk])];
        long length = (await file.GetStatusAsync()).Length, offset = 0; // A guess: it may grow or shrink, and in /proc it is 0.
        for (int chunks = 0, linked = 0; ;)
        {
            var steps = new List<Op>();
            for (long next = offset; steps.Count < 2 * Depth && (steps.Count == 0 || next < length); next += Chunk)
            {
                Memory<byte> chunk = buffers[steps.Count / 2][..(int)Math.Min(Chunk, next < length ? length - next : Chunk)];
                steps.AddRange(Op.Read(file, chunk, next), Op.Write(output, chunk)); // The last is as long as the rest: not short.
            }

            ChainResult result = await steps[2..].Aggregate(steps[0].Then(steps[1]), (chain, step) => chain.Then(step));
            for (int i = 0; i < steps.Count; i += 2)
            {
                (int read, int written) = (result.Steps[i].Res, Math.Max(result.Steps[i + 1].Res, 0));
                if (read == 0) // The end. Its write was cancelled, as all behind it were.
                {
                    Console.Error.WriteLine($"{linked} of {chunks} chunks written by the kernel's link");
                    return 0;
                }

                if (read == -Errno.ECANCELED && i > 0)
                    break; // A step before it was short: the next round reads it again.
                Check(read, "reading");
                Check(result.Steps[i + 1].Errno is Errno.ECANCELED or Errno.EAGAIN ? 0 : result.Steps[i + 1].Res, "writing");
                (chunks, linked) = (chunks + 1, linked + (written == read ? 1 : 0));
                while (written < read)
                    written += await WriteAsync(output, buffers[i / 2][written..read]);
                offset += read;
            }
        }
    });
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or RingUnavailableException)
{
    Console.Error.WriteLine($"linked-cat: {e.Message}");
    return e is RingUnavailableException ? 3 : 1;
}

static async RingTask<int> WriteAsync(RingHandle output, Memory<byte> bytes)
{
    OpResult result = await Op.Write(output, bytes);
    if (result.Errno != Errno.EAGAIN)
        return Check(result.Res, "writing");
    Check((await Op.Poll(output, SocketConstants.POLLOUT)).Res, "waiting"); // Whoever started us made it O_NONBLOCK.
    return 0;
}

static int Check(int res, string what) => res >= 0 ? res : throw new IOException($"{what}: {Errno.Describe(-res)}", -res);

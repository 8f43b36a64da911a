// Handles layer: a file from an offset to its end as a sequence of chunks, several reads in flight, in order.
// It yields what a loop of reads would: the first read that brings nothing is the end, whatever reads ahead
// of it have brought. Owner thread only.
//
// Who has a buffer: the kernel (in the queue of reads), the consumer (the chunk just yielded), or nobody;
// never two of them.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.io_uring_op;

namespace RingCore;

public sealed partial class RingFile
{
    private readonly record struct AheadRead(Chunk Chunk, long Offset, ulong Key, ValueTask<OpResult> Result);

    /// <summary>
    /// Reads to the end with several reads in flight (IORING_OP_READ, 5.6). A file that grows or shrinks
    /// meanwhile is read up to an end that it had. What came before an error is yielded before the exception.
    /// Leaving the loop waits for the reads in flight. What has no position, and a character device, is read
    /// one request at a time, and a chunk is what came: see <see cref="CanSeek"/>.
    /// </summary>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="chunkSize">
    /// Bytes of a chunk; the last one is shorter. With <see cref="RingFileOptions.Direct"/> a multiple of the
    /// alignment.
    /// </param>
    /// <param name="depth">
    /// Reads in flight at most, 1 to 64; while a chunk is being consumed, one less.
    /// </param>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Chunks in order. Each is valid until the next is asked for.</returns>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync(
        long offset = 0, int chunkSize = Chunk.Usual, int depth = 4,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        long next = Check(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(chunkSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(depth, 64);

        (long expected, bool inOrder) = Extent();
        if (inOrder)
            depth = 1;
        long left = Math.Clamp(expected - offset, 0, chunkSize);
        // No 128 KiB for ten bytes.
        int size = (int)Math.Min(chunkSize, (left / 4096 + 1) * 4096);
        var reads = new Queue<AheadRead>(depth);
        Chunk? free = null;
        try
        {
            while (true)
            {
                while (reads.Count < depth && (reads.Count == 0 || next < expected))
                {
                    Chunk chunk = free ?? Chunk.Rent(Driver, size);
                    free = null;
                    ValueTask<OpResult> result =
                        Op.Read(this, chunk.Memory, next).Start(out OpId id, cancellationToken);
                    reads.Enqueue(new AheadRead(chunk, next, id.Key, result));
                    next = Behind(next, size);
                }

                AheadRead read = reads.Dequeue();
                int count = 0;
                int res = (await read.Result).Res;
                free = read.Chunk;
                while (res == -EINTR
                    || (res > 0 && (count += res) < size && !inOrder && !EndsWith(IORING_OP_READ, count)))
                {
                    // Short in the middle, or at the end: a read tells.
                    Op rest = Op.Read(this, free.Memory[count..], Behind(read.Offset, count));
                    res = (await rest.Start(cancellationToken)).Res;
                }

                if (count > 0)
                    yield return free.Bytes[..count];
                if (res < 0)
                    throw Failure(
                        res, Op.Read(
                            this, free.Memory, read.Offset), cancellationToken, "Reading", count, size);
                if (inOrder)
                    next = Behind(read.Offset, count);
                if (inOrder ? res == 0 : count < size)
                    yield break;
            }
        }
        finally
        {
            free?.Return();

            // Else the consumer has gone elsewhere: the reads end by themselves, their buffers are the GC's.
            if (Driver.IsOwner)
                await EndAsync(reads);
        }
    }

    /// <summary>
    /// Up to where several reads may be with the kernel at once: beyond it one looks for the end; files of
    /// /proc say 0 whatever they hold. And whether what comes is a chunk as it is, and nothing is read ahead.
    /// </summary>
    private (long Expected, bool InOrder) Extent()
    {
        statx status = FileCalls.Status(Fd);
        int type = FileCalls.Type(status);
        return (type == S_IFREG && CanSeek ? (long)status.stx_size : long.MaxValue,
            !CanSeek || type is not (S_IFREG or S_IFBLK or 0));
    }

    private async ValueTask EndAsync(Queue<AheadRead> reads)
    {
        foreach (AheadRead read in reads)
            Driver.Cancel(read.Key);
        while (reads.TryDequeue(out AheadRead read))
        {
            read.Chunk.Return();
            await read.Result;
        }
    }

    private static long Behind(long offset, int bytes) => offset < 0 ? offset : offset + bytes;
}

// Handles layer: a file from an offset to its end as a sequence of chunks, several reads in flight, in order. It yields what a
// loop of reads would: the first read that brings nothing is the end, whatever reads ahead of it have brought. Owner thread only.
//
// Who has a buffer: the kernel (in the queue of reads), the consumer (the chunk just yielded), or nobody; never two of them.

using System.Runtime.CompilerServices;
using RingCore.Sys;

namespace RingCore;

public sealed partial class RingFile
{
    private readonly record struct AheadRead(Chunk Chunk, long Offset, ulong Key, ValueTask<OpResult> Result);

    /// <summary>
    /// Reads to the end with several reads in flight (IORING_OP_READ, 5.6). A file that grows or shrinks meanwhile is read up to an
    /// end that it had. What came before an error is yielded before the exception. Leaving the loop waits for the reads in flight.
    /// </summary>
    /// <param name="offset">Where to begin, in bytes.</param>
    /// <param name="chunkSize">Bytes of a chunk; the last one is shorter. With <see cref="RingFileOptions.Direct"/> a multiple of the alignment.</param>
    /// <param name="depth">Reads in flight at most, 1 to 64; while a chunk is being consumed, one less.</param>
    /// <param name="token">Ends it with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Chunks in order. Each is valid until the next is asked for.</returns>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAllAsync(
        long offset = 0, int chunkSize = Chunk.Usual, int depth = 4, [EnumeratorCancellation] CancellationToken token = default)
    {
        Check(offset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(chunkSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(depth, 64);
        long expected = ExpectedLength();
        long left = Math.Clamp(expected - offset, 0, chunkSize);
        int size = (int)Math.Min(chunkSize, (left / 4096 + 1) * 4096); // No 128 KiB for ten bytes.
        var reads = new Queue<AheadRead>(depth);
        Chunk? free = null;
        long next = offset;
        try
        {
            while (true)
            {
                while (reads.Count < depth && (reads.Count == 0 || next < expected))
                {
                    Chunk chunk = free ?? Chunk.Rent(Driver, size);
                    free = null;
                    ValueTask<OpResult> result = Op.Read(this, chunk.Memory, next).Start(out ulong key, token);
                    reads.Enqueue(new AheadRead(chunk, next, key, result));
                    next += size;
                }

                AheadRead read = reads.Dequeue();
                int count = 0;
                int res = (await read.Result).Res;
                free = read.Chunk;
                while (res == -Errno.EINTR || (res > 0 && (count += res) < size && !EndsWith(io_uring_op.IORING_OP_READ, count)))
                    res = (await Op.Read(this, free.Memory[count..], read.Offset + count).Start(token)).Res; // Short in the middle, or at the end: a read tells.
                if (count > 0)
                    yield return free.Bytes[..count];
                if (res < 0)
                    throw Failure(res, Op.Read(this, free.Memory, read.Offset), token, "Reading", count, size);
                if (count < size)
                    yield break;
            }
        }
        finally
        {
            if (Driver.IsOwner) // Else the consumer has gone elsewhere: the reads end by themselves, their buffers are the GC's.
            {
                foreach (AheadRead read in reads)
                    Driver.Cancel(read.Key);
                free?.Return();
                while (reads.TryDequeue(out AheadRead read))
                {
                    read.Chunk.Return();
                    await read.Result;
                }
            }
        }
    }

    /// <summary>A hint: beyond it only one read at a time looks for the end. Files of /proc say 0 whatever they hold.</summary>
    private unsafe long ExpectedLength()
    {
        byte empty = 0;
        statx status = default;
        int res = Libc.statx(Fd, &empty, FileConstants.AT_EMPTY_PATH, FileConstants.STATX_TYPE_MODE | FileConstants.STATX_SIZE, &status);
        return res >= 0 && (status.stx_mode & FileConstants.S_IFMT) == FileConstants.S_IFREG ? (long)status.stx_size : long.MaxValue;
    }
}

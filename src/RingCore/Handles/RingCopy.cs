// Handles layer: copying from one handle to another: file, pipe, socket. From file to file in ranges
// (RangeCopy); by splice where the kernel can and where it pays, through a pipe of its own where neither end
// is one; else by reads and writes with two buffers, one read and one write in flight. Which way, and what
// was measured, is in docs/decisions/0004-copies.md. It keeps no state between copies.
//
// Invariants: _left is what may still be taken from the source, _unwritten what was taken and has not reached
// the target; when a copy ends, for whatever reason, no op of it is with the kernel, and what is unwritten
// then is named in the error. A splice that waits would keep a kernel worker, of which there are few, as long
// as a peer likes: a source is polled before it, and it never waits for room (SPLICE_F_NONBLOCK, which only
// pipes obey; sockets get O_NONBLOCK, which receives and sends do not mind, unless they are only borrowed:
// those are read and written), a poll does.

using System.Diagnostics.CodeAnalysis;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.FileConstants;
using static RingCore.Sys.OpFlags;
using static RingCore.Sys.SocketConstants;

namespace RingCore;

/// <summary>Copies between handles.</summary>
public static class RingCopy
{
    private const int PipeSize = 256 * 1024;

    /// <summary>
    /// Copies from the beginning of a file, or from where a stream stands, to the beginning of a file, or to
    /// a stream.
    /// </summary>
    /// <inheritdoc cref="CopyToAsync(RingHandle, long, RingHandle, long, long, CancellationToken)"/>
    public static ValueTask<long> CopyToAsync(
        this RingHandle from, RingHandle to, long count = long.MaxValue,
        CancellationToken cancellationToken = default) =>
        CopyToAsync(from, 0, to, 0, count, cancellationToken);

    /// <summary>
    /// Copies until the source ends or <paramref name="count"/> bytes are copied: between regular files by
    /// copy_file_range(2) on a thread of its own, a clone where the file system can; without user memory
    /// (IORING_OP_SPLICE, 5.7, on a kernel worker) from a file and to a file or pipe, else with reads and
    /// writes. Both handles are held: another read of the source throws meanwhile, writes to the target wait.
    /// It does not close, shut down or flush the target. Owner thread.
    /// </summary>
    /// <param name="from">
    /// A <see cref="RingFile"/>, <see cref="RingPipe"/> or <see cref="RingConnection"/>; another handle is
    /// read at its own position.
    /// </param>
    /// <param name="fromOffset">
    /// Where in the file, in bytes; ignored without a position, 0 for what is no <see cref="RingFile"/>.
    /// </param>
    /// <param name="to">As the source. A file opened to append grows at its end, whatever the offset.</param>
    /// <param name="toOffset">As <paramref name="fromOffset"/>.</param>
    /// <param name="count">Most bytes to copy, 0 or more.</param>
    /// <param name="cancellationToken">
    /// Asks for cancellation: <see cref="OperationCanceledException"/>, whose inner exception is the
    /// <see cref="RingCopyException"/>.
    /// </param>
    /// <returns>Bytes copied; fewer than <paramref name="count"/> only at the end of the source.</returns>
    /// <exception cref="RingCopyException">
    /// It ended early; says how far it had come, and what was lost on the way.
    /// </exception>
    /// <exception cref="IOException">
    /// Source and target are the same file, and the ranges overlap: nothing was written.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// A read of the source or a write to the target is in progress.
    /// </exception>
    public static async ValueTask<long> CopyToAsync(
        this RingHandle from, long fromOffset, RingHandle to, long toOffset, long count = long.MaxValue,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        (fromOffset, toOffset) = (Position(from, fromOffset), Position(to, toOffset));
        bool ranges = BetweenFiles(from, fromOffset, to, toOffset, count) >= RangeCopy.Least;
        return await CopyAsync(from, fromOffset, to, toOffset, count, ranges, cancellationToken);
    }

    /// <summary>
    /// A task of the ring's: it goes on there, whatever synchronization context its caller has.
    /// </summary>
    private static async RingTask<long> CopyAsync(
        RingHandle from, long fromOffset, RingHandle to, long toOffset, long count, bool ranges,
        CancellationToken token)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
        var copy = new Copy(from, fromOffset, to, toOffset, count, stop);
        // Before either is held.
        (to as RingStream)?.Writes.ThrowIfBusy();
        (from as RingStream)?.ThrowIfReading();
        (from as RingStream)?.StartReading(copy);
        using WriteHold hold = (to as RingStream)?.Writes.HoldIfIdle() ?? default;
        try
        {
            (from.Copies ??= []).Add(stop);
            (to.Copies ??= []).Add(stop);
            int res = await copy.RunAsync(ranges);
            return res >= 0 ? copy.Done : throw copy.Failure(res, token);
        }
        finally
        {
            from.Copies?.Remove(stop);
            to.Copies?.Remove(stop);
            (from as RingStream)?.EndReading(copy);
        }
    }

    /// <summary>Where an op is to begin: −1 at the fd's own position, or without any.</summary>
    private static long Position(RingHandle handle, long offset)
    {
        handle.ThrowIfNotReady();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (handle is not RingFile)
            ArgumentOutOfRangeException.ThrowIfNotEqual(offset, 0);
        return handle is RingFile { CanSeek: true } ? offset : -1;
    }

    /// <summary>
    /// Bytes to copy from one regular file to another, as they are now; 0 where they are none, or the target
    /// grows at its end. Within one file, ranges that overlap are refused: the copy would read what it has
    /// written, and where the file grows never end.
    /// </summary>
    private static long BetweenFiles(
        RingHandle from, long fromOffset, RingHandle to, long toOffset, long count)
    {
        statx source = FileCalls.Status(from.Fd), target = FileCalls.Status(to.Fd);
        if (FileCalls.Type(source) != S_IFREG || FileCalls.Type(target) != S_IFREG)
            return 0;
        long size = (long)source.stx_size;
        long first = fromOffset < 0 ? Libc.lseek(from.Fd, 0, SEEK_CUR) : fromOffset;
        bool appends = (Libc.fcntl(to.Fd, F_GETFL, 0) & O_APPEND) != 0;
        long second = appends ? size : toOffset < 0 ? Libc.lseek(to.Fd, 0, SEEK_CUR) : toOffset;
        long length = Math.Min(count, size - first);

        // Downwards the end stays where it is.
        if (FileCalls.Identity(source) == FileCalls.Identity(target)
            && Math.Abs(second - first) < (second > first ? count : length))
            throw new IOException(
                "The copy's source and target are one file, and the ranges overlap.", EINVAL);
        return appends ? 0 : length;
    }

    private sealed class Copy(
        RingHandle from, long fromOffset, RingHandle to, long toOffset, long count,
        CancellationTokenSource stop)
    {
        private long _fromOffset = fromOffset;
        private long _toOffset = toOffset;
        private long _left = count;
        private long _unwritten;
        private Exception? _thrown;

        internal long Done { get; private set; }

        /// <summary>0, or −errno.</summary>
        /// <param name="ranges">Whether the kernel may copy ranges of files.</param>
        internal async RingTask<int> RunAsync(bool ranges)
        {
            if (ranges)
            {
                (long copied, bool atEnd) =
                    await RangeCopy.RunAsync(from, _fromOffset, to, _toOffset, _left, stop.Token);
                Taken(copied);
                Written(copied);
                if (atEnd || _left == 0)
                    return 0;
            }

            int res = -EINVAL;
            bool throughPipe = from is RingFile || (from is RingConnection && to is RingFile);
            if (from is RingPipe || to is RingPipe)
                res = to is RingConnection || !CanSplice(from) ? res : await SpliceAsync();
            else if (throughPipe && CanSplice(from) && CanSplice(to))
                res = await SpliceThroughPipeAsync();

            // Else a write that failed with the same errno.
            return CannotSplice(res) && _unwritten == 0 ? await ReadAndWriteAsync(from) : res;
        }

        /// <summary>
        /// Sees to it that a splice never waits for a socket. A flag that others may share is not ours to
        /// set.
        /// </summary>
        private static bool CanSplice(RingHandle handle)
        {
            if (handle is not RingConnection)
                return true;
            if (handle.OwnsFd && Libc.fcntl(handle.Fd, F_GETFL, 0) is var flags and >= 0)
                Libc.fcntl(handle.Fd, F_SETFL, flags | O_NONBLOCK);
            return handle.OwnsFd;
        }

        /// <summary>
        /// What splice says of a file system, of a device, of a file opened to append; it has moved nothing
        /// then.
        /// </summary>
        private static bool CannotSplice(int res) => res is -EINVAL or -EOPNOTSUPP;

        private async RingTask<int> SpliceAsync()
        {
            while (_left > 0)
            {
                int moved = await SpliceAsync(from, _fromOffset, to, _toOffset, _left);
                if (moved <= 0)
                    return moved;
                Taken(moved);
                Written(moved);
            }

            return 0;
        }

        private async RingTask<int> SpliceThroughPipeAsync()
        {
            (RingPipe Reader, RingPipe Writer) pipe;
            try
            {
                pipe = RingPipe.Create(PipeSize);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Out of fds, or of what a user may have in pipes.
                return -EINVAL;
            }

            using RingPipe reader = pipe.Reader, writer = pipe.Writer;
            int moved = 0;
            while (_left > 0 && (moved = await SpliceAsync(from, _fromOffset, writer, -1, _left)) > 0)
            {
                Taken(moved);
                while (_unwritten > 0)
                {
                    moved = await SpliceAsync(reader, -1, to, _toOffset, _unwritten);
                    // The pipe is empty: from here on without it.
                    if (CannotSplice(moved) && (moved = await ReadAndWriteAsync(reader)) >= 0)
                        return -EINVAL;
                    if (moved <= 0)
                        return moved < 0 ? moved : -EIO;
                    Written(moved);
                }
            }

            return Math.Min(moved, 0);
        }

        /// <summary>From the source, or what is left in the pipe between.</summary>
        private async RingTask<int> ReadAndWriteAsync(RingHandle source)
        {
            bool taken = !ReferenceEquals(source, from);
            long left = taken ? _unwritten : _left;
            if (left == 0)
                return 0;
            using var readAhead = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            int size = source is RingFile || taken ? Chunk.Usual : Chunk.Small;
            Chunk full = Chunk.Rent(from.Driver, size), empty = Chunk.Rent(from.Driver, size);
            try
            {
                int count =
                    await ReadAsync(source, full.Memory[..(int)Math.Min(left, size)], readAhead.Token);
                while (count > 0)
                {
                    left -= count;
                    if (!taken)
                        Taken(count);
                    int next = (int)Math.Min(left, size);
                    RingTask<int> reading =
                        next == 0 ? default : ReadAsync(source, empty.Memory[..next], readAhead.Token);
                    int res = await WriteAsync(full.Memory[..count]);
                    if (res < 0)
                        // Else it might wait for ever; what it brings all the same was taken.
                        readAhead.Cancel();
                    count = await reading;
                    (full, empty) = (empty, full);
                    if (res >= 0)
                        continue;
                    if (count > 0 && !taken)
                        Taken(count);
                    return res;
                }

                return count;
            }
            finally
            {
                full.Return();
                empty.Return();
            }
        }

        private RingTask<int> ReadAsync(RingHandle source, Memory<byte> memory, CancellationToken token)
        {
            Op op = source is RingConnection
                ? Op.Recv(source, memory)
                : Op.Read(source, memory, ReferenceEquals(source, from) ? _fromOffset : -1);
            return RunAsync(op, null, source, POLLIN, token);
        }

        private async RingTask<int> WriteAsync(Memory<byte> memory)
        {
            while (memory.Length > 0)
            {
                Op op = to is RingConnection
                    ? Op.Send(to, memory, (int)to.Driver.WriteFlags)
                    : Op.Write(to, memory, _toOffset);
                int res = await RunAsync(op, null, to, POLLOUT, stop.Token);
                if (res <= 0)
                    return res < 0 ? res : -EIO;
                Written(res);
                memory = memory[res..];
            }

            return 0;
        }

        private RingTask<int> SpliceAsync(
            RingHandle source, long sourceAt, RingHandle target, long targetAt, long length)
        {
            int most = (int)Math.Min(length, PipeSize);
            Op op = Op.Splice(source, sourceAt, target, targetAt, most, SPLICE_F_NONBLOCK);
            bool polls = ReferenceEquals(source, from) && _fromOffset < 0;
            return RunAsync(op, polls ? from : null, target, POLLOUT, stop.Token);
        }

        /// <summary>Runs one op; at EAGAIN again, when a handle is ready for it.</summary>
        private async RingTask<int> RunAsync(
            Op op, RingHandle? first, RingHandle ready, int events, CancellationToken token)
        {
            while (true)
            {
                int res = first is null ? 0 : await StartAsync(Op.Poll(first, POLLIN), token);
                if (res >= 0 && (res = await StartAsync(op, token)) != -EAGAIN)
                    return res;
                if (res == -EAGAIN)
                    res = await StartAsync(Op.Poll(ready, events), token);
                if (res < 0)
                    return res;
            }
        }

        /// <summary>
        /// Runs one op once; a failed start is a result like the others, since the other op of the copy may
        /// be with the kernel. A process that is stopped and goes on (job control, a debugger) interrupts its
        /// workers: that is no end of a copy.
        /// </summary>
        [SuppressMessage("Design", "CA1031", Justification = "Kept, and the copy's end tells.")]
        private async RingTask<int> StartAsync(Op op, CancellationToken token)
        {
            try
            {
                int res;
                do
                    res = from.IsDisposed || to.IsDisposed ? -ECANCELED : (await op.Start(token)).Res;
                while (res == -EINTR);
                return res;
            }
            catch (Exception e)
            {
                _thrown = e;
                return -ENOMEM;
            }
        }

        private void Taken(long bytes)
        {
            _left -= bytes;
            _unwritten += bytes;
            if (_fromOffset >= 0)
                _fromOffset += bytes;
        }

        private void Written(long bytes)
        {
            _unwritten -= bytes;
            Done += bytes;
            if (_toOffset >= 0)
                _toOffset += bytes;
        }

        internal Exception Failure(int res, CancellationToken token)
        {
            RingHandle handle = from.IsDisposed ? from : to;
            Exception cause = _thrown
                ?? (from is RingConnection || to is RingConnection
                    ? RingErrors.Socket(res, handle, token, "Copying")
                    : RingErrors.File(res, handle, token, "Copying"));
            var failure = new RingCopyException(Done, _fromOffset >= 0 ? 0 : _unwritten, cause, -res);
            return cause is OperationCanceledException
                ? new OperationCanceledException(failure.Message, failure, token)
                : failure;
        }
    }
}

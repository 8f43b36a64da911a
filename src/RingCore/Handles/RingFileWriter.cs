// Handles layer: many small writes as few large ones: two buffers, one fills while the other is with the
// kernel. One caller at a time, owner thread only. It does not own its file, does not flush to the device,
// and never drops an error: a writer that lost bytes throws at every call from then on, disposal included.
// Where no call comes any more, the end of its file reports the loss: the file knows its writers until then.

using System.Diagnostics.CodeAnalysis;

namespace RingCore;

/// <summary>
/// Streams into a <see cref="RingFile"/>. A write that fits into the buffer ends at once; when one is full it
/// goes to the kernel and the other fills. What was accepted is in the file after <see cref="FlushAsync"/> or
/// <see cref="DisposeAsync"/>, on the device after <see cref="RingFile.FlushToDiskAsync"/>. Dispose it before
/// its file: what a forgotten writer still holds when its file is disposed or collected is lost, and standard
/// error is told.
/// </summary>
public sealed class RingFileWriter : IAsyncDisposable
{
    internal const int DefaultBufferSize = 128 * 1024;

    private readonly RingFile _file;
    private readonly long _offset;
    private Memory<byte> _filling, _other; // The other is with the kernel, or free.
    private Task _write = Task.CompletedTask; // The other one's. Never throws: what fails is kept.
    private int _used;
    private Exception? _failure;
    private bool _busy, _disposed;

    internal RingFileWriter(RingFile file, long offset, int bufferSize)
    {
        _file = file;
        _offset = offset;
        _filling = RingFile.AlignedMemory(bufferSize);
        _other = RingFile.AlignedMemory(bufferSize);
        file.Writers += LoseAsync;
    }

    /// <summary>Bytes taken from the caller so far.</summary>
    public long Accepted { get; private set; }

    /// <summary>Bytes of these that are known to be in the file: after a failure, all that is.</summary>
    public long Written { get; private set; }

    /// <summary>Takes all of a memory; waits only when both buffers are full.</summary>
    /// <param name="memory">The caller's again when the write has ended.</param>
    /// <param name="cancellationToken">Refuses the write. One that was taken is never cancelled.</param>
    /// <exception cref="IOException">
    /// An earlier write to the file failed, or this one; <see cref="Written"/> says how far it got.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another call has not ended yet.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> memory, CancellationToken cancellationToken = default)
    {
        Check();
        cancellationToken.ThrowIfCancellationRequested();
        if (memory.Length >= _filling.Length - _used || _failure is not null)
            return WriteSlowAsync(memory);
        memory.CopyTo(_filling[_used..]);
        _used += memory.Length;
        Accepted += memory.Length;
        return default;
    }

    /// <summary>Ends when all that was accepted is in the file.</summary>
    /// <inheritdoc cref="WriteAsync" path="/exception"/>
    public ValueTask FlushAsync()
    {
        Check();
        return WriteSlowAsync(default, flush: true);
    }

    /// <summary>Flushes. A second call does nothing.</summary>
    /// <inheritdoc cref="WriteAsync" path="/exception"/>
    public ValueTask DisposeAsync()
    {
        if (_disposed)
            return default;
        Check();
        _disposed = true;
        _file.Writers -= LoseAsync;
        return WriteSlowAsync(default, flush: true);
    }

    /// <summary>
    /// Fills the buffer, and sends it when it is full, or at a flush; waits only where that needs the other
    /// one.
    /// </summary>
    private async ValueTask WriteSlowAsync(ReadOnlyMemory<byte> memory, bool flush = false)
    {
        _busy = true;
        try
        {
            if (flush)
                await _write;
            ThrowIfFailed();
            while (!memory.IsEmpty || (_used == _filling.Length && _write.IsCompleted)
                || (flush && _used > 0))
            {
                int part = Math.Min(memory.Length, _filling.Length - _used);
                memory[..part].CopyTo(_filling[_used..]);
                _used += part;
                Accepted += part;
                memory = memory[part..];
                if (flush || (_used == _filling.Length && (!memory.IsEmpty || _write.IsCompleted)))
                {
                    await _write;
                    ThrowIfFailed();
                    (_filling, _other) = (_other, _filling);
                    _write = PutAsync(_other[.._used]);
                    _used = 0;
                }
            }

            if (flush)
                await _write;
            ThrowIfFailed();
        }
        finally
        {
            _busy = false;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Every later call throws it.")]
    private async Task PutAsync(ReadOnlyMemory<byte> memory)
    {
        try
        {
            await _file.PutAsync(memory, _offset + Written);
            Written += memory.Length;
        }
        catch (Exception e)
        {
            Written += e.Data["BytesWritten"] as long? ?? 0;
            _failure = e;
        }
    }

    /// <summary>The file closes first.</summary>
    private async Task LoseAsync()
    {
        await _write; // What is with the kernel may still get there.
        if (Accepted > Written)
            Warning.Print($"RingCore: a writer lost {Accepted - Written} bytes: '{_file.Path}' closed first. "
                + _failure?.Message);
    }

    private void ThrowIfFailed()
    {
        if (_failure is not { } e)
            return;
        // The caller knows.
        _file.Writers -= LoseAsync;
        string message = $"{e.Message} Of {Accepted} bytes this writer has taken, {Written} are in the file.";
        throw new IOException(message, e) { HResult = e.HResult };
    }

    private void Check()
    {
        _file.Driver.ThrowIfNotOwner();
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_busy)
            throw new InvalidOperationException(
                "Await each call of this writer before the next.");
    }
}

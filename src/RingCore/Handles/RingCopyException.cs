// Handles layer: how far a copy had come when it failed. It decides nothing; RingCopy does.

namespace RingCore;

/// <summary>A copy that ended before its source. The inner exception says why.</summary>
public sealed class RingCopyException : IOException
{
    internal RingCopyException(long copied, long lost, Exception cause, int errno)
        : base($"The copy ended after {copied} bytes"
            + (lost > 0 ? $"; {lost} more, taken from the source, are lost" : "")
            + $": {cause.Message}", cause)
    {
        BytesCopied = copied;
        BytesLost = lost;
        HResult = errno;
    }

    /// <summary>Bytes that reached the target.</summary>
    public long BytesCopied { get; }

    /// <summary>
    /// Bytes taken from a pipe or socket that did not reach the target; 0 where the source is a file, which
    /// has them still.
    /// </summary>
    public long BytesLost { get; }
}

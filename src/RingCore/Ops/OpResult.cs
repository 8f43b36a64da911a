// Op layer: what became of an op, as a value. Nothing throws here; handles turn an errno into an exception.

using static RingCore.Sys.CqeFlags;

namespace RingCore;

/// <summary>
/// The result of one op: the CQE's res and flags; the res is changed only where a cancel, a deadline or an
/// interrupted worker ended the op (see <see cref="Res"/>). The trace keeps what the kernel wrote.
/// </summary>
public readonly struct OpResult
{
    /// <summary>A result as an await of the op yields it.</summary>
    public OpResult(int res, uint flags)
    {
        Res = res;
        Flags = flags;
    }

    /// <summary>
    /// 0 or more: success, as the opcode says (bytes, an fd, a count). Negative: −errno. −ECANCELED of an
    /// op that its own <see cref="Op.WithTimeout"/> ended is reported as −ETIME, and of one that was asked
    /// to cancel, or whose handle was disposed while it was begun, −EINTR, −EAGAIN, −ENOBUFS and
    /// −EBADF as −ECANCELED; the kernel's internal 512 (ERESTARTSYS) of an interrupted worker as
    /// −EINTR, and a −ECANCELED that no op and nobody asked for, of one that the kernel could start no
    /// worker for, as −ENOMEM.
    /// </summary>
    public int Res { get; }

    /// <summary>IORING_CQE_F_* of the CQE.</summary>
    public uint Flags { get; }

    /// <summary>Whether the op succeeded.</summary>
    public bool IsSuccess => Res >= 0;

    /// <summary>The errno, positive, or 0.</summary>
    public int Errno => Res < 0 ? -Res : 0;

    /// <summary>Whether more CQEs of this op follow (IORING_CQE_F_MORE).</summary>
    public bool HasMore => (Flags & IORING_CQE_F_MORE) != 0;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{(Res >= 0 ? $"res={Res}" : Sys.Errno.Name(Errno))} flags=0x{Flags:x}";
}

// Op layer: what the kernel answered, as a value. Nothing is interpreted here and nothing throws; handles do both.

using static RingCore.Sys.CqeFlags;

namespace RingCore;

/// <summary>The result of one op: the CQE's res and flags; the res is changed only where a cancel, a deadline or an interrupted worker ended the op (see <see cref="Res"/>).</summary>
/// <param name="Res">
/// 0 or more: success, as the opcode says (bytes, an fd, a count). Negative: −errno. −ECANCELED of an op that its own
/// <see cref="Op.WithTimeout"/> ended is reported as −ETIME, and of one that was asked
/// to cancel, or whose handle was disposed while it was begun, −EINTR, −EAGAIN, −ENOBUFS and −EBADF as −ECANCELED; the kernel's internal 512 (ERESTARTSYS) of an interrupted worker as −EINTR.
/// </param>
/// <param name="Flags">IORING_CQE_F_* of the CQE.</param>
public readonly record struct OpResult(int Res, uint Flags)
{
    /// <summary>Whether the op succeeded.</summary>
    public bool IsSuccess => Res >= 0;

    /// <summary>The errno, positive, or 0.</summary>
    public int Errno => Res < 0 ? -Res : 0;

    /// <summary>Whether more CQEs of this op follow (IORING_CQE_F_MORE).</summary>
    public bool HasMore => (Flags & IORING_CQE_F_MORE) != 0;

    /// <inheritdoc/>
    public override string ToString() => Res >= 0 ? $"res={Res} flags=0x{Flags:x}" : $"{Sys.Errno.Name(-Res)} flags=0x{Flags:x}";
}

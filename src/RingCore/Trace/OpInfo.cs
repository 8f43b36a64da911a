// Trace: one line of the in-flight list. Made on request from the slots; nothing is kept for it.

using RingCore.Sys;

namespace RingCore;

/// <summary>An op that is now with the kernel.</summary>
public readonly struct OpInfo
{
    /// <summary>Its number, as in the trace and for <see cref="Op.Cancel"/>.</summary>
    public OpId Id { get; internal init; }

    /// <summary>What it does.</summary>
    public io_uring_op Opcode { get; internal init; }

    /// <summary>On which fd; −1 where the opcode has none.</summary>
    public int Fd { get; internal init; }

    /// <summary>Since its SQE was written, to the loop's coarse clock.</summary>
    public TimeSpan Age { get; internal init; }

    /// <summary>The async method that awaits it, or what else does; empty when nobody does yet.</summary>
    public string Task { get; internal init; }

    /// <summary>
    /// The await of it, as "echo.cs:23", from the PDB; null where nothing awaits it, without a PDB, and in
    /// NativeAOT.
    /// </summary>
    public string? Location { get; internal init; }

    /// <summary>Memory the kernel may touch, in bytes.</summary>
    public int BytesLent { get; internal init; }

    /// <summary>Whether the kernel was asked to cancel it.</summary>
    public bool CancelAsked { get; internal init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        string task = string.IsNullOrEmpty(Task) ? "-" : Task;
        string at = Location is null ? "" : $" at {Location}";
        string end = CancelAsked ? " cancelling" : "";
        return $"{Opcode} fd={Fd} age={Age.TotalMilliseconds:0} ms task={task}{at} lent={BytesLent} B{end}";
    }
}

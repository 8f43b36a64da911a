// Trace: one line of the in-flight list. Made on request from the slots; nothing is kept for it.

using RingCore.Sys;

namespace RingCore;

/// <summary>An op that is now with the kernel.</summary>
/// <param name="Opcode">What it does.</param>
/// <param name="Fd">On which fd; −1 where the opcode has none.</param>
/// <param name="Age">Since its SQE was written, to the loop's coarse clock.</param>
/// <param name="Task">The async method that awaits it, or what else does; empty when nobody does yet.</param>
/// <param name="BytesLent">Memory the kernel may touch.</param>
/// <param name="CancelAsked">Whether the kernel was asked to cancel it.</param>
/// <param name="UserData">Its user_data: generation above, slot below.</param>
/// <param name="Location">The await of it, as "echo.cs:23", from the PDB; null where nothing awaits it, without a PDB, and in NativeAOT.</param>
public readonly record struct OpInfo(
    io_uring_op Opcode, int Fd, TimeSpan Age, string Task, int BytesLent, bool CancelAsked, ulong UserData, string? Location)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Opcode} fd={Fd} age={Age.TotalMilliseconds:0} ms task={(Task.Length == 0 ? "-" : Task)}{(Location is null ? "" : $" at {Location}")} lent={BytesLent} B{(CancelAsked ? " cancelling" : "")}";
}

// Op layer: every state of a slot, of an awaitable, of a multishot op and of a handle, and every legal move, in one place.
// Code changes a state only through Move, which refuses (and ends the process in a debug build) what is not listed here.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// A slot belongs to the kernel from the SQE to the terminal CQE.
/// <code>
/// Free       → Lent        an SQE names it: memory and fd are on loan
/// Lent       → Cancelling  a cancel was asked for; the op may still succeed
/// Lent       → Free        terminal CQE: loans return, the generation moves on
/// Cancelling → Free        terminal CQE, whatever its result
/// </code>
/// </summary>
internal enum SlotState : byte
{
    Free,
    Lent,
    Cancelling,
}

/// <summary>
/// An awaitable belongs to the caller from the hot call to GetResult.
/// <code>
/// Idle      → Pending    rented from its pool
/// Pending   → Completed  the result is in; a continuation, if there is one, is queued
/// Completed → Idle       GetResult took the result; the version moves on, the object is pooled
/// </code>
/// A Pending or Completed awaitable that the GC finds was dropped by its caller; its finalizer counts it.
/// </summary>
internal enum AwaitState : byte
{
    Idle,
    Pending,
    Completed,
}

/// <summary>
/// A multishot op: one SQE, many CQEs, and again when the kernel ends it without being asked.
/// <code>
/// Idle     → Armed     an SQE was written
/// Armed    → Idle      a CQE without F_MORE: arm again when somebody waits
/// Armed    → Draining  cancel asked for: by the consumer, or at the cap
/// Draining → Idle      its last CQE, consumer still there (the cap): arm again on consumption
/// Idle     → Ended     end of stream, an error, or the consumer has left
/// Draining → Ended     its last CQE, consumer gone: leftovers are released
/// </code>
/// </summary>
internal enum MultishotState : byte
{
    Idle,
    Armed,
    Draining,
    Ended,
}

/// <summary>
/// A handle.
/// <code>
/// Open    → Closing  Dispose: new ops are refused, cancels are asked for
/// Closing → Closed   the last loan returned: the fd is closed
/// Open    → Closed   Dispose with nothing on loan
/// </code>
/// </summary>
internal enum HandleState : byte
{
    Open,
    Closing,
    Closed,
}

/// <summary>The moves listed above, as code.</summary>
internal static class StateMoves
{
    internal static bool IsLegal(SlotState from, SlotState to) => (from, to) is
        (SlotState.Free, SlotState.Lent) or
        (SlotState.Lent, SlotState.Cancelling) or
        (SlotState.Lent, SlotState.Free) or
        (SlotState.Cancelling, SlotState.Free);

    internal static bool IsLegal(AwaitState from, AwaitState to) => (from, to) is
        (AwaitState.Idle, AwaitState.Pending) or
        (AwaitState.Pending, AwaitState.Completed) or
        (AwaitState.Completed, AwaitState.Idle);

    internal static bool IsLegal(MultishotState from, MultishotState to) => (from, to) is
        (MultishotState.Idle, MultishotState.Armed) or
        (MultishotState.Armed, MultishotState.Idle) or
        (MultishotState.Armed, MultishotState.Draining) or
        (MultishotState.Draining, MultishotState.Idle) or
        (MultishotState.Idle, MultishotState.Ended) or
        (MultishotState.Draining, MultishotState.Ended);

    internal static bool IsLegal(HandleState from, HandleState to) => (from, to) is
        (HandleState.Open, HandleState.Closing) or
        (HandleState.Closing, HandleState.Closed) or
        (HandleState.Open, HandleState.Closed);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Move(ref this SlotState state, SlotState to)
    {
        Debug.Assert(IsLegal(state, to), "illegal slot move");
        state = to;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Move(ref this AwaitState state, AwaitState to)
    {
        Debug.Assert(IsLegal(state, to), "illegal awaitable move");
        state = to;
    }

    internal static void Move(ref this MultishotState state, MultishotState to)
    {
        Invariant.Assert(IsLegal(state, to), "illegal multishot move");
        state = to;
    }

    internal static void Move(ref this HandleState state, HandleState to)
    {
        Invariant.Assert(IsLegal(state, to), "illegal handle move");
        state = to;
    }
}

/// <summary>Checks that stay on in Release, at cold boundaries. A broken invariant is a bug in RingCore: the process must not go on.</summary>
internal static class Invariant
{
    internal static void Assert(bool condition, string what)
    {
        if (!condition)
            Environment.FailFast($"RingCore: broken invariant: {what}.");
    }
}

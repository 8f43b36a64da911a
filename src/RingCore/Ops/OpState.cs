// Op layer: every state of a slot, of an awaitable, of a multishot sequence, of a write side and of a handle,
// and every legal move, in one place. Code changes a state only through Move. What is not listed here ends
// the process: the cold machines always, the hot ones in a build with asserts, in which .ci/run runs all
// tests.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// A slot belongs to the kernel from the SQE to the terminal CQE.
/// <code>
/// Free       → Lent        an SQE names it: memory and fd are on loan
/// Lent       → Cancelling  a cancel was asked for; the op may still succeed
/// Lent       → Overdue     the same, because the kernel has not taken the op's deadline
/// Lent       → Free        terminal CQE: loans return, the generation moves on
/// Cancelling, Overdue → Free   terminal CQE, whatever its result
/// </code>
/// </summary>
internal enum SlotState : byte
{
    Free,
    Lent,
    Cancelling,
    Overdue,
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
/// A multishot sequence: one SQE, many CQEs, and again when the kernel ends it without being asked. Whether
/// its consumer waits is the AwaitState of the same object; results may be waiting for the consumer in every
/// state but Ended.
/// <code>
/// Idle     → Armed     an SQE was written: the consumer waits and nothing is there
/// Armed    → Draining  at the cap, cancel asked for: armed again when the consumer has caught up
/// Armed    → Ending    its token, its handle or its executor asks for the end
/// Draining → Ending    the same
/// Armed    → Leaving   the consumer has left, cancel asked for: what still comes is released
/// Draining → Leaving   the same
/// Ending   → Leaving   the same
/// Armed, Draining, Ending → Idle   a CQE without F_MORE; somebody may go on
/// Armed, Draining, Ending → Ended  a CQE without F_MORE that is the end: end of stream, an error
/// Leaving  → Ended     a CQE without F_MORE
/// Idle     → Ended     token, stop, or the consumer has left
/// </code>
/// </summary>
internal enum MultishotState : byte
{
    Idle,
    Armed,
    Draining,
    Ending,
    Leaving,
    Ended,
}

/// <summary>
/// The write side of a stream. Who may have a send with the kernel:
/// <code>
/// Idle     → Alone      one write went to the kernel
/// Idle     → Held       who does not queue has it: a single send, a copy, a list being queued
/// Alone, Gathered, Held → Gathered   it has ended, or its owner gave it back, and writes waited
/// Alone, Gathered, Held → Idle   nothing waits
/// any      → Broken     a send failed, or ended after part of it: the peer's stream has a hole
/// </code>
/// </summary>
internal enum WriteState : byte
{
    Idle,
    Alone,
    Gathered,
    Held,
    Broken,
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
        (SlotState.Lent, SlotState.Cancelling or SlotState.Overdue) or
        (SlotState.Lent or SlotState.Cancelling or SlotState.Overdue, SlotState.Free);

    internal static bool IsLegal(AwaitState from, AwaitState to) => (from, to) is
        (AwaitState.Idle, AwaitState.Pending) or
        (AwaitState.Pending, AwaitState.Completed) or
        (AwaitState.Completed, AwaitState.Idle);

    internal static bool IsLegal(MultishotState from, MultishotState to) => from switch
    {
        MultishotState.Idle => to is MultishotState.Armed or MultishotState.Ended,
        MultishotState.Armed => to is not MultishotState.Armed,
        MultishotState.Draining =>
            to is MultishotState.Idle or MultishotState.Ending
                or MultishotState.Leaving or MultishotState.Ended,
        MultishotState.Ending => to is MultishotState.Idle or MultishotState.Leaving or MultishotState.Ended,
        MultishotState.Leaving => to is MultishotState.Ended,
        _ => false,
    };

    internal static bool IsLegal(WriteState from, WriteState to) => from switch
    {
        WriteState.Idle => to is WriteState.Alone or WriteState.Held or WriteState.Broken,
        WriteState.Broken => to is WriteState.Broken,
        _ => to is WriteState.Idle or WriteState.Gathered or WriteState.Broken,
    };

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

    internal static void Move(ref this WriteState state, WriteState to)
    {
        Debug.Assert(IsLegal(state, to), "illegal move of a write side");
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

/// <summary>
/// Checks that stay on in Release, at cold boundaries. A broken invariant is a bug in RingCore: the process
/// must not go on.
/// </summary>
internal static class Invariant
{
    internal static void Assert(bool condition, string what)
    {
        if (!condition)
            Environment.FailFast($"RingCore: broken invariant: {what}.");
    }
}

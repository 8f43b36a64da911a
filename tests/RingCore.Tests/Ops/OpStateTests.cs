// Tests: the state tables: every pair of states, legal and illegal, for slots, awaitables, multishot ops and handles.

namespace RingCore.Tests.Ops;

public sealed class OpStateTests
{
    private static void Check<T>(Func<T, T, bool> isLegal, params (T From, T To)[] legal)
        where T : struct, Enum
    {
        foreach (T from in Enum.GetValues<T>())
        {
            foreach (T to in Enum.GetValues<T>())
                Assert.True(isLegal(from, to) == legal.Contains((from, to)), $"{from} → {to}");
        }
    }

    [Fact]
    public void Slot_MovesAreThoseOfTheTable() => Check<SlotState>(
        StateMoves.IsLegal,
        (SlotState.Free, SlotState.Lent),
        (SlotState.Lent, SlotState.Cancelling),
        (SlotState.Lent, SlotState.Overdue),
        (SlotState.Lent, SlotState.Free),
        (SlotState.Cancelling, SlotState.Free),
        (SlotState.Overdue, SlotState.Free));

    [Fact]
    public void Awaitable_MovesAreThoseOfTheTable() => Check<AwaitState>(
        StateMoves.IsLegal,
        (AwaitState.Idle, AwaitState.Pending),
        (AwaitState.Pending, AwaitState.Completed),
        (AwaitState.Completed, AwaitState.Idle));

    [Fact]
    public void Multishot_MovesAreThoseOfTheTable() => Check<MultishotState>(
        StateMoves.IsLegal,
        (MultishotState.Idle, MultishotState.Armed),
        (MultishotState.Idle, MultishotState.Ended),
        (MultishotState.Armed, MultishotState.Idle),
        (MultishotState.Armed, MultishotState.Draining),
        (MultishotState.Armed, MultishotState.Ending),
        (MultishotState.Armed, MultishotState.Leaving),
        (MultishotState.Armed, MultishotState.Ended),
        (MultishotState.Draining, MultishotState.Idle),
        (MultishotState.Draining, MultishotState.Ending),
        (MultishotState.Draining, MultishotState.Leaving),
        (MultishotState.Draining, MultishotState.Ended),
        (MultishotState.Ending, MultishotState.Idle),
        (MultishotState.Ending, MultishotState.Leaving),
        (MultishotState.Ending, MultishotState.Ended),
        (MultishotState.Leaving, MultishotState.Ended));

    [Fact]
    public void Write_MovesAreThoseOfTheTable() => Check<WriteState>(
        StateMoves.IsLegal,
        (WriteState.Idle, WriteState.Alone),
        (WriteState.Idle, WriteState.Held),
        (WriteState.Idle, WriteState.Broken),
        (WriteState.Alone, WriteState.Idle),
        (WriteState.Alone, WriteState.Gathered),
        (WriteState.Alone, WriteState.Broken),
        (WriteState.Gathered, WriteState.Idle),
        (WriteState.Gathered, WriteState.Gathered),
        (WriteState.Gathered, WriteState.Broken),
        (WriteState.Held, WriteState.Idle),
        (WriteState.Held, WriteState.Gathered),
        (WriteState.Held, WriteState.Broken),
        (WriteState.Broken, WriteState.Broken));

    [Fact]
    public void Handle_MovesAreThoseOfTheTable() => Check<HandleState>(
        StateMoves.IsLegal,
        (HandleState.Open, HandleState.Closing),
        (HandleState.Closing, HandleState.Closed),
        (HandleState.Open, HandleState.Closed));
}

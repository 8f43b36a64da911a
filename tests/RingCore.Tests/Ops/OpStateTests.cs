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
        (SlotState.Lent, SlotState.Free),
        (SlotState.Cancelling, SlotState.Free));

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
        (MultishotState.Armed, MultishotState.Idle),
        (MultishotState.Armed, MultishotState.Draining),
        (MultishotState.Draining, MultishotState.Idle),
        (MultishotState.Idle, MultishotState.Ended),
        (MultishotState.Draining, MultishotState.Ended));

    [Fact]
    public void Handle_MovesAreThoseOfTheTable() => Check<HandleState>(
        StateMoves.IsLegal,
        (HandleState.Open, HandleState.Closing),
        (HandleState.Closing, HandleState.Closed),
        (HandleState.Open, HandleState.Closed));
}

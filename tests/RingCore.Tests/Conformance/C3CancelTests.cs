// Tests: conformance group C3, cancellation, on the real kernel. 25 is in RingFileTests, 26 and 27 (by handle) in CancelTests,
// 29 in HandlerTests; here are cancels by key, a thousand polls at once, and links behind what never ends.

using RingCore.Sys;
using RingCore.Tests.Handles;

namespace RingCore.Tests.Conformance;

public sealed class C3CancelTests : LiveTest
{
    [Theory, MemberData(nameof(AllModes))] // 27
    public void CancelByKey_HitsOnlyItsOp(string mode) => Run(mode, async () =>
    {
        (RingHandle read, RingHandle write) = Pipe();
        ValueTask<OpResult> first = Op.Poll(read, SocketConstants.POLLIN).Start(out OpId firstKey);
        ValueTask<OpResult> second = Op.Poll(read, SocketConstants.POLLIN).Start(out OpId secondKey);
        Assert.NotEqual(firstKey, secondKey);
        Assert.Equal(0, (await Op.Cancel(firstKey)).Res);
        Assert.Equal(-Errno.ECANCELED, (await first).Res);
        Assert.False(second.IsCompleted);
        Assert.Equal(-Errno.ENOENT, (await Op.Cancel(firstKey)).Res); // A second cancel finds nothing.
        Assert.Equal(1, (await Op.Write(write, new byte[1])).Res);
        Assert.True(((await second).Res & SocketConstants.POLLIN) != 0);
        Assert.Equal(-Errno.ENOENT, (await Op.Cancel(secondKey)).Res);
        read.Dispose();
        write.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 28
    public void ThousandPollsCancelled_AllReport(string mode) => Run(mode, async () =>
    {
        (RingHandle read, RingHandle write) = Pipe();
        using var source = new CancellationTokenSource();
        for (int round = 0; round < 3; round++)
        {
            var polls = new List<ValueTask<OpResult>>();
            for (int i = 0; i < 1000; i++)
                polls.Add(Op.Poll(read, SocketConstants.POLLIN).Start(round == 0 ? source.Token : default));
            Assert.Equal(1000, read.InFlight);
            if (round == 0)
                _ = Task.Run(source.Cancel);
            else if (round == 1)
                read.CancelAll();
            else
                read.Dispose();
            foreach (ValueTask<OpResult> poll in polls)
                Assert.Equal(-Errno.ECANCELED, (await poll).Res);
            Assert.Equal(0, read.InFlight);
        }

        await read.DisposeAsync();
        write.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 30
    public void DisposeWithALinkBehindANeverEndingPoll_DoesNotHang(string mode) => Run(mode, async () =>
    {
        (RingHandle read, RingHandle write) = Pipe();
        ValueTask<ChainResult> behindPoll = Op.Poll(read, SocketConstants.POLLIN).Then(Op.Write(write, new byte[1])).Start();
        ValueTask<ChainResult> behindTimer = Op.Timeout(TimeSpan.FromHours(1)).Then(Op.Read(read, new byte[1])).Start();
        await RingExecutor.Yield();
        await read.DisposeAsync();
        ChainResult result = await behindPoll;
        Assert.Equal([-Errno.ECANCELED, -Errno.ECANCELED], result.Steps.Select(step => step.Res));
        Assert.Equal(0, result.BrokenAt);

        // The handle's loan in the second chain stands behind a timer: cancelling the linked read itself ends it.
        result = await behindTimer;
        Assert.Equal(-Errno.ECANCELED, result.Steps[1].Res);
        write.Dispose();
    });

    [Theory, MemberData(nameof(Modes))] // 30
    public void ChainCancelledByItsToken_EndsEveryStep(string mode) => Run(mode, async () =>
    {
        (RingHandle read, RingHandle write) = Pipe();
        using var source = new CancellationTokenSource();
        ValueTask<ChainResult> chain = Op.Nop().Then(Op.Read(read, new byte[1])).Then(Op.Nop()).Start(source.Token);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(5));
        _ = Task.Run(source.Cancel);
        ChainResult result = await chain;
        Assert.Equal([0, -Errno.ECANCELED, -Errno.ECANCELED], result.Steps.Select(step => step.Res));
        (int left, int right) = (read.InFlight, write.InFlight);
        Assert.Equal((0, 0), (left, right));
        read.Dispose();
        write.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))] // 27
    public void MultishotPoll_Cancelled_EndsAfterWhatCame(string mode) => Run(mode, async () =>
    {
        (RingHandle read, RingHandle write) = Pipe();
        using var source = new CancellationTokenSource();
        int events = 0;
        RingTask polling = RingExecutor.Spawn(async () =>
        {
            await foreach (OpResult poll in Op.Poll(read, SocketConstants.POLLIN).Multishot().WithCancellation(source.Token))
            {
                Assert.True((poll.Res & SocketConstants.POLLIN) != 0, poll.ToString());
                Assert.Equal(1, (await Op.Read(read, new byte[1])).Res);
                events++;
            }
        });
        for (int i = 0; i < 10; i++)
        {
            await Op.Write(write, new byte[1]);
            await Until(() => events == i + 1);
        }

        source.Cancel();
        await Throws<OperationCanceledException>(async () => await polling);
        read.Dispose();
        write.Dispose();
    });
}

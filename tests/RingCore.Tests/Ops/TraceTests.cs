// Tests: the recorded timeline follows what happened: altering a scenario (a short read, a cancelled read, two ops in one enter)
// alters it accordingly, and nothing else in it. Times are the fake kernel's.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class TraceTests
{
    private static readonly RingOptions s_traced = new() { SqEntries = 8, CqEntries = 16, TraceEvents = 256 };

    /// <summary>The events between the warm-up and the end of the body, in words. Ops and tasks are lettered in order of appearance.</summary>
    private static List<string> Timeline(Func<FakeKernel, RingConnection, RingTask> body, RingOptions? options = null)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        var events = new List<TraceEvent>();
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            await Op.Nop();
            TraceRecorder trace = RingExecutor.Current!.Trace;
            long from = trace.Written;
            await body(kernel, connection);
            TraceEvent[] all = trace.Snapshot();
            events.AddRange(all[^(int)(trace.Written - from)..]);
        }, options ?? s_traced);

        var ops = new List<OpId>();
        string Op_(OpId key)
        {
            if (!ops.Contains(key))
                ops.Add(key);
            return ((char)('a' + ops.IndexOf(key))).ToString();
        }

        var lines = new List<string>();
        foreach (TraceEvent e in events)
        {
            string? line = e.Kind switch
            {
                TraceKind.OpPrepared => $"prepared {Op_(e.Id)} {e.Opcode}",
                TraceKind.Entered => $"entered with {e.Submitted}, waits for {e.WaitsFor}",
                TraceKind.EnterReturned => $"returned {e.Result}, ready {e.Ready}",
                TraceKind.OpCompleted when e.Result == -Errno.ECANCELED => $"completed {Op_(e.Id)} ECANCELED",
                TraceKind.OpCompleted when e.Id.Slot != -1 => $"completed {Op_(e.Id)} {e.Result}",
                TraceKind.Queued when e.Id != default => $"queued {Op_(e.Id)}",
                TraceKind.CancelAsked => $"cancel {Op_(e.Id)}",
                _ => null,
            };
            if (line is not null)
                lines.Add(line);
        }

        return lines;
    }

    private static Func<FakeKernel, RingConnection, RingTask> Read(int result) => async (kernel, connection) =>
    {
        kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, result));
        Assert.Equal(result, await connection.ReadAsync(new byte[64]));
    };

    [Fact]
    public void OneRead_IsOneLifeOfAnOp() => Assert.Equal(
        [
            "prepared a IORING_OP_RECV",
            "entered with 1, waits for 1",
            "returned 1, ready 1",
            "completed a 64",
            "queued a",
        ],
        Timeline(Read(64)));

    [Fact]
    public void ShortRead_AltersTheResultOnly()
    {
        List<string> whole = Timeline(Read(64));
        List<string> part = Timeline(Read(5));
        Assert.Equal(whole.Count, part.Count);
        Assert.Equal(["completed a 5"], part.Where((line, i) => line != whole[i]));
    }

    [Fact]
    public void CancelledRead_ShowsTheAskingAndTheEnd() => Assert.Equal(
        [
            "prepared a IORING_OP_RECV",
            "entered with 1, waits for 1",
            "returned 1, ready 0",
            "cancel a",
            "entered with 1, waits for 1",
            "returned 1, ready 2",
            "completed a ECANCELED",
            "queued a",
        ],
        Timeline(async (kernel, connection) =>
        {
            using var source = new CancellationTokenSource();
            ValueTask<int> read = connection.ReadAsync(new byte[64], source.Token);
            await RingExecutor.Delay(TimeSpan.FromSeconds(1));
            source.Cancel();
            Assert.NotNull(await Caught.By(read));
        }).Where(line => line != "queued b"));

    [Fact]
    public void TwoOpsInOneEnter_ShareIt() => Assert.Equal(
        [
            "prepared a IORING_OP_RECV",
            "prepared b IORING_OP_NOP",
            "entered with 2, waits for 1",
            "returned 2, ready 1",
            "completed b 0",
            "queued b",
            "entered with 0, waits for 1",
            "returned 0, ready 1",
            "completed a 7",
            "queued a",
        ],
        Timeline(async (kernel, connection) =>
        {
            ValueTask<int> read = connection.ReadAsync(new byte[64]);
            await Op.Nop();
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_RECV, 7));
            Assert.Equal(7, await read);
        }));

    [Fact]
    public void Events_JoinUpThroughTheOp()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            TraceRecorder trace = RingExecutor.Current!.Trace;
            RingTask<int> reader = RingExecutor.Spawn(() => ReadOnce(connection));
            kernel.After(TimeSpan.FromSeconds(1), () => kernel.Complete(IORING_OP_RECV, 3));
            Assert.Equal(3, await reader);
            TraceEvent[] all = trace.Snapshot();
            TraceEvent prepared = all.Single(e => e.Kind == TraceKind.OpPrepared && e.Opcode == IORING_OP_RECV);
            TraceEvent completed = all.Single(e => e.Kind == TraceKind.OpCompleted && e.Id == prepared.Id);
            TraceEvent queued = all.Single(e => e.Kind == TraceKind.Queued && e.Id == prepared.Id);
            TraceEvent suspended = all.First(e => e.Kind == TraceKind.TaskSuspended && e.Id == prepared.Id);
            TraceEvent resumed = all.First(e => e.Kind == TraceKind.TaskResumed && e.Task == suspended.Task && e.TimeNs >= queued.TimeNs);
            Assert.Equal(connection.Fd, prepared.Fd);
            Assert.Equal(1_000_000_000, completed.TimeNs - prepared.TimeNs);
            Assert.True(resumed.TimeNs >= completed.TimeNs);
        }, s_traced);

        static async RingTask<int> ReadOnce(RingConnection connection) => await connection.ReadAsync(new byte[8]);
    }

    [Fact]
    public void LifeOf_IsTheOpsEvents_AndWhatJoinsThem()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            TraceRecorder trace = RingExecutor.Current!.Trace;
            RingTask<int> reader = RingExecutor.Spawn(() => ReadOnce(connection));
            kernel.After(TimeSpan.FromSeconds(1), () => kernel.Complete(IORING_OP_RECV, 3));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1)); // An enter of somebody else's.
            await Op.Nop();
            OpId id = RingExecutor.Current.InFlight().Single(op => op.Opcode == IORING_OP_RECV).Id;
            Assert.Equal(3, await reader);
            await Op.Nop(); // Gets the slot.
            TraceEvent[] life = trace.LifeOf(id);
            Assert.Equal(
                [
                    TraceKind.OpPrepared, TraceKind.TaskSuspended, TraceKind.Entered, TraceKind.Entered, TraceKind.EnterReturned,
                    TraceKind.OpCompleted, TraceKind.Queued, TraceKind.TaskResumed, TraceKind.OpPrepared,
                ],
                life.Select(e => e.Kind));
            Assert.Equal((3, life[3].Enter), (life[5].Result, life[4].Enter));
            Assert.True(life[2].Enter < life[3].Enter);
            Assert.Equal((id.Slot, IORING_OP_NOP), (life[^1].Id.Slot, life[^1].Opcode));
            Assert.Empty(trace.LifeOf(default));
            Assert.Empty(trace.LifeOf(new OpId(ulong.MaxValue)));
        }, s_traced);

        static async RingTask<int> ReadOnce(RingConnection connection) => await connection.ReadAsync(new byte[8]);
    }

    [Fact]
    public void FullBuffer_KeepsTheNewest()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            for (int i = 0; i < 20; i++)
                await Op.Nop();
            TraceRecorder trace = RingExecutor.Current!.Trace;
            TraceEvent[] kept = trace.Snapshot();
            Assert.Equal(8, kept.Length);
            Assert.True(trace.Written > 8);
            Assert.Contains(kept, e => e.Kind == TraceKind.Queued);
        }, s_traced with { TraceEvents = 8 });
    }

    [Fact]
    public void Off_RecordsNothing()
    {
        using var kernel = new FakeKernel();
        kernel.Run(async () =>
        {
            await Op.Nop();
            Assert.False(RingExecutor.Current!.Trace.IsOn);
            Assert.Empty(RingExecutor.Current!.Trace.Snapshot());
        });
    }
}

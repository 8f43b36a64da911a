// Tests: OpId. One number for user_data, the in-flight list, the trace and Op.Cancel, and how it prints.

using System.Diagnostics;
using System.Reflection;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests;

public sealed class OpIdTests
{
    [Fact]
    public void Halves_AreSlotAndGeneration()
    {
        var id = new OpId(0xFFFF_FFFF_0000_0003);
        Assert.Equal((3, uint.MaxValue), (id.Slot, id.Generation));
        Assert.Equal("slot=3 gen=6005", new OpId((6005ul << 32) | 3).ToString());
        Assert.Equal(new OpId(7), new OpId(7));
        Assert.NotEqual(new OpId(7), new OpId((1ul << 32) | 7));
    }

    [Fact]
    public void OneNumber_FromStartToReportTraceAndCancel()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using RingHandle handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            ValueTask<OpResult> read = Op.Recv(handle, new byte[8]).Start(out OpId id);
            await Op.Nop();
            Assert.Equal(id.Key, kernel.All.Single(op => op.Opcode == IORING_OP_RECV).UserData);
            Assert.Equal(id, Assert.Single(RingExecutor.Current!.InFlight()).Id);
            Assert.Equal(0, (await Op.Cancel(id)).Res);
            Assert.Equal(-Errno.ECANCELED, (await read).Res);
            await RingExecutor.Yield();
            TraceEvent[] life = RingExecutor.Current.Trace.LifeOf(id);
            Assert.Equal(TraceKind.OpPrepared, life[0].Kind);
            Assert.Contains(life, e => e.Kind == TraceKind.OpCompleted && e.Result == -Errno.ECANCELED);
        }, new RingOptions { TraceEvents = 64 });
    }

    [Theory]
    [InlineData(typeof(Op))]
    [InlineData(typeof(OpSlot))]
    [InlineData(typeof(OpAwaitable))]
    [InlineData(typeof(Ring))]
    [InlineData(typeof(ReadLease))]
    public void DebuggerDisplay_NamesMembersThatExist(Type type)
    {
        string shown = type.GetCustomAttribute<DebuggerDisplayAttribute>()!.Value;
        var names = System.Text.RegularExpressions.Regex.Matches(shown, @"\{(\w+)").Select(match => match.Groups[1].Value).ToList();
        Assert.NotEmpty(names);
        const BindingFlags any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        Assert.All(names, name => Assert.NotEmpty(type.GetMember(name, any)));
    }

    [Fact]
    public void FailedRead_ShowsNoPlumbingInItsStack()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Complete(-Errno.ECONNRESET);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            Exception failure = (await Caught.By(connection.ReadAsync(new byte[8])))!;
            Assert.DoesNotContain("Awaitable", failure.StackTrace, StringComparison.Ordinal);
        });
    }
}

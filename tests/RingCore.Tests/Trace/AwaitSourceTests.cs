// Tests: Trace. The source line of an await, from the state machine and the PDB: this assembly's lies beside it, RingCore's is
// embedded. Each body notes the line it is about to wait on with Next(), on the line above.

using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Trace;

public sealed class AwaitSourceTests
{
    private static readonly byte[] s_memory = new byte[8];

    /// <summary>The line below the call, as a report writes it.</summary>
    private static string Next([CallerLineNumber] int line = 0) => $"{nameof(AwaitSourceTests)}.cs:{line + 1}";

    /// <summary>Where the one op in flight is awaited.</summary>
    private static string? At() => Assert.Single(RingExecutor.Current!.InFlight()).Location;

    /// <summary>Runs a body whose receives wait until they are completed by hand.</summary>
    private static void Run(Func<FakeKernel, RingConnection, RingTask> body)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            await body(kernel, connection);
        });
    }

    /// <summary>Ends the receive in flight, and lets its task go on to where it waits next.</summary>
    private static async RingTask Step(FakeKernel kernel)
    {
        await Op.Nop(); // Submits what is pending.
        kernel.Complete(IORING_OP_RECV, 1);
        await Op.Nop();
        await Op.Nop();
    }

    [Fact]
    public void TwoAwaits_EachHasItsLine() => Run(async (kernel, connection) =>
    {
        var lines = new List<string>();
        RingTask task = RingExecutor.Spawn(async () =>
        {
            lines.Add(Next());
            await connection.ReadAsync(s_memory);
            lines.Add(Next());
            await connection.ReadAsync(s_memory);
        });
        Assert.Equal(lines[0], At());
        Assert.Equal(lines[0], task.Location);
        await Step(kernel);
        Assert.Equal(lines[1], At());
        Assert.Equal(lines[1], task.Location);
        Assert.NotEqual(lines[0], lines[1]);
        await Step(kernel);
        Assert.Null(task.Location); // Ended: its box is empty, and must not be taken for one that waits at its first await.
        await task;
        Assert.Null(task.Location); // And awaited: the box may be somebody else's.
    });

    [Fact]
    public void Loop_ComesBackToTheSameLines() => Run(async (kernel, connection) =>
    {
        string first = "", second = "";
        RingTask<int> task = Reads(connection);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(first, At());
            await Step(kernel);
            Assert.Equal(second, At());
            Assert.Equal(second, task.Location);
            await Step(kernel);
        }

        Assert.Equal(6, await task);

        async RingTask<int> Reads(RingConnection from)
        {
            int total = 0;
            for (int i = 0; i < 3; i++)
            {
                first = Next();
                total += await from.ReadAsync(s_memory);
                second = Next();
                total += await from.ReadAsync(s_memory);
            }

            return total;
        }
    });

    [Fact]
    public void NestedTasks_EachWaitsOnItsOwnLine() => Run(async (kernel, connection) =>
    {
        string inner = "", outer = "";
        RingTask<int> task = Outer<string>();
        Assert.Equal(inner, At());
        Assert.Equal(outer, task.Location);
        Assert.NotEqual(inner, outer);
        await Step(kernel);
        Assert.Equal(1, await task);

        async RingTask<int> Outer<T>()
        {
            _ = typeof(T);
            outer = Next();
            return await Inner();
        }

        async RingTask<int> Inner()
        {
            inner = Next();
            return await connection.ReadAsync(s_memory);
        }
    });

    [Fact]
    public void AwaitsInTryCatchAndFinally_KeepTheirOrder() => Run(async (kernel, connection) =>
    {
        string now = "";
        RingTask task = Guarded();
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(now, At());
            string before = now;
            await Step(kernel);
            Assert.NotEqual(before, now);
        }

        await task;

        async RingTask Guarded()
        {
            try
            {
                try
                {
                    now = Next();
                    await connection.ReadAsync(s_memory);
                    throw new TimeoutException();
                }
                catch (TimeoutException)
                {
                    now = Next();
                    await connection.ReadAsync(s_memory);
                }
                finally
                {
                    now = Next();
                    await connection.ReadAsync(s_memory);
                }

                now = Next();
                await connection.ReadAsync(s_memory);
            }
            finally
            {
                now = Next();
                await connection.ReadAsync(s_memory);
            }

            now = "the end";
        }
    });

    [Fact]
    public void StatementOfSeveralLines_IsItsFirstLine() => Run(async (kernel, connection) =>
    {
        string line = "";
        RingTask<int> task = Sum();
        Assert.Equal(line, At());
        await Step(kernel);
        Assert.Equal(line, At());
        await Step(kernel);
        Assert.Equal(2, await task);

        async RingTask<int> Sum()
        {
            line = Next();
            return Math.Max(
                2,
                await connection.ReadAsync(s_memory)
                + await connection.ReadAsync(s_memory));
        }
    });

    [Fact]
    public void TaskAndValueTaskMethods_HaveNameAndLine() => Run(async (kernel, connection) =>
    {
        string line = "";
        Task<int> task = TaskMethod();
        OpInfo op = Assert.Single(RingExecutor.Current!.InFlight());
        Assert.Equal((nameof(TaskMethod), line), (op.Task, op.Location));
        await Step(kernel);
        Assert.Equal(1, await task);
        ValueTask<int> valueTask = PooledMethod();
        op = Assert.Single(RingExecutor.Current!.InFlight());
        Assert.Equal((nameof(PooledMethod), line), (op.Task, op.Location));
        await Step(kernel);
        Assert.Equal(1, await valueTask);

        async Task<int> TaskMethod()
        {
            line = Next();
            return await connection.ReadAsync(s_memory);
        }

        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        async ValueTask<int> PooledMethod()
        {
            line = Next();
            return await connection.ReadAsync(s_memory);
        }
    });

    [Fact]
    public void InFlightList_ShowsTheLine() => Run(async (kernel, connection) =>
    {
        string line = "";
        RingTask<int> task = Waits();
        Assert.Contains($" task={nameof(Waits)} at {line} lent=", Assert.Single(RingExecutor.Current!.InFlight()).ToString(), StringComparison.Ordinal);
        Assert.Same(At(), At()); // Looked up once.
        await Step(kernel);
        await task;

        async RingTask<int> Waits()
        {
            line = Next();
            return await connection.ReadAsync(s_memory);
        }
    });

    [Fact]
    public void OpThatNobodyAwaits_HasNoLine() => Run(async (kernel, connection) =>
    {
        ValueTask<int> hot = connection.ReadAsync(s_memory);
        Assert.Null(At());
        Assert.DoesNotContain(" at ", RingExecutor.Current!.InFlight()[0].ToString(), StringComparison.Ordinal);
        Assert.Null(RingTask.CompletedTask.Location);
        Assert.Null(Plain().Location);
        await Step(kernel);
        Assert.Equal(1, await hot);

        static async RingTask<int> Plain() => await new ValueTask<int>(1);
    });

    [Fact]
    public void EmbeddedPdb_GivesRingCoresOwnLine()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.Run(async () =>
        {
            using var connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask<int> sending = connection.SendAsync(s_memory);
            string[] location = At()!.Split(':');
            Assert.Equal("RingConnection.cs", location[0]);
            string[] source = File.ReadAllLines(Repository.Path("src", "RingCore", "Handles", location[0]));
            Assert.Contains("await ", source[int.Parse(location[1], System.Globalization.CultureInfo.InvariantCulture) - 1], StringComparison.Ordinal);
            await Op.Nop();
            kernel.Complete(IORING_OP_SEND, s_memory.Length);
            Assert.Equal(s_memory.Length, await sending);
        });
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)] // It has one await.
    [InlineData(-1, false)] // Running.
    [InlineData(-2, false)] // Ended.
    public void State_DecidesWhetherThereIsALine(int state, bool found)
    {
        static async Task OneAwait() => await Task.Yield();
        Type type = ((Func<Task>)OneAwait).Method.GetCustomAttribute<AsyncStateMachineAttribute>()!.StateMachineType;
        Assert.Equal(found, AwaitSource.Of(new Box(InState(type, state))) is not null);
    }

    /// <summary>The base library comes without PDBs; made in memory there is not even a file; and some things are no state machines.</summary>
    [Fact]
    public void WithoutPdb_ThereIsNoLineAndNoException()
    {
        Type library = typeof(Stream).Assembly.GetTypes().First(type => type.IsValueType && !type.ContainsGenericParameters && typeof(IAsyncStateMachine).IsAssignableFrom(type));
        object machine = InState(library, 0);
        Assert.Same(machine, AwaitSource.StateMachineIn(new Box(machine)));
        Assert.Null(AwaitSource.Of(new Box(machine)));

        TypeBuilder made = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("made"), AssemblyBuilderAccess.RunAndCollect)
            .DefineDynamicModule("made").DefineType("Made", TypeAttributes.Public);
        made.DefineField("<>1__state", typeof(int), FieldAttributes.Public);
        made.DefineMethod("MoveNext", MethodAttributes.Public).GetILGenerator().Emit(OpCodes.Ret);
        Assert.Null(AwaitSource.Of(new Box(InState(made.CreateType(), 0))));

        Assert.Null(AwaitSource.Of(null));
        Assert.Null(AwaitSource.Of("timers"));
        Assert.Null(AwaitSource.Of(new Box("no state machine")));
        Assert.Null(AwaitSource.Of(new Box(null)));
    }

    private static object InState(Type type, int state)
    {
        object machine = Activator.CreateInstance(type)!;
        type.GetField("<>1__state")!.SetValue(machine, state);
        return machine;
    }

    private sealed class Box(object? machine)
    {
        public object? StateMachine = machine;
    }
}

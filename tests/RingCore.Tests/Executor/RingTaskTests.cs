// Tests: Executor. RingTask as a language feature: results, exceptions, one await each, and that a body always comes home to
// its executor's thread, whatever it awaited and whoever completed it. AsyncLocals have a file of their own.

using RingCore.Sys;

namespace RingCore.Tests.Executor;

public sealed class RingTaskTests
{
    [Fact]
    public void Results_OfSuspendedAndImmediateBodies_ComeBack()
    {
        int sum = Live.Run(async () =>
        {
            int total = await Immediate(1) + await Suspended(20) + await Suspended(300);
            await ImmediateVoid();
            await SuspendedVoid();
            return total;
        });
        Assert.Equal(321, sum);

        static async RingTask<int> Immediate(int value) => value + (await new ValueTask<int>(0));
        static async RingTask ImmediateVoid() => await Task.CompletedTask;
        static async RingTask<int> Suspended(int value)
        {
            await RingExecutor.Yield();
            return value;
        }

        static async RingTask SuspendedVoid() => await Op.Nop();
    }

    [Fact]
    public void Exceptions_BeforeAndAfterTheFirstAwait_ReachTheAwaiterWithTheirStack()
    {
        Live.Run(async () =>
        {
            FormatException early = await Assert.ThrowsAsync<FormatException>(async () => await Throws(suspend: false));
            FormatException late = await Assert.ThrowsAsync<FormatException>(async () => await Throws(suspend: true));
            FormatException typed = await Assert.ThrowsAsync<FormatException>(async () => await ThrowsTyped());
            Assert.All([early, late, typed], e => Assert.Contains("Throws", e.StackTrace!, StringComparison.Ordinal));
        });
    }

    [Fact]
    public void ImmediateBody_IsCompletedAtOnce_AndNeedsNoBox()
    {
        Live.Run(async () =>
        {
            RingTask<int> task = Value();
            Assert.True(task.IsCompleted);
            Assert.Equal(7, await task);
            Assert.True(RingTask.CompletedTask.IsCompleted);
            await RingTask.CompletedTask;
            Assert.True(default(RingTask).IsCompleted);
        });

        static async RingTask<int> Value() => await new ValueTask<int>(7);
    }

    [Fact]
    public void IsCompleted_TurnsTrueWhenTheBodyEnds()
    {
        Live.Run(async () =>
        {
            RingTask task = RingExecutor.Spawn(async () => await RingExecutor.Yield());
            Assert.False(task.IsCompleted);
            await RingExecutor.Yield();
            await RingExecutor.Yield();
            Assert.True(task.IsCompleted);
            await task;
        });
    }

    [Fact]
    public void SecondAwait_Throws_EvenWhenTheBoxIsInUseAgain()
    {
        Live.Run(async () =>
        {
            RingTask<int> first = Slow(1);
            Assert.Equal(1, await first);
            RingTask<int> second = Slow(2); // Same method: the same box from the pool.
            InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(async () => await first);
            Assert.Contains("await each RingTask once", e.Message, StringComparison.Ordinal);
            Assert.Equal(2, await second);
        });
    }

    [Fact]
    public void TwoAwaitersAtOnce_TheSecondThrows_TheFirstIsServed()
    {
        Live.Run(async () =>
        {
            RingTask<int> task = Slow(5);
            RingTask<int> first = Await(task);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await Await(task));
            Assert.Equal(5, await first);

            ValueTask<OpResult> timeout = Op.Timeout(TimeSpan.FromMilliseconds(1)).Start();
            Task<OpResult> one = InTask(timeout);
            await Assert.ThrowsAsync<InvalidOperationException>(() => InTask(timeout));
            Assert.Equal(Errno.ETIME, (await one).Errno);
        });

        static async Task<OpResult> InTask(ValueTask<OpResult> task) => await task;
        static async RingTask<int> Await(RingTask<int> task) => await task;
    }

    [Fact]
    public void BlockingOnARunningTask_ThrowsInsteadOfHanging()
    {
        Live.Run(async () =>
        {
            RingTask<int> task = Slow(3);
            var e = Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult());
            Assert.Contains("await it", e.Message, StringComparison.Ordinal);
            Assert.Equal(3, await task);

            ValueTask<OpResult> nop = Op.Nop().Start();
            Assert.Throws<InvalidOperationException>(() => nop.GetAwaiter().GetResult());
            Assert.True((await nop).IsSuccess);
        });
    }

    [Fact]
    public void AwaitOnAnotherThread_Throws()
    {
        Live.Run(async () =>
        {
            RingTask<int> task = Slow(4);
            await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(async () => await task));
            Assert.Equal(4, await task);

            // An op's ValueTask too, and neither takes the process along: Task code has no other place to put what OnCompleted throws.
            ValueTask<OpResult> timeout = Op.Timeout(TimeSpan.FromMilliseconds(1)).Start();
            await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(async () => await timeout));
            Assert.Equal(Errno.ETIME, (await timeout).Errno);
        });
    }

    [Fact]
    public void TaskAndValueTaskCode_AwaitRingTasks_AndTheOtherWayRound()
    {
        Live.Run(async () =>
        {
            Assert.Equal(11, await InTask());
            Assert.Equal(12, await InValueTask());
            Assert.Equal(13, await Slow(13).AsTask());
            await InVoidTask();

            static async Task<int> InTask() => await Slow(11);
            static async ValueTask<int> InValueTask() => await Slow(12);
            static async Task InVoidTask() => await SlowVoid().AsTask();
        });
    }

    [Fact]
    public void AsTask_CanBeAwaitedTwice_AndFromAnotherThread()
    {
        Live.Run(async () =>
        {
            Task<int> task = Slow(6).AsTask();
            Assert.Equal(6, await Task.Run(async () => await task));
            Assert.Equal(6, await task);
        });
    }

    /// <summary>It stands in the ready queue until then.</summary>
    [Fact]
    public void TaskThatHasEnded_IsKeptForTheTaskThatAwaitsIt()
    {
        Live.Run(async () =>
        {
            RingTask<int> task = Yielding();
            Task<int> first = task.AsTask();
            await RingExecutor.Yield();
            Assert.True(task.IsCompleted);
            Assert.False(first.IsCompleted);
            Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult());
            Assert.Equal(6, await first);
        });

        static async RingTask<int> Yielding()
        {
            await RingExecutor.Yield();
            return 6;
        }
    }

    [Fact]
    public void ConfigureAwaitFalse_ChangesNothingInARingTask()
    {
        Live.Run(async () =>
        {
            int home = Environment.CurrentManagedThreadId;
            for (int i = 0; i < 100; i++)
            {
                await Task.Run(() => Assert.NotEqual(home, Environment.CurrentManagedThreadId)).ConfigureAwait(false);
                Assert.Equal(home, Environment.CurrentManagedThreadId);
                await Task.Delay(0).ConfigureAwait(false);
                await Pool().ConfigureAwait(false);
                Assert.Equal(home, Environment.CurrentManagedThreadId);
                Assert.NotNull(RingExecutor.Current);
            }

            static async ValueTask Pool() => await Task.Run(() => { }).ConfigureAwait(false);
        });
    }

    [Fact]
    public void SourceCompletedOnAPoolThread_ResumesAtHome()
    {
        Live.Run(async () =>
        {
            int home = Environment.CurrentManagedThreadId;
            for (int i = 0; i < 200; i++)
            {
                var inline = new TaskCompletionSource<int>(); // Its continuations run inside SetResult, on the pool's thread.
                ThreadPool.QueueUserWorkItem(_ => inline.SetResult(i));
                Assert.Equal(i, await inline.Task);
                Assert.Equal(home, Environment.CurrentManagedThreadId);
            }
        });
    }

    [Fact]
    public void TaskCode_ComesHomeThroughTheSynchronizationContext()
    {
        Live.Run(async () =>
        {
            int home = Environment.CurrentManagedThreadId;
            await InTask();
            await Leaves();
            Assert.Equal(home, Environment.CurrentManagedThreadId);

            async Task InTask()
            {
                await Task.Run(() => { });
                Assert.Equal(home, Environment.CurrentManagedThreadId);
                Assert.True((await Op.Nop()).IsSuccess);
                await Task.Yield();
                Assert.Equal(home, Environment.CurrentManagedThreadId);
            }

            // Left with ConfigureAwait(false), Task code is abroad, and a ring's surface says so.
            async Task Leaves()
            {
                await Task.Run(() => { }).ConfigureAwait(false);
                await Task.Run(() => { }).ConfigureAwait(false);
                if (Environment.CurrentManagedThreadId != home)
                    Assert.Contains("RingExecutor", Assert.Throws<InvalidOperationException>(() => { _ = Op.Nop().Start(); }).Message, StringComparison.Ordinal);
            }
        });
    }

    [Fact]
    public void ChainOf100000Awaits_UnwindsWithoutOverflowingTheStack()
    {
        Live.Run(async () =>
        {
            RingTask<int> task = Slow(0);
            for (int i = 0; i < 100_000; i++)
                task = Next(task);
            Assert.Equal(100_000, await task);
        });

        static async RingTask<int> Next(RingTask<int> before) => await before + 1;
    }

    [Fact]
    public void ChainOf100000Faults_UnwindsWithoutOverflowingTheStack()
    {
        Live.Run(async () =>
        {
            RingTask task = Throws(suspend: true);
            for (int i = 0; i < 2_000; i++) // Each rethrow appends to the stack trace: quadratic, so fewer.
                task = Next(task);
            await Assert.ThrowsAsync<FormatException>(async () => await task);
        });

        static async RingTask Next(RingTask before) => await before;
    }

    [Fact]
    public void AwaitOfManyCompletedTasksInOneBody_DoesNotGrowTheStack()
    {
        Live.Run(async () =>
        {
            for (int i = 0; i < 100_000; i++)
                await Done();
        });

        static async RingTask Done() => await RingTask.CompletedTask;
    }

    [Fact]
    public void OutsideAnExecutor_AnAwaitThatHasToWaitThrowsWithAdvice()
    {
        RingTask task = Waits();
        var e = Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult());
        Assert.Contains("RingExecutor.Run", e.Message, StringComparison.Ordinal);

        static async RingTask Waits() => await new TaskCompletionSource().Task;
    }

    private static async RingTask<int> Slow(int value)
    {
        await RingExecutor.Yield();
        await RingExecutor.Yield();
        return value;
    }

    private static async RingTask SlowVoid() => await RingExecutor.Yield();

    private static async RingTask Throws(bool suspend)
    {
        if (suspend)
            await RingExecutor.Yield();
        throw new FormatException("on purpose");
    }

    private static async RingTask<int> ThrowsTyped()
    {
        await RingExecutor.Yield();
        throw new FormatException("on purpose");
    }
}

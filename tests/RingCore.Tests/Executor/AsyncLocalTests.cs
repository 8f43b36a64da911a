// Tests: Executor. ExecutionContext flows as in Task: an AsyncLocal is still there after every kind of await, one that a callee
// sets does not come back to its caller, and nothing of one run is in a pooled box when the next run has it.

using RingCore.Sys;

namespace RingCore.Tests.Executor;

public sealed class AsyncLocalTests
{
    private static readonly AsyncLocal<string?> s_local = new();

    public static TheoryData<string> Awaits => ["op", "read", "lease", "delay", "yield", "ring task", "ring task of t", "task", "task no context",
        "value task", "foreign source", "multishot", "chain", "completed"];

    [Theory]
    [MemberData(nameof(Awaits))]
    public void Value_IsThereAfterTheAwait_InRingTask(string kind)
    {
        Live.Run(async () =>
        {
            s_local.Value = kind;
            RingTask neighbour = RingExecutor.Spawn(Neighbour);
            for (int i = 0; i < 3; i++)
            {
                await Await(kind);
                Assert.Equal(kind, s_local.Value);
            }

            s_local.Value = null;
            await Await(kind);
            Assert.Null(s_local.Value);
            await neighbour;
        });
    }

    [Theory]
    [MemberData(nameof(Awaits))]
    public void Value_IsThereAfterTheAwait_InTaskAndValueTask(string kind)
    {
        Live.Run(async () =>
        {
            RingTask neighbour = RingExecutor.Spawn(Neighbour);
            await InTask();
            await InValueTask();
            Assert.Null(s_local.Value);
            await neighbour;

            async Task InTask()
            {
                s_local.Value = kind;
                await Await(kind);
                Assert.Equal(kind, s_local.Value);
            }

            async ValueTask InValueTask()
            {
                s_local.Value = kind;
                await Await(kind);
                Assert.Equal(kind, s_local.Value);
            }
        });
    }

    [Fact]
    public void ValueSetByACallee_DoesNotReachTheCaller_WhetherItSuspendedOrNot()
    {
        Live.Run(async () =>
        {
            await Sets("callee", suspendBefore: false, suspendAfter: false);
            Assert.Null(s_local.Value);
            await Sets("callee", suspendBefore: false, suspendAfter: true);
            Assert.Null(s_local.Value);
            await Sets("callee", suspendBefore: true, suspendAfter: false);
            Assert.Null(s_local.Value);
            await Sets("callee", suspendBefore: true, suspendAfter: true);
            Assert.Null(s_local.Value);

            s_local.Value = "caller";
            await Sets("callee", suspendBefore: true, suspendAfter: true);
            Assert.Equal("caller", s_local.Value);
            await Sets("callee", suspendBefore: true, suspendAfter: false);
            Assert.Equal("caller", s_local.Value);
        });
    }

    [Fact]
    public void ValueSetByACallee_DoesNotReachTheCaller_ThroughManyLevels()
    {
        Live.Run(async () =>
        {
            Assert.Equal(41, await Level(40));
            Assert.Null(s_local.Value);

            static async RingTask<int> Level(int depth)
            {
                Assert.Equal(depth == 40 ? null : $"{depth + 1}", s_local.Value);
                s_local.Value = $"{depth}";
                int below = depth == 0 ? 0 : await Level(depth - 1);
                Assert.Equal($"{depth}", s_local.Value);
                await RingExecutor.Yield();
                Assert.Equal($"{depth}", s_local.Value);
                return below + 1;
            }
        });
    }

    [Fact]
    public void CallerWithoutValues_ResumedInsideACalleesEnd_SeesNone()
    {
        Live.Run(async () =>
        {
            // The callee ends with a value set and resumes its caller on the same stack.
            for (int i = 0; i < 40; i++)
            {
                int result = await EndsWithValue(i);
                Assert.Equal(i, result);
                Assert.Null(s_local.Value);
            }

            static async RingTask<int> EndsWithValue(int i)
            {
                await Op.Nop();
                s_local.Value = "mine";
                await Op.Nop();
                return i;
            }
        });
    }

    [Fact]
    public void NextUserOfAPooledBox_SeesNothingOfTheLast()
    {
        Live.Run(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                await Body(i % 2 == 0 ? $"run {i}" : null);
                Assert.Null(s_local.Value);
            }

            static async RingTask Body(string? set)
            {
                Assert.Null(s_local.Value);
                if (set is not null)
                    s_local.Value = set;
                await RingExecutor.Yield();
                Assert.Equal(set, s_local.Value);
                await Op.Nop();
                Assert.Equal(set, s_local.Value);
            }
        });
    }

    [Fact]
    public void FaultedBody_LeavesNothingInItsBox()
    {
        Live.Run(async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                await Assert.ThrowsAsync<FormatException>(async () => await Body(fail: true));
                Assert.Null(s_local.Value);
                await Body(fail: false);
            }

            static async RingTask Body(bool fail)
            {
                Assert.Null(s_local.Value);
                if (fail)
                    s_local.Value = "failing";
                await RingExecutor.Yield();
                if (fail)
                    throw new FormatException();
                Assert.Null(s_local.Value);
            }
        });
    }

    [Fact]
    public void SpawnedTask_SeesItsSpawnersValue_AndKeepsItsOwn()
    {
        Live.Run(async () =>
        {
            s_local.Value = "spawner";
            RingTask<string?> child = RingExecutor.Spawn<string?>(async () =>
            {
                string? seen = s_local.Value;
                s_local.Value = "child";
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(2));
                Assert.Equal("child", s_local.Value);
                return seen;
            });
            s_local.Value = "changed";
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(4));
            Assert.Equal("spawner", await child);
            Assert.Equal("changed", s_local.Value);
        });
    }

    [Fact]
    public void WorkFromOutside_DoesNotSeeWhatARunningTaskHasSet_NorLeaveAnything()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            s_local.Value = "thread of Run";
            RingExecutor.Run(async () =>
            {
                Assert.Equal("thread of Run", s_local.Value); // Run is a call: its caller's values are there.
                RingExecutor executor = RingExecutor.Current!;
                var seen = new TaskCompletionSource<string?>();
                executor.Post(() =>
                {
                    s_local.Value = "posted";
                });
                await RingExecutor.Yield();
                Assert.Equal("thread of Run", s_local.Value);
                executor.Post(() => seen.SetResult(s_local.Value));
                Assert.NotEqual("posted", await seen.Task);
            });
            Assert.Equal("thread of Run", s_local.Value);
        });
    }

    [Fact]
    public void SuppressedFlow_DoesNotBreakAnAwait()
    {
        Live.Run(async () =>
        {
            s_local.Value = "before";
            RingTask task;
            using (ExecutionContext.SuppressFlow())
                task = RingExecutor.Spawn(async () => await RingExecutor.Yield());
            await task;
            Assert.Equal("before", s_local.Value);
        });
    }

    private static async RingTask Sets(string value, bool suspendBefore, bool suspendAfter)
    {
        if (suspendBefore)
            await Op.Nop();
        s_local.Value = value;
        if (suspendAfter)
            await Op.Nop();
        Assert.Equal(value, s_local.Value);
    }

    /// <summary>Changes the value on the same thread between the turns of the tests above.</summary>
    private static async RingTask Neighbour()
    {
        for (int i = 0; i < 30; i++)
        {
            s_local.Value = $"neighbour {i}";
            await RingExecutor.Yield();
        }
    }

    private static async RingTask Await(string kind)
    {
        string? before = s_local.Value;
        switch (kind)
        {
            case "op":
                await Op.Nop();
                break;
            case "read" or "lease":
                (RingConnection left, RingConnection right) = Live.Pair();
                using (left)
                using (right)
                {
                    RingTask write = RingExecutor.Spawn(async () =>
                    {
                        await RingExecutor.Yield();
                        await right.WriteAsync(new byte[10]);
                    });
                    if (kind == "read")
                    {
                        Assert.Equal(10, await left.ReadAsync(new byte[16]));
                    }
                    else
                    {
                        using ReadLease lease = await left.ReadLeaseAsync();
                        Assert.Equal(10, lease.Length);
                    }

                    await write;
                }

                break;
            case "delay":
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                break;
            case "yield":
                await RingExecutor.Yield();
                break;
            case "ring task":
                await RingExecutor.Spawn(async () =>
                {
                    s_local.Value = "inner";
                    await RingExecutor.Yield();
                });
                break;
            case "ring task of t":
                Assert.Equal(1, await RingExecutor.Spawn(async () =>
                {
                    await RingExecutor.Yield();
                    s_local.Value = "inner";
                    return 1;
                }));
                break;
            case "task":
                await Task.Run(() => s_local.Value = "pool");
                break;
            case "task no context":
                await Task.Run(() => s_local.Value = "pool").ConfigureAwait(false);
                break;
            case "value task":
                await Inner();
                break;
            case "foreign source":
                var source = new TaskCompletionSource();
                new Thread(() =>
                {
                    s_local.Value = "foreign";
                    source.SetResult();
                }).UnsafeStart();
                await source.Task;
                break;
            case "multishot":
                (int a, int b) = Live.RawPair();
                await using (var handle = RingHandle.Adopt(a, ownsFd: true))
                await using (RingHandle.Adopt(b, ownsFd: true))
                {
                    await foreach (OpResult result in Op.Poll(handle, SocketConstants.POLLOUT).Multishot())
                    {
                        Assert.True(result.IsSuccess);
                        break;
                    }
                }

                break;
            case "chain":
                Assert.True((await Op.Nop().Then(Op.Nop())).IsSuccess);
                break;
            case "completed":
                await RingTask.CompletedTask;
                break;
            default:
                throw new ArgumentException(kind);
        }

        Assert.Equal(before, s_local.Value);

        static async ValueTask Inner()
        {
            s_local.Value = "inner";
            await Task.Yield();
        }
    }
}

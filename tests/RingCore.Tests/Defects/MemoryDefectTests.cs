// Tests: Defects 1 to 8 of the Rust original, those that broke memory or the first await. Each test is named after its defect and
// fails when that defect is put into this code. They look at fds and at LeakedOps, so nothing runs beside them.

using System.Diagnostics;
using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;

namespace RingCore.Tests.Defects;

[Collection(nameof(Alone))]
public sealed class MemoryDefectTests
{
    /// <summary>The original's wake stole a reference and the task was freed under its other wakers. Here: a box pooled twice.</summary>
    [Fact]
    public void D01_StaleHandles_DoNotPutATasksBoxIntoThePoolTwice()
    {
        Live.Run(async () =>
        {
            RingTask<int> stale = Slow(0);
            await stale;
            for (int i = 0; i < 3; i++)
                Assert.Throws<InvalidOperationException>(() => stale.GetAwaiter().GetResult());
            RingTask<int>[] tasks = [.. Enumerable.Range(1, 50).Select(Slow)]; // Would share boxes, had one been pooled again.
            GC.Collect();
            for (int i = 0; i < tasks.Length; i++)
                Assert.Equal(i + 1, await tasks[i]);
        });
    }

    [Fact]
    public void D01_ManyWakersOfOneTask_EachWakeIsAnsweredOnce()
    {
        Live.Run(async () =>
        {
            for (int round = 0; round < 200; round++)
            {
                var sources = new TaskCompletionSource[3];
                int resumed = 0;
                for (int i = 0; i < sources.Length; i++)
                    sources[i] = new TaskCompletionSource();
                RingTask task = RingExecutor.Spawn(async () =>
                {
                    foreach (TaskCompletionSource source in sources)
                    {
                        await source.Task;
                        resumed++;
                    }
                });
                Parallel.ForEach(sources, source => source.SetResult());
                await task;
                Assert.Equal(3, resumed);
            }
        });
    }

    [Theory]
    [InlineData(8)]
    [InlineData(256)]
    public void D02_SqFull_SubmitsAndGoesOn(int entries)
    {
        RingCounters counters = Live.Run(async () =>
        {
            RingTask<int>[] tasks = [.. Enumerable.Range(0, 300).Select(_ => RingExecutor.Spawn(async () => (await Op.Nop()).Res))];
            foreach (RingTask<int> task in tasks)
                Assert.Equal(0, await task);
        }, new RingOptions { SqEntries = entries, CqEntries = 1024 });
        Assert.True(counters.SqFull > 0, "the queue was never full: the test tested nothing");
        Assert.True(counters.Sqes >= 300);
    }

    [Fact]
    public void D03_CancelledRead_KeepsItsMemoryUntilTheKernelHasLetGo()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            using (left)
            using (right)
            using (var memory = new HookedMemory(new string(' ', 64)))
            using (var source = new CancellationTokenSource())
            {
                ValueTask<int> read = left.ReadAsync(memory.Memory, source.Token);
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1)); // With the kernel.
                source.Cancel();
                Assert.False(read.IsCompleted); // Cancelling only asks.
                Assert.Equal(1, memory.Pins);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
                Assert.Equal(0, memory.Pins);
                Assert.Equal(1, memory.Taken);
            }
        });
    }

    [Fact]
    public void D03_DroppedRead_KeepsItsMemoryUntilTheKernelHasLetGo()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            using (right)
            using (var memory = new HookedMemory(new string(' ', 64)))
            {
                Drop(left, memory);
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Assert.Equal(1, memory.Pins);
                await right.WriteAsync("KERNEL WROTE HERE"u8.ToArray());
                await Live.SettledAsync();
                Assert.Equal(0, memory.Pins);
                Assert.Equal("KERNEL WROTE HERE"u8, memory.GetSpan()[..17]);
                left.Dispose();
            }
        });

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Drop(RingConnection connection, HookedMemory memory) => _ = connection.ReadAsync(memory.Memory);
    }

    [Fact]
    public void D03_ArraysThatTheGcWouldMove_GetTheirBytes()
    {
        Live.Run(async () =>
        {
            const int Count = 64;
            (RingConnection Left, RingConnection Right)[] pairs = [.. Enumerable.Range(0, Count).Select(_ => Live.Pair())];
            var reads = new ValueTask<int>[Count];
            byte[][] buffers = Fill(pairs, reads);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            GC.Collect(0, GCCollectionMode.Forced, blocking: true, compacting: true); // Young, with holes around: they move.
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            byte[][] others = [.. Enumerable.Range(0, 2000).Select(_ => new byte[100])]; // Into the holes.
            for (int i = 0; i < Count; i++)
                await pairs[i].Right.WriteAsync(Enumerable.Repeat((byte)(i + 1), 100).ToArray());
            for (int i = 0; i < Count; i++)
            {
                Assert.Equal(100, await reads[i]);
                Assert.All(buffers[i], b => Assert.Equal(i + 1, b));
                pairs[i].Left.Dispose();
                pairs[i].Right.Dispose();
            }

            Assert.All(others, other => Assert.All(other, b => Assert.Equal(0, b)));
        });

        static byte[][] Fill((RingConnection Left, RingConnection Right)[] pairs, ValueTask<int>[] reads)
        {
            var buffers = new byte[pairs.Length][];
            for (int i = 0; i < pairs.Length; i++)
            {
                GC.KeepAlive(new byte[5000]); // A hole before each.
                buffers[i] = new byte[100];
                reads[i] = pairs[i].Left.ReadAsync(buffers[i]);
            }

            return buffers;
        }
    }

    [Fact]
    public void D04_NoPublicOpTakesAnAddress()
    {
        Type[] exempt = [typeof(Ring), typeof(BufferRing), typeof(Kernel)]; // For reading and experiment, and unsafe by their signature.
        IEnumerable<string> offenders =
            from type in typeof(Ring).Assembly.GetExportedTypes()
            where type.Namespace == "RingCore" && !exempt.Contains(type)
            from method in type.GetMembers().OfType<MethodBase>()
            from parameter in method.GetParameters()
            where parameter.ParameterType.IsPointer || parameter.ParameterType == typeof(nint)
            select $"{type.Name}.{method.Name}({parameter.ParameterType.Name} {parameter.Name})";
        Assert.Empty(offenders);
    }

    [Fact]
    public void D04_StructsTheKernelReads_OutliveTheFrameThatWroteThem()
    {
        Live.Run(async () =>
        {
            long start = Stopwatch.GetTimestamp(); // TickCount64 is coarse.
            var timeouts = new ValueTask<OpResult>[50];
            Start(timeouts);
            Scribble(200);
            foreach (ValueTask<OpResult> timeout in timeouts)
                Assert.Equal(Errno.ETIME, (await timeout).Errno);
            Assert.True(Stopwatch.GetElapsedTime(start) >= TimeSpan.FromMilliseconds(30), "a timeout of 30 ms ended early");

            // A path and a socket address, too.
            ValueTask<OpResult> open = Op.OpenAt("/proc/self/status", FileConstants.O_RDONLY).Start();
            Scribble(200);
            OpResult opened = await open;
            Assert.True(opened.IsSuccess, opened.ToString());
            await Op.Close(opened.Res);
        });

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Start(ValueTask<OpResult>[] timeouts)
        {
            for (int i = 0; i < timeouts.Length; i++)
                timeouts[i] = Op.Timeout(TimeSpan.FromMilliseconds(30)).Start();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static int Scribble(int depth)
        {
            Span<byte> stack = stackalloc byte[512];
            stack.Fill(0xEE);
            return depth == 0 ? stack[0] : Scribble(depth - 1) + stack[1];
        }
    }

    [Fact]
    public void D05_WakesFromOtherThreads_ReachAParkedRing()
    {
        Live.Run(async () =>
        {
            int home = Environment.CurrentManagedThreadId;
            for (int i = 0; i < 50; i++)
            {
                var source = new TaskCompletionSource();
                long waits = RingExecutor.Current!.Counters.Waits;
                RingExecutor ring = RingExecutor.Current!;
                ThreadPool.QueueUserWorkItem(_ =>
                {
                    SpinWait.SpinUntil(() => ring.Counters.Waits > waits, 1000);
                    source.SetResult();
                });
                await source.Task;
                Assert.Equal(home, Environment.CurrentManagedThreadId);
            }
        }, timeout: TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void D06_DisposeWithAnOpInFlight_KeepsTheFdNumberUntilItsCqe()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            int fd = left.Fd;
            ValueTask<int> read = left.ReadAsync(new byte[8]);
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            left.Dispose();
            Assert.True(Live.IsOpen(fd), "closed while the kernel has an op on it");
            int other = Libc.eventfd(0, FileConstants.EFD_CLOEXEC); // The lowest free number, as the next accept would get.
            Assert.NotEqual(fd, other);
            Libc.close(other);
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await read);
            Assert.False(Live.IsOpen(fd), "still open after its last op");
            Assert.Throws<ObjectDisposedException>(() => { _ = left.ReadAsync(new byte[8]); });
            right.Dispose();
        });
    }

    [Fact]
    public void D06_DisposeWithAnSqeStillQueued_DoesNotHandTheNumberOn()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = Live.Pair();
            int fd = left.Fd;
            ValueTask<int> read = left.ReadAsync(new byte[8]); // Its SQE is written, and not submitted yet.
            left.Dispose();
            (RingConnection stranger, RingConnection peer) = Live.Pair();
            Assert.NotEqual(fd, stranger.Fd);
            Assert.NotEqual(fd, peer.Fd);
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await read);
            right.Dispose();
            stranger.Dispose();
            peer.Dispose();
        });
    }

    [Fact]
    public void D07_TwoCqesForOneAwait_ResumeItOnce()
    {
        RingCounters counters = Live.Run(async () =>
        {
            int resumed = 0;
            for (int i = 0; i < 300; i++)
            {
                int before = resumed;
                await Once(i);
                Assert.Equal(before + 1, resumed);
            }

            async RingTask Once(int i)
            {
                // The op's CQE and its LINK_TIMEOUT's: in either order, often in one reap.
                OpResult result = i % 3 == 0
                    ? await Op.Timeout(TimeSpan.FromMicroseconds(50)).WithTimeout(TimeSpan.FromMicroseconds(50))
                    : await Op.Nop().WithTimeout(TimeSpan.FromMicroseconds(1));
                Assert.True(result.Res is 0 or -Errno.ETIME or -Errno.ECANCELED, result.ToString());
                resumed++;
            }
        });
        Assert.Equal(0, counters.StaleCqes);
    }

    [Fact]
    public void D08_MultishotAccept_IsOneSqeForManyConnections()
    {
        Live.RequireFeature(RingFeatures.MultishotAccept);
        Live.Run(async () =>
        {
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            await using IAsyncEnumerator<OpResult> accepts = Op.Accept(listener).Multishot().GetAsyncEnumerator();
            for (int i = 0; i < 3; i++)
            {
                ValueTask<bool> accepting = accepts.MoveNextAsync();
                RingCounters before = RingExecutor.Current!.Counters;
                using RingConnection client = await RingConnection.ConnectAsync(listener.LocalEndPoint);
                Assert.True(await accepting);
                Assert.True(accepts.Current.IsSuccess, accepts.Current.ToString());
                Assert.True(accepts.Current.HasMore, "it ended after one connection");
                if (i > 0)
                    Assert.Equal(1, (RingExecutor.Current!.Counters - before).Sqes); // The connect; the accept stands.
                RingHandle.Adopt(accepts.Current.Res, ownsFd: true).Dispose();
            }
        });
    }

    private static async RingTask<int> Slow(int value)
    {
        await RingExecutor.Yield();
        await RingExecutor.Yield();
        return value;
    }
}

// Old kernels: checks of the ring, the loop and its doors, timers, cancellation, chains and files. Each runs on an executor of its
// own; the runner adds: no op, lease, fd left, nothing leaked, no stale completion. Sockets are in SocketChecks.cs.

using System.Diagnostics;
using System.Text;
using RingCore;
using RingCore.Sys;

namespace KernelCheck;

internal static class LoopChecks
{
    private static RingCounters Counters => RingExecutor.Current!.Counters;

    internal static IEnumerable<Check> All =>
    [
        new("nop", async () =>
        {
            for (int i = 0; i < 1000; i++)
                Expect.Equal(0, (await Op.Nop()).Res, "nop");
        }),
        new("100 reads in one enter", HundredReads),
        new("100 reads of a file on tmpfs", HundredFileReads),
        new("file: create, write, read, flush, close", WholeFile),
        new("one bad request in a batch", BadRequestInABatch),
        new("chain of three, and a broken one", Chains),
        new("poll, many results", Polls),
        new("delays end in order", Delays),
        new("a deadline on an op", OpDeadlines),
        new("a read cancelled by token, from here and from another thread", Cancels),
        new("a post wakes the sleeping loop, 1,000 times", null!) { OnMainThread = Posts },
        new("InvokeAsync from other threads, 1,000 times", null!) { OnMainThread = Invokes },
        new("completion queue overflows", Overflow) { Options = options => options with { SqEntries = 64, CqEntries = 64 } },
        new("submission queue overflows", () => ManyNops(1000)) { Options = options => options with { SqEntries = 4, CqEntries = 4 } },
        new("bounded shutdown with reads in flight", null!) { OnMainThread = ShutdownWithReads },
        new("20 executors come and go", null!) { OnMainThread = ComeAndGo },
        new("an ordinary user with 64 KiB to lock", null!) { OnMainThread = OrdinaryUser },
    ];

    private static async RingTask HundredReads()
    {
        var pairs = new (RingHandle Near, RingHandle Far)[100];
        for (int i = 0; i < pairs.Length; i++)
        {
            pairs[i] = SocketPair();
            Expect.Equal(1, (await Op.Send(pairs[i].Far, new[] { (byte)i })).Res, "send");
        }

        RingCounters before = Counters;
        byte[][] buffers = [.. pairs.Select(_ => new byte[8])];
        ValueTask<OpResult>[] reads = [.. pairs.Select((pair, i) => Op.Read(pair.Near, buffers[i], offset: 0).Start())]; // A socket refuses −1 before 5.17.
        for (int i = 0; i < reads.Length; i++)
        {
            Expect.Equal(1, (await reads[i]).Res, "read");
            Expect.Equal(i, buffers[i][0], "byte");
        }

        RingCounters used = Counters - before;
        Expect.Equal(100, used.Sqes, "SQEs");
        Expect.Equal(1, used.Enters, "enters");
        foreach ((RingHandle near, RingHandle far) in pairs)
        {
            near.Dispose();
            far.Dispose();
        }
    }

    /// <summary>Where the kernel cannot read a file without perhaps blocking (tmpfs, long) its workers do.</summary>
    private static async RingTask HundredFileReads()
    {
        string path = Path.Combine(Machine.Scratch, "hundred");
        byte[] content = Content(100 * 512);
        File.WriteAllBytes(path, content);
        await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Open, FileAccess.Read))
        {
            byte[] read = new byte[content.Length];
            ValueTask<int>[] reads = [.. Enumerable.Range(0, 100).Select(i => file.ReadAsync(read.AsMemory(i * 512, 512), i * 512))];
            foreach (ValueTask<int> one in reads)
                Expect.Equal(512, await one, "bytes");
            Expect.That(read.AsSpan().SequenceEqual(content), "same bytes");
        }

        File.Delete(path);
    }

    private static async RingTask WholeFile()
    {
        string path = Path.Combine(Machine.Scratch, "whole");
        byte[] content = Content(1 << 20);
        await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite))
        {
            await file.WriteAsync(content, offset: 0);
            Expect.Equal(0, (await Op.Fsync(file)).Res, "fsync");
            byte[] read = new byte[content.Length + 1];
            int have = 0;
            for (int got; (got = await file.ReadAsync(read.AsMemory(have), have)) > 0;)
                have += got;
            Expect.That(read.AsSpan(0, have).SequenceEqual(content), "same bytes");
        }

        File.Delete(path);
        await Expect.Throws<FileNotFoundException>(async () => await RingFile.OpenAsync(path, FileMode.Open, FileAccess.Read));
    }

    /// <summary>Before SUBMIT_ALL (5.18) the kernel stops at a request it refuses: what stood behind it must go in all the same.</summary>
    private static async RingTask BadRequestInABatch()
    {
        using RingHandle none = RingHandle.Adopt(60_000, ownsFd: false);
        byte[] memory = new byte[1];
        var tasks = new List<ValueTask<OpResult>>();
        for (int i = 0; i < 40; i++)
        {
            tasks.Add((i % 4) switch
            {
                1 => Op.Read(none, memory).Start(),
                2 => Op.Socket(-1, -1).Start(), // No such family; before 5.19 no such opcode either.
                _ => Op.Nop().Start(),
            });
        }

        for (int i = 0; i < tasks.Count; i++)
        {
            int res = (await tasks[i]).Res;
            Expect.That((i % 4) switch
            {
                1 => res == -Errno.EBADF,
                2 => res is -Errno.EINVAL or -Errno.EAFNOSUPPORT,
                _ => res == 0,
            }, $"request {i} ends as it should, not with {res}");
        }
    }

    private static async RingTask Chains()
    {
        string path = Path.Combine(Machine.Scratch, "chain");
        await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite))
        {
            byte[] written = Encoding.UTF8.GetBytes("write, flush, read");
            byte[] read = new byte[written.Length];
            ChainResult whole = await Op.Write(file, written, 0).Then(Op.Fsync(file)).Then(Op.Read(file, read, 0));
            Expect.That(whole.IsSuccess && read.AsSpan().SequenceEqual(written), $"{whole}");
            ChainResult broken = await Op.Write(file, written, 0).Then(Op.Read(file, new byte[100], 0)).Then(Op.Nop());
            Expect.That(broken.BrokenAt == 1 && broken.Steps[1].Res == written.Length && broken.Steps[2].Res == -Errno.ECANCELED, $"{broken}");
        }

        File.Delete(path);
    }

    private static async RingTask Polls()
    {
        (RingHandle near, RingHandle far) = SocketPair();
        byte[] memory = new byte[1];
        int polls = 0;
        await using (IAsyncEnumerator<OpResult> events = Op.Poll(near, SocketConstants.POLLIN).Multishot().GetAsyncEnumerator())
        {
            for (; polls < 20; polls++)
            {
                Expect.Equal(1, (await Op.Send(far, memory)).Res, "send");
                Expect.That(await events.MoveNextAsync() && (events.Current.Res & SocketConstants.POLLIN) != 0, $"{events.Current}");
                Expect.Equal(1, (await Op.Recv(near, memory)).Res, "receive");
            }
        }

        near.Dispose();
        far.Dispose();
    }

    private static async RingTask Delays()
    {
        var order = new List<int>();
        long start = Stopwatch.GetTimestamp();
        RingTask[] delays = [.. ((int[])[250, 50, 150]).Select(ms => RingExecutor.Spawn(async () =>
        {
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(ms));
            Expect.That(Stopwatch.GetElapsedTime(start).TotalMilliseconds >= ms - 1, $"{ms} ms are over");
            order.Add(ms);
        }))];
        foreach (RingTask delay in delays)
            await delay;
        Expect.That(order.SequenceEqual([50, 150, 250]), $"order: {string.Join(", ", order)}");

        // A later timer that is due earlier: what stands for the earliest deadline has to move.
        RingTask late = RingExecutor.Spawn(async () => await RingExecutor.Delay(TimeSpan.FromMilliseconds(400)));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
        await late;
        using var cancel = new CancellationTokenSource(50);
        await Expect.Throws<OperationCanceledException>(() => RingExecutor.Delay(TimeSpan.FromHours(1), cancel.Token));
    }

    private static async RingTask OpDeadlines()
    {
        (RingHandle near, RingHandle far) = SocketPair();
        byte[] memory = new byte[1];
        OpResult late = await Op.Recv(near, memory).WithTimeout(TimeSpan.FromMilliseconds(50));
        Expect.Equal(-Errno.ETIME, late.Res, "nothing came");
        (RingHandle pipe, RingHandle end) = Pipe();
        Expect.Equal(-Errno.ETIME, (await Op.Read(pipe, memory).WithTimeout(TimeSpan.FromMilliseconds(50))).Res, "nothing came through the pipe");
        pipe.Dispose();
        end.Dispose();
        await Op.Send(far, memory);
        Expect.Equal(1, (await Op.Recv(near, memory).WithTimeout(TimeSpan.FromSeconds(20))).Res, "it came");
        Expect.Equal(-Errno.ETIME, (await Op.Timeout(TimeSpan.FromMilliseconds(20))).Res, "a timer");
        near.Dispose();
        far.Dispose();
    }

    private static async RingTask Cancels()
    {
        (RingHandle near, RingHandle far) = SocketPair();
        (RingHandle pipe, RingHandle end) = Pipe(); // On 5.10 its reads block in a worker of the kernel.
        byte[] memory = new byte[1];
        for (int i = 0; i < 50; i++)
        {
            using var cancel = new CancellationTokenSource();
            ValueTask<OpResult> read = Op.Recv(near, memory).Start(cancel.Token);
            if (i % 3 == 0)
                cancel.Cancel(); // Before it reached the kernel.
            else if (i % 3 == 1)
                _ = RingExecutor.Spawn(async () =>
                {
                    await RingExecutor.Yield();
                    cancel.Cancel();
                });
            else
                cancel.CancelAfter(1); // A thread of the pool.
            Expect.Equal(-Errno.ECANCELED, (await read).Res, "cancelled");
            using var cancelPipe = new CancellationTokenSource(1);
            Expect.Equal(-Errno.ECANCELED, (await Op.Read(pipe, memory).Start(cancelPipe.Token)).Res, "read of a pipe");
        }

        // The wake-up of the loop is a read of an eventfd: so is this one, a file that is neither socket nor pipe.
        using RingHandle eventFd = RingHandle.Adopt(Libc.eventfd(0, FileConstants.EFD_CLOEXEC), ownsFd: true);
        using var soon = new CancellationTokenSource(20);
        Expect.Equal(-Errno.ECANCELED, (await Op.Read(eventFd, new byte[8], 0).Start(soon.Token)).Res, "cancelled");
        near.Dispose();
        far.Dispose();
        pipe.Dispose();
        end.Dispose();
    }

    private static void Posts(RingOptions options)
    {
        RingExecutor executor = RingExecutor.Start(options);
        using var ran = new ManualResetEventSlim();
        long waits = 0;
        for (int i = 0; i < 1000; i++)
        {
            // Asleep, or a moment before: both sides of the race are wanted, the sleeping one mostly.
            SpinWait.SpinUntil(() => executor.Counters.Waits > waits, millisecondsTimeout: 5000);
            waits = executor.Counters.Waits;
            if (i % 10 != 0)
                Thread.Yield();
            ran.Reset();
            executor.Post(ran.Set);
            Expect.That(ran.Wait(5000), $"post {i} ran within 5 s");
        }

        Expect.That(executor.Counters.Posts >= 1000 && executor.Counters.Wakes > 0, "posted and woken");
        executor.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static void Invokes(RingOptions options)
    {
        RingExecutor executor = RingExecutor.Start(options);
        Task[] threads = [.. Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
        {
            for (int i = 0; i < 250; i++)
            {
                int answer = await executor.InvokeAsync(async () =>
                {
                    Expect.That(executor.IsOwner, "on the ring's thread");
                    await Op.Nop();
                    return thread * 1000 + i;
                });
                Expect.Equal(thread * 1000 + i, answer, "answer");
            }
        }))];
        Task.WhenAll(threads).GetAwaiter().GetResult();
        executor.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static async RingTask ManyNops(int count)
    {
        ValueTask<OpResult>[] nops = [.. Enumerable.Range(0, count).Select(_ => Op.Nop().Start())];
        foreach (ValueTask<OpResult> nop in nops)
            Expect.Equal(0, (await nop).Res, "nop");
        Expect.Equal(0, RingExecutor.Current!.Ring.LostCqes, "lost completions");
    }

    /// <summary>More requests wait than the queue has places, and then all end at once. A kernel that completes inside our enter alone may do it in portions.</summary>
    private static async RingTask Overflow()
    {
        (RingHandle near, RingHandle far) = SocketPair();
        ValueTask<OpResult>[] polls = [.. Enumerable.Range(0, 1000).Select(_ => Op.Poll(near, SocketConstants.POLLIN).Start())];
        await Op.Send(far, new byte[1]);
        foreach (ValueTask<OpResult> poll in polls)
            Expect.Equal(SocketConstants.POLLIN, (await poll).Res & SocketConstants.POLLIN, "poll");
        Expect.Equal(0, RingExecutor.Current!.Ring.LostCqes, "lost completions");
        Expect.That(Counters.Overflows > 0 || RingExecutor.Current.Ring.Features.HasFlag(RingFeatures.DeferTaskrun), "it overflowed");
        near.Dispose();
        far.Dispose();
    }

    private static void ShutdownWithReads(RingOptions options)
    {
        RingExecutor executor = RingExecutor.Start(options with { ShutdownTimeout = TimeSpan.FromSeconds(10) });
        Task opened = executor.InvokeAsync(async () =>
        {
            (RingHandle near, RingHandle far) = SocketPair();
            RingHandle eventFd = RingHandle.Adopt(Libc.eventfd(0, FileConstants.EFD_CLOEXEC), ownsFd: true);
            _ = RingExecutor.Spawn(async () =>
            {
                using (near)
                using (far)
                using (eventFd)
                {
                    ValueTask<OpResult> socket = Op.Recv(near, new byte[1]).Start();
                    ValueTask<OpResult> counter = Op.Read(eventFd, new byte[8], 0).Start();
                    Expect.Equal(-Errno.ECANCELED, (await socket).Res, "the receive is cancelled");
                    Expect.Equal(-Errno.ECANCELED, (await counter).Res, "the read is cancelled");
                }
            });
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
        });
        opened.GetAwaiter().GetResult();
        long start = Stopwatch.GetTimestamp();
        executor.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Expect.That(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5), "well within the bound");
    }

    private static void ComeAndGo(RingOptions options)
    {
        for (int i = 0; i < 20; i++)
            RingExecutor.Run(async () => await ManyNops(10), options);
    }

    /// <summary>
    /// Before 5.12 a ring's memory counts as locked memory, of which such a user had 64 KiB: then the refusal has to say so, and the
    /// probe what the refusal says. Root is not counted, so a thread gives up root for good.
    /// </summary>
    private static void OrdinaryUser(RingOptions options)
    {
        if (!Machine.IsOurs)
            return; // It changes a limit of the process.
        Exception? error = null;
        var thread = new Thread(() =>
        {
            try
            {
                Machine.BecomeNobody(lockedBytes: 65536);
                RingCapabilities report = RingCapabilities.Probe(options);
                var cause = RingUnavailableCause.None;
                try
                {
                    RingExecutor.Run(async () => await ManyNops(10), options);
                }
                catch (RingUnavailableException e)
                {
                    cause = e.Cause;
                    Console.WriteLine($"          {e.Message}");
                }

                Expect.That(cause is RingUnavailableCause.None or RingUnavailableCause.MemoryLock, $"started, or refused for memlock, not {cause}");
                Expect.That(report.Cause == cause, $"the probe says {report.Cause}, the start {cause}");
            }
            catch (Exception e)
            {
                error = e;
            }
        });
        thread.Start();
        thread.Join();
        if (error is not null)
            throw error;
    }

    internal static unsafe (RingHandle Near, RingHandle Far) SocketPair()
    {
        int* fds = stackalloc int[2];
        Expect.That(Libc.socketpair(SocketConstants.AF_UNIX, SocketConstants.SOCK_STREAM | SocketConstants.SOCK_CLOEXEC, 0, fds) >= 0, "socketpair");
        return (RingHandle.Adopt(fds[0], ownsFd: true), RingHandle.Adopt(fds[1], ownsFd: true));
    }

    private static unsafe (RingHandle Read, RingHandle Write) Pipe()
    {
        int* fds = stackalloc int[2];
        Expect.That(Libc.pipe2(fds, FileConstants.O_CLOEXEC) >= 0, "pipe2");
        return (RingHandle.Adopt(fds[0], ownsFd: true), RingHandle.Adopt(fds[1], ownsFd: true));
    }

    internal static byte[] Content(int length)
    {
        byte[] content = new byte[length];
        new Random(1).NextBytes(content);
        return content;
    }
}

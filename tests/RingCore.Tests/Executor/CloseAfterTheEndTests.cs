// Tests: handles that are disposed when their executor ends or has ended: by several threads at once, by a post that was refused,
// with an op that the kernel never gave back. The fd is closed once, or never; DisposeAsync always completes.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Executor;

[Collection(nameof(Alone))]
public sealed class CloseAfterTheEndTests
{
    /// <summary>A handle that runs a test's code between the decision to close and the close.</summary>
    private sealed class SlowHandle(OpDriver driver, int fd) : RingHandle(driver, fd, ownsFd: true)
    {
        internal Action? Closing { get; set; }

        private protected override void OnClosing() => Closing?.Invoke();
    }

    /// <summary>An executor that has ended with a handle left open.</summary>
    private static SlowHandle Outliving(FakeKernel kernel)
    {
        SlowHandle? handle = null;
        RingExecutor.Run(async () =>
        {
            handle = new SlowHandle(OpDriver.Required, kernel.NewFd());
            await Op.Nop();
        }, kernel.Options());
        return handle!;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TwoThreadsAtOnce_CloseItOnce(bool asynchronously)
    {
        using var kernel = new FakeKernel();
        SlowHandle handle = Outliving(kernel);
        int closings = 0;
        ValueTask disposal = default;
        Thread? second = null;
        handle.Closing = () =>
        {
            if (Interlocked.Increment(ref closings) > 1)
                return;
            second = new Thread(() =>
            {
                if (asynchronously)
                    disposal = handle.DisposeAsync();
                else
                    handle.Dispose();
            });
            second.Start();

            // It waits for us to finish, or has gone through beside us.
            SpinWait.SpinUntil(() => !second.IsAlive || (second.ThreadState & ThreadState.WaitSleepJoin) != 0, Live.HangTimeout);
        };
        handle.Dispose();
        Assert.True(second!.Join(Live.HangTimeout));
        await Live.Bounded(disposal.AsTask());
        Assert.Equal(1, closings);
        kernel.AssertReleased(); // A second close of the fd is a violation.
    }

    /// <summary>Subscribers are told of the last faults when the door is closed: the executor's own thread is then one of several.</summary>
    [Fact]
    public void OwnThreadAtTheEnd_AndAnother_CloseItOnce()
    {
        using var kernel = new FakeKernel();
        string name = $"subscriber-{Guid.NewGuid():N}";
        SlowHandle? handle = null;
        int closings = 0;
        Thread? second = null;
        void OnFault(object? sender, UnobservedFaultEventArgs e)
        {
            if (e.Executor.Name == name)
                handle!.Dispose();
        }

        RingExecutor.UnobservedFault += OnFault;
        try
        {
            RingExecutor.Run(async () =>
            {
                handle = new SlowHandle(OpDriver.Required, kernel.NewFd());
                handle.Closing = () =>
                {
                    if (Interlocked.Increment(ref closings) > 1)
                        return;
                    second = new Thread(handle.Dispose);
                    second.Start();
                    SpinWait.SpinUntil(() => !second.IsAlive || (second.ThreadState & ThreadState.WaitSleepJoin) != 0, Live.HangTimeout);
                };
                await Op.Nop();
                _ = RingExecutor.Spawn(async () =>
                {
                    while (!RingExecutor.Current!.Driver.Stopping || RingExecutor.Current.Driver.Outstanding > 0)
                        await RingExecutor.Yield();
                    throw new FormatException();
                });
            }, kernel.Options() with { Name = name });
        }
        finally
        {
            RingExecutor.UnobservedFault -= OnFault;
        }

        Assert.True(second!.Join(Live.HangTimeout));
        Assert.Equal(1, closings);
        kernel.AssertReleased();
    }

    [Fact]
    public async Task DisposedAgainAndAgain_CompletesAndClosesOnce()
    {
        using var kernel = new FakeKernel();
        SlowHandle handle = Outliving(kernel);
        await Live.Bounded(handle.DisposeAsync().AsTask());
        handle.Dispose();
        await Live.Bounded(handle.DisposeAsync().AsTask());
        kernel.AssertReleased();
    }

    /// <summary>Posted in the last turn before shutdown's bound: nothing on the owner thread runs it any more.</summary>
    [Fact]
    public async Task PostedCloseThatTheEndRefuses_ClosesAllTheSame()
    {
        using var kernel = new FakeKernel();
        Task? closed = null;
        kernel.Run(async () =>
        {
            var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            RingExecutor executor = RingExecutor.Current!;
            _ = RingExecutor.Spawn(async () =>
            {
                while (closed is null)
                {
                    await RingExecutor.Yield();
                    if (!executor.Driver.Stopping || executor.Driver.Outstanding > 0)
                        continue;
                    kernel.NowNs += 1_000_000_000_000; // The bound has passed, and this is its turn.
                    var other = new Thread(() => closed = handle.DisposeAsync().AsTask());
                    other.Start();
                    other.Join();
                    Assert.False(closed!.IsCompleted);
                }
            });
            await Op.Nop();
        });
        Assert.NotNull(closed);
        await Live.Bounded(closed);
    }

    /// <summary>An executor that fell out of its loop has cancelled nothing: a handle disposed later must not ask for cancels on a ring that is gone.</summary>
    [Fact]
    public async Task ExecutorThatEndedByAnError_DisposalCompletesWithTheReason()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        int fd = kernel.NewFd();
        RingHandle? handle = null;
        TextWriter error = Console.Error;
        Console.SetError(TextWriter.Null);
        try
        {
            Assert.Throws<InvalidOperationException>(() => RingExecutor.Run(async () =>
            {
                handle = RingHandle.Adopt(fd, ownsFd: true);
                _ = Op.Recv(handle, new byte[4]).Start();
                await Op.Nop();
                kernel.RefuseEnter(Errno.EBADF);
                await Op.Nop();
            }, kernel.Options()));
        }
        finally
        {
            Console.SetError(error);
        }

        await Assert.ThrowsAsync<IOException>(() => Live.Bounded(handle!.DisposeAsync().AsTask()));
        handle!.Dispose();
        Assert.DoesNotContain(fd, kernel.Closes);
    }

    [Fact]
    public async Task OpThatTheKernelNeverGivesBack_DisposalCompletesWithTheReason_AndTheFdStaysOpen()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_RECV);
        kernel.NeverCancels(IORING_OP_RECV);
        int fd = kernel.NewFd(), left = kernel.NewFd();
        Task? before = null;
        RingHandle? disposed = null, open = null;
        TextWriter error = Console.Error;
        Console.SetError(TextWriter.Null);
        try
        {
            RingExecutor.Run(async () =>
            {
                disposed = RingHandle.Adopt(fd, ownsFd: true);
                open = RingHandle.Adopt(left, ownsFd: true);
                _ = Op.Recv(disposed, new byte[4]).Start();
                _ = Op.Recv(open, new byte[4]).Start();
                await Op.Nop();
                before = disposed.DisposeAsync().AsTask();
                Assert.False(before.IsCompleted);
            }, kernel.Options());
        }
        finally
        {
            Console.SetError(error);
        }

        await Assert.ThrowsAsync<IOException>(() => Live.Bounded(before!)); // Asked for before the end ...
        await Assert.ThrowsAsync<IOException>(() => Live.Bounded(disposed!.DisposeAsync().AsTask())); // ... again ...
        await Assert.ThrowsAsync<IOException>(() => Live.Bounded(open!.DisposeAsync().AsTask())); // ... or only after it.
        disposed!.Dispose();
        open!.Dispose();
        Assert.DoesNotContain(fd, kernel.Closes);
        Assert.DoesNotContain(left, kernel.Closes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DropOpens(FakeKernel kernel, bool chain)
    {
        kernel.On(IORING_OP_OPENAT).Run(op => op.Finish(kernel.NewFd("file")));
        if (chain)
            _ = Op.OpenAt("/fake", 0).Then(Op.Nop()).Start();
        else
            _ = Op.OpenAt("/fake", 0).Start();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunAndDrop(FakeKernel kernel, bool chain, bool collected) => RingExecutor.Run(async () =>
    {
        DropOpens(kernel, chain);
        await Op.Nop();
        for (int i = 0; collected && RingExecutor.Current!.Counters.DroppedResults == 0 && i < 500; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Op.Nop();
        }
    }, kernel.Options());

    /// <summary>Collected while its executor runs, or only after its end.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    public void OpenedFdThatNobodyTakes_IsClosed(bool chain, bool collected)
    {
        using var kernel = new FakeKernel();
        RunAndDrop(kernel, chain, collected);
        for (int i = 0; kernel.OpenFds.Count > 0 && i < 500; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        kernel.AssertReleased();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void OutlivingAndDropped(FakeKernel kernel, Action closing) => Outliving(kernel).Closing = closing;

    /// <summary>What a handle does when it closes (a listener removes its path, a file deletes itself) it does also when nobody disposes it.</summary>
    [Fact]
    public void CollectedAfterTheEnd_ClosesAsIfDisposed()
    {
        using var kernel = new FakeKernel();
        int closings = 0;
        OutlivingAndDropped(kernel, () => closings++);
        for (int i = 0; kernel.OpenFds.Count > 0 && i < 500; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        kernel.AssertReleased();
        Assert.Equal(1, closings);
    }
}

// Tests: faults that were fixed by a change of design and had no test of their own: registered memory that is
// dropped, a small heap, what pools remember, calls made while completions wait unhandled, a fault that is
// observed while it is reported.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using RingCore.Tests.Handles;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Defects;

public sealed class FixedFaultTests : LiveTest
{
    private const int Count = 4;
    private const int Size = 64;

    [Fact]
    public unsafe void DroppedBufferRing_IsWrittenTo_AndNothingElseIs()
    {
        Live.RequireFeature(RingFeatures.BufferRings);
        Live.OnThread(() =>
        {
            (int left, int right) = Live.RawPair();
            using (var ring = new Ring(new RingOptions { SqEntries = 8, CqEntries = 16 }))
            {
                nint[] buffers = LendAndDrop(ring);
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
                GC.WaitForPendingFinalizers();
                byte[][] others = [.. Enumerable.Range(0, 20_000).Select(static _ => new byte[Size])];
                byte[] sent = [.. Enumerable.Repeat((byte)'x', Size)];
                for (int i = 0; i < Count; i++)
                {
                    fixed (byte* bytes = sent)
                        Assert.Equal(Size, Libc.write(left, bytes, Size));
                    io_uring_sqe* sqe = ring.TryGetSqe();
                    sqe->fd = right;
                    Prep.RecvSelect(sqe, group: 7, Size);
                    Assert.Equal(1, ring.Enter(1));
                    Assert.Equal(Size, ring.CqeAt(0).res);
                    ring.Advance(1);
                    Assert.Equal(sent, new ReadOnlySpan<byte>((void*)buffers[i], Size).ToArray());
                }

                Assert.All(others, static other => Assert.Equal(-1, other.AsSpan().IndexOfAnyExcept((byte)0)));
            }

            Libc.close(left);
            Libc.close(right);
        });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe nint[] LendAndDrop(Ring ring)
    {
        var buffers = new BufferRing(ring, 7, Count, Size);
        for (ushort id = 0; id < Count; id++)
            buffers.Return(id);
        return [.. Enumerable.Range(0, Count).Select(id => (nint)buffers.AddressOf((ushort)id))];
    }

    [Fact]
    public void HeapOf32Mib_LeasesWork() =>
        DescriptorLimitTests.RunChild(nameof(Child_Leases), typeof(FixedFaultTests), heapLimit: "0x2000000");

    [Theory, MemberData(nameof(Modes))]
    public void Child_Leases(string mode)
    {
        DescriptorLimitTests.OnlyInChild();
        Run(mode, LeaseAsync);
    }

    [Fact]
    public void HeapOf192Mib_EightExecutorsHaveLeases() =>
        DescriptorLimitTests.RunChild(nameof(Child_EightExecutors), typeof(FixedFaultTests), heapLimit: "0xC000000");

    [Theory, MemberData(nameof(Modes))]
    public void Child_EightExecutors(string mode)
    {
        DescriptorLimitTests.OnlyInChild();
        RingExecutor[] executors = [.. Enumerable.Range(0, 8).Select(_ => RingExecutor.Start(Options(mode)))];
        foreach (RingExecutor executor in executors)
            Wait(executor, executor.InvokeAsync(LeaseAsync));
        foreach (RingExecutor executor in executors)
            Assert.True(executor.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(15)));
    }

    private static async RingTask LeaseAsync()
    {
        (RingConnection left, RingConnection right) = UnixPair();
        using (left)
        using (right)
        {
            await left.WriteAsync("one"u8.ToArray());
            using (ReadLease lease = await right.ReadLeaseAsync())
                Assert.Equal("one"u8, lease.Span);
            await left.WriteAsync("two"u8.ToArray());
            await foreach (ReadLease lease in right.ReadAllAsync())
            {
                using (lease)
                    Assert.Equal("two"u8, lease.Span);
                break;
            }
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public void SpareObjects_RememberNothing(string mode) => Run(mode, async () =>
    {
        List<WeakReference> used = [];
        await UseAndForget(used);
        for (int i = 0; i < 20 && used.Any(one => one.IsAlive); i++)
        {
            await RingExecutor.Yield();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal("", string.Join(", ", used.Select(one => one.Target).Where(target => target is not null)));
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async RingTask UseAndForget(List<WeakReference> used)
    {
        (RingConnection left, RingConnection right) = UnixPair();
        string path = Path.GetTempFileName();
        RingFile file = await RingFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite);
        byte[] bytes = new byte[10];
        var source = new CancellationTokenSource();
        await left.WriteAsync(bytes, source.Token);
        await right.ReadExactlyAsync(bytes, source.Token);
        await left.WriteAsync([bytes, bytes], source.Token);
        (await right.ReadLeaseAsync(source.Token)).Dispose();
        await file.WriteAsync(bytes, 0, source.Token);
        await Op.Write(left, bytes).Then(Op.Read(right, bytes)).Start(source.Token);
        await Op.Write(left, bytes).Start(source.Token);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(1), source.Token);
        await left.DisposeAsync();
        await right.DisposeAsync();
        await file.DisposeAsync();
        File.Delete(path);
        used.AddRange([new(left), new(right), new(file), new(bytes), new(source)]);
    }

    /// <summary>
    /// The SQ is full, so that the next op submits: what was pending completes, and stands unhandled in the
    /// CQ.
    /// </summary>
    private static void CompleteWithoutReaping()
    {
        Ring ring = RingExecutor.Current!.Ring;
        uint ready = ring.Ready;
        while (ring.Ready == ready)
            _ = Op.Nop().Start();
    }

    [Fact]
    public void CancelAll_EndsAReadWhoseShortResultIsNotHandledYet()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_RECV).Complete(2);
        kernel.Hold(IORING_OP_RECV);
        kernel.Run(async () =>
        {
            using RingConnection connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask read = connection.ReadExactlyAsync(new byte[8]);
            CompleteWithoutReaping();
            connection.CancelAll();
            Assert.IsType<OperationCanceledException>(await Caught.By(read));
        });
    }

    [Fact]
    public void WriteWhosePinLetsTheOneBeforeFail_EndsWithIt()
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_SEND).Complete(-Errno.EPIPE);
        kernel.Run(async () =>
        {
            using RingConnection connection = RingConnection.Adopt(kernel.NewFd());
            ValueTask first = connection.WriteAsync(new byte[8]);
            var memory = new HookedMemory("second") { OnPin = CompleteWithoutReaping };
            ValueTask second = connection.WriteAsync(memory.Memory);
            Assert.IsAssignableFrom<System.Net.Sockets.SocketException>(await Caught.By(first));
            Assert.IsAssignableFrom<System.Net.Sockets.SocketException>(await Caught.By(second));
            await Op.Nop();
            Assert.Equal(0, memory.Pins);
        });
    }

    [Fact]
    public void SequenceDisposedRightAfterItWasArmed_Ends()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_POLL_ADD);
        kernel.Run(async () =>
        {
            using RingConnection connection = RingConnection.Adopt(kernel.NewFd());
            CompleteWithoutReaping();
            IAsyncEnumerator<OpResult> polls = Op.Poll(connection, SocketConstants.POLLIN).Multishot().GetAsyncEnumerator();
            _ = polls.MoveNextAsync();
            await polls.DisposeAsync();
            Assert.Equal(0, connection.InFlight);
        });
    }

    [Fact]
    public void QueueOfWhichOnlyAnEmptyWriteIsLeft_SendsNothing()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_SEND);
        kernel.Run(async () =>
        {
            using RingConnection connection = RingConnection.Adopt(kernel.NewFd());
            using var source = new CancellationTokenSource();
            ValueTask first = connection.WriteAsync(new byte[8]);
            ValueTask second = connection.WriteAsync(new byte[8], source.Token);
            ValueTask third = connection.WriteAsync(ReadOnlyMemory<byte>.Empty);
            kernel.WhenIdle(() => kernel.Complete(IORING_OP_SEND, 8));
            source.Cancel();
            Assert.IsType<OperationCanceledException>(await Caught.By(second));
            await first;
            await third;
            Assert.DoesNotContain(kernel.Taken, op => op.Opcode == IORING_OP_SENDMSG);
        });
    }

    [Fact]
    public void FaultThatIsObservedWhileAnotherIsReported_IsNotReported()
    {
        using var kernel = new FakeKernel();
        int reported = 0;
        RingTask[] failing = new RingTask[2];
        RingExecutor? executor = null;
        RingExecutor.UnobservedFault += Observe;
        try
        {
            kernel.Run(async () =>
            {
                executor = RingExecutor.Current;
                for (int i = 0; i < failing.Length; i++)
                    failing[i] = RingExecutor.Spawn(FailLater);
                await RingExecutor.Delay(TimeSpan.FromSeconds(3));
            });
        }
        finally
        {
            RingExecutor.UnobservedFault -= Observe;
        }

        Assert.Equal(1, reported);

        static async RingTask FailLater()
        {
            await RingExecutor.Yield();
            throw new FormatException("later");
        }

        void Observe(object? sender, UnobservedFaultEventArgs e)
        {
            if (!ReferenceEquals(sender, executor))
                return;
            reported++;
            foreach (RingTask task in failing)
                Assert.Throws<FormatException>(() => task.GetAwaiter().GetResult());
        }
    }
}

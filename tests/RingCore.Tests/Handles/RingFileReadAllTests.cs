// Tests: Handles. Reading ahead over a fake kernel, which completes reads in any order, short, interrupted or not at all: what is
// yielded is what a loop of reads would yield, no buffer is with the kernel twice or while a consumer has it, and leaving the
// loop waits for what is in flight. Then the same against real files, which end where they say, grow and shrink.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed class RingFileReadAllTests : LiveTest, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private static async RingTask<RingFile> Open(FakeKernel kernel)
    {
        int fd = kernel.NewFd();
        kernel.On(IORING_OP_OPENAT).Complete(fd);
        return await RingFile.OpenAsync("fake");
    }

    /// <summary>The bytes of a file that one read gets.</summary>
    private static ReadOnlySpan<byte> At(byte[] content, FakeOp op) => content.AsSpan((int)Math.Min(content.Length, (long)op.Sqe.off));

    [Fact]
    public void ReadsInFlight_AreDepth_AndChunksComeInOrder()
    {
        using var kernel = new FakeKernel();
        byte[] content = RandomBytes(3500, 1);
        kernel.Hold(IORING_OP_READ);
        int most = 0;
        for (int i = 0; i < 20; i++)
        {
            kernel.WhenIdle(() =>
            {
                IReadOnlyList<FakeOp> flight = kernel.InFlight(IORING_OP_READ);
                most = Math.Max(most, flight.Count);
                Assert.Equal(flight.Count, flight.Select(op => op.Sqe.addr).Distinct().Count());
                foreach (FakeOp op in flight.Reverse()) // The last is ready first.
                    op.Deliver(At(content, op));
            });
        }

        kernel.Run(async () =>
        {
            await using RingFile file = await Open(kernel);
            var sizes = new List<int>();
            var all = new MemoryStream();
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: 1000, depth: 3))
            {
                sizes.Add(chunk.Length);
                all.Write(chunk.Span);
            }

            Assert.Equal([1000, 1000, 1000, 500], sizes);
            Assert.Equal(content, all.ToArray());
        });
        Assert.Equal(3, most);
    }

    [Fact]
    public void ShortReadInTheMiddle_IsFilledFromWhereItStopped()
    {
        using var kernel = new FakeKernel();
        byte[] content = RandomBytes(2000, 2);
        var asked = new List<(ulong Offset, uint Length)>();
        kernel.On(IORING_OP_READ).Always(op =>
        {
            asked.Add((op.Sqe.off, op.Sqe.len));
            ReadOnlySpan<byte> rest = At(content, op);
            op.Deliver(rest[..Math.Min(rest.Length, 300)]);
        });
        kernel.Run(async () =>
        {
            await using RingFile file = await Open(kernel);
            var sizes = new List<int>();
            int at = 0;
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: 1000, depth: 1))
            {
                Assert.True(content.AsSpan(at, chunk.Length).SequenceEqual(chunk.Span));
                at += chunk.Length;
                sizes.Add(chunk.Length);
            }

            Assert.Equal([1000, 1000], sizes);
        });
        Assert.Equal([(0, 1000), (300, 700), (600, 400), (900, 100), (1000, 1000), (1300, 700), (1600, 400), (1900, 100), (2000, 1000)], asked);
    }

    [Fact]
    public void Error_ComesBehindTheBytesBeforeIt_AndNothingStaysBehind()
    {
        using var kernel = new FakeKernel();
        byte[] content = RandomBytes(10_000, 3);
        kernel.On(IORING_OP_READ).Always(op =>
        {
            if (op.Sqe.off < 1600)
                op.Deliver(At(content, op)[..(int)Math.Min(op.Sqe.len, 1600 - op.Sqe.off)]);
            else if (op.Sqe.off == 1600)
                op.Finish(-Errno.EIO);
        }); // Those ahead of it stay with the kernel until they are cancelled.
        kernel.Run(async () =>
        {
            await using RingFile file = await Open(kernel);
            int bytes = 0;
            IOException e = await Throws<IOException>(async () =>
            {
                await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: 1000, depth: 4))
                    bytes += chunk.Length;
            });
            Assert.Equal(Errno.EIO, e.HResult);
            Assert.Equal(1600, bytes);
            Assert.Equal(0, file.InFlight);
        });
    }

    [Theory]
    [InlineData(1500)] // Read ahead before it shrank to this, or after it had grown from this: the bytes behind the end do not count.
    [InlineData(1000)]
    [InlineData(0)]
    public void EndThatWasSeen_IsTheEnd_WhateverReadsAheadHaveBrought(int end)
    {
        using var kernel = new FakeKernel();
        byte[] content = RandomBytes(10_000, 4);
        kernel.On(IORING_OP_READ).Always(op =>
        {
            bool tail = op.Sqe.off < (ulong)end || op.Sqe.off == (ulong)end;
            op.Deliver(tail ? content.AsSpan((int)op.Sqe.off, (int)Math.Min(op.Sqe.len, (ulong)end - op.Sqe.off)) : content);
        });
        kernel.Run(async () =>
        {
            await using RingFile file = await Open(kernel);
            var all = new MemoryStream();
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: 1000, depth: 4))
                all.Write(chunk.Span);
            Assert.Equal(content[..end], all.ToArray());
        });
    }

    [Fact]
    public void EarlyExit_WaitsForTheReadsInFlight_ThatCannotBeCancelled()
    {
        using var kernel = new FakeKernel();
        byte[] content = RandomBytes(10_000, 5);
        kernel.On(IORING_OP_ASYNC_CANCEL).Complete(-Errno.EALREADY).Complete(-Errno.EALREADY).Complete(-Errno.EALREADY);
        kernel.On(IORING_OP_READ).Run(op => op.Deliver(At(content, op))).Always(_ => { });
        int ended = 0;
        for (int i = 0; i < 4; i++)
        {
            kernel.WhenIdle(() =>
            {
                if (kernel.InFlight(IORING_OP_READ) is [var first, ..])
                {
                    ended++;
                    first.Deliver(content);
                }
            });
        }

        kernel.Run(async () =>
        {
            await using RingFile file = await Open(kernel);
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: 1000, depth: 4))
            {
                Assert.Equal(3, file.InFlight);
                byte[] seen = chunk.ToArray();
                await RingExecutor.Yield();
                Assert.True(seen.AsSpan().SequenceEqual(chunk.Span));
                break;
            }

            Assert.Equal(0, file.InFlight);
            Assert.Equal(3, ended);
        });
    }

    [Fact]
    public void Token_EndsIt_AndSoDoesDisposalOfTheFile()
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_READ);
        kernel.Run(async () =>
        {
            RingFile file = await Open(kernel);
            using var source = new CancellationTokenSource();
            RingTask reading = RingExecutor.Spawn(() => Drain(file, source.Token));
            await RingExecutor.Yield();
            Assert.Equal(4, file.InFlight);
            source.Cancel();
            Assert.Equal(source.Token, (await Throws<OperationCanceledException>(async () => await reading)).CancellationToken);
            reading = RingExecutor.Spawn(() => Drain(file, default));
            await RingExecutor.Yield();
            await file.DisposeAsync();
            await Throws<ObjectDisposedException>(async () => await reading);
        });
    }

    private static async RingTask Drain(RingFile file, CancellationToken token)
    {
        await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(cancellationToken: token))
            Assert.True(chunk.Length > 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyOrderAnyLength_YieldsTheFile_AndNoBufferIsInTwoHands(int seed)
    {
        for (int round = 0; round < 30; round++)
        {
            int thisSeed = seed * 1000 + round;
            var random = new Random(thisSeed);
            byte[] content = RandomBytes(random.Next(5000), thisSeed);
            using var kernel = new FakeKernel();
            kernel.Hold(IORING_OP_READ);
            int steps = 0;
            void Step()
            {
                Assert.True(++steps < 100_000, $"seed {thisSeed}: it never ends");
                IReadOnlyList<FakeOp> flight = kernel.InFlight(IORING_OP_READ);
                if (flight.Count > 0)
                {
                    Assert.Equal(flight.Count, flight.Select(op => op.Sqe.addr).Distinct().Count());
                    FakeOp op = flight[random.Next(flight.Count)];
                    ReadOnlySpan<byte> rest = At(content, op);
                    if (random.Next(8) == 0)
                        op.Finish(-Errno.EINTR);
                    else
                        op.Deliver(rest[..Math.Min(rest.Length, random.Next(3) == 0 ? 1 + random.Next(200) : int.MaxValue)]);
                }

                kernel.WhenIdle(Step);
            }

            kernel.WhenIdle(Step);
            int size = 1 + random.Next(700);
            int depth = 1 + random.Next(6);
            int stopAt = random.Next(3) == 0 ? random.Next(content.Length + 1) : int.MaxValue;
            kernel.Run(async () =>
            {
                await using RingFile file = await Open(kernel);
                int at = 0;
                await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: size, depth: depth))
                {
                    if (random.Next(2) == 0)
                        await RingExecutor.Yield();
                    Assert.True(content.AsSpan(at, chunk.Length).SequenceEqual(chunk.Span), $"seed {thisSeed}, at {at}");
                    at += chunk.Length;
                    if (at >= stopAt)
                        break;
                }

                Assert.True(at == content.Length || at >= stopAt, $"seed {thisSeed}: {at} of {content.Length}");
                Assert.Equal(0, file.InFlight);
            });
        }
    }

    [Theory, MemberData(nameof(AllModes))]
    public void RealFiles_OfAnyLength(string mode)
    {
        const int seed = 56;
        Run(mode, async () =>
        {
            var random = new Random(seed);
            foreach (int length in new[] { 0, 1, 4095, 4096, 4097, 131_071, 131_072, 131_073, 524_288, 1_500_000, random.Next(2_000_000) })
            {
                byte[] data = RandomBytes(length, length);
                string path = Path.Combine(_folder, $"{length}");
                File.WriteAllBytes(path, data);
                foreach (RingFileOptions options in new[] { RingFileOptions.None, RingFileOptions.Direct })
                {
                    await using RingFile file = await RingFile.OpenAsync(path, options: options);
                    int from = options == RingFileOptions.None ? random.Next(length + 100) : random.Next(length / 4096 + 1) * 4096;
                    var all = new MemoryStream();
                    await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(from, chunkSize: 4096 << random.Next(6), depth: 1 + random.Next(8)))
                        all.Write(chunk.Span);
                    Assert.True(data.AsSpan(Math.Min(from, length)).SequenceEqual(all.ToArray()), $"seed {seed}, {options}, {length} from {from}");
                }
            }
        });
    }

    [Theory, MemberData(nameof(Modes))]
    public void FilesThatGrowOrShrinkWhileRead_YieldAPrefix(string mode) => Run(mode, async () =>
    {
        byte[] data = RandomBytes(3_000_000, 9);
        string path = Path.Combine(_folder, "changing");
        foreach (bool grows in new[] { true, false })
        {
            File.WriteAllBytes(path, grows ? data[..1_000_000] : data);
            await using RingFile file = await RingFile.OpenAsync(path);
            long at = 0;
            int chunks = 0;
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync())
            {
                Assert.True(data.AsSpan((int)at, chunk.Length).SequenceEqual(chunk.Span));
                at += chunk.Length;
                if (++chunks == 3)
                {
                    using FileStream other = File.OpenWrite(path);
                    if (grows)
                        other.Write(data);
                    else
                        other.SetLength(500_000);
                }
            }

            Assert.True(grows ? at == data.Length : at is >= 500_000 and < 1_500_000, $"{at}");
        }
    });

    [Fact]
    public void FilesOfProc_AreReadWhole() => Run(All, async () =>
    {
        await using RingFile file = await RingFile.OpenAsync("/proc/self/maps");
        var text = new MemoryStream();
        await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync())
            text.Write(chunk.Span);
        string maps = System.Text.Encoding.UTF8.GetString(text.ToArray());
        Assert.True(text.Length > 10_000);
        Assert.Contains("libc.so", maps, StringComparison.Ordinal);
        Assert.Contains("[stack]", maps, StringComparison.Ordinal);
    });

    [Fact]
    public void Misuse_Throws() => Run(All, async () =>
    {
        await using RingFile file = await RingFile.OpenAsync("/dev/null");
        await Throws<ArgumentOutOfRangeException>(async () => await DrainRaw(file.ReadAllAsync(-1)));
        await Throws<ArgumentOutOfRangeException>(async () => await DrainRaw(file.ReadAllAsync(chunkSize: 0)));
        await Throws<ArgumentOutOfRangeException>(async () => await DrainRaw(file.ReadAllAsync(depth: 65)));
        await DrainRaw(file.ReadAllAsync());
    });

    private static async RingTask DrainRaw(IAsyncEnumerable<ReadOnlyMemory<byte>> chunks)
    {
        await foreach (ReadOnlyMemory<byte> chunk in chunks)
            Assert.True(chunk.Length > 0);
    }
}

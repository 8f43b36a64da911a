// Tests: Handles. When a file's transfers go to the kernel. What they bring and what they throw: RingFileIoTests, RingFileTests.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

public sealed class FileTransferTests
{
    /// <summary>A disk need not wait for the end of the turn; what is done within the enter is better gathered.</summary>
    [Theory, InlineData(RingFileOptions.Direct, 4), InlineData(RingFileOptions.None, 0)]
    public void ReadsOfOneTurn_GoToADiskFourByFour(RingFileOptions options, int early)
    {
        using var kernel = new FakeKernel();
        kernel.Hold(IORING_OP_READ);
        kernel.On(IORING_OP_OPENAT).Complete(kernel.NewFd());
        kernel.Run(async () =>
        {
            await using RingFile file = await RingFile.OpenAsync("fake", options: options);
            ValueTask<int>[] reads = [.. Enumerable.Range(0, 6).Select(i => file.ReadAsync(RingFile.AlignedMemory(4096), i * 4096))];
            Assert.Equal(early, kernel.InFlight(IORING_OP_READ).Count);
            kernel.WhenIdle(() =>
            {
                for (int i = 0; i < reads.Length; i++)
                    kernel.Complete(IORING_OP_READ, 4096);
            });
            foreach (ValueTask<int> read in reads)
                Assert.Equal(4096, await read);
        });
    }

    /// <summary>The enter within a turn is a favour to the disk: what it is refused, the loop's says. The memory is lent, and the caller has to know.</summary>
    [Theory, InlineData(Errno.EBUSY), InlineData(Errno.EBADF)]
    public void RefusedEarlySubmit_LeavesTheReadToTheLoop(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_READ).Always(static op => op.Finish(4096));
        kernel.On(IORING_OP_OPENAT).Complete(kernel.NewFd());
        kernel.Run(async () =>
        {
            await using RingFile file = await RingFile.OpenAsync("fake", options: RingFileOptions.Direct);
            Memory<byte> memory = RingFile.AlignedMemory(4096);
            ValueTask<int>[] reads = [file.ReadAsync(memory, 0), file.ReadAsync(memory, 0), file.ReadAsync(memory, 0), default];
            kernel.RefuseEnter(errno);
            reads[3] = file.ReadAsync(memory, 0);
            foreach (ValueTask<int> read in reads)
                Assert.Equal(4096, await read);
        });
    }
}

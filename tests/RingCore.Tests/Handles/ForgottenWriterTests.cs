// Tests: Handles. A file writer that is neither flushed nor disposed: the end of its file says on standard error what is lost, once,
// and says nothing where nothing is lost or a caller has been told.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Handles;

[Collection(nameof(Alone))]
public sealed class ForgottenWriterTests
{
    [Theory]
    [InlineData("forgotten")]
    [InlineData("disposed")]
    [InlineData("flushed")]
    [InlineData("failed unseen")]
    [InlineData("failed and told")]
    [InlineData("after the executor")]
    public void ForgottenWriter_IsReportedByTheEndOfItsFile(string how)
    {
        using var kernel = new FakeKernel();
        kernel.On(IORING_OP_WRITE).Always(op => op.Finish(how.StartsWith("failed", StringComparison.Ordinal) ? -Errno.ENOSPC : (int)op.Sqe.len));
        string path = $"forgotten {Guid.NewGuid()}";
        RingFile? left = null;
        using var errors = new StandardError();
        RingExecutor.Run(async () =>
        {
            kernel.On(IORING_OP_OPENAT).Complete(kernel.NewFd());
            RingFile file = left = await RingFile.OpenAsync(path, FileMode.Create, FileAccess.Write);
            RingFileWriter writer = file.CreateWriter(bufferSize: 4096);
            await writer.WriteAsync(new byte[4096 + 10]);
            if (how == "flushed")
                await writer.FlushAsync();
            while (file.InFlight > 0)
                await RingExecutor.Yield();
            await RingExecutor.Yield(); // What the reap has queued runs.
            if (how == "failed and told")
                Assert.IsType<IOException>(await Caught.By(writer.FlushAsync()));
            file.CancelAll(); // No end.
            Assert.DoesNotContain(path, errors.Text, StringComparison.Ordinal);
            if (how == "disposed")
                await writer.DisposeAsync();
            if (how != "after the executor")
                await file.DisposeAsync();
        }, kernel.Options());
        left!.Dispose();
        if (how is "flushed" or "disposed" or "failed and told")
            Assert.DoesNotContain(path, errors.Text, StringComparison.Ordinal);
        else
            Assert.Contains($"a writer lost {(how == "failed unseen" ? 4106 : 10)} bytes: '{Path.GetFullPath(path)}' closed first.", errors.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void DisposalOfTheFileFirst_IsAnError_NotASilentLoss()
    {
        using var kernel = new FakeKernel();
        using var errors = new StandardError();
        kernel.Run(async () =>
        {
            kernel.On(IORING_OP_OPENAT).Complete(kernel.NewFd());
            RingFile file = await RingFile.OpenAsync("fake", FileMode.Create, FileAccess.Write);
            RingFileWriter writer = file.CreateWriter();
            await writer.WriteAsync(new byte[10]);
            file.Dispose();
            IOException e = Assert.IsType<IOException>(await Caught.By(writer.DisposeAsync()));
            Assert.IsType<ObjectDisposedException>(e.InnerException);
            Assert.Equal((10, 0), (writer.Accepted, writer.Written));
        });
    }
}

// Tests: path and size ops: the SQE each writes, as the kernel reads it, and against a real file system the outcome and the error
// code that System.IO, or the plain call, has for the same request.

using System.Runtime.InteropServices;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using RingCore.Tests.Handles;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

public sealed class OpFilesTests : LiveTest, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ringcore-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private string Name(string name) => Path.Combine(_folder, name);

    private static unsafe string Text(ulong address) => Marshal.PtrToStringUTF8((nint)address)!;

    /// <summary>Runs one op over the fake kernel and looks at its SQE while the kernel has it.</summary>
    private static void Sees(Func<RingHandle, Op> describe, Action<io_uring_sqe, int> look)
    {
        using var kernel = new FakeKernel();
        bool seen = false;
        kernel.Run(async () =>
        {
            using var handle = RingHandle.Adopt(kernel.NewFd(), ownsFd: true);
            Op op = describe(handle);
            kernel.On(op.Code).Run(request =>
            {
                look(request.Sqe, handle.Fd);
                seen = true;
                request.Finish(0);
            });
            Assert.Equal(0, (await op).Res);
            Assert.Contains(op.Code.ToString(), op.Explain(), StringComparison.Ordinal);
        });
        Assert.True(seen);
    }

    [Fact]
    public unsafe void PathOps_WriteTheirSqes()
    {
        const int here = FileConstants.AT_FDCWD;
        byte[] result = GC.AllocateArray<byte>(256, pinned: true);
        ulong address = (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(result, 0);
        Sees(_ => Op.Statx("a/ü", result, FileConstants.AT_SYMLINK_NOFOLLOW, 7), (sqe, _) =>
            Assert.Equal((here, "a/ü", 7u, address, 0x100u), (sqe.fd, Text(sqe.addr), sqe.len, sqe.off, sqe.statx_flags)));
        Sees(handle => Op.Statx(handle, result), (sqe, fd) =>
            Assert.Equal((fd, "", 0xfffu, address, 0x1000u), (sqe.fd, Text(sqe.addr), sqe.len, sqe.off, sqe.statx_flags)));
        Sees(_ => Op.Rename("from", "to/é", 1), (sqe, _) =>
            Assert.Equal((here, "from", unchecked((uint)here), "to/é", 1u), (sqe.fd, Text(sqe.addr), sqe.len, Text(sqe.addr2), sqe.rename_flags)));
        Sees(_ => Op.Link("from", "to", 0x400), (sqe, _) =>
            Assert.Equal((here, "from", unchecked((uint)here), "to", 0x400u), (sqe.fd, Text(sqe.addr), sqe.len, Text(sqe.addr2), sqe.hardlink_flags)));
        Sees(_ => Op.Symlink("target", "name"), (sqe, _) =>
            Assert.Equal((here, "target", 0u, "name", 0u), (sqe.fd, Text(sqe.addr), sqe.len, Text(sqe.addr2), sqe.open_flags)));
        Sees(_ => Op.Unlink("name", 0x200), (sqe, _) =>
            Assert.Equal((here, "name", 0u, 0ul, 0x200u), (sqe.fd, Text(sqe.addr), sqe.len, sqe.off, sqe.unlink_flags)));
        Sees(_ => Op.Mkdir("name", 0x1C0), (sqe, _) =>
            Assert.Equal((here, "name", 0x1C0u, 0ul, 0u), (sqe.fd, Text(sqe.addr), sqe.len, sqe.off, sqe.open_flags)));
        string longer = new('x', 3000); // Beyond a pooled block.
        Sees(_ => Op.Rename(longer, longer + "y"), (sqe, _) => Assert.Equal((longer, longer + "y"), (Text(sqe.addr), Text(sqe.addr2))));
    }

    [Fact]
    public void FileOps_WriteTheirSqes()
    {
        Sees(handle => Op.Ftruncate(handle, 5_000_000_000), (sqe, fd) =>
            Assert.Equal((fd, 5_000_000_000ul, 0ul, 0u, 0u), (sqe.fd, sqe.off, sqe.addr, sqe.len, sqe.rw_flags)));
        Sees(handle => Op.Fallocate(handle, 10, 6_000_000_000, FileConstants.FALLOC_FL_KEEP_SIZE), (sqe, fd) =>
            Assert.Equal((fd, 10ul, 6_000_000_000ul, 1u, 0u), (sqe.fd, sqe.off, sqe.addr, sqe.len, sqe.rw_flags)));
        Sees(handle => Op.Fsync(handle, dataOnly: true, 4096, 8192), (sqe, fd) =>
            Assert.Equal((fd, 4096ul, 0ul, 8192u, 1u), (sqe.fd, sqe.off, sqe.addr, sqe.len, sqe.fsync_flags)));
        Sees(handle => Op.Write(handle, ReadOnlyMemory<byte>.Empty, 0, OpFlags.RWF_DSYNC), (sqe, fd) =>
            Assert.Equal((fd, 0u, OpFlags.RWF_DSYNC), (sqe.fd, sqe.len, sqe.rw_flags)));
    }

    [Fact]
    public void Explain_NamesBothPaths()
    {
        Assert.Contains("addr=\"a\" addr2=\"b\" len=AT_FDCWD rename_flags=0x1", Op.Rename("a", "b", 1).Explain(), StringComparison.Ordinal);
        Assert.Contains("addr=\"t\" addr2=\"n\"", Op.Symlink("t", "n").Explain(), StringComparison.Ordinal);
        Assert.Contains("len=mode(777)", Op.Mkdir("d").Explain(), StringComparison.Ordinal);
        Assert.Contains("kernel worker", Op.Unlink("d").Explain(), StringComparison.Ordinal);
        Assert.Contains("addr=\"p\" len=mask(0xfff)", Op.Statx("p", new byte[256]).Explain(), StringComparison.Ordinal);
    }

    [Fact]
    public void Misuse_ThrowsWhenDescribed()
    {
        Assert.Throws<ArgumentException>(() => Op.Rename("a\0b", "c"));
        Assert.Throws<ArgumentException>(() => Op.Rename("a", "c\0"));
        Assert.Throws<ArgumentException>(() => Op.Unlink("a\0"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Op.Statx("a", new byte[255]));
    }

    private static async RingTask Is(int errno, Op op) => Assert.Equal((op.ToString(), errno), (op.ToString(), (await op).Errno));

    /// <summary>Conformance C6 60: these run with every feature set; the opcodes themselves are 5.11 and 5.15.</summary>
    [Theory, MemberData(nameof(AllModes))]
    public void PathOps_DoWhatSystemIoSees(string mode) => Run(mode, async () =>
    {
        Assert.SkipUnless(RingExecutor.Current!.Ring.Supports(IORING_OP_LINKAT), "this kernel has no LINKAT");
        File.WriteAllText(Name("file"), "content");

        await Is(0, Op.Mkdir(Name("d"), 0x1C0));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, new FileInfo(Name("d")).UnixFileMode);
        await Is(Errno.EEXIST, Op.Mkdir(Name("d")));
        await Is(Errno.ENOENT, Op.Mkdir(Name("no/d")));
        await Is(Errno.ENOTDIR, Op.Mkdir(Name("file/d")));
        await Is(Errno.ENAMETOOLONG, Op.Mkdir(Name(new string('x', 300))));

        await Is(0, Op.Rename(Name("file"), Name("d/moved ü")));
        Assert.Equal("content", File.ReadAllText(Name("d/moved ü")));
        Assert.False(File.Exists(Name("file")));
        await Is(Errno.ENOENT, Op.Rename(Name("file"), Name("x")));
        File.WriteAllText(Name("other"), "other");
        await Is(Errno.EEXIST, Op.Rename(Name("other"), Name("d/moved ü"), FileConstants.RENAME_NOREPLACE));
        await Is(0, Op.Rename(Name("other"), Name("d/moved ü"), FileConstants.RENAME_EXCHANGE));
        Assert.Equal(("content", "other"), (File.ReadAllText(Name("other")), File.ReadAllText(Name("d/moved ü"))));
        await Is(Errno.EISDIR, Op.Rename(Name("other"), Name("d")));
        await Is(Errno.EXDEV, Op.Rename(Name("other"), "/proc/version"));

        await Is(0, Op.Link(Name("other"), Name("hard")));
        await Is(Errno.EEXIST, Op.Link(Name("other"), Name("hard")));
        await Is(Errno.ENOENT, Op.Link(Name("missing"), Name("hard2")));
        await Is(Errno.EPERM, Op.Link(Name("d"), Name("hard2")));
        await Is(0, Op.Symlink("other", Name("soft")));
        await Is(Errno.EEXIST, Op.Symlink("other", Name("soft")));
        Assert.Equal("other", new FileInfo(Name("soft")).LinkTarget);
        await Is(0, Op.Symlink("soft", Name("soft2")));
        await Is(0, Op.Symlink("loop", Name("loop")));
        byte[] result = new byte[RingFileStatus.Size];
        await Is(Errno.ELOOP, Op.Statx(Name("loop"), result));
        await Is(0, Op.Statx(Name("loop"), result, FileConstants.AT_SYMLINK_NOFOLLOW));
        Assert.True(new RingFileStatus(result).IsSymbolicLink);
        await Is(0, Op.Statx(Name("soft2"), result));
        AssertSame(new FileInfo(Name("other")), new RingFileStatus(result), links: 2);
        await Is(0, Op.Statx(Name("d"), result));
        Assert.True(new RingFileStatus(result).IsDirectory);
        await Is(Errno.ENOENT, Op.Statx(Name("missing"), result));
        await Is(Errno.ENOTDIR, Op.Statx(Name("other/x"), result));
        await Is(Errno.ENOENT, Op.Statx("", result));

        await Is(Errno.ENOTEMPTY, Op.Unlink(Name("d"), FileConstants.AT_REMOVEDIR));
        await Is(Errno.EISDIR, Op.Unlink(Name("d")));
        await Is(Errno.ENOTDIR, Op.Unlink(Name("other"), FileConstants.AT_REMOVEDIR));
        await Is(0, Op.Unlink(Name("d/moved ü")));
        await Is(Errno.ENOENT, Op.Unlink(Name("d/moved ü")));
        await Is(0, Op.Unlink(Name("d"), FileConstants.AT_REMOVEDIR));
        await Is(0, Op.Unlink(Name("soft")));
        Assert.Equal(["hard", "loop", "other", "soft2"], Directory.GetFileSystemEntries(_folder).Select(Path.GetFileName).Order());
    });

    internal static void AssertSame(FileInfo expected, RingFileStatus status, int links)
    {
        Assert.True(status.IsFile);
        Assert.Equal(expected.Length, status.Length);
        Assert.Equal(expected.UnixFileMode, status.Mode);
        Assert.Equal(expected.LastWriteTimeUtc, status.LastWriteTime.UtcDateTime);
        Assert.Equal(expected.LastAccessTimeUtc, status.LastAccessTime.UtcDateTime);
        Assert.Equal(links, status.LinkCount);
        Assert.True(status.Inode > 0 && status.Raw.stx_blksize > 0 && status.LastChangeTime >= status.CreationTime.GetValueOrDefault());
    }

    /// <summary>A chain in the kernel: write, flush, give it its name.</summary>
    [Theory, MemberData(nameof(Modes))]
    public void WriteFlushRename_IsOneChain(string mode) => Run(mode, async () =>
    {
        Assert.SkipUnless(RingExecutor.Current!.Ring.Supports(IORING_OP_RENAMEAT), "this kernel has no RENAMEAT");
        await using RingFile file = await RingFile.OpenAsync(Name("new"), FileMode.CreateNew, FileAccess.Write);
        ChainResult chain = await Op.Write(file, "whole"u8.ToArray(), 0).Then(Op.Fsync(file)).Then(Op.Rename(Name("new"), Name("final")));
        Assert.True(chain.IsSuccess, chain.ToString());
        Assert.Equal("whole", File.ReadAllText(Name("final")));

        // Newer kernels do not stop a chain for a path op, an fsync or a change of size that fails: only its result tells.
        chain = await Op.Rename(Name("new"), Name("other")).Then(Op.Nop());
        Assert.Equal((false, 0, Errno.ENOENT), (chain.IsSuccess, chain.BrokenAt, chain.Steps[0].Errno));
        Assert.Contains(chain.Steps[1].Errno, (int[])[0, Errno.ECANCELED]);
    });

    [Theory, MemberData(nameof(Modes))]
    public void Fallocate_PunchesHoles_AndKeepsTheSize(string mode) => Run(mode, async () =>
    {
        byte[] data = RandomBytes(16384, 3);
        await using RingFile file = await RingFile.OpenAsync(Name("f"), FileMode.CreateNew, FileAccess.ReadWrite);
        await file.WriteAsync(data, 0);
        await Is(0, Op.Fallocate(file, 16384, 65536, FileConstants.FALLOC_FL_KEEP_SIZE));
        RingFileStatus status = await file.GetStatusAsync();
        Assert.Equal(16384, status.Length);
        Assert.True(status.AllocatedLength >= 16384 + 65536);
        await Is(0, Op.Fallocate(file, 4096, 4096, FileConstants.FALLOC_FL_PUNCH_HOLE | FileConstants.FALLOC_FL_KEEP_SIZE));
        data.AsSpan(4096, 4096).Clear();
        Assert.Equal(data, File.ReadAllBytes(Name("f")));
        await Is(Errno.EINVAL, Op.Fallocate(file, 0, 0));
        await Is(0, Op.Fsync(file, dataOnly: true, 4096, 4096));
    });
}

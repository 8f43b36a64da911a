// Tests: Handles. The standard streams, whatever they are: a pipe, a file, a terminal, /dev/null, closed. A child process is a cat
// through RingPipe; the shell that starts it makes its streams.

using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using RingCore.Sys;
using RingCore.Tests.Refused;

namespace RingCore.Tests.Handles;

public sealed partial class StandardStreamTests : LiveTest
{
    /// <summary>What the child does: standard input to standard output, then a line on standard error.</summary>
    internal static void Cat() => RingExecutor.Run(async () =>
    {
        using RingPipe error = RingPipe.StandardError();
        try
        {
            using RingPipe input = RingPipe.StandardInput();
            using RingPipe output = RingPipe.StandardOutput();
            byte[] buffer = new byte[50_000];
            long total = 0;
            while (await input.ReadAsync(buffer) is var count and > 0)
            {
                await output.WriteAsync(buffer.AsMemory(0, count));
                total += count;
            }

            await error.WriteAsync(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"copied {total}\n")));
        }
        catch (IOException e)
        {
            await error.WriteAsync(Encoding.UTF8.GetBytes($"{e.Message}\n"));
        }
    });

    [Theory]
    [InlineData("{} < /dev/null", "copied 0\n")]
    [InlineData("echo hello | {}", "hello\ncopied 6\n")]
    [InlineData("exec {} <&-", "Standard input is closed")]
    [InlineData("echo hello | exec {} >&-", "Standard output is closed")]
    [InlineData("echo hello | {} > /dev/full", "Writing: ENOSPC")]
    [InlineData("echo hello | {} > /dev/null", "copied 6\n")]
    public async Task Stream_OfAnyKind(string shell, string expected)
    {
        RequireIoUring();
        (int exitCode, string output) = await ChildProcess.RunAsync("cat", shell);
        Assert.True(exitCode == 0, output);
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4097)]
    [InlineData(1_048_577)]
    public async Task FilesAndPipes_ByHash(int size)
    {
        RequireIoUring();
        string from = Path.GetTempFileName(), to = Path.GetTempFileName();
        try
        {
            byte[] bytes = RandomBytes(size, 7);
            await File.WriteAllBytesAsync(from, bytes);
            (int exitCode, string output) = await ChildProcess.RunAsync("cat", $"{{}} < {from} > {to}");
            Assert.Equal((0, $"copied {size}\n"), (exitCode, output));
            Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await File.ReadAllBytesAsync(to)));

            // The position in the file is shared with whoever wrote before; pipes on both sides.
            (exitCode, output) = await ChildProcess.RunAsync("cat", $"(printf head; cat {from} | {{}} | cat) > {to}");
            Assert.Equal((0, $"copied {size}\n"), (exitCode, output));
            Assert.Equal(SHA256.HashData([.. "head"u8, .. bytes]), SHA256.HashData(await File.ReadAllBytesAsync(to)));
        }
        finally
        {
            File.Delete(from);
            File.Delete(to);
        }
    }

    [Fact]
    public async Task ReaderGone_IsAnError_NotASignal()
    {
        RequireIoUring();
        (int exitCode, string output) = await ChildProcess.RunAsync("cat", "yes | {} | head -c 10 > /dev/null");
        Assert.True(exitCode == 0, output);
        Assert.Contains("EPIPE", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Terminal_ReadsLines_AndAWaitingReadIsCancelled(string mode)
    {
        (int master, int terminal) = Terminal();
        try
        {
            Run(mode, async () =>
            {
                using RingPipe person = RingPipe.Adopt(master, ownsFd: false);
                using RingPipe input = RingPipe.Adopt(terminal, ownsFd: false);
                byte[] buffer = new byte[100];
                ValueTask<int> line = input.ReadAsync(buffer);
                await person.WriteAsync("one\ntwo\n"u8.ToArray());
                Assert.Equal("one\n", Encoding.UTF8.GetString(buffer, 0, await line));
                Assert.Equal("two\n", Encoding.UTF8.GetString(buffer, 0, await input.ReadAsync(buffer)));
                using var cancel = new CancellationTokenSource(20);
                await Throws<OperationCanceledException>(async () => await input.ReadAsync(buffer, cancel.Token));
                line = input.ReadAsync(buffer);
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
                input.Dispose();
                await Throws<ObjectDisposedException>(async () => await line);
            });

            // Shutdown with a read waiting: within its bound, and nothing leaked.
            int leaked = RingExecutor.LeakedOps;
            Task<int>? pending = null;
            Live.Run(
                async () =>
                {
                    RingPipe input = RingPipe.Adopt(terminal, ownsFd: false);
                    pending = input.ReadAsync(new byte[10]).AsTask();
                    await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
                },
                Options(mode), settled: false);
            Assert.Equal(leaked, RingExecutor.LeakedOps);
            Assert.True(pending!.IsCanceled);
        }
        finally
        {
            Libc.close(master);
            Libc.close(terminal);
        }
    }

    [Fact]
    public void NonBlockingTerminal_Waits() => Run(All, async () =>
    {
        (int master, int terminal) = Terminal(FileConstants.O_NONBLOCK); // READ of such a terminal is EAGAIN on every kernel.
        using RingPipe person = RingPipe.Adopt(master);
        using RingPipe input = RingPipe.Adopt(terminal);
        byte[] buffer = new byte[100];
        ValueTask<int> line = input.ReadAsync(buffer);
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(10));
        await person.WriteAsync("one\n"u8.ToArray());
        Assert.Equal(4, await line);
        using var cancel = new CancellationTokenSource(20);
        await Throws<OperationCanceledException>(async () => await input.ReadAsync(buffer, cancel.Token));
    });

    private static unsafe (int Master, int Terminal) Terminal(int flags = 0)
    {
        int master = GetPt(FileConstants.O_RDWR | FileConstants.O_CLOEXEC | 0x100); // O_NOCTTY
        byte* name = stackalloc byte[64];
        Assert.True(master >= 0 && UnlockPt(master) == 0 && PtsName(master, name, 64) == 0, $"no terminal: errno {Marshal.GetLastPInvokeError()}");
        int terminal = Libc.open(name, FileConstants.O_RDWR | FileConstants.O_CLOEXEC | 0x100 | flags, 0);
        Assert.True(terminal >= 0);
        return (master, terminal);
    }

    [LibraryImport("libc", EntryPoint = "posix_openpt", SetLastError = true)]
    private static partial int GetPt(int flags);

    [LibraryImport("libc", EntryPoint = "unlockpt", SetLastError = true)]
    private static partial int UnlockPt(int master);

    [LibraryImport("libc", EntryPoint = "ptsname_r", SetLastError = true)]
    private static unsafe partial int PtsName(int master, byte* name, nuint size);
}

// Tests: Ops. With a submission poller, which keeps the rights of its set-up, a process that gives up some is refused what would still
// have them. Each way to give up in a child process of its own, as root; on the real kernel.

using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore.Sys;
using RingCore.Tests.Refused;

namespace RingCore.Tests.Ops;

public sealed partial class RightsTests
{
    [Theory]
    [InlineData("user")]
    [InlineData("group")]
    [InlineData("groups")]
    [InlineData("capabilities")]
    [InlineData("worker")] // Without a poller, where the kernel's workers take the rights of the submission.
    public async Task RightsGivenUp_APollerDoesNotKeepThem(string what)
    {
        Live.RequireIoUring();
        if (!Environment.IsPrivilegedProcess)
            Assert.Skip("only root has rights to give up");
        string folder = Directory.CreateTempSubdirectory("ringcore-").FullName;
        (int exitCode, string output) = await ChildProcess.RunAsync($"rights {what} {folder}");
        Directory.Delete(folder, recursive: true);
        if (output.Contains("no poller", StringComparison.Ordinal))
            Assert.Skip("no poller here");
        Assert.True(exitCode == 0 && output.Contains("all refused", StringComparison.Ordinal), $"{exitCode}: {output}");
    }

    /// <summary>The child's part.</summary>
    internal static void GiveUp(string what, string folder)
    {
        string secret = Path.Combine(folder, "secret");
        File.WriteAllText(secret, "root's"); // In root's directory.
        if (what == "worker")
        {
            RingExecutor.Run(() => ByWorkers(secret));
            return;
        }

        RingExecutor.Run(async () =>
        {
            if (!RingExecutor.Required.Ring.IsPolled)
            {
                Console.WriteLine("no poller");
                return;
            }

            using RingFile before = await RingFile.OpenAsync(secret);
            (RingConnection left, RingConnection right) = RingConnection.CreatePair();
            Change(what);
            Op[] ops =
            [
                Op.OpenAt(secret, FileConstants.O_RDONLY), Op.Statx(secret, new byte[256]), Op.Rename(secret, secret + "2"), Op.Unlink(secret),
                Op.Mkdir(folder + "/new"), Op.Link(secret, secret + "2"), Op.Symlink(secret, secret + "2"),
                Op.Connect(left, new UnixDomainSocketEndPoint(secret)), Op.Socket(SocketConstants.AF_INET, SocketConstants.SOCK_STREAM),
            ];
            foreach (Op op in ops)
            {
                if (Record.Exception(() => op.Start().Preserve()) is not InvalidOperationException e || !e.Message.Contains("SqPoll", StringComparison.Ordinal))
                    throw new InvalidOperationException($"not refused: {op}");
                if (Record.Exception(() => Op.Nop().Then(op).Start().Preserve()) is not InvalidOperationException)
                    throw new InvalidOperationException($"not refused in a chain: {op}");
            }

            try
            {
                using RingFile file = await RingFile.OpenAsync(secret);
                throw new IOException("opened");
            }
            catch (InvalidOperationException)
            {
                // As it should be.
            }

            // What an fd allows goes on.
            if (await before.ReadAsync(new byte[10], 0) != 6 || (await before.GetStatusAsync()).Length != 6)
                throw new IOException("an open file cannot be read");
            await left.WriteAsync(new byte[1]);
            if (await right.ReadAsync(new byte[1]) != 1)
                throw new IOException("a connection cannot be read");
            Console.WriteLine("all refused");
        }, new RingOptions { SqPoll = TimeSpan.FromMilliseconds(5) });

        if (what == "user")
        {
            RingExecutor.Run(async () => // Started afterwards, or without a poller, the kernel itself says no.
            {
                OpResult open = await Op.OpenAt(secret, FileConstants.O_RDONLY);
                if (open.Res is not (-Errno.EACCES or -Errno.EPERM))
                    throw new IOException($"{open}");
            });
        }
    }

    /// <summary>Both ops always run on a worker, which is there already when the rights go.</summary>
    private static async RingTask ByWorkers(string secret)
    {
        Op asking = Op.Statx(secret, new byte[256]);
        Op creating = Op.OpenAt(secret, FileConstants.O_RDWR | FileConstants.O_CREAT);
        if (await asking is { IsSuccess: false } early)
            throw new IOException($"{early}");
        Change("user");
        if (await asking is var asked && asked.Res != -Errno.EACCES || await creating is var created && created.Res != -Errno.EACCES)
            throw new IOException("a worker keeps rights");
        Console.WriteLine("all refused");
    }

    private static unsafe void Change(string what)
    {
        uint* header = stackalloc uint[2] { 0x20080522, 0 };
        uint* data = stackalloc uint[6];
        uint* group = stackalloc uint[1] { 65534 };
        int result = what switch
        {
            "user" or "worker" => setresuid(65534, 65534, 65534),
            "group" => setresgid(65534, 65534, 65534),
            "groups" => setgroups(1, group),
            _ => capset(header, data),
        };
        if (result != 0)
            throw new InvalidOperationException($"{what}: errno {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int setgroups(nuint size, uint* list);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int capset(uint* header, uint* data);
}

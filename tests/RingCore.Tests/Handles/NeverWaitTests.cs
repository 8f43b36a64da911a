// Tests: Handles. Nothing that waits for a peer keeps a kernel worker: with one worker of each kind, and several of one thing waiting,
// files go on; what waited ends by its token, its deadline, or its peer, and a signal does not end it. On the real kernel.

using System.Net.Sockets;
using System.Runtime.InteropServices;
using RingCore.Sys;
using RingCore.Tests.Refused;

namespace RingCore.Tests.Handles;

public sealed partial class NeverWaitTests : LiveTest
{
    private static readonly string[] s_waits =
    [
        "FIFO to read", "FIFO to write", "FIFO as a file to read", "FIFO as a file to write", "FIFO as a file to create", "full Unix backlog",
        "read of a pipe", "write to a full pipe", "accept", "receive", "send to a full socket", "read of a FIFO as a file",
        "copy of a pipe to a file", "copy of a socket to a pipe", "copy of a file to a full pipe", "copy of a file to a full socket",
    ];

    public static TheoryData<string, string> Waits
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string wait in s_waits)
            {
                data.Add(All, wait);
                data.Add(Linux510, wait);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Waits))]
    public void WhileItWaits_FilesGoOn(string mode, string wait) => Run(mode, async () =>
    {
        using var scene = new Scene();
        List<RingTask> waiting = [];
        for (int i = 0; i < 3; i++)
            waiting.Add(RingExecutor.Spawn(() => scene.WaitAsync(wait)));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(30));
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        await RingExecutor.Spawn(() => Files(scene.Folder)).AsTask().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        scene.Stop.Cancel();
        foreach (RingTask task in waiting)
            await Throws<OperationCanceledException>(async () => await Unwrapped(task));
    }, options => options with { BoundedWorkers = 1, UnboundedWorkers = 1 });

    /// <summary>A creation, a write, an fsync, a copy, and a question.</summary>
    private static async RingTask Files(string folder)
    {
        using RingFile file = await RingFile.OpenAsync(Path.Combine(folder, "new"), FileMode.CreateNew, FileAccess.ReadWrite);
        await file.WriteAsync(new byte[100_000], 0);
        await file.FlushToDiskAsync();
        using RingFile copy = await RingFile.OpenAsync(Path.Combine(folder, "copy"), FileMode.Create, FileAccess.Write);
        Assert.Equal(100_000, await file.CopyToAsync(copy));
        Assert.Equal(100_000, (await copy.GetStatusAsync()).Length);
    }

    /// <summary>Of a write that was cancelled with a part of it gone, the cancellation is the inner exception.</summary>
    private static async RingTask Unwrapped(RingTask task)
    {
        try
        {
            await task;
        }
        catch (IOException e) when (e.InnerException is OperationCanceledException)
        {
            throw new OperationCanceledException(e.Message, e);
        }
    }

    /// <summary>Things to wait for, and what they need.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly List<IDisposable> _kept = [];
        private RingListener? _full;

        internal string Folder { get; } = Directory.CreateTempSubdirectory("ringcore-").FullName;

        internal CancellationTokenSource Stop { get; } = new();

        private T Keep<T>(T thing)
            where T : IDisposable
        {
            _kept.Add(thing);
            return thing;
        }

        private string NewFifo()
        {
            string path = Path.Combine(Folder, Path.GetRandomFileName());
            Assert.Equal(0, MkFifo(path, 0x180));
            return path;
        }

        /// <summary>A listener that takes no more, for it accepts nobody.</summary>
        internal async RingTask<RingListener> FullAsync()
        {
            if (_full is null)
            {
                _full = Keep(RingListener.Bind(new UnixDomainSocketEndPoint(Path.Combine(Folder, "full")), backlog: 1));
                for (int i = 0; i < 2; i++)
                    Keep(await RingConnection.ConnectAsync(_full.LocalEndPoint));
            }

            return _full;
        }

        private (RingPipe Reader, RingPipe Writer) NewPipe()
        {
            (RingPipe reader, RingPipe writer) = RingPipe.Create(4096);
            return (Keep(reader), Keep(writer));
        }

        private (RingConnection A, RingConnection B) NewPair()
        {
            (RingConnection a, RingConnection b) = RingConnection.CreatePair();
            return (Keep(a), Keep(b));
        }

        private async RingTask<RingFile> BigFile()
        {
            string path = Path.Combine(Folder, Path.GetRandomFileName());
            File.WriteAllBytes(path, new byte[2_000_000]);
            return Keep(await RingFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite));
        }

        internal async RingTask WaitAsync(string wait)
        {
            CancellationToken token = Stop.Token;
            switch (wait)
            {
                case "FIFO to read":
                    Keep(await RingPipe.OpenAsync(NewFifo(), FileAccess.Read, token));
                    break;
                case "FIFO to write":
                    Keep(await RingPipe.OpenAsync(NewFifo(), FileAccess.Write, token));
                    break;
                case "FIFO as a file to read":
                    Keep(await RingFile.OpenAsync(NewFifo(), cancellationToken: token));
                    break;
                case "FIFO as a file to write":
                    Keep(await RingFile.OpenAsync(NewFifo(), FileMode.Open, FileAccess.Write, cancellationToken: token));
                    break;
                case "FIFO as a file to create":
                    Keep(await RingFile.OpenAsync(NewFifo(), FileMode.Create, FileAccess.Write, cancellationToken: token));
                    break;
                case "full Unix backlog":
                    Keep(await RingConnection.ConnectAsync((await FullAsync()).LocalEndPoint, cancellationToken: token));
                    break;
                case "read of a pipe":
                    await NewPipe().Reader.ReadAsync(new byte[10], token);
                    break;
                case "write to a full pipe":
                    await NewPipe().Writer.WriteAsync(new byte[100_000], token);
                    break;
                case "accept":
                    string path = Path.Combine(Folder, Path.GetRandomFileName());
                    Keep(await Keep(RingListener.Bind(new UnixDomainSocketEndPoint(path))).AcceptAsync(token));
                    break;
                case "receive":
                    await NewPair().A.ReadAsync(new byte[10], token);
                    break;
                case "send to a full socket":
                    await NewPair().A.WriteAsync(new byte[2_000_000], token);
                    break;
                case "copy of a pipe to a file":
                    await NewPipe().Reader.CopyToAsync(await BigFile(), cancellationToken: token);
                    break;
                case "copy of a socket to a pipe":
                    await NewPair().A.CopyToAsync(NewPipe().Writer, cancellationToken: token);
                    break;
                case "copy of a file to a full pipe":
                    await (await BigFile()).CopyToAsync(NewPipe().Writer, cancellationToken: token);
                    break;
                case "copy of a file to a full socket":
                    await (await BigFile()).CopyToAsync(NewPair().A, cancellationToken: token);
                    break;
                case "read of a FIFO as a file":
                    string fifo = NewFifo();
                    Keep(await RingPipe.OpenAsync(fifo, FileAccess.ReadWrite, token));
                    await Keep(await RingFile.OpenAsync(fifo, cancellationToken: token)).ReadAsync(new byte[10], 0, token);
                    break;
                default:
                    Assert.Fail(wait);
                    break;
            }
        }

        public void Dispose()
        {
            foreach (IDisposable thing in _kept)
                thing.Dispose();
            Stop.Dispose();
            Directory.Delete(Folder, recursive: true);
        }
    }

    [Theory, MemberData(nameof(Modes))]
    public void FifoOpenedAsAFile_WaitsForItsWriter_AsSystemIoDoes(string mode) => Run(mode, async () =>
    {
        string path = Path.Combine(Path.GetTempPath(), $"ringcore-fifo-{Path.GetRandomFileName()}");
        Assert.Equal(0, MkFifo(path, 0x180));
        try
        {
            // One that opens it and says nothing, until our side is open: data is not what the open waits for.
            RingTask<RingFile> opening = RingExecutor.Spawn(() => RingFile.OpenAsync(path));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            Assert.False(opening.IsCompleted);
            using (FileStream writer = await Task.Run(() => new FileStream(path, FileMode.Open, FileAccess.Write)))
            {
                using RingFile reader = await opening;
                Assert.Equal(0, Libc.fcntl(reader.Fd, FileConstants.F_GETFL, 0) & FileConstants.O_NONBLOCK);
                byte[] got = new byte[10];
                ValueTask<int> reading = reader.ReadAsync(got, 0);
                await RingExecutor.Yield();
                writer.Write("hello"u8);
                writer.Flush();
                Assert.Equal(5, await reading);
            }

            // One that comes and goes between two looks: its bytes are there, and then the end.
            opening = RingExecutor.Spawn(() => RingFile.OpenAsync(path));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            await Task.Run(() => File.WriteAllText(path, "gone"));
            using (RingFile reader = await opening)
            {
                byte[] got = new byte[10];
                Assert.Equal(4, await reader.ReadAsync(got, 0));
                Assert.Equal(0, await reader.ReadAsync(got, 0));
            }

            // And one that wrote nothing.
            opening = RingExecutor.Spawn(() => RingFile.OpenAsync(path));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            await Task.Run(() => new FileStream(path, FileMode.Open, FileAccess.Write).Dispose());
            using (RingFile reader = await opening)
                Assert.Equal(0, await reader.ReadAsync(new byte[10], 0));

            // The other side: a writer that waits for a reader.
            RingTask<RingFile> toWrite = RingExecutor.Spawn(() => RingFile.OpenAsync(path, FileMode.Open, FileAccess.Write));
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(20));
            Assert.False(toWrite.IsCompleted);
            Task<string> text = Task.Run(() => File.ReadAllText(path));
            using (RingFile writer = await toWrite)
            {
                Assert.Equal(0, Libc.fcntl(writer.Fd, FileConstants.F_GETFL, 0) & FileConstants.O_NONBLOCK);
                await writer.WriteAsync("good day"u8.ToArray(), 0);
            }

            Assert.Equal("good day", await text);
        }
        finally
        {
            File.Delete(path);
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void WhatWillNeverOpen_IsNotWaitedFor(string mode) => Run(mode, async () =>
    {
        string path = Path.Combine(Path.GetTempPath(), $"ringcore-{Path.GetRandomFileName()}");
        using RingListener listener = RingListener.Bind(new UnixDomainSocketEndPoint(path)); // ENXIO, as a FIFO without a reader.
        IOException e = await Throws<IOException>(async () => await RingFile.OpenAsync(path, FileMode.Open, FileAccess.Write));
        Assert.Equal(Errno.ENXIO, e.HResult);
        await Throws<IOException>(async () => await RingPipe.OpenAsync(path, FileAccess.Read));

        (RingPipe reader, RingPipe writer) = RingPipe.Create();
        using (RingFile again = await RingFile.OpenAsync($"/dev/fd/{reader.Fd}"))
            Assert.Equal(0, Libc.fcntl(again.Fd, FileConstants.F_GETFL, 0) & FileConstants.O_NONBLOCK);
        string name = $"/dev/fd/{reader.Fd}";
        writer.Dispose();
        using (RingFile ended = await RingFile.OpenAsync(name)) // No FIFO: nobody can come.
            Assert.Equal(0, await ended.ReadAsync(new byte[1], 0));
        reader.Dispose();
        foreach (string device in (string[])["/dev/null", "/dev/zero", "/proc/self/status"])
        {
            using RingFile file = await RingFile.OpenAsync(device);
            Assert.Equal(0, Libc.fcntl(file.Fd, FileConstants.F_GETFL, 0) & FileConstants.O_NONBLOCK);
        }
    });

    [Theory, MemberData(nameof(Modes))]
    public void FullUnixBacklog_IsWaitedFor_WithinDeadlineAndToken(string mode) => Run(mode, async () =>
    {
        using var scene = new Scene();
        RingListener full = await scene.FullAsync();
        using (var stock = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            await Throws<SocketException>(async () => await stock.ConnectAsync(full.LocalEndPoint)); // docs/streams.md says so.
        await Throws<TimeoutException>(async () => await RingConnection.ConnectAsync(full.LocalEndPoint, TimeSpan.FromMilliseconds(30)));
        using var cancel = new CancellationTokenSource(30);
        OperationCanceledException e = await Throws<OperationCanceledException>(
            async () => await RingConnection.ConnectAsync(full.LocalEndPoint, cancellationToken: cancel.Token));
        Assert.Equal(cancel.Token, e.CancellationToken);
        RingTask<RingConnection> connecting = RingExecutor.Spawn(
            () => RingConnection.ConnectAsync(full.LocalEndPoint, TimeSpan.FromSeconds(20)));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(30));
        Assert.False(connecting.IsCompleted);
        (await full.AcceptAsync()).Dispose();
        using RingConnection connection = await connecting;
        Assert.Equal(0, Libc.fcntl(connection.Fd, FileConstants.F_GETFL, 0) & FileConstants.O_NONBLOCK);
        connecting = RingExecutor.Spawn(() => RingConnection.ConnectAsync(full.LocalEndPoint));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(30));
        full.Dispose();
        await Throws<SocketException>(async () => await connecting);
    });

    /// <summary>A stopped process that goes on (job control, a debugger) wakes the kernel's workers: no op may end of that.</summary>
    [Fact]
    public async Task StoppedProcess_WaitsOnWhenItContinues()
    {
        RequireIoUring();
        string folder = Directory.CreateTempSubdirectory("ringcore-").FullName;
        (int exitCode, string output) = await ChildProcess.RunAsync($"stopped {folder}",
            $"{{}} & child=$!; for i in $(seq 400); do [ -e {folder}/waiting ] && break; sleep 0.05; done; "
            + $"kill -STOP $child; sleep 0.2; kill -CONT $child; sleep 0.1; touch {folder}/continued; wait $child");
        Directory.Delete(folder, recursive: true);
        Assert.True(exitCode == 0 && output.Contains("still waiting", StringComparison.Ordinal), $"{exitCode}: {output}");
    }

    /// <summary>The child's part.</summary>
    internal static void Stopped(string folder) => RingExecutor.Run(async () =>
    {
        using var scene = new Scene();
        List<RingTask> waiting = [];
        foreach (string wait in s_waits)
            waiting.Add(RingExecutor.Spawn(() => scene.WaitAsync(wait)));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
        File.WriteAllText(Path.Combine(folder, "waiting"), "");
        while (!File.Exists(Path.Combine(folder, "continued")))
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(10));
        await RingExecutor.Delay(TimeSpan.FromMilliseconds(50));
        for (int i = 0; i < waiting.Count; i++)
        {
            if (!waiting[i].IsCompleted)
                continue;
            Console.WriteLine($"ended: {s_waits[i]}");
            await waiting[i];
        }

        scene.Stop.Cancel();
        foreach (RingTask task in waiting)
            await Throws<OperationCanceledException>(async () => await Unwrapped(task));
        Console.WriteLine("still waiting");
    });

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MkFifo(string path, uint mode);
}

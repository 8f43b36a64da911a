// Tests: Executor. That it compiles is most of the test: every way in takes async lambdas, lambdas and method groups of all four
// task types without a cast; and a file with these imports meets no ambiguous name. Then each is run once.

using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using RingCore;

namespace RingCore.Tests.Executor;

public sealed class EntryCompileTests
{
    [Fact]
    public void Run_TakesAllFourTaskTypes()
    {
        Live.RequireIoUring();
        Live.OnThread(() =>
        {
            RingExecutor.Run(async () => await RingExecutor.Yield());
            RingExecutor.Run(async () =>
            {
                await RingExecutor.Yield();
            });
            RingExecutor.Run(InRingTask);
            RingExecutor.Run(InValueTask);
            RingExecutor.Run(InTask);
            RingExecutor.Run(() => InRingTask());
            RingExecutor.Run(() => InValueTask());
            RingExecutor.Run(() => InTask());
            Assert.Equal(1, RingExecutor.Run(async () =>
            {
                await RingExecutor.Yield();
                return 1;
            }));
            Assert.Equal(0, RingExecutor.Run(async () => (await Op.Nop()).Res));
            Assert.Equal(2, RingExecutor.Run(OfRingTask));
            Assert.Equal(3, RingExecutor.Run(OfValueTask));
            Assert.Equal(4, RingExecutor.Run(OfTask));
            Assert.Equal(2, RingExecutor.Run(() => OfRingTask()));
            Assert.Equal(3, RingExecutor.Run(() => OfValueTask()));
            Assert.Equal(4, RingExecutor.Run(() => OfTask()));
        });
    }

    [Fact]
    public async Task InvokeAsync_TakesAllFourTaskTypes()
    {
        Live.RequireIoUring();
        await using RingExecutor ring = RingExecutor.Start();
        await ring.InvokeAsync(async () => await RingExecutor.Yield());
        await ring.InvokeAsync(InRingTask);
        await ring.InvokeAsync(InValueTask);
        await ring.InvokeAsync(InTask);
        await ring.InvokeAsync(() => InRingTask());
        await ring.InvokeAsync(() => InValueTask());
        await ring.InvokeAsync(() => InTask());
        Assert.Equal(1, await ring.InvokeAsync(async () =>
        {
            await RingExecutor.Yield();
            return 1;
        }));
        Assert.Equal(2, await ring.InvokeAsync(OfRingTask));
        Assert.Equal(3, await ring.InvokeAsync(OfValueTask));
        Assert.Equal(4, await ring.InvokeAsync(OfTask));
        Assert.Equal(2, await ring.InvokeAsync(() => OfRingTask()));
        Assert.Equal(3, await ring.InvokeAsync(() => OfValueTask()));
        Assert.Equal(4, await ring.InvokeAsync(() => OfTask()));
    }

    [Fact]
    public void Spawn_TakesAllFourTaskTypes()
    {
        Live.Run(async () =>
        {
            await RingExecutor.Spawn(async () => await RingExecutor.Yield());
            await RingExecutor.Spawn(InRingTask);
            await RingExecutor.Spawn(InValueTask);
            await RingExecutor.Spawn(InTask);
            await RingExecutor.Spawn(() => InRingTask());
            await RingExecutor.Spawn(() => InValueTask());
            await RingExecutor.Spawn(() => InTask());
            Assert.Equal(1, await RingExecutor.Spawn(async () =>
            {
                await RingExecutor.Yield();
                return 1;
            }));
            Assert.Equal(2, await RingExecutor.Spawn(OfRingTask));
            Assert.Equal(3, await RingExecutor.Spawn(OfValueTask));
            Assert.Equal(4, await RingExecutor.Spawn(OfTask));
            Assert.Equal(2, await RingExecutor.Spawn(() => OfRingTask()));
            Assert.Equal(3, await RingExecutor.Spawn(() => OfValueTask()));
            Assert.Equal(4, await RingExecutor.Spawn(() => OfTask()));
        });
    }

    [Fact]
    public void Post_TakesActionsAndAsyncLambdas()
    {
        Live.Run(async () =>
        {
            RingExecutor ring = RingExecutor.Current!;
            var done = new TaskCompletionSource();
            int count = 0;
            ring.Post(() => count++);
            ring.Post(() =>
            {
                count++;
            });
            ring.Post(InRingTask);
            ring.Post(async () =>
            {
                await RingExecutor.Yield();
                count++;
                done.SetResult();
            });
            await done.Task;
            Assert.Equal(3, count);
        });
    }

    /// <summary>The short names of this library beside those of the base library, in one file.</summary>
    [Fact]
    public void NamesOfHandles_AreNotAmbiguous()
    {
        Live.Run(async () =>
        {
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            ValueTask<RingConnection> connecting = RingConnection.ConnectAsync(listener.LocalEndPoint);
            using RingConnection accepted = await listener.AcceptAsync();
            using RingConnection connected = await connecting;
            SocketOptions options = connected.Options;
            Assert.True(options.NoDelay);
            await connected.WriteAsync(new byte[1]);
            using ReadLease lease = await accepted.ReadLeaseAsync();
            LeaseInfo info = Assert.Single(RingExecutor.Current!.LeasesOut());
            Assert.Equal(4096, info.Bytes);
            RingTask task = RingTask.CompletedTask;
            await task;
            Task stock = Task.CompletedTask;
            await stock;
            OpResult result = await Op.Nop();
            Assert.True(result.IsSuccess);
            OpChain chain = Op.Nop().Then(Op.Nop());
            ChainResult results = await chain;
            Assert.Equal(2, results.Steps.Count);
            MultishotOp multishot = Op.Accept(listener).Multishot();
            Assert.NotNull(multishot);
            RingHandle handle = accepted;
            Assert.True(handle.Fd > 0);
            RingCounters counters = RingExecutor.Current!.Counters;
            Assert.True(counters.Enters > 0);
            string path = Path.GetTempFileName();
            await using (RingFile file = await RingFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite))
            {
                await file.WriteAsync(new byte[3], offset: 0);
                using FileStream stream = File.OpenRead(path);
                Assert.Equal(3, stream.Length);
            }

            File.Delete(path);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            Assert.NotEqual(SocketError.Success, Assert.Throws<SocketException>(() => socket.Connect(IPAddress.Loopback, 1)).SocketErrorCode);
        });
    }

    private static async RingTask InRingTask() => await RingExecutor.Yield();

    private static async ValueTask InValueTask() => await RingExecutor.Yield();

    private static async Task InTask() => await RingExecutor.Yield();

    private static async RingTask<int> OfRingTask()
    {
        await RingExecutor.Yield();
        return 2;
    }

    private static async ValueTask<int> OfValueTask()
    {
        await RingExecutor.Yield();
        return 3;
    }

    private static async Task<int> OfTask()
    {
        await RingExecutor.Yield();
        return 4;
    }
}

// Tests: every public call × what may happen to it meanwhile × how slow the kernel is, over the fake kernel.
// The product is complete; what is left to chance (delays, the kernel's age, the size of its queues, short
// results) comes from a seed that a failure prints. After each cell: the call has ended in a way that it
// documents, another handle works, and nothing is left. What may happen when an allocation fails is in
// RingCore.Faults.

using System.Net;
using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.io_uring_op;

namespace RingCore.Tests.Ops;

[Collection(nameof(Alone))] // Faults that it provokes are reported through a process-wide event.
public sealed class MatrixTests
{
    public enum Meanwhile
    {
        Nothing,
        TokenBefore,
        TokenDuring,
        TokenAfter,
        DisposedBefore,
        DisposedDuring,
        CancelAllDuring,
        Stopping,
        StartedWhileStopping,
        QueueFull,
        PinStartsAnOp,
        PinDisposes,
        PinThrows,
        PinFillsTheQueue,
        UnpinStartsAnOp,
        UnpinDisposes,
        UnpinThrows,
    }

    private static readonly Dictionary<string, Func<Cell, RingTask>> s_calls = new()
    {
        ["op"] = async c => Check(await Op.Recv(c.Connection, c.First).Start(c.Token)),
        ["op with a timeout"] = async c =>
            Check(await Op.Send(c.Connection, c.First).WithTimeout(TimeSpan.FromSeconds(1)).Start(c.Token)),
        ["vectored op"] = async c => Check(await Op.Writev(c.Connection, [c.First, c.Second]).Start(c.Token)),
        ["chain"] = async c =>
        {
            OpChain chain = Op.Write(c.Connection, c.First).Then(Op.Read(c.Connection, c.Second));
            ChainResult result = await chain.Start(c.Token);
            if (result.Steps[0].Res is < 0 or 6) // Else a short write has ended it.
                Check(result.Steps[1]);
        },
        ["splice"] = async c => Check(await Op.Splice(c.Connection, -1, c.Other, -1, 10).Start(c.Token)),
        ["read"] = async c => await c.Connection.ReadAsync(c.First, c.Token),
        ["read that waits"] = async c => await c.Connection.ReadAsync(default, c.Token),
        ["read exactly"] = async c => await c.Connection.ReadExactlyAsync(c.First, c.Token),
        ["write"] = async c => await c.Connection.WriteAsync(c.First, c.Token),
        ["writes"] = async c =>
        {
            Exception? first = await Caught.By(c.Connection.WriteAsync(c.First, c.Token));
            RingTask<Exception?> second = Start(() => c.Connection.WriteAsync(c.Second));
            RingTask<Exception?> third = Start(() => c.Connection.WriteAsync(c.Third, c.Token));
            Exception? error = first ?? await second;
            error = await third ?? error;
            if (error is not null)
                throw error;
        },
        ["list"] = async c => await c.Connection.WriteAsync([c.First, c.Second, c.Third], c.Token),
        ["send"] = async c => await c.Connection.SendAsync(c.First, c.Token),
        ["lease"] = async c => (await c.Connection.ReadLeaseAsync(c.Token)).Dispose(),
        ["leases"] = async c =>
        {
            int count = 0;
            await foreach (ReadLease lease in c.Connection.ReadAllAsync(2, c.Token))
            {
                lease.Dispose();
                if (++count == 3)
                    break;
            }
        },
        ["lease kept and sent"] = async c =>
        {
            using ReadLease lease = await c.Connection.ReadLeaseAsync(c.Token);
            await c.Connection.WriteAsync(lease.Memory, c.Token);
        },
        ["accept"] = async c =>
        {
            OpResult result = await Op.Accept(c.Connection).Start(c.Token);
            if (result.IsSuccess)
                c.Connection.Driver.CloseFd(result.Res);
            Check(result);
        },
        ["accepts"] = async c =>
        {
            int count = 0;
            await foreach (OpResult result in Op.Accept(c.Connection).Multishot().WithCancellation(c.Token))
            {
                if (result.IsSuccess)
                    c.Connection.Driver.CloseFd(result.Res);
                Check(result);
                if (++count == 3)
                    break;
            }
        },
        ["polls"] = async c =>
        {
            MultishotOp polls = Op.Poll(c.Connection, SocketConstants.POLLIN).Multishot();
            await foreach (OpResult result in polls.WithCancellation(c.Token))
            {
                Check(result);
                break;
            }
        },
        ["connect"] = async c =>
        {
            var anywhere = new IPEndPoint(IPAddress.Loopback, 1);
            (await RingConnection.ConnectAsync(anywhere, TimeSpan.FromSeconds(1), c.Token)).Dispose();
        },
        ["file"] = async c =>
        {
            await using RingFile file = await RingFile.OpenAsync(
                "/nowhere/file", FileMode.Open, FileAccess.ReadWrite, cancellationToken: c.Token);
            await file.ReadAsync(c.First, 0, c.Token);
            await file.WriteAsync(c.Second, 0, c.Token);
            await file.WriteAsync([c.First, c.Second], 0, c.Token);
            await file.FlushToDiskAsync(cancellationToken: c.Token);
        },
        ["file read to its end"] = async c =>
        {
            await using RingFile file = await RingFile.OpenAsync("/nowhere/file", cancellationToken: c.Token);
            int count = 0;
            await foreach (ReadOnlyMemory<byte> chunk in file.ReadAllAsync(chunkSize: 4096, depth: 3, cancellationToken: c.Token))
            {
                if (++count == 3)
                    break;
            }
        },
        ["copy"] = async c => await c.Connection.CopyToAsync(c.Target, 10, c.Token),
        ["delay"] = async c => await RingExecutor.Delay(TimeSpan.FromMilliseconds(3), c.Token),
        ["invoke"] = async c => await RingExecutor.Current!.InvokeAsync(
            async () => Check(await Op.Recv(c.Connection, c.First).Start(c.Token))),
        ["spawn"] = async c => await RingExecutor.Spawn(
            async Task () => await c.Connection.WriteAsync(c.First, c.Token)),
    };

    public static TheoryData<string> Calls => [.. s_calls.Keys];

    [Theory, MemberData(nameof(Calls))]
    public void EveryCall_WhateverHappensMeanwhile(string call)
    {
        string? given = Environment.GetEnvironmentVariable("RINGCORE_SEED");
        int seed = given is null ? Random.Shared.Next() : int.Parse(given, null);
        RingExecutor.UnobservedFault += Ignore; // An Unpin that throws is reported, which is as it should be.
        try
        {
            foreach (Meanwhile meanwhile in Enum.GetValues<Meanwhile>())
            {
                for (int round = 0; round < 6; round++)
                    Run(call, meanwhile, seed + round);
            }
        }
        finally
        {
            RingExecutor.UnobservedFault -= Ignore;
        }

        static void Ignore(object? sender, UnobservedFaultEventArgs e)
        {
        }
    }

    private static void Run(string call, Meanwhile meanwhile, int seed)
    {
        var random = new Random(seed);
        using FakeKernel kernel = random.Next(3) == 0 ? FakeKernel.Linux510() : new FakeKernel();
        int slowest = random.Next(4);
        bool shorts = random.Next(3) == 0;
        Script(kernel, random, slowest, shorts);
        var options = new RingOptions
        {
            SqEntries = 4 << random.Next(3),
            CqEntries = 64,
            LeaseBufferCount = 4,
            LeaseBufferSize = 64,
        };
        Cell? cell = null;
        try
        {
            RingExecutor.Run(
                async () =>
                {
                    cell = new Cell(kernel);
                    await PlayAsync(cell, s_calls[call], meanwhile);
                },
                kernel.Options(options));
            Assert.True(cell!.Ended, "the call never ended");
            Assert.True(IsExpected(cell.Error, meanwhile), $"unexpected: {cell.Error}");
            cell.AssertNothingLeft();
            kernel.AssertReleased();
        }
        catch (Exception e)
        {
            Assert.Fail($"{call}, {meanwhile}, RINGCORE_SEED={seed}: {e}");
        }
    }

    private static async RingTask PlayAsync(Cell cell, Func<Cell, RingTask> call, Meanwhile meanwhile)
    {
        cell.Hook(meanwhile);
        if (meanwhile is Meanwhile.StartedWhileStopping)
        {
            _ = StartLate(); // Main ends: the executor stops, which ends the delay.
            return;
        }

        if (meanwhile is Meanwhile.TokenBefore)
            cell.Source.Cancel();
        if (meanwhile is Meanwhile.DisposedBefore)
            cell.Connection.Dispose();
        if (meanwhile is Meanwhile.QueueFull)
            cell.FillQueue();
        RingTask running = RunAsync(cell, call);
        if (meanwhile is Meanwhile.TokenDuring)
            cell.Source.Cancel();
        if (meanwhile is Meanwhile.DisposedDuring)
            cell.Connection.Dispose();
        if (meanwhile is Meanwhile.CancelAllDuring)
            cell.Connection.CancelAll();
        if (meanwhile is Meanwhile.Stopping)
            return;
        await running;
        cell.Source.Cancel(); // After: it means nobody any more.
        await cell.UseOtherAsync();
        await cell.Connection.DisposeAsync();
        for (int i = 0; i < 20 && cell.InFlight > 0; i++)
            await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, cell.InFlight);
        Assert.Equal(0, cell.Connection.InFlight);

        async RingTask StartLate()
        {
            try
            {
                await RingExecutor.Delay(TimeSpan.FromHours(1));
            }
            catch (OperationCanceledException)
            {
                await RunAsync(cell, call);
            }
        }
    }

    private static async RingTask RunAsync(Cell cell, Func<Cell, RingTask> call)
    {
        try
        {
            await call(cell);
        }
        catch (Exception e)
        {
            cell.Error = e;
        }

        cell.Ended = true;
    }

    private static async RingTask<Exception?> Start(Func<ValueTask> call)
    {
        try
        {
            await call();
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    /// <summary>What the documentation says of each.</summary>
    private static bool IsExpected(Exception? error, Meanwhile meanwhile) => error switch
    {
        null => true,
        _ when meanwhile is Meanwhile.Nothing or Meanwhile.TokenAfter or Meanwhile.QueueFull or Meanwhile.PinStartsAnOp
            or Meanwhile.PinFillsTheQueue or Meanwhile.UnpinStartsAnOp or Meanwhile.UnpinThrows => false,
        OperationCanceledException or ObjectDisposedException => true,
        NotSupportedException => meanwhile is Meanwhile.PinThrows,
        // Part had left; or a copy, which says how far it came.
        IOException => meanwhile is not Meanwhile.PinThrows,
        CancelledResult => true,
        _ => false,
    };

    private static void Check(OpResult result)
    {
        if (result.Res == -Errno.ECANCELED)
            throw new CancelledResult();
        Assert.True(result.Res >= 0, result.ToString());
    }

    private sealed class CancelledResult : Exception;

    private static void Script(FakeKernel kernel, Random random, int slowest, bool shorts)
    {
        io_uring_op[] transfers = [IORING_OP_SEND, IORING_OP_SENDMSG, IORING_OP_WRITE, IORING_OP_WRITEV, IORING_OP_READV];
        foreach (io_uring_op op in transfers)
            On(op, one => one.Finish(Part(one.Payload().Length)));
        On(IORING_OP_RECV, one => one.Deliver("peer's bytes"u8[..Part(12)]));
        On(IORING_OP_READ, one => one.Finish((int)one.Sqe.len));
        On(IORING_OP_ACCEPT, one => one.Finish(kernel.NewFd()));
        On(IORING_OP_OPENAT, one => one.Finish(kernel.NewFd("file")));
        On(IORING_OP_SPLICE, one => one.Finish(Part((int)one.Sqe.len)));
        On(IORING_OP_POLL_ADD, one => one.Finish(SocketConstants.POLLIN));
        On(IORING_OP_CONNECT, one => one.Finish(0));
        On(IORING_OP_FSYNC, one => one.Finish(0));

        int Part(int all) => shorts && all > 1 ? random.Next(1, all) : all;

        void On(io_uring_op code, Action<FakeOp> end) => kernel.On(code).Always(op =>
        {
            int delay = random.Next(slowest + 1);
            if (code == IORING_OP_RECV && op.SelectsBuffer && kernel.BuffersFree(op.Sqe.buf_group) == 0)
                op.Finish(-Errno.ENOBUFS);
            else if (delay == 0)
                end(op);
            else
                kernel.After(TimeSpan.FromMilliseconds(delay), () =>
                {
                    if (op.State == FakeOpState.InFlight)
                        end(op);
                });
        });
    }

    /// <summary>One cell's handles, memories and outcome.</summary>
    private sealed class Cell(FakeKernel kernel)
    {
        private readonly HookedMemory[] _memories = [new("first."), new("second"), new("third.")];
        private readonly RingExecutor _executor = RingExecutor.Current!;
        private bool _hooked;

        internal RingConnection Connection { get; } = RingConnection.Adopt(kernel.NewFd());

        internal RingConnection Other { get; } = RingConnection.Adopt(kernel.NewFd());

        internal RingConnection Target { get; } = RingConnection.Adopt(kernel.NewFd());

        internal CancellationTokenSource Source { get; } = new();

        internal CancellationToken Token => Source.Token;

        internal Memory<byte> First => _memories[0].Memory;

        internal Memory<byte> Second => _memories[1].Memory;

        internal Memory<byte> Third => _memories[2].Memory;

        internal bool Ended { get; set; }

        internal Exception? Error { get; set; }

        internal int InFlight => _executor.InFlight().Count(op => op.Task != "timers");

        internal void FillQueue()
        {
            while (_executor.Ring.Pending < _executor.Ring.SqEntries)
                _ = Op.Nop().Start();
        }

        /// <summary>Of the first memory that is pinned, once.</summary>
        internal void Hook(Meanwhile meanwhile)
        {
            Action? pin = meanwhile switch
            {
                Meanwhile.PinStartsAnOp => () => _ = Op.Nop().Start(),
                Meanwhile.PinDisposes => Connection.Dispose,
                Meanwhile.PinThrows => () => throw new NotSupportedException("cannot be pinned"),
                Meanwhile.PinFillsTheQueue => FillQueue,
                _ => null,
            };
            Action? unpin = meanwhile switch
            {
                Meanwhile.UnpinStartsAnOp => () => _ = Op.Nop().Start(),
                Meanwhile.UnpinDisposes => Connection.Dispose,
                Meanwhile.UnpinThrows => () => throw new FormatException("Unpin"),
                _ => null,
            };
            foreach (HookedMemory memory in _memories)
            {
                memory.OnPin = () => Once(pin);
                memory.OnUnpin = () => Once(unpin);
            }
        }

        private void Once(Action? action)
        {
            if (action is null || _hooked)
                return;
            _hooked = true;
            action();
        }

        internal async RingTask UseOtherAsync()
        {
            byte[] bytes = new byte[8];
            await Other.WriteAsync(bytes);
            Assert.NotEqual(0, await Other.ReadAsync(bytes));
            using ReadLease lease = await Other.ReadLeaseAsync();
            Assert.False(lease.IsEnd);
        }

        /// <summary>After the executor's end.</summary>
        internal void AssertNothingLeft()
        {
            OpDriver driver = _executor.Driver;
            Assert.All(_memories, static memory => Assert.Equal(0, memory.Pins));
            Assert.Equal(0, driver.Pins.Out);
            Assert.Equal(0, driver.Table.BlockBytes);
            Assert.Equal(0, driver.Outstanding);
            Assert.Equal(0, driver.Ring.Counters.LeasesOut);
            Assert.Equal(0, driver.Ring.Counters.StaleCqes);
            Connection.Dispose();
            Other.Dispose();
            Target.Dispose();
        }
    }
}

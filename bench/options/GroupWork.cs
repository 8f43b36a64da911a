// The work of connections that are placed on a group's executors.

using System.Net;
using System.Net.Sockets;

namespace RingCore.Bench;

/// <summary>A group of two executors that answers, and clients on an executor of their own: with a connection for each request, or for a whole slice.</summary>
public sealed class GroupWork : Work
{
    private readonly RingExecutorGroup _group = RingExecutorGroup.Start(2);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;
    private readonly EndPoint _address;
    private readonly int _clients;
    private readonly int _workUs;
    private readonly bool _forEachRequest;

    public GroupWork(string row, string column, RingPlacement placement, int clients, int workUs, bool forEachRequest)
        : base(row, column)
    {
        _clients = clients;
        _workUs = workUs;
        _forEachRequest = forEachRequest;
        var listening = new TaskCompletionSource<EndPoint>();
        _serving = _group.ServeAsync(new IPEndPoint(IPAddress.Loopback, 0), AnswerAsync, placement, listening.SetResult, _stop.Token);
        _address = listening.Task.GetAwaiter().GetResult();
    }

    /// <summary>The servers' alone: the clients are the same for every column.</summary>
    protected override long CpuNow() => _group.Executors.Sum(executor =>
        executor.InvokeAsync(() => ValueTask.FromResult(Raw.Clock(Raw.ThreadCpu))).GetAwaiter().GetResult());

    private async RingTask AnswerAsync(RingConnection connection)
    {
        byte[] buffer = new byte[64];
        try
        {
            while (await connection.ReadAsync(buffer) > 0)
            {
                for (long end = Raw.Clock(Raw.ThreadCpu) + _workUs * 1000; Raw.Clock(Raw.ThreadCpu) < end;) // Work, not time: the cores are shared with the clients.
                    Thread.SpinWait(1);
                await connection.WriteAsync(buffer);
            }
        }
        catch (SocketException)
        {
            // The client resets, to leave no port in TIME_WAIT.
        }
    }

    protected override void Run(int operations) => RingExecutor.Run(async () =>
    {
        var clients = new List<RingTask>();
        for (int c = 0; c < _clients; c++)
            clients.Add(RingExecutor.Spawn(() => ClientAsync(Math.Max(1, operations / _clients))));
        foreach (RingTask client in clients)
            await client;
    });

    private async RingTask ClientAsync(int requests)
    {
        byte[] buffer = new byte[64];
        for (int i = 0; i < requests;)
        {
            using RingConnection connection = await RingConnection.ConnectAsync(_address);
            SetReset(connection);
            for (int inThis = _forEachRequest ? 1 : requests; inThis > 0; inThis--, i++)
            {
                await connection.WriteAsync(buffer);
                await connection.ReadExactlyAsync(buffer);
            }
        }
    }

    private static void SetReset(RingConnection connection)
    {
        SocketOptions options = connection.Options;
        options.ResetOnClose = true;
    }

    public override void Dispose()
    {
        _stop.Cancel();
        _serving.GetAwaiter().GetResult();
        _group.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}

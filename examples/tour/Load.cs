// The tour's clients, as tasks of one executor: each sends its next request when the answer to the last one is in, and checks it.

using System.Diagnostics;
using System.Net;

namespace RingCore.Tour;

internal sealed class Load(Action<TimeSpan> tick) : IDisposable
{
    private readonly RingConnection?[] _connections = new RingConnection?[64];
    private bool _stop;
    private long _answered;

    public async RingTask ConnectAsync(EndPoint server)
    {
        for (int i = 0; i < _connections.Length; i++)
            _connections[i] = await RingConnection.ConnectAsync(server);
    }

    public async RingTask<(long Requests, TimeSpan Time)> RunAsync(TimeSpan time)
    {
        (_stop, _answered) = (false, 0);
        long started = Stopwatch.GetTimestamp();
        RingTask[] clients = [.. _connections.Select(connection => RingExecutor.Spawn(() => RequestAsync(connection!)))];
        for (int quarter = 0; quarter < 4; quarter++)
        {
            await RingExecutor.Delay(time / 4);
            tick(time / 4);
        }

        _stop = true;
        foreach (RingTask client in clients)
            await client;
        return (_answered, Stopwatch.GetElapsedTime(started));
    }

    public void Dispose()
    {
        foreach (RingConnection? connection in _connections)
            connection?.Dispose();
    }

    private async RingTask RequestAsync(RingConnection connection)
    {
        byte[] request = new byte[64], answer = new byte[64];
        Random.Shared.NextBytes(request);
        while (!_stop)
        {
            await connection.WriteAsync(request);
            await connection.ReadExactlyAsync(answer);
            if (!answer.AsSpan().SequenceEqual(request))
                throw new InvalidDataException("The answer is not the request.");
            _answered++;
        }
    }
}

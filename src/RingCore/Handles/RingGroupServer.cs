// Handles layer: how connections reach the executors of a group: a listener on each, among which the kernel
// spreads them by their addresses, or one acceptor that gives each to the executor with the fewest. A
// connection then stays where it is. What is handed over is the bare fd: whoever holds it last closes it, and
// an executor that has just stopped gives it back by refusing.

using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace RingCore;

/// <summary>Serves connections on all executors of a group.</summary>
public static class RingGroupServer
{
    private const int Backlog = 512;

    /// <summary>
    /// Listens, and runs <paramref name="handler"/> for every connection on the executor that got it; the
    /// connection is disposed when the handler ends, and what it throws is reported as an unobserved fault.
    /// Any thread.
    /// </summary>
    /// <param name="group">The executors.</param> <param name="endPoint">As for <see
    /// cref="RingListener.Bind"/>; with port 0 all listeners share the port the kernel chose.</param> <param
    /// name="handler">Runs on an executor of the group.</param> <param name="placement">How connections are
    /// spread.</param> <param name="listening">Told the address once all listeners listen.</param> <param
    /// name="cancellationToken">Ends accepting; what is being served goes on until the group is
    /// disposed.</param>
    /// <returns>
    /// A task that ends when no executor accepts any more and the port is free. An accept loop that fails is
    /// reported as an unobserved fault and its listener closed, the others go on; when none is left the task
    /// fails with the first failure.
    /// </returns>
    /// <exception cref="System.Net.Sockets.SocketException">Through the task: address in use, not permitted,
    /// not there.</exception>
    public static Task ServeAsync(
        this RingExecutorGroup group, EndPoint endPoint, Func<RingConnection, RingTask> handler,
        RingPlacement placement = RingPlacement.ListenerEach,
        Action<EndPoint>? listening = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(handler);
        bool each = placement == RingPlacement.ListenerEach;
        if (each && endPoint is not IPEndPoint)
            throw new ArgumentException(
                "Only TCP can have several listeners; else: Acceptor.", nameof(placement));
        return new Server(group.Executors, handler, each, cancellationToken).RunAsync(endPoint, listening);
    }

    private sealed class Server(
        IReadOnlyList<RingExecutor> executors, Func<RingConnection, RingTask> handler, bool each,
        CancellationToken token)
    {
        private const int Gone = int.MaxValue / 2;
        private readonly IReadOnlyList<RingExecutor> _executors = executors;
        private readonly ConcurrentQueue<Exception> _failures = new();

        // Connections by executor. Any thread.
        private readonly int[] _live = new int[executors.Count];

        // The acceptor's thread only.
        private int _last;

        internal async Task RunAsync(EndPoint endPoint, Action<EndPoint>? listening)
        {
            var listeners = new List<RingListener>();
            try
            {
                foreach (RingExecutor executor in each ? _executors : [_executors[0]])
                {
                    // The first has resolved port 0.
                    EndPoint address = listeners.Count == 0 ? endPoint : listeners[0].LocalEndPoint;
                    listeners.Add(await executor
                        .InvokeAsync(() => ValueTask.FromResult(RingListener.Open(address, shared: each)))
                        .ConfigureAwait(false));
                }

                // Not before all are bound: while one of them may still fail, no connection can have come.
                foreach (RingListener listener in listeners)
                    listener.Listen(Backlog);
                listening?.Invoke(listeners[0].LocalEndPoint);
                await Task.WhenAll(listeners.Select(ServeAsync)).ConfigureAwait(false);
                if (_failures.Count == listeners.Count)
                    throw _failures.First();
            }
            finally
            {
                foreach (RingListener listener in listeners)
                    await listener.DisposeAsync().ConfigureAwait(false);
            }
        }

        private async Task ServeAsync(RingListener listener, int here)
        {
            // Else the kernel would go on giving it its share of the connections.
            await using (listener.ConfigureAwait(false))
                await _executors[here].InvokeAsync(() => AcceptAsync(listener, here)).ConfigureAwait(false);
        }

        [SuppressMessage("Design", "CA1031", Justification = "Reported; the others go on.")]
        private async RingTask AcceptAsync(RingListener listener, int here)
        {
            try
            {
                await foreach (int fd in listener.AcceptAllAsync(listener.Prepare, token))
                    Place(fd, here);
            }
            catch (Exception e)
            {
                _failures.Enqueue(e);
                RingExecutor.ReportFault(_executors[here], "accept loop", e);
            }
        }

        /// <summary>
        /// Serves the connection here, or gives it to the executor with the fewest; to the next when that one
        /// has stopped.
        /// </summary>
        private void Place(int fd, int here)
        {
            if (each)
            {
                // As below.
                Interlocked.Increment(ref _live[here]);
                Arrive(fd, here);
                return;
            }

            for (int tries = 0; tries < _executors.Count; tries++)
            {
                int to = Fewest();

                // A count, once for a connection: ordered with nothing. The post orders the rest.
                Interlocked.Increment(ref _live[to]);
                if (_executors[to].Post(new ActionWork(() => Arrive(fd, to), refuse: () => GiveBack(fd, to))))
                    return;

                // As above.
                Interlocked.Exchange(ref _live[to], Gone);
            }

            OpDriver.Required.CloseFd(fd);
        }

        /// <summary>On its executor. Until it has a handle here, the fd is ours.</summary>
        private void Arrive(int fd, int here)
        {
            if (OpDriver.Required.Stopping)
                GiveBack(fd, here);
            else
                _ = HandleAsync(fd, here);
        }

        // Its count stays: that executor is passed by anyway.
        private void GiveBack(int fd, int here) => _executors[here].Driver.CloseFd(fd);

        private async RingTask HandleAsync(int fd, int here)
        {
            try
            {
                using var connection = new RingConnection(OpDriver.Required, fd);
                await handler(connection);
            }
            finally
            {
                // A count: ordered with nothing.
                Interlocked.Decrement(ref _live[here]);
            }
        }

        /// <summary>Among equals in turn.</summary>
        private int Fewest()
        {
            int best = -1;
            for (int i = 1; i <= _live.Length; i++)
            {
                int at = (_last + i) % _live.Length;

                // Counts that may be a moment old.
                if (best < 0 || Volatile.Read(ref _live[at]) < Volatile.Read(ref _live[best]))
                    best = at;
            }

            return _last = best;
        }
    }
}

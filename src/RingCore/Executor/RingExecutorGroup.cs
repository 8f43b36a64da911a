// Executor layer: several executors as one: started together, stopped together, by default one for each
// processor. They share nothing: what runs on one stays there. How connections reach them is in
// Handles/RingGroupServer.cs. It balances nothing.

using RingCore.Sys;

namespace RingCore;

/// <summary>Executors that are started and stopped together. Any thread.</summary>
public sealed class RingExecutorGroup : IAsyncDisposable
{
    private readonly List<RingExecutor> _executors = [];

    private RingExecutorGroup()
    {
    }

    /// <summary>The executors, named after <see cref="RingOptions.Name"/> and their number.</summary>
    public IReadOnlyList<RingExecutor> Executors => _executors;

    /// <summary>
    /// Starts executors, each on a background thread of its own. Dispose the group to stop them.
    /// </summary>
    /// <param name="count">How many; at least 1. Default <see cref="Environment.ProcessorCount"/>.</param>
    /// <param name="options">For each of them.</param>
    /// <param name="pin">Binds the threads to the processors this process may use, in turn.</param>
    /// <exception cref="RingUnavailableException">io_uring cannot be used here. Those that had started are
    /// stopped.</exception>
    public static RingExecutorGroup Start(int? count = null, RingOptions? options = null, bool pin = false)
    {
        int wanted = count ?? Environment.ProcessorCount;
        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1, nameof(count));
        options ??= new RingOptions();
        var group = new RingExecutorGroup();
        try
        {
            List<int> processors = pin ? Processors() : [];
            for (int i = 0; i < wanted; i++)
            {
                RingExecutor executor = RingExecutor.Start(options with { Name = $"{options.Name}-{i}" });
                group._executors.Add(executor);
                int processor = pin ? processors[i % processors.Count] : -1;
                if (pin)
                    executor.Post(() => BindTo(processor));
            }
        }
        catch
        {
            // Bounded, and nobody has given them work yet.
            _ = group.DisposeAsync().AsTask();
            throw;
        }

        return group;
    }

    /// <summary>
    /// Stops all executors, each as <see cref="RingExecutor.DisposeAsync"/> does, and waits for their ends.
    /// Any thread but theirs.
    /// </summary>
    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_executors.ConvertAll(executor => executor.DisposeAsync().AsTask()))
            .ConfigureAwait(false);

    private static unsafe List<int> Processors()
    {
        const int most = 8192;
        ulong* mask = stackalloc ulong[most / 64];
        new Span<ulong>(mask, most / 64).Clear();
        _ = Libc.sched_getaffinity(0, most / 8, mask);
        List<int> processors = [.. Enumerable.Range(0, most).Where(i => (mask[i / 64] >> (i % 64) & 1) != 0)];
        return processors.Count > 0 ? processors : [0];
    }

    /// <summary>
    /// A processor that has been taken away meanwhile is refused: the thread then runs where it likes.
    /// </summary>
    private static unsafe void BindTo(int processor)
    {
        ulong* mask = stackalloc ulong[processor / 64 + 1];
        new Span<ulong>(mask, processor / 64 + 1).Clear();
        mask[processor / 64] = 1UL << (processor % 64);
        _ = Libc.sched_setaffinity(0, (nuint)(processor / 64 + 1) * sizeof(ulong), mask);
    }
}

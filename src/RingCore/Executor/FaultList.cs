// Executor layer: tasks that failed and that nobody has awaited yet. One still unobserved a second later, or at the end, is
// reported once: through RingExecutor.UnobservedFault, or on standard error where nobody listens. Owner thread only.

namespace RingCore;

/// <summary>The unobserved faults of one executor.</summary>
internal sealed class FaultList(RingExecutor executor)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // Made at the first: most programs have none.
    private Dictionary<RingTaskBox, (Exception Exception, long DueNs)>? _faults;
    private ActionTimer? _timer;

    internal void Add(RingTaskBox box, Exception exception)
    {
        // Asked to end: what a stopping executor's tasks throw for that is not news.
        if (executor.Driver.Stopping && exception is OperationCanceledException or ObjectDisposedException)
            return;
        if (executor.Driver.IsRetired)
        {
            if (exception is not InvalidOperationException) // As whatever needs an executor throws then.
                RingExecutor.ReportFault(executor, box.Name, exception);
            return;
        }

        long due = executor.Timers.DeadlineAfter(s_patience);
        (_faults ??= [])[box] = (exception, due);
        Arm(due);
    }

    internal void Observe(RingTaskBox box) => _faults?.Remove(box);

    private void Fire()
    {
        long now = executor.Timers.NowNs;
        Report(executor.Driver.Stopping ? long.MaxValue : now);

        // Without LINQ: its assembly cannot be loaded when no descriptor is left, and this is the run loop.
        long next = long.MaxValue;
        foreach ((Exception _, long due) in _faults!.Values)
            next = Math.Min(next, due);
        if (_faults.Count > 0)
            Arm(next);
    }

    /// <summary>At the end of the executor: nobody can await any more.</summary>
    internal void ReportAll()
    {
        if (_faults is not null)
            Report(long.MaxValue);
    }

    private void Arm(long due)
    {
        if (_timer is not { HeapIndex: >= 0 }) // Else for an earlier fault; or, in Fire, by a subscriber that started a failing task.
            executor.Timers.Add(_timer = new ActionTimer(due, Fire));
    }

    private void Report(long dueBy)
    {
        foreach ((RingTaskBox box, (Exception exception, long due)) in new List<KeyValuePair<RingTaskBox, (Exception, long)>>(_faults!))
        {
            if (due <= dueBy && _faults!.Remove(box)) // Else a subscriber has observed it meanwhile.
                RingExecutor.ReportFault(executor, box.Name, exception);
        }
    }
}

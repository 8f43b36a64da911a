// Executor layer: tasks that failed and that nobody has awaited yet. One still unobserved a second later, or
// at the end, is reported once: through RingExecutor.UnobservedFault, or on standard error where nobody
// listens. Owner thread only.

namespace RingCore;

/// <summary>The unobserved faults of one executor, oldest first.</summary>
internal sealed class FaultList(RingExecutor executor)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private readonly Queue<(RingTaskBox Box, Exception Exception, long DueNs)> _faults = new();
    private ActionTimer? _timer;

    internal void Add(RingTaskBox box, Exception exception)
    {
        // Asked to end: what a stopping executor's tasks throw for that is not news.
        if (executor.Driver.Stopping && exception is OperationCanceledException or ObjectDisposedException)
            return;
        if (!executor.Driver.IsRetired)
        {
            long due = executor.Timers.DeadlineAfter(s_patience);
            _faults.Enqueue((box, exception, due));
            Arm(due);
        }
        else if (exception is not InvalidOperationException)
        {
            // Unlike what whatever needs an executor throws then.
            RingExecutor.ReportFault(executor, box.Name, exception);
        }
    }

    /// <summary>
    /// Reports those of now whose time has come; what a subscriber's own tasks add has a time of its own.
    /// </summary>
    internal void Report(long dueBy)
    {
        for (int count = _faults.Count; count > 0 && _faults.Peek().DueNs <= dueBy; count--)
        {
            (RingTaskBox box, Exception exception, _) = _faults.Dequeue();
            // Else it was awaited.
            if (box.Holds(exception))
                RingExecutor.ReportFault(executor, box.Name, exception);
        }
    }

    private void Fire()
    {
        Report(executor.Driver.Stopping ? long.MaxValue : executor.Timers.NowNs);
        if (_faults.TryPeek(out var next))
            Arm(next.DueNs);
    }

    private void Arm(long due)
    {
        // Else for an earlier fault; or, in Fire, by a subscriber that started a failing task.
        if (_timer is not { HeapIndex: >= 0 })
            executor.Timers.Add(_timer = new ActionTimer(due, Fire));
    }
}

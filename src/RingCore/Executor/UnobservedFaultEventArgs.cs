// Executor layer: what a subscriber of RingExecutor.UnobservedFault is told.

namespace RingCore;

/// <summary>A task's fault that nobody has awaited.</summary>
/// <param name="executor">Where it ran.</param>
/// <param name="taskName">The async method.</param>
/// <param name="exception">What it threw.</param>
public sealed class UnobservedFaultEventArgs(RingExecutor executor, string taskName, Exception exception)
    : EventArgs
{
    /// <summary>Where the task ran.</summary>
    public RingExecutor Executor { get; } = executor;

    /// <summary>Name of the async method.</summary>
    public string TaskName { get; } = taskName;

    /// <summary>What it threw.</summary>
    public Exception Exception { get; } = exception;
}

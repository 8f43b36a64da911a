// Executor layer: the await that only goes to the end of the ready queue. It never waits for anything.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>Awaitable of <see cref="RingExecutor.Yield"/>. Owner thread.</summary>
public readonly struct RingYield : ICriticalNotifyCompletion, IRingAwaiter
{
    private readonly RingExecutor _executor;

    internal RingYield(RingExecutor executor) => _executor = executor;

    /// <summary>Always false: a yield always goes through the queue.</summary>
    /// <exception cref="InvalidOperationException">This is not the thread of its executor.</exception>
    public bool IsCompleted
    {
        get
        {
            // Before the await: thrown from OnCompleted it would end the process in Task code.
            _executor.Driver.ThrowIfNotOwner();
            return false;
        }
    }

    /// <summary>For await.</summary>
    public RingYield GetAwaiter() => this;

    /// <summary>Nothing to return.</summary>
    public void GetResult()
    {
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation)
    {
        _executor.Driver.ThrowIfNotOwner();
        _executor.Driver.Context!.Post(static action => ((Action)action!)(), continuation);
    }

    void IRingAwaiter.Suspend(RingWork box) => _executor.Driver.Ready.Push(box);
}

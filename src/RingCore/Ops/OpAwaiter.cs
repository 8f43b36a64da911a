// Op layer: what `await op` becomes in the compiler's hands: the request is submitted by GetAwaiter, and the
// awaiter stands for it.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace RingCore;

/// <summary>Awaits an <see cref="Op"/>. Used by the compiler; owner thread, once.</summary>
public readonly struct OpAwaiter : ICriticalNotifyCompletion, IRingAwaiter
{
    private readonly OpResultAwaitable _awaitable;
    private readonly short _version;

    internal OpAwaiter(OpResultAwaitable awaitable, short version)
    {
        _awaitable = awaitable;
        _version = version;
    }

    /// <summary>
    /// Whether the result is in: only where the op was refused before it reached the kernel.
    /// </summary>
    public bool IsCompleted => _awaitable.GetStatus(_version) != ValueTaskSourceStatus.Pending;

    /// <summary>The result; ends the await.</summary>
    /// <exception cref="InvalidOperationException">It was taken already, or the op is still with the
    /// kernel.</exception>
    [StackTraceHidden]
    public OpResult GetResult() => _awaitable.GetResult(_version);

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => Resume(
        continuation,
        ValueTaskSourceOnCompletedFlags.UseSchedulingContext
            | ValueTaskSourceOnCompletedFlags.FlowExecutionContext);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) =>
        Resume(continuation, ValueTaskSourceOnCompletedFlags.UseSchedulingContext);

    void IRingAwaiter.Suspend(RingWork box) => _awaitable.Suspend(box, _version);

    private void Resume(Action continuation, ValueTaskSourceOnCompletedFlags flags) =>
        _awaitable.OnCompleted(static action => ((Action)action!)(), continuation, _version, flags);
}

// Executor layer: the task types of code that stays on the ring. Structs over a pooled box: 0 bytes once
// warm. Awaited once, on the executor's thread. Everything that can go wrong with a pooled box is caught by
// its version. A RingTask is a RingTask<T> without a result; all it does is done there.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// The result of an <c>async RingTask</c> method: its body always resumes on its executor's thread. Await it
/// once, there. Dropping it is allowed: a fault that nobody awaits is reported by the executor.
/// </summary>
[AsyncMethodBuilder(typeof(RingTaskMethodBuilder))]
public readonly struct RingTask
{
    internal readonly RingTask<NoResult> Inner;

    internal RingTask(RingTask<NoResult> inner) => Inner = inner;

    /// <summary>A task that is done.</summary>
    public static RingTask CompletedTask => default;

    /// <summary>Whether it has ended, well or not. Owner thread.</summary>
    public bool IsCompleted => Inner.IsCompleted;

    /// <summary>
    /// The await at which its body is suspended, as "echo.cs:23", from the PDB; null when it runs or has
    /// ended, without a PDB, and in NativeAOT. For reports: slow. Owner thread.
    /// </summary>
    public string? Location => Inner.Location;

    /// <summary>For await.</summary>
    public RingTaskAwaiter GetAwaiter() => new(Inner.GetAwaiter());

    /// <summary>
    /// As a Task, for code that awaits several times or elsewhere. This is the one await of the RingTask.
    /// </summary>
    public Task AsTask() => Inner.AsTask();
}

/// <summary>A <see cref="RingTask"/> with a result.</summary>
[AsyncMethodBuilder(typeof(RingTaskMethodBuilder<>))]
public readonly struct RingTask<T>
{
    private readonly RingTaskBox<T>? _box;
    private readonly T _result;
    private readonly short _version;

    internal RingTask(RingTaskBox<T>? box, T result)
    {
        _box = box;
        _version = box?.Version ?? 0;
        _result = result;
    }

    /// <inheritdoc cref="RingTask.IsCompleted"/>
    public bool IsCompleted => _box is null || _box.IsDone(_version);

    /// <inheritdoc cref="RingTask.Location"/>
    public string? Location => _box?.Location(_version);

    /// <summary>For await.</summary>
    public RingTaskAwaiter<T> GetAwaiter() => new(_box, _version, _result);

    /// <inheritdoc cref="RingTask.AsTask"/>
    public async Task<T> AsTask() => await this;
}

/// <summary>Awaits a <see cref="RingTask"/>. Used by the compiler. Owner thread.</summary>
public readonly struct RingTaskAwaiter : ICriticalNotifyCompletion, IRingAwaiter
{
    private readonly RingTaskAwaiter<NoResult> _inner;

    internal RingTaskAwaiter(RingTaskAwaiter<NoResult> inner) => _inner = inner;

    /// <summary>Whether it has ended.</summary>
    public bool IsCompleted => _inner.IsCompleted;

    /// <summary>Ends the await: rethrows what the body threw. Once.</summary>
    /// <exception cref="InvalidOperationException">It is still running: blocking on it would wait for
    /// ever.</exception>
    public void GetResult() => _inner.GetResult();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => _inner.OnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => _inner.OnCompleted(continuation);

    void IRingAwaiter.Suspend(RingWork box) => _inner.Suspend(box);
}

/// <summary>Awaits a <see cref="RingTask{T}"/>. Used by the compiler. Owner thread.</summary>
public readonly struct RingTaskAwaiter<T> : ICriticalNotifyCompletion, IRingAwaiter
{
    private readonly RingTaskBox<T>? _box;
    private readonly T _result;
    private readonly short _version;

    internal RingTaskAwaiter(RingTaskBox<T>? box, short version, T result)
    {
        _box = box;
        _version = version;
        _result = result;
    }

    /// <summary>Whether it has ended.</summary>
    public bool IsCompleted => _box is null || _box.IsReady(_version);

    /// <summary>Ends the await: the result, or what the body threw. Once.</summary>
    /// <exception cref="InvalidOperationException">It is still running: blocking on it would wait for
    /// ever.</exception>
    public T GetResult() => _box is null ? _result : _box.TakeResult(_version);

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => _box!.SetContinuation(continuation, _version);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => OnCompleted(continuation);

    internal void Suspend(RingWork box) => _box!.SetContinuation(box, _version);

    void IRingAwaiter.Suspend(RingWork box) => Suspend(box);
}

// Executor layer: the task types of code that stays on the ring. Structs over a pooled box: 0 bytes once warm. Awaited once,
// on the executor's thread. Everything that can go wrong with a pooled box is caught by its version.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// The result of an <c>async RingTask</c> method: its body always resumes on its executor's thread. Await it once, there.
/// Dropping it is allowed: a fault that nobody awaits is reported by the executor.
/// </summary>
[AsyncMethodBuilder(typeof(RingTaskMethodBuilder))]
public readonly struct RingTask
{
    internal readonly RingTaskBox? Box;
    internal readonly short Version;

    internal RingTask(RingTaskBox? box, short version)
    {
        Box = box;
        Version = version;
    }

    /// <summary>A task that is done.</summary>
    public static RingTask CompletedTask => default;

    /// <summary>Whether it has ended, well or not.</summary>
    public bool IsCompleted => Box is null || Box.IsDone(Version);

    /// <summary>
    /// The await at which its body is suspended, as "echo.cs:23", from the PDB; null when it runs or has ended, without a PDB, and in
    /// NativeAOT. For reports: slow. Owner thread.
    /// </summary>
    public string? Location => Box?.Location(Version);

    /// <summary>For await.</summary>
    public RingTaskAwaiter GetAwaiter() => new(Box, Version);

    /// <summary>As a Task, for code that awaits several times or elsewhere. This is the one await of the RingTask.</summary>
    public async Task AsTask() => await this;
}

/// <summary>A <see cref="RingTask"/> with a result.</summary>
[AsyncMethodBuilder(typeof(RingTaskMethodBuilder<>))]
public readonly struct RingTask<T>
{
    private readonly RingTaskBox<T>? _box;
    private readonly T _result;
    private readonly short _version;

    internal RingTask(RingTaskBox<T>? box, short version, T result)
    {
        _box = box;
        _version = version;
        _result = result;
    }

    /// <summary>Whether it has ended, well or not.</summary>
    public bool IsCompleted => _box is null || _box.IsDone(_version);

    /// <inheritdoc cref="RingTask.Location"/>
    public string? Location => _box?.Location(_version);

    /// <summary>For await.</summary>
    public RingTaskAwaiter<T> GetAwaiter() => new(_box, _version, _result);

    /// <summary>As a Task, for code that awaits several times or elsewhere. This is the one await of the RingTask.</summary>
    public async Task<T> AsTask() => await this;
}

/// <summary>Awaits a <see cref="RingTask"/>. Used by the compiler.</summary>
public readonly struct RingTaskAwaiter : ICriticalNotifyCompletion, IRingAwaiter
{
    private readonly RingTaskBox? _box;
    private readonly short _version;

    internal RingTaskAwaiter(RingTaskBox? box, short version)
    {
        _box = box;
        _version = version;
    }

    /// <summary>Whether it has ended.</summary>
    public bool IsCompleted => _box is null || _box.IsReady(_version);

    /// <summary>Ends the await: rethrows what the body threw. Once.</summary>
    public void GetResult() => _box?.Take(_version);

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => _box!.SetContinuation(continuation, _version);

    void IRingAwaiter.Suspend(RingWork box) => _box!.SetContinuation(box, _version);
}

/// <summary>Awaits a <see cref="RingTask{T}"/>. Used by the compiler.</summary>
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
    public T GetResult() => _box is null ? _result : _box.TakeResult(_version);

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => _box!.SetContinuation(continuation, _version);

    void IRingAwaiter.Suspend(RingWork box) => _box!.SetContinuation(box, _version);
}

// Executor layer: what the compiler calls for an `async RingTask` method. Eight members, numbered as the
// compiler needs them. The state machine starts on the stack; at its first suspension it is copied into a
// pooled box, and from then on lives there. It schedules nothing itself: boxes do.

// Stands for "no result" in a RingTask's box. Not a type of our own: Task<bool> comes compiled with the base
// library.
global using NoResult = bool;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>Builds <see cref="RingTask"/>. Called by the compiler.</summary>
public struct RingTaskMethodBuilder
{
    private RingTaskMethodBuilder<NoResult> _inner;

    /// <summary>1. Create: before anything else, at the call of the async method.</summary>
    public static RingTaskMethodBuilder Create() => default;

    /// <summary>2. Start: runs the method up to its first await that has to wait.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => _inner.Start(ref stateMachine);

    /// <summary>3. Task: what the caller gets, after Start has come back.</summary>
    public readonly RingTask Task => new(_inner.Task);

    /// <summary>4. SetResult: the method has returned.</summary>
    public void SetResult() => _inner.SetResult(default);

    /// <summary>5. SetException: the method has thrown.</summary>
    public void SetException(Exception exception) => _inner.SetException(exception);

    /// <summary>
    /// 6. AwaitOnCompleted: an await has to wait, on an awaiter that flows the execution context itself.
    /// </summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(
        ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _inner.AwaitOnCompleted(ref awaiter, ref stateMachine);

    /// <summary>
    /// 7. AwaitUnsafeOnCompleted: an await has to wait; the builder flows the execution context.
    /// </summary>
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(
        ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        _inner.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);

    /// <summary>
    /// 8. SetStateMachine: from the days of boxed state machines; never called for a struct.
    /// </summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }
}

/// <summary>
/// Builds <see cref="RingTask{T}"/>. Called by the compiler; the members are those of <see
/// cref="RingTaskMethodBuilder"/>.
/// </summary>
public struct RingTaskMethodBuilder<T>
{
    // Of a method that never had to wait: it needs no box.
    private T _result;

    internal RingTaskBox<T>? Box { readonly get; private set; }

    /// <summary>1. Create.</summary>
    public static RingTaskMethodBuilder<T> Create() => default;

    /// <summary>
    /// 2. Start, and undoes what the method did to the caller's contexts, as the base library's builders do.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        LoopContexts before = LoopContexts.Now();
        try
        {
            stateMachine.MoveNext();
        }
        finally
        {
            before.Restore();
        }
    }

    /// <summary>3. Task.</summary>
    public readonly RingTask<T> Task => new(Box, _result);

    /// <summary>4. SetResult.</summary>
    public void SetResult(T result)
    {
        if (Box is null)
            _result = result;
        else
            Box.SetResult(result);
    }

    /// <summary>5. SetException.</summary>
    public void SetException(Exception exception)
    {
        Box ??= new RingTaskBox<T>();
        Box.SetException(exception);
    }

    /// <summary>6. AwaitOnCompleted.</summary>
    public void AwaitOnCompleted<TAwaiter, TStateMachine>(
        ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.OnCompleted(Suspend(ref stateMachine).Continuation!);

    /// <summary>7. AwaitUnsafeOnCompleted.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(
        ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        RingTaskBox<T> box = Suspend(ref stateMachine);

        // Known to the JIT per TAwaiter: our own awaiters take the box itself, without a delegate.
        if (default(TAwaiter) is not null && awaiter is IRingAwaiter)
            ((IRingAwaiter)awaiter).Suspend(box);
        else
            HandOver(ref awaiter, box);
    }

    /// <summary>8. SetStateMachine.</summary>
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    /// <summary>
    /// An awaiter of the base library, mostly a ValueTask's. If one of our awaitables stands behind it, it
    /// recognises the delegate through Suspending and keeps the box instead: no delegate and no context on
    /// the way back.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HandOver<TAwaiter>(ref TAwaiter awaiter, RingTaskBox<T> box)
        where TAwaiter : ICriticalNotifyCompletion
    {
        OpDriver driver = box.Executor.Driver;
        driver.Suspending = box;
        awaiter.UnsafeOnCompleted(box.Continuation!);
        driver.Suspending = null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RingTaskBox<T> Suspend<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        RingTaskBox<T>? box = Box;
        if (box is null)
            return FirstSuspension(ref stateMachine);
        box.CaptureFlow();
        return box;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private RingTaskBox<T> FirstSuspension<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        var box = RingTaskBox<T, TStateMachine>.Rent(RingExecutor.Required);

        // Before the copy: the builder inside the copied state machine must know its box.
        Box = box;
        box.StateMachine = stateMachine;
        box.CaptureFlow();
        return box;
    }
}

// Op layer: the machine behind every multishot sequence: armed, drained at a cap or on leaving, armed again when the kernel ended
// it without being asked. Derived streams say how to arm, what a CQE yields, and how to release what nobody took. One consumer,
// owner thread. States and moves: MultishotState.

using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>One SQE, many results, as an async sequence.</summary>
internal abstract class MultishotStream<T> : OpAwaitable, IAsyncEnumerator<T>, IValueTaskSource<bool>, IValueTaskSource
{
    private readonly Queue<T> _results = new();
    private readonly RingHandle _handle;
    private readonly int _cap;
    private MultishotState _state;
    private bool _waiting;
    private bool _leaving;
    private bool _ended;
    private bool _endAsked; // Its handle's ops are to end: it must not be armed again by itself.

    /// <param name="handle">Whose op.</param>
    /// <param name="token">Ends the sequence after the results that came before.</param>
    /// <param name="cap">Results kept for the consumer before the multishot is cancelled until it has caught up.</param>
    protected MultishotStream(RingHandle handle, CancellationToken token, int cap)
    {
        Driver = OpDriver.Required;
        _handle = handle;
        Token = token;
        _cap = cap;
    }

    public T Current { get; private set; } = default!;

    protected CancellationToken Token { get; }

    protected override ValueTaskSourceStatus CompletedStatus => ValueTaskSourceStatus.Succeeded;

    /// <summary>Writes the SQE.</summary>
    protected abstract void Arm();

    /// <summary>What a CQE yields: through <see cref="Keep"/>, or nothing. False: the sequence ends with it.</summary>
    protected abstract bool Take(int res, uint flags);

    /// <summary>It was cancelled as asked, and this last CQE brought nothing.</summary>
    protected virtual void Cancelled()
    {
    }

    /// <summary>What nobody took.</summary>
    protected abstract void Release(T result);

    /// <summary>The consumer is told when the sequence has ended; throws what ended it.</summary>
    protected virtual void ThrowIfFailed()
    {
    }

    protected void Keep(T result) => _results.Enqueue(result);

    public ValueTask<bool> MoveNextAsync()
    {
        Driver.ThrowIfNotOwner();
        if (_results.TryDequeue(out T? result))
        {
            Current = result;
            return new ValueTask<bool>(true);
        }

        if (_state == MultishotState.Idle)
        {
            if (_ended || Driver.Stopping || Token.IsCancellationRequested)
                _state.Move(MultishotState.Ended);
            else
                _handle.ThrowIfNotReady();
        }

        _waiting = true;
        Begin(Driver);
        if (_state == MultishotState.Ended)
            Wake(); // GetResult tells.
        else if (_state == MultishotState.Idle)
            StartArmed(); // Its consumer waits already: what is reaped in there wakes it.
        return new ValueTask<bool>(this, Version);
    }

    private void StartArmed()
    {
        _endAsked = false;
        _state.Move(MultishotState.Armed); // Before the SQE: finding room for it may reap, and a token that strikes just now cancels it.
        Arm();
    }

    internal override void Progress(int res, uint flags)
    {
        Take(res, flags);
        if (_leaving)
            return; // Then only the last CQE ends the wait.
        if (_results.Count >= _cap && _state == MultishotState.Armed)
            Drain();
        Wake();
    }

    internal override void Complete(int res, uint flags, int step)
    {
        bool over = Token.IsCancellationRequested || Driver.Stopping;
        bool asked = over || (_state == MultishotState.Draining && !_endAsked);
        if (res == -Errno.ECANCELED && asked)
            Cancelled();
        else if (!Take(res, flags))
            _ended = true;
        _state.Move(MultishotState.Idle);
        if (_leaving)
        {
            _state.Move(MultishotState.Ended);
            ReleaseUntaken();
        }
        else if (_waiting && _results.Count == 0 && !_ended && !over && !_handle.IsDisposed)
        {
            StartArmed(); // It brought nothing, or ended at the cap after the consumer had caught up: the consumer goes on waiting.
            return;
        }

        Wake();
    }

    internal override void CancelLoan(ulong key)
    {
        _endAsked = true;
        base.CancelLoan(key);
    }

    private void Drain()
    {
        _state.Move(MultishotState.Draining);
        Driver.Cancel(Key);
    }

    private void Wake()
    {
        if (!_waiting)
            return;
        _waiting = false;
        base.Complete(0, 0, 0);
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        Take(token);
        if (_results.TryDequeue(out T? result))
        {
            Current = result;
            return true;
        }

        if (_state == MultishotState.Idle)
            _state.Move(MultishotState.Ended);
        ThrowIfFailed();
        Token.ThrowIfCancellationRequested();
        return false;
    }

    /// <summary>Leaves: cancels, waits for the last CQE, releases what came and was not taken.</summary>
    public ValueTask DisposeAsync()
    {
        Driver.ThrowIfNotOwner();
        _leaving = true;
        if (_state is MultishotState.Armed or MultishotState.Draining)
        {
            if (_state == MultishotState.Armed)
                Drain();
            if (!_waiting) // Else a MoveNextAsync that nobody awaits any more: its object waits for the last CQE all the same.
                Begin(Driver);
            _waiting = true;
            return new ValueTask(this, Version);
        }

        if (_state == MultishotState.Idle)
            _state.Move(MultishotState.Ended);
        ReleaseUntaken();
        return default;
    }

    void IValueTaskSource.GetResult(short token) => Take(token);

    protected override void ReleaseUntaken()
    {
        while (_results.TryDequeue(out T? result))
            Release(result);
    }
}

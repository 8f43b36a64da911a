// Op layer: the machine behind every multishot sequence: armed, drained at a cap or on leaving, armed again
// when the kernel ended it without being asked. Derived streams say how to arm, what a CQE yields, and how to
// release what nobody took. One consumer, owner thread. States and moves: MultishotState.
//
// Who owns a result that has come and was not taken: this object, in _results, and it releases them
//   when the consumer leaves                     DisposeAsync, or the last CQE after it
//   when its handle closes and nobody waits      its SequenceLink tells it, or the last CQE after it
//   when its executor ends                       SequenceList.ReleaseAll
//   when the consumer is gone without a word     the finalizer
// A peer cannot fill _results: at the cap the multishot is cancelled, and only results that are already on
// their way can exceed it.

using System.Diagnostics;
using System.Threading.Tasks.Sources;
using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>One SQE, many results, as an async sequence.</summary>
internal abstract class MultishotStream<T>
    : OpSequence, IAsyncEnumerator<T>, IValueTaskSource<bool>, IValueTaskSource
{
    private readonly Queue<T> _results = new();
    private readonly RingHandle _handle;
    private readonly SequenceLink _link;
    private readonly int _cap;
    private MultishotState _state;
    // From the first arming to the end.
    private CancellationTokenRegistration _registration;

    /// <param name="handle">Whose op.</param>
    /// <param name="token">Ends the sequence after the results that came before.</param>
    /// <param name="cap">Results kept for the consumer before the multishot is cancelled until it has caught
    /// up.</param>
    protected MultishotStream(RingHandle handle, CancellationToken token, int cap)
    {
        Driver = OpDriver.Required;
        _handle = handle;
        Token = token;
        _cap = cap;
        _link = new SequenceLink(this);
        Driver.Sequences.Add(_link);
        handle.Add(_link);
    }

    public T Current { get; private set; } = default!;

    protected CancellationToken Token { get; }

    protected override ValueTaskSourceStatus CompletedStatus => ValueTaskSourceStatus.Succeeded;

    internal override bool HasEnded => _state == MultishotState.Ended && _results.Count == 0;

    protected override bool IsOwed => _results.Count > 0;

    /// <summary>Not pooled: a cancel always means this sequence.</summary>
    internal override bool CanCancel(short version) => true;

    /// <summary>Whether nobody will take what still comes.</summary>
    private bool IsForNobody =>
        _state == MultishotState.Leaving || (!IsPending && (_handle.IsDisposed || Driver.Stopping));

    /// <summary>What arming takes beside a slot and an SQE; may throw.</summary>
    protected virtual void PrepareToArm()
    {
    }

    /// <summary>Writes the SQE of an admitted op.</summary>
    protected abstract void Arm();

    /// <summary>
    /// What a CQE yields: through <see cref="Keep"/>, or nothing. False: the sequence ends with it.
    /// </summary>
    protected abstract bool TakeIn(int res, uint flags);

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

    /// <summary>
    /// Keeps a result for the consumer. False when there is no memory to keep it; it is released then.
    /// </summary>
    protected bool Keep(T result)
    {
        try
        {
            _results.Enqueue(result);
            return true;
        }
        catch (OutOfMemoryException)
        {
            Release(result);
            return false;
        }
    }

    protected bool TryTake(out T? result) => _results.TryDequeue(out result);

    private bool MovesOn()
    {
        bool any = _results.TryDequeue(out T? result);
        if (any)
            Current = result!;
        return any;
    }

    public ValueTask<bool> MoveNextAsync()
    {
        Driver.ThrowIfNotOwner();
        if (!IsTaken)
            throw new InvalidOperationException(
                "The sequence is asked for its next element already: await each before the next.");
        if (MovesOn())
            return new ValueTask<bool>(true);
        if (_state == MultishotState.Idle)
        {
            if (Driver.Stopping || Token.IsCancellationRequested)
                _state.Move(MultishotState.Ended);
            else
                _handle.ThrowIfNotReady();
        }

        int refused = _state == MultishotState.Idle ? TryPrepare() : 0;
        Begin(Driver);
        // GetResult tells.
        if (_state == MultishotState.Ended)
            SetResult(0, 0);
        else if (_state == MultishotState.Idle)
            ArmOrEnd(refused);
        return new ValueTask<bool>(this, Version);
    }

    private int TryPrepare()
    {
        if (_registration == default && Token.CanBeCanceled)
            _registration = Token.UnsafeRegister(CancelCallback, this);
        PrepareToArm();
        int refused = Driver.Admit(Token);
        if (refused < 0)
            Cancelled();
        return refused;
    }

    private void ArmOrEnd(int refused)
    {
        if (refused < 0)
        {
            if (!TakeIn(refused, 0))
                _state.Move(MultishotState.Ended);
            SetResult(0, 0);
            return;
        }

        _state.Move(MultishotState.Armed);
        Arm();
    }

    internal override void OnMore(int res, uint flags)
    {
        if (!TakeIn(res, flags))
            OnCancel();
        if (_state == MultishotState.Leaving)
        {
            ReleaseUntaken();
            // Only the last CQE ends the wait.
            return;
        }

        if (_results.Count >= _cap && _state == MultishotState.Armed)
        {
            _state.Move(MultishotState.Draining);
            Driver.Cancel(Key);
        }

        // With nothing kept the consumer goes on waiting: it would take that for the end.
        if (IsPending && _results.Count > 0)
            SetResult(0, 0);
    }

    internal override void OnTerminal(int res, uint flags, int step)
    {
        bool over = Token.IsCancellationRequested || Driver.Stopping;
        bool asked = over || _state is MultishotState.Draining or MultishotState.Leaving;
        bool goesOn = true;
        if (res == -ECANCELED && asked)
            Cancelled();
        else
            goesOn = TakeIn(res, flags);
        if (IsForNobody)
            ReleaseUntaken();
        _state.Move(goesOn && _state != MultishotState.Leaving ? MultishotState.Idle : MultishotState.Ended);

        // The CQE brought nothing, or the multishot ended at its cap after the consumer had caught up: it is
        // armed again, and the consumer goes on waiting.
        if (_state == MultishotState.Idle && IsPending && _results.Count == 0 && !over && !_handle.IsDisposed)
            ArmAgain();
        else if (IsPending)
            SetResult(0, 0);
    }

    private void ArmAgain()
    {
        int refused;
        try
        {
            PrepareToArm();
            refused = Driver.AdmitAgain();
        }
        catch (OutOfMemoryException)
        {
            refused = -ENOMEM;
        }

        ArmOrEnd(refused);
    }

    internal override void OnCancel()
    {
        if (_state is not (MultishotState.Armed or MultishotState.Draining))
            return;
        _state.Move(MultishotState.Ending);
        Driver.Cancel(Key);
    }

    [StackTraceHidden]
    bool IValueTaskSource<bool>.GetResult(short token)
    {
        Take(token);
        if (MovesOn())
            return true;
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
        _registration.Dispose();
        _handle.Remove(_link);
        ReleaseUntaken();
        if (_state == MultishotState.Idle)
            _state.Move(MultishotState.Ended);
        if (_state == MultishotState.Ended)
            return default;
        if (_state != MultishotState.Leaving)
        {
            _state.Move(MultishotState.Leaving);
            Driver.Cancel(Key);
        }

        // If a MoveNextAsync is still pending, nobody awaits it any more, and this same object now waits for
        // the last CQE.
        if (!IsPending)
        {
            // Nor will anybody take what it brought.
            if (!IsTaken)
                Take(Version);
            Begin(Driver);
        }

        return new ValueTask(this, Version);
    }

    void IValueTaskSource.GetResult(short token) => Take(token);

    protected override void ReleaseUntaken()
    {
        while (_results.TryDequeue(out T? result))
            Release(result);
    }
}

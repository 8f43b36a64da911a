// Op layer: one SQE, many CQEs, as an async sequence. The kernel may end a multishot at any CQE without being asked: only
// F_MORE tells, and then the next wait arms it again. Leaving the loop cancels it, waits for its last CQE and releases what
// nobody took. Where the kernel has no multishot, each round is a one-shot op behind the same sequence.

using System.Threading.Tasks.Sources;
using RingCore.Sys;
using static RingCore.Sys.OpFlags;

namespace RingCore;

/// <summary>
/// A description of a multishot request. Enumerating it arms it on the current executor; errors arrive as results, and going on
/// after one arms it again. Ends when its executor stops.
/// </summary>
public sealed class MultishotOp : IAsyncEnumerable<OpResult>
{
    private readonly Op _op;

    internal MultishotOp(Op op) => _op = op;

    /// <inheritdoc cref="Op.Explain"/>
    public string Explain() => $"{_op.Explain()} · multishot: one SQE, a CQE per result until one lacks F_MORE";

    /// <summary>Starts a sequence. Owner thread; one consumer.</summary>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/> after the results that came before.</param>
    public IAsyncEnumerator<OpResult> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        new Stream(OpDriver.Required, _op, cancellationToken);

    private sealed class Stream : OpAwaitable, IAsyncEnumerator<OpResult>, IValueTaskSource<bool>, IValueTaskSource
    {
        private readonly Op _op;
        private readonly Queue<OpResult> _results = new();
        private readonly CancellationToken _token;
        private readonly bool _isAccept;
        private readonly bool _multishot;
        private MultishotState _state;
        private bool _waiting;
        private bool _leaving;

        internal Stream(OpDriver driver, Op op, CancellationToken token)
        {
            Driver = driver;
            _op = op;
            _token = token;
            _isAccept = op.Code == io_uring_op.IORING_OP_ACCEPT;

            // FALLBACK MultishotAccept (5.19), MultishotPoll (5.13): one-shot ops, one per result.
            _multishot = driver.Ring.Features.HasFlag(_isAccept ? RingFeatures.MultishotAccept : RingFeatures.MultishotPoll);
        }

        public OpResult Current { get; private set; }

        protected override ValueTaskSourceStatus CompletedStatus => ValueTaskSourceStatus.Succeeded;

        public ValueTask<bool> MoveNextAsync()
        {
            Driver.ThrowIfNotOwner();
            if (_results.TryDequeue(out OpResult result))
            {
                Current = result;
                return new ValueTask<bool>(true);
            }

            if (_state == MultishotState.Idle && Driver.Stopping)
                _state.Move(MultishotState.Ended);
            if (_state == MultishotState.Ended)
                return new ValueTask<bool>(false);
            if (_state == MultishotState.Idle)
            {
                if (_token.IsCancellationRequested)
                {
                    _state.Move(MultishotState.Ended);
                    return ValueTask.FromException<bool>(new OperationCanceledException(_token));
                }

                Arm();
            }

            _waiting = true;
            Begin(Driver);
            return new ValueTask<bool>(this, Version);
        }

        private void Arm()
        {
            _op.ThrowIfDisposed();
            _state.Move(MultishotState.Armed);
            ushort ioprio = _multishot && _isAccept ? IORING_ACCEPT_MULTISHOT : (ushort)0;
            uint pollFlags = _multishot && !_isAccept ? IORING_POLL_ADD_MULTI : 0;
            _op.Write(Driver, this, step: 0, _token, linked: false, ioprio, pollFlags);
        }

        internal override void Progress(int res, uint flags)
        {
            _results.Enqueue(new OpResult(res, flags));
            if (!_leaving) // Then only the last CQE ends the wait.
                Wake();
        }

        internal override void Complete(int res, uint flags, int step)
        {
            bool asked = _state == MultishotState.Draining || _token.IsCancellationRequested || Driver.Stopping;
            _state.Move(MultishotState.Idle);
            if (res != -Errno.ECANCELED || !asked)
                _results.Enqueue(new OpResult(res, flags));
            if (_leaving)
            {
                _state.Move(MultishotState.Ended);
                ReleaseUntaken();
            }

            Wake();
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
            if (_results.TryDequeue(out OpResult result))
            {
                Current = result;
                return true;
            }

            if (_state == MultishotState.Idle)
                _state.Move(MultishotState.Ended);
            _token.ThrowIfCancellationRequested();
            return false;
        }

        /// <summary>Leaves: cancels, waits for the last CQE, closes what was accepted and not taken.</summary>
        public ValueTask DisposeAsync()
        {
            Driver.ThrowIfNotOwner();
            if (_state == MultishotState.Armed)
            {
                _leaving = true;
                _state.Move(MultishotState.Draining);
                Driver.Cancel(Key);
                _waiting = true;
                Begin(Driver);
                return new ValueTask(this, Version);
            }

            if (_state == MultishotState.Idle)
                _state.Move(MultishotState.Ended);
            ReleaseUntaken();
            return default;
        }

        void IValueTaskSource.GetResult(short token) => Take(token);

        /// <summary>While leaving, only the last CQE ends the wait.</summary>
        internal override void CancelAsked()
        {
            if (_state == MultishotState.Armed)
                base.CancelAsked();
        }

        protected override void ReleaseUntaken()
        {
            while (_results.TryDequeue(out OpResult result))
            {
                if (_isAccept && result.Res >= 0)
                    Driver.CloseFd(result.Res);
            }
        }
    }
}

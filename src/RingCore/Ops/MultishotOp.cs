// Op layer: accept and poll as sequences of OpResults: one SQE, many CQEs. Where the kernel has no multishot, each round is a
// one-shot op behind the same sequence. The machine is MultishotStream.

using RingCore.Sys;

namespace RingCore;

/// <summary>
/// A description of a multishot request. Enumerating it arms it on the current executor; errors arrive as results, and going on
/// after one arms it again. Leaving the loop cancels it and closes connections that nobody took. Ends when its executor stops.
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
        new Stream(_op, cancellationToken);

    private sealed class Stream : MultishotStream<OpResult>
    {
        private readonly Op _op;
        private readonly bool _isAccept;
        private readonly bool _multishot;

        internal Stream(Op op, CancellationToken token)
            : base(op.Handle!, token, cap: int.MaxValue) // The backlog and the CQ bound it.
        {
            _op = op;
            _isAccept = op.Code == io_uring_op.IORING_OP_ACCEPT;

            // FALLBACK MultishotAccept (5.19), MultishotPoll (5.13): one-shot ops, one per result.
            _multishot = Driver.Ring.Features.HasFlag(_isAccept ? RingFeatures.MultishotAccept : RingFeatures.MultishotPoll);
        }

        protected override void Arm() => _op.Write(Driver, this, step: 0, Token, linked: false, _multishot);

        protected override bool Take(int res, uint flags)
        {
            Keep(new OpResult(res, flags));
            return true;
        }

        protected override void Release(OpResult result)
        {
            if (_isAccept && result.Res >= 0)
                Driver.CloseFd(result.Res);
        }
    }
}

// Op layer: accept and poll as sequences of OpResults: one SQE, many CQEs. Where the kernel has no multishot,
// each round is a one-shot op behind the same sequence. The machine is MultishotStream.

using static RingCore.Sys.io_uring_op;

namespace RingCore;

/// <summary>
/// A description of a multishot request. Enumerating it arms it on the current executor; errors arrive as
/// results, and going on after one arms it again. Leaving the loop cancels it and closes connections that
/// nobody took. Ends when its executor stops.
/// </summary>
public sealed class MultishotOp : IAsyncEnumerable<OpResult>
{
    private readonly Op _op;
    private readonly int _cap;

    internal MultishotOp(Op op, int cap)
    {
        _op = op;
        _cap = cap;
    }

    /// <inheritdoc cref="Op.Explain"/>
    public string Explain() =>
        $"{_op.Explain()} · multishot: one SQE, a CQE per result until one lacks F_MORE";

    /// <summary>Starts a sequence. Owner thread; one consumer.</summary>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/> after the
    /// results that came before.</param>
    public IAsyncEnumerator<OpResult> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _op.Code == IORING_OP_ACCEPT
            ? new Stream(_op, cancellationToken, _cap, RingFeatures.MultishotAccept)
            : new Polls(_op, cancellationToken);

    private class Stream(Op op, CancellationToken token, int cap, RingFeatures feature)
        : MultishotStream<OpResult>(op.Handle!, token, cap)
    {
        // FALLBACK MultishotAccept (5.19), MultishotPoll (5.13): one-shot ops, one per result.
        protected override void Arm() =>
            op.Prepare(Driver, this, loans: null, multishot: Driver.Ring.Features.HasFlag(feature));

        protected override bool TakeIn(int res, uint flags)
        {
            Keep(new OpResult(res, flags));
            // An error is a result, and the consumer's to judge.
            return true;
        }

        protected override void Release(OpResult result)
        {
            if (op.YieldsFd && result.Res >= 0)
                Driver.CloseFd(result.Res);
        }
    }

    /// <summary>Keeps one mask: what comes before it is taken is or-ed into it.</summary>
    private sealed class Polls(Op op, CancellationToken token)
        : Stream(op, token, cap: int.MaxValue, RingFeatures.MultishotPoll)
    {
        protected override bool TakeIn(int res, uint flags)
        {
            if (res >= 0 && TryTake(out OpResult earlier))
            {
                if (earlier.Res >= 0)
                    return base.TakeIn(res | earlier.Res, flags);
                Keep(earlier);
            }

            return base.TakeIn(res, flags);
        }
    }
}

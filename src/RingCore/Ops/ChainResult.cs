// Op layer: what the steps of a chain ended with. A value: the chain has ended, and nothing is lent any more.

using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>What became of each step of a chain.</summary>
public readonly struct ChainResult
{
    internal ChainResult(OpResult[] steps) => Steps = steps;

    /// <summary>One result per step, in order; steps behind a broken one have −ECANCELED.</summary>
    public IReadOnlyList<OpResult> Steps { get; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"[{string.Join("; ", Steps)}]{(BrokenAt < 0 ? "" : $" broken at {BrokenAt}")}";

    /// <summary>
    /// Whether every step ran and none failed. A short last step counts as success: look at its Res.
    /// </summary>
    public bool IsSuccess => BrokenAt < 0;

    /// <summary>
    /// Index of the step that broke the chain, by an error or by a short transfer; −1 when none did.
    /// </summary>
    public int BrokenAt
    {
        get
        {
            for (int i = 0; i < Steps.Count; i++)
            {
                if (Steps[i].Res < 0)
                    // Cancelled because the one before was short.
                    return i > 0 && Steps[i].Res == -ECANCELED ? i - 1 : i;
            }

            return -1;
        }
    }
}

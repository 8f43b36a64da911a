// Op layer: ops that the kernel runs one after the other without coming back to us (IOSQE_IO_LINK). A chain reserves its SQEs
// together or not at all: a chain cut in two by a full queue would be two chains. Each step keeps its own slot, loans and
// result. A short read or write breaks a chain as an error does. It never falls back to running steps from user space.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>A description of linked requests. Cold, as <see cref="Op"/>: each await submits it anew.</summary>
public sealed class OpChain
{
    private readonly Op[] _steps;

    internal OpChain(Op[] steps) => _steps = steps;

    /// <summary>Steps in the chain, at most 255.</summary>
    public int Count => _steps.Length;

    /// <summary>A chain with one more step.</summary>
    public OpChain Then(Op next)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_steps.Length, 254);
        return new([.. _steps, next]);
    }

    /// <summary>The SQEs that an await would write, one a line.</summary>
    public string Explain() => string.Join(Environment.NewLine, _steps.Select((step, i) =>
        i < _steps.Length - 1 ? $"{step.Explain()} · IO_LINK to the next" : step.Explain()));

    /// <inheritdoc/>
    public override string ToString() => Explain();

    /// <summary>Submits the whole chain with the next enter. For one await, on the owner thread.</summary>
    /// <param name="token">Cancels the step that runs; the steps behind it then end with −ECANCELED.</param>
    public ValueTask<ChainResult> Start(CancellationToken token = default)
    {
        OpDriver driver = OpDriver.Required;
        int pins = 0;
        foreach (ref readonly Op step in _steps.AsSpan())
        {
            step.ThrowIfUnusable();
            pins += step.PinCount;
        }

        bool refused = Op.Refused(driver, token);
        ChainRun run = driver.Chains.Rent();
        CollectionsMarshal.SetCount(run.Pins, refused ? 0 : pins);
        Span<MemoryHandle> taken = CollectionsMarshal.AsSpan(run.Pins);
        if (!refused)
            Op.Pin(driver, _steps, taken); // If it throws, the run is the GC's.
        run.Begin(driver, _steps);
        if (refused)
            driver.Refuse(run);
        for (int i = 0; i < _steps.Length && !refused; i++)
        {
            // The token hangs on the last step: its CQE is the chain's last, so the registration lives as long as the chain.
            bool last = i == _steps.Length - 1;
            ref readonly Op step = ref _steps[i];
            step.Write(driver, run, step: i, last ? token : default, linked: !last, pins: taken[..step.PinCount]);
            taken = taken[step.PinCount..];
            run.Keys.Add(run.Key);
        }

        run.Pins.Clear(); // The slots have them now.
        if (!refused && token.IsCancellationRequested)
            run.CancelAsked(); // It struck while the last step was written, whose key it could not know yet.

        return new ValueTask<ChainResult>(run, run.Version);
    }

    /// <summary>Submits a new run of this chain.</summary>
    public ValueTaskAwaiter<ChainResult> GetAwaiter() => Start().GetAwaiter();

    /// <summary>One await of a chain. Pooled; the results are the user's to keep.</summary>
    internal sealed class ChainRun : OpAwaitable, IValueTaskSource<ChainResult>
    {
        internal readonly List<MemoryHandle> Pins = []; // Until the slots have them.
        internal readonly List<ulong> Keys = [];
        private Op[] _steps = [];
        private OpResult[] _results = [];
        private int _missing;
        private bool _cancelAsked;

        internal void Begin(OpDriver driver, Op[] steps)
        {
            Keys.Clear();
            Key = 0;
            _steps = steps;
            _results = new OpResult[steps.Length];
            _missing = steps.Length;
            _cancelAsked = false;
            Begin(driver);
        }

        protected override ValueTaskSourceStatus CompletedStatus => ValueTaskSourceStatus.Succeeded;

        protected override void ReleaseUntaken()
        {
            for (int i = 0; i < _steps.Length; i++)
            {
                if (_steps[i].YieldsFd && _results[i].Res >= 0)
                    Driver.CloseFd(_results[i].Res);
            }
        }

        internal override void Complete(int res, uint flags, int step)
        {
            // A step that never ran was cancelled by the step before it, not by its own deadline.
            if (res == -Errno.ETIME && step > 0 && _steps[step - 1].Breaks(_results[step - 1].Res))
                res = -Errno.ECANCELED;
            _results[step] = new OpResult(res, flags);
            if (--_missing == 0)
                base.Complete(0, 0, 0);
            else if (_cancelAsked)
                CancelAsked();
        }

        /// <summary>The kernel does not find a step that has not started: the one that runs is asked, and takes it along.</summary>
        internal override void CancelLoan(ulong key)
        {
            if (Keys.Contains(key)) // Else it is that of an earlier run.
                CancelAsked();
        }

        internal override void Refused()
        {
            for (int i = 0; i < _results.Length; i++)
                Complete(-Errno.ECANCELED, 0, i);
        }

        /// <summary>Only a running step can be found by the kernel: the first unfinished one. If it still succeeds, the next is asked.</summary>
        internal override void CancelAsked()
        {
            _cancelAsked = true;
            int running = _results.Length - _missing;
            if (running < Keys.Count)
                Driver.Cancel(Keys[running]);
        }

        public ChainResult GetResult(short token)
        {
            Take(token);
            var result = new ChainResult(_results);
            (_steps, _results) = ([], []);
            Driver.Chains.Return(this);
            return result;
        }
    }
}

/// <summary>What became of each step of a chain.</summary>
/// <param name="Steps">One result per step, in order; steps behind a broken one have −ECANCELED.</param>
public readonly record struct ChainResult(IReadOnlyList<OpResult> Steps)
{
    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join("; ", Steps)}]{(BrokenAt < 0 ? "" : $" broken at {BrokenAt}")}";

    /// <summary>Whether every step ran and none failed. A short last step counts as success: look at its Res.</summary>
    public bool IsSuccess => BrokenAt < 0;

    /// <summary>Index of the step that broke the chain, by an error or by a short transfer; −1 when none did.</summary>
    public int BrokenAt
    {
        get
        {
            for (int i = 0; i < Steps.Count; i++)
            {
                if (Steps[i].Res < 0)
                    return i > 0 && Steps[i].Res == -Errno.ECANCELED ? i - 1 : i; // Cancelled because the one before was short.
            }

            return -1;
        }
    }
}

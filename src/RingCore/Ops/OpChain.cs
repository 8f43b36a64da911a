// Op layer: ops that the kernel runs one after the other without coming back to us (IOSQE_IO_LINK). A chain
// reserves its SQEs together or not at all: a chain cut in two by a full queue would be two chains. Each step
// keeps its own slot, loans and result. A short read or write breaks a chain as an error does. It never falls
// back to running steps from user space.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>
/// A description of linked requests. Cold, as <see cref="Op"/>: each await prepares it anew.
/// </summary>
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

    /// <summary>The whole chain goes in with the next enter. For one await, on the owner thread.</summary>
    /// <param name="cancellationToken">Cancels the step that runs; the steps behind it then end with
    /// −ECANCELED.</param>
    /// <exception cref="NotSupportedException">
    /// A kernel before 5.18 (no <see cref="RingFeatures.SubmitAll"/>) does not have a step's opcode.
    /// </exception>
    public ValueTask<ChainResult> Start(CancellationToken cancellationToken = default)
    {
        OpDriver driver = OpDriver.Required;
        foreach (ref readonly Op step in _steps.AsSpan())
        {
            step.ThrowIfUnusable();

            // FALLBACK SubmitAll (5.18): before, a step refused as it is taken in ends the batch; what stands
            // behind it comes with the next, and runs, as a chain of its own.
            if (!driver.Ring.Features.HasFlag(RingFeatures.SubmitAll) && !driver.Ring.Supports(step.Code))
                throw new NotSupportedException(
                    $"{step.Code} is not in this kernel, and the steps behind it would run.");
        }

        ChainRun run = driver.Chains.Rent();
        run.Start(driver, _steps, cancellationToken);
        return new ValueTask<ChainResult>(run, run.Version);
    }

    /// <summary>Prepares a new run of this chain.</summary>
    public ValueTaskAwaiter<ChainResult> GetAwaiter() => Start().GetAwaiter();

    /// <summary>One await of a chain. Pooled; the results are the user's to keep.</summary>
    internal sealed class ChainRun : OpAwaitable, IValueTaskSource<ChainResult>
    {
        // One a step, kept.
        private OpLoans[] _loans = [];
        private ulong[] _keys = [];
        private Op[] _steps = [];
        private OpResult[] _results = [];
        private int _missing;

        internal override int LentBytes => _loans.Take(_steps.Length).Sum(loans => loans.Bytes);

        protected override ValueTaskSourceStatus CompletedStatus => ValueTaskSourceStatus.Succeeded;

        /// <summary>All pins, then room for all SQEs, before the first step is begun.</summary>
        internal void Start(OpDriver driver, Op[] steps, CancellationToken token)
        {
            int sqes = 0;
            int refused;
            Driver = driver;
            try
            {
                Array.Resize(ref _keys, Math.Max(_keys.Length, steps.Length));
                while (_loans.Length < steps.Length)
                    _loans = [.. _loans, new OpLoans()];
                _results = new OpResult[steps.Length];
                _steps = steps;
                for (int i = 0; i < steps.Length; i++)
                {
                    sqes += steps[i].SqeCount;
                    steps[i].Lend(driver, _loans[i]);
                }

                // A Pin may have disposed a handle.
                foreach (ref readonly Op step in steps.AsSpan())
                    step.ThrowIfUnusable();
                Register(token);
                refused = driver.Admit(token, steps.Length, sqes);
            }
            catch
            {
                Abandon();
                throw;
            }

            Key = 0;
            _missing = steps.Length;
            Begin(driver);
            if (refused < 0)
                Refuse(refused);
            for (int i = 0; refused == 0 && i < steps.Length; i++)
            {
                steps[i].Prepare(driver, this, _loans[i], step: i, linked: i < steps.Length - 1);
                _keys[i] = Key;
            }
        }

        internal override void OnTerminal(int res, uint flags, int step)
        {
            // A step that never ran was cancelled by the step before it, not by its own deadline.
            if (res == -ETIME && step > 0 && _steps[step - 1].Breaks(_results[step - 1].Res))
                res = -ECANCELED;
            _results[step] = new OpResult(res, flags);
            _loans[step].Return(Driver);
            if (--_missing == 0)
                SetResult(0, 0);
            else if (CancelWanted)
                CancelRunning();
        }

        internal override void Refuse(int res)
        {
            Array.Fill(_results, new OpResult(res, 0));
            base.Refuse(0);
        }

        /// <summary>
        /// The kernel does not find a step that has not started: the one that runs is asked, and takes it
        /// along.
        /// </summary>
        internal override void OnCancel()
        {
            CancelWanted = true;
            // Else it is not prepared yet, and will be refused.
            if (Key != 0)
                CancelRunning();
        }

        /// <summary>The first unfinished step. If it still succeeds, the next is asked.</summary>
        private void CancelRunning() => Driver.Cancel(_keys[_results.Length - _missing]);

        protected override void ReturnLoans()
        {
            for (int i = 0; i < _steps.Length; i++)
                _loans[i].Return(Driver);
        }

        protected override void ReleaseUntaken()
        {
            for (int i = 0; i < _steps.Length; i++)
            {
                if (_steps[i].YieldsFd && _results[i].Res >= 0)
                    Driver.CloseFd(_results[i].Res);
            }
        }

        [StackTraceHidden]
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

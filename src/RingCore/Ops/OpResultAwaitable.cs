// Op layer: the awaitable of a bare op, and what such an op lends.

using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace RingCore;

/// <summary>
/// What an op lends beside its fds: memories, and native blocks for what the kernel reads behind a pointer.
/// Its sink's for life.
/// </summary>
internal sealed class OpLoans
{
    internal MemoryLoan Memory;

    /// <summary>Of a vectored op; the first <see cref="Count"/> places.</summary>
    internal MemoryLoan[] List = [];
    internal int Count;
    internal NativeBlock Block;

    /// <summary>The source of a splice, made before the slot takes it.</summary>
    internal RingHandle.SecondLoan? Second;

    internal int Bytes => Memory.Memory.Length + List.Take(Count).Sum(loan => loan.Memory.Length);

    /// <summary>
    /// At the terminal CQE, or when nothing has gone to the kernel. A second call finds nothing.
    /// </summary>
    internal void Return(OpDriver driver)
    {
        Memory.Return(driver);
        foreach (ref MemoryLoan loan in List.AsSpan(0, Count))
            loan.Return(driver);
        Count = 0;
        // Not for ever what one long list needed.
        if (List.Length > 1024)
            List = [];
        Block.Free(driver);
        Second = null;
    }
}

/// <summary>The awaitable of a bare op: yields the OpResult and never throws for an errno.</summary>
internal sealed class OpResultAwaitable : OpAwaitable, IValueTaskSource<OpResult>
{
    private bool _lends;
    private bool _yieldsFd;

    /// <summary>Made at the first need and kept.</summary>
    internal OpLoans? Loans { get; private set; }

    internal override int LentBytes => _lends ? Loans!.Bytes : 0;

    protected override ValueTaskSourceStatus CompletedStatus => ValueTaskSourceStatus.Succeeded;

    /// <summary>
    /// Step 1 of an op that lends or can be cancelled. 0, or the −errno it is refused with.
    /// </summary>
    internal int Lend(OpDriver driver, in Op op, CancellationToken token)
    {
        Driver = driver;
        try
        {
            if (op.Lends)
            {
                Loans ??= new OpLoans();
                _lends = true;
                op.Lend(driver, Loans);
                // A Pin may have disposed the handle.
                op.ThrowIfUnusable();
            }

            Register(token);
            return driver.Admit(token, slots: 1, op.SqeCount);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    internal void Begin(OpDriver driver, bool yieldsFd)
    {
        Begin(driver);
        _yieldsFd = yieldsFd;
    }

    internal override void OnTerminal(int res, uint flags, int step)
    {
        if (_lends)
            ReturnLoans();
        SetResult(res, flags);
    }

    protected override void ReturnLoans()
    {
        _lends = false;
        Loans?.Return(Driver);
    }

    protected override void ReleaseUntaken()
    {
        if (_yieldsFd && Res >= 0)
            Driver.CloseFd(Res);
    }

    internal void Suspend(RingWork box, short token)
    {
        // Throws for a second await.
        GetStatus(token);
        Suspend(box);
    }

    [StackTraceHidden]
    public OpResult GetResult(short token)
    {
        Take(token);
        var result = new OpResult(Res, Flags);
        Driver.Results.Return(this);
        return result;
    }
}

// Trace: one event of the recorder, as it lies in its ring buffer: numbers, and names for what they mean to
// its kind. A name asked of an event of another kind answers 0.

using RingCore.Sys;
using static RingCore.TraceKind;

namespace RingCore;

/// <summary>One event of the trace: 40 bytes.</summary>
public readonly struct TraceEvent
{
    // An op's user_data, or of an enter which it was.
    private readonly ulong _number;
    private readonly int _a;
    private readonly int _b;

    internal TraceEvent(long timeNs, TraceKind kind, ulong number, long task, int a, int b)
    {
        TimeNs = timeNs;
        Kind = kind;
        Task = task;
        _number = number;
        _a = a;
        _b = b;
    }

    /// <summary>CLOCK_MONOTONIC in nanoseconds.</summary>
    public long TimeNs { get; }

    /// <summary>What happened.</summary>
    public TraceKind Kind { get; }

    /// <summary>The task it happened to or in; 0: none.</summary>
    public long Task { get; }

    /// <summary>The op it is about; <c>default</c>: none.</summary>
    public OpId Id => Kind is Entered or EnterReturned ? default : new(_number);

    /// <summary>
    /// Of <see cref="Entered"/> and <see cref="EnterReturned"/>: which enter of the ring, from 0.
    /// </summary>
    public long Enter => Kind is Entered or EnterReturned ? (long)_number : 0;

    /// <summary>Of <see cref="OpPrepared"/>: what the SQE asks for.</summary>
    public io_uring_op Opcode => (io_uring_op)Of(OpPrepared, _a);

    /// <summary>Of <see cref="OpPrepared"/>: the fd in the SQE.</summary>
    public int Fd => Of(OpPrepared, _b);

    /// <summary>
    /// Of <see cref="OpCompleted"/>: res; of <see cref="EnterReturned"/>: SQEs taken. Or −errno.
    /// </summary>
    public int Result => Of(Kind == EnterReturned ? Kind : OpCompleted, _a);

    /// <summary>Of <see cref="OpCompleted"/>: IORING_CQE_F_* of the CQE.</summary>
    public uint CqeFlags => (uint)Of(OpCompleted, _b);

    /// <summary>Of <see cref="Entered"/> and <see cref="Published"/>: SQEs shown to the kernel.</summary>
    public int Submitted => Of(Kind == Published ? Kind : Entered, _a);

    /// <summary>Of <see cref="Entered"/>: completions it waits for.</summary>
    public int WaitsFor => Of(Entered, _b);

    /// <summary>Of <see cref="EnterReturned"/>: CQEs ready.</summary>
    public int Ready => Of(EnterReturned, _b);

    private int Of(TraceKind kind, int value) => Kind == kind ? value : 0;
}

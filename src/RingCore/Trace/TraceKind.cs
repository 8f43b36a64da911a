// Trace: the kinds of events. Who records each is the layer that it happens in.

namespace RingCore;

/// <summary>What a trace event tells.</summary>
public enum TraceKind : byte
{
    /// <summary>A task's body suspended for the first time and got its box. Task: its id.</summary>
    TaskStarted,

    /// <summary>An SQE was written. Op: its user_data. A: opcode. B: fd. Task: the task running, or 0.</summary>
    OpPrepared,

    /// <summary>A task awaits an op. Task, Op.</summary>
    TaskSuspended,

    /// <summary>The kernel was entered. Op: the enter's number. A: SQEs given. B: completions waited for.</summary>
    Entered,

    /// <summary>The enter came back. Op: the enter's number. A: SQEs taken, or −errno. B: CQEs ready.</summary>
    EnterReturned,

    /// <summary>A CQE was reaped. Op. A: res. B: flags.</summary>
    OpCompleted,

    /// <summary>A continuation was put on the ready queue. Op: the op that ended, or 0.</summary>
    Queued,

    /// <summary>A task's body runs again. Task.</summary>
    TaskResumed,

    /// <summary>A task's body has ended. Task.</summary>
    TaskEnded,

    /// <summary>The kernel was asked to cancel an op. Op.</summary>
    CancelAsked,

    /// <summary>SQEs were shown to the poller, who takes them without an enter (<see cref="RingOptions.SqPoll"/>). A: how many.</summary>
    Published,
}

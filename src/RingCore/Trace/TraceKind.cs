// Trace: the kinds of events. Who records each is the layer that it happens in.

namespace RingCore;

/// <summary>What a trace event tells.</summary>
public enum TraceKind : byte
{
    /// <summary>A task's body suspended for the first time and got its box. Has Task.</summary>
    TaskStarted,

    /// <summary>An SQE was written. Has Id, Opcode, Fd; Task: the task running, or 0.</summary>
    OpPrepared,

    /// <summary>A task awaits an op. Has Task, Id.</summary>
    TaskSuspended,

    /// <summary>The kernel was entered. Has Enter, Submitted, WaitsFor.</summary>
    Entered,

    /// <summary>The enter came back. Has Enter, Result, Ready.</summary>
    EnterReturned,

    /// <summary>A CQE was reaped. Has Id, Result, CqeFlags.</summary>
    OpCompleted,

    /// <summary>
    /// A continuation was put on the ready queue. Has Task; Id: the op that ended, or none.
    /// </summary>
    Queued,

    /// <summary>A task's body runs again. Has Task.</summary>
    TaskResumed,

    /// <summary>A task's body has ended. Has Task.</summary>
    TaskEnded,

    /// <summary>The kernel was asked to cancel an op. Has Id.</summary>
    CancelAsked,

    /// <summary>
    /// SQEs were shown to the poller, who takes them without an enter (<see cref="RingOptions.SqPoll"/>). Has
    /// Submitted.
    /// </summary>
    Published,
}

// Trace: one event of the recorder, as it lies in its ring buffer.

namespace RingCore;

/// <summary>One event of the trace: 40 bytes.</summary>
/// <param name="TimeNs">CLOCK_MONOTONIC in nanoseconds.</param>
/// <param name="Op">An op's user_data (generation above, slot below), or what the kind says.</param>
/// <param name="Task">Task id, or 0.</param>
/// <param name="A">As the kind says.</param>
/// <param name="B">As the kind says.</param>
/// <param name="Kind">What happened.</param>
public readonly record struct TraceEvent(long TimeNs, ulong Op, long Task, int A, int B, TraceKind Kind);

// Across the layers: the always-on counters of one executor. Plain fields, written by the owner thread (the
// few that other threads write say so), read by anyone as a snapshot that may be a turn old. They observe;
// nothing reads them to decide. All fields are 64 bits wide and the levels stand last: the difference counts
// on it.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// What an executor has done since it started. All values only grow, except those marked as a level and the
/// peak.
/// </summary>
public struct RingCounters
{
    /// <summary>io_uring_enter calls.</summary>
    public long Enters;

    /// <summary>Enters that were asked to wait for a completion.</summary>
    public long Waits;

    /// <summary>Enters that submitted nothing and after which no completion was found.</summary>
    public long EmptyEnters;

    /// <summary>SQEs the kernel took.</summary>
    public long Sqes;

    /// <summary>CQEs taken from the completion queue.</summary>
    public long Cqes;

    /// <summary>Enters after which the kernel had taken fewer SQEs than it was given.</summary>
    public long PartialSubmits;

    /// <summary>Times the submission queue was full and was submitted to make room.</summary>
    public long SqFull;

    /// <summary>Times the completion queue was found overflowed and was drained.</summary>
    public long Overflows;

    /// <summary>Enters refused with EBUSY or EAGAIN, reaped and tried again.</summary>
    public long Busy;

    /// <summary>Enters interrupted by a signal.</summary>
    public long Interrupted;

    /// <summary>
    /// CQEs whose slot had moved on to another generation: none, unless something is wrong.
    /// </summary>
    public long StaleCqes;

    /// <summary>Receives that found no leased buffer free and went on with a buffer of their own.</summary>
    public long NoBuffers;

    /// <summary>Cancel requests that found their op.</summary>
    public long CancelsWon;

    /// <summary>Cancel requests that came too late.</summary>
    public long CancelsLost;

    /// <summary>Continuations run.</summary>
    public long Resumes;

    /// <summary>Turns of the run loop.</summary>
    public long Turns;

    /// <summary>Turns that ended because the quota was spent, with continuations left.</summary>
    public long QuotaSpent;

    /// <summary>Work taken from other threads.</summary>
    public long Posts;

    /// <summary>Eventfd writes by other threads to wake this one. Written under the wake lock.</summary>
    public long Wakes;

    /// <summary>Results of hot calls that nobody awaited.</summary>
    public long DroppedResults;

    /// <summary>Handles that were collected without having been disposed.</summary>
    public long UndisposedHandles;

    /// <summary>Disposals of a read lease that had been disposed before.</summary>
    public long StaleLeases;

    /// <summary>Level: ops now with the kernel.</summary>
    public long InFlight;

    /// <summary>Most ops with the kernel at one time.</summary>
    public long InFlightPeak;

    /// <summary>Level: read leases handed out and not yet disposed.</summary>
    public long LeasesOut;

    /// <summary>
    /// Field by field difference of the growing counters; the levels are those of <paramref name="later"/>.
    /// </summary>
    public static RingCounters operator -(RingCounters later, RingCounters earlier)
    {
        // The fields from Enters to StaleLeases grow.
        for (int i = 0; i < 22; i++)
            Unsafe.Add(ref later.Enters, i) -= Unsafe.Add(ref earlier.Enters, i);
        return later;
    }
}

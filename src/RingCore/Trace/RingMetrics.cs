// Trace: publishes the counters of the executors that run now through System.Diagnostics.Metrics, meter "RingCore". All instruments
// are observable: the executors go on counting in plain fields, and only a listener that collects pays. It keeps no history: an
// executor that has ended drops out. It knows executors as a name and a way to read counters, nothing more.
//
// Reading on the listener's thread needs no barrier: every counter is an aligned 64-bit word with one writer at a time, which
// x86-64 stores and loads whole: a value may be a turn old, never half of one and half of another, and none is made of two.

using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;

namespace RingCore;

/// <summary>One executor's entry in the meter, from its start to its end.</summary>
internal sealed class RingMetrics : IDisposable
{
    private static readonly List<RingMetrics> s_running = []; // Any thread, under its own lock.
    private static long s_lastId;
    private readonly Func<RingCounters> _read;
    private readonly KeyValuePair<string, object?>[] _tags;

    /// <summary>Adds a running executor. Any thread.</summary>
    internal RingMetrics(string name, Func<RingCounters> read)
    {
        _read = read;
        lock (s_running)
        {
            if (s_lastId == 0)
                new Thread(PublishLater) { IsBackground = true, Name = "RingCore metrics" }.UnsafeStart();
            _tags = [new("ringcore.executor.name", name), new("ringcore.executor.id", ++s_lastId)]; // Names need not be unique.
            s_running.Add(this);
        }
    }

    /// <summary>Takes it out again. Any thread.</summary>
    public void Dispose()
    {
        lock (s_running)
            s_running.Remove(this);
    }

    /// <summary>A process's first meter costs 12 ms, mostly for an EventSource. No start should wait for that, and no short program pay it.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Nothing here is worth the process.")]
    private static void PublishLater()
    {
        new ManualResetEvent(initialState: false).WaitOne(millisecondsTimeout: 1000);
        try
        {
            Publish(); // Apart, so that the JIT compiles it only now.
        }
        catch (Exception e)
        {
            Warning.Print($"RingCore: this process goes on without metrics: {e.Message}"); // Most likely no descriptor was left to load them.
        }
    }

    private static void Publish()
    {
        var meter = new Meter("RingCore"); // The base library keeps it.
        Count("enters", "{call}", "io_uring_enter calls", c => c.Enters);
        Count("waits", "{call}", "Enters that were asked to wait for a completion", c => c.Waits);
        Count("empty_enters", "{call}", "Enters that submitted nothing and found no completion", c => c.EmptyEnters);
        Count("sqes", "{sqe}", "SQEs the kernel took", c => c.Sqes);
        Count("cqes", "{cqe}", "CQEs taken from the completion queue", c => c.Cqes);
        Count("partial_submits", "{call}", "Enters after which the kernel had taken fewer SQEs than given", c => c.PartialSubmits);
        Count("sq_full", "{event}", "Times the submission queue was full", c => c.SqFull);
        Count("cq_overflows", "{event}", "Times the completion queue was found overflowed", c => c.Overflows);
        Count("busy_enters", "{call}", "Enters refused with EBUSY or EAGAIN", c => c.Busy);
        Count("interrupted_enters", "{call}", "Enters interrupted by a signal", c => c.Interrupted);
        Count("stale_cqes", "{cqe}", "CQEs whose slot had moved on to another generation", c => c.StaleCqes);
        Count("no_buffers", "{event}", "Receives that found no leased buffer free", c => c.NoBuffers);
        Count("cancels.won", "{request}", "Cancel requests that found their op", c => c.CancelsWon);
        Count("cancels.lost", "{request}", "Cancel requests that came too late", c => c.CancelsLost);
        Count("resumes", "{continuation}", "Continuations run", c => c.Resumes);
        Count("turns", "{turn}", "Turns of the run loop", c => c.Turns);
        Count("turns_over_quota", "{turn}", "Turns that ended with continuations left", c => c.QuotaSpent);
        Count("posts", "{item}", "Work taken from other threads", c => c.Posts);
        Count("wakes", "{event}", "Wake-ups by other threads", c => c.Wakes);
        Count("dropped_results", "{result}", "Results of hot calls that nobody awaited", c => c.DroppedResults);
        Count("undisposed_handles", "{handle}", "Handles collected without having been disposed", c => c.UndisposedHandles);
        Count("stale_leases", "{lease}", "Disposals of a read lease that had been disposed before", c => c.StaleLeases);
        meter.CreateObservableUpDownCounter("ringcore.operations.in_flight", () => Observe(c => c.InFlight), "{operation}", "Ops now with the kernel");
        meter.CreateObservableGauge("ringcore.operations.in_flight_peak", () => Observe(c => c.InFlightPeak), "{operation}", "Most ops with the kernel at one time");
        meter.CreateObservableUpDownCounter("ringcore.leases.out", () => Observe(c => c.LeasesOut), "{lease}", "Read leases handed out and not yet disposed");

        void Count(string name, string unit, string what, Func<RingCounters, long> field) =>
            meter.CreateObservableCounter("ringcore." + name, () => Observe(field), unit, what);
    }

    private static List<Measurement<long>> Observe(Func<RingCounters, long> field)
    {
        lock (s_running)
            return s_running.ConvertAll(one => new Measurement<long>(field(one._read()), one._tags));
    }
}

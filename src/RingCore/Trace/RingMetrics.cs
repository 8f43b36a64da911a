// Trace: publishes the counters of the executors that run now through System.Diagnostics.Metrics, meter
// "RingCore". All instruments are observable: the executors go on counting in plain fields, and only a
// listener that collects pays. It keeps no history: an executor that has ended drops out. It knows executors
// as a name and a way to read counters, nothing more.
//
// Reading on the listener's thread needs no barrier: every counter is an aligned 64-bit word with one writer
// at a time, which x86-64 stores and loads whole: a value may be a turn old, never half of one and half of
// another, and none is made of two.

using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>One executor's entry in the meter, from its start to its end.</summary>
internal sealed class RingMetrics : IDisposable
{
    // Any thread, under its own lock.
    private static readonly List<RingMetrics> s_running = [];
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
            // Names need not be unique.
            _tags = [new("ringcore.executor.name", name), new("ringcore.executor.id", ++s_lastId)];
            s_running.Add(this);
        }
    }

    /// <summary>Takes it out again. Any thread.</summary>
    public void Dispose()
    {
        lock (s_running)
            s_running.Remove(this);
    }

    /// <summary>
    /// A process's first meter costs 12 ms, mostly for an EventSource. No start should wait for that, and no
    /// short program pay it.
    /// </summary>
    [SuppressMessage("Design", "CA1031", Justification = "Nothing here is worth the process.")]
    private static void PublishLater()
    {
        new ManualResetEvent(initialState: false).WaitOne(millisecondsTimeout: 1000);
        try
        {
            // Apart, so that the JIT compiles it only now.
            Publish();
        }
        catch (Exception e)
        {
            // Most likely no descriptor was left to load them.
            Warning.Print($"RingCore: this process goes on without metrics: {e.Message}");
        }
    }

    /// <summary>An instrument's description names the field whose comment says what it counts.</summary>
    private static void Publish()
    {
        // The base library keeps it.
        var meter = new Meter("RingCore");
        Count("enters", "{call}", c => c.Enters);
        Count("waits", "{call}", c => c.Waits);
        Count("empty_enters", "{call}", c => c.EmptyEnters);
        Count("sqes", "{sqe}", c => c.Sqes);
        Count("cqes", "{cqe}", c => c.Cqes);
        Count("partial_submits", "{call}", c => c.PartialSubmits);
        Count("sq_full", "{event}", c => c.SqFull);
        Count("cq_overflows", "{event}", c => c.Overflows);
        Count("busy_enters", "{call}", c => c.Busy);
        Count("interrupted_enters", "{call}", c => c.Interrupted);
        Count("stale_cqes", "{cqe}", c => c.StaleCqes);
        Count("no_buffers", "{event}", c => c.NoBuffers);
        Count("cancels.won", "{request}", c => c.CancelsWon);
        Count("cancels.lost", "{request}", c => c.CancelsLost);
        Count("resumes", "{continuation}", c => c.Resumes);
        Count("turns", "{turn}", c => c.Turns);
        Count("turns_over_quota", "{turn}", c => c.QuotaSpent);
        Count("posts", "{item}", c => c.Posts);
        Count("wakes", "{event}", c => c.Wakes);
        Count("dropped_results", "{result}", c => c.DroppedResults);
        Count("undisposed_handles", "{handle}", c => c.UndisposedHandles);
        Count("stale_leases", "{lease}", c => c.StaleLeases);
        meter.CreateObservableUpDownCounter("ringcore.operations.in_flight",
            () => Observe(c => c.InFlight), "{operation}", "RingCounters.InFlight");
        meter.CreateObservableGauge("ringcore.operations.in_flight_peak",
            () => Observe(c => c.InFlightPeak), "{operation}", "RingCounters.InFlightPeak");
        meter.CreateObservableUpDownCounter("ringcore.leases.out",
            () => Observe(c => c.LeasesOut), "{lease}", "RingCounters.LeasesOut");

        void Count(
            string name, string unit, Func<RingCounters, long> field,
            [CallerArgumentExpression(nameof(field))] string what = "") =>
            meter.CreateObservableCounter(
                "ringcore." + name, () => Observe(field), unit, $"RingCounters{what[6..]}");
    }

    private static List<Measurement<long>> Observe(Func<RingCounters, long> field)
    {
        lock (s_running)
            return s_running.ConvertAll(one => new Measurement<long>(field(one._read()), one._tags));
    }
}

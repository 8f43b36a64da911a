// Tests: Trace. The meter "RingCore": every counter is an instrument, for every executor that runs, and for none that has ended.
// Other tests' executors run beside these: measurements are told apart by the executor's name. Nothing here asks for the meter:
// it appears by itself.

using System.Diagnostics.Metrics;
using System.Reflection;
using RingCore.Tests.Fakes;

namespace RingCore.Tests.Trace;

public sealed class RingMetricsTests
{
    /// <summary>A listener that has found the meter. Its tests start at least one executor.</summary>
    private sealed class Listener : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly TaskCompletionSource _last = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<(string Instrument, string Executor, long Id, long Value)> _seen = [];

        internal Listener()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name != "RingCore")
                    return;
                listener.EnableMeasurementEvents(instrument);
                lock (Instruments)
                    Instruments.Add(instrument);
                if (instrument.Name == "ringcore.leases.out")
                    _last.TrySetResult();
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            {
                Dictionary<string, object?> tag = new(tags.ToArray());
                Assert.Equal(["ringcore.executor.id", "ringcore.executor.name"], tag.Keys.Order());
                _seen.Add((instrument.Name, (string)tag["ringcore.executor.name"]!, (long)tag["ringcore.executor.id"]!, value));
            });
            _listener.Start();
            using (new RingMetrics("first", () => default)) // As the start of an executor does.
                Assert.True(_last.Task.Wait(Live.HangTimeout), "the meter did not appear");
        }

        internal List<Instrument> Instruments { get; } = [];

        /// <summary>What is measured now, of the executors of one name.</summary>
        internal List<(string Instrument, long Id, long Value)> Collect(string executor)
        {
            _seen.Clear();
            _listener.RecordObservableInstruments();
            return [.. _seen.Where(one => one.Executor == executor).Select(one => (one.Instrument, one.Id, one.Value))];
        }

        internal long Read(string executor, string instrument) => Collect(executor).Single(one => one.Instrument == instrument).Value;

        public void Dispose() => _listener.Dispose();
    }

    [Fact]
    public void EveryCounter_IsAnInstrument()
    {
        // In the order of the fields, each of which holds its place.
        FieldInfo[] fields = typeof(RingCounters).GetFields();
        object counters = default(RingCounters);
        for (int i = 0; i < fields.Length; i++)
            fields[i].SetValue(counters, i + 1L);
        string[] names =
        [
            "enters", "waits", "empty_enters", "sqes", "cqes", "partial_submits", "sq_full", "cq_overflows", "busy_enters",
            "interrupted_enters", "stale_cqes", "no_buffers", "cancels.won", "cancels.lost", "resumes", "turns", "turns_over_quota",
            "posts", "wakes", "dropped_results", "undisposed_handles", "stale_leases", "operations.in_flight",
            "operations.in_flight_peak", "leases.out",
        ];
        Assert.Equal(fields.Length, names.Length); // A new counter is published too.
        using var listener = new Listener();
        using var probe = new RingMetrics("probe", () => (RingCounters)counters);
        Assert.Equal(
            names.Select((name, i) => ($"ringcore.{name}", i + 1L)).Order(),
            listener.Collect("probe").Select(one => (one.Instrument, one.Value)).Order());
        Assert.Equal(names.Length, listener.Instruments.Count);
        Assert.All(listener.Instruments, one =>
        {
            Assert.Matches(@"^\{[a-z]+\}$", one.Unit);
            Assert.NotEmpty(one.Description!);
            Assert.Equal(one.Name switch
            {
                "ringcore.operations.in_flight" or "ringcore.leases.out" => typeof(ObservableUpDownCounter<long>),
                "ringcore.operations.in_flight_peak" => typeof(ObservableGauge<long>),
                _ => typeof(ObservableCounter<long>),
            }, one.GetType());
        });
    }

    [Fact]
    public async Task RunningExecutor_IsMeasuredFromOutside_AndDropsOutAtItsEnd()
    {
        Live.RequireIoUring();
        const string Name = nameof(RunningExecutor_IsMeasuredFromOutside_AndDropsOutAtItsEnd);
        using var listener = new Listener();
        Assert.Empty(listener.Collect(Name));
        RingExecutor executor = RingExecutor.Start(new RingOptions { Name = Name });
        await using (executor)
        {
            long before = listener.Read(Name, "ringcore.sqes");
            await Live.Bounded(executor.InvokeAsync(async () =>
            {
                for (int i = 0; i < 100; i++)
                    await Op.Nop();
            }));
            Assert.InRange(listener.Read(Name, "ringcore.sqes"), before + 100, before + 110); // And the wake-ups' reads.
            long inFlight = await Live.Bounded(executor.InvokeAsync(async () =>
            {
                (RingConnection left, RingConnection right) = Live.Pair();
                using (left)
                using (right)
                {
                    ValueTask<int> read = right.ReadAsync(new byte[1]);
                    long waiting = listener.Read(Name, "ringcore.operations.in_flight");
                    await left.WriteAsync(new byte[1]);
                    await read;
                    return waiting;
                }
            }));
            Assert.Equal(1, inFlight);
        }

        Assert.Empty(listener.Collect(Name));
    }

    [Fact]
    public void ExecutorsOfOneName_HaveDifferentIds()
    {
        using var listener = new Listener();
        using var kernel = new FakeKernel();
        string name = kernel.Options().Name;
        using var other = new RingMetrics(name, () => default);
        long[] ids = [];
        kernel.Run(async () =>
        {
            await Op.Nop();
            ids = [.. listener.Collect(name).Where(one => one.Instrument == "ringcore.turns").Select(one => one.Id)];
        });
        Assert.Equal(2, ids.Length);
        Assert.Equal(2, ids.Distinct().Count());
    }

    [Fact]
    public void ExecutorWhoseMainThrows_DropsOut()
    {
        using var listener = new Listener();
        using var kernel = new FakeKernel();
        string name = kernel.Options().Name;
        int running = 0;
        Assert.Throws<TimeoutException>(() => kernel.Run(async () =>
        {
            await Op.Nop();
            running = listener.Collect(name).Count;
            throw new TimeoutException();
        }));
        Assert.Equal(25, running);
        Assert.Empty(listener.Collect(name));
    }
}

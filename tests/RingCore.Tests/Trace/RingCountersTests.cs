// Tests: Trace. The difference of two snapshots: what grew since, and the levels as they are now.

using System.Reflection;

namespace RingCore.Tests.Trace;

public sealed class RingCountersTests
{
    [Fact]
    public void Difference_IsOfWhatGrows_AndKeepsTheLevels()
    {
        FieldInfo[] fields = typeof(RingCounters).GetFields();
        object earlier = default(RingCounters), later = default(RingCounters);
        for (int i = 0; i < fields.Length; i++)
        {
            fields[i].SetValue(earlier, 1L + i);
            fields[i].SetValue(later, 1_000L * (i + 1));
        }

        object difference = (RingCounters)later - (RingCounters)earlier;
        string[] levels = [nameof(RingCounters.InFlight), nameof(RingCounters.InFlightPeak), nameof(RingCounters.LeasesOut)];
        for (int i = 0; i < fields.Length; i++)
            Assert.Equal((fields[i].Name, levels.Contains(fields[i].Name) ? 1_000L * (i + 1) : 999L * (i + 1)), (fields[i].Name, (long)fields[i].GetValue(difference)!));
        Assert.Equal(1_000, ((RingCounters)later).Enters); // The operands are copies.
    }
}

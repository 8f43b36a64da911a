using System.Runtime.InteropServices;

namespace RingCore.Bench;

/// <summary>The CPU time of another process, all its threads, to the nanosecond; /proc has it in hundredths of a second only.</summary>
public static class ProcessCpu
{
    private const int SchedulerClock = 2;

    public static TimeSpan Of(int process)
    {
        // The number of a process's CPU clock, as clock_getcpuclockid(3) composes it.
        return GetTime((~process << 3) | SchedulerClock, out TimeSpec time) == 0
            ? TimeSpan.FromTicks(time.Seconds * TimeSpan.TicksPerSecond + time.Nanoseconds / TimeSpan.NanosecondsPerTick)
            : throw new BenchException($"Process {process} has ended.");
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    private static extern int GetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}

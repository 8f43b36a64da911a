// The tour's second half: RingCore against System.Net.Sockets, one round of each, as a table. Every server is a process of its own
// on one core, the load on another, so what is read of the server is its CPU time alone. Figures to quote come from bench/.

using System.ComponentModel;
using System.Diagnostics;
using Spectre.Console;

namespace RingCore.Tour;

public static class Comparison
{
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(2), s_measured = TimeSpan.FromSeconds(3), s_counted = TimeSpan.FromSeconds(1);

    private static readonly (string Name, string Kind, bool Inline)[] s_arms =
        [("RingCore", "ring", false), ("System.Net.Sockets", "sockets", false), ("sockets, inline", "sockets", true)];

    private sealed record Sample(double RequestsPerSecond, double CpuMicroseconds, string SystemCalls);

    public static void Show(RingCapabilities report)
    {
        int[] cores = [.. Enumerable.Range(0, 64).Where(core => (Affinity() >> core & 1) != 0).Take(2)];
        var table = new Table().Border(TableBorder.Rounded).AddColumn("server");
        foreach (string column in new[] { "requests/s", "CPU µs/request", "× RingCore", "system calls/request" })
            table.AddColumn(column, settings => settings.RightAligned());
        if (AnsiConsole.Profile.Capabilities is { Interactive: true, Ansi: true })
        {
            AnsiConsole.Progress().AutoRefresh(false).Start(screen => // Nothing of ours runs beside a measurement, except between ticks.
            {
                ProgressTask bar = screen.AddTask("measuring", maxValue: s_arms.Length * (s_warmUp + s_measured + s_counted).TotalSeconds);
                MeasureAll(name => bar.Description = name, time =>
                {
                    bar.Increment(time.TotalSeconds);
                    screen.Refresh();
                });
                (bar.Description, bar.Value) = ("measured", bar.MaxValue);
                screen.Refresh();
            });
        }
        else
        {
            MeasureAll(name => Console.WriteLine($"measuring {name}"), tick: _ => { });
        }

        AnsiConsole.Write(table);
        Console.WriteLine("inline: DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1. CPU: user and system time of the server process alone.");
        Console.WriteLine($"{report.Kernel}, {Environment.ProcessorCount} processors, .NET {Environment.Version}; "
            + (cores.Length == 2 ? $"server on core {cores[0]}, load on core {cores[1]}." : "one core for both: read the CPU time only."));
        Console.WriteLine("One round beside whatever else this machine does. Figures to quote come from bench/, in many rounds and against C.");

        void MeasureAll(Action<string> begin, Action<TimeSpan> tick)
        {
            double? ringCore = null;
            foreach ((string name, string kind, bool inline) in s_arms)
            {
                begin(name);
                Sample sample = Measure(kind, inline, cores, tick);
                ringCore ??= sample.CpuMicroseconds;
                table.AddRow(name, $"{sample.RequestsPerSecond:N0}", $"{sample.CpuMicroseconds:F2}", $"{sample.CpuMicroseconds / ringCore:F2}", sample.SystemCalls);
            }
        }
    }

    private static Sample Measure(string kind, bool inline, int[] cores, Action<TimeSpan> tick)
    {
        nint all = Affinity();
        if (cores.Length == 2)
            Affinity((nint)1 << cores[0]); // The process started next inherits it.
        using var server = new MeasuredServer(kind, inline);
        if (cores.Length == 2)
            Affinity((nint)1 << cores[1]);
        Sample sample = RingExecutor.Run(async () =>
        {
            using var load = new Load(tick);
            await load.ConnectAsync(server.Address);
            await load.RunAsync(s_warmUp); // Pools fill, and the JIT reaches its last tier.

            // Between runs every answer is in and nothing moves, so counters of both sides mean the same requests.
            (TimeSpan cpu, long enters) = (server.CpuTime(), server.Enters());
            (long requests, TimeSpan time) = await load.RunAsync(s_measured);
            (cpu, enters) = (server.CpuTime() - cpu, server.Enters() - enters);
            string calls = kind == "ring" ? $"{(double)enters / requests:F3}" : await CountSystemCalls(server.Id, load);
            return new Sample(requests / time.TotalSeconds, cpu.TotalMicroseconds / requests, calls);
        });
        Affinity(all);
        return sample;
    }

    // perf counts the server's system calls while `cat`, its command, runs: from the first line it says back to the end of its input.
    private static async RingTask<string> CountSystemCalls(int server, Load load)
    {
        string[] arguments = ["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p", $"{server}", "cat"];
        try
        {
            using Process perf = Process.Start(new ProcessStartInfo("perf", arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            perf.StandardInput.WriteLine("counting");
            if (perf.StandardOutput.ReadLine() is null)
                return "perf may not count here";
            (long requests, _) = await load.RunAsync(s_counted);
            perf.StandardInput.Close();
            string? line = perf.StandardError.ReadToEnd().Split('\n').FirstOrDefault(line => line.Contains("sys_enter", StringComparison.Ordinal));
            return long.TryParse(line?.Split(',')[0], out long calls) ? $"{(double)calls / requests:F3}" : "perf counted nothing";
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            return e is Win32Exception ? "needs perf" : "perf may not count here";
        }
    }

    // The processors that this process's first thread may use, after setting them where it is asked to.
    private static nint Affinity(nint? mask = null)
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        using var self = Process.GetCurrentProcess();
        self.ProcessorAffinity = mask ?? self.ProcessorAffinity;
        return self.ProcessorAffinity;
    }
}

// Tests: scenarios that change the whole process, run in a process of their own: the test program starts itself with an environment
// variable, which the module initializer below sees before any test framework runs. Everything happens on one thread: other
// threads would wait for the initializer's end.

using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace RingCore.Tests.Refused;

/// <summary>Starts scenarios, and is them.</summary>
internal static partial class ChildProcess
{
    private const string Variable = "RINGCORE_TESTS_CHILD";

    /// <summary>Runs a scenario in a new process; its exit code and output. A shell starts it where its standard streams are to be others.</summary>
    internal static async Task<(int ExitCode, string Output)> RunAsync(string scenario, string redirections = "")
    {
        var start = new ProcessStartInfo(redirections == "" ? Environment.ProcessPath! : "/bin/sh") { RedirectStandardOutput = true, RedirectStandardError = true };
        if (redirections != "")
        {
            foreach (string argument in (string[])["-c", $"{redirections.Replace("{}", "\"$0\" \"$@\"")}", Environment.ProcessPath!])
                start.ArgumentList.Add(argument);
        }

        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        start.Environment[Variable] = scenario;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(Live.HangTimeout);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"child '{scenario}' hung: {await output} {await error}");
        }

        return (process.ExitCode, await output + await error);
    }

    [ModuleInitializer]
    internal static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } scenario)
            Environment.Exit(Play(scenario));
    }

    private static int Play(string scenario)
    {
        try
        {
            switch (scenario.Split(' ', 2))
            {
                case ["refuse", string errno]:
                    SeccompFilter.RefuseIoUring(int.Parse(errno)).Install();
                    ReportRefusal();
                    return 0;
                case ["profile", string path]:
                    SeccompFilter.FromProfile(File.ReadAllText(path)).Install();
                    Execute("echo");
                    return 9;
                case ["full", _]:
                    Handles.DescriptorLimitTests.FullTable();
                    return 0;
                case ["cat"]:
                    Handles.StandardStreamTests.Cat();
                    return 0;
                case ["rights", string rights]:
                    Ops.RightsTests.GiveUp(rights.Split(' ')[0], rights.Split(' ')[1]);
                    return 0;
                case ["stopped", string folder]:
                    Handles.NeverWaitTests.Stopped(folder);
                    return 0;
                case ["echo"]:
                    Echo();
                    return 0;
                default:
                    Console.WriteLine($"no scenario '{scenario}'");
                    return 8;
            }
        }
        catch (Exception e)
        {
            Console.WriteLine(e);
            return 7;
        }
    }

    private static void ReportRefusal()
    {
        try
        {
            RingExecutor.Run(async () => await RingExecutor.Yield());
            Console.WriteLine("not refused");
        }
        catch (RingUnavailableException e)
        {
            Console.WriteLine($"cause: {e.Cause}");
            Console.WriteLine($"errno: {e.Errno}");
            Console.WriteLine($"message: {e.Message}");
        }

        RingCapabilities probe = RingCapabilities.Probe();
        Console.WriteLine($"probe: {probe.IsAvailable} {probe.Cause}");
    }

    /// <summary>The filter stays through execve: the whole start of the runtime happens under it, too.</summary>
    private static unsafe void Execute(string scenario)
    {
        Environment.SetEnvironmentVariable(Variable, scenario);
        List<string> arguments = [Environment.ProcessPath!];
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            arguments.Add(typeof(ChildProcess).Assembly.Location);
        List<string> environment = [];
        foreach (System.Collections.DictionaryEntry entry in Environment.GetEnvironmentVariables())
            environment.Add($"{entry.Key}={entry.Value}");
        fixed (byte* path = Encoding.UTF8.GetBytes(arguments[0] + '\0'))
        {
            ExecVe(path, Strings(arguments), Strings(environment));
        }

        Console.WriteLine($"execve: errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Native strings that live as long as the process.</summary>
    private static unsafe byte** Strings(List<string> strings)
    {
        var list = (byte**)NativeMemory.AllocZeroed((nuint)(strings.Count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < strings.Count; i++)
            list[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        return list;
    }

    /// <summary>Server and clients in one process, over TCP; then that the filter does refuse something.</summary>
    private static void Echo()
    {
        int echoed = RingExecutor.Run(async () =>
        {
            int bytes = 0;
            await using RingListener listener = RingListener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            for (int i = 0; i < 20; i++)
            {
                ValueTask<RingConnection> connecting = RingConnection.ConnectAsync(listener.LocalEndPoint);
                using RingConnection server = await listener.AcceptAsync();
                using RingConnection client = await connecting;
                await client.WriteAsync(new byte[1000]);
                using ReadLease lease = await server.ReadLeaseAsync();
                await server.WriteAsync(lease.Memory);
                byte[] reply = new byte[lease.Length];
                await client.ReadExactlyAsync(reply);
                bytes += reply.Length;
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            }

            return bytes;
        });
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Console.WriteLine($"echoed {echoed}");
        Console.WriteLine(File.ReadLines("/proc/self/status").First(line => line.StartsWith("Seccomp:", StringComparison.Ordinal)));
        Console.WriteLine($"unshare: {Unshare(0x1000_0000)} errno {Marshal.GetLastPInvokeError()}"); // CLONE_NEWUSER: not on the list.
    }

    [LibraryImport("libc", EntryPoint = "execve", SetLastError = true)]
    private static unsafe partial int ExecVe(byte* path, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}

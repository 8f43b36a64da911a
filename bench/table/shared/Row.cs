// What the .NET columns of the table have in common: options, the clock, what is verified. Nothing here waits for anything.
// It stays away from Console and LINQ: the start-up row would measure them.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace RingCore.Bench;

/// <summary>One run of one row: <c>PROGRAM ROW key=value...</c></summary>
internal sealed class Row(string[] args)
{
    public static readonly byte[] Request = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"u8.ToArray();

    private long _started;
    private Environment.ProcessCpuUsage _before;
    private TimeSpan _timerErrors;
    private int _timers;
    private string[]? _paths;

    public string Name => args.Length > 0 ? args[0] : "";

    public long Warmup => Number("warmup", 1);

    public string Text(string key)
    {
        foreach (string option in args)
        {
            if (option.Length > key.Length && option[key.Length] == '=' && option.StartsWith(key, StringComparison.Ordinal))
            {
                return option[(key.Length + 1)..];
            }
        }

        return "";
    }

    public long Number(string key, long otherwise) => Text(key) is { Length: > 0 } text ? long.Parse(text) : otherwise;

    /// <summary>The small files, by number; made once, in the warm-up.</summary>
    public string[] Paths => _paths ??= MakePaths();

    public void StartClock()
    {
        _timers = 0;
        _timerErrors = default;
        _before = Environment.CpuUsage;
        _started = Stopwatch.GetTimestamp();
    }

    public void PrintClock()
    {
        TimeSpan real = Stopwatch.GetElapsedTime(_started);
        Environment.ProcessCpuUsage after = Environment.CpuUsage;
        Print(1, $"real_us {Microseconds(real)} user_us {Microseconds(after.UserTime - _before.UserTime)} "
            + $"sys_us {Microseconds(after.PrivilegedTime - _before.PrivilegedTime)} "
            + (_timers > 0 ? $"error_us {Microseconds(_timerErrors / _timers)} ok\n" : "ok\n"));
    }

    /// <summary>The exit code after a row that failed; the harness shows what stands on standard error.</summary>
    public static int Fail(Exception exception)
    {
        Print(2, $"{exception.GetType().Name}: {exception.Message}\n");
        return 1;
    }

    /// <summary>Each small file carries its number in its first and last eight bytes.</summary>
    public static void CheckFile(ReadOnlySpan<byte> content, long size, long index)
    {
        if (content.Length != size || BinaryPrimitives.ReadInt64LittleEndian(content) != index || BinaryPrimitives.ReadInt64LittleEndian(content[^8..]) != index)
        {
            throw new InvalidDataException($"The content of file {index} is not what was expected.");
        }
    }

    public static void CheckAnswer(ReadOnlySpan<byte> answer, long length)
    {
        if (answer.Length != length || !answer.StartsWith("HTTP/1.1 200"u8) || !answer.EndsWith("\r\n\r\nHello, World!"u8))
        {
            throw new InvalidDataException("Not the answer that was expected.");
        }
    }

    public static void CheckCopy(long copied, long length, long size)
    {
        if (copied != size || length != size)
        {
            throw new InvalidDataException($"{copied} bytes copied, {length} in the copy, {size} expected.");
        }
    }

    /// <summary>How far from its time a timer fired, late or early.</summary>
    public void AddTimer(long started, TimeSpan delay)
    {
        _timerErrors += (Stopwatch.GetElapsedTime(started) - delay).Duration();
        _timers++;
    }

    public InvalidOperationException Unknown() => new($"There is no row `{Name}`: cat, files, requests, timer, start.");

    private string[] MakePaths()
    {
        var paths = new string[Number("count", 100)];
        for (int i = 0; i < paths.Length; i++)
        {
            paths[i] = $"{Text("dir")}/{i:000}";
        }

        return paths;
    }

    private static long Microseconds(TimeSpan time) => (long)time.TotalMicroseconds;

    private static void Print(int fd, string line)
    {
        using var stream = new FileStream(new SafeFileHandle(fd, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        stream.Write(Encoding.UTF8.GetBytes(line));
    }
}

// The .NET blocking column of the table: FileStream, Socket, Thread.
// usage: blocking ROW key=value...; what the rows do and print: bench/README.md, "The table".
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using RingCore.Bench;

var row = new Row(args);
byte[]? buffer = null;
try
{
    for (long i = row.Warmup; i > 0; i--)
    {
        Run();
    }

    row.StartClock();
    Run();
    row.PrintClock();
    return 0;
}
catch (Exception e)
{
    return Row.Fail(e);
}

void Run()
{
    switch (row.Name)
    {
        case "cat":
            Cat();
            break;
        case "files":
            Files();
            break;
        case "requests":
            Requests();
            break;
        case "timer":
            Timer();
            break;
        case "start":
            Row.CheckFile(File.ReadAllBytes(row.Text("path")), row.Number("size", 4096), 0);
            break;
        default:
            throw row.Unknown();
    }
}

void Cat()
{
    using var from = new FileStream(row.Text("from"), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
    using var to = new FileStream(row.Text("to"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, bufferSize: 0);
    buffer ??= new byte[row.Number("buffer", 262_144)];   // stays from the warm-up on
    long copied = 0;
    int read;
    while ((read = from.Read(buffer)) > 0)
    {
        to.Write(buffer, 0, read);
        copied += read;
    }

    Row.CheckCopy(copied, to.Length, row.Number("size", 0));
}

// One after another: so it is fastest.
void Files()
{
    long size = row.Number("size", 4096);
    for (int i = 0; i < row.Paths.Length; i++)
    {
        Row.CheckFile(File.ReadAllBytes(row.Paths[i]), size, i);
    }
}

// A thread per task; a single task needs none.
void Requests()
{
    long width = row.Number("tasks", 1), each = row.Number("count", 100) / width;
    if (width == 1)
    {
        RequestMany(each);
        return;
    }

    var threads = new Thread[width];
    Exception? failure = null;
    for (int i = 0; i < width; i++)
    {
        threads[i] = new Thread(() =>
        {
            try
            {
                RequestMany(each);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        threads[i].Start();
    }

    foreach (Thread thread in threads)
    {
        thread.Join();
    }

    if (failure is not null)
    {
        throw failure;
    }
}

void RequestMany(long count)
{
    var server = new IPEndPoint(IPAddress.Loopback, (int)row.Number("port", 0));
    var answer = new byte[4096];
    long expected = row.Number("answer", 0);
    for (; count > 0; count--)
    {
        using var connection = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        connection.Connect(server);
        connection.Send(Row.Request);
        int length = 0, received;
        while ((received = connection.Receive(answer.AsSpan(length))) > 0)
        {
            length += received;
        }

        Row.CheckAnswer(answer.AsSpan(0, length), expected);
    }
}

void Timer()
{
    TimeSpan delay = TimeSpan.FromMicroseconds(row.Number("delay_us", 1000));
    for (long i = 0; i < row.Number("count", 200); i++)
    {
        long started = Stopwatch.GetTimestamp();
        Thread.Sleep(delay);
        row.AddTimer(started, delay);
    }
}

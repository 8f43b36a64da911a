using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace RingCore.Bench;

/// <summary>A server process on core 0, from its start until it has ended.</summary>
public sealed class Server : IAsyncDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Task<string> _errors;
    private readonly Task _reading;

    private Server(Process process, int port)
    {
        _process = process;
        Port = port;
        _errors = process.StandardError.ReadToEndAsync();
        _reading = ReadLinesAsync();
    }

    public int Port { get; }

    public int Id => _process.Id;

    /// <summary>What the server prints, line by line; ends when the server does.</summary>
    public ChannelReader<string> Lines => _lines.Reader;

    /// <summary>Starts the command on a port nobody has used and returns once it accepts connections.</summary>
    public static async Task<Server> StartAsync(Func<int, IEnumerable<string>> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        int port = UnusedPort();
        var server = new Server(Commands.Start(Commands.OnCore(0, command(port)), environment), port);
        try
        {
            await server.UntilItAcceptsAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks the server to end, and ends it by force if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        _ = Signal(Id, Terminate);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            throw new BenchException($"`{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)}` did not end on SIGTERM.");
        }
        finally
        {
            await _reading;
            _process.Dispose();
        }
    }

    private async Task UntilItAcceptsAsync()
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException) when (!_process.HasExited && Stopwatch.GetElapsedTime(started) < Patience)
            {
                await Task.Delay(20);
            }
            catch (SocketException)
            {
                string end = _process.HasExited ? $"ended with code {_process.ExitCode}: {await _errors}" : "does not accept connections";
                throw new BenchException($"The server `{string.Join(' ', _process.StartInfo.ArgumentList)}` {end}".TrimEnd());
            }
        }
    }

    private async Task ReadLinesAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _lines.Writer.TryWrite(line);
        }

        _lines.Writer.Complete();
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Signal(int process, int signal);
}

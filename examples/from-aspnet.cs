#:sdk Microsoft.NET.Sdk.Web
#:project ../src/RingCore
// A minimal API whose files are read by io_uring: dotnet run examples/from-aspnet.cs [address:port] [folder].
// GET / sends this very file, GET /NAME another one of the folder. Kestrel keeps its threads and its sockets; the ring has one
// thread of its own, and InvokeAsync is the way in from any other.

using System.Net;
using System.Net.Sockets;
using RingCore;

IPEndPoint? address = new(IPAddress.Loopback, 7080);
if (args.Length > 0 && !(IPEndPoint.TryParse(args[0], out address) && args[0].EndsWith($":{address.Port}", StringComparison.Ordinal)))
{
    Console.Error.WriteLine($"'{args[0]}' is not address:port, such as 127.0.0.1:7080 or [::1]:0 (0: any free port)");
    return 2;
}

string folder = Path.GetFullPath(args.Length > 1 ? args[1] : AppContext.GetData("EntryPointFileDirectoryPath") as string ?? ".");
if (!Directory.Exists(folder))
{
    Console.Error.WriteLine($"{folder}: no such folder");
    return 1;
}

try
{
    await using RingExecutor ring = RingExecutor.Start(); // Disposed last, when no request is left.

    WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
    builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None); // Its failure is printed below.
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(address));
    await using WebApplication app = builder.Build();
    app.MapGet("/{name=from-aspnet.cs}", http => SendAsync(http, ring, folder));
    await app.StartAsync();
    Console.WriteLine($"listening on {new Uri(app.Urls.First()).Authority}");
    await app.WaitForShutdownAsync(); // SIGINT or SIGTERM.
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}
catch (Exception e) when (e is IOException or SocketException) // Port in use; address not of this machine.
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

return 0;

static async Task SendAsync(HttpContext http, RingExecutor ring, string folder)
{
    // A file of the folder itself, or a link there: a name that has any other part is not a file name.
    var name = (string)http.Request.RouteValues["name"]!;
    string path = Path.Join(folder, name);
    if (Path.GetFileName(name) != name || name.Contains('\0') || !File.Exists(path))
    {
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return;
    }

    CancellationToken gone = http.RequestAborted;
    await using RingFile file = await ring.InvokeAsync(() => RingFile.OpenAsync(path, cancellationToken: gone));
    http.Response.ContentType = "text/plain; charset=utf-8";

    // Not from a pool: if the executor stopped in mid-read, the kernel could still write to it.
    var buffer = new byte[64 * 1024];
    long position = 0;
    int read;
    while ((read = await ring.InvokeAsync(() => file.ReadAsync(buffer, position, gone))) > 0)
    {
        await http.Response.Body.WriteAsync(buffer.AsMemory(0, read), gone);
        position += read;
    }
}

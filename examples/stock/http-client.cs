// Gets a page: dotnet run examples/stock/http-client.cs http://HOST[:PORT]/PATH. Body to standard output, status line to standard error.
// Exit code 1: not 200, or cut short. The twin of examples/http-client.cs on HttpClient, which also knows chunks, TLS and redirects.

using System.Net;

if (args.Length != 1 || !Uri.TryCreate(args[0], UriKind.Absolute, out Uri? uri) || uri.Scheme != "http")
{
    Console.Error.WriteLine("usage: http-client http://HOST[:PORT]/PATH");
    return 2;
}

try
{
    using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(10) };
    using var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    using HttpResponseMessage response = await client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead);
    Console.Error.WriteLine($"HTTP/{response.Version} {(int)response.StatusCode} {response.ReasonPhrase}");
    await using Stream body = await response.Content.ReadAsStreamAsync(); // Not all of it in memory.
    await using Stream output = Console.OpenStandardOutput();
    await body.CopyToAsync(output, 64 * 1024);
    return response.StatusCode == HttpStatusCode.OK ? 0 : 1;
}
catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException) // HttpClient's name for a timeout.
{
    Console.Error.WriteLine($"http-client: {e.Message}");
    return 1;
}

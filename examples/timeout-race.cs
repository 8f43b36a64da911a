#:project ../src/RingCore
// A read against the clock: dotnet run examples/timeout-race.cs. The peer never sends; the deadline wins, and the loser is cancelled
// in the kernel, not just forgotten: its memory comes back before the await ends. Two ways: a token, and a deadline the kernel keeps.

using RingCore;

try
{
    RingExecutor.Run(async () =>
    {
        (RingConnection reader, RingConnection silent) = RingConnection.CreatePair();
        using (reader)
        using (silent)
        {
            var buffer = new byte[64];
            using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
            try
            {
                await reader.ReadAsync(buffer, deadline.Token);
            }
            catch (OperationCanceledException)
            {
                Report("by token");
            }

            OpResult result = await Op.Recv(reader, buffer).WithTimeout(TimeSpan.FromMilliseconds(100));
            Report($"by a linked timeout, {result}");

            // Nothing was lost: the socket is whole, and the next read gets what is sent now.
            await silent.WriteAsync("at last"u8.ToArray());
            int read = await reader.ReadAsync(buffer);
            Console.WriteLine($"the next read got {read} bytes");
        }
    });
    return 0;
}
catch (RingUnavailableException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

static void Report(string how)
{
    RingExecutor executor = RingExecutor.Current!;
    Console.WriteLine($"timed out {how}: {executor.InFlight().Count} requests left with the kernel, {executor.Counters.CancelsWon} cancelled by us");
}

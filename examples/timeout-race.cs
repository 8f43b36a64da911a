#:project ../src/RingCore
// A read against a deadline: dotnet run examples/timeout-race.cs. The loser is not forgotten but cancelled, in the kernel: its memory
// comes back with its last CQE, and only then does the await end. The counters show the cancel that struck and what is left behind.

using RingCore;
using RingCore.Sys;

try
{
    RingExecutor.Run(async () =>
    {
        (RingConnection left, RingConnection right) = RingConnection.CreatePair();
        using (left)
        using (right)
        {
            await Race("nothing comes ", () => ByToken(left, TimeSpan.FromMilliseconds(50)));
            await Race("nothing comes ", () => ByOp(left, TimeSpan.FromMilliseconds(50)));
            await right.WriteAsync("in time"u8.ToArray());
            await Race("data is there ", () => ByToken(left, TimeSpan.FromSeconds(10)));
            await right.WriteAsync("in time"u8.ToArray());
            await Race("data is there ", () => ByOp(left, TimeSpan.FromSeconds(10)));
        }
    });
    return 0;
}
catch (Exception e) when (e is IOException or RingUnavailableException)
{
    Console.Error.WriteLine(e.Message);
    return e is IOException ? 1 : 3; // 1: standard output takes no more, for instance.
}

static async RingTask Race(string what, Func<RingTask<string>> read)
{
    await RingExecutor.Delay(TimeSpan.FromMilliseconds(1)); // What is pending leaves before the counting.
    RingExecutor executor = RingExecutor.Current!;
    RingCounters before = executor.Counters;
    string result = await read();
    RingCounters used = executor.Counters - before;
    Console.WriteLine($"{what} {result,-42} SQEs {used.Sqes}, CQEs {used.Cqes}, cancels {used.CancelsWon}, left in the kernel {used.InFlight - before.InFlight}");
}

// A token, as everywhere in .NET: when it strikes, an ASYNC_CANCEL names the read by its user_data.
static async RingTask<string> ByToken(RingConnection connection, TimeSpan deadline)
{
    using var late = new CancellationTokenSource(deadline);
    try
    {
        return $"token: read {await connection.ReadAsync(new byte[64], late.Token)} bytes,";
    }
    catch (OperationCanceledException e) when (e.CancellationToken == late.Token)
    {
        return "token: the read was cancelled,";
    }
}

// A deadline that the kernel keeps: a LINK_TIMEOUT behind the receive, no task and no token.
static async RingTask<string> ByOp(RingConnection connection, TimeSpan deadline)
{
    OpResult result = await Op.Recv(connection, new byte[64]).WithTimeout(deadline);
    return result.IsSuccess ? $"op: read {result.Res} bytes," : $"op: the read ended with {Errno.Name(result.Errno)},";
}

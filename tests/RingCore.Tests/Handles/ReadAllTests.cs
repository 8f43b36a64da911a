// Tests: a connection read as a sequence of leases with one multishot receive, on the real kernel (conformance case 43): byte-exact,
// the end, a reset, leaving, cancelling, buffers that run out, a consumer slower than its peer. Single receives behind the same
// sequence where the kernel has no multishot. Case numbers: D5 43, 45.

using System.Net.Sockets;

namespace RingCore.Tests.Handles;

[Collection(nameof(Alone))]
public sealed class ReadAllTests : LiveTest
{
    [Theory, MemberData(nameof(AllModes))]
    public void Flood_ArrivesWhole_WhateverTheConsumersPace(string mode) => Run(mode, async () =>
    {
        (RingConnection client, RingConnection server) = await TcpPair();
        byte[] sent = new byte[300_000];
        new Random(7).NextBytes(sent);
        RingTask sending = RingExecutor.Spawn(async () =>
        {
            await client.WriteAsync(sent);
            client.Dispose();
        });
        var received = new MemoryStream();
        int leases = 0;
        await foreach (ReadLease lease in server.ReadAllAsync(mostLeases: 2))
        {
            using (lease)
                received.Write(lease.Span);
            if (++leases % 50 == 0)
                await RingExecutor.Delay(TimeSpan.FromMilliseconds(1)); // Meanwhile the cap is reached.
        }

        await sending;
        server.Dispose();
        Assert.Equal(sent, received.ToArray());
    });

    /// <summary>The consumer has caught up before the cancel at the cap has ended the receive: it must be armed again, not end.</summary>
    [Theory, MemberData(nameof(AllModes))]
    public void SlowSenderAndACapOfOne_LosesNothing(string mode) => Run(mode, async () =>
    {
        (RingConnection client, RingConnection server) = await TcpPair();
        RingTask sending = RingExecutor.Spawn(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                await client.WriteAsync(new byte[50]);
                await RingExecutor.Yield();
                if (i % 7 == 0)
                    await RingExecutor.Delay(TimeSpan.FromMilliseconds(1));
            }

            client.Dispose();
        });
        int received = 0;
        await foreach (ReadLease lease in server.ReadAllAsync(mostLeases: 1))
        {
            received += lease.Length;
            lease.Dispose();
        }

        await sending;
        server.Dispose();
        Assert.Equal(5_000, received);
    });

    [Theory, MemberData(nameof(AllModes))]
    public void Leaving_GivesTheBuffersBack_AndTheNextReadWorks(string mode) => Run(mode, async () =>
    {
        (RingConnection client, RingConnection server) = await TcpPair();
        await client.WriteAsync(new byte[10]);
        await foreach (ReadLease lease in server.ReadAllAsync())
        {
            lease.Dispose();
            break;
        }

        await client.WriteAsync(new byte[1]);
        Assert.Equal(1, await server.ReadAsync(new byte[4]));
        client.Dispose();
        server.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void Token_EndsTheSequence(string mode) => Run(mode, async () =>
    {
        (RingConnection client, RingConnection server) = await TcpPair();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ReadLease lease in server.ReadAllAsync(cancellationToken: stop.Token))
                lease.Dispose();
        });
        client.Dispose();
        server.Dispose();
    });

    [Theory, MemberData(nameof(AllModes))]
    public void Reset_ThrowsAfterWhatCame(string mode) => Run(mode, async () =>
    {
        (RingConnection client, RingConnection server) = await TcpPair();
        SocketOptions options = client.Options;
        options.ResetOnClose = true;
        client.Dispose();
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await foreach (ReadLease lease in server.ReadAllAsync())
                lease.Dispose();
        });
        server.Dispose();
    });
}

// Tests: Handles. Options of a socket belong to its handle, not to a number: kept beyond its life they are nobody else's.

namespace RingCore.Tests.Handles;

public sealed class SocketOptionsTests
{
    [Fact]
    public void OptionsKeptPastTheirConnection_DoNotReachTheNextSocketOfThatNumber()
    {
        Live.Run(async () =>
        {
            (RingConnection left, RingConnection right) = RingConnection.CreatePair();
            SocketOptions kept = left.Options;
            kept.KeepAlive = true;
            Assert.True(left.Options.KeepAlive);
            await left.DisposeAsync();
            (RingConnection next, RingConnection other) = RingConnection.CreatePair(); // Most likely with the same number.
            Assert.Throws<ObjectDisposedException>(() => kept.KeepAlive = true);
            Assert.Throws<ObjectDisposedException>(() => kept.KeepAlive);
            Assert.False(next.Options.KeepAlive);
            Assert.False(other.Options.KeepAlive);
            right.Dispose();
            next.Dispose();
            other.Dispose();
        });
    }
}

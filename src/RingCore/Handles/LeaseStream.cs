// Handles layer: a connection's reads as one multishot receive (IORING_RECV_MULTISHOT, 6.0): one SQE, a lease
// per CQE. The cap is what keeps it fair: at the cap the receive is cancelled, what came with the cancel is
// kept, and it is armed again when the consumer has caught up. Where the kernel lacks it, or has no buffer
// left, each round is a single receive.

using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>The sequence behind <see cref="RingConnection.ReadAllAsync"/>.</summary>
internal sealed class LeaseStream : MultishotStream<ReadLease>
{
    private readonly RingConnection _connection;
    // The buffer outside the ring that the kernel receives into.
    private LeaseOwner? _own;
    private bool _dry;

    /// <summary>What ended it; until something has, its executor or its handle will. 0: the peer.</summary>
    private int _error = -ECANCELED;

    internal LeaseStream(RingConnection connection, int mostLeases, CancellationToken token)
        : base(connection, token, mostLeases) => _connection = connection;

    protected override void PrepareToArm()
    {
        if (_dry || !Driver.Leases.HasRing)
            _own ??= Driver.Leases.TakeOwn();
        _dry = false;
    }

    /// <summary>FALLBACK MultishotReceive (6.0): a single receive per round.</summary>
    protected override void Arm() =>
        Driver.Leases.Receive(
            this, _connection, Driver.Ring.Features.HasFlag(RingFeatures.MultishotReceive), _own);

    protected override bool TakeIn(int res, uint flags)
    {
        LeaseOwner? own = _own;
        _own = null;
        LeaseOwner? owner = Driver.Leases.Claim(res, flags) ?? own;
        if (res > 0 && _error != -ENOMEM)
        {
            if (Keep(new ReadLease(owner!, res)))
                return true;
            // Its bytes are lost, and the sequence says so; nothing may follow them.
            _error = -ENOMEM;
            return false;
        }

        owner?.Release();
        if (_error == -ENOMEM)
            return false;
        if (res == -ENOBUFS && own is null)
        {
            Driver.Leases.RanDry();
            // The next round has a buffer of its own: it must not wait for another's lease.
            _dry = true;
            return true;
        }

        // 0: the peer has finished.
        _error = res;
        return false;
    }

    protected override void Cancelled()
    {
        _own?.Release();
        _own = null;
    }

    protected override void Release(ReadLease result) => result.Dispose();

    protected override void ThrowIfFailed()
    {
        if (_error < 0)
            throw RingErrors.Socket(_error, _connection, Token, "Reading");
    }
}

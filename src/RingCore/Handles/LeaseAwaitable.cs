// Handles layer: the awaitable of a leased read: a receive into a buffer that the kernel picks when data is there, so that a
// waiting connection holds none. Where the ring's buffers are all out it goes on with a buffer of its own: it never waits for
// another connection's lease.

using System.Threading.Tasks.Sources;
using RingCore.Sys;

namespace RingCore;

/// <summary>A leased read on a connection. Pooled.</summary>
internal sealed class LeaseAwaitable : OpAwaitable, IValueTaskSource<ReadLease>
{
    private RingConnection _connection = null!;
    private LeaseOwner? _owner;
    private CancellationToken _token;

    protected override ValueTaskSourceStatus CompletedStatus => RingErrors.StatusOf(Res, _connection, _token);

    internal static LeaseAwaitable Rent(RingConnection connection, CancellationToken token)
    {
        LeaseAwaitable awaitable = HandlePools.OfThread.LeasedReads.Rent();
        awaitable.Begin(connection.Driver);
        awaitable._connection = connection;
        awaitable._token = token;
        return awaitable;
    }

    /// <summary>Writes the SQE: with buffer selection, or into a buffer of its own.</summary>
    internal void Submit(bool select) => Driver.Leases.Receive(this, _connection, select, multishot: false, ref _owner, _token);

    internal override void Complete(int res, uint flags, int step)
    {
        LeasePool leases = Driver.Leases;
        if (leases.Claim(res, flags) is { } owner)
            _owner = owner;
        else if (res <= 0)
            DropOwner();
        if (res == -Errno.ENOBUFS)
        {
            leases.RanDry();
            if (MayGoOn(_connection, _token))
            {
                Submit(select: false);
                return;
            }

            res = -Errno.ECANCELED;
        }

        _connection.ReceiveEnded();
        base.Complete(res, flags, 0);
    }

    private void DropOwner()
    {
        _owner?.Release(_owner.Version);
        _owner = null;
    }

    protected override void ReleaseUntaken() => DropOwner();

    public ReadLease GetResult(short token)
    {
        Take(token);
        ReadLease lease = Res > 0 ? new ReadLease(_owner!, Res) : default;
        Exception? failure = Res < 0 ? RingErrors.Socket(Res, _connection, _token, "Reading") : null;
        _owner = null;
        _connection = null!;
        _token = default;
        HandlePools.OfThread.LeasedReads.Return(this);

        return failure is null ? lease : throw failure;
    }
}

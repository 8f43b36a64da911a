// Handles layer: the awaitable of a leased read: a receive into a buffer that the kernel picks when data is
// there, so that a waiting connection holds none. Where the ring's buffers are all out it goes on with a
// buffer of its own: it never waits for another connection's lease.

using System.Diagnostics;
using System.Threading.Tasks.Sources;
using static RingCore.Sys.Errno;

namespace RingCore;

/// <summary>A leased read on a connection. Pooled.</summary>
internal sealed class LeaseAwaitable : OpAwaitable, IValueTaskSource<ReadLease>
{
    private RingConnection _connection = null!;
    private LeaseOwner? _own; // The buffer outside the ring that the kernel receives into.
    private LeaseOwner? _owner; // The result's.
    private CancellationToken _token;

    protected override ValueTaskSourceStatus CompletedStatus => RingErrors.StatusOf(Res, _connection, _token);

    internal static LeaseAwaitable Start(RingConnection connection, CancellationToken token)
    {
        OpDriver driver = connection.Driver;
        connection.ThrowIfNotReady();
        connection.ThrowIfReading();
        LeaseAwaitable read = HandlePools.Of(driver).LeasedReads.Rent();
        read.Driver = driver;
        read._connection = connection;
        read._token = token;
        int refused;
        try
        {
            if (!driver.Leases.HasRing)
                read._own = driver.Leases.TakeOwn();
            read.Register(token);
            refused = driver.Admit(token);
        }
        catch
        {
            read.Abandon();
            throw;
        }

        connection.StartReading(read);
        read.Begin(driver);
        if (refused < 0)
            read.Refuse(refused);
        else
            driver.Leases.Receive(read, connection, multishot: false, read._own);
        return read;
    }

    internal override void OnTerminal(int res, uint flags, int step)
    {
        LeasePool leases = Driver.Leases;
        LeaseOwner? owner = leases.Claim(res, flags);
        if (res == -ENOBUFS && _own is null)
        {
            leases.RanDry();
            res = AdmitAgain(_connection, _token);
            if (res == 0 && (_own = leases.TryTakeOwn()) is not null)
            {
                leases.Receive(this, _connection, multishot: false, _own);
                return;
            }

            res = res == 0 ? -ENOMEM : res;
        }

        if (res > 0)
        {
            _owner = owner ?? _own;
            _own = owner is null ? null : _own;
        }

        ReturnLoans();
        SetResult(res, flags);
    }

    protected override void ReturnLoans()
    {
        _own?.Release();
        _own = null;
        _connection.EndReading(this);
    }

    protected override void ReleaseUntaken()
    {
        _owner?.Release();
        _owner = null;
    }

    [StackTraceHidden]
    public ReadLease GetResult(short token)
    {
        Take(token);
        ReadLease lease = Res > 0 ? new ReadLease(_owner!, Res) : default;
        Exception? failure = Res < 0 ? RingErrors.Socket(Res, _connection, _token, "Reading") : null;
        _owner = null;
        _connection = null!;
        _token = default;
        HandlePools.Of(Driver).LeasedReads.Return(this);
        return failure is null ? lease : throw failure;
    }
}

// Op layer: buffers that the kernel chose, lent on to the application. A lease is a struct {pooled owner, version}; its owner is
// the MemoryManager behind the lease's memory, so that a send of a leased buffer counts as a loan on it: a buffer goes back to
// the kernel when its lease is disposed and no op uses it, whichever comes last. Owner thread, but for Dispose, which hops.

using System.Buffers;
using System.Runtime.CompilerServices;
using RingCore.Sys;

namespace RingCore;

/// <summary>
/// Received bytes in a buffer of the executor. Dispose gives it back, once; a copy disposed later does nothing and is counted.
/// After disposal its memory throws.
/// </summary>
public readonly struct ReadLease : IDisposable
{
    private readonly LeaseOwner? _owner;
    private readonly uint _version;

    internal ReadLease(LeaseOwner owner, int length)
    {
        _owner = owner;
        _version = owner.Version;
        Length = length;
    }

    /// <summary>Bytes received; 0 when the peer has finished.</summary>
    public int Length { get; }

    /// <summary>Whether the peer has finished sending: no byte, no buffer.</summary>
    public bool IsEnd => Length == 0;

    /// <summary>The bytes. Valid until Dispose.</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed.</exception>
    public ReadOnlyMemory<byte> Memory => _owner is null ? default : _owner.Slice(Length, _version);

    /// <summary>The bytes. Valid until Dispose.</summary>
    /// <exception cref="ObjectDisposedException">The lease was disposed.</exception>
    public ReadOnlySpan<byte> Span => Memory.Span;

    /// <summary>Gives the buffer back, as soon as no op uses it. Any thread.</summary>
    public void Dispose() => _owner?.Release(_version);
}

/// <summary>A lease now out, for reports.</summary>
/// <param name="Bytes">Size of the buffer.</param>
/// <param name="Age">How long it has been out, to the loop's coarse clock.</param>
/// <param name="Own">Whether it is a buffer outside the ring, taken when the ring's were all out.</param>
public readonly record struct LeaseInfo(int Bytes, TimeSpan Age, bool Own);

/// <summary>One buffer and its present lease.</summary>
internal sealed unsafe class LeaseOwner(LeasePool pool, int bufferId, Memory<byte> memory) : MemoryManager<byte>
{
    internal readonly int BufferId = bufferId; // −1: a buffer of its own, outside the ring.
    private readonly byte* _address = (byte*)Unsafe.AsPointer(ref memory.Span[0]); // On the pinned heap, kept alive by memory.
    private int _users; // The lease itself, and ops that send from it.

    internal uint Version { get; private set; }

    internal uint SinceMs { get; private set; }

    internal bool IsLeased { get; private set; }

    internal int Size => memory.Length;

    internal ulong Address => (ulong)_address;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Lease(uint nowMs)
    {
        IsLeased = true;
        _users = 1;
        SinceMs = nowMs;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ReadOnlyMemory<byte> Slice(int length, uint version)
    {
        ObjectDisposedException.ThrowIf(version != Version, typeof(ReadLease));
        return CreateMemory(length);
    }

    internal void Release(uint version)
    {
        if (pool.Driver.IsOwner)
            ReleaseOnOwner(version);
        else
            pool.Driver.Host.Post(Returned(version));
    }

    private ActionWork Returned(uint version) => new(() => ReleaseOnOwner(version)); // Here, so that nothing is allocated on the owner.

    private void ReleaseOnOwner(uint version)
    {
        if (version != Version || !IsLeased)
        {
            pool.Driver.Ring.Counters.StaleLeases++;
            return;
        }

        IsLeased = false;
        Version++;
        Unuse();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Unuse()
    {
        if (--_users == 0)
            pool.Return(this);
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(!IsLeased, typeof(ReadLease));
        return new Span<byte>(_address, Size);
    }

    /// <summary>An op takes the buffer on loan: the memory does not move, it only has to stay out of the ring.</summary>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(!IsLeased, typeof(ReadLease));
        if (!pool.Driver.IsOwner)
            return new MemoryHandle(_address + elementIndex); // Pinned for reading elsewhere: the lease's life is the promise there.
        _users++;
        return new MemoryHandle(_address + elementIndex, pinnable: this);
    }

    public override void Unpin() => Unuse();

    protected override void Dispose(bool disposing)
    {
    }
}

/// <summary>
/// The lease buffers of one executor: the ring's, and spare ones of their own for when those are all out. The kernel takes buffers
/// first in, first out; lent all at once they would pass through the cache one after the other and each receive would miss it
/// (measured: 0.13 µs of 5 per echo). So only a window of them is lent, the rest waits on a stack, and running dry doubles the window.
/// </summary>
internal sealed unsafe class LeasePool
{
    private const ushort Group = 0;
    private const int MostSpare = 256;
    private const int FirstWindow = 64;

    internal readonly OpDriver Driver;
    private readonly Stack<LeaseOwner> _spare = new();
    private readonly HashSet<LeaseOwner> _ownOut = [];
    private LeaseOwner?[] _owners = [];
    private ushort[] _idle = []; // Ring buffers that are neither lent nor leased, a stack: the warmest on top.
    private BufferRing? _ring;
    private bool _started;
    private int _idleCount;
    private int _lent; // With the kernel.
    private int _window; // How many should be.
    private long _grewAt = -1;

    internal LeasePool(OpDriver driver) => Driver = driver;

    /// <summary>Whether receives may name the group; registers it at the first question.</summary>
    internal bool HasRing
    {
        get
        {
            if (!_started)
                Start();
            return _ring is not null;
        }
    }

    private void Start()
    {
        _started = true;
        if (!Driver.Ring.Features.HasFlag(RingFeatures.BufferRings))
            return; // FALLBACK BufferRings (5.19): every lease is a buffer of its own.
        try
        {
            _ring = new BufferRing(Driver.Ring, Group, Driver.Options.LeaseBufferCount, Driver.Options.LeaseBufferSize);
        }
        catch (InvalidOperationException) // Refused all the same, as over a limit on locked memory: as where there is none.
        {
            return;
        }

        _owners = new LeaseOwner?[_ring.Count];
        _idle = new ushort[_ring.Count];
        for (int id = _ring.Count - 1; id >= 0; id--)
            _idle[_idleCount++] = (ushort)id;
        _window = Math.Min(FirstWindow, _ring.Count);
        Lend();
    }

    /// <summary>Fills the window.</summary>
    private void Lend()
    {
        while (_lent < _window && _idleCount > 0)
        {
            _ring!.Return(_idle[--_idleCount]);
            _lent++;
        }
    }

    /// <summary>The kernel found no buffer: more of them are lent from now on.</summary>
    internal void RanDry()
    {
        Driver.Ring.Counters.NoBuffers++;
        long enter = Driver.Ring.Counters.Enters;
        if (_grewAt != enter) // Once per drought: several receives of one enter find the ring empty together.
            _window = Math.Min(_window * 2, _ring!.Count);
        _grewAt = enter;
        Lend();
    }

    private LeaseOwner Create(int bufferId) => _owners[bufferId] = new LeaseOwner(this, bufferId, _ring![(ushort)bufferId]);

    /// <summary>Writes a receive into a buffer that the kernel picks, or into one outside the ring.</summary>
    /// <param name="sink">Whose op; it hands its CQEs to <see cref="Claim"/>.</param>
    /// <param name="handle">The socket.</param>
    /// <param name="select">Whether the kernel picks.</param>
    /// <param name="multishot">Whether it picks again and again.</param>
    /// <param name="own">The sink's place for the buffer outside the ring.</param>
    /// <param name="token">Asks for cancellation.</param>
    internal void Receive(OpSink sink, RingHandle handle, bool select, bool multishot, ref LeaseOwner? own, CancellationToken token)
    {
        if (!select)
            own = TakeOwn();
        ref OpSlot slot = ref Driver.Begin(sink, handle, out io_uring_sqe* sqe, out _);
        if (select)
            Prep.RecvSelect(sqe, Group, multishot ? 0 : (uint)Driver.Options.LeaseBufferSize);
        else
            Prep.Transfer(sqe, io_uring_op.IORING_OP_RECV, own!.Address, (uint)own.Size);
        if (select && multishot)
            sqe->ioprio = OpFlags.IORING_RECV_MULTISHOT;
        Driver.Prepared(ref slot, sqe);
        OpDriver.Register(ref slot, sink, token); // Last: a token that strikes just now writes its cancel's SQE here.
    }

    /// <summary>A buffer outside the ring.</summary>
    private LeaseOwner TakeOwn()
    {
        if (!_spare.TryPop(out LeaseOwner? owner))
            owner = new LeaseOwner(this, bufferId: -1, GC.AllocateUninitializedArray<byte>(Driver.Options.LeaseBufferSize, pinned: true));
        owner.Lease(Driver.NowMs);
        _ownOut.Add(owner);
        Driver.Ring.Counters.LeasesOut++;
        return owner;
    }

    /// <summary>Its lease is disposed and no op uses it.</summary>
    internal void Return(LeaseOwner owner)
    {
        Driver.Ring.Counters.LeasesOut--;
        if (owner.BufferId >= 0)
        {
            GiveBack((ushort)owner.BufferId);
            return;
        }

        _ownOut.Remove(owner);
        if (_spare.Count < MostSpare)
            _spare.Push(owner);
    }

    /// <summary>The lease of the buffer that a receive's CQE names: by flag, not by result, since an error can come with a buffer too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal LeaseOwner? Claim(int res, uint flags)
    {
        if ((flags & CqeFlags.IORING_CQE_F_BUFFER) == 0)
            return null;
        int id = (int)(flags >> CqeFlags.IORING_CQE_BUFFER_SHIFT);
        _lent--;
        if (res <= 0)
        {
            GiveBack((ushort)id);
            return null;
        }

        LeaseOwner owner = _owners[id] ?? Create(id);
        owner.Lease(Driver.NowMs);
        Driver.Ring.Counters.LeasesOut++;
        if (_lent < _window / 2)
            Lend();
        return owner;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void GiveBack(ushort id)
    {
        if (_lent >= _window)
        {
            _idle[_idleCount++] = id;
            return;
        }

        _ring!.Return(id);
        _lent++;
    }

    internal List<LeaseInfo> Outstanding() => [.. _owners.OfType<LeaseOwner>().Concat(_ownOut).Where(owner => owner.IsLeased)
        .Select(owner => new LeaseInfo(owner.Size, TimeSpan.FromMilliseconds(Driver.NowMs - owner.SinceMs), owner.BufferId < 0))];

    internal void Release() => _ring?.Dispose();
}

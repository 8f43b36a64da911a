// Op layer: the lease buffers of one executor: the ring's, and spare ones of their own for when those are all
// out. The kernel takes buffers first in, first out; lent all at once they would pass through the cache one
// after the other and each receive would miss it (measured: 0.13 µs of 5 per echo). So only a window of them
// is lent, the rest waits on a stack, and running dry doubles the window. Invariants: a buffer is lent to the
// kernel only when its owner object is there, so that taking a result in allocates nothing; lent + idle +
// leased = count. A process that has no memory for the group goes on with buffers of its own. Owner thread
// only.

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.io_uring_op;

namespace RingCore;

/// <summary>The buffers behind leased reads.</summary>
internal sealed unsafe class LeasePool
{
    private const ushort Group = 0;
    private const int FirstWindow = 64;

    /// <summary>Buffers of their own that are mapped together.</summary>
    private const int OwnTogether = 64;

    internal readonly OpDriver Driver;
    private LeaseOwner?[] _owners = [];
    // Ring buffers that are neither lent nor leased, a stack: the warmest on top.
    private ushort[] _idle = [];
    private BufferRing? _ring;
    private bool _started;
    private int _idleCount;
    private int _lent; // With the kernel.
    private int _window; // How many should be.
    private long _grewAt = -1;

    private LeaseOwner? _spare;
    // All there are.
    private LeaseOwner? _own;
    private MappedMemory? _ownMemory;
    private int _ownUsed = OwnTogether;

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
        // FALLBACK BufferRings (5.19): every lease is a buffer of its own.
        if (!Driver.Ring.Features.HasFlag(RingFeatures.BufferRings))
            return;
        int count = Driver.Options.LeaseBufferCount;
        BufferRing? ring = null;
        try
        {
            _owners = new LeaseOwner?[count];
            _idle = new ushort[count];
            ring = new BufferRing(Driver.Ring, Group, count, Driver.Options.LeaseBufferSize);
        }
        catch (Exception e) when (e is InvalidOperationException or OutOfMemoryException)
        {
            // Refused all the same, as over a limit on locked memory, or no memory: as where there is none.
            ring?.Dispose();
            return;
        }

        _ring = ring;
        for (int id = count - 1; id >= 0; id--)
            _idle[_idleCount++] = (ushort)id;
        _window = Math.Min(FirstWindow, count);
        Lend();
    }

    /// <summary>Fills the window, as far as there is memory for owners.</summary>
    private void Lend()
    {
        while (_lent < _window && _idleCount > 0 && HasOwner(_idle[_idleCount - 1]))
        {
            _ring!.Return(_idle[--_idleCount]);
            _lent++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasOwner(ushort id) => _owners[id] is { IsWorn: false } || TryMakeOwner(id);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryMakeOwner(ushort id)
    {
        try
        {
            _owners[id] = new LeaseOwner(this, id, _ring!.Memory, _ring.AddressOf(id), _ring.Size);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>The kernel found no buffer: more of them are lent from now on.</summary>
    internal void RanDry()
    {
        Driver.Ring.Counters.NoBuffers++;
        long enter = Driver.Ring.Counters.Enters;
        // Once per drought: several receives of one enter find the ring empty together.
        if (_grewAt != enter)
            _window = Math.Min(_window * 2, _ring!.Count);
        _grewAt = enter;
        Lend();
    }

    /// <summary>
    /// Writes an admitted receive into a buffer that the kernel picks, or into one outside the ring.
    /// </summary>
    /// <param name="sink">Whose op; it hands its CQEs to <see cref="Claim"/>.</param>
    /// <param name="handle">The socket.</param>
    /// <param name="multishot">Whether the kernel picks again and again.</param>
    /// <param name="own">From <see cref="TakeOwn"/>; null: the kernel picks.</param>
    internal void Receive(OpSink sink, RingHandle handle, bool multishot, LeaseOwner? own)
    {
        ref OpSlot slot = ref Driver.Begin(sink, handle, out io_uring_sqe* sqe, out _);
        if (own is null)
            Prep.RecvSelect(sqe, Group, multishot ? 0 : (uint)Driver.Options.LeaseBufferSize);
        else
            Prep.Fill(sqe, IORING_OP_RECV, own.Address, (uint)own.Size);
        Driver.Prepared(ref slot, sqe);
    }

    /// <summary>A buffer outside the ring, leased.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for one.</exception>
    internal LeaseOwner TakeOwn()
    {
        LeaseOwner owner = _spare ?? MakeOwn();
        _spare = owner.NextSpare;
        owner.NextSpare = null;
        owner.Lease(Driver.NowMs);
        Driver.Ring.Counters.LeasesOut++;
        return owner;
    }

    /// <summary>As <see cref="TakeOwn"/>, in the reap: null where there is no memory.</summary>
    internal LeaseOwner? TryTakeOwn()
    {
        try
        {
            return TakeOwn();
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    private LeaseOwner MakeOwn()
    {
        int size = Driver.Options.LeaseBufferSize;
        if (_ownUsed == OwnTogether)
        {
            _ownMemory = new MappedMemory((long)OwnTogether * size);
            _ownUsed = 0;
        }

        byte* address = _ownMemory!.Address + (nint)_ownUsed * size;
        var owner = new LeaseOwner(this, bufferId: -1, _ownMemory, address, size);
        owner.NextOwn = _own;
        _ownUsed++;
        return _own = owner;
    }

    /// <summary>Its lease is disposed and no op uses it.</summary>
    internal void Return(LeaseOwner owner)
    {
        Driver.Ring.Counters.LeasesOut--;
        if (owner.BufferId >= 0)
            GiveBack((ushort)owner.BufferId);
        else if (!owner.IsWorn)
            Spare(owner);
        else
            Renew(owner);
    }

    private void Spare(LeaseOwner owner)
    {
        owner.NextSpare = _spare;
        _spare = owner;
    }

    /// <summary>Without memory for a new owner the buffer stays away: a Dispose does not throw.</summary>
    private void Renew(LeaseOwner worn)
    {
        LeaseOwner owner;
        try
        {
            owner = worn.Renewed();
        }
        catch (OutOfMemoryException)
        {
            return;
        }

        ref LeaseOwner? place = ref _own;
        while (!ReferenceEquals(place, worn))
            place = ref place!.NextOwn;
        owner.NextOwn = worn.NextOwn;
        place = owner;
        Spare(owner);
    }

    /// <summary>
    /// The lease of the buffer that a receive's CQE names: by flag, not by result, since an error can come
    /// with a buffer too.
    /// </summary>
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

        LeaseOwner owner = _owners[id]!;
        owner.Lease(Driver.NowMs);
        Driver.Ring.Counters.LeasesOut++;
        if (_lent < _window / 2)
            Lend();
        return owner;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void GiveBack(ushort id)
    {
        if (_lent >= _window || !HasOwner(id))
        {
            _idle[_idleCount++] = id;
            return;
        }

        _ring!.Return(id);
        _lent++;
    }

    internal List<LeaseInfo> Outstanding()
    {
        var list = new List<LeaseInfo>();
        foreach (LeaseOwner? owner in _owners)
            Add(list, owner);
        for (LeaseOwner? owner = _own; owner is not null; owner = owner.NextOwn)
            Add(list, owner);
        return list;
    }

    private void Add(List<LeaseInfo> list, LeaseOwner? owner)
    {
        if (owner is not { IsLeased: true })
            return;
        TimeSpan age = TimeSpan.FromMilliseconds(Driver.NowMs - owner.SinceMs);
        list.Add(new LeaseInfo { Bytes = owner.Size, Age = age, Own = owner.BufferId < 0 });
    }

    /// <summary>
    /// At the executor's end, with nothing in flight. Memory that is still leased stays mapped until its
    /// lease is forgotten.
    /// </summary>
    internal void Release()
    {
        _ring?.Dispose();
        if (Driver.Ring.Counters.LeasesOut == 0)
            _ring?.Memory.Dispose();
    }
}

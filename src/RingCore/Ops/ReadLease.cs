// Op layer: buffers that the kernel chose, lent on to the application. A lease is a struct {owner, version};
// its owner is the MemoryManager behind the lease's memory, so that a send of a leased buffer counts as a
// loan on it: a buffer goes back to the kernel when its lease is disposed and no op uses it, whichever comes
// last. Owner thread, but for Dispose, which hops.
//
// A memory that is kept past its lease must not show what the buffer holds by then. It costs nothing: each
// lease's memory begins at another place of the manager's span, lower from lease to lease, and the span ends
// with the present lease's bytes. The place of an earlier lease lies behind that end, so its Span fails the
// base library's own bounds check, and its Pin ours. The span begins in reserved address space
// (MappedMemory), which nobody reaches: a Memory only hands out its own slice. An owner that has no lower
// place left is replaced.

using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// Received bytes in a buffer of the executor. Dispose gives it back, once; a copy disposed later does
/// nothing and is counted. After disposal its memory throws: <see cref="ObjectDisposedException"/>, or once
/// the buffer is lent again
/// <see cref="ArgumentOutOfRangeException"/>. A span taken before is not watched.
/// </summary>
[DebuggerDisplay("{Length} bytes")]
public readonly struct ReadLease : IDisposable
{
    private readonly LeaseOwner? _owner;
    private readonly int _version;

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
    public ReadOnlySpan<byte> Span => _owner is null ? default : _owner.SpanOf(Length, _version);

    /// <summary>Gives the buffer back, as soon as no op uses it. Any thread.</summary>
    public void Dispose() => _owner?.Release(_version);
}

/// <summary>One buffer and its present lease.</summary>
internal sealed unsafe class LeaseOwner : MemoryManager<byte>
{
    // −1: a buffer of its own, outside the ring.
    internal readonly int BufferId;
    private readonly LeasePool _pool;
    internal readonly byte* Address;
    private readonly MappedMemory _memory; // Keeps it mapped.
    private int _users; // The lease itself, and ops that send from it.

    internal LeaseOwner(LeasePool pool, int bufferId, MappedMemory memory, byte* address, int size)
    {
        _pool = pool;
        BufferId = bufferId;
        _memory = memory;
        Address = address;
        Size = size;
        Version = memory.Reserve / size * size;
    }

    /// <summary>
    /// Of the present lease: where its memory begins in the span. Falls by <see cref="Size"/> from lease to
    /// lease.
    /// </summary>
    internal int Version { get; private set; }

    /// <summary>Whether it has no place for one more lease.</summary>
    internal bool IsWorn => Version < Size;

    internal uint SinceMs { get; private set; }

    internal bool IsLeased { get; private set; }

    internal int Size { get; }

    /// <summary>In the pool's list of spare ones, or of all of its own.</summary>
    internal LeaseOwner? NextSpare;
    internal LeaseOwner? NextOwn;

    /// <summary>A fresh one for the same buffer.</summary>
    internal LeaseOwner Renewed() => new(_pool, BufferId, _memory, Address, Size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Lease(uint nowMs)
    {
        IsLeased = true;
        _users = 1;
        SinceMs = nowMs;
    }

    private bool IsPresent(int version) => version == Version && IsLeased;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ReadOnlyMemory<byte> Slice(int length, int version)
    {
        ObjectDisposedException.ThrowIf(!IsPresent(version), typeof(ReadLease));
        return CreateMemory(version, length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ReadOnlySpan<byte> SpanOf(int length, int version)
    {
        ObjectDisposedException.ThrowIf(!IsPresent(version), typeof(ReadLease));
        return new ReadOnlySpan<byte>(Address, length);
    }

    /// <summary>Ends the present lease.</summary>
    internal void Release() => Release(Version);

    internal void Release(int version)
    {
        if (_pool.Driver.IsOwner)
            ReleaseOnOwner(version);
        else
            _pool.Driver.Host.Post(Returned(version));
    }

    // Here, so that nothing is allocated on the owner.
    private ActionWork Returned(int version) => new(() => ReleaseOnOwner(version));

    private void ReleaseOnOwner(int version)
    {
        if (!IsPresent(version))
        {
            _pool.Driver.Ring.Counters.StaleLeases++;
            return;
        }

        IsLeased = false;
        Version -= Size;
        Unuse();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Unuse()
    {
        if (--_users == 0)
            _pool.Return(this);
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(!IsLeased, typeof(ReadLease));
        return new Span<byte>(Address - Version, Version + Size);
    }

    /// <summary>
    /// An op takes the buffer on loan: the memory does not move, it only has to stay out of the ring.
    /// </summary>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        int start = elementIndex - Version;
        ObjectDisposedException.ThrowIf(!IsLeased || start < 0 || start >= Size, typeof(ReadLease));
        if (!_pool.Driver.IsOwner)
            // Pinned for reading elsewhere: the lease's life is the promise there.
            return new MemoryHandle(Address + start);
        _users++;
        return new MemoryHandle(Address + start, pinnable: this);
    }

    public override void Unpin() => Unuse();

    protected override void Dispose(bool disposing)
    {
    }
}

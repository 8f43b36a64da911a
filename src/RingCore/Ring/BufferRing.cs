// Ring layer: a provided buffer ring: native buffers that the kernel picks from when a receive completes. The
// op layer owns one per executor. Owner thread only. It does not count leases and does not know who holds a
// buffer: each Return is the caller's promise that the buffer was named by a completion and goes back once.

using System.Runtime.InteropServices;
using RingCore.Sys;
using static RingCore.Sys.RegisterOps;

namespace RingCore;

/// <summary>
/// A group of equal buffers lent to the kernel (IORING_REGISTER_PBUF_RING, 5.19). Owner thread only.
/// </summary>
internal sealed unsafe class BufferRing : IDisposable
{
    private readonly Ring _ring;
    // Page-aligned native memory, as the kernel wants it.
    private readonly byte* _entries;
    private readonly uint _mask;
    private readonly int _stride;
    private ushort _tail;
    private bool _registered;

    /// <summary>
    /// Registers a group. No buffer is lent yet: see <see cref="Return"/>. The ring keeps it alive while the
    /// kernel may write.
    /// </summary>
    /// <param name="ring">The ring.</param>
    /// <param name="group">Buffer group id, unique on the ring.</param>
    /// <param name="count">Buffers: a power of two, at most 32,768.</param>
    /// <param name="size">Bytes in one buffer.</param>
    /// <exception cref="InvalidOperationException">The kernel refuses; the message has the errno.</exception>
    /// <exception cref="OutOfMemoryException">No memory for it.</exception>
    internal BufferRing(Ring ring, ushort group, int count, int size)
    {
        _ring = ring;
        Group = group;
        Count = count;
        Size = size;
        _mask = (uint)count - 1;
        // A cache line between buffers keeps their beginnings out of the same cache set.
        _stride = size + 64;
        Memory = new MappedMemory((long)count * _stride);
        try
        {
            nuint bytes = (nuint)(count * sizeof(io_uring_buf));
            _entries = (byte*)NativeMemory.AlignedAlloc(bytes, 4096);
            NativeMemory.Clear(_entries, bytes);
            ring.Keep(this);
            io_uring_buf_reg registration = default;
            registration.ring_addr = (ulong)_entries;
            registration.ring_entries = (uint)count;
            registration.bgid = group;
            int result = ring.Register(IORING_REGISTER_PBUF_RING, &registration, 1);
            if (result < 0)
            {
                throw new InvalidOperationException(
                    $"The kernel refuses a buffer ring of {count} buffers: {Errno.Describe(-result)}.");
            }
        }
        catch
        {
            ring.Forget(this);
            NativeMemory.AlignedFree(_entries);
            Memory.Dispose();
            throw;
        }

        _registered = true;
    }

    /// <summary>Buffer group id, for sqe.buf_group.</summary>
    internal ushort Group { get; }

    /// <summary>Buffers in the group.</summary>
    internal int Count { get; }

    /// <summary>Bytes in one buffer.</summary>
    internal int Size { get; }

    /// <summary>All buffers. Outlives the group where somebody still looks into one.</summary>
    internal MappedMemory Memory { get; }

    /// <summary>
    /// Where a buffer lies. Its bytes are the caller's only while the caller, and not the kernel, holds it.
    /// </summary>
    internal byte* AddressOf(ushort id) => Memory.Address + (nint)id * _stride;

    /// <summary>
    /// Lends a buffer to the kernel: the first time, and again once per completion that named it
    /// (IORING_CQE_F_BUFFER).
    /// </summary>
    internal void Return(ushort id)
    {
        // Never the whole entry: the ring's tail lives in the last two bytes of entry 0. And always all three
        // fields: kernels have been seen to change a published length.
        io_uring_buf* entry = (io_uring_buf*)_entries + (_tail & _mask);
        entry->addr = (ulong)AddressOf(id);
        entry->len = (uint)Size;
        entry->bid = id;
        // Release: the entry before the tail. Pairs with the kernel's acquire of it.
        Volatile.Write(ref *(ushort*)(_entries + 14), ++_tail);
    }

    /// <summary>
    /// Takes the group back from the kernel. No receive that could pick from it may be in flight.
    /// </summary>
    public void Dispose()
    {
        if (!_registered)
            return;
        _registered = false;
        var registration = new io_uring_buf_reg { bgid = Group };
        _ring.Register(IORING_UNREGISTER_PBUF_RING, &registration, 1);
        _ring.Forget(this);
        NativeMemory.AlignedFree(_entries);
    }
}

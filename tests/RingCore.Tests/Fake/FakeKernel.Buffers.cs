// Tests: the fake kernel's provided buffer rings: entries and tail are read from the memory that was registered, as the kernel
// does; buffers are taken in order, and ENOBUFS tells that none is there.

using RingCore.Sys;
using static RingCore.Sys.CqeFlags;

namespace RingCore.Tests.Fakes;

internal sealed unsafe partial class FakeKernel
{
    private readonly Dictionary<ushort, Group> _groups = [];

    private sealed class Group
    {
        internal io_uring_buf* Entries;
        internal uint Mask;
        internal ushort Head;

        internal ushort Tail => Volatile.Read(ref *(ushort*)((byte*)Entries + 14));
    }

    /// <summary>Buffer groups now registered.</summary>
    internal IReadOnlyCollection<ushort> Groups => _groups.Keys;

    /// <summary>Buffers of a group that the kernel may pick now.</summary>
    internal int BuffersFree(ushort group) => (ushort)(_groups[group].Tail - _groups[group].Head);

    /// <summary>The tail as it stands in the shared memory.</summary>
    internal ushort BufferTail(ushort group) => _groups[group].Tail;

    private int RegisterBuffers(io_uring_buf_reg* registration)
    {
        if (_groups.ContainsKey(registration->bgid))
            return -Errno.EEXIST;
        if (registration->ring_addr == 0 || registration->ring_addr % 4096 != 0 || !uint.IsPow2(registration->ring_entries))
            return -Errno.EINVAL;
        _groups[registration->bgid] = new Group { Entries = (io_uring_buf*)registration->ring_addr, Mask = registration->ring_entries - 1 };
        return 0;
    }

    /// <summary>Takes the next buffer and copies data into it. The CQE flags that name it, or 0 when the group is empty.</summary>
    internal uint Pick(ushort groupId, ReadOnlySpan<byte> data, out int stored)
    {
        stored = -Errno.ENOBUFS;
        if (!_groups.TryGetValue(groupId, out Group? group) || group.Tail == group.Head)
            return 0;
        io_uring_buf entry = group.Entries[group.Head & group.Mask];
        group.Head++;
        stored = Math.Min(data.Length, (int)entry.len);
        data[..stored].CopyTo(new Span<byte>((void*)entry.addr, stored));
        return IORING_CQE_F_BUFFER | ((uint)entry.bid << IORING_CQE_BUFFER_SHIFT);
    }

    private bool HasBuffer(ushort groupId) => _groups.TryGetValue(groupId, out Group? group) && group.Tail != group.Head;
}

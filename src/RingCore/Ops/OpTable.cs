// Op layer: the slots. A slot is what the kernel holds of an op: its user_data names it, its fd hangs on it,
// its native storage has the timespecs the kernel may read. Rented with the SQE, freed by the terminal CQE,
// by nothing else. Owner thread only. It does not know what an op means; OpDriver fills slots and OpSink gets
// their results.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RingCore.Sys;

namespace RingCore;

/// <summary>One op with the kernel, in less than a cache line. The memory it lends is its sink's.</summary>
[DebuggerDisplay("{State} {Opcode} fd={Fd} gen={Generation}")]
internal struct OpSlot
{
    /// <summary>
    /// Counts reuses of this slot; the upper half of user_data, never 0. A CQE with another generation is
    /// stale.
    /// </summary>
    internal uint Generation;
    internal SlotState State;
    internal io_uring_op Opcode;

    /// <summary>Which step of a chain; 0 elsewhere.</summary>
    internal byte Step;

    /// <summary>
    /// Whether a LINK_TIMEOUT stands behind the op: its ECANCELED then means ETIME once that is over, unless
    /// somebody cancelled.
    /// </summary>
    internal bool HasLinkTimeout;

    /// <summary>
    /// Whether another op may have ended it: its deadline, a step of its chain, an <see cref="Op.Cancel"/>.
    /// </summary>
    internal bool EndsWithOthers;

    /// <summary>
    /// Neighbours in the handle's list of loans; Next also links the free list. −1 is none.
    /// </summary>
    internal int Next;
    internal int Previous;

    /// <summary>Who gets the result.</summary>
    internal OpSink? Sink;

    /// <summary>The fd on loan.</summary>
    internal RingHandle? Handle;

    /// <summary>The second fd of a splice, or null.</summary>
    internal RingHandle.SecondLoan? Second;

    /// <summary>
    /// The executor's clock when the SQE was written, in milliseconds; for the in-flight list.
    /// </summary>
    internal uint PreparedMs;

    internal int Fd;
}

/// <summary>
/// The slots of one executor, and their native storage, which grows in chunks that never move.
/// </summary>
internal sealed unsafe class OpTable
{
    private const int ChunkSlots = 256;

    /// <summary>Native bytes per slot: two timespecs, and when the second is over.</summary>
    private const int StorageSize = 40;

    // An array: lists of nint, and Array.Resize, do not come compiled with the base library, and this is on
    // the way of every start.
    private nint[] _chunks = new nint[0];
    private OpSlot[] _slots = [];
    private int _free = -1;

    /// <summary>Tests start generations near the wrap.</summary>
    internal OpTable(uint firstGeneration = 1)
    {
        Grow(firstGeneration);
    }

    internal int InUse { get; private set; }

    internal int Peak { get; private set; }

    /// <summary>Bytes in native blocks.</summary>
    internal long BlockBytes { get; set; }

    internal int Capacity => _slots.Length;

    /// <summary>Native memory held: the slots' storage, and the blocks.</summary>
    internal long NativeBytes => (long)_chunks.Length * ChunkSlots * StorageSize + BlockBytes;

    /// <summary>
    /// Takes a free slot. There is one: the caller was admitted, or has just freed one in the reap.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref OpSlot Rent(out int index)
    {
        index = _free;
        ref OpSlot slot = ref _slots[index];
        _free = slot.Next;
        slot.State.Move(SlotState.Lent);
        if (++InUse > Peak)
            Peak = InUse;
        return ref slot;
    }

    /// <summary>Ends the slot's generation. The caller has returned its fds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Free(ref OpSlot slot, int index)
    {
        slot.State.Move(SlotState.Free);
        if (++slot.Generation == 0)
            slot.Generation = 1; // Key 0 means "none".
        slot.Next = _free;
        _free = index;
        InUse--;
    }

    /// <summary>
    /// The live slot a user_data names, or a null reference where its generation has passed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref OpSlot Find(ulong key)
    {
        OpSlot[] slots = _slots;
        uint index = (uint)key;
        if (index < (uint)slots.Length)
        {
            ref OpSlot slot = ref slots[index];
            if (slot.Generation == (uint)(key >> 32) && slot.State != SlotState.Free)
                return ref slot;
        }

        return ref Unsafe.NullRef<OpSlot>();
    }

    internal ref OpSlot At(int index) => ref _slots[index];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Key(in OpSlot slot, int index) => ((ulong)slot.Generation << 32) | (uint)index;

    /// <summary>Native memory (StorageSize) that belongs to the slot and never moves.</summary>
    internal byte* Storage(int index) =>
        (byte*)_chunks[index / ChunkSlots] + index % ChunkSlots * StorageSize;

    /// <summary>Frees native storage. Only when no slot is in use: the kernel might still read it.</summary>
    internal void Release()
    {
        Invariant.Assert(InUse == 0, "native op storage freed while the kernel holds an op");
        foreach (nint chunk in _chunks)
            NativeMemory.Free((void*)chunk);
        _chunks = [];
    }

    /// <summary>Twice the slots. Where memory runs out the table stays as it was.</summary>
    internal void Grow(uint generation = 1)
    {
        int old = _slots.Length;
        int size = Math.Max(ChunkSlots, old * 2);
        var slots = new OpSlot[size];
        var chunks = new nint[size / ChunkSlots];
        _slots.CopyTo(slots, 0);
        _chunks.CopyTo(chunks, 0);
        int chunk = _chunks.Length;
        try
        {
            for (; chunk < chunks.Length; chunk++)
                chunks[chunk] = (nint)NativeMemory.AllocZeroed(ChunkSlots, StorageSize);
        }
        catch (OutOfMemoryException)
        {
            while (--chunk >= _chunks.Length)
                NativeMemory.Free((void*)chunks[chunk]);
            throw;
        }

        // Linked from the end, so that the lowest index is rented first: warm and easy to read in a trace.
        for (int i = size - 1; i >= old; i--)
        {
            slots[i].Generation = generation;
            slots[i].Next = _free;
            _free = i;
        }

        _slots = slots;
        _chunks = chunks;
    }
}

// Op layer: the slots. A slot is what the kernel holds of an op: its user_data names it, its loans hang on it, its native
// storage has the small structs the kernel may read. Rented with the SQE, freed by the terminal CQE, by nothing else.
// Owner thread only. It does not know what an op means; OpDriver fills slots and OpSink gets their results.

using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RingCore.Sys;

namespace RingCore;

/// <summary>One op with the kernel: what every op has, in less than a cache line. What many have not is in <see cref="Loans"/>.</summary>
internal struct OpSlot
{
    /// <summary>Counts reuses of this slot; the upper half of user_data. A CQE with another generation is stale.</summary>
    internal uint Generation;
    internal SlotState State;
    internal io_uring_op Opcode;

    /// <summary>Which step of a chain; 0 elsewhere.</summary>
    internal byte Step;

    /// <summary>Whether a LINK_TIMEOUT stands behind the op: its ECANCELED then means ETIME once that is over, unless somebody cancelled.</summary>
    internal bool HasLinkTimeout;

    /// <summary>Neighbours in the handle's list of loans; Next also links the free list. −1 is none.</summary>
    internal int Next;
    internal int Previous;

    /// <summary>Who gets the result.</summary>
    internal OpSink? Sink;

    /// <summary>The fd on loan.</summary>
    internal RingHandle? Handle;

    /// <summary>What is on loan besides the fd, or null.</summary>
    internal OpLoans? Loans;

    /// <summary>The executor's clock when the SQE was written, in milliseconds; for the in-flight list.</summary>
    internal uint PreparedMs;

    internal int Fd;
}

/// <summary>What an op lends besides its fd. Pooled; all of it returns at the terminal CQE.</summary>
internal sealed class OpLoans
{
    /// <summary>The memory: kept alive by Lent, kept in place by Pin.</summary>
    internal ReadOnlyMemory<byte> Lent;
    internal MemoryHandle Pin;

    /// <summary>What few ops lend: the memories of a vectored op, the second handle of a splice; or null.</summary>
    internal ExtraLoan? Extra;

    /// <summary>Native block for msghdr, sockaddr, iovecs and paths, or null, and its size in bytes.</summary>
    internal nint Wide;
    internal int WideSize;

    internal CancellationTokenRegistration Registration;
}

/// <summary>A loan beyond one handle and one memory.</summary>
internal abstract class ExtraLoan
{
    internal abstract void Return(OpDriver driver);
}

/// <summary>Several memories on loan together. Pins alone would not do: a pre-pinned array's pin does not keep it alive.</summary>
internal sealed class VectorLoan(ReadOnlyMemory<byte>[] lent) : ExtraLoan
{
    internal readonly ReadOnlyMemory<byte>[] Lent = lent;
    internal readonly MemoryHandle[] Pins = new MemoryHandle[lent.Length];

    internal override void Return(OpDriver driver)
    {
        foreach (ref MemoryHandle pin in Pins.AsSpan())
            driver.Unpin(ref pin);
    }
}

/// <summary>The slots of one executor, and their native storage, which grows in chunks that never move.</summary>
internal sealed unsafe class OpTable
{
    private const int ChunkSlots = 256;

    /// <summary>Native bytes per slot: two timespecs, and when the second is over.</summary>
    private const int StorageSize = 40;

    // An array: lists of nint, and Array.Resize, do not come compiled with the base library, and this is on the way of every start.
    private nint[] _chunks = new nint[0];
    private readonly Stack<OpLoans> _loans = new();
    private OpSlot[] _slots = [];
    private int _free = -1;

    /// <summary>Tests start generations near the wrap.</summary>
    internal OpTable(uint firstGeneration = 1)
    {
        Grow(firstGeneration);
    }

    internal int InUse { get; private set; }

    internal int Peak { get; private set; }

    /// <summary>Bytes in wide blocks.</summary>
    internal long WideInUse { get; private set; }

    internal int Capacity => _slots.Length;

    /// <summary>Native memory held: the slots' storage, and the wide blocks.</summary>
    internal long NativeBytes => (long)_chunks.Length * ChunkSlots * StorageSize + WideInUse;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref OpSlot Rent(out int index)
    {
        if (_free < 0)
            Grow(1);
        index = _free;
        ref OpSlot slot = ref _slots[index];
        _free = slot.Next;
        slot.State.Move(SlotState.Lent);
        if (++InUse > Peak)
            Peak = InUse;
        return ref slot;
    }

    /// <summary>Ends the slot's generation. The caller has returned the loans.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Free(int index)
    {
        ref OpSlot slot = ref _slots[index];
        slot.State.Move(SlotState.Free);
        slot.Generation++;
        slot.Next = _free;
        _free = index;
        InUse--;
    }

    /// <summary>The live slot a user_data names, or a null reference where its generation has passed.</summary>
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
    internal byte* Storage(int index) => (byte*)_chunks[index / ChunkSlots] + index % ChunkSlots * StorageSize;

    /// <summary>The slot's loans, to be added to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal OpLoans LoansOf(ref OpSlot slot)
    {
        if (slot.Loans is null)
            slot.Loans = _loans.TryPop(out OpLoans? spare) ? spare : new OpLoans();
        return slot.Loans;
    }

    /// <summary>Of an op that has ended; the caller has ended its registration, and taken out its extra loan and its pin to end them.</summary>
    internal void Return(OpLoans loans)
    {
        if (loans.Wide != 0)
            FreeWide(loans);
        loans.Lent = default;
        loans.Pin = default;
        loans.Extra = null;
        loans.Registration = default;
        _loans.Push(loans);
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // Few ops have one.
    private void FreeWide(OpLoans loans)
    {
        NativeMemory.Free((void*)loans.Wide);
        WideInUse -= loans.WideSize;
        (loans.Wide, loans.WideSize) = (0, 0);
    }

    /// <summary>Gives the slot a native block of <paramref name="size"/> bytes, zeroed.</summary>
    internal byte* RentWide(ref OpSlot slot, int size)
    {
        OpLoans loans = LoansOf(ref slot);
        Debug.Assert(loans.Wide == 0, "a slot has one wide block");
        WideInUse += loans.WideSize = size;
        loans.Wide = (nint)NativeMemory.Alloc((nuint)size); // Not AllocZeroed: glibc's calloc passes by the thread's cache, and locks.
        NativeMemory.Clear((void*)loans.Wide, (nuint)size);
        return (byte*)loans.Wide;
    }

    /// <summary>Frees native storage. Only when no slot is in use: the kernel might still read it.</summary>
    internal void Release()
    {
        Invariant.Assert(InUse == 0, "native op storage freed while the kernel holds an op");
        foreach (nint chunk in _chunks)
            NativeMemory.Free((void*)chunk);
        _chunks = [];
    }

    private void Grow(uint generation)
    {
        int old = _slots.Length;
        int size = Math.Max(ChunkSlots, old * 2);
        OpSlot[] slots = _slots;
        nint[] chunks = _chunks;
        slots.CopyTo(_slots = new OpSlot[size], 0);
        chunks.CopyTo(_chunks = new nint[size / ChunkSlots], 0);
        for (int chunk = chunks.Length; chunk < _chunks.Length; chunk++)
            _chunks[chunk] = (nint)NativeMemory.AllocZeroed(ChunkSlots, StorageSize);

        // Linked from the end, so that the lowest index is rented first: warm and easy to read in a trace.
        for (int i = size - 1; i >= old; i--)
        {
            _slots[i].Generation = generation;
            _slots[i].Next = _free;
            _free = i;
        }
    }
}

// Handles layer: memory of the library's own that it lends to ops, for reading ahead and for copies. Who
// rents one gives it back once, from a `finally` if he likes: it goes to its executor's spare ones when he
// has and the kernel has let go of it, whichever comes last, because the pin of each op counts as a user, and
// ends with the op. Owner thread only.

using System.Buffers;
using System.Runtime.InteropServices;

namespace RingCore;

/// <summary>A rented buffer. What is forgotten is the GC's, once the kernel has let go of it.</summary>
internal sealed unsafe class Chunk : MemoryManager<byte>
{
    internal const int Usual = 128 * 1024;

    /// <summary>For streams: there may be a thousand idle ones.</summary>
    internal const int Small = 64 * 1024;
    private const int MostSpare = 32;

    /// <summary>The same memory as a consumer gets it, whose pins do not count.</summary>
    internal readonly Memory<byte> Bytes;
    private readonly OpDriver _driver;
    // Who rented it, and ops.
    private int _users;

    private Chunk(OpDriver driver, int size)
    {
        _driver = driver;
        Bytes = RingFile.AlignedMemory(size);
    }

    internal static Chunk Rent(OpDriver driver, int size)
    {
        Chunk? chunk = null;
        SpareOf(driver, size)?.TryPop(out chunk);
        chunk ??= new Chunk(driver, size);
        chunk._users = 1;
        return chunk;
    }

    /// <summary>
    /// The renter's own part of it. Elsewhere than on the owner thread it leaves the chunk to the GC.
    /// </summary>
    internal void Return()
    {
        if (_driver.IsOwner)
            Unpin();
    }

    public override Span<byte> GetSpan() => Bytes.Span;

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        _users++;
        MemoryMarshal.TryGetArray<byte>(Bytes, out ArraySegment<byte> array);
        nint address = Marshal.UnsafeAddrOfPinnedArrayElement(array.Array!, array.Offset + elementIndex);
        return new MemoryHandle((void*)address, pinnable: this);
    }

    public override void Unpin()
    {
        if (--_users == 0 && SpareOf(_driver, Bytes.Length) is { Count: < MostSpare } spare)
            spare.Push(this);
    }

    protected override void Dispose(bool disposing)
    {
    }

    private static Stack<Chunk>? SpareOf(OpDriver driver, int size) => size switch
    {
        Usual => HandlePools.Of(driver).Chunks,
        Small => HandlePools.Of(driver).SmallChunks,
        _ => null,
    };
}

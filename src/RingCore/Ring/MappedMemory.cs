// Ring layer: native memory straight from the kernel: pages as they are touched, outside the GC's heap and
// its limits. Below it lies address space that is reserved and never touched: an address computed from a
// stale index stays in there, and never in other memory.

using RingCore.Sys;
using static RingCore.Sys.FileConstants;

namespace RingCore;

/// <summary>A private mapping. Freed by Dispose, or by the GC when nobody knows it any more.</summary>
internal sealed unsafe class MappedMemory : IDisposable
{
    private const long MostReserve = 256L << 20;
    private readonly nuint _length;
    private nint _start;

    /// <exception cref="OutOfMemoryException">No address space, or no memory.</exception>
    internal MappedMemory(long bytes)
    {
        long reserve = MostReserve;
        while (!TryMap(bytes, reserve))
        {
            reserve /= 4;
            if (reserve < bytes && reserve < 1 << 20)
                throw new OutOfMemoryException($"The kernel has no {bytes} bytes for read buffers.");
        }

        _length = (nuint)(bytes + reserve);
        Reserve = (int)reserve;
        Address = (byte*)_start + reserve;
    }

    internal byte* Address { get; }

    /// <summary>Bytes of address space below <see cref="Address"/>.</summary>
    internal int Reserve { get; }

    private bool TryMap(long bytes, long reserve)
    {
        const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        nint start = Libc.mmap(null, (nuint)(bytes + reserve), PROT_NONE, flags, -1, 0);
        if (start is < 0 and > -4096)
            return false;
        var address = (void*)(start + (nint)reserve);
        nint usable = Libc.mmap(address, (nuint)bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED, -1, 0);
        if (usable is < 0 and > -4096)
        {
            Libc.munmap((void*)start, (nuint)(bytes + reserve));
            return false;
        }

        _start = start;
        return true;
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Free();
    }

    ~MappedMemory() => Free();

    private void Free()
    {
        // Once, by whoever comes first: Dispose or the finalizer.
        nint start = Interlocked.Exchange(ref _start, 0);
        if (start != 0)
            Libc.munmap((void*)start, _length);
    }
}

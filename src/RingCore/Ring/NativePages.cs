// Ring layer: page-aligned native memory, zeroed, freed by Dispose. Buffer rings and probes use it; the garbage collector
// never sees it. It does not know what lies in it.

using System.Runtime.InteropServices;

namespace RingCore;

/// <summary>Page-aligned, zeroed native memory.</summary>
internal sealed unsafe class NativePages : IDisposable
{
    internal NativePages(nuint size)
    {
        Address = (byte*)NativeMemory.AlignedAlloc(size, 4096);
        NativeMemory.Clear(Address, size);
    }

    internal byte* Address { get; private set; }

    public void Dispose()
    {
        NativeMemory.AlignedFree(Address);
        Address = null;
    }
}

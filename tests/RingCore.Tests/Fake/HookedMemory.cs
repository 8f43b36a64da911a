// Tests: memory of a user's own kind: it counts its pins, and runs what the test wants inside Pin and Unpin, which may throw.

using System.Buffers;
using System.Runtime.InteropServices;

namespace RingCore.Tests.Fakes;

/// <summary>Memory with hooks.</summary>
internal sealed unsafe class HookedMemory(string text) : MemoryManager<byte>
{
    private readonly byte[] _array = Pinned(text);

    /// <summary>Runs in Pin, before it counts.</summary>
    internal Action? OnPin { get; set; }

    /// <summary>Runs in Unpin, after it has counted.</summary>
    internal Action? OnUnpin { get; set; }

    /// <summary>Pins now out.</summary>
    internal int Pins { get; private set; }

    /// <summary>Pins ever taken.</summary>
    internal int Taken { get; private set; }

    internal string Text => System.Text.Encoding.UTF8.GetString(_array);

    /// <summary>Memory whose Pin always throws.</summary>
    internal static HookedMemory Refusing(string text) => new(text) { OnPin = static () => throw new NotSupportedException("cannot be pinned") };

    /// <summary>Memory whose Unpin always throws, after it has counted.</summary>
    internal static HookedMemory Clinging(string text) => new(text) { OnUnpin = static () => throw new FormatException("Unpin") };

    public override Span<byte> GetSpan() => _array;

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        OnPin?.Invoke();
        Taken++;
        Pins++;
        return new MemoryHandle((byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_array, elementIndex), pinnable: this);
    }

    public override void Unpin()
    {
        Pins--;
        OnUnpin?.Invoke();
    }

    protected override void Dispose(bool disposing)
    {
    }

    private static byte[] Pinned(string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        byte[] array = GC.AllocateArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(array, 0);
        return array;
    }
}

// Op layer: memory on loan to the kernel. One owner, the op's sink: taken at the call, returned at the
// terminal CQE. A pin that ends waits in a list until the reap is over, because Unpin may be a user's code;
// room in the list is reserved when a pin is taken, so that returning one never allocates. Owner thread only.

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace RingCore;

/// <summary>
/// A memory kept alive (by the reference) and in place (by the pin; a pre-pinned array's pin alone does not
/// keep it alive).
/// </summary>
internal unsafe struct MemoryLoan
{
    internal ReadOnlyMemory<byte> Memory;
    private MemoryHandle _pin;

    internal readonly byte* Address => (byte*)_pin.Pointer;

    /// <summary>
    /// Runs the memory's Pin, which may be user code: it can throw, start ops, dispose handles. Check
    /// everything again afterwards.
    /// </summary>
    internal static MemoryLoan Take(OpDriver driver, ReadOnlyMemory<byte> memory) => memory.IsEmpty
        ? new MemoryLoan { Memory = memory }
        : new MemoryLoan { Memory = memory, _pin = driver.Pins.Take(memory) };

    /// <summary>Part of a registered buffer, whose table is not taken back while it is lent.</summary>
    internal static MemoryLoan Take(OpDriver driver, RingBuffer buffer, ReadOnlyMemory<byte> part) =>
        new() { Memory = part, _pin = driver.Pins.Take(buffer, part) };

    /// <summary>Once: a second call finds nothing to return.</summary>
    internal void Return(OpDriver driver)
    {
        if (_pin.Pointer != null)
            driver.Pins.End(ref _pin);
        Memory = default;
    }
}

/// <summary>The pins of one executor that have ended and whose Unpin is still to run.</summary>
internal sealed class PinList
{
    private MemoryHandle[] _ended = new MemoryHandle[64];
    private int _count;
    private bool _running;

    internal bool IsEmpty => _count == 0;

    /// <summary>Pins taken and not yet undone. Never more than there is room for.</summary>
    internal int Out { get; private set; }

    internal MemoryHandle Take(ReadOnlyMemory<byte> memory)
    {
        Count();
        try
        {
            return memory.Pin();
        }
        catch
        {
            Out--;
            throw;
        }
    }

    internal MemoryHandle Take(RingBuffer buffer, ReadOnlyMemory<byte> part)
    {
        Count();
        return buffer.Owner.Lend(part);
    }

    private void Count()
    {
        if (Out == _ended.Length)
            Array.Resize(ref _ended, Out * 2);
        Out++;
    }

    internal void End(ref MemoryHandle pin)
    {
        _ended[_count++] = pin;
        pin = default;
    }

    /// <summary>
    /// After the reap, before anything it has queued runs. Pins that an Unpin ends come with the next turn.
    /// </summary>
    internal void RunEnded(OpDriver driver)
    {
        // An Unpin that starts an op which is refused comes here as well.
        if (_count > 0 && !_running)
            RunAll(driver);
    }

    /// <summary>What an Unpin throws, the run loop reports.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "A user's exception must not unwind the loop.")]
    private void RunAll(OpDriver driver)
    {
        _running = true;
        int count = _count;
        for (int i = 0; i < count; i++)
        {
            MemoryHandle pin = _ended[i];
            _ended[i] = default;
            try
            {
                pin.Dispose();
            }
            catch (Exception e)
            {
                try
                {
                    driver.Ready.Push(new ActionWork(ExceptionDispatchInfo.Capture(e).Throw));
                }
                catch (OutOfMemoryException)
                {
                    // Nobody hears of it: the other pins matter more.
                }
            }
        }

        // An Unpin may have ended others: they came behind.
        _count -= count;
        Array.Copy(_ended, count, _ended, 0, _count);
        Out -= count;
        _running = false;
    }
}

/// <summary>
/// A block of native memory for what the kernel reads behind a pointer: sockaddr, paths, msghdr and iovecs.
/// </summary>
internal unsafe struct NativeBlock
{
    private int _size;

    internal byte* Address { get; private set; }

    /// <summary>Zeroed.</summary>
    internal byte* Allocate(OpDriver driver, int size)
    {
        // Not AllocZeroed: glibc's calloc passes by the thread's cache, and locks.
        Address = (byte*)NativeMemory.Alloc((nuint)size);
        _size = size;
        driver.Table.BlockBytes += size;
        NativeMemory.Clear(Address, (nuint)size);
        return Address;
    }

    internal void Free(OpDriver driver)
    {
        if (Address == null)
            return;
        driver.Table.BlockBytes -= _size;
        NativeMemory.Free(Address);
        Address = null;
    }
}

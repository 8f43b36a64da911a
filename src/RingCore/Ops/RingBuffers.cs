// Op layer: registered buffers: memory whose pages the kernel has looked up and holds once for all, instead
// of for every request. One table per executor, as in the kernel. Ops borrow a buffer by its index
// (Op.ReadFixed, Op.WriteFixed); the table is taken back when the last loan has returned. It chooses no
// buffer for anybody and does not know what lies in one.

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.Features;
using static RingCore.Sys.RegisterOps;

namespace RingCore;

/// <summary>
/// Buffers registered with an executor's ring (IORING_REGISTER_BUFFERS, 5.1), for <see cref="Op.ReadFixed"/>
/// and <see cref="Op.WriteFixed"/>. They begin on a page boundary, as O_DIRECT wants it. Owner thread only,
/// but for disposal.
/// </summary>
public sealed unsafe class RingBuffers : IPinnable, IDisposable, IAsyncDisposable
{
    private const int Page = 4096;

    internal readonly OpDriver Driver;
    private readonly RingBuffer[] _buffers;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RingBuffers(OpDriver driver, int count, int size)
    {
        Driver = driver;
        long stride = (size + Page - 1L) / Page * Page;

        // Pinned-heap memory: it does not move, and whoever still has a Memory of a buffer keeps it alive,
        // registered or not.
        byte[] memory = GC.AllocateArray<byte>(checked((int)(count * stride + Page)), pinned: true);
        var start = (int)(Page - (nuint)Unsafe.AsPointer(ref memory[0]) % Page);
        _buffers = new RingBuffer[count];
        var vectors = new iovec[count];
        for (int i = 0; i < count; i++)
        {
            _buffers[i] = new RingBuffer(
                this, i, MemoryMarshal.CreateFromPinnedArray(memory, (int)(start + i * stride), size));
            vectors[i] = new iovec
            {
                iov_base = Unsafe.AsPointer(ref memory[start + i * stride]),
                iov_len = (nuint)size
            };
        }

        int result;
        fixed (iovec* first = vectors)
            result = driver.Ring.Register(IORING_REGISTER_BUFFERS, first, (uint)count);
        if (result < 0)
        {
            throw new InvalidOperationException(result == -ENOMEM
                ? $"The locked-memory limit is too small for {count} registered buffers of {size} bytes. "
                    + "Remedy: raise it ('ulimit -l unlimited', Docker: --ulimit memlock=-1), or register "
                    + $"less ({Errno.Describe(-result)})."
                : $"The kernel refuses {count} registered buffers of {size} bytes: "
                    + $"{Errno.Describe(-result)}.");
        }
    }

    /// <summary>Buffers in the table.</summary>
    public int Count => _buffers.Length;

    /// <summary>Whether disposal has begun: new ops are refused.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Ops that use one of the buffers now.</summary>
    public int InFlight { get; private set; }

    /// <summary>A buffer.</summary>
    public RingBuffer this[int index] => _buffers[index];

    /// <summary>
    /// Allocates buffers, zeroed, and registers them with the current executor (Linux 5.13). Their pages are
    /// locked in memory until disposal.
    /// </summary>
    /// <param name="count">1 to 16,384.</param>
    /// <param name="size">Bytes in each, 1 to 1 GiB; all together below 2 GiB.</param>
    /// <exception cref="InvalidOperationException">This executor has registered buffers already, the
    /// locked-memory limit is too small, or the kernel refuses or is older.</exception>
    public static RingBuffers Register(int count, int size)
    {
        OpDriver driver = OpDriver.Required;
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 16384);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            size, Math.Min(1 << 30, (Array.MaxLength - Page) / count / Page * Page));
        if ((driver.Ring.KernelFeatures & IORING_FEAT_RSRC_TAGS) == 0)
        {
            throw new InvalidOperationException(
                "Registered buffers need Linux 5.13: older kernels wait, before they register any, "
                + "for every request of the ring to end, and an executor always has one.");
        }

        if (driver.Buffers is not null)
        {
            throw new InvalidOperationException(
                "This executor has registered buffers: a ring has one table of them. Register as many as "
                + "are needed at once, or await the DisposeAsync of the others first.");
        }

        return driver.Buffers = new RingBuffers(driver, count, size);
    }

    /// <summary>
    /// Refuses new ops, and takes the buffers back from the kernel when the last op that uses one has ended.
    /// Any thread.
    /// </summary>
    public void Dispose()
    {
        if (Driver.IsOwner)
            StartClosing();
        else
            Driver.Host.Post(new ActionWork(StartClosing));
    }

    /// <summary>
    /// As <see cref="Dispose"/>, and completes when the kernel has given them back. Any thread.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return new ValueTask(_closed.Task);
    }

    internal void ThrowIfUnusable()
    {
        Driver.ThrowIfNotOwner();
        ObjectDisposedException.ThrowIf(IsDisposed, this);
    }

    /// <summary>
    /// An op borrows part of a buffer; the end of the pin, at the terminal CQE, returns it.
    /// </summary>
    internal MemoryHandle Lend(ReadOnlyMemory<byte> part)
    {
        InFlight++;
        return new MemoryHandle(Unsafe.AsPointer(ref MemoryMarshal.GetReference(part.Span)), pinnable: this);
    }

    MemoryHandle IPinnable.Pin(int elementIndex) => throw new NotSupportedException();

    void IPinnable.Unpin()
    {
        InFlight--;
        CloseIfReturned();
    }

    /// <summary>The ring has gone, and its table with it.</summary>
    internal void End() => _closed.TrySetResult();

    private void StartClosing()
    {
        IsDisposed = true;
        CloseIfReturned();
    }

    private void CloseIfReturned()
    {
        if (!IsDisposed || InFlight > 0 || !ReferenceEquals(Driver.Buffers, this))
            return;
        Driver.Ring.Register(IORING_UNREGISTER_BUFFERS, null, 0);
        Driver.Buffers = null;
        End();
    }
}

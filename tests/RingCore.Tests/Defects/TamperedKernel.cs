// Tests: the real kernel with a hand on the submission queue: a test changes SQEs, or the errno of an enter, on their way in. For
// what no kernel does on demand: a send cut short, a cancel that finds nothing, an EBUSY. One ring per thread at a time.

using RingCore.Sys;

namespace RingCore.Tests;

/// <summary>Kernel.Linux, seen through the hooks of the calling thread.</summary>
internal sealed unsafe class TamperedKernel : IDisposable
{
    [ThreadStatic]
    private static TamperedKernel? t_current;

    private readonly Action<SqePointer>? _onSqe;
    private readonly Func<uint, uint, int>? _onEnter;
    private readonly Func<ulong, int>? _onMap;
    private readonly Func<uint, int>? _onSetup;
    private io_uring_sqe* _sqes;
    private uint _entries;
    private uint _head;

    private TamperedKernel(Action<SqePointer>? onSqe, Func<uint, uint, int>? onEnter, Func<ulong, int>? onMap, Func<uint, int>? onSetup)
    {
        _onSqe = onSqe;
        _onEnter = onEnter;
        _onMap = onMap;
        _onSetup = onSetup;
    }

    /// <summary>A pointer that a delegate can take.</summary>
    internal readonly struct SqePointer(io_uring_sqe* value)
    {
        internal io_uring_sqe* Value { get; } = value;
    }

    /// <summary>Enters made, mappings made and not undone, fds set up and not closed.</summary>
    internal int Enters { get; private set; }

    internal int Mapped { get; private set; }

    internal int RingsOpen { get; private set; }

    /// <summary>For RingOptions.Kernel.</summary>
    internal static Kernel Kernel { get; } = new()
    {
        Setup = &Setup,
        Enter = &Enter,
        Register = Kernel.Linux.Register,
        Map = &Map,
        Unmap = &Unmap,
        Close = &Close,
        Now = Kernel.Linux.Now,
        EventFd = Kernel.Linux.EventFd,
        Signal = Kernel.Linux.Signal,
        Pause = Kernel.Linux.Pause,
    };

    /// <summary>Installs hooks on the calling thread until disposed.</summary>
    /// <param name="onSqe">Sees each SQE once, before the enter that submits it.</param>
    /// <param name="onEnter">Gets to_submit and min_complete; a negative answer is the enter's result, and the kernel is not entered.</param>
    /// <param name="onMap">Gets the mapping's offset; a negative answer is its result.</param>
    /// <param name="onSetup">Gets the set-up flags; a negative answer is its result.</param>
    internal static TamperedKernel Install(
        Action<SqePointer>? onSqe = null, Func<uint, uint, int>? onEnter = null, Func<ulong, int>? onMap = null, Func<uint, int>? onSetup = null) =>
        t_current = new TamperedKernel(onSqe, onEnter, onMap, onSetup);

    public void Dispose() => t_current = null;

    private static int Setup(uint entries, io_uring_params* p)
    {
        int refused = t_current!._onSetup?.Invoke(p->flags) ?? 0;
        if (refused < 0)
            return refused;
        int fd = Kernel.Linux.Setup(entries, p);
        t_current._entries = p->sq_entries;
        t_current._head = 0;
        if (fd >= 0)
            t_current.RingsOpen++;
        return fd;
    }

    private static int Enter(int fd, uint toSubmit, uint minComplete, uint flags, void* argument, nuint size)
    {
        TamperedKernel self = t_current!;
        self.Enters++;
        int answer = self._onEnter?.Invoke(toSubmit, minComplete) ?? 0;
        if (answer < 0)
            return answer;
        if (self._onSqe is { } hook)
        {
            for (uint i = 0; i < toSubmit; i++)
                hook(new SqePointer(self._sqes + ((self._head + i) & (self._entries - 1))));
        }

        int taken = Kernel.Linux.Enter(fd, toSubmit, minComplete, flags, argument, size);
        if (taken > 0)
            self._head += (uint)taken;
        return taken;
    }

    private static nint Map(nuint length, int fd, ulong offset)
    {
        int refused = t_current!._onMap?.Invoke(offset) ?? 0;
        if (refused < 0)
            return refused;
        nint address = Kernel.Linux.Map(length, fd, offset);
        if (offset == MmapOffsets.IORING_OFF_SQES)
            t_current._sqes = (io_uring_sqe*)address;
        t_current.Mapped++;
        return address;
    }

    private static int Unmap(nint address, nuint length)
    {
        if (t_current is { } self)
            self.Mapped--;
        return Kernel.Linux.Unmap(address, length);
    }

    private static int Close(int fd)
    {
        if (t_current is { } self && IsRing(fd))
            self.RingsOpen--;
        return Kernel.Linux.Close(fd);
    }

    private static bool IsRing(int fd) => new FileInfo($"/proc/self/fd/{fd}").LinkTarget?.Contains("io_uring", StringComparison.Ordinal) ?? false;
}

// Tests: a kernel played over plain memory. It builds SQ, CQ and SQE array as io_uring_setup and mmap report them, so that the
// whole stack, executor included, runs over it. This file: the seam's entry points, set-up, mappings, registrations, fds.
// Submission and waiting are in FakeKernel.Enter.cs, buffer rings in FakeKernel.Buffers.cs, scripting in FakeScript.cs.
//
// One instance plays one ring at a time. Everything runs on the owner thread, except Signal and Close, which take the gate.
// It does no I/O: an op ends when the script says so, and a wait that nothing can end fails the test instead of hanging.

using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using RingCore.Sys;
using static RingCore.Sys.Features;
using static RingCore.Sys.MmapOffsets;
using static RingCore.Sys.RegisterOps;
using static RingCore.Sys.SetupFlags;

namespace RingCore.Tests.Fakes;

/// <summary>A scripted kernel.</summary>
internal sealed unsafe partial class FakeKernel : IDisposable
{
    /// <summary>Own fd numbers start here: they never collide with real ones.</summary>
    internal const int FirstFd = 1_000_000;

    internal const uint AllSetupFlags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN
        | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY
        | IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF;

    internal const uint FloorFeatures = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE
        | IORING_FEAT_RW_CUR_POS | IORING_FEAT_CUR_PERSONALITY | IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS;

    private static readonly ConcurrentDictionary<int, FakeKernel> s_byFd = new();
    private static readonly ConcurrentDictionary<int, FakeKernel> s_byIndex = new();
    private static readonly ConcurrentDictionary<nint, FakeKernel> s_byAddress = new();
    private static readonly ConcurrentDictionary<string, FakeKernel> s_byName = new();
    private static int s_nextFd = FirstFd - 1;
    private static int s_nextId;

    /// <summary>The fake of this thread: set by <see cref="Options"/> and by set-up.</summary>
    [ThreadStatic]
    private static FakeKernel? t_current;

    private static readonly Kernel s_seam = new()
    {
        Setup = &SetupEntry,
        Enter = &EnterEntry,
        Register = &RegisterEntry,
        Map = &MapEntry,
        Unmap = &UnmapEntry,
        Close = &CloseEntry,
        Now = &NowEntry,
        EventFd = &EventFdEntry,
        Signal = &SignalEntry,
        Pause = &PauseEntry,
    };

    private readonly Lock _gate = new();
    private readonly string _name;
    private readonly Dictionary<int, string> _open = []; // Under the gate.
    private readonly List<(nint Address, nuint Length)> _mapped = [];
    private readonly Queue<int> _setupRefusals = new();
    private readonly Dictionary<ulong, int> _mapRefusals = [];
    private readonly Dictionary<uint, int> _registerRefusals = [];
    private readonly List<string> _violations = [];
    private int _ringFd = -1;
    private io_uring_params _params;
    private byte* _sqMemory;
    private byte* _cqMemory;
    private nuint _sqBytes;
    private nuint _cqBytes;
    private io_uring_sqe* _sqes;
    private nuint _sqeBytes;

    internal FakeKernel()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "RingCore runs on Linux; so does its fake kernel, which a Ring has to accept.");
        _name = $"fake-{Interlocked.Increment(ref s_nextId)}";
        s_byName[_name] = this;
        foreach (io_uring_op op in Enum.GetValues<io_uring_op>())
            Opcodes.Add(op);
    }

    /// <summary>A fake of what Linux 5.10 offers.</summary>
    internal static FakeKernel Linux510()
    {
        var kernel = new FakeKernel
        {
            SupportedSetupFlags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
            Features = FloorFeatures,
        };
        kernel.Opcodes.RemoveWhere(op => op > io_uring_op.IORING_OP_TEE);
        kernel.RefuseRegister(IORING_REGISTER_RING_FDS, Errno.EINVAL);
        kernel.RefuseRegister(IORING_REGISTER_PBUF_RING, Errno.EINVAL);
        kernel.RefuseRegister(IORING_REGISTER_IOWQ_MAX_WORKERS, Errno.EINVAL);
        return kernel;
    }

    /// <summary>IORING_SETUP_* that set-up knows; any other is EINVAL, as on an older kernel.</summary>
    internal uint SupportedSetupFlags { get; set; } = AllSetupFlags;

    /// <summary>The memlock limit of a kernel before 5.12, as the largest completion queue it allows: above it set-up is ENOMEM.</summary>
    internal uint MostCqEntries { get; set; } = uint.MaxValue;

    /// <summary>IORING_FEAT_* it reports. Without SINGLE_MMAP the SQ and CQ lie in separate memory, at other offsets.</summary>
    internal uint Features { get; set; } = FloorFeatures | IORING_FEAT_EXT_ARG | IORING_FEAT_SQPOLL_NONFIXED | IORING_FEAT_NATIVE_WORKERS | IORING_FEAT_RSRC_TAGS
        | IORING_FEAT_CQE_SKIP | IORING_FEAT_NO_IOWAIT;

    /// <summary>Opcodes the probe reports; any other completes with EINVAL.</summary>
    internal HashSet<io_uring_op> Opcodes { get; } = [];

    /// <summary>Head and tail of both queues at set-up; near 2^32 they wrap soon.</summary>
    internal uint StartIndex { get; init; }

    /// <summary>The virtual clock in nanoseconds.</summary>
    internal long NowNs { get; set; } = 1_000_000_000;

    internal int RingFd => _ringFd;

    /// <summary>Setup calls: the flags asked for, and what came of it.</summary>
    internal List<(uint Flags, int Result)> Setups { get; } = [];

    /// <summary>Register calls: opcode and result.</summary>
    internal List<(uint Opcode, int Result)> Registers { get; } = [];

    /// <summary>Every close, in order: the fd.</summary>
    internal List<int> Closes { get; } = [];

    /// <summary>Mmap calls: offset and length.</summary>
    internal List<(ulong Offset, nuint Length)> Maps { get; } = [];

    internal int UnmapCount { get; private set; }

    /// <summary>Mappings not yet taken back.</summary>
    internal int MappedNow => _mapped.Count;

    /// <summary>Own fds still open.</summary>
    internal IReadOnlyCollection<int> OpenFds
    {
        get
        {
            lock (_gate)
                return [.. _open.Keys];
        }
    }

    /// <summary>The executor options with this kernel in them.</summary>
    internal RingOptions Options(RingOptions? options = null)
    {
        t_current = this;
        return (options ?? new RingOptions { SqEntries = 8, CqEntries = 16 }) with { Kernel = s_seam, Name = _name };
    }

    /// <summary>The next io_uring_setup fails with an errno, whatever it asks for.</summary>
    internal void RefuseSetup(int errno) => _setupRefusals.Enqueue(errno);

    /// <summary>mmap at this offset fails with an errno.</summary>
    internal void RefuseMap(ulong offset, int errno) => _mapRefusals[offset] = errno;

    /// <summary>A register opcode fails with an errno.</summary>
    internal void RefuseRegister(uint opcode, int errno) => _registerRefusals[opcode] = errno;

    /// <summary>A new fd of this kernel, open.</summary>
    internal int NewFd(string what = "socket")
    {
        int fd = Interlocked.Increment(ref s_nextFd);
        lock (_gate)
            _open[fd] = what;
        s_byFd[fd] = this;
        return fd;
    }

    /// <summary>Everything mapped is unmapped, every fd is closed, and no rule was broken on the way.</summary>
    internal void AssertReleased()
    {
        lock (_gate)
        {
            Assert.Empty(_violations);
            Assert.Empty(_open);
        }

        Assert.Empty(_mapped);
    }

    public void Dispose()
    {
        s_byName.TryRemove(_name, out _);
        foreach (int fd in s_byFd.Where(pair => pair.Value == this).Select(pair => pair.Key))
            s_byFd.TryRemove(fd, out _);
        if (ReferenceEquals(t_current, this))
            t_current = null;
        FreeMemory();
    }

    private void Violation(string what)
    {
        lock (_gate)
            _violations.Add(what);
    }

    private void FreeMemory()
    {
        if (_sqMemory == null)
            return;
        s_byAddress.TryRemove((nint)_sqMemory, out _);
        s_byAddress.TryRemove((nint)_cqMemory, out _);
        s_byAddress.TryRemove((nint)_sqes, out _);
        if (_cqMemory != _sqMemory)
            NativeMemory.AlignedFree(_cqMemory);
        NativeMemory.AlignedFree(_sqMemory);
        NativeMemory.AlignedFree(_sqes);
        _sqMemory = _cqMemory = null;
        _sqes = null;
    }

    // ---- The seam's entry points ----

    private static FakeKernel Here =>
        t_current ??= s_byName.GetValueOrDefault(Thread.CurrentThread.Name ?? "")
            ?? throw new FakeKernelException("no FakeKernel on this thread: take the options from kernel.Options()");

    private static FakeKernel OfRing(int fd) =>
        s_byFd.TryGetValue(fd, out FakeKernel? kernel) ? kernel : throw new FakeKernelException($"fd {fd} is no fake ring");

    private static int SetupEntry(uint entries, io_uring_params* parameters)
    {
        // An executor's own thread bears the executor's name: it finds its fake before it has run anything.
        if (s_byName.TryGetValue(Thread.CurrentThread.Name ?? "", out FakeKernel? named))
            t_current = named;
        FakeKernel kernel = Here;
        uint flags = parameters->flags;
        int result = kernel.SetUp(entries, parameters);
        kernel.Setups.Add((flags, result));
        return result;
    }

    private static int RegisterEntry(int fd, uint opcode, void* argument, uint count)
    {
        FakeKernel kernel = OfRing(fd);
        int result = kernel._registerRefusals.TryGetValue(opcode, out int errno) ? -errno : kernel.Register(opcode, argument, count);
        kernel.Registers.Add((opcode, result));
        return result;
    }

    private static nint MapEntry(nuint length, int fd, ulong offset) => OfRing(fd).Map(length, offset);

    private static int UnmapEntry(nint address, nuint length) =>
        s_byAddress.TryGetValue(address, out FakeKernel? kernel) ? kernel.Unmap(address, length) : -Errno.EINVAL;

    private static int CloseEntry(int fd)
    {
        if (fd < FirstFd)
            return Libc.close(fd); // A real socket that a handle made.
        return s_byFd.TryGetValue(fd, out FakeKernel? kernel) ? kernel.CloseFd(fd) : -Errno.EBADF;
    }

    private static long NowEntry() => Here.NowNs;

    private static void PauseEntry() => Here.NowNs += 1_000_000;

    private static int EventFdEntry()
    {
        FakeKernel kernel = Here;
        return kernel.EventFdErrno != 0 ? -kernel.EventFdErrno : kernel._eventFd = kernel.NewFd("eventfd");
    }

    private static int SignalEntry(int fd) => s_byFd.TryGetValue(fd, out FakeKernel? kernel) ? kernel.Signal() : -Errno.EBADF;

    /// <summary>eventfd fails with this errno; 0: it does not.</summary>
    internal int EventFdErrno { get; set; }

    // ---- Set-up ----

    private int SetUp(uint entries, io_uring_params* p)
    {
        if (_setupRefusals.TryDequeue(out int errno))
            return -errno;
        if ((p->flags & ~SupportedSetupFlags) != 0)
            return -Errno.EINVAL;
        bool defers = (p->flags & IORING_SETUP_DEFER_TASKRUN) != 0;
        if (defers && (p->flags & IORING_SETUP_SINGLE_ISSUER) == 0)
            return -Errno.EINVAL;
        if ((p->flags & IORING_SETUP_TASKRUN_FLAG) != 0 && !defers && (p->flags & IORING_SETUP_COOP_TASKRUN) == 0)
            return -Errno.EINVAL;
        if ((p->flags & IORING_SETUP_SQPOLL) != 0
            ? (p->flags & (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG)) != 0
            : (p->flags & IORING_SETUP_SQ_AFF) != 0)
            return -Errno.EINVAL;
        if ((p->flags & IORING_SETUP_SQPOLL) != 0 && PollerErrno != 0)
            return -PollerErrno;
        if (_ringFd >= 0)
            throw new FakeKernelException("one fake plays one ring at a time");
        FreeMemory();
        uint sqEntries = System.Numerics.BitOperations.RoundUpToPowerOf2(Math.Min(entries, 32768));
        uint cqEntries = System.Numerics.BitOperations.RoundUpToPowerOf2(Math.Min(p->cq_entries, 65536));
        if (cqEntries < sqEntries)
            return -Errno.EINVAL;
        if (cqEntries > MostCqEntries)
            return -Errno.ENOMEM;
        p->sq_entries = sqEntries;
        p->cq_entries = cqEntries;
        p->features = Features;
        LayOut(p);
        _params = *p;
        _ringFd = NewFd("ring");
        StartQueues();
        return _ringFd;
    }

    /// <summary>One mapping: the kernel's struct io_rings. Two: SQ and CQ apart, at offsets of their own.</summary>
    private void LayOut(io_uring_params* p)
    {
        bool one = (Features & IORING_FEAT_SINGLE_MMAP) != 0;
        bool array = (p->flags & IORING_SETUP_NO_SQARRAY) == 0;
        uint cqeBytes = p->cq_entries * (uint)sizeof(io_uring_cqe);
        uint cqBase = one ? 0u : 128u;
        p->sq_off = one
            ? new io_sqring_offsets { head = 0, tail = 4, ring_mask = 16, ring_entries = 24, dropped = 32, flags = 36 }
            : new io_sqring_offsets { head = 0, tail = 64, ring_mask = 128, ring_entries = 132, flags = 136, dropped = 140 };
        p->cq_off = new io_cqring_offsets
        {
            head = cqBase + 8,
            tail = cqBase + 12,
            ring_mask = cqBase + 20,
            ring_entries = cqBase + 28,
            flags = cqBase + 40,
            overflow = cqBase + 44,
            cqes = cqBase + 64,
        };
        uint sqEnd = one ? 64 + cqeBytes : 192;
        if (array)
            p->sq_off.array = sqEnd;
        _sqBytes = Pages(sqEnd + (array ? p->sq_entries * sizeof(uint) : 0));
        _cqBytes = one ? _sqBytes : Pages(cqBase + 64 + cqeBytes);
        _sqeBytes = Pages(p->sq_entries * (uint)sizeof(io_uring_sqe));
        _sqMemory = Allocate(_sqBytes);
        _cqMemory = one ? _sqMemory : Allocate(_cqBytes);
        _sqes = (io_uring_sqe*)Allocate(_sqeBytes);
        *(uint*)(_sqMemory + p->sq_off.ring_mask) = p->sq_entries - 1;
        *(uint*)(_sqMemory + p->sq_off.ring_entries) = p->sq_entries;
        *(uint*)(_cqMemory + p->cq_off.ring_mask) = p->cq_entries - 1;
        *(uint*)(_cqMemory + p->cq_off.ring_entries) = p->cq_entries;
    }

    private static nuint Pages(uint bytes) => (bytes + 4095u) & ~4095u;

    private byte* Allocate(nuint size)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc(size, 4096);
        NativeMemory.Clear(memory, size);
        s_byAddress[(nint)memory] = this;
        return memory;
    }

    private nint Map(nuint length, ulong offset)
    {
        Maps.Add((offset, length));
        if (_mapRefusals.TryGetValue(offset, out int errno))
            return -errno;
        nint memory = 0;
        nuint size = 0;
        switch (offset)
        {
            case IORING_OFF_SQ_RING:
                (memory, size) = ((nint)_sqMemory, _sqBytes);
                break;
            case IORING_OFF_CQ_RING:
                (memory, size) = ((nint)_cqMemory, _cqBytes);
                break;
            case IORING_OFF_SQES:
                (memory, size) = ((nint)_sqes, _sqeBytes);
                break;
        }

        if (memory == 0 || length > size)
            return -Errno.EINVAL;
        _mapped.Add((memory, length));
        return memory;
    }

    private int Unmap(nint address, nuint length)
    {
        UnmapCount++;
        if (_mapped.Remove((address, length)))
            return 0;
        Violation($"munmap of {length} bytes that are not mapped");
        return -Errno.EINVAL;
    }

    private int CloseFd(int fd)
    {
        lock (_gate)
        {
            Closes.Add(fd);
            if (!_open.Remove(fd))
            {
                _violations.Add($"close of fd {fd}, which is not open");
                return -Errno.EBADF;
            }
        }

        if (fd == _ringFd)
            StopQueues();
        else if (fd != _eventFd && _ringFd >= 0 && IsInUse(fd))
            Violation($"close of fd {fd} while an op names it");
        return 0;
    }

    private int Register(uint opcode, void* argument, uint count)
    {
        switch (opcode)
        {
            case IORING_REGISTER_PROBE:
                var probe = (io_uring_probe*)argument;
                var ops = (io_uring_probe_op*)(probe + 1);
                byte last = (byte)Opcodes.Max();
                probe->last_op = last;
                probe->ops_len = (byte)Math.Min(count, (uint)last + 1);
                for (int i = 0; i < probe->ops_len; i++)
                {
                    ops[i].op = (byte)i;
                    ops[i].flags = Opcodes.Contains((io_uring_op)i) ? OpFlags.IO_URING_OP_SUPPORTED : (ushort)0;
                }

                return 0;
            case IORING_REGISTER_RING_FDS:
                var update = (io_uring_rsrc_update*)argument;
                if (update->data != (ulong)_ringFd || update->offset != uint.MaxValue)
                    return -Errno.EINVAL;
                RegisteredIndex = _ringFd - FirstFd; // Unique among all fakes; a real one is below 16.
                s_byIndex[RegisteredIndex] = this;
                update->offset = (uint)RegisteredIndex;
                return 1;
            case IORING_UNREGISTER_RING_FDS:
                if (((io_uring_rsrc_update*)argument)->offset != (uint)RegisteredIndex || !s_byIndex.TryRemove(RegisteredIndex, out _))
                    return -Errno.EINVAL;
                RegisteredIndex = -1;
                return 1;
            case IORING_REGISTER_IOWQ_MAX_WORKERS:
                WorkerLimits = (((uint*)argument)[0], ((uint*)argument)[1]);
                return 0;
            case IORING_REGISTER_BUFFERS:
                if (FixedBuffers.Count > 0)
                    return -Errno.EBUSY;
                FixedBuffers.AddRange(new ReadOnlySpan<iovec>(argument, (int)count));
                return 0;
            case IORING_UNREGISTER_BUFFERS:
                if (_ops.Any(op => op.Opcode is io_uring_op.IORING_OP_READ_FIXED or io_uring_op.IORING_OP_WRITE_FIXED && op.State != FakeOpState.Ended))
                    Violation("registered buffers taken back while an op uses one");
                int had = FixedBuffers.Count;
                FixedBuffers.Clear();
                return had > 0 ? 0 : -Errno.ENXIO;
            case IORING_REGISTER_PBUF_RING:
                return RegisterBuffers((io_uring_buf_reg*)argument);
            case IORING_UNREGISTER_PBUF_RING:
                return _groups.Remove(((io_uring_buf_reg*)argument)->bgid) ? 0 : -Errno.ENOENT;
            default:
                return -Errno.EINVAL;
        }
    }

    /// <summary>Place of the ring in the table of registered rings; −1: none.</summary>
    internal int RegisteredIndex { get; private set; } = -1;

    /// <summary>Registered buffers, by index.</summary>
    internal List<iovec> FixedBuffers { get; } = [];

    internal (uint Bounded, uint Unbounded) WorkerLimits { get; private set; }
}

/// <summary>The script and the code under test do not fit: fails the test.</summary>
internal sealed class FakeKernelException(string message) : Exception(message);

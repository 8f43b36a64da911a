// Ring layer: one io_uring instance: set-up, mappings, submission queue, completion queue, enter. The op
// layer above is its only caller in RingCore; tests, benchmarks and curious people use it directly. Three
// verbs: get an SQE, enter, peek CQEs. One thread owns it. It knows nothing of ops, tasks, sockets or memory
// other than its own; its errors are −errno values.
//
// Invariants: _sqTail − _sqHead ≤ entries; SQEs in [_sqHead, _sqTail) are written and not yet taken by
// the kernel, as far as is known: a poller (SqPoll) takes those before _published whenever it likes, and the
// shared head is looked at when room is short. Every mapping and fd is released by Dispose, and by a
// constructor that fails.

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RingCore.Sys;
using static RingCore.RingFeatures;
using static RingCore.Sys.EnterFlags;
using static RingCore.Sys.Errno;
using static RingCore.Sys.MmapOffsets;
using static RingCore.Sys.RegisterOps;
using static RingCore.Sys.RingFlags;
using static RingCore.TraceKind;

namespace RingCore;

/// <summary>
/// One io_uring: the submission and completion queues shared with the kernel. Not thread-safe: one owner
/// thread.
/// </summary>
[DebuggerDisplay("fd={Fd} pending={Pending} ready={Ready}")]
[Experimental("RING001")]
public sealed unsafe class Ring : IDisposable
{
    // Owner thread only. The hot ones first.
    private readonly io_uring_sqe* _sqes;
    private readonly io_uring_cqe* _cqes;
    private uint* _kernelSqHead;
    private uint* _kernelSqTail;
    private uint* _kernelSqFlags;
    private uint* _kernelCqHead;
    private uint* _kernelCqTail;
    private readonly uint _sqMask;
    private readonly uint _cqMask;
    private uint _sqEntries;
    private readonly int _enterFd;
    private readonly uint _enterFlags;
    private readonly uint _waitFlags;
    private uint _sqHead;
    private uint _sqTail;
    // With a poller: the tail it has been shown.
    private uint _published;
    private readonly WaitArgument* _wait;

    /// <summary>What the queue pointers point to once the ring is disposed.</summary>
    private static readonly uint* s_nothing = (uint*)NativeMemory.AllocZeroed(sizeof(uint));

    // Owner thread only, cold.
    private readonly RingSetup _setup;
    private uint* _kernelCqOverflow;
    private readonly List<IDisposable> _kept = [];
    private readonly iovec[] _mappings = new iovec[3];
    private int _mapped;
    private bool _disposed;

    /// <summary>Counters of this ring and of everything above it; see <see cref="RingCounters"/>.</summary>
    [SuppressMessage("Design", "CA1051", Justification = "Plain fields are the point: one add, no call.")]
    public RingCounters Counters;

    /// <summary>
    /// The io_uring_getevents_arg of a timed wait and the timespec it points to, in memory that does not
    /// move.
    /// </summary>
    private struct WaitArgument
    {
        internal io_uring_getevents_arg Arg;
        internal __kernel_timespec Time;
    }

    /// <summary>Sets up a ring for the calling thread, which becomes its owner.</summary>
    /// <exception cref="RingUnavailableException">io_uring cannot be used here; the message says
    /// why.</exception>
    public Ring(RingOptions? options = null)
    {
        options ??= new RingOptions();
        options.Validate();
        if (!OperatingSystem.IsLinux())
            throw RingUnavailableException.NotLinux();
        Kernel = options.Kernel;
        Trace = new TraceRecorder(options.TraceEvents, Kernel);
        _setup = RingSetup.Run(options);
        try
        {
            ref readonly io_uring_params p = ref _setup.Params;
            bool hasArray = !Has(NoSqArray);
            nuint sqBytes = hasArray ? p.sq_off.array + p.sq_entries * sizeof(uint) : 0;
            nuint cqBytes = p.cq_off.cqes + (nuint)p.cq_entries * (nuint)sizeof(io_uring_cqe);

            // FALLBACK SingleMmap (5.4): delete the second mapping when the floor is above a kernel that
            // lacks it.
            bool oneMapping = Has(SingleMmap);
            byte* sq = Map(Math.Max(sqBytes, oneMapping ? cqBytes : 4096), IORING_OFF_SQ_RING);
            byte* cq = oneMapping ? sq : Map(cqBytes, IORING_OFF_CQ_RING);
            _sqes = (io_uring_sqe*)Map((nuint)p.sq_entries * (nuint)sizeof(io_uring_sqe), IORING_OFF_SQES);

            _kernelSqHead = (uint*)(sq + p.sq_off.head);
            _kernelSqTail = (uint*)(sq + p.sq_off.tail);
            _kernelSqFlags = (uint*)(sq + p.sq_off.flags);
            _sqEntries = p.sq_entries;
            _sqMask = p.sq_entries - 1;
            _kernelCqHead = (uint*)(cq + p.cq_off.head);
            _kernelCqTail = (uint*)(cq + p.cq_off.tail);
            _kernelCqOverflow = (uint*)(cq + p.cq_off.overflow);
            _cqes = (io_uring_cqe*)(cq + p.cq_off.cqes);
            _cqMask = p.cq_entries - 1;
            _sqHead = _sqTail = _published = *_kernelSqTail;
            IsPolled = Has(SqPoll);
            if (IsPolled)
                PollerCredentials = Credentials.OfThisThread();

            // FALLBACK NoSqArray (6.6): SQE i always stands at place i, so the index array is written once.
            for (uint i = 0; hasArray && i < _sqEntries; i++)
                ((uint*)(sq + p.sq_off.array))[i] = i;

            _wait = (WaitArgument*)NativeMemory.AllocZeroed((nuint)sizeof(WaitArgument));
            _wait->Arg.ts = (ulong)&_wait->Time;
            int index = Has(RegisteredRing) ? RegisterSelf() : -1;
            // FALLBACK RegisteredRing (5.18): enter by fd.
            if (index < 0)
                _setup.Features &= ~RegisteredRing;
            _enterFd = index < 0 ? _setup.Fd : index;
            _enterFlags = index < 0 ? 0 : IORING_ENTER_REGISTERED_RING;
            if (Has(NoIowait))
                _waitFlags = IORING_ENTER_NO_IOWAIT;
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>The recorder; off unless <see cref="RingOptions.TraceEvents"/> is set.</summary>
    public TraceRecorder Trace { get; }

    /// <summary>The optional kernel features in use.</summary>
    public RingFeatures Features => _setup.Features;

    /// <summary>Features that were asked for and refused at set-up, newest first.</summary>
    public IReadOnlyList<string> Dropped => _setup.Dropped;

    /// <summary>The io_uring fd.</summary>
    public int Fd => _setup.Fd;

    /// <summary>Places in the submission queue.</summary>
    public int SqEntries => (int)_sqEntries;

    /// <summary>Places in the completion queue.</summary>
    public int CqEntries => (int)_cqMask + 1;

    /// <summary>IORING_SETUP_* flags in use.</summary>
    public uint SetupFlags => _setup.Params.flags;

    /// <summary>IORING_FEAT_* bits the kernel reported.</summary>
    public uint KernelFeatures => _setup.Params.features;

    /// <summary>
    /// CQEs the kernel could not even keep aside (cq.overflow): lost. Stays 0 but for lack of kernel memory.
    /// </summary>
    public uint LostCqes => Volatile.Read(ref *_kernelCqOverflow); // A statistic: ordered with nothing.

    /// <summary>The seam this ring was made with.</summary>
    internal Kernel Kernel { get; }

    /// <summary>Whether the kernel supports an opcode (IORING_REGISTER_PROBE).</summary>
    public bool Supports(io_uring_op op) => _setup.Supports(op);

    /// <summary>SQEs written that the kernel has not been shown yet, or has not taken.</summary>
    public uint Pending => _sqTail - (IsPolled ? _published : _sqHead);

    /// <summary>SQEs that can be written before the next enter.</summary>
    public uint Room
    {
        get
        {
            if (IsPolled)
                ReadSqHead();
            return _sqEntries - (_sqTail - _sqHead);
        }
    }

    /// <summary>
    /// Whether so many SQEs can be written before the next enter; cheaper than <see cref="Room"/> where a
    /// poller takes them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool HasRoom(uint count) =>
        _sqEntries - (_sqTail - _sqHead) >= count || (IsPolled && Room >= count);

    /// <summary>Whether a kernel thread takes the SQEs (<see cref="RingOptions.SqPoll"/>).</summary>
    public bool IsPolled { get; }

    /// <summary>
    /// With which rights that thread runs requests: those of the set-up, whatever becomes of ours.
    /// </summary>
    internal Credentials PollerCredentials { get; }

    /// <summary>
    /// Takes the next SQE, zeroed, or null when the queue is full: then enter, and ask again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public io_uring_sqe* TryGetSqe()
    {
        uint tail = _sqTail;
        if (tail - _sqHead >= _sqEntries && (!IsPolled || ReadSqHead() == 0))
            return null;
        io_uring_sqe* sqe = _sqes + (tail & _sqMask);
        // Many opcodes refuse a field they do not use and that is not zero.
        *sqe = default;
        _sqTail = tail + 1;
        return sqe;
    }

    /// <summary>
    /// Enters the kernel once: all pending SQEs go in, and with <paramref name="minComplete"/> above 0 it
    /// waits for that many completions, at most <paramref name="timeoutNs"/> nanoseconds (negative: without
    /// limit; needs <see cref="RingFeatures.ExtArg"/>). Returns the number of SQEs taken, or −errno: EINTR,
    /// ETIME, EBUSY, EAGAIN say "go on". With a poller the SQEs are shown to it, and the kernel is called
    /// only to wait for longer than some 10 µs, to wake it, or to flush an overflow.
    /// </summary>
    public int Enter(uint minComplete, long timeoutNs = -1)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        uint toSubmit = Pending;
        uint flags = _enterFlags | IORING_ENTER_GETEVENTS;
        void* argument = null;
        // A sigset; there is none.
        nuint argumentSize = 8;
        if (minComplete > 0)
        {
            flags |= _waitFlags;
            if (timeoutNs >= 0)
            {
                _wait->Time.tv_sec = timeoutNs / 1_000_000_000;
                _wait->Time.tv_nsec = timeoutNs % 1_000_000_000;
                flags |= IORING_ENTER_EXT_ARG;
                argument = _wait;
                argumentSize = (nuint)sizeof(io_uring_getevents_arg);
            }
        }

        if (IsPolled)
        {
            if (Publish())
                flags |= IORING_ENTER_SQ_WAKEUP;
            else if (!Overflowed && (minComplete == 0 || CompletesSoon(minComplete)))
                return (int)toSubmit; // The poller is awake: no call.
            return Call(toSubmit, minComplete, flags, argument, argumentSize);
        }

        // Release: the SQEs before the tail. Pairs with the kernel's acquire of sq.tail.
        Volatile.Write(ref *_kernelSqTail, _sqTail);
        int taken = Call(toSubmit, minComplete, flags, argument, argumentSize);
        // Not the result: a failed enter may have taken SQEs all the same (a signal in the wait).
        Counters.Sqes += ReadSqHead();
        if (taken > 0 && (uint)taken < toSubmit)
            Counters.PartialSubmits++;
        return taken;
    }

    /// <summary>
    /// With an awake poller most requests end before a call to wait for them could begin. About 10 µs, then
    /// the thread sleeps.
    /// </summary>
    private bool CompletesSoon(uint minComplete)
    {
        for (int i = 0; i < 250 && Ready < minComplete; i++)
            Thread.SpinWait(1);
        return Ready >= minComplete;
    }

    private int Call(uint given, uint minComplete, uint flags, void* argument, nuint argumentSize)
    {
        if (minComplete > 0)
            Counters.Waits++;
        Trace.Record(Entered, (ulong)Counters.Enters++, 0, (int)given, (int)minComplete);
        int taken = Kernel.Enter(_enterFd, given, minComplete, flags, argument, argumentSize);
        if (Trace.IsOn)
            Trace.Record(EnterReturned, (ulong)Counters.Enters - 1, 0, taken, (int)Ready);
        return taken;
    }

    /// <summary>
    /// Shows the poller the new tail; true when it sleeps and has to be woken. Interleavings with a poller
    /// that falls asleep, which sets NEED_WAKEUP and then looks at the tail once more:
    /// A  NEED_WAKEUP, then the tail: the load below sees it, and an enter wakes the poller.
    /// B  the tail, then NEED_WAKEUP: the poller's last look sees the tail, and it stays awake.
    /// C  both at once: the two full fences let at least one see the other.
    /// </summary>
    private bool Publish()
    {
        uint count = _sqTail - _published;
        Counters.Sqes += count;
        if (count > 0)
            Trace.Record(Published, 0, 0, (int)count);
        // Release: the SQEs before the tail. Pairs with the poller's acquire of sq.tail.
        Volatile.Write(ref *_kernelSqTail, _published = _sqTail);
        // Full fence: our store of sq.tail, our load of sq.flags. Pairs with the poller's between its store
        // of NEED_WAKEUP and its load of sq.tail.
        Interlocked.MemoryBarrier();
        // Ordered by the fence above.
        return (SqFlags & IORING_SQ_NEED_WAKEUP) != 0;
    }

    /// <summary>
    /// The newest SQE that the kernel has not taken; only while <see cref="Pending"/> is above 0, and not
    /// with a poller.
    /// </summary>
    internal io_uring_sqe* LastPending() => _sqes + ((_sqTail - 1) & _sqMask);

    /// <summary>Takes that SQE back: the next enter shows the kernel a tail before it.</summary>
    internal void TakeBackLast() => _sqTail--;

    /// <summary>
    /// Memory the kernel may write into lives as long as the ring, whoever else forgets it.
    /// </summary>
    internal void Keep(IDisposable registered) => _kept.Add(registered);

    internal void Forget(IDisposable registered) => _kept.Remove(registered);

    /// <summary>
    /// Whether the kernel has completion work that only an enter brings to light: deferred task work, or an
    /// overflow list.
    /// </summary>
    public bool NeedsEnter => (SqFlags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;

    /// <summary>
    /// Whether completions wait in the kernel's overflow list because the completion queue was full.
    /// </summary>
    public bool Overflowed => (SqFlags & IORING_SQ_CQ_OVERFLOW) != 0;

    // A hint: pairs with nothing, but in Publish.
    private uint SqFlags => Volatile.Read(ref *_kernelSqFlags);

    /// <summary>
    /// CQEs ready to be read, in place: index them with <see cref="CqeAt"/>, then give them back with <see
    /// cref="Advance"/>.
    /// </summary>
    public uint Ready
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        // Acquire: pairs with the kernel's release of cq.tail.
        get => Volatile.Read(ref *_kernelCqTail) - *_kernelCqHead;
    }

    /// <summary>The CQE <paramref name="index"/> places behind the head; below <see cref="Ready"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref readonly io_uring_cqe CqeAt(uint index) => ref _cqes[(*_kernelCqHead + index) & _cqMask];

    /// <summary>
    /// Gives the first <paramref name="count"/> CQEs back to the kernel; they may be overwritten at once.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(uint count)
    {
        Counters.Cqes += count;
        // Release: our reads of the CQEs. Pairs with the kernel's acquire of cq.head.
        Volatile.Write(ref *_kernelCqHead, *_kernelCqHead + count);
    }

    /// <summary>io_uring_register(2) on this ring: a result, or −errno.</summary>
    public int Register(uint opcode, void* argument, uint count) =>
        // Never another's fd of the same number.
        _disposed ? -EBADF : Kernel.Register(_setup.Fd, opcode, argument, count);

    /// <summary>
    /// Unmaps and closes everything. What is still in flight goes on in the kernel: drain first.
    /// </summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Release();

        // A ring that is used after its end is empty and full at once, instead of reading unmapped memory.
        _sqEntries = 0;
        _sqHead = _sqTail = _published = 0;
        _kernelSqHead = _kernelSqTail = _kernelSqFlags = s_nothing;
        _kernelCqHead = _kernelCqTail = _kernelCqOverflow = s_nothing;
    }

    private uint ReadSqHead()
    {
        // Acquire: pairs with the kernel's release of sq.head.
        uint head = Volatile.Read(ref *_kernelSqHead);
        uint taken = head - _sqHead;
        _sqHead = head;
        return taken;
    }

    private bool Has(RingFeatures feature) => _setup.Features.HasFlag(feature);

    private byte* Map(nuint length, ulong offset)
    {
        nint address = Kernel.Map(length, _setup.Fd, offset);
        if (address is < 0 and > -4096)
            throw RingUnavailableException.Diagnose((int)-address);
        _mappings[_mapped++] = new iovec { iov_base = (void*)address, iov_len = length };
        return (byte*)address;
    }

    /// <summary>
    /// The table of registered rings belongs to the thread and has 16 places: the owner registers, and only
    /// it enters.
    /// </summary>
    private int RegisterSelf()
    {
        var update = new io_uring_rsrc_update { offset = uint.MaxValue, data = (ulong)_setup.Fd };
        bool registered = Kernel.Register(_setup.Fd, IORING_REGISTER_RING_FDS, &update, 1) == 1;
        return registered ? (int)update.offset : -1;
    }

    private void Release()
    {
        if ((_enterFlags & IORING_ENTER_REGISTERED_RING) != 0)
        {
            var update = new io_uring_rsrc_update { offset = (uint)_enterFd };
            Kernel.Register(_setup.Fd, IORING_UNREGISTER_RING_FDS, &update, 1);
        }

        while (_mapped > 0)
            Kernel.Unmap((nint)_mappings[--_mapped].iov_base, _mappings[_mapped].iov_len);
        NativeMemory.Free(_wait);
        Kernel.Close(_setup.Fd);
    }
}

// Op layer: ties one ring to its slots. Three pages: this one admits and prepares ops and enters the kernel,
// OpDriver.Reap.cs takes results in, OpDriver.Cancel.cs asks ops to end. The executor owns one and calls
// Enter, Reap and WriteCancels; ops and handles start through it. Owner thread only, except for members
// marked "any thread".
//
// Invariants: every SQE written names a live slot or a reserved key. Completions are handled in Reap, which
// the loop calls, and nowhere else: a call that finds the SQ full only submits, so nothing that a caller has
// already checked can change while the call runs.
//
// How every op begins, in this order:
//   1 what can throw: the sink, the memory's pin, native blocks, the token's registration, Admit (a slot,
//   room for its SQEs)
//   2 the state: the sink is pending, the stream is being read
//   3 the SQE: Begin, Prep, Prepared: nothing between them throws or runs anything else

using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.Errno;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.SocketConstants;
using static RingCore.Sys.SqeFlags;

namespace RingCore;

/// <summary>The executor as the op layer sees it.</summary>
internal interface IOpHost
{
    /// <summary>
    /// Any thread: runs work on the owner thread, or returns false when the executor has stopped.
    /// </summary>
    bool Post(RingWork work);
}

/// <summary>One ring and its ops.</summary>
internal sealed unsafe partial class OpDriver
{
    /// <summary>
    /// How long a kernel that takes no SQEs is asked again, before the ops fail with the errno it returns.
    /// </summary>
    private const long PatienceNs = 1_000_000_000;

    /// <summary>Enters retried without a pause; after that there is one every millisecond.</summary>
    private const int EagerTries = 16;

    /// <summary>The driver of the calling thread, or null.</summary>
    [ThreadStatic]
    internal static OpDriver? Current;

    internal readonly Ring Ring;
    internal readonly OpTable Table;
    internal readonly ReadyQueue Ready = new();
    internal readonly PinList Pins = new();
    internal readonly IOpHost Host;
    internal readonly Pool<OpResultAwaitable> Results = new();
    internal readonly Pool<OpChain.ChainRun> Chains = new();
    internal readonly SequenceList Sequences = new();
    // −1 once the executor has stopped: nobody owns it then.
    private int _ownerThread = Environment.CurrentManagedThreadId;

    /// <summary>Requests without a slot that the kernel still has.</summary>
    private int _unslotted;
    private int _busyTries;
    private long _busySince;

    /// <summary>The executor's own context; a continuation captured on another one goes there.</summary>
    internal SynchronizationContext? Context;

    /// <summary>The pools of the layer above, which knows what they hold.</summary>
    internal object? PoolsAbove;

    /// <summary>Id of the task now running, for the trace; 0 outside tasks.</summary>
    internal long CurrentTaskId;

    /// <summary>The task whose builder is handing its continuation to an awaiter right now.</summary>
    internal RingWork? Suspending;

    /// <summary>MSG_* of a connection's writes.</summary>
    internal readonly uint WriteFlags;

    /// <summary>The loop's coarse clock.</summary>
    // From the start: ops are prepared before the loop first reads the clock.
    internal uint NowMs = (uint)Environment.TickCount64;

    /// <summary>Among the drivers whose memory was leaked: the one before.</summary>
    internal OpDriver? NextLeaked;

    /// <summary>Shutdown has begun: ops are refused with ECANCELED.</summary>
    internal bool Stopping;

    internal OpDriver(Ring ring, IOpHost host, OpTable? table = null)
    {
        Ring = ring;
        Host = host;
        Table = table ?? new OpTable();
        _cancels = new ulong[Table.Capacity];
        Leases = new LeasePool(this);

        // FALLBACK WholeSends (6.1, as SENDMSG_ZC; no feature bit tells): on an older kernel, a send that the
        // kernel itself continues and that is then cancelled does not report how much had left, so a broken
        // stream would look whole. There we continue short sends ourselves.
        bool whole = ring.Supports(IORING_OP_SENDMSG_ZC);
        WriteFlags = (uint)(MSG_NOSIGNAL | (whole ? MSG_WAITALL : 0));
    }

    internal static OpDriver Required => Current ?? throw new InvalidOperationException(
        "This thread has no RingExecutor. Run the code inside RingExecutor.Run, or send it to one with "
        + "executor.InvokeAsync. A ConfigureAwait(false) in Task code leaves the executor's thread.");

    internal LeasePool Leases { get; }

    internal RingOptions Options { get; init; } = new();

    /// <summary>The registered buffers, or null.</summary>
    internal RingBuffers? Buffers;

    internal bool IsOwner => Environment.CurrentManagedThreadId == _ownerThread;

    /// <summary>Ops and slotless requests that the kernel has.</summary>
    internal int Outstanding => Table.InUse + _unslotted;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ThrowIfNotOwner()
    {
        if (Environment.CurrentManagedThreadId != _ownerThread)
            ThrowNotOwner();
    }

    private void ThrowNotOwner() => throw (IsRetired
        ? new ObjectDisposedException($"RingExecutor '{Options.Name}'",
            "It has stopped: nothing that belongs to it can be used any more, only disposed.")
        : new InvalidOperationException(
            $"This belongs to the thread of RingExecutor '{Options.Name}'. Call it from code that runs "
            + "there: inside Run or Spawn, or from any thread through InvokeAsync. A ConfigureAwait(false) "
            + "leaves that thread."));

    /// <summary>Whether the executor has stopped. Any thread.</summary>
    internal bool IsRetired => _ownerThread < 0;

    /// <summary>The ring is about to be unmapped: from here on no thread is the owner.</summary>
    internal void Retire() => _ownerThread = -1;

    /// <summary>Puts what an op resumes on the ready queue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Resume(RingWork work, ulong key)
    {
        Ring.Trace.Record(TraceKind.Queued, key, work.TaskId);
        Ready.Push(work);
    }

    /// <summary>
    /// Whether an op may go to the kernel now. 0: there is a slot and room for its SQEs, and Begin cannot
    /// fail. Otherwise the −errno with which the op ends instead: ECANCELED when its token is cancelled or
    /// the executor is stopping, or the error that keeps the kernel from taking SQEs.
    /// </summary>
    /// <exception cref="OutOfMemoryException">No memory for more slots.</exception>
    /// <exception cref="ArgumentException">More SQEs than the queue has places.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Admit(CancellationToken token, int slots = 1, int sqes = 1)
    {
        // DOC: admit
        if (Stopping || token.IsCancellationRequested)
            return -ECANCELED;
        return Table.Capacity - Table.InUse >= slots && Ring.HasRoom((uint)sqes)
            ? 0
            : AdmitSlow(token, slots, sqes);
        // DOC: end
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int AdmitSlow(CancellationToken token, int slots, int sqes)
    {
        if (sqes > Ring.SqEntries)
            throw new ArgumentException(
                $"{sqes} linked requests do not fit a submission queue of {Ring.SqEntries}: raise "
                + "RingOptions.SqEntries.");
        while (Table.Capacity - Table.InUse < slots)
        {
            // First: one place per slot.
            if (_cancels.Length <= Table.Capacity)
                Array.Resize(ref _cancels, Table.Capacity * 2);
            Table.Grow();
        }

        int refused = Ring.HasRoom((uint)sqes) ? 0 : MakeRoom((uint)sqes);
        // The token may have been cancelled in the meantime, on this thread as well.
        return token.IsCancellationRequested ? -ECANCELED : refused;
    }

    /// <summary>
    /// For starts that have no caller to throw to: an op that is continued from the reap, in the slot it has
    /// just freed, and the loop's own ops. Returns 0 or −errno.
    /// </summary>
    internal int AdmitAgain()
    {
        try
        {
            return Table.InUse < Table.Capacity && Ring.HasRoom(1)
                ? 0
                : AdmitSlow(default, slots: 1, sqes: 1);
        }
        catch (OutOfMemoryException) // Of the loop's own: it asks again.
        {
            return -ENOMEM;
        }
    }

    /// <summary>
    /// Takes a slot and an SQE for an admitted op. Prepared follows, with nothing but the SQE's fields
    /// between them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref OpSlot Begin(OpSink sink, RingHandle? handle, out io_uring_sqe* sqe, out int index)
    {
        sqe = Ring.TryGetSqe();
        ref OpSlot slot = ref Table.Rent(out index);
        ulong key = OpTable.Key(slot, index);
        slot.Sink = sink;
        slot.PreparedMs = NowMs;
        sink.Key = key;
        sqe->user_data = key;
        if (handle is not null)
            sqe->fd = handle.Lend(ref slot, index);
        return ref slot;
    }

    /// <summary>After the SQE is filled: what the in-flight list and the trace tell of it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Prepared(ref OpSlot slot, io_uring_sqe* sqe)
    {
        slot.Opcode = sqe->opcode;
        slot.Fd = sqe->fd;
        Ring.Trace.Record(TraceKind.OpPrepared, sqe->user_data, CurrentTaskId, (int)sqe->opcode, sqe->fd);
    }

    /// <summary>
    /// Writes the LINK_TIMEOUT that bounds the SQE before it, and was admitted together with it.
    /// </summary>
    internal void PrepareLinkTimeout(ref OpSlot slot, int index, TimeSpan timeout, bool linked)
    {
        slot.HasLinkTimeout = true;
        var time = (__kernel_timespec*)Table.Storage(index) + 1;
        *time = Prep.Timespec(timeout);
        *(long*)(time + 1) = (long)(Ring.Kernel.Now() + timeout.TotalNanoseconds);
        io_uring_sqe* sqe = Ring.TryGetSqe();
        Prep.Timeout(sqe, IORING_OP_LINK_TIMEOUT, time);
        // In a chain it carries the link on to the next step.
        sqe->flags = linked ? IOSQE_IO_LINK : (byte)0;
        sqe->user_data = OpTable.Key(slot, index) | LinkTimeoutBit;
        _unslotted++;
    }

    /// <summary>
    /// The SQ is full: submit it and carry on. Either the kernel takes everything or it says why; if it wants
    /// CQEs consumed first, they are moved aside, not handled. Returns 0, or the −errno that the kernel has
    /// kept returning for <see cref="PatienceNs"/>.
    /// </summary>
    private int MakeRoom(uint count)
    {
        Ring.Counters.SqFull++;
        long since = 0;
        for (int tries = 0; ; tries++)
        {
            // A poller takes SQEs at its own pace: give it a moment, or until something completes.
            // IORING_ENTER_SQ_WAIT would not do: it has no deadline, and a kernel that does not submit into
            // an overflowing CQ could wait for a poller that is itself waiting for our reap.
            int taken = tries > 0 && Ring.IsPolled
                ? TryEnter(minComplete: 1, timeoutNs: 50_000)
                : TryEnter(minComplete: 0, timeoutNs: -1);
            if (Ring.HasRoom(count))
                return 0;
            if (taken < 0 && !Passes(taken))
                return taken;
            if (taken <= 0 && !MoveAside())
                return -ENOMEM;
            if (taken > 0 && !Ring.IsPolled)
                since = tries = 0;
            if (tries < EagerTries)
                continue;
            long now = Ring.Kernel.Now();
            since = since == 0 ? now : since;
            if (now - since > PatienceNs)
                return taken < 0 ? taken : -EAGAIN;
            Ring.Kernel.Pause();
        }
    }

    /// <summary>
    /// Enters once, for the loop. A transient error is returned and means "reap, then look again".
    /// </summary>
    /// <exception cref="InvalidOperationException">The kernel refuses for good.</exception>
    internal int Enter(uint minComplete, long timeoutNs)
    {
        int taken = TryEnter(minComplete, timeoutNs);
        if (taken is -EAGAIN or -EBUSY)
            BackOff(taken);
        else if (taken >= 0 || Passes(taken))
            _busyTries = 0;
        else
            throw new InvalidOperationException($"io_uring_enter failed: {Errno.Describe(-taken)}.");
        return taken;
    }

    /// <summary>
    /// The kernel has no memory for requests: pause between tries, and in the end fail the ops it has not
    /// taken.
    /// </summary>
    private void BackOff(int res)
    {
        long now = Ring.Kernel.Now();
        if (_busyTries++ == 0)
            _busySince = now;
        if (HasCompletions || _busyTries < EagerTries)
            return;
        if (now - _busySince <= PatienceNs || Ring.IsPolled || !FailPending(res))
            Ring.Kernel.Pause();
    }

    private int TryEnter(uint minComplete, long timeoutNs)
    {
        uint given = Ring.Pending;
        int taken = Ring.Enter(minComplete, timeoutNs);
        if (taken >= 0 && given == 0 && Ring.Ready == 0)
            Ring.Counters.EmptyEnters++;
        if (taken == -EINTR)
            Ring.Counters.Interrupted++;
        if (taken is -EBUSY or -EAGAIN)
            Ring.Counters.Busy++;
        if (taken == -EBADR)
            Warning.Print(
                $"RingCore: the kernel had no memory to keep a completion of executor '{Options.Name}' and "
                + $"dropped it: an await of it never ends ({Ring.LostCqes} so far).");
        return taken;
    }

    /// <summary>
    /// An error does not mean that nothing was submitted; only the SQ head tells. These errors mean no more
    /// than "look again".
    /// </summary>
    private static bool Passes(int res) => -res switch
    {
        ETIME => true, // The wait's deadline passed.
        EINTR => true, // A signal; the runtime's own included.
        EBUSY => true, // The overflow list could not be flushed: take CQEs first.
        EAGAIN => true, // No memory for a request just now.
        EBADR => true, // A completion was lost; the others go on.
        _ => false,
    };

    /// <summary>
    /// An idle disk should not have to wait for a turn's whole batch: once this many requests are pending,
    /// they are submitted.
    /// </summary>
    internal void SubmitBatch(int batch)
    {
        // An error is left to the loop's own enter, which will meet it again. Thrown from here, it would hide
        // that the memory is already on loan.
        if (Ring.Pending >= batch)
            Ring.Enter(minComplete: 0);
    }

    /// <summary>Gives an fd to its handle; where there is no memory for one, it is closed.</summary>
    /// <param name="make">A delegate that was there before the fd.</param>
    /// <param name="fd">Nobody's yet.</param>
    /// <param name="other">A pair's other end, which is then closed too; −1: none.</param>
    internal T Own<T>(Func<int, T> make, int fd, int other = -1)
    {
        try
        {
            return make(fd);
        }
        catch
        {
            CloseFd(fd);
            if (other >= 0)
                CloseFd(other);
            throw;
        }
    }

    /// <summary>
    /// Closes an fd that no handle has taken: an accepted connection, an opened file that nobody awaits.
    /// </summary>
    internal int CloseFd(int fd) => Ring.Kernel.Close(fd);
}

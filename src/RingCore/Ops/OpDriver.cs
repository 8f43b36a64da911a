// Op layer: ties one ring to its slots: gets an SQE, fills a slot, reaps CQEs into sinks, cancels. The executor owns one and
// calls Enter and Reap; ops and handles start through it. Owner thread only, but for the two doors marked "any thread".
//
// Invariants: every SQE written names a live slot or a reserved key; a slot's loans return in Reap's terminal branch and nowhere
// else; Reap runs no user code but the Unpin of a user's memory, it only queues.

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using RingCore.Sys;
using static RingCore.Sys.CqeFlags;
using static RingCore.Sys.SqeFlags;

namespace RingCore;

/// <summary>The executor as the op layer sees it.</summary>
internal interface IOpHost
{
    /// <summary>Any thread: runs work on the owner thread, or returns false when the executor has stopped.</summary>
    bool Post(RingWork work);
}

/// <summary>One ring and its ops.</summary>
internal sealed unsafe class OpDriver
{
    /// <summary>user_data of requests that have no slot: their CQE is only counted.</summary>
    private const ulong CancelKey = 0xFFFF_FFFF;
    private const ulong LinkTimeoutKey = 0xFFFF_FFFE;

    /// <summary>The kernel's own "interrupted, run me again", which leaks out of opens of FIFOs, splices and tees.</summary>
    private const int RestartSys = 512;

    /// <summary>The driver of the calling thread, or null.</summary>
    [ThreadStatic]
    internal static OpDriver? Current;

    internal readonly Ring Ring;
    internal readonly OpTable Table;
    internal readonly ReadyQueue Ready = new();
    internal readonly IOpHost Host;
    internal readonly Pool<OpResultAwaitable> Results = new();
    internal readonly Pool<OpChain.ChainRun> Chains = new();
    private int _ownerThread = Environment.CurrentManagedThreadId; // −1 once the executor has stopped: nobody owns it then.

    /// <summary>Requests without a slot that the kernel still has.</summary>
    private int _unslotted;

    /// <summary>The executor's own context; a continuation captured on another one goes there.</summary>
    internal SynchronizationContext? Context;

    /// <summary>Id of the task now running, for the trace; 0 outside tasks.</summary>
    internal long CurrentTaskId;

    /// <summary>The task whose builder is handing its continuation to an awaiter right now.</summary>
    internal RingWork? Suspending;

    /// <summary>MSG_* of a connection's writes.</summary>
    internal readonly uint WriteFlags;

    /// <summary>The loop's coarse clock.</summary>
    internal uint NowMs = (uint)Environment.TickCount64; // From the start: ops are prepared before the loop first reads the clock.

    /// <summary>Shutdown has begun: ops are refused with ECANCELED.</summary>
    internal bool Stopping;

    internal OpDriver(Ring ring, IOpHost host, OpTable? table = null)
    {
        Ring = ring;
        Host = host;
        Table = table ?? new OpTable();
        Leases = new LeasePool(this);

        // FALLBACK WholeSends (6.1, as SENDMSG_ZC; no feature bit tells): before, a send that the kernel goes on with and that is then
        // cancelled does not say how much had left, and the stream would pass for whole. We go on after a short send instead.
        WriteFlags = (uint)(SocketConstants.MSG_NOSIGNAL | (ring.Supports(io_uring_op.IORING_OP_SENDMSG_ZC) ? SocketConstants.MSG_WAITALL : 0));
    }

    internal static OpDriver Required => Current ?? throw new InvalidOperationException(
        "This thread has no RingExecutor. Run the code inside RingExecutor.Run, or send it to one with executor.InvokeAsync. "
        + "A ConfigureAwait(false) in Task code leaves the executor's thread.");

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

    private void ThrowNotOwner() => throw new InvalidOperationException(_ownerThread < 0
        ? $"RingExecutor '{Options.Name}' has stopped: nothing that belongs to it can be used any more, only disposed."
        : $"This belongs to the thread of RingExecutor '{Options.Name}'. Call it from code that runs there: inside Run or Spawn, "
        + "or from any thread through executor.InvokeAsync(async () => …). A ConfigureAwait(false) in Task code leaves that thread.");

    /// <summary>The ring is about to be unmapped: from here on no thread is the owner.</summary>
    internal void Retire() => _ownerThread = -1;

    /// <summary>Puts what an op resumes on the ready queue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Queue(RingWork work, ulong key)
    {
        Ring.Trace.Record(TraceKind.Queued, key, work.TaskId);
        Ready.Push(work);
    }

    /// <summary>Takes an SQE and a slot for it. The caller fills both before anything else happens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref OpSlot Begin(OpSink sink, RingHandle? handle, out io_uring_sqe* sqe, out int index)
    {
        sqe = Ring.TryGetSqe();
        if (sqe == null)
            sqe = MakeRoom(1);
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

    /// <summary>Memory goes on loan: kept alive and in place until the terminal CQE. Its address. The pin was taken before the SQE was begun.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong Lend(ref OpSlot slot, ReadOnlyMemory<byte> memory, ReadOnlySpan<MemoryHandle> pins)
    {
        OpLoans loans = Table.LoansOf(ref slot);
        loans.Lent = memory;
        loans.Pin = pins[0];
        return (ulong)loans.Pin.Pointer;
    }

    /// <summary>Ties a token to the op: its callback asks for a cancel. Disposed at the terminal CQE, before the slot is reused.</summary>
    internal static void Register(ref OpSlot slot, OpSink sink, CancellationToken token)
    {
        if (token.CanBeCanceled)
        {
            CancellationTokenRegistration registration = token.UnsafeRegister(OpSink.CancelCallback, sink);

            // A token that has struck calls back in here and registers nothing; the slot may then be free, and another's, by now.
            if (registration != default)
                sink.Driver.Table.LoansOf(ref slot).Registration = registration;
        }
    }

    /// <summary>Makes sure that the next <paramref name="count"/> SQEs go in with one enter.</summary>
    internal void Reserve(int count)
    {
        if (count > Ring.SqEntries)
            throw new ArgumentException($"A chain of {count} does not fit a submission queue of {Ring.SqEntries}: raise RingOptions.SqEntries.");
        if (Ring.Room < count)
            SubmitFor((uint)count);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private io_uring_sqe* MakeRoom(uint count)
    {
        SubmitFor(count);
        return Ring.TryGetSqe();
    }

    /// <summary>SQ full: submit and go on. The kernel takes all or says why; while it says "reap first", we reap.</summary>
    private void SubmitFor(uint room)
    {
        Ring.Counters.SqFull++;
        for (int tries = 0; Ring.Room < room; tries++)
        {
            // A poller takes SQEs at its own pace: a moment for it, or until something completes. Not IORING_ENTER_SQ_WAIT: no deadline ends
            // that, and on kernels that refuse to submit into an overflowing CQ it could wait for a poller that waits for our reap.
            int taken = tries > 0 && Ring.IsPolled ? Enter(minComplete: 1, timeoutNs: 50_000) : Enter(minComplete: 0, timeoutNs: -1);
            if (taken <= 0)
                Reap();
            Invariant.Assert(tries < 1_000_000, "the kernel takes no SQE");
        }
    }

    /// <summary>Enters once. EINTR, ETIME, EBUSY and EAGAIN return and mean "reap, then look again"; anything else throws.</summary>
    internal int Enter(uint minComplete, long timeoutNs)
    {
        uint given = Ring.Pending;
        int taken = Ring.Enter(minComplete, timeoutNs);
        switch (-taken) // No error says that nothing was submitted: the SQ head does.
        {
            case <= 0:
                if (given == 0 && Ring.Ready == 0)
                    Ring.Counters.EmptyEnters++;
                break;
            case Errno.ETIME: // The wait's deadline passed.
                break;
            case Errno.EINTR: // A signal; the runtime's own included.
                Ring.Counters.Interrupted++;
                break;
            case Errno.EBUSY: // The overflow list could not be flushed: reap first.
            case Errno.EAGAIN: // No memory for a request just now.
                Ring.Counters.Busy++;
                break;
            default:
                throw new InvalidOperationException($"io_uring_enter failed: {Errno.Describe(-taken)}.");
        }

        return taken;
    }

    /// <summary>
    /// Handles the CQEs that are ready. Queues continuations; runs none. Each CQE is copied and given back before its sink sees it:
    /// a sink may start an op, a full SQ then submits, and a kernel that is busy makes that reap again, in here.
    /// </summary>
    internal int Reap()
    {
        Ring ring = Ring;
        uint ready = ring.Ready;
        if (ready == 0)
            return 0;
        for (uint i = 0; i < ready && ring.Ready != 0; i++)
        {
            ref readonly io_uring_cqe cqe = ref ring.CqeAt(0);
            ulong key = cqe.user_data;
            int res = cqe.res;
            uint flags = cqe.flags;
            ring.Advance(1);
            ref OpSlot slot = ref Table.Find(key);
            if (Unsafe.IsNullRef(ref slot))
                ReapUnslotted(key, res);
            else
                Complete(ref slot, key, res, flags);
        }

        if (ring.Overflowed)
            ring.Counters.Overflows++;
        return (int)ready;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Complete(ref OpSlot slot, ulong key, int res, uint flags)
    {
        Ring.Trace.Record(TraceKind.OpCompleted, key, 0, res, (int)flags);
        OpSink sink = slot.Sink!;
        if ((flags & IORING_CQE_F_MORE) != 0)
        {
            sink.Progress(res, flags);
            return;
        }

        int step = slot.Step;
        if (res is -Errno.ECANCELED or -Errno.EINTR or -RestartSys) // A kernel worker that ran it was interrupted, for the same two reasons.
            res = slot.State == SlotState.Cancelling ? -Errno.ECANCELED : slot.HasLinkTimeout && IsOver(key) ? -Errno.ETIME : res == -RestartSys ? -Errno.EINTR : res;
        else if (res is -Errno.EAGAIN or -Errno.ENOBUFS or -Errno.EBADF && slot.State == SlotState.Cancelling)
            res = -Errno.ECANCELED; // It brought nothing, and its sink would go on in another way, of which the cancel does not know.
        ReturnLoans(ref slot);
        Table.Free((int)(uint)key); // Found anew: an Unpin that starts ops may have made the table grow.
        sink.Complete(res, flags, step); // After Free: the sink may start the next op in the same, warm slot.
    }

    /// <summary>The one place where loans return. Memory last: its Unpin may be a user's code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ReturnLoans(ref OpSlot slot)
    {
        slot.Sink = null;
        slot.HasLinkTimeout = false;
        slot.Step = 0;
        slot.Handle?.Return(ref slot);
        if (slot.Loans is { } loans)
        {
            slot.Loans = null;
            Return(loans);
        }
    }

    /// <summary>Ends a pin, most often inside the reap. Unpin may be a user's code: what it throws, the run loop reports.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    [SuppressMessage("Design", "CA1031", Justification = "A user's exception must not unwind the reap.")]
    internal void Unpin(ref MemoryHandle pin)
    {
        MemoryHandle taken = pin;
        pin = default;
        try
        {
            taken.Dispose();
        }
        catch (Exception e)
        {
            Ready.Push(new ActionWork(() => ExceptionDispatchInfo.Throw(e)));
        }
    }

    private void Return(OpLoans loans)
    {
        loans.Registration.Dispose(); // First: it waits for a callback that is running, which reads the sink's key.
        ExtraLoan? extra = loans.Extra;
        MemoryHandle pin = loans.Pin;
        Table.Return(loans); // Before the ends of pins, which may start ops.
        extra?.Return(this);
        if (pin.Pointer != null)
            Unpin(ref pin);
    }

    private void ReapUnslotted(ulong key, int res)
    {
        switch (key)
        {
            case CancelKey:
                _unslotted--;
                if (res >= 0)
                    Ring.Counters.CancelsWon++;
                else
                    Ring.Counters.CancelsLost++;
                break;
            case LinkTimeoutKey: // Its target's CQE tells everything.
                _unslotted--;
                break;
            default:
                Ring.Counters.StaleCqes++;
                break;
        }
    }

    /// <summary>Asks the kernel to cancel one op. The op's own CQE is the truth; a key whose time has passed is ignored.</summary>
    internal void Cancel(ulong key)
    {
        ref OpSlot slot = ref Table.Find(key);
        if (Unsafe.IsNullRef(ref slot) || slot.State == SlotState.Cancelling)
            return;
        slot.State.Move(SlotState.Cancelling);
        Ring.Trace.Record(TraceKind.CancelAsked, key);
        io_uring_sqe* sqe = Ring.TryGetSqe();
        if (sqe == null)
            sqe = MakeRoom(1);
        Prep.Cancel(sqe, key);
        sqe->user_data = CancelKey;
        _unslotted++;
    }

    /// <summary>
    /// Ends an op that never reaches the kernel. While stopping it ends through the queue: code that swallows the refusal and
    /// asks again would else never come back to the loop, whose bound it is.
    /// </summary>
    internal void Refuse(OpSink sink)
    {
        if (Stopping)
            Ready.Push(new ActionWork(sink.Refused));
        else
            sink.Refused();
    }

    /// <summary>Any thread: asks the sink, on the owner thread, to cancel what it runs now.</summary>
    internal void CancelFromAnyThread(OpSink sink)
    {
        if (IsOwner)
            sink.CancelAsked();
        else
            Host.Post(new PostedCancel(sink, sink.Key));
    }

    private sealed class PostedCancel(OpSink sink, ulong key) : RingWork
    {
        internal override void Run()
        {
            if (sink.Key == key) // Else it has gone on to another op: this cancel was too late.
                sink.CancelAsked();
        }
    }

    /// <summary>Every op with the kernel is asked to end.</summary>
    internal void CancelEverything()
    {
        for (int i = 0; i < Table.Capacity; i++)
        {
            ref OpSlot slot = ref Table.At(i);
            if (slot.State == SlotState.Lent)
                slot.Sink!.CancelLoan(OpTable.Key(slot, i));
        }
    }

    /// <summary>Writes the LINK_TIMEOUT that bounds the SQE before it. Its room was reserved together with that SQE's.</summary>
    internal void PrepareLinkTimeout(ref OpSlot slot, int index, TimeSpan timeout, bool linked)
    {
        slot.HasLinkTimeout = true;
        var time = (__kernel_timespec*)Table.Storage(index) + 1;
        *time = Prep.Timespec(timeout);
        *(long*)(time + 1) = (long)(Ring.Kernel.Now() + timeout.TotalNanoseconds);
        io_uring_sqe* sqe = Ring.TryGetSqe();
        Prep.LinkTimeout(sqe, time);
        sqe->flags = linked ? IOSQE_IO_LINK : (byte)0; // In a chain it carries the link on to the next step.
        sqe->user_data = LinkTimeoutKey;
        _unslotted++;
    }

    /// <summary>
    /// Whether the LINK_TIMEOUT can have struck: the kernel's timer starts after ours, on the same clock. Its own CQE would tell exactly,
    /// −ECANCELED when it has not, but may come after its op's.
    /// </summary>
    private bool IsOver(ulong key) => Ring.Kernel.Now() >= *(long*)((__kernel_timespec*)Table.Storage((int)(uint)key) + 2);

    /// <summary>Lends several memories as one msghdr with its iovecs, in the slot's wide block.</summary>
    /// <param name="slot">Whose loan it is.</param>
    /// <param name="memories">In order.</param>
    /// <param name="pins">Their pins, or, where those are somebody else's, their addresses.</param>
    internal msghdr* LendVector(ref OpSlot slot, ReadOnlyMemory<byte>[] memories, ReadOnlySpan<MemoryHandle> pins)
    {
        byte* block = Table.RentWide(ref slot, sizeof(msghdr) + memories.Length * sizeof(iovec));
        var message = (msghdr*)block;
        var vectors = (iovec*)(message + 1);
        var loan = new VectorLoan(memories);
        Table.LoansOf(ref slot).Extra = loan;
        for (int i = 0; i < memories.Length; i++)
        {
            loan.Pins[i] = pins[i];
            vectors[i] = new iovec { iov_base = loan.Pins[i].Pointer, iov_len = (nuint)memories[i].Length };
        }

        message->msg_iov = vectors;
        message->msg_iovlen = (nuint)memories.Length;
        return message;
    }

    /// <summary>Closes an fd that no handle has taken: an accepted connection, an opened file that nobody awaits.</summary>
    internal int CloseFd(int fd) => Ring.Kernel.Close(fd);
}

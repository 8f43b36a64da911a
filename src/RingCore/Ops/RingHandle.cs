// Op layer: an fd and the rules under which it is lent to the kernel. Ops take a handle, never a number: a
// queued SQE names an fd number, and while it does the number must not be closed and reused. The
// application's handles derive from it. Owner thread only, except for Dispose and the finalizer, which post
// to it. It does no I/O.
//
// Invariants: InFlight is the number of slots in the list that starts at FirstSlot, plus the number of second
// loans in the list that starts at _second; the fd is closed when the state is Closing and the last loan
// returns, and never before.
//
// An op that names two fds (splice, tee) has its target in the slot's list and its source in a SecondLoan,
// which hangs on the slot as an extra loan does. Both return at the op's one terminal CQE; so each fd stays
// open until then, whichever handle is disposed, in whichever order, and each disposal asks for the op's
// cancellation by the same user_data. Ops with one handle do not see any of it.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>
/// An fd that can be lent to the kernel. <see cref="Dispose"/> returns at once: new ops are refused, those
/// with the kernel are asked to end, and the fd is closed when the last of them has.
/// <see cref="DisposeAsync"/> completes when it is closed. Members are for the owner thread, except disposal,
/// which any thread may ask for.
/// </summary>
public class RingHandle : IDisposable, IAsyncDisposable
{
    internal readonly OpDriver Driver;
    internal int FirstSlot = -1;
    private SecondLoan? _second;
    private SequenceLink? _sequences;

    /// <summary>The copies that hold this handle.</summary>
    internal List<CancellationTokenSource>? Copies;
    internal readonly bool OwnsFd;
    private readonly int _fd;
    private HandleState _state;
    private TaskCompletionSource? _closed;
    private static readonly Lock s_afterTheEnd = new();

    internal RingHandle(OpDriver driver, int fd, bool ownsFd)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fd);
        Driver = driver;
        _fd = fd;
        OwnsFd = ownsFd;
    }

    /// <summary>Lends an fd that was opened elsewhere to the current executor's ops.</summary>
    /// <param name="fd">An open fd.</param>
    /// <param name="ownsFd">Whether disposal closes it.</param>
    /// <exception cref="InvalidOperationException">The calling thread has no executor.</exception>
    public static RingHandle Adopt(int fd, bool ownsFd) => new(OpDriver.Required, fd, ownsFd);

    /// <summary>The fd, for system calls that RingCore does not make. It must not be closed.</summary>
    /// <exception cref="ObjectDisposedException">The handle is disposed.</exception>
    public int Fd => !IsDisposed ? _fd : throw new ObjectDisposedException(GetType().FullName);

    /// <summary>
    /// For a call now, on the owner thread: elsewhere the number can be another's before the call is made.
    /// </summary>
    internal int OwnFd
    {
        get
        {
            Driver.ThrowIfNotOwner();
            return Fd;
        }
    }

    /// <summary>Ops of this handle that are now with the kernel.</summary>
    public int InFlight { get; private set; }

    /// <summary>Whether disposal has begun.</summary>
    public bool IsDisposed => _state != HandleState.Open;

    /// <summary>
    /// Asks the kernel to cancel every op of this handle. Each op still ends with its own result, which may
    /// be a success.
    /// </summary>
    public void CancelAll()
    {
        Driver.ThrowIfNotOwner();
        OnCancelAll();
        EndCopies();
        CancelLoans();
    }

    /// <summary>
    /// For derived handles that start ops again by themselves, before those with the kernel are asked to end.
    /// </summary>
    private protected virtual void OnCancelAll()
    {
    }

    /// <summary>
    /// Refuses new ops, asks for cancellation of those in flight, and closes the fd when the last has ended.
    /// Any thread.
    /// </summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);

        // Once the executor has ended nothing runs on its thread any more, so closing here is safe.
        if (Driver.IsOwner)
            StartClosing();
        else if (!Driver.Host.Post(new ActionWork(StartClosing, CloseAfterTheEnd)))
            CloseAfterTheEnd();
    }

    /// <summary>
    /// As <see cref="Dispose()"/>, and completes when the fd is closed (for a listener: the port is free).
    /// Any thread.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        if (_state == HandleState.Closed)
            return default;
        TaskCompletionSource closed =
            _closed ?? new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Any thread may be first; pairs with the read in CloseNow.
        closed = Interlocked.CompareExchange(ref _closed, closed, null) ?? closed;
        Dispose();
        return _state == HandleState.Closed && Driver.IsOwner ? default : new ValueTask(closed.Task);
    }

    /// <summary>
    /// For derived handles, before the fd is closed. Runs on the owner thread, or after the executor's end on
    /// any thread, the finalizer's included: it must touch nothing that is finalizable.
    /// </summary>
    private protected virtual void OnClosing()
    {
    }

    /// <summary>
    /// The copies may just now wait for their other handle.
    /// </summary>
    private void EndCopies()
    {
        for (int i = 0; i < Copies?.Count; i++)
            Copies[i].Cancel();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_state != HandleState.Open, this);

    /// <summary>Whatever starts an op asks this first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ThrowIfNotReady()
    {
        Driver.ThrowIfNotOwner();
        ThrowIfDisposed();
    }

    /// <summary>
    /// An op's slot borrows the fd. The handle is open: the caller has checked that after the last user code
    /// ran.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal int Lend(ref OpSlot slot, int index)
    {
        Debug.Assert(_state == HandleState.Open, "a closing handle lends nothing");
        slot.Handle = this;
        slot.Previous = -1;
        slot.Next = FirstSlot;
        if (FirstSlot >= 0)
            Driver.Table.At(FirstSlot).Previous = index;
        FirstSlot = index;
        InFlight++;
        return _fd;
    }

    /// <summary>The terminal CQE returns it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Return(ref OpSlot slot)
    {
        if (slot.Previous >= 0)
            Driver.Table.At(slot.Previous).Next = slot.Next;
        else
            FirstSlot = slot.Next;
        if (slot.Next >= 0)
            Driver.Table.At(slot.Next).Previous = slot.Previous;
        slot.Handle = null;
        LoanReturned();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LoanReturned()
    {
        if (--InFlight == 0 && _state != HandleState.Open)
            CloseNow();
    }

    /// <summary>
    /// An fd on loan to an op whose slot names another handle. Made before the op begins; on loan from Lend
    /// to Return.
    /// </summary>
    internal sealed class SecondLoan(RingHandle handle)
    {
        private SecondLoan? _next;

        internal ulong Key { get; private set; }

        internal SecondLoan? Next => _next;

        internal int Lend(ref OpSlot slot, ulong key)
        {
            Key = key;
            _next = handle._second;
            handle._second = slot.Second = this;
            handle.InFlight++;
            return handle._fd;
        }

        internal void EndLeaked() => handle.EndLeaked();

        internal void Return()
        {
            ref SecondLoan? place = ref handle._second;
            while (!ReferenceEquals(place, this))
                place = ref place!._next;
            place = _next;
            handle.LoanReturned();
        }
    }

    /// <summary>A sequence over this handle: told when it closes.</summary>
    internal void Add(SequenceLink link)
    {
        link.NextOfHandle = _sequences;
        _sequences = link;
    }

    internal void Remove(SequenceLink link)
    {
        ref SequenceLink? place = ref _sequences;
        while (place is not null && !ReferenceEquals(place, link))
            place = ref place.NextOfHandle;
        if (place is not null)
            place = link.NextOfHandle;
    }

    /// <summary>Once the executor takes no more posts, several threads may come here at once.</summary>
    private void CloseAfterTheEnd()
    {
        lock (s_afterTheEnd)
        {
            StartClosing();
            if (_state == HandleState.Closing)
                EndLeaked();
        }
    }

    /// <summary>
    /// The kernel has kept an op of this handle beyond the end of the executor: it is never closed.
    /// </summary>
    // Acquire: pairs with the exchange in DisposeAsync.
    internal void EndLeaked() => Volatile.Read(ref _closed)?.TrySetException(new IOException(
        "The executor stopped while the kernel still held an op of this handle: its fd was leaked on "
        + "purpose."));

    private void StartClosing()
    {
        if (_state == HandleState.Closed)
            // Acquire: pairs with the exchange in DisposeAsync, which may have come late.
            Volatile.Read(ref _closed)?.TrySetResult();
        if (_state != HandleState.Open)
            return;
        if (InFlight == 0)
        {
            CloseNow();
            return;
        }

        _state.Move(HandleState.Closing);
        OnClosing();
        EndCopies();
        CancelLoans();
        ReleaseSequences();
    }

    /// <summary>
    /// By user_data, never by fd: by the time the kernel looks, the number may belong to something else.
    /// </summary>
    private void CancelLoans()
    {
        // The executor has ended: what the kernel still had then was leaked on purpose.
        if (!Driver.IsOwner)
            return;
        for (int index = FirstSlot; index >= 0; index = Driver.Table.At(index).Next)
            Driver.Table.At(index).Sink!.OnCancel();
        for (SecondLoan? second = _second; second is not null; second = second.Next)
            Driver.Table.Find(second.Key).Sink!.OnCancel();
    }

    /// <summary>What sequences have taken in and nobody will take.</summary>
    private void ReleaseSequences()
    {
        for (SequenceLink? link = _sequences; link is not null; link = link.NextOfHandle)
            link.Release();
    }

    private void CloseNow()
    {
        if (_state == HandleState.Open)
            OnClosing();
        _state.Move(HandleState.Closed);
        EndCopies();
        ReleaseSequences();
        if (OwnsFd)
            Driver.CloseFd(_fd);
        // Acquire: pairs with the exchange in DisposeAsync.
        Volatile.Read(ref _closed)?.TrySetResult();
    }

    /// <summary>
    /// Collected without having been disposed. No op is in flight, since a slot would have kept the handle
    /// alive. The close is posted to the owner, or done here once the owner has ended.
    /// </summary>
    ~RingHandle()
    {
        if (_state != HandleState.Open || Driver is null)
            return;
        if (!Driver.Host.Post(new ActionWork(Collected, CloseAfterTheEnd)))
            CloseAfterTheEnd();
    }

    private void Collected()
    {
        Driver.Ring.Counters.UndisposedHandles++;
        StartClosing();
    }
}

// Op layer: a kernel request as a value. Cold: an Op only describes; each await renders a new SQE from it.
// Handles do not go through here (they write their SQE at the call), people who want the kernel without
// handles do. Nothing here throws for an errno: awaiting yields an OpResult. It does not know executors: it
// runs on the driver of the calling thread.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using RingCore.Sys;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.SocketConstants;
using static RingCore.Sys.SqeFlags;

namespace RingCore;

/// <summary>
/// A description of one kernel request. <c>await</c> prepares it and yields an <see cref="OpResult"/>; it can
/// be awaited again for a new request. Awaiting needs a thread with an executor; describing does not.
/// </summary>
[DebuggerDisplay("{Explain(),nq}")]
public readonly partial struct Op
{
    // Fields of the SQE, as the kernel knows them for this opcode. A timeout keeps its ticks in _addr.
    private readonly ulong _addr;
    private readonly int _fd;
    private readonly uint _len;
    private readonly uint _opFlags;

    // fd: of an op that has no handle.
    private Op(
        io_uring_op code, RingHandle? handle, ReadOnlyMemory<byte> memory = default, object? extra = null,
        ulong off = 0, ulong addr = 0, uint len = 0, uint opFlags = 0, int? fd = null)
    {
        if (fd is null)
            ArgumentNullException.ThrowIfNull(handle);
        Code = code;
        Handle = handle;
        Memory = memory;
        Extra = extra;
        Off = off;
        _addr = addr;
        _fd = fd ?? 0;
        _len = len;
        _opFlags = opFlags;
    }

    /// <summary>The opcode.</summary>
    public io_uring_op Code { get; }

    internal RingHandle? Handle { get; }

    private ReadOnlyMemory<byte> Memory { get; }

    /// <summary>
    /// A path, a list of memories, a socket address: what has to be laid out in native memory. Or a second
    /// handle.
    /// </summary>
    private object? Extra { get; }

    private ulong Off { get; }

    private TimeSpan Deadline { get; init; }

    /// <summary>A timer's time: its ticks stand for the address of the timespec that Fill lays out.</summary>
    private TimeSpan Time => new((long)_addr);

    /// <summary>SQEs this op takes: 1, or 2 with a deadline.</summary>
    internal int SqeCount => Deadline == default ? 1 : 2;

    /// <summary>Whether its result is an fd, which somebody has to close.</summary>
    internal bool YieldsFd => Code is IORING_OP_ACCEPT or IORING_OP_OPENAT or IORING_OP_SOCKET;

    /// <summary>Nothing, at the kernel's cost of a request (IORING_OP_NOP, 5.1). Result 0.</summary>
    public static Op Nop() => new(IORING_OP_NOP, null, fd: 0);

    /// <summary>Reads into memory (IORING_OP_READ, 5.6). Result: bytes, 0 at the end.</summary>
    /// <param name="handle">What to read from.</param>
    /// <param name="memory">Where to; on loan until the op ends.</param>
    /// <param name="offset">File offset in bytes; −1: the file's position, and for pipes. Sockets take 0;
    /// −1 only from 5.17 on (before: −ESPIPE).</param>
    /// <param name="rwFlags">RWF_* of <see cref="OpFlags"/>.</param>
    public static Op Read(RingHandle handle, Memory<byte> memory, long offset = -1, uint rwFlags = 0) =>
        new(IORING_OP_READ, handle, memory, off: (ulong)offset, opFlags: rwFlags);

    /// <summary>
    /// Writes memory (IORING_OP_WRITE, 5.6). Result: bytes, perhaps fewer. On sockets use <see cref="Send"/>.
    /// </summary>
    /// <inheritdoc cref="Read"/>
    public static Op Write(
        RingHandle handle, ReadOnlyMemory<byte> memory, long offset = -1, uint rwFlags = 0) =>
        new(IORING_OP_WRITE, handle, memory, off: (ulong)offset, opFlags: rwFlags);

    /// <summary>
    /// Reads into several memories in order (IORING_OP_READV, 5.1). At most 1,024. Result: bytes.
    /// </summary>
    public static Op Readv(
        RingHandle handle, IReadOnlyList<Memory<byte>> memories, long offset = -1, uint rwFlags = 0) =>
        Vectored(IORING_OP_READV, handle, Checked([.. memories]), offset, rwFlags);

    /// <summary>
    /// Writes several memories in order (IORING_OP_WRITEV, 5.1). At most 1,024. Result: bytes, perhaps fewer.
    /// </summary>
    public static Op Writev(
        RingHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> memories, long offset = -1,
        uint rwFlags = 0) =>
        Vectored(IORING_OP_WRITEV, handle, Checked([.. memories]), offset, rwFlags);

    /// <summary>
    /// Receives from a socket (IORING_OP_RECV, 5.6). Result: bytes, 0 when the peer has finished.
    /// </summary>
    /// <param name="handle">A connected socket.</param>
    /// <param name="memory">Where to; on loan until the op ends.</param>
    /// <param name="msgFlags">MSG_*, for instance <see cref="SocketConstants.MSG_WAITALL"/>, which receives
    /// keep to from 5.18 on, sends from 5.19.</param>
    public static Op Recv(RingHandle handle, Memory<byte> memory, int msgFlags = 0) =>
        new(IORING_OP_RECV, handle, memory, opFlags: (uint)msgFlags);

    /// <summary>
    /// Sends on a socket (IORING_OP_SEND, 5.6), without SIGPIPE. Result: bytes, perhaps fewer.
    /// </summary>
    /// <inheritdoc cref="Recv"/>
    public static Op Send(RingHandle handle, ReadOnlyMemory<byte> memory, int msgFlags = 0) =>
        new(IORING_OP_SEND, handle, memory, opFlags: (uint)msgFlags | MSG_NOSIGNAL);

    /// <summary>
    /// Sends several memories as one message (IORING_OP_SENDMSG, 5.3). At most 1,024. Result: bytes, perhaps
    /// fewer.
    /// </summary>
    public static Op SendMsg(
        RingHandle handle, IReadOnlyList<ReadOnlyMemory<byte>> memories, int msgFlags = 0) =>
        new(
            IORING_OP_SENDMSG, handle, extra: Checked([.. memories]), len: 1,
            opFlags: (uint)msgFlags | MSG_NOSIGNAL);

    /// <summary>
    /// Accepts one connection (IORING_OP_ACCEPT, 5.5). Result: its fd, close-on-exec, the caller's to close.
    /// </summary>
    public static Op Accept(RingHandle listener) => new(
        // No peer's address: a multishot's CQEs would all write to one place.
        IORING_OP_ACCEPT, listener, opFlags: SOCK_CLOEXEC);

    /// <summary>
    /// Connects a socket (IORING_OP_CONNECT, 5.5). Result 0. After a failure the socket is of no further use.
    /// Where a Unix listener's backlog is full it keeps a kernel worker, of which there are few, until it is
    /// not.
    /// </summary>
    /// <param name="handle">An unconnected socket.</param>
    /// <param name="endPoint">An <see cref="System.Net.IPEndPoint"/> or
    /// <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.</param>
    /// <exception cref="NotSupportedException">Another kind of end point; thrown here, not at the
    /// await.</exception>
    public static Op Connect(RingHandle handle, System.Net.EndPoint endPoint) =>
        Connect(handle, SocketAddressBytes.From(endPoint));

    internal static Op Connect(RingHandle handle, byte[] address) =>
        // addrlen stands in the offset's place.
        new(IORING_OP_CONNECT, handle, extra: address, off: (ulong)address.Length);

    /// <summary>
    /// A timer (IORING_OP_TIMEOUT, 5.4). Result: −ETIME when it expires, which is its success.
    /// </summary>
    public static Op Timeout(TimeSpan after)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(after, TimeSpan.Zero);
        // off 0, a pure timer: counting completions would race with them.
        return new(IORING_OP_TIMEOUT, null, addr: (ulong)after.Ticks, fd: -1, len: 1);
    }

    /// <summary>
    /// Asks the kernel to cancel a running op (IORING_OP_ASYNC_CANCEL, 5.5). Result: 0 found, −ENOENT not
    /// there, −EALREADY too late.
    /// </summary>
    /// <param name="id">From <see cref="Start(out OpId, CancellationToken)"/>.</param>
    public static Op Cancel(OpId id) => new(IORING_OP_ASYNC_CANCEL, null, addr: id.Key, fd: -1);

    /// <summary>Closes an fd that no handle owns (IORING_OP_CLOSE, 5.6). Result 0.</summary>
    public static Op Close(int fd) => new(IORING_OP_CLOSE, null, fd: fd);

    /// <summary>Waits until an fd is ready (IORING_OP_POLL_ADD, 5.1). Result: the POLL* mask.</summary>
    public static Op Poll(RingHandle handle, int events) =>
        new(IORING_OP_POLL_ADD, handle, opFlags: (uint)events);

    /// <summary>
    /// Shuts a socket down (IORING_OP_SHUTDOWN, 5.11). Result 0. Always runs on a kernel worker thread:
    /// shutdown(2) is cheaper.
    /// </summary>
    public static Op Shutdown(RingHandle handle, int how) => new(IORING_OP_SHUTDOWN, handle, len: (uint)how);

    /// <summary>Makes a socket (IORING_OP_SOCKET, 5.19). Result: its fd, the caller's to close.</summary>
    public static Op Socket(int domain, int type, int protocol = 0) => new(
        IORING_OP_SOCKET, null, fd: domain, off: (uint)(type | SOCK_CLOEXEC), len: (uint)protocol);

    /// <summary>
    /// A copy with a deadline that the kernel keeps (IORING_OP_LINK_TIMEOUT, 5.5): a second SQE and a second
    /// CQE. Result −ETIME when it struck, or the kernel had no memory to keep it.
    /// </summary>
    public Op WithTimeout(TimeSpan deadline)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(deadline, TimeSpan.Zero);
        return this with { Deadline = deadline };
    }

    /// <summary>
    /// A chain: <paramref name="next"/> starts when this op has succeeded in full (IOSQE_IO_LINK, 5.3). Newer
    /// kernels (seen on 6.18) go on behind a failed fsync, fallocate, ftruncate, statx or path op all the
    /// same: let nothing follow that must not run then. Nor do kernels before 5.18 stop behind a step that
    /// they refuse while they take it in: flags that they do not know, an fd that is not open.
    /// </summary>
    public OpChain Then(Op next) => new([this, next]);

    /// <summary>
    /// Many results from one SQE, armed again when the kernel ends it: accept (5.19) and poll (5.13). Accepts
    /// that the consumer has not taken: at <paramref name="mostWaiting"/> of them the multishot is cancelled
    /// until it has caught up, and further connections wait in the kernel's backlog. A poll keeps one mask.
    /// </summary>
    /// <param name="mostWaiting">At least 1; beside what is on its way when the cap is met.</param>
    /// <exception cref="NotSupportedException">The opcode has no multishot form here.</exception>
    public MultishotOp Multishot(int mostWaiting = 512)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mostWaiting, 1);
        return Deadline == default && Code is IORING_OP_ACCEPT or IORING_OP_POLL_ADD
            ? new MultishotOp(this, mostWaiting)
            : throw new NotSupportedException(
                $"{Code}{(Deadline == default ? "" : " with a deadline")} has no multishot form.");
    }

    /// <summary>Goes in with the next enter. The ValueTask is for one await, on the owner thread.</summary>
    /// <param name="cancellationToken">Cancels: asks the kernel to. The result may still be a
    /// success.</param>
    public ValueTask<OpResult> Start(CancellationToken cancellationToken = default) =>
        Start(out _, cancellationToken);

    /// <summary>
    /// As <see cref="Start(CancellationToken)"/>, and tells the op's user_data, for
    /// <see cref="Cancel"/>.
    /// </summary>
    public ValueTask<OpResult> Start(out OpId id, CancellationToken cancellationToken = default)
    {
        OpResultAwaitable awaitable = Prepare(cancellationToken);
        id = new OpId(awaitable.Key);
        return new ValueTask<OpResult>(awaitable, awaitable.Version);
    }

    /// <summary>Prepares a new request of this description.</summary>
    public OpAwaiter GetAwaiter()
    {
        OpResultAwaitable awaitable = Prepare(default);
        return new OpAwaiter(awaitable, awaitable.Version);
    }

    private OpResultAwaitable Prepare(CancellationToken token)
    {
        OpDriver driver = OpDriver.Required;
        ThrowIfUnusable();
        OpResultAwaitable awaitable = driver.Results.Rent();
        int refused = Lends || token.CanBeCanceled
            ? awaitable.Lend(driver, in this, token)
            : driver.Admit(token, slots: 1, SqeCount);
        awaitable.Begin(driver, YieldsFd);
        if (refused < 0)
            awaitable.Refuse(refused);
        else
            Prepare(driver, awaitable, awaitable.Loans);
        return awaitable;
    }

    /// <summary>
    /// A handle belongs to one executor: its list of loans must not be touched from another's thread.
    /// </summary>
    internal void ThrowIfUnusable()
    {
        Handle?.ThrowIfNotReady();
        if (Extra is not null || Code == IORING_OP_SOCKET)
            ThrowIfRestUnusable(OpDriver.Required.Ring);
    }

    /// <summary>
    /// A poller has the rights of its set-up: what names a path, or makes a socket, would have them still
    /// when the process has given them up. (What an fd allows was decided when it was opened.)
    /// </summary>
    private void ThrowIfRestUnusable(Ring ring)
    {
        (Extra as RingHandle)?.ThrowIfNotReady();
        (Extra as RingBuffer)?.Owner.ThrowIfUnusable();
        bool asksForRights = Extra is byte[] address ? SocketAddressBytes.IsPath(address) : Handle is null;
        if (asksForRights && ring.IsPolled && ring.PollerCredentials != Credentials.OfThisThread())
            throw new InvalidOperationException(
                $"{Code}: this executor's submission poller has the rights of its start, and the process "
                + "has others now. Start the executor afterwards, or without RingOptions.SqPoll.");
    }

    /// <summary>
    /// Whether the kernel ends a chain behind this op: after an error, or a transfer that had to be whole and
    /// was short.
    /// </summary>
    internal bool Breaks(int res) => res < 0 || res < Code switch
    {
        IORING_OP_READ or IORING_OP_WRITE or IORING_OP_READV or IORING_OP_WRITEV
            or IORING_OP_READ_FIXED or IORING_OP_WRITE_FIXED => Length,
        IORING_OP_RECV or IORING_OP_SEND or IORING_OP_SENDMSG
            when (_opFlags & MSG_WAITALL) != 0 => Length,
        IORING_OP_SPLICE or IORING_OP_TEE => _len,
        _ => 0,
    };

    /// <summary>Whether it lends anything beside its fd.</summary>
    internal bool Lends => Extra is not null || !Memory.IsEmpty;

    /// <summary>
    /// Step 1 of a start: pins, blocks. What it has taken when it throws stays in the loans, for the caller
    /// to return.
    /// </summary>
    internal unsafe void Lend(OpDriver driver, OpLoans loans)
    {
        switch (Extra)
        {
            case RingBuffer buffer:
                loans.Memory = MemoryLoan.Take(driver, buffer, Memory);
                break;
            case ReadOnlyMemory<byte>[] list:
                LendList(driver, loans, list);
                break;
            case byte[] address:
                address.CopyTo(new Span<byte>(loans.Block.Allocate(driver, address.Length), address.Length));
                break;
            case string paths:
                LayOutPaths(driver, loans, paths);
                loans.Memory = MemoryLoan.Take(driver, Memory);
                break;
            case RingHandle source:
                loans.Second = new RingHandle.SecondLoan(source);
                break;
            default:
                loans.Memory = MemoryLoan.Take(driver, Memory);
                break;
        }
    }

    /// <summary>A msghdr, its iovecs behind it.</summary>
    private static unsafe void LendList(OpDriver driver, OpLoans loans, ReadOnlyMemory<byte>[] list)
    {
        if (loans.List.Length < list.Length)
            loans.List = new MemoryLoan[list.Length];
        byte* block = loans.Block.Allocate(driver, sizeof(msghdr) + list.Length * sizeof(iovec));
        var message = (msghdr*)block;
        message->msg_iov = (iovec*)(message + 1);
        message->msg_iovlen = (nuint)list.Length;
        foreach (ReadOnlyMemory<byte> memory in list)
        {
            MemoryLoan loan = MemoryLoan.Take(driver, memory);
            message->msg_iov[loans.Count] =
                new iovec { iov_base = loan.Address, iov_len = (nuint)memory.Length };
            loans.List[loans.Count++] = loan;
        }
    }

    /// <summary>
    /// Step 3: rents a slot and writes the SQE, and the LINK_TIMEOUT behind it. Nothing in here can fail.
    /// </summary>
    /// <param name="driver">Has admitted it.</param>
    /// <param name="sink">Gets its CQEs.</param>
    /// <param name="loans">What <see cref="Lend"/> has taken.</param>
    /// <param name="step">Of a chain.</param>
    /// <param name="linked">The next SQE is the chain's next step.</param>
    /// <param name="multishot">Of an accept or a poll.</param>
    /// <param name="done">Bytes of a transfer that have been moved: it goes on behind them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal unsafe void Prepare(
        OpDriver driver, OpSink sink, OpLoans? loans, int step = 0, bool linked = false,
        bool multishot = false, long done = 0)
    {
        ref OpSlot slot = ref driver.Begin(sink, Handle, out io_uring_sqe* sqe, out int index);
        slot.Step = (byte)step;
        slot.EndsWithOthers = linked || step > 0 || Deadline != default;
        if (Code == IORING_OP_NOP)
            sqe->opcode = IORING_OP_NOP;
        else
            Fill(driver, ref slot, index, sqe, loans, multishot, done);
        if (linked || Deadline != default)
            sqe->flags |= IOSQE_IO_LINK;
        driver.Prepared(ref slot, sqe);
        if (Deadline != default)
            driver.PrepareLinkTimeout(ref slot, index, Deadline, linked);
    }

    private unsafe void Fill(
        OpDriver driver, ref OpSlot slot, int index, io_uring_sqe* sqe, OpLoans? loans, bool multishot,
        long done)
    {
        var address = (byte*)_addr;
        uint length = _len;
        ulong offset = (long)Off < 0 ? Off : Off + (ulong)done;
        switch (Code)
        {
            case IORING_OP_READ or IORING_OP_WRITE or IORING_OP_RECV or IORING_OP_SEND
                or IORING_OP_READ_FIXED or IORING_OP_WRITE_FIXED:
                // Nothing is lent where the memory is empty.
                address = loans is null ? null : loans.Memory.Address + done;
                length = (uint)(Memory.Length - done);
                if (Extra is RingBuffer buffer)
                    // The address lies inside the buffer of that index.
                    sqe->buf_index = (ushort)buffer.Index;
                break;
            case IORING_OP_READV or IORING_OP_WRITEV:
                address = (byte*)Vectors(loans!, done, out length);
                break;
            case IORING_OP_SENDMSG or IORING_OP_CONNECT:
                address = loans!.Block.Address;
                break;
            case IORING_OP_ACCEPT when multishot:
                // Per-op flags of accept, send and receive live here, not in op flags.
                sqe->ioprio = OpFlags.IORING_ACCEPT_MULTISHOT;
                break;
            case IORING_OP_POLL_ADD when multishot:
                length = OpFlags.IORING_POLL_ADD_MULTI;
                break;
            case IORING_OP_TIMEOUT:
                address = driver.Table.Storage(index);
                *(__kernel_timespec*)address = Prep.Timespec(Time);
                break;
            case IORING_OP_ASYNC_CANCEL:
                ref OpSlot target = ref driver.Table.Find(_addr);
                if (!Unsafe.IsNullRef(ref target))
                    target.EndsWithOthers = true;
                break;
            case IORING_OP_SPLICE or IORING_OP_TEE:
                // The fd is the target's; the source's offset stands in the address's place.
                sqe->splice_fd_in = loans!.Second!.Lend(ref slot, sqe->user_data);
                break;
            default:
                if (Extra is string)
                    offset = PathAddresses(loans!, out address);
                break;
        }

        Prep.Fill(sqe, Code, address, length, _opFlags, (long)offset);
        if (Handle is null)
            sqe->fd = _fd;
    }

    /// <inheritdoc/>
    public override string ToString() => Explain();

    private static ReadOnlyMemory<byte>[] Checked(ReadOnlyMemory<byte>[] list)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(list.Length, MostMemories);
        return list;
    }
}

#:property AllowUnsafeBlocks=true
// 07 · All of it: an echo server.
//
// The tasks of 06 spoke to nobody, and nothing could go wrong for them. A server needs a few more opcodes, and care: sends that
// take less than was offered, peers that vanish, a submission queue that is full, no fd left, a signal that asks for the end.
// That is all: below `RingExecutor` stands a whole runtime, its parts named as those in src/RingCore that do the same for real.
//
// Serves until SIGINT or SIGTERM: dotnet run examples/ladder/07-echo.cs [address:port]

using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

TcpListener listener;
try
{
    listener = new TcpListener(IPEndPoint.Parse(args.FirstOrDefault("127.0.0.1:7000")));
    listener.Start(); // Bind and listen: plain calls. They cannot block, so an op would save nothing.
}
catch (Exception e) when (e is FormatException or SocketException)
{
    Console.Error.WriteLine($"{e.Message} (usage: 07-echo.cs [address:port]; port 0 is any free one)");
    return e is FormatException ? 2 : 1;
}

Op.Ring = new Ring(entries: 256);
(bool stopping, bool asked, int accepted) = (false, false, 0);
// On another thread, which must not touch the ring: the kernel passes the news on, as the CQE of the accept. Cancel: do not just die.
Action<PosixSignalContext> stop = signal =>
{
    signal.Cancel = true;
    if (!Interlocked.Exchange(ref asked, true)) // The second of two finds it shut down, which would be an error.
        listener.Server.Shutdown(SocketShutdown.Both);
};
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, stop);
Console.WriteLine($"listening on {listener.LocalEndpoint}");
RingExecutor.Run(Serve((int)listener.Server.Handle));
Console.WriteLine($"connections: {accepted}, SQEs: {Op.Ring.SqHead}, CQEs: {Op.Ring.CqHead}; enter {Op.Ring.Enters} was the last");
Console.WriteLine("notice: as many CQEs as SQEs: everything that was lent to the kernel has come back");
Console.WriteLine("try:    entries: 4, and 64 connections at once. The queue is full in every turn: an enter takes 4 SQEs, not 40 or so");
return 0;

async RingTask Serve(int listening)
{
    while (await Op.Accept(listening) is not -22 and int fd) // EINVAL: it listens no more.
    {
        if (fd >= 0)
            _ = Echo(fd);
        else
            await Op.Delay(ms: 10); // No fd left, perhaps: rest, and go on serving those who have one.
    }

    stopping = true;
    await Op.CancelAll(); // Asks. Each op still completes, with −ECANCELED or with what it has done, and then its task ends.
}

async RingTask Echo(int fd)
{
    accepted++;
    byte[] buffer = new byte[4096];
    // Received 0: the peer has said its last. Below 0, −errno, or less sent than received: it has vanished.
    while (!stopping && await Op.Recv(fd, buffer) is > 0 and int received && await Op.Send(fd, buffer.AsMemory(..received)) == received)
        continue;
    await Op.Close(fd); // Only now that none of its ops is with the kernel: in a moment the number may be somebody else's.
}

// ── From here on as in 06, without the report of each turn, and with other opcodes in Op. ──
// One thread, one ring, one loop.
internal static class RingExecutor
{
    public static void Run(RingTask main)
    {
        while (true)
        {
            // 1 run ready tasks (bounded): what they make ready is for the next turn
            for (int left = OpAwaitable.Ready.Count; left > 0; left--)
                OpAwaitable.Ready.Dequeue()();
            if (main.IsCompleted && Op.InFlight + OpAwaitable.Ready.Count == 0)
                break; // Nothing is left that could make anything ready.
            // 2 take posts and due timers: no other thread posts here, and the kernel keeps the time
            // 3 enter: submit all, wait only if nothing is ready
            Op.Ring.Enter(waitFor: OpAwaitable.Ready.Count == 0 ? 1u : 0);
            // 4 reap
            Op.Reap();
        }

        main.GetResult();
    }
}

// What `async RingTask` returns, awaitable itself. The attribute tells the compiler who builds it. Here each call leaves a task, a
// box and a delegate to the GC; RingCore has all three in one object, and a pool of those.
[AsyncMethodBuilder(typeof(RingTaskMethodBuilder))]
internal sealed class RingTask : OpAwaitable
{
    public Action? MoveNext { get; set; } // The rest of the method, once it has been suspended.
    public ExceptionDispatchInfo? Fault { get; set; }
    public new RingTask GetAwaiter() => this;
    public new void GetResult() => Fault?.Throw();
}

// What the compiler calls. It has turned the method into a state machine, a struct with one method: MoveNext, up to the next wait.
internal readonly struct RingTaskMethodBuilder(RingTask task)
{
    // 1 Create: before anything else, at the call of the async method.
    public static RingTaskMethodBuilder Create() => new(new RingTask());
    // 2 Start: runs the method up to its first await that has to wait. Still a plain call, the state machine on the stack.
    public void Start<M>(ref M machine) where M : IAsyncStateMachine => machine.MoveNext();
    // 3 Task: what the caller gets, after Start has come back.
    public RingTask Task => task;
    // 4 SetResult: the method has returned.
    public void SetResult() => task.Complete(0);
    // 5 SetException: the method has thrown. Whoever awaits the task will throw it again.
    public void SetException(Exception exception)
    {
        task.Fault = ExceptionDispatchInfo.Capture(exception);
        task.Complete(0);
    }
    // 6 AwaitOnCompleted: an await has to wait. The first time, the cast boxes the state machine: from the stack to the heap.
    public void AwaitOnCompleted<A, M>(ref A awaiter, ref M machine) where A : INotifyCompletion where M : IAsyncStateMachine =>
        awaiter.OnCompleted(task.MoveNext ??= ((IAsyncStateMachine)machine).MoveNext);
    // 7 AwaitUnsafeOnCompleted: the same, for awaiters that leave it to the builder to flow the execution context (not done here).
    public void AwaitUnsafeOnCompleted<A, M>(ref A awaiter, ref M machine)
        where A : ICriticalNotifyCompletion where M : IAsyncStateMachine =>
        AwaitOnCompleted(ref awaiter, ref machine);
    // 8 SetStateMachine: from the days of other builders; nobody calls it.
    public void SetStateMachine(IAsyncStateMachine machine) { }
}

// The caller's half: what `await` asks. Are you done? Here is the rest of my method. What is the result?
internal class OpAwaitable : INotifyCompletion
{
    public static readonly Queue<Action> Ready = new();
    private Action? _continuation;
    private int _result;

    public bool IsCompleted { get; private set; }
    public OpAwaitable GetAwaiter() => this;
    public void OnCompleted(Action continuation) => _continuation = continuation;
    public int GetResult() => _result;

    public void Complete(int result)
    {
        (_result, IsCompleted) = (result, true);
        if (_continuation is not null)
            Ready.Enqueue(_continuation); // Not run here, in the middle of the completion queue.
    }
}

// The kernel's half of a request: a slot, found by user_data, with what is on loan until the CQE and whom the result is for.
internal static unsafe class Op
{
    private static readonly Dictionary<ulong, (OpAwaitable Awaitable, MemoryHandle Loan)> s_slots = [];
    private static ulong s_lastSlot;

    public static Ring Ring { get; set; } = null!;
    public static int InFlight => s_slots.Count;
    public static OpAwaitable Accept(int fd) => Start(new() { opcode = 13, fd = fd }); // IORING_OP_ACCEPT
    public static OpAwaitable Recv(int fd, Memory<byte> memory) =>
        Start(new() { opcode = 27, fd = fd, len = (uint)memory.Length }, memory); // IORING_OP_RECV
    public static OpAwaitable Send(int fd, Memory<byte> memory) =>
        Start(new() { opcode = 26, fd = fd, len = (uint)memory.Length, op_flags = 0x100 }, memory); // IORING_OP_SEND, MSG_WAITALL: all of it.
    public static OpAwaitable Close(int fd) => Start(new() { opcode = 19, fd = fd }); // IORING_OP_CLOSE
    public static OpAwaitable CancelAll() => Start(new() { opcode = 14, fd = -1, op_flags = 4 }); // ASYNC_CANCEL, ANY (5.19)
    public static OpAwaitable Delay(int ms) => // IORING_OP_TIMEOUT. What it borrows is the time, a __kernel_timespec.
        Start(new() { opcode = 11, fd = -1, len = 1 }, MemoryMarshal.AsBytes([ms / 1000L, ms % 1000 * 1_000_000L]).ToArray());

    private static OpAwaitable Start(io_uring_sqe sqe, Memory<byte> memory = default)
    {
        MemoryHandle loan = memory.Pin();
        (sqe.addr, sqe.user_data) = ((ulong)loan.Pointer, ++s_lastSlot);
        for (; !Ring.TryPush(sqe); Reap()) // Reap runs nobody's code, so it may stand anywhere.
            Ring.Enter(waitFor: 0); // The queue is full: hand it over and go on.
        var awaitable = new OpAwaitable();
        s_slots.Add(sqe.user_data, (awaitable, loan));
        return awaitable;
    }

    public static void Reap()
    {
        while (Ring.TryReap(out io_uring_cqe cqe))
        {
            s_slots.Remove(cqe.user_data, out var slot);
            slot.Loan.Dispose(); // The CQE ends the loan. Nothing else does.
            slot.Awaitable.Complete(cqe.res);
        }
    }
}

// One io_uring: a queue of requests (SQ) and a queue of answers (CQ), in memory shared with the kernel. For one thread.
internal sealed unsafe class Ring
{
    private readonly io_uring_params _p;
    private readonly int _fd;
    private readonly byte* _queues;
    private readonly io_uring_sqe* _sqes;

    public Ring(uint entries)
    {
        fixed (io_uring_params* p = &_p)
            _fd = (int)Libc.Check(Libc.syscall(Libc.Setup, entries, (long)p));
        _queues = Libc.Map(_fd, 0, Math.Max(_p.sq_array + _p.sq_entries * 4, _p.cq_cqes + _p.cq_entries * 16));
        _sqes = (io_uring_sqe*)Libc.Map(_fd, 0x10000000, _p.sq_entries * 64); // IORING_OFF_SQES
        for (uint i = 0; i < _p.sq_entries; i++)
            ((uint*)(_queues + _p.sq_array))[i] = i; // Place i of the queue means SQE i, for good.
    }

    public long Enters { get; private set; }
    public ref uint SqHead => ref *(uint*)(_queues + _p.sq_head); // How many requests the kernel has taken, ever.
    public ref uint SqTail => ref *(uint*)(_queues + _p.sq_tail); // How many we have written. The remainder is the place.
    public ref uint CqHead => ref *(uint*)(_queues + _p.cq_head); // How many answers we have read.
    public ref uint CqTail => ref *(uint*)(_queues + _p.cq_tail); // How many the kernel has written.

    public bool TryPush(in io_uring_sqe sqe)
    {
        if (SqTail - Volatile.Read(ref SqHead) == _p.sq_entries) // Acquire: pairs with the kernel's release of sq.head.
            return false; // Full: enter first.
        _sqes[SqTail % _p.sq_entries] = sqe;
        Volatile.Write(ref SqTail, SqTail + 1); // Release, the SQE first: pairs with the kernel's acquire of sq.tail.
        return true;
    }

    public void Enter(uint waitFor)
    {
        Enters++;
        Libc.Check(Libc.syscall(Libc.Enter, _fd, SqTail - SqHead, waitFor, Libc.GetEvents));
    }

    public bool TryReap(out io_uring_cqe cqe)
    {
        cqe = default;
        if (CqHead == Volatile.Read(ref CqTail)) // Acquire, the CQE after it: pairs with the kernel's release of cq.tail.
            return false;
        cqe = ((io_uring_cqe*)(_queues + _p.cq_cqes))[CqHead % _p.cq_entries];
        Volatile.Write(ref CqHead, CqHead + 1); // Release, the CQE is read: pairs with the kernel's acquire of cq.head.
        return true;
    }
}

[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct io_uring_sqe // A request. What is not named stays zero, as the kernel demands.
{
    public byte opcode, flags; public ushort ioprio; public int fd; public ulong off, addr; public uint len, op_flags; public ulong user_data;
}

internal record struct io_uring_cqe(ulong user_data, int res, uint flags); // An answer: res is as from a system call, or −errno.

[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct io_uring_params // What setup tells: sizes, and where in the mapping each part of the queues lies.
{
    [FieldOffset(0)] public uint sq_entries; [FieldOffset(4)] public uint cq_entries;
    [FieldOffset(40)] public uint sq_head; [FieldOffset(44)] public uint sq_tail; [FieldOffset(64)] public uint sq_array;
    [FieldOffset(80)] public uint cq_head; [FieldOffset(84)] public uint cq_tail; [FieldOffset(100)] public uint cq_cqes;
}

internal static unsafe class Libc
{
    public const long Setup = 425, Enter = 426, GetEvents = 1; // The numbers are the same on every architecture.

    [DllImport("libc", SetLastError = true)]
    public static extern long syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);

    [DllImport("libc", SetLastError = true)]
    private static extern long mmap(long address, nuint length, int protection, int flags, int fd, long offset);

    public static byte* Map(int fd, long offset, uint size) =>
        (byte*)Check(mmap(0, size, protection: 3, flags: 0x8001, fd, offset)); // Read and write; shared with the kernel, present.

    public static long Check(long result) // The result; or 0: go on, and try again; or the end.
    {
        int errno = result < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (errno is 0 or 4 or 11 or 16) // EINTR, EAGAIN, EBUSY
            return Math.Max(0, result);
        Console.Error.WriteLine($"io_uring is refused: {Marshal.GetPInvokeErrorMessage(errno)}. Not permitted: by kernel.io_uring_disabled or a "
            + "container's seccomp profile. Not implemented: by a sandbox or an old kernel (README.md, beside this file). No memory: by ulimit -l.");
        Environment.Exit(3);
        return 0;
    }
}

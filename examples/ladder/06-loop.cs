#:property AllowUnsafeBlocks=true
// 06 · The run loop: two tasks taking turns.
//
// 05 entered the kernel for one task, by hand. Several tasks need somebody who is fair: who runs what is ready but not for ever,
// takes all that they asked for into the kernel at once, and waits there only when nobody has anything to do. That is a loop of
// four steps. With it an await is one of three things: a request to the kernel, the enter's deadline, or another task.
//
// dotnet run examples/ladder/06-loop.cs

using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

Op.Ring = new Ring(entries: 8);
using SafeFileHandle file = File.OpenHandle(typeof(object).Assembly.Location);
long start = Environment.TickCount64;
RingExecutor.Run(Both());
Console.WriteLine($"enters: {Op.Ring.Enters}, SQEs: {Op.Ring.Sqes}, CQEs: {Op.Ring.Cqes}, {Environment.TickCount64 - start} ms");
Console.WriteLine("notice: six reads in three enters, since both tasks had their turn before each; the two delays were waited for together");
Console.WriteLine("try:    Thread.Sleep in place of await RingExecutor.Delay. The two times add up: who blocks the thread, blocks everybody");

async RingTask Both()
{
    RingTask even = Reader("even", first: 0), odd = Reader("odd", first: 1); // Both have begun when this line is done.
    await even; // Another task.
    await odd;
}

async RingTask Reader(string name, int first)
{
    byte[] buffer = new byte[4096];
    for (int block = first; block < first + 6; block += 2)
    {
        int read = await Op.Read((int)file.DangerousGetHandle(), buffer, offset: block * 4096); // A request to the kernel.
        Console.WriteLine($"  {name}: block {block} has {read} bytes");
    }

    await RingExecutor.Delay(milliseconds: 100 + 100 * first); // The enter's deadline.
}

// One thread, one ring, one loop.
internal static class RingExecutor
{
    private static readonly PriorityQueue<OpAwaitable, long> s_timers = new(); // By the millisecond at which each is due.

    private static long NowMs => (long)Stopwatch.GetElapsedTime(0).TotalMilliseconds;

    public static void Run(RingTask main)
    {
        for (int turn = 1; ; turn++)
        {
            int running = OpAwaitable.Ready.Count;

            // 1 run ready tasks (bounded): what they make ready is for the next turn
            for (int left = OpAwaitable.Ready.Count; left > 0; left--)
                OpAwaitable.Ready.Dequeue()();
            if (main.IsCompleted && Op.InFlight + OpAwaitable.Ready.Count == 0)
                break; // Nothing is left that could make anything ready.

            // 2 take posts and due timers (no other thread posts here)
            while (s_timers.TryPeek(out OpAwaitable? timer, out long due) && due <= NowMs)
                s_timers.Dequeue().Complete(0);

            // 3 enter: submit all, wait only if nothing is ready
            uint waitFor = OpAwaitable.Ready.Count == 0 ? 1u : 0;
            long first = s_timers.TryPeek(out _, out long deadline) ? deadline - NowMs : 60_000;
            Op.Ring.Enter(waitFor, waitMs: Math.Max(0, first));

            // 4 reap
            Op.Reap();
            Console.WriteLine($"turn {turn}: ran {running}; entered to wait for {waitFor}; so far SQEs: {Op.Ring.Sqes}, CQEs: {Op.Ring.Cqes}");
        }

        main.GetResult();
    }

    // An await that is no request at all: it becomes the enter's deadline.
    public static OpAwaitable Delay(int milliseconds)
    {
        var timer = new OpAwaitable();
        s_timers.Enqueue(timer, NowMs + milliseconds);
        return timer;
    }
}

// ── From here on as in 05, without the notes, and with a deadline in Ring.Enter. ──
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
    public void Start<TMachine>(ref TMachine machine) where TMachine : IAsyncStateMachine => machine.MoveNext();

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
    public void AwaitOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : INotifyCompletion where TMachine : IAsyncStateMachine =>
        awaiter.OnCompleted(task.MoveNext ??= ((IAsyncStateMachine)machine).MoveNext);

    // 7 AwaitUnsafeOnCompleted: the same, for awaiters that leave it to the builder to flow the execution context (not done here).
    public void AwaitUnsafeOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : ICriticalNotifyCompletion where TMachine : IAsyncStateMachine =>
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

    public OpAwaitable GetAwaiter() => this;
    public bool IsCompleted { get; private set; }
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
    public static OpAwaitable Read(int fd, Memory<byte> memory, long offset) =>
        Start(new() { opcode = 22, fd = fd, off = (ulong)offset }, memory); // IORING_OP_READ

    private static OpAwaitable Start(io_uring_sqe sqe, Memory<byte> memory = default)
    {
        MemoryHandle loan = memory.Pin();
        (sqe.addr, sqe.len, sqe.user_data) = ((ulong)loan.Pointer, (uint)memory.Length, ++s_lastSlot);
        while (!Ring.TryPush(sqe))
        {
            Ring.Enter(waitFor: 0); // The queue is full: hand it over and go on.
            Reap(); // Runs nobody's code, so it may stand anywhere.
        }

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
    private readonly int _fd;
    private readonly uint _sqMask, _cqMask;
    private readonly uint* _sqHead, _sqTail, _cqHead, _cqTail;
    private readonly io_uring_sqe* _sqes;
    private readonly io_uring_cqe* _cqes;
    public long Enters, Sqes, Cqes;

    public Ring(uint entries)
    {
        io_uring_params p = default;
        _fd = (int)Libc.Check(Libc.syscall(Libc.Setup, entries, (long)&p));
        byte* queues = Libc.Map(_fd, 0, Math.Max(p.sq_array + p.sq_entries * 4, p.cq_cqes + p.cq_entries * 16));
        _sqes = (io_uring_sqe*)Libc.Map(_fd, 0x10000000, p.sq_entries * 64); // IORING_OFF_SQES
        _cqes = (io_uring_cqe*)(queues + p.cq_cqes);
        _sqHead = (uint*)(queues + p.sq_head);
        _sqTail = (uint*)(queues + p.sq_tail);
        _cqHead = (uint*)(queues + p.cq_head);
        _cqTail = (uint*)(queues + p.cq_tail);
        (_sqMask, _cqMask) = (p.sq_entries - 1, p.cq_entries - 1);
        for (uint i = 0; i < p.sq_entries; i++)
            ((uint*)(queues + p.sq_array))[i] = i; // Place i of the queue means SQE i, for good.
    }

    public bool TryPush(in io_uring_sqe sqe)
    {
        if (*_sqTail - Volatile.Read(ref *_sqHead) > _sqMask) // Acquire: pairs with the kernel's release of sq.head.
            return false; // Full: enter first.
        _sqes[*_sqTail & _sqMask] = sqe;
        Volatile.Write(ref *_sqTail, *_sqTail + 1); // Release, the SQE first: pairs with the kernel's acquire of sq.tail.
        return true;
    }

    public void Enter(uint waitFor, long waitMs = 0)
    {
        long* time = stackalloc long[] { waitMs / 1000, waitMs % 1000 * 1_000_000 };
        long* argument = stackalloc long[] { 0, 0, (long)time }; // io_uring_getevents_arg: no signal mask, but a deadline.
        Enters++;
        long flags = Libc.GetEvents | Libc.ExtArg;
        Sqes += Libc.Check(Libc.syscall(Libc.Enter, _fd, *_sqTail - *_sqHead, waitFor, flags, (long)argument, 24));
    }

    public bool TryReap(out io_uring_cqe cqe)
    {
        cqe = default;
        if (*_cqHead == Volatile.Read(ref *_cqTail)) // Acquire, the CQE after it: pairs with the kernel's release of cq.tail.
            return false;
        cqe = _cqes[*_cqHead & _cqMask];
        Volatile.Write(ref *_cqHead, *_cqHead + 1); // Release, the CQE is read: pairs with the kernel's acquire of cq.head.
        Cqes++;
        return true;
    }
}

[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct io_uring_sqe // A request. What is not named stays zero, as the kernel demands.
{
    [FieldOffset(0)] public byte opcode; [FieldOffset(4)] public int fd; [FieldOffset(8)] public ulong off;
    [FieldOffset(16)] public ulong addr; [FieldOffset(24)] public uint len; [FieldOffset(32)] public ulong user_data;
}

[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct io_uring_cqe // An answer: res is what the system call would have returned, or −errno.
{
    [FieldOffset(0)] public ulong user_data; [FieldOffset(8)] public int res;
}

[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct io_uring_params // What setup tells: sizes, and where in the mapping each part of the queues lies.
{
    [FieldOffset(0)] public uint sq_entries; [FieldOffset(4)] public uint cq_entries;
    [FieldOffset(40)] public uint sq_head; [FieldOffset(44)] public uint sq_tail; [FieldOffset(64)] public uint sq_array;
    [FieldOffset(80)] public uint cq_head; [FieldOffset(84)] public uint cq_tail; [FieldOffset(100)] public uint cq_cqes;
}

internal static unsafe class Libc
{
    public const long Setup = 425, Enter = 426, GetEvents = 1, ExtArg = 8; // The numbers are the same on every architecture.

    [DllImport("libc", SetLastError = true)]
    public static extern long syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);

    [DllImport("libc", SetLastError = true)]
    private static extern long mmap(long address, nuint length, int protection, int flags, int fd, long offset);

    public static byte* Map(int fd, long offset, uint size) =>
        (byte*)Check(mmap(0, size, protection: 3, flags: 0x8001, fd, offset)); // Read and write; shared with the kernel, present.

    public static long Check(long result) // The result; or 0: go on, and try again; or the end.
    {
        int errno = result < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (errno is 0 or 4 or 11 or 16 or 62) // EINTR, EAGAIN, EBUSY, ETIME
            return Math.Max(0, result);
        Console.Error.WriteLine($"io_uring is refused: errno {errno}, {Marshal.GetPInvokeErrorMessage(errno)}. " + errno switch
        {
            1 or 13 => "Forbidden by kernel.io_uring_disabled, a container's seccomp profile or a security module.",
            12 => "The limit on locked memory is too small: ulimit -l.",
            38 => "This kernel has none, or a sandbox hides it.",
            _ => "Perhaps it is too old; README.md, beside this file, has the versions.",
        });
        Environment.Exit(3);
        return result;
    }
}

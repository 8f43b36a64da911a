#:property AllowUnsafeBlocks=true
// 05 · A task type and its builder.
//
// 04 wrote its awaiter, but `async Task` was the base library's: who makes the task, who keeps the method while it waits, who
// decides where it goes on? A builder, eight members that the compiler calls; any type can name its own, as RingTask does here.
// Each member says when it is called.
//
// dotnet run examples/ladder/05-task.cs

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

Op.Ring = new Ring(entries: 8);
using SafeFileHandle file = File.OpenHandle(typeof(object).Assembly.Location);
RingTask task = ReadBlocks(2);
while (!task.IsCompleted)
{
    Op.Ring.Enter(waitFor: 1);
    Op.Reap();
    Console.WriteLine($"main: a CQE has come, number {Op.Ring.Cqes}");
    while (OpAwaitable.Ready.TryDequeue(out Action? resume))
        resume();
}

task.GetResult(); // Throws, if the method has thrown.
Console.WriteLine($"main: done; enters: {Op.Ring.Enters}, SQEs: {Op.Ring.Sqes}, CQEs: {Op.Ring.Cqes}");
Console.WriteLine("notice: 3 comes after the first 6: a caller gets its task when the method has begun, and has to wait");
Console.WriteLine("try:    ReadBlocks(0). It is 1, 2, 4, 3: no 6, no enter. An async method that need not wait is a plain call");

async RingTask ReadBlocks(int blocks)
{
    byte[] buffer = new byte[4096];
    for (int block = 0; block < blocks; block++)
    {
        int read = await Op.Read((int)file.DangerousGetHandle(), buffer, offset: block * 4096);
        Console.WriteLine($"  method: block {block} has {read} bytes");
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
    private static void Note(string member) => Console.WriteLine($"builder: {member}");

    // 1 Create: before anything else, at the call of the async method.
    public static RingTaskMethodBuilder Create()
    {
        Note("1 Create");
        return new(new RingTask());
    }

    // 2 Start: runs the method up to its first await that has to wait. Still a plain call, the state machine on the stack.
    public void Start<TMachine>(ref TMachine machine) where TMachine : IAsyncStateMachine
    {
        Note("2 Start");
        machine.MoveNext();
    }

    // 3 Task: what the caller gets, after Start has come back.
    public RingTask Task
    {
        get
        {
            Note("3 Task");
            return task;
        }
    }

    // 4 SetResult: the method has returned.
    public void SetResult()
    {
        Note("4 SetResult");
        task.Complete(0);
    }

    // 5 SetException: the method has thrown. Whoever awaits the task will throw it again.
    public void SetException(Exception exception)
    {
        Note("5 SetException");
        task.Fault = ExceptionDispatchInfo.Capture(exception);
        task.Complete(0);
    }

    // 6 AwaitOnCompleted: an await has to wait. The first time, the cast boxes the state machine: from the stack to the heap.
    public void AwaitOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : INotifyCompletion where TMachine : IAsyncStateMachine
    {
        Note(task.MoveNext is null ? "6 AwaitOnCompleted: the state machine goes to the heap" : "6 AwaitOnCompleted: it is there already");
        awaiter.OnCompleted(task.MoveNext ??= ((IAsyncStateMachine)machine).MoveNext);
    }

    // 7 AwaitUnsafeOnCompleted: the same, for awaiters that leave it to the builder to flow the execution context (not done here).
    public void AwaitUnsafeOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : ICriticalNotifyCompletion where TMachine : IAsyncStateMachine =>
        AwaitOnCompleted(ref awaiter, ref machine);

    // 8 SetStateMachine: from the days of other builders; nobody calls it.
    public void SetStateMachine(IAsyncStateMachine machine) { }
}

// ── From here on as in 04. ──
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

    public void Enter(uint waitFor)
    {
        Enters++;
        Sqes += Libc.Check(Libc.syscall(Libc.Enter, _fd, *_sqTail - *_sqHead, waitFor, Libc.GetEvents));
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

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
    Console.WriteLine($"main: a CQE has come, number {Op.Ring.CqHead}");
    while (OpAwaitable.Ready.TryDequeue(out Action? resume))
        resume();
}

task.GetResult(); // Throws, if the method has thrown.
Console.WriteLine($"main: done; enters: {Op.Ring.Enters}, SQEs: {Op.Ring.SqHead}, CQEs: {Op.Ring.CqHead}");
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
    public void Start<M>(ref M machine) where M : IAsyncStateMachine
    {
        Note("2 Start");
        machine.MoveNext();
    }
    // 3 Task: what the caller gets, after Start has come back.
    public RingTask Task { get { Note("3 Task"); return task; } }
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
    public void AwaitOnCompleted<A, M>(ref A awaiter, ref M machine) where A : INotifyCompletion where M : IAsyncStateMachine
    {
        Note(task.MoveNext is null ? "6 AwaitOnCompleted: the state machine goes to the heap" : "6 AwaitOnCompleted: it is there already");
        awaiter.OnCompleted(task.MoveNext ??= ((IAsyncStateMachine)machine).MoveNext);
    }
    // 7 AwaitUnsafeOnCompleted: the same, for awaiters that leave it to the builder to flow the execution context (not done here).
    public void AwaitUnsafeOnCompleted<A, M>(ref A awaiter, ref M machine)
        where A : ICriticalNotifyCompletion where M : IAsyncStateMachine =>
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
    public static OpAwaitable Read(int fd, Memory<byte> memory, long offset) =>
        Start(new() { opcode = 22, fd = fd, off = (ulong)offset, len = (uint)memory.Length }, memory); // IORING_OP_READ

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

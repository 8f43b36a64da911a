#:property AllowUnsafeBlocks=true
// 03 · A hundred reads at once, one enter.
//
// 02 asked, waited, and asked again: one system call for each read, as if there were no queues. But they hold any number of
// requests. With a hundred, answers no longer come in the order of the questions: user_data says whose each one is.
//
// dotnet run examples/ladder/03-hundred.cs

using System.IO.Pipes;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

const int Count = 100, Size = 4096;
var ring = new Ring(entries: 128);
using SafeFileHandle file = File.OpenHandle(typeof(object).Assembly.Location); // A few megabytes: the base library.
using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
byte[] blocks = GC.AllocateUninitializedArray<byte>(Count * Size, pinned: true); // Never moves: one pin for all.

for (int i = 0; i < Count; i++)
{
    SafeHandle from = i == 0 ? pipe.ClientSafePipeHandle : file; // Number 0 will have to wait: nothing is in the pipe yet.
    var sqe = new io_uring_sqe
    {
        opcode = 22, // IORING_OP_READ
        fd = (int)from.DangerousGetHandle(),
        off = (ulong)(i * Size),
        len = Size,
        user_data = (ulong)i,
        addr = (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(blocks, i * Size),
    };
    while (!ring.TryPush(sqe))
        ring.Enter(waitFor: 0); // The queue is full: hand it over.
}

Console.WriteLine($"{Count} reads are written; enters so far: {ring.Enters}");
var order = new List<ulong>();
Collect(Count - 1);
Console.WriteLine($"enters: {ring.Enters}, SQEs: {ring.SqHead}, CQEs: {ring.CqHead}");
Console.WriteLine($"read number 0 was {(order.Contains(0) ? "answered" : "not answered: it waits, and nobody waits for it")}");
pipe.WriteByte(1);
Collect(Count);
Console.WriteLine($"the last answer: user_data {order[^1]}; enters: {ring.Enters}, SQEs: {ring.SqHead}, CQEs: {ring.CqHead}");

byte[] check = new byte[(Count - 1) * Size];
RandomAccess.Read(file, check, Size);
Console.WriteLine($"the blocks are {(check.AsSpan().SequenceEqual(blocks.AsSpan(Size)) ? "those of the file" : "wrong")}");
Console.WriteLine($"notice: {Count - 1} answers for one enter; the first question was answered last, and user_data said which it was");
Console.WriteLine("try:    entries: 16. Six enters hand over what did not fit into the SQ, four more fetch what did not fit into the CQ");

void Collect(int until)
{
    while (order.Count < until)
    {
        ring.Enter(waitFor: (uint)(until - order.Count));
        while (ring.TryReap(out io_uring_cqe cqe))
            order.Add(cqe.user_data);
    }
}

// ── From here on as in 02. ──
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

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
Console.WriteLine($"enters: {ring.Enters}, SQEs: {ring.Sqes}, CQEs: {ring.Cqes}");
Console.WriteLine($"read number 0 was {(order.Contains(0) ? "answered" : "not answered: it waits, and nobody waits for it")}");
pipe.WriteByte(1);
Collect(Count);
Console.WriteLine($"the last answer: user_data {order[^1]}; enters: {ring.Enters}, SQEs: {ring.Sqes}, CQEs: {ring.Cqes}");

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

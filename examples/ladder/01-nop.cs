#:property AllowUnsafeBlocks=true
// 01 · One NOP by hand.
//
// A system call is one question, and the thread stands in the kernel until the answer is there. io_uring is memory that we share
// with the kernel, with two queues in it: requests go in through one (SQ), answers come out of the other (CQ), and one system
// call carries any number of both. Here goes a single request that does nothing, with every step of its way in sight.
//
// dotnet run examples/ladder/01-nop.cs

using System.Runtime.InteropServices;

unsafe
{
    io_uring_params p = default;
    int fd = (int)Libc.Check(Libc.syscall(Libc.Setup, 4, (long)&p));
    Console.WriteLine($"1. setup  a ring is fd {fd}, with {p.sq_entries} places for requests and {p.cq_entries} for answers");

    byte* queues = Libc.Map(fd, 0, Math.Max(p.sq_array + p.sq_entries * 4, p.cq_cqes + p.cq_entries * 16)); // Both in one (5.4).
    var sqes = (io_uring_sqe*)Libc.Map(fd, 0x10000000, p.sq_entries * 64); // IORING_OFF_SQES
    var cqes = (io_uring_cqe*)(queues + p.cq_cqes);
    uint* sqHead = (uint*)(queues + p.sq_head); // How far the kernel has taken requests.
    uint* sqTail = (uint*)(queues + p.sq_tail); // How far we have written them.
    uint* cqHead = (uint*)(queues + p.cq_head); // How far we have read answers.
    uint* cqTail = (uint*)(queues + p.cq_tail); // How far the kernel has written them.
    Console.WriteLine($"2. mmap   the queues are memory now; requests: head {*sqHead}, tail {*sqTail}");

    sqes[0] = new io_uring_sqe { opcode = 0, user_data = 42 }; // IORING_OP_NOP. The number is ours: the kernel only hands it back.
    ((uint*)(queues + p.sq_array))[0] = 0; // Place 0 of the queue: SQE 0.
    Volatile.Write(ref *sqTail, *sqTail + 1); // Release, the SQE first: pairs with the kernel's acquire of sq.tail.
    Console.WriteLine($"3. SQE    written, user_data 42; requests: head {*sqHead}, tail {*sqTail}: the kernel has not looked");

    long taken = Libc.Check(Libc.syscall(Libc.Enter, fd, 1, 1, Libc.GetEvents)); // Take 1, come back when 1 is done.
    Console.WriteLine($"4. enter  the kernel took {taken}; requests: head {*sqHead}, tail {*sqTail}; answers: head {*cqHead}, tail {*cqTail}");

    uint tail = Volatile.Read(ref *cqTail); // Acquire, the CQE after it: pairs with the kernel's release of cq.tail.
    for (uint head = *cqHead; head != tail; head++)
        Console.WriteLine($"5. CQE    user_data {cqes[head].user_data}, res {cqes[head].res}");
    Volatile.Write(ref *cqHead, tail); // Release, the CQE is read: pairs with the kernel's acquire of cq.head.

    Console.WriteLine("notice:   the request was written and the answer was read as plain memory; only step 4 went into the kernel");
    Console.WriteLine("try:      opcode = 255. The enter takes it as before; the CQE says res -22, which is EINVAL: requests fail by answer");
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

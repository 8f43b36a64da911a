#:property AllowUnsafeBlocks=true
// 02 · Read a file, and who owns the buffer meanwhile.
//
// The NOP of 01 touched no memory. A read does: from the SQE to the CQE the kernel holds an address and writes there whenever it
// likes, while our program runs on. So the buffer is on loan. The GC must not move it (that is what the pin is for), and nobody
// may use it for something else, which no pin prevents: the second half lets go too early, and shows what happens then.
//
// dotnet run examples/ladder/02-read.cs

using System.Buffers;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

var ring = new Ring(entries: 4);

// One read, as it should be.
using SafeFileHandle file = File.OpenHandle(Environment.ProcessPath!); // This program.
byte[] buffer = new byte[64];
using (Loan(buffer, file, userData: 1))
    WaitForCqe();
Console.WriteLine($"the file begins with the letters {Encoding.ASCII.GetString(buffer, 1, 3)}");

// A read that has to wait (the pipe is empty), and a program that gives the buffer back to its pool meanwhile.
using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
byte[] lent = ArrayPool<byte>.Shared.Rent(16);
using MemoryHandle pin = Loan(lent, pipe.ClientSafePipeHandle, userData: 2);
ring.Enter(waitFor: 0);
ArrayPool<byte>.Shared.Return(lent); // WRONG: the kernel still has the address.

byte[] letter = ArrayPool<byte>.Shared.Rent(16); // Somebody else, elsewhere in the program.
Encoding.ASCII.GetBytes("Dear Ada, ......", letter);
Console.WriteLine($"somebody rents a buffer and writes  {Encoding.ASCII.GetString(letter)}");
pipe.Write("KERNEL WAS HERE!"u8);
WaitForCqe();
Console.WriteLine($"somebody looks at it again          {Encoding.ASCII.GetString(letter)}");
Console.WriteLine("notice: nobody in this program wrote that. No exception, no warning: a loan is over when its CQE is there");
Console.WriteLine("try:    move the line marked WRONG to the end. Somebody gets a buffer of their own, and the letter stays as it was");

// Writes the SQE of a read. The memory stays where it is until the handle that this returns is disposed.
unsafe MemoryHandle Loan(byte[] memory, SafeHandle from, ulong userData)
{
    MemoryHandle pin = memory.AsMemory().Pin();
    ring.TryPush(new io_uring_sqe
    {
        opcode = 22, // IORING_OP_READ
        fd = (int)from.DangerousGetHandle(),
        addr = (ulong)pin.Pointer,
        len = (uint)memory.Length,
        user_data = userData,
    });
    return pin;
}

void WaitForCqe()
{
    io_uring_cqe cqe;
    while (!ring.TryReap(out cqe))
        ring.Enter(waitFor: 1);
    Console.WriteLine($"CQE: user_data {cqe.user_data}, res {cqe.res}; enters so far: {ring.Enters}");
}

// ── From here on as in 01, whose lines are a class now. ──
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

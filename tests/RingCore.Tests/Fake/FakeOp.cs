// Tests: one request that the fake kernel took: a copy of its SQE and its place in a chain. Scripts end it through Finish, More
// and Deliver; it never ends by itself.

using RingCore.Sys;
using static RingCore.Sys.CqeFlags;
using static RingCore.Sys.SqeFlags;

namespace RingCore.Tests.Fakes;

/// <summary>A request with the fake kernel.</summary>
internal sealed unsafe class FakeOp(FakeKernel kernel, in io_uring_sqe sqe, int number)
{
    internal readonly io_uring_sqe Sqe = sqe;

    /// <summary>How many SQEs were taken before it.</summary>
    internal readonly int Number = number;

    internal FakeOp? Next;
    internal FakeOp? Previous;

    internal FakeOpState State;

    internal io_uring_op Opcode => Sqe.opcode;

    internal int Fd => Sqe.fd;

    internal ulong UserData => Sqe.user_data;

    internal bool IsLinked => (Sqe.flags & IOSQE_IO_LINK) != 0;

    internal bool SelectsBuffer => (Sqe.flags & IOSQE_BUFFER_SELECT) != 0;

    /// <summary>The terminal CQE.</summary>
    internal void Finish(int res, uint flags = 0) => kernel.Finish(this, res, flags);

    /// <summary>A CQE with F_MORE: the request goes on.</summary>
    internal void More(int res, uint flags = 0) => kernel.Finish(this, res, flags | IORING_CQE_F_MORE);

    /// <summary>Bytes arrive: into the memory named by the SQE, or into a buffer the kernel picks.</summary>
    internal void Deliver(ReadOnlySpan<byte> data, uint flags = 0)
    {
        if (SelectsBuffer && data.Length > 0)
        {
            uint buffer = kernel.PickFor(this, data, out int stored);
            Finish(stored, buffer | flags);
            return;
        }

        int length = Math.Min(data.Length, (int)Sqe.len);
        data[..length].CopyTo(new Span<byte>((void*)Sqe.addr, length));
        Finish(length, flags);
    }

    /// <summary>What a write, a send or a gathered send carries.</summary>
    internal byte[] Payload()
    {
        switch (Opcode)
        {
            case io_uring_op.IORING_OP_SENDMSG:
                var message = (msghdr*)Sqe.addr;
                return Gather(message->msg_iov, (int)message->msg_iovlen);
            case io_uring_op.IORING_OP_WRITEV or io_uring_op.IORING_OP_READV:
                return Gather((iovec*)Sqe.addr, (int)Sqe.len);
            default:
                return new ReadOnlySpan<byte>((void*)Sqe.addr, (int)Sqe.len).ToArray();
        }
    }

    internal string Text() => System.Text.Encoding.UTF8.GetString(Payload());

    /// <summary>Bytes asked for; −1 where the opcode transfers none.</summary>
    internal int Wanted => Opcode switch
    {
        io_uring_op.IORING_OP_READ or io_uring_op.IORING_OP_WRITE or io_uring_op.IORING_OP_READ_FIXED or io_uring_op.IORING_OP_WRITE_FIXED => (int)Sqe.len,
        io_uring_op.IORING_OP_READV or io_uring_op.IORING_OP_WRITEV => Payload().Length,
        io_uring_op.IORING_OP_SENDMSG when WaitsForAll => Payload().Length,
        io_uring_op.IORING_OP_SEND or io_uring_op.IORING_OP_RECV when WaitsForAll => (int)Sqe.len,
        io_uring_op.IORING_OP_SPLICE or io_uring_op.IORING_OP_TEE => (int)Sqe.len,
        _ => -1,
    };

    private bool WaitsForAll => (Sqe.msg_flags & SocketConstants.MSG_WAITALL) != 0;

    /// <summary>Whether a result ends the chain behind it: an error, or a transfer that was short.</summary>
    internal bool Breaks(int res) => res < 0 || res < Wanted;

    public override string ToString() => $"{Opcode} fd={Fd} user_data=0x{UserData:x} {State}";

    private static byte[] Gather(iovec* vectors, int count)
    {
        var all = new List<byte>();
        for (int i = 0; i < count; i++)
            all.AddRange(new ReadOnlySpan<byte>(vectors[i].iov_base, (int)vectors[i].iov_len).ToArray());
        return [.. all];
    }
}

/// <summary>Where a request stands.</summary>
internal enum FakeOpState
{
    /// <summary>Behind another one in a chain: not begun, not to be found by a cancel.</summary>
    Waiting,

    /// <summary>Begun.</summary>
    InFlight,

    /// <summary>Its result is in deferred task work: too late to cancel.</summary>
    Ending,

    /// <summary>Its terminal CQE is written.</summary>
    Ended,
}

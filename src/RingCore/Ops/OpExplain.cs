// Op layer: the words of Op.Explain: which SQE an op would write and what the kernel will do with it. It reads the description
// only; no SQE is taken and nothing is pinned.

using System.Globalization;
using System.Text;
using RingCore.Sys;

namespace RingCore;

/// <summary>Describes ops in words.</summary>
internal static class OpExplain
{
    internal static string Describe(
        io_uring_op code, RingHandle? handle, int memoryLength, object? extra, long off, int fd, uint len, uint opFlags, TimeSpan time,
        TimeSpan deadline)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{code}");
        if (handle is not null)
            text.Append(CultureInfo.InvariantCulture, $" fd={(handle.IsDisposed ? "disposed" : handle.Fd)}");
        switch (code)
        {
            case io_uring_op.IORING_OP_READ or io_uring_op.IORING_OP_WRITE:
                text.Append(CultureInfo.InvariantCulture, $" addr=memory[{memoryLength}] len={memoryLength} off={Offset(off)}");
                break;
            case io_uring_op.IORING_OP_RECV or io_uring_op.IORING_OP_SEND:
                text.Append(CultureInfo.InvariantCulture, $" addr=memory[{memoryLength}] len={memoryLength} msg_flags=0x{opFlags:x}");
                break;
            case io_uring_op.IORING_OP_READV or io_uring_op.IORING_OP_WRITEV:
                text.Append(CultureInfo.InvariantCulture, $" addr=iovec[{Count(extra)}] len={Count(extra)} off={Offset(off)}");
                break;
            case io_uring_op.IORING_OP_SENDMSG:
                text.Append(CultureInfo.InvariantCulture, $" addr=msghdr(iovec[{Count(extra)}]) len=1 msg_flags=0x{opFlags:x}");
                break;
            case io_uring_op.IORING_OP_CONNECT:
                text.Append(CultureInfo.InvariantCulture, $" addr=sockaddr({extra}) off=addrlen");
                break;
            case io_uring_op.IORING_OP_TIMEOUT:
                text.Append(CultureInfo.InvariantCulture, $" addr=timespec({time.TotalSeconds:0.######} s) len=1 off=0");
                break;
            case io_uring_op.IORING_OP_ASYNC_CANCEL:
                text.Append(CultureInfo.InvariantCulture, $" addr=user_data(0x{off:x})");
                break;
            case io_uring_op.IORING_OP_OPENAT:
                text.Append(CultureInfo.InvariantCulture, $" fd=AT_FDCWD addr=\"{extra}\" open_flags=0x{opFlags:x} len=mode({Convert.ToString(len, 8)})");
                break;
            case io_uring_op.IORING_OP_POLL_ADD:
                text.Append(CultureInfo.InvariantCulture, $" poll32_events=0x{opFlags:x}");
                break;
            case io_uring_op.IORING_OP_FSYNC:
                text.Append(CultureInfo.InvariantCulture, $" fsync_flags={opFlags}");
                break;
            case io_uring_op.IORING_OP_SHUTDOWN:
                text.Append(CultureInfo.InvariantCulture, $" len=how({len})");
                break;
            case io_uring_op.IORING_OP_SOCKET:
                text.Append(CultureInfo.InvariantCulture, $" fd=domain({fd}) off=type(0x{off:x}) len=protocol({len})");
                break;
            case io_uring_op.IORING_OP_CLOSE:
                text.Append(CultureInfo.InvariantCulture, $" fd={fd}");
                break;
        }

        if (deadline != default)
            text.Append(CultureInfo.InvariantCulture, $" flags=IO_LINK; then IORING_OP_LINK_TIMEOUT addr=timespec({deadline.TotalSeconds:0.######} s) len=1");
        text.Append(" · ").Append(Meaning(code));
        return text.ToString();
    }

    private static string Offset(long off) => off < 0 ? "-1 (current position)" : off.ToString(CultureInfo.InvariantCulture);

    private static int Count(object? extra) => ((ReadOnlyMemory<byte>[])extra!).Length;

    private static string Meaning(io_uring_op code) => code switch
    {
        io_uring_op.IORING_OP_NOP => "completes at once, inside the enter that submits it",
        io_uring_op.IORING_OP_READ or io_uring_op.IORING_OP_READV => "inline when the data is cached; a pipe or socket is polled; else a kernel worker",
        io_uring_op.IORING_OP_WRITE or io_uring_op.IORING_OP_WRITEV => "a buffered write goes to a kernel worker on ext4 and tmpfs; a pipe is polled",
        io_uring_op.IORING_OP_RECV => "inline when data is there, else the kernel polls the socket without a thread",
        io_uring_op.IORING_OP_SEND or io_uring_op.IORING_OP_SENDMSG => "inline when the send buffer has room, else the kernel polls the socket",
        io_uring_op.IORING_OP_ACCEPT or io_uring_op.IORING_OP_CONNECT => "the kernel polls the socket without a thread",
        io_uring_op.IORING_OP_TIMEOUT => "a kernel timer; it ends with -ETIME, which is its success",
        io_uring_op.IORING_OP_ASYNC_CANCEL => "the target's own CQE tells whether it was cancelled",
        io_uring_op.IORING_OP_OPENAT => "inline when the path is cached and nothing is created, else a kernel worker",
        io_uring_op.IORING_OP_POLL_ADD => "ends when the fd is ready",
        io_uring_op.IORING_OP_FSYNC or io_uring_op.IORING_OP_SHUTDOWN => "always runs on a kernel worker thread",
        _ => "inline",
    };
}

// Op layer: the words of Op.Explain: which SQE an op would write and what the kernel will do with it. It
// reads the description only; no SQE is taken and nothing is pinned.

using System.Globalization;
using static RingCore.Sys.io_uring_op;

namespace RingCore;

public readonly partial struct Op
{
    /// <summary>
    /// The SQE that an await of this op would write, in words. Nothing is submitted. Any thread.
    /// </summary>
    public string Explain()
    {
        string target = Handle is null ? "" : $" fd={FdOf(Handle)}";
        if (Extra is string paths)
            target = $"{(Handle is null ? " fd=AT_FDCWD" : target)} addr=\"{paths.Replace("\0", "\" addr2=\"",
            StringComparison.Ordinal)}\"";
        string fields = Code switch
        {
            IORING_OP_READ or IORING_OP_WRITE =>
                $" addr=memory[{Memory.Length}] len={Memory.Length} off={Offset}{RwFlags}",
            IORING_OP_READ_FIXED or IORING_OP_WRITE_FIXED =>
                $" addr=buffer[{Memory.Length}] len={Memory.Length} off={Offset}"
                + $" buf_index={((RingBuffer)Extra!).Index}",
            IORING_OP_RECV or IORING_OP_SEND =>
                $" addr=memory[{Memory.Length}] len={Memory.Length} msg_flags=0x{_opFlags:x}",
            IORING_OP_READV or IORING_OP_WRITEV => $" addr=iovec[{Count}] len={Count} off={Offset}{RwFlags}",
            IORING_OP_SENDMSG => $" addr=msghdr(iovec[{Count}]) len=1 msg_flags=0x{_opFlags:x}",
            IORING_OP_CONNECT =>
                $" addr=sockaddr({SocketAddressBytes.ToEndPoint((byte[])Extra!)}) off=addrlen",
            IORING_OP_TIMEOUT => $" addr={Timespec(Time)} len=1 off=0",
            IORING_OP_ASYNC_CANCEL => $" addr=user_data({new OpId(_addr)})",
            IORING_OP_OPENAT => $" open_flags=0x{_opFlags:x} len=mode({Mode})",
            IORING_OP_POLL_ADD => $" poll32_events=0x{_opFlags:x}",
            IORING_OP_FSYNC => $" off={Off} len={_len} fsync_flags={_opFlags}",
            IORING_OP_FALLOCATE => $" off={Off} addr=length({_addr}) len=mode({_len})",
            IORING_OP_FTRUNCATE => $" off=length({Off})",
            IORING_OP_STATX =>
                $" len=mask(0x{_len:x}) off=statx[{Memory.Length}] statx_flags=0x{_opFlags:x}",
            IORING_OP_UNLINKAT => $" unlink_flags=0x{_opFlags:x}",
            IORING_OP_MKDIRAT => $" len=mode({Mode})",
            IORING_OP_RENAMEAT => $" len=AT_FDCWD rename_flags=0x{_opFlags:x}",
            IORING_OP_LINKAT => $" len=AT_FDCWD hardlink_flags=0x{_opFlags:x}",
            IORING_OP_SHUTDOWN => $" len=how({_len})",
            IORING_OP_SOCKET => $" fd=domain({_fd}) off=type(0x{Off:x}) len=protocol({_len})",
            IORING_OP_CLOSE => $" fd={_fd}",
            IORING_OP_SPLICE or IORING_OP_TEE =>
                $" off={Offset} splice_fd_in={FdOf((RingHandle)Extra!)}"
                + $" splice_off_in={(long)_addr} len={_len} splice_flags=0x{_opFlags:x}",
            _ => "",
        };
        string link = Deadline == default
            ? ""
            : $" flags=IO_LINK; then IORING_OP_LINK_TIMEOUT addr={Timespec(Deadline)} len=1";
        return $"{Code}{target}{fields}{link} · {Meaning}";
    }

    private static string Timespec(TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"timespec({time.TotalSeconds:0.######} s)");

    private static string FdOf(RingHandle handle) => handle.IsDisposed ? "disposed" : $"{handle.Fd}";

    private string Mode => Convert.ToString(_len, 8);

    private string Offset => (long)Off < 0 ? "-1 (current position)" : $"{Off}";

    private string RwFlags => _opFlags == 0 ? "" : $" rw_flags=0x{_opFlags:x}";

    private int Count => ((ReadOnlyMemory<byte>[])Extra!).Length;

    private string Meaning => Code switch
    {
        IORING_OP_NOP => "completes at once, inside the enter that submits it",
        IORING_OP_READ or IORING_OP_READV =>
            "inline when the data is cached; a pipe or socket is polled; else a kernel worker",
        IORING_OP_WRITE or IORING_OP_WRITEV =>
            "a buffered write goes to a kernel worker on ext4 and tmpfs; a pipe is polled",
        IORING_OP_READ_FIXED or IORING_OP_WRITE_FIXED =>
            "as READ and WRITE; the buffer's pages are not looked up again",
        IORING_OP_RECV => "inline when data is there, else the kernel polls the socket without a thread",
        IORING_OP_SEND or IORING_OP_SENDMSG =>
            "inline when the send buffer has room, else the kernel polls the socket",
        IORING_OP_ACCEPT or IORING_OP_CONNECT => "the kernel polls the socket without a thread",
        IORING_OP_TIMEOUT => "a kernel timer; it ends with -ETIME, which is its success",
        IORING_OP_ASYNC_CANCEL => "the target's own CQE tells whether it was cancelled",
        IORING_OP_OPENAT => "inline when the path is cached and nothing is created, else a kernel worker",
        IORING_OP_POLL_ADD => "ends when the fd is ready",
        IORING_OP_FSYNC or IORING_OP_SHUTDOWN or IORING_OP_FALLOCATE or IORING_OP_FTRUNCATE
            or IORING_OP_SPLICE or IORING_OP_TEE
            or IORING_OP_STATX or (>= IORING_OP_RENAMEAT and <= IORING_OP_LINKAT) =>
            "always runs on a kernel worker thread",
        _ => "inline",
    };
}

// Layer: Sys. Linux error numbers as the kernel negates them into cqe.res and as Libc returns them.
// Ring/ and Ops/ compare with them; Handles/ and the trace print them with Name and Describe.
// Values are those of x86-64 and arm64 (asm-generic); some other architectures number differently.
// This file does not decide which error becomes which exception: that is done in Handles/.
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>Linux errno values (positive) and their texts. 41 and 58 are not assigned.</summary>
public static class Errno
{
    /// <summary>
    /// Operation not permitted. Setup: io_uring is switched off (<c>kernel.io_uring_disabled</c>)
    /// or filtered by seccomp.
    /// </summary>
    public const int EPERM = 1;

    /// <summary>
    /// No such file or directory. Cancel, poll remove, timeout remove: no request matches.
    /// </summary>
    public const int ENOENT = 2;

    /// <summary>No such process.</summary>
    public const int ESRCH = 3;

    /// <summary>
    /// Interrupted by a signal. Enter: a signal ended the wait and nothing was submitted.
    /// </summary>
    public const int EINTR = 4;

    /// <summary>Input/output error.</summary>
    public const int EIO = 5;

    /// <summary>No such device or address. Enter: the ring is being torn down.</summary>
    public const int ENXIO = 6;

    /// <summary>Argument list too long.</summary>
    public const int E2BIG = 7;

    /// <summary>Not an executable format.</summary>
    public const int ENOEXEC = 8;

    /// <summary>Bad file descriptor. Also a registered slot that is empty.</summary>
    public const int EBADF = 9;

    /// <summary>No child process.</summary>
    public const int ECHILD = 10;

    /// <summary>
    /// Would block, try again. Enter: no memory for requests, try again later. Requests: only when
    /// told not to wait.
    /// </summary>
    public const int EAGAIN = 11;

    /// <summary>Another name for <see cref="EAGAIN"/>.</summary>
    public const int EWOULDBLOCK = EAGAIN;

    /// <summary>
    /// Out of memory, or over the memlock limit. Setup and registration: often the memlock limit.
    /// </summary>
    public const int ENOMEM = 12;

    /// <summary>Permission denied.</summary>
    public const int EACCES = 13;

    /// <summary>Bad address. A lent address is not mapped.</summary>
    public const int EFAULT = 14;

    /// <summary>Block device required.</summary>
    public const int ENOTBLK = 15;

    /// <summary>
    /// Device or resource busy. Enter: CQEs wait outside the full CQ and must be reaped first
    /// (older kernels).
    /// </summary>
    public const int EBUSY = 16;

    /// <summary>
    /// Already exists. Enter and register: the wrong task on a SINGLE_ISSUER ring.
    /// </summary>
    public const int EEXIST = 17;

    /// <summary>Link across file systems.</summary>
    public const int EXDEV = 18;

    /// <summary>No such device.</summary>
    public const int ENODEV = 19;

    /// <summary>Not a directory.</summary>
    public const int ENOTDIR = 20;

    /// <summary>Is a directory.</summary>
    public const int EISDIR = 21;

    /// <summary>
    /// Invalid argument. Requests: an unknown opcode or flag, or a field that must be zero is not.
    /// </summary>
    public const int EINVAL = 22;

    /// <summary>
    /// Too many open files in the system, or no free slot. Direct descriptors: the registered file
    /// table is full.
    /// </summary>
    public const int ENFILE = 23;

    /// <summary>
    /// Too many open files in the process. Accept, open, socket, setup: RLIMIT_NOFILE is reached.
    /// </summary>
    public const int EMFILE = 24;

    /// <summary>Not a terminal, or an unknown ioctl.</summary>
    public const int ENOTTY = 25;

    /// <summary>The program file is being executed.</summary>
    public const int ETXTBSY = 26;

    /// <summary>File too large.</summary>
    public const int EFBIG = 27;

    /// <summary>No space left on the device.</summary>
    public const int ENOSPC = 28;

    /// <summary>Cannot seek.</summary>
    public const int ESPIPE = 29;

    /// <summary>Read-only file system.</summary>
    public const int EROFS = 30;

    /// <summary>Too many links.</summary>
    public const int EMLINK = 31;

    /// <summary>
    /// Broken pipe: nobody reads the other end, or this end was shut down for sending.
    /// </summary>
    public const int EPIPE = 32;

    /// <summary>Argument outside the function's domain.</summary>
    public const int EDOM = 33;

    /// <summary>Result too large.</summary>
    public const int ERANGE = 34;

    /// <summary>Would deadlock.</summary>
    public const int EDEADLK = 35;

    /// <summary>Another name for <see cref="EDEADLK"/>.</summary>
    public const int EDEADLOCK = EDEADLK;

    /// <summary>File name too long.</summary>
    public const int ENAMETOOLONG = 36;

    /// <summary>No locks available.</summary>
    public const int ENOLCK = 37;

    /// <summary>
    /// System call not implemented, or blocked. Setup: the kernel has no io_uring, or seccomp hides
    /// it.
    /// </summary>
    public const int ENOSYS = 38;

    /// <summary>Directory not empty.</summary>
    public const int ENOTEMPTY = 39;

    /// <summary>Too many symbolic links.</summary>
    public const int ELOOP = 40;

    /// <summary>No message of that type.</summary>
    public const int ENOMSG = 42;

    /// <summary>Identifier removed.</summary>
    public const int EIDRM = 43;

    /// <summary>Channel number out of range.</summary>
    public const int ECHRNG = 44;

    /// <summary>Level 2 not synchronized.</summary>
    public const int EL2NSYNC = 45;

    /// <summary>Level 3 halted.</summary>
    public const int EL3HLT = 46;

    /// <summary>Level 3 reset.</summary>
    public const int EL3RST = 47;

    /// <summary>Link number out of range.</summary>
    public const int ELNRNG = 48;

    /// <summary>Protocol driver not attached.</summary>
    public const int EUNATCH = 49;

    /// <summary>No CSI structure available.</summary>
    public const int ENOCSI = 50;

    /// <summary>Level 2 halted.</summary>
    public const int EL2HLT = 51;

    /// <summary>Invalid exchange.</summary>
    public const int EBADE = 52;

    /// <summary>Invalid request descriptor.</summary>
    public const int EBADR = 53;

    /// <summary>Exchange full.</summary>
    public const int EXFULL = 54;

    /// <summary>No anode.</summary>
    public const int ENOANO = 55;

    /// <summary>Invalid request code.</summary>
    public const int EBADRQC = 56;

    /// <summary>Invalid slot.</summary>
    public const int EBADSLT = 57;

    /// <summary>Bad font file format.</summary>
    public const int EBFONT = 59;

    /// <summary>Not a stream device.</summary>
    public const int ENOSTR = 60;

    /// <summary>No data available.</summary>
    public const int ENODATA = 61;

    /// <summary>
    /// Timer expired. A timer ran out: the normal result of TIMEOUT, of LINK_TIMEOUT that fired,
    /// and of a wait with a timeout.
    /// </summary>
    public const int ETIME = 62;

    /// <summary>Out of stream resources.</summary>
    public const int ENOSR = 63;

    /// <summary>Not on the network.</summary>
    public const int ENONET = 64;

    /// <summary>Package not installed.</summary>
    public const int ENOPKG = 65;

    /// <summary>Object is remote.</summary>
    public const int EREMOTE = 66;

    /// <summary>Link severed.</summary>
    public const int ENOLINK = 67;

    /// <summary>Advertise error.</summary>
    public const int EADV = 68;

    /// <summary>Srmount error.</summary>
    public const int ESRMNT = 69;

    /// <summary>Communication error on send.</summary>
    public const int ECOMM = 70;

    /// <summary>Protocol error.</summary>
    public const int EPROTO = 71;

    /// <summary>Multihop attempted.</summary>
    public const int EMULTIHOP = 72;

    /// <summary>RFS specific error.</summary>
    public const int EDOTDOT = 73;

    /// <summary>Bad message.</summary>
    public const int EBADMSG = 74;

    /// <summary>
    /// Value too large, or the target queue is full. MSG_RING: the target could not take the CQE.
    /// </summary>
    public const int EOVERFLOW = 75;

    /// <summary>Name not unique on the network.</summary>
    public const int ENOTUNIQ = 76;

    /// <summary>
    /// Descriptor in the wrong state (a ring: disabled). Enter: the ring is disabled.
    /// READ_MULTISHOT: the file cannot be polled. MSG_RING: not a ring.
    /// </summary>
    public const int EBADFD = 77;

    /// <summary>Remote address changed.</summary>
    public const int EREMCHG = 78;

    /// <summary>Cannot access a shared library.</summary>
    public const int ELIBACC = 79;

    /// <summary>Corrupted shared library.</summary>
    public const int ELIBBAD = 80;

    /// <summary>.lib section corrupted.</summary>
    public const int ELIBSCN = 81;

    /// <summary>Too many shared libraries.</summary>
    public const int ELIBMAX = 82;

    /// <summary>Cannot execute a shared library directly.</summary>
    public const int ELIBEXEC = 83;

    /// <summary>Invalid byte sequence.</summary>
    public const int EILSEQ = 84;

    /// <summary>Interrupted call should be restarted.</summary>
    public const int ERESTART = 85;

    /// <summary>Streams pipe error.</summary>
    public const int ESTRPIPE = 86;

    /// <summary>Too many users.</summary>
    public const int EUSERS = 87;

    /// <summary>Not a socket.</summary>
    public const int ENOTSOCK = 88;

    /// <summary>Destination address required.</summary>
    public const int EDESTADDRREQ = 89;

    /// <summary>Message too long.</summary>
    public const int EMSGSIZE = 90;

    /// <summary>Wrong protocol type for the socket.</summary>
    public const int EPROTOTYPE = 91;

    /// <summary>Unknown protocol option.</summary>
    public const int ENOPROTOOPT = 92;

    /// <summary>Protocol not supported.</summary>
    public const int EPROTONOSUPPORT = 93;

    /// <summary>Socket type not supported.</summary>
    public const int ESOCKTNOSUPPORT = 94;

    /// <summary>
    /// Operation not supported. The file cannot do this; enter: the descriptor is not a ring.
    /// </summary>
    public const int EOPNOTSUPP = 95;

    /// <summary>Another name for <see cref="EOPNOTSUPP"/>.</summary>
    public const int ENOTSUP = EOPNOTSUPP;

    /// <summary>Protocol family not supported.</summary>
    public const int EPFNOSUPPORT = 96;

    /// <summary>Address family not supported.</summary>
    public const int EAFNOSUPPORT = 97;

    /// <summary>Address already in use.</summary>
    public const int EADDRINUSE = 98;

    /// <summary>Cannot assign this address.</summary>
    public const int EADDRNOTAVAIL = 99;

    /// <summary>Network is down.</summary>
    public const int ENETDOWN = 100;

    /// <summary>Network unreachable.</summary>
    public const int ENETUNREACH = 101;

    /// <summary>Connection dropped by the network.</summary>
    public const int ENETRESET = 102;

    /// <summary>Connection aborted.</summary>
    public const int ECONNABORTED = 103;

    /// <summary>Connection reset by peer.</summary>
    public const int ECONNRESET = 104;

    /// <summary>
    /// No buffer available (a buffer group: empty). Receive or read with BUFFER_SELECT: the buffer
    /// group is empty.
    /// </summary>
    public const int ENOBUFS = 105;

    /// <summary>Already connected.</summary>
    public const int EISCONN = 106;

    /// <summary>Not connected. Shutdown, receive, getpeername without a connection.</summary>
    public const int ENOTCONN = 107;

    /// <summary>Cannot send after shutdown.</summary>
    public const int ESHUTDOWN = 108;

    /// <summary>Too many references.</summary>
    public const int ETOOMANYREFS = 109;

    /// <summary>Connection timed out.</summary>
    public const int ETIMEDOUT = 110;

    /// <summary>Connection refused.</summary>
    public const int ECONNREFUSED = 111;

    /// <summary>Host is down.</summary>
    public const int EHOSTDOWN = 112;

    /// <summary>No route to host.</summary>
    public const int EHOSTUNREACH = 113;

    /// <summary>Already in progress. Cancel: the target is already running or completing.</summary>
    public const int EALREADY = 114;

    /// <summary>Now in progress.</summary>
    public const int EINPROGRESS = 115;

    /// <summary>Stale file handle.</summary>
    public const int ESTALE = 116;

    /// <summary>Structure needs cleaning.</summary>
    public const int EUCLEAN = 117;

    /// <summary>Not a XENIX named type file.</summary>
    public const int ENOTNAM = 118;

    /// <summary>No XENIX semaphores available.</summary>
    public const int ENAVAIL = 119;

    /// <summary>Is a named type file.</summary>
    public const int EISNAM = 120;

    /// <summary>Remote input/output error.</summary>
    public const int EREMOTEIO = 121;

    /// <summary>Disk quota exceeded.</summary>
    public const int EDQUOT = 122;

    /// <summary>No medium found.</summary>
    public const int ENOMEDIUM = 123;

    /// <summary>Wrong medium type.</summary>
    public const int EMEDIUMTYPE = 124;

    /// <summary>
    /// Operation canceled. The request was cancelled, or an earlier member of its chain failed.
    /// </summary>
    public const int ECANCELED = 125;

    /// <summary>Required key not available.</summary>
    public const int ENOKEY = 126;

    /// <summary>Key has expired.</summary>
    public const int EKEYEXPIRED = 127;

    /// <summary>Key has been revoked.</summary>
    public const int EKEYREVOKED = 128;

    /// <summary>Key was rejected by the service.</summary>
    public const int EKEYREJECTED = 129;

    /// <summary>Owner died. Enter: the SQPOLL thread is gone.</summary>
    public const int EOWNERDEAD = 130;

    /// <summary>State not recoverable.</summary>
    public const int ENOTRECOVERABLE = 131;

    /// <summary>Blocked by a radio kill switch.</summary>
    public const int ERFKILL = 132;

    /// <summary>Memory page has a hardware error.</summary>
    public const int EHWPOISON = 133;

    // Name and short text by number. No entry: index 0 and the two numbers Linux does not assign.
    private static readonly (string Name, string Text)[] s_entries = MakeEntries();

    /// <summary>
    /// The symbolic name of an error, "ECONNRESET" for 104. Takes the negative form too. Zero is
    /// "OK"; a number without a name is returned as "errno 999".
    /// </summary>
    public static string Name(int errno)
    {
        uint number = Magnitude(errno);
        if (number == 0)
        {
            return "OK";
        }

        return Known(number) ? s_entries[number].Name : $"errno {number}";
    }

    /// <summary>
    /// Name and short text, "ECONNRESET: connection reset by peer" for 104. Takes the negative form
    /// too. Numbers outside the table get libc's text.
    /// </summary>
    public static string Describe(int errno)
    {
        uint number = Magnitude(errno);
        if (number == 0)
        {
            return "OK: no error";
        }

        string text = Known(number)
            ? s_entries[number].Text
            : Marshal.GetPInvokeErrorMessage((int)number);
        return $"{Name(errno)}: {text}";
    }

    // Unsigned, so that int.MinValue has a magnitude as well.
    private static uint Magnitude(int errno)
    {
        return errno < 0 ? 0u - (uint)errno : (uint)errno;
    }

    private static bool Known(uint number)
    {
        return number < (uint)s_entries.Length && s_entries[number].Name is not null;
    }

    private static (string Name, string Text)[] MakeEntries()
    {
        var entries = new (string Name, string Text)[EHWPOISON + 1];
        entries[EPERM] = (nameof(EPERM), "operation not permitted");
        entries[ENOENT] = (nameof(ENOENT), "no such file or directory");
        entries[ESRCH] = (nameof(ESRCH), "no such process");
        entries[EINTR] = (nameof(EINTR), "interrupted by a signal");
        entries[EIO] = (nameof(EIO), "input/output error");
        entries[ENXIO] = (nameof(ENXIO), "no such device or address");
        entries[E2BIG] = (nameof(E2BIG), "argument list too long");
        entries[ENOEXEC] = (nameof(ENOEXEC), "not an executable format");
        entries[EBADF] = (nameof(EBADF), "bad file descriptor");
        entries[ECHILD] = (nameof(ECHILD), "no child process");
        entries[EAGAIN] = (nameof(EAGAIN), "would block, try again");
        entries[ENOMEM] = (nameof(ENOMEM), "out of memory, or over the memlock limit");
        entries[EACCES] = (nameof(EACCES), "permission denied");
        entries[EFAULT] = (nameof(EFAULT), "bad address");
        entries[ENOTBLK] = (nameof(ENOTBLK), "block device required");
        entries[EBUSY] = (nameof(EBUSY), "device or resource busy");
        entries[EEXIST] = (nameof(EEXIST), "already exists");
        entries[EXDEV] = (nameof(EXDEV), "link across file systems");
        entries[ENODEV] = (nameof(ENODEV), "no such device");
        entries[ENOTDIR] = (nameof(ENOTDIR), "not a directory");
        entries[EISDIR] = (nameof(EISDIR), "is a directory");
        entries[EINVAL] = (nameof(EINVAL), "invalid argument");
        entries[ENFILE] = (nameof(ENFILE), "too many open files in the system, or no free slot");
        entries[EMFILE] = (nameof(EMFILE), "too many open files in the process");
        entries[ENOTTY] = (nameof(ENOTTY), "not a terminal, or an unknown ioctl");
        entries[ETXTBSY] = (nameof(ETXTBSY), "the program file is being executed");
        entries[EFBIG] = (nameof(EFBIG), "file too large");
        entries[ENOSPC] = (nameof(ENOSPC), "no space left on the device");
        entries[ESPIPE] = (nameof(ESPIPE), "cannot seek");
        entries[EROFS] = (nameof(EROFS), "read-only file system");
        entries[EMLINK] = (nameof(EMLINK), "too many links");
        entries[EPIPE] = (nameof(EPIPE), "broken pipe: nobody reads the other end, or this one was shut down");
        entries[EDOM] = (nameof(EDOM), "argument outside the function's domain");
        entries[ERANGE] = (nameof(ERANGE), "result too large");
        entries[EDEADLK] = (nameof(EDEADLK), "would deadlock");
        entries[ENAMETOOLONG] = (nameof(ENAMETOOLONG), "file name too long");
        entries[ENOLCK] = (nameof(ENOLCK), "no locks available");
        entries[ENOSYS] = (nameof(ENOSYS), "system call not implemented, or blocked");
        entries[ENOTEMPTY] = (nameof(ENOTEMPTY), "directory not empty");
        entries[ELOOP] = (nameof(ELOOP), "too many symbolic links");
        entries[ENOMSG] = (nameof(ENOMSG), "no message of that type");
        entries[EIDRM] = (nameof(EIDRM), "identifier removed");
        entries[ECHRNG] = (nameof(ECHRNG), "channel number out of range");
        entries[EL2NSYNC] = (nameof(EL2NSYNC), "level 2 not synchronized");
        entries[EL3HLT] = (nameof(EL3HLT), "level 3 halted");
        entries[EL3RST] = (nameof(EL3RST), "level 3 reset");
        entries[ELNRNG] = (nameof(ELNRNG), "link number out of range");
        entries[EUNATCH] = (nameof(EUNATCH), "protocol driver not attached");
        entries[ENOCSI] = (nameof(ENOCSI), "no CSI structure available");
        entries[EL2HLT] = (nameof(EL2HLT), "level 2 halted");
        entries[EBADE] = (nameof(EBADE), "invalid exchange");
        entries[EBADR] = (nameof(EBADR), "invalid request descriptor");
        entries[EXFULL] = (nameof(EXFULL), "exchange full");
        entries[ENOANO] = (nameof(ENOANO), "no anode");
        entries[EBADRQC] = (nameof(EBADRQC), "invalid request code");
        entries[EBADSLT] = (nameof(EBADSLT), "invalid slot");
        entries[EBFONT] = (nameof(EBFONT), "bad font file format");
        entries[ENOSTR] = (nameof(ENOSTR), "not a stream device");
        entries[ENODATA] = (nameof(ENODATA), "no data available");
        entries[ETIME] = (nameof(ETIME), "timer expired");
        entries[ENOSR] = (nameof(ENOSR), "out of stream resources");
        entries[ENONET] = (nameof(ENONET), "not on the network");
        entries[ENOPKG] = (nameof(ENOPKG), "package not installed");
        entries[EREMOTE] = (nameof(EREMOTE), "object is remote");
        entries[ENOLINK] = (nameof(ENOLINK), "link severed");
        entries[EADV] = (nameof(EADV), "advertise error");
        entries[ESRMNT] = (nameof(ESRMNT), "srmount error");
        entries[ECOMM] = (nameof(ECOMM), "communication error on send");
        entries[EPROTO] = (nameof(EPROTO), "protocol error");
        entries[EMULTIHOP] = (nameof(EMULTIHOP), "multihop attempted");
        entries[EDOTDOT] = (nameof(EDOTDOT), "RFS specific error");
        entries[EBADMSG] = (nameof(EBADMSG), "bad message");
        entries[EOVERFLOW] = (nameof(EOVERFLOW), "value too large, or the target queue is full");
        entries[ENOTUNIQ] = (nameof(ENOTUNIQ), "name not unique on the network");
        entries[EBADFD] = (nameof(EBADFD), "descriptor in the wrong state (a ring: disabled)");
        entries[EREMCHG] = (nameof(EREMCHG), "remote address changed");
        entries[ELIBACC] = (nameof(ELIBACC), "cannot access a shared library");
        entries[ELIBBAD] = (nameof(ELIBBAD), "corrupted shared library");
        entries[ELIBSCN] = (nameof(ELIBSCN), ".lib section corrupted");
        entries[ELIBMAX] = (nameof(ELIBMAX), "too many shared libraries");
        entries[ELIBEXEC] = (nameof(ELIBEXEC), "cannot execute a shared library directly");
        entries[EILSEQ] = (nameof(EILSEQ), "invalid byte sequence");
        entries[ERESTART] = (nameof(ERESTART), "interrupted call should be restarted");
        entries[ESTRPIPE] = (nameof(ESTRPIPE), "streams pipe error");
        entries[EUSERS] = (nameof(EUSERS), "too many users");
        entries[ENOTSOCK] = (nameof(ENOTSOCK), "not a socket");
        entries[EDESTADDRREQ] = (nameof(EDESTADDRREQ), "destination address required");
        entries[EMSGSIZE] = (nameof(EMSGSIZE), "message too long");
        entries[EPROTOTYPE] = (nameof(EPROTOTYPE), "wrong protocol type for the socket");
        entries[ENOPROTOOPT] = (nameof(ENOPROTOOPT), "unknown protocol option");
        entries[EPROTONOSUPPORT] = (nameof(EPROTONOSUPPORT), "protocol not supported");
        entries[ESOCKTNOSUPPORT] = (nameof(ESOCKTNOSUPPORT), "socket type not supported");
        entries[EOPNOTSUPP] = (nameof(EOPNOTSUPP), "operation not supported");
        entries[EPFNOSUPPORT] = (nameof(EPFNOSUPPORT), "protocol family not supported");
        entries[EAFNOSUPPORT] = (nameof(EAFNOSUPPORT), "address family not supported");
        entries[EADDRINUSE] = (nameof(EADDRINUSE), "address already in use");
        entries[EADDRNOTAVAIL] = (nameof(EADDRNOTAVAIL), "cannot assign this address");
        entries[ENETDOWN] = (nameof(ENETDOWN), "network is down");
        entries[ENETUNREACH] = (nameof(ENETUNREACH), "network unreachable");
        entries[ENETRESET] = (nameof(ENETRESET), "connection dropped by the network");
        entries[ECONNABORTED] = (nameof(ECONNABORTED), "connection aborted");
        entries[ECONNRESET] = (nameof(ECONNRESET), "connection reset by peer");
        entries[ENOBUFS] = (nameof(ENOBUFS), "no buffer available (a buffer group: empty)");
        entries[EISCONN] = (nameof(EISCONN), "already connected");
        entries[ENOTCONN] = (nameof(ENOTCONN), "not connected");
        entries[ESHUTDOWN] = (nameof(ESHUTDOWN), "cannot send after shutdown");
        entries[ETOOMANYREFS] = (nameof(ETOOMANYREFS), "too many references");
        entries[ETIMEDOUT] = (nameof(ETIMEDOUT), "connection timed out");
        entries[ECONNREFUSED] = (nameof(ECONNREFUSED), "connection refused");
        entries[EHOSTDOWN] = (nameof(EHOSTDOWN), "host is down");
        entries[EHOSTUNREACH] = (nameof(EHOSTUNREACH), "no route to host");
        entries[EALREADY] = (nameof(EALREADY), "already in progress");
        entries[EINPROGRESS] = (nameof(EINPROGRESS), "now in progress");
        entries[ESTALE] = (nameof(ESTALE), "stale file handle");
        entries[EUCLEAN] = (nameof(EUCLEAN), "structure needs cleaning");
        entries[ENOTNAM] = (nameof(ENOTNAM), "not a XENIX named type file");
        entries[ENAVAIL] = (nameof(ENAVAIL), "no XENIX semaphores available");
        entries[EISNAM] = (nameof(EISNAM), "is a named type file");
        entries[EREMOTEIO] = (nameof(EREMOTEIO), "remote input/output error");
        entries[EDQUOT] = (nameof(EDQUOT), "disk quota exceeded");
        entries[ENOMEDIUM] = (nameof(ENOMEDIUM), "no medium found");
        entries[EMEDIUMTYPE] = (nameof(EMEDIUMTYPE), "wrong medium type");
        entries[ECANCELED] = (nameof(ECANCELED), "operation canceled");
        entries[ENOKEY] = (nameof(ENOKEY), "required key not available");
        entries[EKEYEXPIRED] = (nameof(EKEYEXPIRED), "key has expired");
        entries[EKEYREVOKED] = (nameof(EKEYREVOKED), "key has been revoked");
        entries[EKEYREJECTED] = (nameof(EKEYREJECTED), "key was rejected by the service");
        entries[EOWNERDEAD] = (nameof(EOWNERDEAD), "owner died");
        entries[ENOTRECOVERABLE] = (nameof(ENOTRECOVERABLE), "state not recoverable");
        entries[ERFKILL] = (nameof(ERFKILL), "blocked by a radio kill switch");
        entries[EHWPOISON] = (nameof(EHWPOISON), "memory page has a hardware error");
        return entries;
    }
}

// Layer: Sys. Every request the kernel knows, with the SQE fields it reads, what it reports, and
// where it runs. Ops/ has one prep method per opcode it uses and follows these lines literally.
// This file names opcodes; whether the running kernel has one is asked by Ring/ with the probe.
//
// How to read an entry:
//   Reads:   SQE fields that count, in the names of Sqe.cs. "Zero:" lists fields the kernel checks;
//            any other field is best left zero too.
//   Result:  cqe.res on success; every failure is -errno. "More:" CQE flags worth looking for.
//   Runs:    inline = tried at once in the submitting call, and if the file would block, waited for
//            by poll without a thread. worker = always handed to an io-wq thread. Measured on 6.18.
//   Memory an address points to must stay until the terminal CQE where the entry says "lent";
//   argument structs (iovec, msghdr for sends, sockaddr for connect, timespec, paths, open_how)
//   are copied when the SQE is consumed (IORING_FEAT_SUBMIT_STABLE).
namespace RingCore.Sys;

/// <summary>
/// Values of <see cref="io_uring_sqe.opcode"/>. An opcode the kernel lacks completes with -EINVAL.
/// </summary>
public enum io_uring_op : byte
{
    /// <summary>
    /// Nothing, for tests and for waking a waiter. Reads: nop_flags (6.10), len with
    /// INJECT_RESULT. Result: 0, or the injected value. Runs: inline. Since 5.1.
    /// </summary>
    IORING_OP_NOP = 0,

    /// <summary>
    /// preadv2. Reads: fd, off (-1: file position), addr = iovec array, len = its count, rw_flags,
    /// ioprio, buf_group with BUFFER_SELECT (exactly one iovec). Data lent. Result: bytes, 0 at the
    /// end. Runs: inline by poll, or a worker for regular files that are not in the page cache of
    /// a file system that can wait asynchronously. Since 5.1.
    /// </summary>
    IORING_OP_READV = 1,

    /// <summary>
    /// pwritev2. Reads: fd, off (-1: file position), addr = iovec array, len = its count, rw_flags,
    /// ioprio. Data lent. Result: bytes. Runs: inline by poll; buffered writes to regular files
    /// mostly in a worker, one at a time per file. Since 5.1.
    /// </summary>
    IORING_OP_WRITEV = 2,

    /// <summary>
    /// fsync, fdatasync. Reads: fd, fsync_flags, off and len (a range; both 0: all). Zero: addr,
    /// buf_index, splice_fd_in. Does not wait for writes still in flight: link it behind them.
    /// Result: 0. Runs: worker. Since 5.1.
    /// </summary>
    IORING_OP_FSYNC = 3,

    /// <summary>
    /// Read into a registered buffer. Reads: fd, off, addr (inside the buffer), len, buf_index,
    /// rw_flags, ioprio. Result: bytes. Runs: as READ, without pinning pages each time. Since 5.1.
    /// </summary>
    IORING_OP_READ_FIXED = 4,

    /// <summary>
    /// Write from a registered buffer. Reads: fd, off, addr (inside the buffer), len, buf_index,
    /// rw_flags, ioprio. Result: bytes. Runs: as WRITE, without pinning pages each time. Since 5.1.
    /// </summary>
    IORING_OP_WRITE_FIXED = 5,

    /// <summary>
    /// Waits until a file is ready. Reads: fd, poll32_events, len = IORING_POLL_ADD_* flags. Zero:
    /// off, addr, buf_index. Result: the ready mask. More: MORE on each CQE with MULTI. Runs:
    /// inline. Since 5.1, multishot 5.13.
    /// </summary>
    IORING_OP_POLL_ADD = 6,

    /// <summary>
    /// Removes or changes a poll. Reads: addr = user_data of the poll, len = IORING_POLL_UPDATE_*
    /// flags, off = new user_data, poll32_events = new mask. Zero: buf_index, splice_fd_in. Result:
    /// 0, -ENOENT if there is none, -EALREADY if it is completing; a removed poll ends with
    /// -ECANCELED. Runs: inline. Since 5.1, changing 5.13.
    /// </summary>
    IORING_OP_POLL_REMOVE = 7,

    /// <summary>
    /// sync_file_range. Reads: fd, off, len, sync_range_flags. Zero: addr. Result: 0. Runs: worker.
    /// Since 5.2.
    /// </summary>
    IORING_OP_SYNC_FILE_RANGE = 8,

    /// <summary>
    /// sendmsg. Reads: fd, addr = msghdr, len = 1, msg_flags, ioprio = IORING_RECVSEND_* flags.
    /// Zero: addr2, file_index. Data lent. Never raises SIGPIPE. Result: bytes. Runs: inline. Since
    /// 5.3.
    /// </summary>
    IORING_OP_SENDMSG = 9,

    /// <summary>
    /// recvmsg. Reads: fd, addr = msghdr, len = 1, msg_flags, ioprio = IORING_RECV* flags,
    /// buf_group. Zero: addr2, file_index. The msghdr, name area, control area and data are lent.
    /// Result: bytes; multishot buffers begin with an <c>io_uring_recvmsg_out</c>. More:
    /// BUFFER, SOCK_NONEMPTY, MORE. Runs: inline. Since 5.3, multishot 6.0.
    /// </summary>
    IORING_OP_RECVMSG = 10,

    /// <summary>
    /// A timer, or a count of completions. Reads: addr = timespec, len = 1, off = how many other
    /// CQEs end it early (0: only time; with MULTISHOT: how often to fire, 0 for ever),
    /// timeout_flags. Zero: buf_index, splice_fd_in. Result: -ETIME when time is up, 0 when the
    /// count was reached, -ECANCELED when removed. Its CQE ends any wait in enter, whatever
    /// min_complete. Runs: inline. Since 5.4, multishot 6.4.
    /// </summary>
    IORING_OP_TIMEOUT = 11,

    /// <summary>
    /// Removes or changes a timer. Reads: addr = user_data of the timer; with
    /// IORING_TIMEOUT_UPDATE in timeout_flags addr2 = new timespec. Zero: len, buf_index,
    /// splice_fd_in. Result: 0, -ENOENT if there is none, -EALREADY if it is firing. Runs: inline.
    /// Since 5.5, changing 5.11.
    /// </summary>
    IORING_OP_TIMEOUT_REMOVE = 12,

    /// <summary>
    /// accept4. Reads: fd, addr = room for the peer's address or 0, addr2 = address of its length,
    /// accept_flags, ioprio = IORING_ACCEPT_* flags, file_index. Zero: len, buf_index. Address and
    /// length lent. Result: descriptor, or slot. More: MORE with MULTISHOT, SOCK_NONEMPTY (6.10)
    /// when more connections wait. Runs: inline. Since 5.5, direct 5.15, multishot 5.19.
    /// </summary>
    IORING_OP_ACCEPT = 13,

    /// <summary>
    /// Asks other requests to end. Reads: addr = user_data, or fd with the FD key, or len = opcode
    /// with the OP key; cancel_flags. Zero: off, splice_fd_in. Result: 0 for one, a count with ALL
    /// or ANY, -ENOENT if none, -EALREADY if it already runs in a worker and may not be stopped.
    /// The target still posts its own CQE, with -ECANCELED or with a result. Runs: inline. Since
    /// 5.5, keys 5.19.
    /// </summary>
    IORING_OP_ASYNC_CANCEL = 14,

    /// <summary>
    /// A time limit for the request before it, which must carry IO_LINK or IO_HARDLINK. Reads: addr
    /// = timespec, len = 1, timeout_flags. Zero: off. Result: -ETIME it fired, -ECANCELED the
    /// request was in time, -ENOENT or -EALREADY it fired but could not cancel; -EINVAL when it
    /// stands alone. Runs: inline. Since 5.5.
    /// </summary>
    IORING_OP_LINK_TIMEOUT = 15,

    /// <summary>
    /// connect. Reads: fd, addr = sockaddr, off = its length. Zero: len, buf_index, rw_flags,
    /// splice_fd_in. Result: 0. Runs: inline, waits also when the socket is non-blocking. Since
    /// 5.5.
    /// </summary>
    IORING_OP_CONNECT = 16,

    /// <summary>
    /// fallocate. Reads: fd, off, addr = length (64 bits), len = mode. Zero: rw_flags, buf_index,
    /// splice_fd_in. Result: 0. Runs: worker. Since 5.6.
    /// </summary>
    IORING_OP_FALLOCATE = 17,

    /// <summary>
    /// openat. Reads: fd = directory or AT_FDCWD, addr = path, len = mode, open_flags, file_index.
    /// Zero: buf_index. Result: descriptor; with a given slot 0; with FILE_INDEX_ALLOC the slot.
    /// Runs: inline if the path is cached and nothing is created or cut, else worker. Since 5.6,
    /// direct 5.15.
    /// </summary>
    IORING_OP_OPENAT = 18,

    /// <summary>
    /// close. Reads: fd, or fd = 0 and file_index = slot + 1. Zero: off, addr, len, rw_flags,
    /// buf_index. Requests in flight on the file keep it open. Result: 0, -EBADF. Runs: inline;
    /// worker if the file system must flush at close. Since 5.6, direct 5.15.
    /// </summary>
    IORING_OP_CLOSE = 19,

    /// <summary>
    /// Updates the registered file table. Reads: addr = array of descriptors, len = count, off =
    /// first slot (all ones: allocate, slots are written into the array, 6.0). Zero: rw_flags,
    /// splice_fd_in. Array lent. Result: how many were done. Runs: inline. Since 5.6.
    /// </summary>
    IORING_OP_FILES_UPDATE = 20,

    /// <summary>
    /// statx. Reads: fd = directory, addr = path, len = mask, off = address of the statx buffer,
    /// statx_flags. Zero: buf_index, splice_fd_in. Buffer lent. Result: 0. Runs: worker. Since 5.6.
    /// </summary>
    IORING_OP_STATX = 21,

    /// <summary>
    /// pread with one buffer. Reads: fd, off (-1: file position; sockets: 0, -1 since 5.17), addr,
    /// len, rw_flags, ioprio, buf_group with BUFFER_SELECT. Buffer lent. Result: bytes, 0 at the end. More: BUFFER. Runs:
    /// inline by poll on pipes, sockets, eventfds (also when O_NONBLOCK; RWF_NOWAIT gives -EAGAIN).
    /// Regular files: inline when cached, and on ext4 also when not; worker on tmpfs. An eventfd
    /// needs len of 8 at least. Since 5.6.
    /// </summary>
    IORING_OP_READ = 22,

    /// <summary>
    /// pwrite with one buffer. Reads: fd, off (-1: file position), addr, len, rw_flags, ioprio.
    /// Buffer lent. Raises SIGPIPE on a broken pipe or socket (SEND does not). Result: bytes. Runs:
    /// inline by poll on pipes and sockets; buffered writes to ext4 and tmpfs in a worker, one at a
    /// time per file; O_DIRECT over allocated blocks inline. Since 5.6.
    /// </summary>
    IORING_OP_WRITE = 23,

    /// <summary>
    /// posix_fadvise. Reads: fd, off, len (or, on newer kernels, a 64-bit length in addr),
    /// fadvise_advice. Zero: buf_index, splice_fd_in. Result: 0. Runs: inline for NORMAL, RANDOM
    /// and SEQUENTIAL, else worker. Since 5.6.
    /// </summary>
    IORING_OP_FADVISE = 24,

    /// <summary>
    /// madvise. Reads: addr, len (or, on newer kernels, a 64-bit length in off), fadvise_advice.
    /// Zero: buf_index, splice_fd_in. Result: 0. Runs: worker. Since 5.6.
    /// </summary>
    IORING_OP_MADVISE = 25,

    /// <summary>
    /// send. Reads: fd, addr, len, msg_flags, ioprio = IORING_RECVSEND_* flags; for a destination
    /// addr2 = sockaddr and addr_len (newer kernels); buf_group with BUFFER_SELECT (6.10). Buffer
    /// lent. Never raises SIGPIPE (5.12; before, MSG_NOSIGNAL is needed). Result: bytes, maybe fewer
    /// than asked unless MSG_WAITALL (5.19). More: BUFFER. Runs: inline; several sends in flight on
    /// one stream may leave in any order. Since 5.6.
    /// </summary>
    IORING_OP_SEND = 26,

    /// <summary>
    /// recv. Reads: fd, addr, len (with BUFFER_SELECT 0 is the whole buffer since 6.0, before that
    /// nothing), msg_flags, ioprio = IORING_RECV* flags, buf_group. Zero: addr2.
    /// Multishot: addr 0, len 0 or the most per CQE (6.17), optlen the most in all (6.17). Buffer
    /// lent. Result: bytes, 0 at the end of the stream. More: BUFFER, MORE, SOCK_NONEMPTY,
    /// BUF_MORE. Multishot ends with -ENOBUFS when the group is empty. Runs: inline. Since 5.6,
    /// multishot 6.0.
    /// </summary>
    IORING_OP_RECV = 27,

    /// <summary>
    /// openat2. Reads: fd = directory, addr = path, len = size of open_how (24), off = address of
    /// open_how, file_index. Zero: buf_index. Result and place: as OPENAT. Since 5.6, direct 5.15.
    /// </summary>
    IORING_OP_OPENAT2 = 28,

    /// <summary>
    /// epoll_ctl. Reads: fd = epoll descriptor, off = target descriptor, len = EPOLL_CTL_*, addr =
    /// epoll_event. Zero: buf_index, splice_fd_in. Result: 0. Runs: inline. Since 5.6.
    /// </summary>
    IORING_OP_EPOLL_CTL = 29,

    /// <summary>
    /// splice. Reads: fd = destination, off = its offset (-1: pipe), splice_fd_in, splice_off_in
    /// (-1: pipe), len, splice_flags. Result: bytes. Runs: worker. Since 5.7.
    /// </summary>
    IORING_OP_SPLICE = 30,

    /// <summary>
    /// Adds buffers to a group, the old way; a buffer ring needs no request. Reads: fd = count,
    /// addr, len = size of each, off = first id, buf_group. Zero: rw_flags, splice_fd_in. Result:
    /// 0. Runs: inline. Since 5.7.
    /// </summary>
    IORING_OP_PROVIDE_BUFFERS = 31,

    /// <summary>
    /// Takes buffers out of such a group. Reads: fd = count, buf_group. Zero: addr, len, off,
    /// rw_flags, splice_fd_in. Result: how many. Runs: inline. Since 5.7.
    /// </summary>
    IORING_OP_REMOVE_BUFFERS = 32,

    /// <summary>
    /// tee. Reads: as SPLICE, both offsets zero. Result: bytes. Runs: worker. Since 5.8.
    /// </summary>
    IORING_OP_TEE = 33,

    /// <summary>
    /// shutdown. Reads: fd, len = SHUT_*. Zero: off, addr, rw_flags, buf_index, splice_fd_in.
    /// Result: 0, -ENOTCONN. Runs: worker, although the plain call never blocks. Since 5.11.
    /// </summary>
    IORING_OP_SHUTDOWN = 34,

    /// <summary>
    /// renameat2. Reads: fd = old directory, addr = old path, len = new directory, addr2 = new
    /// path, rename_flags. Zero: buf_index, splice_fd_in. Result: 0. Runs: worker. Since 5.11.
    /// </summary>
    IORING_OP_RENAMEAT = 35,

    /// <summary>
    /// unlinkat. Reads: fd = directory, addr = path, unlink_flags. Zero: off, len, buf_index,
    /// splice_fd_in. Result: 0. Runs: worker. Since 5.11.
    /// </summary>
    IORING_OP_UNLINKAT = 36,

    /// <summary>
    /// mkdirat. Reads: fd = directory, addr = path, len = mode. Zero: off, rw_flags, buf_index,
    /// splice_fd_in. Result: 0. Runs: worker. Since 5.15.
    /// </summary>
    IORING_OP_MKDIRAT = 37,

    /// <summary>
    /// symlinkat. Reads: fd = directory of the link, addr = target text, addr2 = link path. Zero:
    /// len, rw_flags, buf_index, splice_fd_in. Result: 0. Runs: worker. Since 5.15.
    /// </summary>
    IORING_OP_SYMLINKAT = 38,

    /// <summary>
    /// linkat. Reads: fd = old directory, addr = old path, len = new directory, addr2 = new path,
    /// hardlink_flags. Zero: buf_index, splice_fd_in. Result: 0. Runs: worker. Since 5.15.
    /// </summary>
    IORING_OP_LINKAT = 39,

    /// <summary>
    /// Posts a CQE on another ring, or moves a registered file there. Reads: fd = the target ring,
    /// addr = IORING_MSG_DATA or IORING_MSG_SEND_FD, off = user_data there, len = res there, addr3
    /// = source slot, file_index = target slot + 1 (or the CQE flags with FLAGS_PASS),
    /// msg_ring_flags. Zero: buf_index, personality. Result for the sender: 0, or the slot with
    /// FILE_INDEX_ALLOC; -EBADFD if it is no ring or is disabled, -EOVERFLOW if the target's CQ is
    /// full, -EOWNERDEAD in some cases where the target's task is gone. Runs: inline. Since 5.18,
    /// files 6.0.
    /// </summary>
    IORING_OP_MSG_RING = 40,

    /// <summary>
    /// fsetxattr. Reads: fd, addr = name, addr2 = value, len = its size, xattr_flags. Result: 0.
    /// Runs: worker. Since 5.19.
    /// </summary>
    IORING_OP_FSETXATTR = 41,

    /// <summary>
    /// setxattr. Reads: addr3 = path, addr = name, addr2 = value, len = its size, xattr_flags.
    /// Result: 0. Runs: worker. Since 5.19.
    /// </summary>
    IORING_OP_SETXATTR = 42,

    /// <summary>
    /// fgetxattr. Reads: fd, addr = name, addr2 = room for the value, len = its size. Zero:
    /// xattr_flags. Room lent. Result: size of the value. Runs: worker. Since 5.19.
    /// </summary>
    IORING_OP_FGETXATTR = 43,

    /// <summary>
    /// getxattr. Reads: addr3 = path, addr = name, addr2 = room for the value, len = its size.
    /// Zero: xattr_flags. Room lent. Result: size of the value. Runs: worker. Since 5.19.
    /// </summary>
    IORING_OP_GETXATTR = 44,

    /// <summary>
    /// socket. Reads: fd = domain, off = type, len = protocol, file_index. Zero: addr, rw_flags,
    /// buf_index. SOCK_CLOEXEC with a direct descriptor gives -EINVAL. Result: descriptor; with a
    /// given slot 0; with FILE_INDEX_ALLOC the slot. Runs: inline. Since 5.19.
    /// </summary>
    IORING_OP_SOCKET = 45,

    /// <summary>
    /// A command for the file's driver. Reads: fd, cmd_op, cmd bytes, uring_cmd_flags, buf_index
    /// with FIXED. Zero: pad1. On sockets: SOCKET_URING_OP_*, with level, optname, optlen, optval.
    /// Result: the command's own. Runs: inline. Since 5.19, sockets 6.7.
    /// </summary>
    IORING_OP_URING_CMD = 46,

    /// <summary>
    /// send without copying. Reads: as SEND, plus buf_index with FIXED_BUF. Zero: addr3, pad2; not
    /// with CQE_SKIP_SUCCESS. Result, two CQEs: bytes or a failure, with MORE if a notification
    /// follows (a failure may have one too); then NOTIF, with res 0 or COPIED. The buffer is lent
    /// until the notification. Runs: inline. Since 6.0.
    /// </summary>
    IORING_OP_SEND_ZC = 47,

    /// <summary>
    /// sendmsg without copying. Reads: as SENDMSG; FIXED_BUF since 6.15. Result: as SEND_ZC. Runs:
    /// inline. Since 6.1.
    /// </summary>
    IORING_OP_SENDMSG_ZC = 48,

    /// <summary>
    /// Reads again and again into buffers of a group, from pipes, sockets and other pollable files
    /// (-EBADFD otherwise). Reads: fd, off = 0 or -1, buf_group; BUFFER_SELECT is a must. Zero:
    /// addr, len. Result: bytes. More: BUFFER, MORE. Runs: inline. Since 6.7.
    /// </summary>
    IORING_OP_READ_MULTISHOT = 49,

    /// <summary>
    /// waitid. Reads: len = id type, fd = id, addr2 = siginfo, file_index = options. Zero: addr,
    /// buf_index, addr3, waitid_flags. The siginfo is lent. Result: 0. Runs: inline, waits without
    /// a thread. Since 6.7.
    /// </summary>
    IORING_OP_WAITID = 50,

    /// <summary>
    /// Waits on a futex. Reads: addr = the futex, off = expected value, addr3 = wake mask, fd =
    /// FUTEX2_* flags. Zero: len, futex_flags, buf_index, file_index. The futex is lent. Result: 0
    /// when woken, -EAGAIN if the value differs. Runs: inline, waits without a thread. Since 6.7.
    /// </summary>
    IORING_OP_FUTEX_WAIT = 51,

    /// <summary>
    /// Wakes waiters of a futex. Reads: addr = the futex, off = how many, addr3 = wake mask, fd =
    /// FUTEX2_* flags. Zero: len, futex_flags, buf_index, file_index. Result: how many woke. Runs:
    /// inline. Since 6.7.
    /// </summary>
    IORING_OP_FUTEX_WAKE = 52,

    /// <summary>
    /// Waits on several futexes. Reads: addr = array of futex_waitv, len = its count. Zero: fd,
    /// off, addr3, futex_flags, buf_index, file_index. Result: index of the one that woke. Runs:
    /// inline, waits without a thread. Since 6.7.
    /// </summary>
    IORING_OP_FUTEX_WAITV = 53,

    /// <summary>
    /// Makes an ordinary descriptor for a registered file. Reads: fd = slot, with IOSQE_FIXED_FILE;
    /// install_fd_flags. Zero: everything else. Result: descriptor, closed on exec unless
    /// NO_CLOEXEC. Runs: inline. Since 6.8.
    /// </summary>
    IORING_OP_FIXED_FD_INSTALL = 54,

    /// <summary>
    /// ftruncate. Reads: fd, off = length. Zero: everything else. Result: 0. Runs: worker. Since
    /// 6.9.
    /// </summary>
    IORING_OP_FTRUNCATE = 55,

    /// <summary>
    /// bind. Reads: fd, addr = sockaddr, addr2 = its length. Zero: len, buf_index, rw_flags,
    /// splice_fd_in. Result: 0. Runs: inline. Since 6.11.
    /// </summary>
    IORING_OP_BIND = 56,

    /// <summary>
    /// listen. Reads: fd, len = backlog. Zero: addr, addr2, buf_index, rw_flags, splice_fd_in.
    /// Result: 0. Runs: inline. Since 6.11.
    /// </summary>
    IORING_OP_LISTEN = 57,

    /// <summary>
    /// Receives into a registered network queue without copying. Reads: fd, zcrx_ifq_idx, ioprio
    /// with MULTISHOT, len = the most in all. Zero: addr, addr2, addr3. Needs DEFER_TASKRUN and
    /// 32-byte CQEs, whose second half tells where the data is. Result: bytes. More: MORE. Runs:
    /// inline. Since 6.15.
    /// </summary>
    IORING_OP_RECV_ZC = 58,

    /// <summary>
    /// epoll_wait. Reads: fd = epoll descriptor, addr = array of epoll_event, len = its count.
    /// Zero: off, rw_flags, buf_index, splice_fd_in. Array lent. Result: how many events. Runs:
    /// inline. Since 6.15.
    /// </summary>
    IORING_OP_EPOLL_WAIT = 59,

    /// <summary>
    /// READV whose pieces all lie in registered buffer buf_index. Result: bytes. Runs: as READV.
    /// Since 6.15.
    /// </summary>
    IORING_OP_READV_FIXED = 60,

    /// <summary>
    /// WRITEV whose pieces all lie in registered buffer buf_index. Result: bytes. Runs: as WRITEV.
    /// Since 6.15.
    /// </summary>
    IORING_OP_WRITEV_FIXED = 61,

    /// <summary>
    /// pipe2. Reads: addr = two ints, pipe_flags, file_index (slot + 1 takes that slot and the
    /// next; or FILE_INDEX_ALLOC). Zero: fd, off, addr3. The ints are lent. Result: 0, and the
    /// descriptors or slots in the ints. Runs: inline. Since 6.16.
    /// </summary>
    IORING_OP_PIPE = 62,

    /// <summary>NOP in a 128-byte SQE on a ring with mixed SQE sizes. Since 6.19.</summary>
    IORING_OP_NOP128 = 63,

    /// <summary>URING_CMD in a 128-byte SQE on a ring with mixed SQE sizes. Since 6.19.</summary>
    IORING_OP_URING_CMD128 = 64,
}

// Tests: the x86-64 numbers of the system calls that deploy/seccomp-ringcore.json names, as asm/unistd_64.h has them. A container
// runtime knows them from libseccomp.

namespace RingCore.Tests.Refused;

internal static class SyscallNumbers
{
    private const string Table = """
        read 0  write 1  open 2  close 3  stat 4  fstat 5  lstat 6  poll 7  lseek 8  mmap 9  mprotect 10  munmap 11  brk 12
        rt_sigaction 13  rt_sigprocmask 14  rt_sigreturn 15  ioctl 16  pread64 17  pwrite64 18  readv 19  writev 20
        access 21  sched_yield 24  mremap 25  mincore 27  madvise 28  dup 32  dup2 33  nanosleep 35  getpid 39  socket 41
        connect 42  sendto 44  recvfrom 45  sendmsg 46  recvmsg 47  shutdown 48  bind 49  listen 50  getsockname 51
        getpeername 52  socketpair 53  setsockopt 54  getsockopt 55  clone 56  execve 59  exit 60  kill 62  uname 63
        fcntl 72  flock 73  fsync 74  ftruncate 77  getcwd 79  chdir 80  fchdir 81  unlink 87  readlink 89  fchmod 91
        umask 95  gettimeofday 96  getrlimit 97  getrusage 98  sysinfo 99  times 100  getuid 102  getgid 104  setuid 105
        setgid 106  geteuid 107  getegid 108  getppid 110  getgroups 115  setgroups 116  getsid 124  capget 125  capset 126
        rt_sigtimedwait 128  sigaltstack 131  mknod 133  statfs 137  fstatfs 138  getpriority 140  sched_getparam 143
        sched_setscheduler 144  sched_getscheduler 145  sched_get_priority_max 146  sched_get_priority_min 147  mlock 149
        prctl 157  arch_prctl 158  gettid 186  time 201  futex 202  sched_setaffinity 203  sched_getaffinity 204
        getdents64 217  set_tid_address 218  restart_syscall 219  clock_gettime 228  clock_getres 229  clock_nanosleep 230
        exit_group 231  epoll_ctl 233  tgkill 234  get_mempolicy 239  openat 257  mknodat 259  newfstatat 262  unlinkat 263
        readlinkat 267  faccessat 269  ppoll 271  set_robust_list 273  get_robust_list 274  epoll_pwait 281  accept4 288
        eventfd2 290  epoll_create1 291  dup3 292  pipe2 293  prlimit64 302  getcpu 309  getrandom 318  memfd_create 319
        membarrier 324  statx 332  rseq 334  io_uring_setup 425  io_uring_enter 426  io_uring_register 427  clone3 435
        close_range 436  openat2 437  faccessat2 439
        """;

    internal static readonly Dictionary<string, uint> X64 = Table.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Chunk(2).ToDictionary(pair => pair[0], pair => uint.Parse(pair[1]));
}

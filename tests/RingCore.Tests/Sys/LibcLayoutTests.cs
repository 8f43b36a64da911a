// Tests: Sys. The layout of libc's structs, as literals: total size, offset and size of each field.
// A field without a line here fails the test of its struct. The io_uring structs are in
// LayoutTests.
using RingCore.Sys;

namespace RingCore.Tests.Sys;

public sealed unsafe class LibcLayoutTests
{
    [Fact]
    public void iovec_MatchesTheKernel()
    {
        iovec s = default;
        var golden = new GoldenLayout<iovec>(&s, size: 16);
        golden.Field(nameof(s.iov_base), (nint*)&s.iov_base, offset: 0, size: 8);
        golden.Field(nameof(s.iov_len), &s.iov_len, offset: 8, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void pollfd_MatchesTheKernel()
    {
        pollfd s = default;
        var golden = new GoldenLayout<pollfd>(&s, size: 8);
        golden.Field(nameof(s.fd), &s.fd, offset: 0, size: 4);
        golden.Field(nameof(s.events), &s.events, offset: 4, size: 2);
        golden.Field(nameof(s.revents), &s.revents, offset: 6, size: 2);
        golden.NothingForgotten();
    }

    [Fact]
    public void msghdr_MatchesTheKernel()
    {
        msghdr s = default;
        var golden = new GoldenLayout<msghdr>(&s, size: 56);
        golden.Field(nameof(s.msg_name), (nint*)&s.msg_name, offset: 0, size: 8);
        golden.Field(nameof(s.msg_namelen), &s.msg_namelen, offset: 8, size: 4);
        golden.Field(nameof(s.msg_iov), (nint*)&s.msg_iov, offset: 16, size: 8);
        golden.Field(nameof(s.msg_iovlen), &s.msg_iovlen, offset: 24, size: 8);
        golden.Field(nameof(s.msg_control), (nint*)&s.msg_control, offset: 32, size: 8);
        golden.Field(nameof(s.msg_controllen), &s.msg_controllen, offset: 40, size: 8);
        golden.Field(nameof(s.msg_flags), &s.msg_flags, offset: 48, size: 4);
        golden.NothingForgotten();
    }

    [Fact]
    public void sockaddr_in_MatchesTheKernel()
    {
        sockaddr_in s = default;
        var golden = new GoldenLayout<sockaddr_in>(&s, size: 16);
        golden.Field(nameof(s.sin_family), &s.sin_family, offset: 0, size: 2);
        golden.Field(nameof(s.sin_port), &s.sin_port, offset: 2, size: 2);
        golden.Field(nameof(s.sin_addr), &s.sin_addr, offset: 4, size: 4);
        golden.Field(nameof(s.sin_zero), &s.sin_zero, offset: 8, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void sockaddr_in6_MatchesTheKernel()
    {
        sockaddr_in6 s = default;
        var golden = new GoldenLayout<sockaddr_in6>(&s, size: 28);
        golden.Field(nameof(s.sin6_family), &s.sin6_family, offset: 0, size: 2);
        golden.Field(nameof(s.sin6_port), &s.sin6_port, offset: 2, size: 2);
        golden.Field(nameof(s.sin6_flowinfo), &s.sin6_flowinfo, offset: 4, size: 4);
        golden.Bytes(nameof(s.sin6_addr), s.sin6_addr, offset: 8, count: 16);
        golden.Field(nameof(s.sin6_scope_id), &s.sin6_scope_id, offset: 24, size: 4);
        golden.NothingForgotten();
    }

    [Fact]
    public void sockaddr_un_MatchesTheKernel()
    {
        sockaddr_un s = default;
        var golden = new GoldenLayout<sockaddr_un>(&s, size: 110);
        golden.Field(nameof(s.sun_family), &s.sun_family, offset: 0, size: 2);
        golden.Bytes(nameof(s.sun_path), s.sun_path, offset: 2, count: 108);
        golden.NothingForgotten();
    }

    [Fact]
    public void sockaddr_storage_MatchesTheKernel()
    {
        sockaddr_storage s = default;
        var golden = new GoldenLayout<sockaddr_storage>(&s, size: 128);
        golden.Field(nameof(s.ss_family), &s.ss_family, offset: 0, size: 2);
        golden.Field(nameof(s.__ss_align), &s.__ss_align, offset: 120, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void statx_timestamp_MatchesTheKernel()
    {
        statx_timestamp s = default;
        var golden = new GoldenLayout<statx_timestamp>(&s, size: 16);
        golden.Field(nameof(s.tv_sec), &s.tv_sec, offset: 0, size: 8);
        golden.Field(nameof(s.tv_nsec), &s.tv_nsec, offset: 8, size: 4);
        golden.NothingForgotten();
    }

    [Fact]
    public void statx_MatchesTheKernel()
    {
        statx s = default;
        var golden = new GoldenLayout<statx>(&s, size: 256);
        golden.Field(nameof(s.stx_mask), &s.stx_mask, offset: 0, size: 4);
        golden.Field(nameof(s.stx_blksize), &s.stx_blksize, offset: 4, size: 4);
        golden.Field(nameof(s.stx_attributes), &s.stx_attributes, offset: 8, size: 8);
        golden.Field(nameof(s.stx_nlink), &s.stx_nlink, offset: 16, size: 4);
        golden.Field(nameof(s.stx_uid), &s.stx_uid, offset: 20, size: 4);
        golden.Field(nameof(s.stx_gid), &s.stx_gid, offset: 24, size: 4);
        golden.Field(nameof(s.stx_mode), &s.stx_mode, offset: 28, size: 2);
        golden.Field(nameof(s.stx_ino), &s.stx_ino, offset: 32, size: 8);
        golden.Field(nameof(s.stx_size), &s.stx_size, offset: 40, size: 8);
        golden.Field(nameof(s.stx_blocks), &s.stx_blocks, offset: 48, size: 8);
        golden.Field(nameof(s.stx_attributes_mask), &s.stx_attributes_mask, offset: 56, size: 8);
        golden.Field(nameof(s.stx_atime), &s.stx_atime, offset: 64, size: 16);
        golden.Field(nameof(s.stx_btime), &s.stx_btime, offset: 80, size: 16);
        golden.Field(nameof(s.stx_ctime), &s.stx_ctime, offset: 96, size: 16);
        golden.Field(nameof(s.stx_mtime), &s.stx_mtime, offset: 112, size: 16);
        golden.Field(nameof(s.stx_rdev_major), &s.stx_rdev_major, offset: 128, size: 4);
        golden.Field(nameof(s.stx_rdev_minor), &s.stx_rdev_minor, offset: 132, size: 4);
        golden.Field(nameof(s.stx_dev_major), &s.stx_dev_major, offset: 136, size: 4);
        golden.Field(nameof(s.stx_dev_minor), &s.stx_dev_minor, offset: 140, size: 4);
        golden.Field(nameof(s.stx_mnt_id), &s.stx_mnt_id, offset: 144, size: 8);
        golden.Field(nameof(s.stx_dio_mem_align), &s.stx_dio_mem_align, offset: 152, size: 4);
        golden.Field(nameof(s.stx_dio_offset_align), &s.stx_dio_offset_align, offset: 156, size: 4);
        golden.NothingForgotten();
    }
}

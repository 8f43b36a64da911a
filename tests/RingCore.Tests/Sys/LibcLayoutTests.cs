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
}

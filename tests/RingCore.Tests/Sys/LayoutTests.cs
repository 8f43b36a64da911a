// Tests: Sys. The layout of every io_uring struct that RingCore hands over the border to the kernel: total
// size, and offset and size of each field, as literals taken from the interface description. A
// field that is added to a struct without a line here fails the test of that struct.
// Whether the kernel agrees is shown by LibcTests, which run a request through a real ring.
using RingCore.Sys;

namespace RingCore.Tests.Sys;

public sealed unsafe class LayoutTests
{
    [Fact]
    public void io_uring_sqe_MatchesTheKernel()
    {
        io_uring_sqe s = default;
        var golden = new GoldenLayout<io_uring_sqe>(&s, size: 64);
        golden.Field(nameof(s.opcode), &s.opcode, offset: 0, size: 1);
        golden.Field(nameof(s.flags), &s.flags, offset: 1, size: 1);
        golden.Field(nameof(s.ioprio), &s.ioprio, offset: 2, size: 2);
        golden.Field(nameof(s.fd), &s.fd, offset: 4, size: 4);
        golden.Field(nameof(s.off), &s.off, offset: 8, size: 8);
        golden.Field(nameof(s.addr2), &s.addr2, offset: 8, size: 8);
        golden.Field(nameof(s.cmd_op), &s.cmd_op, offset: 8, size: 4);
        golden.Field(nameof(s.pad1), &s.pad1, offset: 12, size: 4);
        golden.Field(nameof(s.addr), &s.addr, offset: 16, size: 8);
        golden.Field(nameof(s.splice_off_in), &s.splice_off_in, offset: 16, size: 8);
        golden.Field(nameof(s.level), &s.level, offset: 16, size: 4);
        golden.Field(nameof(s.optname), &s.optname, offset: 20, size: 4);
        golden.Field(nameof(s.len), &s.len, offset: 24, size: 4);
        golden.Field(nameof(s.rw_flags), &s.rw_flags, offset: 28, size: 4);
        golden.Field(nameof(s.fsync_flags), &s.fsync_flags, offset: 28, size: 4);
        golden.Field(nameof(s.poll_events), &s.poll_events, offset: 28, size: 2);
        golden.Field(nameof(s.poll32_events), &s.poll32_events, offset: 28, size: 4);
        golden.Field(nameof(s.sync_range_flags), &s.sync_range_flags, offset: 28, size: 4);
        golden.Field(nameof(s.msg_flags), &s.msg_flags, offset: 28, size: 4);
        golden.Field(nameof(s.timeout_flags), &s.timeout_flags, offset: 28, size: 4);
        golden.Field(nameof(s.accept_flags), &s.accept_flags, offset: 28, size: 4);
        golden.Field(nameof(s.cancel_flags), &s.cancel_flags, offset: 28, size: 4);
        golden.Field(nameof(s.open_flags), &s.open_flags, offset: 28, size: 4);
        golden.Field(nameof(s.statx_flags), &s.statx_flags, offset: 28, size: 4);
        golden.Field(nameof(s.fadvise_advice), &s.fadvise_advice, offset: 28, size: 4);
        golden.Field(nameof(s.splice_flags), &s.splice_flags, offset: 28, size: 4);
        golden.Field(nameof(s.rename_flags), &s.rename_flags, offset: 28, size: 4);
        golden.Field(nameof(s.unlink_flags), &s.unlink_flags, offset: 28, size: 4);
        golden.Field(nameof(s.hardlink_flags), &s.hardlink_flags, offset: 28, size: 4);
        golden.Field(nameof(s.xattr_flags), &s.xattr_flags, offset: 28, size: 4);
        golden.Field(nameof(s.msg_ring_flags), &s.msg_ring_flags, offset: 28, size: 4);
        golden.Field(nameof(s.uring_cmd_flags), &s.uring_cmd_flags, offset: 28, size: 4);
        golden.Field(nameof(s.waitid_flags), &s.waitid_flags, offset: 28, size: 4);
        golden.Field(nameof(s.futex_flags), &s.futex_flags, offset: 28, size: 4);
        golden.Field(nameof(s.install_fd_flags), &s.install_fd_flags, offset: 28, size: 4);
        golden.Field(nameof(s.nop_flags), &s.nop_flags, offset: 28, size: 4);
        golden.Field(nameof(s.pipe_flags), &s.pipe_flags, offset: 28, size: 4);
        golden.Field(nameof(s.user_data), &s.user_data, offset: 32, size: 8);
        golden.Field(nameof(s.buf_index), &s.buf_index, offset: 40, size: 2);
        golden.Field(nameof(s.buf_group), &s.buf_group, offset: 40, size: 2);
        golden.Field(nameof(s.personality), &s.personality, offset: 42, size: 2);
        golden.Field(nameof(s.splice_fd_in), &s.splice_fd_in, offset: 44, size: 4);
        golden.Field(nameof(s.file_index), &s.file_index, offset: 44, size: 4);
        golden.Field(nameof(s.zcrx_ifq_idx), &s.zcrx_ifq_idx, offset: 44, size: 4);
        golden.Field(nameof(s.optlen), &s.optlen, offset: 44, size: 4);
        golden.Field(nameof(s.addr_len), &s.addr_len, offset: 44, size: 2);
        golden.Field(nameof(s.pad3), &s.pad3, offset: 46, size: 2);
        golden.Field(nameof(s.write_stream), &s.write_stream, offset: 44, size: 1);
        golden.Field(nameof(s.addr3), &s.addr3, offset: 48, size: 8);
        golden.Field(nameof(s.attr_ptr), &s.attr_ptr, offset: 48, size: 8);
        golden.Field(nameof(s.optval), &s.optval, offset: 48, size: 8);
        golden.Field(nameof(s.cmd), &s.cmd, offset: 48, size: 16);
        golden.Field(nameof(s.pad2), &s.pad2, offset: 56, size: 8);
        golden.Field(nameof(s.attr_type_mask), &s.attr_type_mask, offset: 56, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_cqe_MatchesTheKernel()
    {
        io_uring_cqe s = default;
        var golden = new GoldenLayout<io_uring_cqe>(&s, size: 16);
        golden.Field(nameof(s.user_data), &s.user_data, offset: 0, size: 8);
        golden.Field(nameof(s.res), &s.res, offset: 8, size: 4);
        golden.Field(nameof(s.flags), &s.flags, offset: 12, size: 4);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_params_MatchesTheKernel()
    {
        io_uring_params s = default;
        var golden = new GoldenLayout<io_uring_params>(&s, size: 120);
        golden.Field(nameof(s.sq_entries), &s.sq_entries, offset: 0, size: 4);
        golden.Field(nameof(s.cq_entries), &s.cq_entries, offset: 4, size: 4);
        golden.Field(nameof(s.flags), &s.flags, offset: 8, size: 4);
        golden.Field(nameof(s.sq_thread_cpu), &s.sq_thread_cpu, offset: 12, size: 4);
        golden.Field(nameof(s.sq_thread_idle), &s.sq_thread_idle, offset: 16, size: 4);
        golden.Field(nameof(s.features), &s.features, offset: 20, size: 4);
        golden.Field(nameof(s.wq_fd), &s.wq_fd, offset: 24, size: 4);
        golden.Field(nameof(s.resv0), &s.resv0, offset: 28, size: 4);
        golden.Field(nameof(s.resv1), &s.resv1, offset: 32, size: 4);
        golden.Field(nameof(s.resv2), &s.resv2, offset: 36, size: 4);
        golden.Field(nameof(s.sq_off), &s.sq_off, offset: 40, size: 40);
        golden.Field(nameof(s.cq_off), &s.cq_off, offset: 80, size: 40);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_sqring_offsets_MatchesTheKernel()
    {
        io_sqring_offsets s = default;
        var golden = new GoldenLayout<io_sqring_offsets>(&s, size: 40);
        golden.Field(nameof(s.head), &s.head, offset: 0, size: 4);
        golden.Field(nameof(s.tail), &s.tail, offset: 4, size: 4);
        golden.Field(nameof(s.ring_mask), &s.ring_mask, offset: 8, size: 4);
        golden.Field(nameof(s.ring_entries), &s.ring_entries, offset: 12, size: 4);
        golden.Field(nameof(s.flags), &s.flags, offset: 16, size: 4);
        golden.Field(nameof(s.dropped), &s.dropped, offset: 20, size: 4);
        golden.Field(nameof(s.array), &s.array, offset: 24, size: 4);
        golden.Field(nameof(s.resv1), &s.resv1, offset: 28, size: 4);
        golden.Field(nameof(s.user_addr), &s.user_addr, offset: 32, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_cqring_offsets_MatchesTheKernel()
    {
        io_cqring_offsets s = default;
        var golden = new GoldenLayout<io_cqring_offsets>(&s, size: 40);
        golden.Field(nameof(s.head), &s.head, offset: 0, size: 4);
        golden.Field(nameof(s.tail), &s.tail, offset: 4, size: 4);
        golden.Field(nameof(s.ring_mask), &s.ring_mask, offset: 8, size: 4);
        golden.Field(nameof(s.ring_entries), &s.ring_entries, offset: 12, size: 4);
        golden.Field(nameof(s.overflow), &s.overflow, offset: 16, size: 4);
        golden.Field(nameof(s.cqes), &s.cqes, offset: 20, size: 4);
        golden.Field(nameof(s.flags), &s.flags, offset: 24, size: 4);
        golden.Field(nameof(s.resv1), &s.resv1, offset: 28, size: 4);
        golden.Field(nameof(s.user_addr), &s.user_addr, offset: 32, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void __kernel_timespec_MatchesTheKernel()
    {
        __kernel_timespec s = default;
        var golden = new GoldenLayout<__kernel_timespec>(&s, size: 16);
        golden.Field(nameof(s.tv_sec), &s.tv_sec, offset: 0, size: 8);
        golden.Field(nameof(s.tv_nsec), &s.tv_nsec, offset: 8, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_getevents_arg_MatchesTheKernel()
    {
        io_uring_getevents_arg s = default;
        var golden = new GoldenLayout<io_uring_getevents_arg>(&s, size: 24);
        golden.Field(nameof(s.sigmask), &s.sigmask, offset: 0, size: 8);
        golden.Field(nameof(s.sigmask_sz), &s.sigmask_sz, offset: 8, size: 4);
        golden.Field(nameof(s.min_wait_usec), &s.min_wait_usec, offset: 12, size: 4);
        golden.Field(nameof(s.ts), &s.ts, offset: 16, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_rsrc_update_MatchesTheKernel()
    {
        io_uring_rsrc_update s = default;
        var golden = new GoldenLayout<io_uring_rsrc_update>(&s, size: 16);
        golden.Field(nameof(s.offset), &s.offset, offset: 0, size: 4);
        golden.Field(nameof(s.resv), &s.resv, offset: 4, size: 4);
        golden.Field(nameof(s.data), &s.data, offset: 8, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_probe_MatchesTheKernel()
    {
        io_uring_probe s = default;
        var golden = new GoldenLayout<io_uring_probe>(&s, size: 16);
        golden.Field(nameof(s.last_op), &s.last_op, offset: 0, size: 1);
        golden.Field(nameof(s.ops_len), &s.ops_len, offset: 1, size: 1);
        golden.Field(nameof(s.resv), &s.resv, offset: 2, size: 2);
        golden.Field(nameof(s.resv2), &s.resv2, offset: 4, size: 4);
        golden.Field(nameof(s.resv3), &s.resv3, offset: 8, size: 4);
        golden.Field(nameof(s.resv4), &s.resv4, offset: 12, size: 4);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_probe_op_MatchesTheKernel()
    {
        io_uring_probe_op s = default;
        var golden = new GoldenLayout<io_uring_probe_op>(&s, size: 8);
        golden.Field(nameof(s.op), &s.op, offset: 0, size: 1);
        golden.Field(nameof(s.resv), &s.resv, offset: 1, size: 1);
        golden.Field(nameof(s.flags), &s.flags, offset: 2, size: 2);
        golden.Field(nameof(s.resv2), &s.resv2, offset: 4, size: 4);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_buf_MatchesTheKernel()
    {
        io_uring_buf s = default;
        var golden = new GoldenLayout<io_uring_buf>(&s, size: 16);
        golden.Field(nameof(s.addr), &s.addr, offset: 0, size: 8);
        golden.Field(nameof(s.len), &s.len, offset: 8, size: 4);
        golden.Field(nameof(s.bid), &s.bid, offset: 12, size: 2);
        golden.Field(nameof(s.resv), &s.resv, offset: 14, size: 2);
        golden.NothingForgotten();
    }

    [Fact]
    public void io_uring_buf_reg_MatchesTheKernel()
    {
        io_uring_buf_reg s = default;
        var golden = new GoldenLayout<io_uring_buf_reg>(&s, size: 40);
        golden.Field(nameof(s.ring_addr), &s.ring_addr, offset: 0, size: 8);
        golden.Field(nameof(s.ring_entries), &s.ring_entries, offset: 8, size: 4);
        golden.Field(nameof(s.bgid), &s.bgid, offset: 12, size: 2);
        golden.Field(nameof(s.flags), &s.flags, offset: 14, size: 2);
        golden.Field(nameof(s.min_left), &s.min_left, offset: 16, size: 4);
        golden.Field(nameof(s.resv0), &s.resv0, offset: 20, size: 4);
        golden.Field(nameof(s.resv1), &s.resv1, offset: 24, size: 8);
        golden.Field(nameof(s.resv2), &s.resv2, offset: 32, size: 8);
        golden.NothingForgotten();
    }

    [Fact]
    public void BufferRingTail_LiesOverTheUnusedFieldOfEntryZero()
    {
        // The kernel's io_uring_buf_ring has no struct here: its tail is a u16 at byte 14.
        io_uring_buf first = default;
        Assert.Equal(14, (byte*)&first.resv - (byte*)&first);
        Assert.Equal(2, sizeof(ushort));
    }
}

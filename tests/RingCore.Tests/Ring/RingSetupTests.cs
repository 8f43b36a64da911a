// Tests: the set-up ladder over the fake kernel: each rung refused in turn, refusals that are final, both memory layouts, and
// that a constructor which fails at any step leaves nothing behind.

using RingCore.Sys;
using RingCore.Tests.Fakes;
using static RingCore.Sys.MmapOffsets;
using static RingCore.Sys.RegisterOps;
using static RingCore.Sys.SetupFlags;

namespace RingCore.Tests.Rings;

public sealed class RingSetupTests
{
    private const uint Base = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

    [Theory]
    [InlineData(0u, "", Base | IORING_SETUP_NO_SQARRAY | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL)]
    [InlineData(IORING_SETUP_NO_SQARRAY, "NoSqArray",
        Base | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL)]
    [InlineData(IORING_SETUP_NO_SQARRAY | IORING_SETUP_DEFER_TASKRUN, "NoSqArray,DeferTaskrun",
        Base | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SUBMIT_ALL)]
    [InlineData(IORING_SETUP_NO_SQARRAY | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER, "NoSqArray,DeferTaskrun,SingleIssuer",
        Base | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL)]
    [InlineData(IORING_SETUP_NO_SQARRAY | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        "NoSqArray,DeferTaskrun,SingleIssuer,CoopTaskrun", Base | IORING_SETUP_SUBMIT_ALL)]
    [InlineData(FakeKernel.AllSetupFlags & ~Base, "NoSqArray,DeferTaskrun,SingleIssuer,CoopTaskrun,SubmitAll", Base)]
    public void RungRefused_IsDroppedAndRecorded(uint refused, string dropped, uint flags)
    {
        using var kernel = new FakeKernel { SupportedSetupFlags = FakeKernel.AllSetupFlags & ~refused };
        using (var ring = new Ring(kernel.Options()))
        {
            string[] expected = dropped.Split(',', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(expected, ring.Dropped);
            Assert.Equal(flags, ring.SetupFlags);
            Assert.Equal(expected.Length + 1, kernel.Setups.Count);
            foreach (string name in expected)
                Assert.False(ring.Features.HasFlag(Enum.Parse<RingFeatures>(name)));
        }

        kernel.AssertReleased();
    }

    [Theory]
    [InlineData(Errno.EPERM)]
    [InlineData(Errno.ENOSYS)]
    [InlineData(Errno.ENOMEM)]
    [InlineData(Errno.EMFILE)]
    [InlineData(Errno.EACCES)]
    public void FinalRefusal_IsNotRetried(int errno)
    {
        using var kernel = new FakeKernel();
        kernel.RefuseSetup(errno);
        RingUnavailableException e = Assert.Throws<RingUnavailableException>(() => new Ring(kernel.Options()));
        Assert.Equal(errno, e.Errno);
        Assert.Single(kernel.Setups);
        Assert.Contains(Errno.Name(errno), e.Message);
        kernel.AssertReleased();
    }

    [Fact]
    public void RefusalOnALowerRung_EndsTheLadder()
    {
        using var kernel = new FakeKernel();
        kernel.RefuseSetup(Errno.EINVAL);
        kernel.RefuseSetup(Errno.ENOMEM);
        RingUnavailableException e = Assert.Throws<RingUnavailableException>(() => new Ring(kernel.Options()));
        Assert.Equal(RingUnavailableCause.MemoryLock, e.Cause);
        Assert.Equal(2, kernel.Setups.Count);
    }

    [Fact]
    public void EveryRungRefused_Throws()
    {
        using var kernel = new FakeKernel { SupportedSetupFlags = 0 };
        RingUnavailableException e = Assert.Throws<RingUnavailableException>(() => new Ring(kernel.Options()));
        Assert.Equal(Errno.EINVAL, e.Errno);
        Assert.Equal(6, kernel.Setups.Count);
    }

    [Theory]
    [InlineData(Features.IORING_FEAT_NODROP)]
    [InlineData(Features.IORING_FEAT_SUBMIT_STABLE)]
    [InlineData(Features.IORING_FEAT_RW_CUR_POS)]
    [InlineData(Features.IORING_FEAT_FAST_POLL)]
    public void FeatureBelowTheFloor_IsTooOld_AndReleasesTheFd(uint missing)
    {
        using var kernel = new FakeKernel();
        kernel.Features &= ~missing;
        RingUnavailableException e = Assert.Throws<RingUnavailableException>(() => new Ring(kernel.Options()));
        Assert.Equal(RingUnavailableCause.KernelTooOld, e.Cause);
        Assert.Single(kernel.Closes);
        kernel.AssertReleased();
    }

    [Fact]
    public void ProbeRefused_IsTooOld_AndReleasesTheFd()
    {
        using var kernel = new FakeKernel();
        kernel.RefuseRegister(IORING_REGISTER_PROBE, Errno.EINVAL);
        Assert.Throws<RingUnavailableException>(() => new Ring(kernel.Options()));
        Assert.Single(kernel.Closes);
        kernel.AssertReleased();
    }

    [Theory]
    [InlineData(true, IORING_OFF_SQ_RING, 0)]
    [InlineData(true, IORING_OFF_SQES, 1)]
    [InlineData(false, IORING_OFF_SQ_RING, 0)]
    [InlineData(false, IORING_OFF_CQ_RING, 1)]
    [InlineData(false, IORING_OFF_SQES, 2)]
    public void MapRefused_ReleasesWhatWasMappedBefore(bool oneMapping, ulong offset, int mappedBefore)
    {
        using var kernel = new FakeKernel();
        if (!oneMapping)
            kernel.Features &= ~Features.IORING_FEAT_SINGLE_MMAP;
        kernel.RefuseMap(offset, Errno.ENOMEM);
        RingUnavailableException e = Assert.Throws<RingUnavailableException>(() => new Ring(kernel.Options()));
        Assert.Equal(RingUnavailableCause.MemoryLock, e.Cause);
        Assert.Equal(mappedBefore, kernel.UnmapCount);
        kernel.AssertReleased();
    }

    [Fact]
    public void EventFdRefused_ReleasesTheRing()
    {
        using var kernel = new FakeKernel { EventFdErrno = Errno.EMFILE };
        RingUnavailableException e = Assert.Throws<RingUnavailableException>(() => RingExecutor.Run(async () => await Op.Nop(), kernel.Options()));
        Assert.Equal(RingUnavailableCause.FileLimit, e.Cause);
        kernel.AssertReleased();
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void EveryLayout_Works(bool oneMapping, bool array)
    {
        using var kernel = new FakeKernel();
        if (!oneMapping)
            kernel.Features &= ~Features.IORING_FEAT_SINGLE_MMAP;
        RingOptions options = kernel.Options() with { Without = array ? RingFeatures.NoSqArray : RingFeatures.None };
        using (var ring = new Ring(options))
        {
            Assert.Equal(oneMapping ? 2 : 3, kernel.MappedNow);
            Assert.Equal(!array, ring.Features.HasFlag(RingFeatures.NoSqArray));
            RingTests.NopBatches(ring, rounds: 20, batch: 3);
        }

        kernel.AssertReleased();
    }

    [Fact]
    public void SingleMmapSwitchedOff_MapsBothOffsetsOfAKernelThatHasIt()
    {
        using var kernel = new FakeKernel();
        using (var ring = new Ring(kernel.Options() with { Without = RingFeatures.SingleMmap }))
        {
            Assert.Equal([IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES], kernel.Maps.Select(map => map.Offset));
            RingTests.NopBatches(ring, rounds: 10, batch: 2);
        }

        kernel.AssertReleased();
    }

    [Fact]
    public void EverythingSwitchedOff_AsksForNothingOptional()
    {
        using var kernel = new FakeKernel();
        using (var ring = new Ring(kernel.Options() with { Without = ~RingFeatures.Linux510 }))
        {
            Assert.Equal(RingFeatures.Linux510, ring.Features);
            Assert.Equal(Base, ring.SetupFlags);
            Assert.Empty(ring.Dropped);
            Assert.Equal([IORING_REGISTER_PROBE], kernel.Registers.Select(call => call.Opcode));
        }

        kernel.AssertReleased();
    }

    [Fact]
    public void Linux510_HasWhatTheDesignSays()
    {
        using FakeKernel kernel = FakeKernel.Linux510();
        using (var ring = new Ring(kernel.Options()))
        {
            Assert.Equal(RingFeatures.Linux510, ring.Features);
            Assert.True(ring.Supports(io_uring_op.IORING_OP_ACCEPT));
            Assert.False(ring.Supports(io_uring_op.IORING_OP_SOCKET));
        }

        kernel.AssertReleased();
    }

    [Fact]
    public void WorkerLimits_ReachTheKernel()
    {
        using var kernel = new FakeKernel();
        using var ring = new Ring(kernel.Options() with { BoundedWorkers = 3, UnboundedWorkers = 5 });
        Assert.Equal((3u, 5u), kernel.WorkerLimits);
        Assert.True(ring.Features.HasFlag(RingFeatures.WorkerLimit));
    }

    [Theory]
    [InlineData(IORING_REGISTER_IOWQ_MAX_WORKERS, RingFeatures.WorkerLimit)]
    [InlineData(IORING_REGISTER_RING_FDS, RingFeatures.RegisteredRing)]
    public void RegistrationRefused_ClearsItsFeatures(uint opcode, RingFeatures features)
    {
        using var kernel = new FakeKernel();
        kernel.RefuseRegister(opcode, Errno.EINVAL);
        using (var ring = new Ring(kernel.Options()))
            Assert.Equal(RingFeatures.None, ring.Features & features);
        kernel.AssertReleased();
    }

    [Fact]
    public void Probe_ReportsWithoutThrowing()
    {
        using var kernel = new FakeKernel();
        RingCapabilities there = RingCapabilities.Probe(kernel.Options());
        Assert.True(there.IsAvailable);
        Assert.Contains(io_uring_op.IORING_OP_RECV, there.Opcodes);
        kernel.RefuseSetup(Errno.EPERM);
        RingCapabilities refused = RingCapabilities.Probe(kernel.Options());
        Assert.False(refused.IsAvailable);
        Assert.Contains("Remedy", refused.Problem);
        kernel.AssertReleased();
    }

    /// <summary>Found on 5.10.46 with 64 KiB to lock: a small ring goes, an executor's with the default queues does not.</summary>
    [Fact]
    public void ProbeWithinAMemlockLimit_AnswersForTheQueuesAnExecutorWouldHave()
    {
        using var kernel = new FakeKernel { MostCqEntries = 2048 };
        RingCapabilities defaults = RingCapabilities.Probe(kernel.Options(new RingOptions()));
        Assert.Equal(RingUnavailableCause.MemoryLock, defaults.Cause);
        Assert.True(RingCapabilities.Probe(kernel.Options(new RingOptions { SqEntries = 64, CqEntries = 1024 })).IsAvailable);
        kernel.AssertReleased();
    }

    [Theory]
    [InlineData(Errno.EPERM, "1", false, RingUnavailableCause.DisabledBySysctl, "io_uring_group")]
    [InlineData(Errno.EPERM, "2", true, RingUnavailableCause.DisabledBySysctl, "sysctl kernel.io_uring_disabled=0")]
    [InlineData(Errno.EPERM, "0", true, RingUnavailableCause.BlockedBySeccomp, "seccomp-ringcore.json")]
    [InlineData(Errno.ENOSYS, null, true, RingUnavailableCause.BlockedBySeccomp, "seccomp-ringcore.json")]
    [InlineData(Errno.EPERM, null, false, RingUnavailableCause.BlockedBySecurityModule, "policy")]
    [InlineData(Errno.EACCES, null, false, RingUnavailableCause.BlockedBySecurityModule, "SELinux")]
    [InlineData(Errno.ENOSYS, null, false, RingUnavailableCause.KernelTooOld, "5.10")]
    [InlineData(Errno.ENOMEM, null, false, RingUnavailableCause.MemoryLock, "memlock")]
    [InlineData(Errno.EMFILE, null, false, RingUnavailableCause.FileLimit, "ulimit -n")]
    [InlineData(Errno.ENFILE, null, false, RingUnavailableCause.FileLimit, "ulimit -n")]
    [InlineData(Errno.EFAULT, null, false, RingUnavailableCause.Other, "EFAULT")]
    public void Diagnose_NamesCauseAndRemedy(int errno, string? sysctl, bool seccomp, RingUnavailableCause cause, string words)
    {
        RingUnavailableException e = RingUnavailableException.Diagnose(errno, sysctl, seccomp);
        Assert.Equal(cause, e.Cause);
        Assert.Contains(words, e.Message);
    }
}

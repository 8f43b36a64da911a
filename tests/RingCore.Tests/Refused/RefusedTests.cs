// Tests: Refused. Where io_uring may not be used, the exception says why and what to do, and the probe says it without throwing.
// Seccomp for real, in child processes; every other cause by the pure function, since the host is never changed.

using System.Runtime.InteropServices;
using RingCore.Sys;

namespace RingCore.Tests.Refused;

public sealed class RefusedTests
{
    [Theory]
    [InlineData(Errno.EPERM)]
    [InlineData(Errno.ENOSYS)]
    public async Task Seccomp_IsNamed_WithTheFileThatHelps(int errno)
    {
        RequireFilters();
        (int exitCode, string output) = await ChildProcess.RunAsync($"refuse {errno}");
        Assert.True(exitCode == 0, output);
        Assert.Contains("cause: BlockedBySeccomp\n", output, StringComparison.Ordinal);
        Assert.Contains($"errno: {errno}\n", output, StringComparison.Ordinal);
        string message = output.Split('\n').Single(line => line.StartsWith("message: ", StringComparison.Ordinal));
        Assert.Contains("seccomp filter refuses io_uring_setup", message, StringComparison.Ordinal);
        Assert.Contains("deploy/seccomp-ringcore.json", message, StringComparison.Ordinal);
        Assert.Contains("--security-opt seccomp=", message, StringComparison.Ordinal);
        Assert.Contains(Errno.Name(errno), message, StringComparison.Ordinal);
        Assert.Contains("probe: False BlockedBySeccomp\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProfileInDeploy_LetsTheRuntimeStartAndEcho_AndRefusesTheRest()
    {
        RequireFilters();
        Live.RequireIoUring();
        (int exitCode, string output) = await ChildProcess.RunAsync($"profile {Repository.Path("deploy", "seccomp-ringcore.json")}");
        Assert.True(exitCode == 0, output);
        Assert.Contains("echoed 20000\n", output, StringComparison.Ordinal);
        Assert.Contains("Seccomp:\t2\n", output, StringComparison.Ordinal);
        Assert.Contains("unshare: -1 errno 1\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mount")]
    [InlineData("ptrace")]
    [InlineData("bpf")]
    [InlineData("unshare")]
    [InlineData("init_module")]
    [InlineData("keyctl")]
    [InlineData("perf_event_open")]
    [InlineData("process_vm_writev")]
    [InlineData("setns")]
    [InlineData("userfaultfd")]
    public void ProfileInDeploy_DoesNotAllow(string call)
    {
        string profile = File.ReadAllText(Repository.Path("deploy", "seccomp-ringcore.json"));
        Assert.DoesNotContain($"\"{call}\"", profile, StringComparison.Ordinal);
        Assert.Contains("\"defaultAction\": \"SCMP_ACT_ERRNO\"", profile, StringComparison.Ordinal);
        Assert.True(SeccompFilter.FromProfile(profile).Length < 4096, "the kernel's limit");
    }

    [Theory]
    [InlineData("1", "kernel.io_uring_group")]
    [InlineData("2", "sysctl kernel.io_uring_disabled=0")]
    public void Sysctl_IsNamed(string value, string remedy)
    {
        var e = RingUnavailableException.Diagnose(Errno.EPERM, value, seccomp: false);
        Assert.Equal(RingUnavailableCause.DisabledBySysctl, e.Cause);
        Assert.Equal(Errno.EPERM, e.Errno);
        Assert.Contains($"kernel.io_uring_disabled is {value}", e.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Errno.EPERM, "0", true, RingUnavailableCause.BlockedBySeccomp, "seccomp-ringcore.json")]
    [InlineData(Errno.EPERM, null, true, RingUnavailableCause.BlockedBySeccomp, "seccomp-ringcore.json")]
    [InlineData(Errno.ENOSYS, "0", true, RingUnavailableCause.BlockedBySeccomp, "seccomp-ringcore.json")]
    [InlineData(Errno.ENOSYS, null, false, RingUnavailableCause.KernelTooOld, "Linux 5.10 or newer")]
    [InlineData(Errno.EPERM, "0", false, RingUnavailableCause.BlockedBySecurityModule, "security policy")]
    [InlineData(Errno.EACCES, "0", false, RingUnavailableCause.BlockedBySecurityModule, "SELinux")]
    [InlineData(Errno.ENOMEM, "0", false, RingUnavailableCause.MemoryLock, "ulimit -l")]
    [InlineData(Errno.ENOMEM, null, true, RingUnavailableCause.MemoryLock, "memlock")]
    [InlineData(Errno.EMFILE, null, false, RingUnavailableCause.FileLimit, "ulimit -n")]
    [InlineData(Errno.ENFILE, null, false, RingUnavailableCause.FileLimit, "file descriptor")]
    [InlineData(Errno.EFAULT, null, false, RingUnavailableCause.Other, "io_uring_setup failed")]
    public void EveryCause_HasItsRemedy(int errno, string? sysctl, bool seccomp, RingUnavailableCause cause, string remedy)
    {
        var e = RingUnavailableException.Diagnose(errno, sysctl, seccomp);
        Assert.Equal(cause, e.Cause);
        Assert.Equal(errno, e.Errno);
        Assert.StartsWith("io_uring is not available: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, e.Message, StringComparison.Ordinal);
        Assert.Contains(Errno.Name(errno), e.Message, StringComparison.Ordinal);
        Assert.IsType<PlatformNotSupportedException>(e, exactMatch: false);
    }

    [Fact]
    public void OtherSystems_AndTooOldKernels_AreNamed()
    {
        Assert.Equal(RingUnavailableCause.NotLinux, RingUnavailableException.NotLinux().Cause);
        Assert.Contains("System.Net.Sockets", RingUnavailableException.NotLinux().Message, StringComparison.Ordinal);
        Assert.Equal(RingUnavailableCause.KernelTooOld, RingUnavailableException.TooOld("X").Cause);
        Assert.Contains("lacks X", RingUnavailableException.TooOld("X").Message, StringComparison.Ordinal);
    }

    /// <summary>What the exception of a refused start says, a probe says too, through the whole path from the system call up.</summary>
    [Theory]
    [InlineData(Errno.EPERM)]
    [InlineData(Errno.ENOMEM)]
    [InlineData(Errno.EMFILE)]
    public void Probe_ReportsARefusalAsData(int errno)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "not Linux");
        using TamperedKernel kernel = TamperedKernel.Install(onSetup: _ => -errno);
        RingCapabilities probe = RingCapabilities.Probe(new RingOptions { Kernel = TamperedKernel.Kernel });
        Assert.False(probe.IsAvailable);
        Assert.Equal(RingUnavailableException.Diagnose(errno).Cause, probe.Cause);
        Assert.Equal(RingUnavailableException.Diagnose(errno).Message, probe.Problem);
    }

    private static void RequireFilters() => Assert.SkipUnless(
        OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "the filters here are for Linux on x86-64");
}

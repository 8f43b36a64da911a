// Layer: Sys. Who a thread is, as far as the kernel asks when a request names a path or makes a socket. Ring/
// keeps what held at a poller's set-up, Ops/ compares. No policy here: this file only asks, by plain calls that
// cannot block.
using System.Runtime.InteropServices;

namespace RingCore.Sys;

/// <summary>
/// The identity that permissions are checked against. The file system's own user and group (setfsuid) follow
/// the effective ones; where a process sets them apart from root, its capabilities change with them.
/// </summary>
/// <param name="User">Effective user.</param>
/// <param name="Group">Effective group.</param>
/// <param name="Groups">A hash of the supplementary groups.</param>
/// <param name="Capabilities">Effective capabilities, a bit each.</param>
internal readonly record struct Credentials(uint User, uint Group, ulong Groups, ulong Capabilities)
{
    /// <summary>_LINUX_CAPABILITY_VERSION_3: 64 bits in two structs. Since 2.6.26.</summary>
    private const uint CapabilityVersion = 0x20080522;

    /// <summary>The calling thread's. What a seccomp filter refuses to tell counts as unchanged.</summary>
    internal static Credentials OfThisThread() => new(geteuid(), getegid(), HashOfGroups(), EffectiveCapabilities());

    private static unsafe ulong HashOfGroups()
    {
        int count = getgroups(0, null);
        Span<uint> groups = count <= 256 ? stackalloc uint[256] : new uint[count];
        fixed (uint* list = groups)
            count = getgroups(groups.Length, list);
        ulong hash = 14_695_981_039_346_656_037; // FNV-1a.
        for (int i = 0; i < count; i++)
            hash = (hash ^ groups[i]) * 1_099_511_628_211;
        return hash;
    }

    private static unsafe ulong EffectiveCapabilities()
    {
        uint* header = stackalloc uint[2] { CapabilityVersion, 0 }; // Version; thread, 0: the calling one.
        uint* data = stackalloc uint[6]; // Twice: effective, permitted, inheritable.
        return capget(header, data) == 0 ? data[0] | (ulong)data[3] << 32 : 0;
    }

    [DllImport("libc", EntryPoint = "geteuid")]
    private static extern uint geteuid();

    [DllImport("libc", EntryPoint = "getegid")]
    private static extern uint getegid();

    [DllImport("libc", EntryPoint = "getgroups")]
    private static extern unsafe int getgroups(int size, uint* list);

    [DllImport("libc", EntryPoint = "capget")]
    private static extern unsafe int capget(uint* header, uint* data);
}

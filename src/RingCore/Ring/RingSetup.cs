// Ring layer: the set-up ladder. Ring calls it once; it asks the kernel for everything RingCore can use,
// takes one rung off at each EINVAL, and reports what it got. It never looks at a kernel version: flags are
// tried, opcodes are probed. It maps no memory (Ring does) and registers nothing that outlives the probe.

using RingCore.Sys;
using static RingCore.RingFeatures;
using static RingCore.Sys.Errno;
using static RingCore.Sys.Features;
using static RingCore.Sys.io_uring_op;
using static RingCore.Sys.OpFlags;
using static RingCore.Sys.RegisterOps;
using static RingCore.Sys.SetupFlags;

namespace RingCore;

/// <summary>The outcome of the ladder.</summary>
internal unsafe struct RingSetup
{
    /// <summary>All that RingFeatures names.</summary>
    private const RingFeatures All = (RingFeatures)((1 << 16) - 1);

    internal int Fd;
    internal io_uring_params Params;
    internal RingFeatures Features;

    /// <summary>By opcode: whether the kernel supports it.</summary>
    internal bool[] Opcodes;

    /// <summary>What each rung that had to be taken off was, newest kernel feature first.</summary>
    internal List<string> Dropped;

    /// <summary>
    /// Every rung: the flags it asks for and the feature they stand for, newest first; they are given up in
    /// this order.
    /// </summary>
    private static readonly (uint Flags, RingFeatures Feature)[] s_rungs =
    [
        (IORING_SETUP_NO_SQARRAY, NoSqArray),
        (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG, DeferTaskrun),
        (IORING_SETUP_SINGLE_ISSUER, SingleIssuer),
        (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, CoopTaskrun),
        (IORING_SETUP_SUBMIT_ALL, SubmitAll),
        (IORING_SETUP_SQPOLL, SqPoll),
    ];

    /// <summary>Climbs down until io_uring_setup succeeds.</summary>
    /// <exception cref="RingUnavailableException">io_uring is refused, or this kernel is older than the
    /// floor.</exception>
    internal static RingSetup Run(RingOptions options)
    {
        // Both 5.11.
        const uint polledNeeds = IORING_FEAT_SQPOLL_NONFIXED | IORING_FEAT_EXT_ARG;
        Kernel kernel = options.Kernel;
        var setup = new RingSetup { Dropped = [] };
        RingFeatures all = All & ~options.Without;
        if (options.SqPoll is null || !all.HasFlag(ExtArg))
            all &= ~SqPoll;
        RingFeatures wanted = all;
        while (true)
        {
            setup.Params = default;
            setup.Params.flags = Flags(ref wanted);
            setup.Params.cq_entries = (uint)options.CqEntries;
            bool polled = wanted.HasFlag(SqPoll);
            if (polled)
                setup.Params.sq_thread_idle = (uint)options.SqPoll!.Value.TotalMilliseconds;
            io_uring_params parameters = setup.Params;
            int fd = kernel.Setup((uint)options.SqEntries, &parameters);
            setup.Params = parameters;
            bool unfit = fd >= 0 && polled && (parameters.features & polledNeeds) != polledNeeds;
            if (fd >= 0 && !unfit)
            {
                setup.Fd = fd;
                break;
            }

            if (unfit)
                kernel.Close(fd);

            // Only EINVAL means "this kernel does not know that flag"; a refusal or a lack of memory stays
            // one on a lower rung.
            RingFeatures rung = None;
            if (fd == -EINVAL)
                rung = s_rungs.FirstOrDefault(top => wanted.HasFlag(top.Feature)).Feature;
            if (polled && rung is None or SqPoll)
            {
                // The poller itself is refused (privilege, its thread): the ladder begins anew without it.
                wanted = all &= ~SqPoll;
                setup.Dropped = [nameof(SqPoll)];
                continue;
            }

            if (rung == None)
                throw RingUnavailableException.Diagnose(-fd);
            wanted &= ~rung;
            setup.Dropped.Add(rung.ToString());
        }

        try
        {
            setup.Detect(kernel, wanted, options);
        }
        catch
        {
            kernel.Close(setup.Fd);
            throw;
        }

        return setup;
    }

    /// <summary>
    /// The set-up flags of what is still wanted. DEFER_TASKRUN needs SINGLE_ISSUER and excludes COOP_TASKRUN;
    /// SQPOLL excludes both.
    /// </summary>
    private static uint Flags(ref RingFeatures wanted)
    {
        if (!wanted.HasFlag(SingleIssuer))
            wanted &= ~DeferTaskrun;
        if (wanted.HasFlag(SqPoll))
            wanted &= ~(DeferTaskrun | CoopTaskrun);
        uint flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
        foreach ((uint rung, RingFeatures feature) in s_rungs)
        {
            if (wanted.HasFlag(feature) && !(feature == CoopTaskrun && wanted.HasFlag(DeferTaskrun)))
                flags |= rung;
        }

        return flags;
    }

    private void Detect(Kernel kernel, RingFeatures wanted, RingOptions options)
    {
        const uint floor = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE
            | IORING_FEAT_RW_CUR_POS | IORING_FEAT_FAST_POLL;
        if ((Params.features & floor) != floor)
            throw RingUnavailableException.TooOld($"io_uring features 0x{floor & ~Params.features:x}");

        Opcodes = ProbeOpcodes(kernel, Fd);

        // No feature bit says "multishot" or "buffer ring": they came with an opcode, so the opcode answers
        // (SOCKET 5.19, SEND_ZC 6.0).
        Features = wanted;
        Keep(SingleMmap, (Params.features & IORING_FEAT_SINGLE_MMAP) != 0);
        Keep(ExtArg, (Params.features & IORING_FEAT_EXT_ARG) != 0);
        Keep(NoIowait, (Params.features & IORING_FEAT_NO_IOWAIT) != 0);
        Keep(MultishotPoll, (Params.features & IORING_FEAT_RSRC_TAGS) != 0);
        Keep(MultishotAccept, Supports(IORING_OP_SOCKET));
        Keep(Ftruncate, Supports(IORING_OP_FTRUNCATE));
        Keep(CoopTaskrun, !Features.HasFlag(DeferTaskrun));
        Keep(BufferRings, Supports(IORING_OP_SOCKET));
        Keep(MultishotReceive, Features.HasFlag(BufferRings) && Supports(IORING_OP_SEND_ZC));
        Keep(WorkerLimit, Features.HasFlag(WorkerLimit) && LimitWorkers(kernel, Fd, options));
    }

    private void Keep(RingFeatures feature, bool isThere) => Features &= isThere ? All : ~feature;

    internal readonly bool Supports(io_uring_op op) => (int)op < Opcodes.Length && Opcodes[(int)op];

    private static bool[] ProbeOpcodes(Kernel kernel, int fd)
    {
        const int most = 128;
        byte* memory = stackalloc byte[sizeof(io_uring_probe) + most * sizeof(io_uring_probe_op)];
        int result = kernel.Register(fd, IORING_REGISTER_PROBE, memory, most);
        if (result < 0)
            throw RingUnavailableException.TooOld("IORING_REGISTER_PROBE");
        var supported = new bool[most];
        var ops = (io_uring_probe_op*)(memory + sizeof(io_uring_probe));
        for (int i = 0; i < ((io_uring_probe*)memory)->ops_len && i < most; i++)
        {
            if (ops[i].op < most)
                supported[ops[i].op] = (ops[i].flags & IO_URING_OP_SUPPORTED) != 0;
        }

        return supported;
    }

    private static bool LimitWorkers(Kernel kernel, int fd, RingOptions options)
    {
        uint* limits = stackalloc uint[2] { (uint)options.BoundedWorkers, (uint)options.UnboundedWorkers };
        return kernel.Register(fd, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2) >= 0;
    }
}

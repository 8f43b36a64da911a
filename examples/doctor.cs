#:project ../src/RingCore
// What io_uring offers on this machine, and what RingCore does without it: dotnet run examples/doctor.cs.
// Exit code 0: RingCore runs here. 3: it does not, and the last line says why and what to do.

using RingCore;

Dictionary<RingFeatures, (string Since, string With, string Without)> words = new()
{
    [RingFeatures.SingleMmap] = ("5.4", "one mapping for both queues", "two mappings"),
    [RingFeatures.ExtArg] = ("5.11", "waits end at a deadline", "one TIMEOUT op keeps the deadline"),
    [RingFeatures.SqPoll] = ("5.11", "a kernel thread takes submissions", "calls submit; RingOptions.SqPoll asks for the thread"),
    [RingFeatures.MultishotPoll] = ("5.13", "one poll op reports many events", "one poll op per event"),
    [RingFeatures.WorkerLimit] = ("5.15", "kernel workers are capped by RingOptions", "the kernel's own limits"),
    [RingFeatures.SubmitAll] = ("5.18", "one bad request does not stop its batch", "the rest is submitted again"),
    [RingFeatures.RegisteredRing] = ("5.18", "enter by index, without an fd look-up", "enter by fd"),
    [RingFeatures.CoopTaskrun] = ("5.19", "completions do not interrupt running code", "they do, at a cost"),
    [RingFeatures.BufferRings] = ("5.19", "the kernel picks a read lease's buffer", "a waiting lease holds a buffer"),
    [RingFeatures.MultishotAccept] = ("5.19", "one accept op takes many connections", "one accept op per connection"),
    [RingFeatures.SingleIssuer] = ("6.0", "the kernel knows that one thread submits", "it locks"),
    [RingFeatures.MultishotReceive] = ("6.0", "one receive op fills many buffers", "one receive op per buffer"),
    [RingFeatures.DeferTaskrun] = ("6.1", "completion work runs only inside our enter", "it runs at any kernel entry"),
    [RingFeatures.NoSqArray] = ("6.6", "no index array for submissions", "an array, filled once"),
    [RingFeatures.Ftruncate] = ("6.9", "a file's length is set by an op", "ftruncate(2) on the ring's thread"),
    [RingFeatures.NoIowait] = ("6.15", "an idle ring does not count as iowait", "an idle server shows as iowait"),
};

try
{
    return Print(RingCapabilities.Probe());
}
catch (IOException e)
{
    Console.Error.WriteLine(e.Message); // Standard output takes no more.
    return 1;
}

int Print(RingCapabilities report)
{
    Console.WriteLine($"system    {report.Kernel}, {report.Architecture}");
    Console.WriteLine($"io_uring  {(report.IsAvailable ? "available" : $"not available: {report.Cause}")}");
    if (!report.IsAvailable)
    {
        Console.WriteLine(report.Problem);
        return 3;
    }

    Console.WriteLine($"opcodes   {report.Opcodes.Count} that the kernel and RingCore know");
    foreach (RingFeatures feature in Enum.GetValues<RingFeatures>().Where(feature => int.IsPow2((int)feature)).Distinct()
        .OrderBy(feature => Version.Parse(words[feature].Since)))
    {
        (string since, string with, string without) = words[feature];

        // DEFER_TASKRUN does what COOP_TASKRUN does and more: the kernel takes one of the two.
        bool superseded = feature == RingFeatures.CoopTaskrun && report.Features.HasFlag(RingFeatures.DeferTaskrun);
        bool there = report.Features.HasFlag(feature) || superseded;
        bool off = feature == RingFeatures.SqPoll && !there; // Nobody asked for it: every kernel from 5.11 on has it.
        string effect = superseded ? "DeferTaskrun does its work" : there ? with : without;
        Console.WriteLine($"  {(there ? "yes" : off ? "off" : "no "),-4} {feature,-17} {since,-5} {effect}");
    }

    if (report.Dropped.Count > 0)
        Console.WriteLine($"refused at set-up: {string.Join(", ", report.Dropped)}");
    return 0;
}

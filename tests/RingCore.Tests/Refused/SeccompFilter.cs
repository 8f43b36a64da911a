// Tests: seccomp filters by hand: BPF programs out of a container's profile, or out of "refuse io_uring", and their installation in
// this process. Only for child processes: a filter is never taken off again. x86-64.

using System.Runtime.InteropServices;
using System.Text.Json;
using RingCore.Sys;

namespace RingCore.Tests.Refused;

/// <summary>Builds and installs seccomp filters.</summary>
internal sealed unsafe partial class SeccompFilter
{
    private const ushort LoadWord = 0x20, JumpEqual = 0x15, JumpGreaterOrEqual = 0x35, And = 0x54, Return = 0x06;
    private const uint Allow = 0x7FFF_0000, RefuseWith = 0x0005_0000, ArchX64 = 0xC000_003E;
    private const uint OffsetOfNumber = 0, OffsetOfArch = 4, OffsetOfArguments = 16;

    private readonly List<Instruction> _program = [];

    [StructLayout(LayoutKind.Sequential)]
    private struct Instruction
    {
        internal ushort Code;
        internal byte IfTrue;
        internal byte IfFalse;
        internal uint Operand;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        internal ushort Length;
        internal Instruction* Instructions;
    }

    /// <summary>Instructions of the program.</summary>
    internal int Length => _program.Count;

    /// <summary>Allows everything but io_uring's three calls.</summary>
    internal static SeccompFilter RefuseIoUring(int errno)
    {
        var filter = new SeccompFilter();
        filter.Add(LoadWord, OffsetOfNumber);
        filter.Add(JumpGreaterOrEqual, 425, ifFalse: 2);
        filter.Add(JumpGreaterOrEqual, 428, ifTrue: 1);
        filter.Add(Return, RefuseWith | (uint)errno);
        filter.Add(Return, Allow);
        return filter;
    }

    /// <summary>A profile as Docker, Podman and Kubernetes read it. Throws for what it does not understand.</summary>
    internal static SeccompFilter FromProfile(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement root = document.RootElement;
        if (root.GetProperty("architectures").EnumerateArray().Single().GetString() != "SCMP_ARCH_X86_64")
            throw new NotSupportedException("architectures");
        var filter = new SeccompFilter();
        uint refusal = Answer(root.GetProperty("defaultAction").GetString()!, root.GetProperty("defaultErrnoRet").GetUInt32());
        filter.Add(LoadWord, OffsetOfArch);
        filter.Add(JumpEqual, ArchX64, ifTrue: 1);
        filter.Add(Return, refusal);
        foreach (JsonElement rule in root.GetProperty("syscalls").EnumerateArray())
        {
            uint answer = Answer(rule.GetProperty("action").GetString()!, rule.TryGetProperty("errnoRet", out JsonElement errno) ? errno.GetUInt32() : 1);
            filter.Add(LoadWord, OffsetOfNumber);
            foreach (string name in rule.GetProperty("names").EnumerateArray().Select(element => element.GetString()!))
                filter.AddRule(SyscallNumbers.X64[name], rule, answer);
        }

        filter.Add(Return, refusal);
        return filter;
    }

    /// <summary>For this process, all threads, and whatever it executes. Throws when the kernel refuses.</summary>
    internal void Install()
    {
        const int noNewPrivileges = 38, seccomp = 317, setModeFilter = 1, allThreads = 1;
        if (Libc.prctl(noNewPrivileges, 1, 0, 0, 0) < 0)
            throw new InvalidOperationException("PR_SET_NO_NEW_PRIVS");
        Instruction[] instructions = [.. _program];
        fixed (Instruction* first = instructions)
        {
            var program = new Program { Length = (ushort)instructions.Length, Instructions = first };
            if (Syscall(seccomp, setModeFilter, allThreads, &program) != 0)
                throw new InvalidOperationException($"seccomp: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    private void AddRule(uint number, JsonElement rule, uint answer)
    {
        if (!rule.TryGetProperty("args", out JsonElement arguments))
        {
            Add(JumpEqual, number, ifFalse: 1);
            Add(Return, answer);
            return;
        }

        JsonElement argument = arguments.EnumerateArray().Single();
        if (argument.GetProperty("op").GetString() != "SCMP_CMP_MASKED_EQ")
            throw new NotSupportedException("op");
        Add(JumpEqual, number, ifFalse: 5);
        Add(LoadWord, OffsetOfArguments + 8 * argument.GetProperty("index").GetUInt32()); // The lower half: masks here are 32 bits.
        Add(And, argument.GetProperty("value").GetUInt32());
        Add(JumpEqual, argument.GetProperty("valueTwo").GetUInt32(), ifFalse: 1);
        Add(Return, answer);
        Add(LoadWord, OffsetOfNumber);
    }

    private static uint Answer(string action, uint errno) => action switch
    {
        "SCMP_ACT_ALLOW" => Allow,
        "SCMP_ACT_ERRNO" => RefuseWith | errno,
        _ => throw new NotSupportedException(action),
    };

    private void Add(ushort code, uint operand, byte ifTrue = 0, byte ifFalse = 0) =>
        _program.Add(new Instruction { Code = code, IfTrue = ifTrue, IfFalse = ifFalse, Operand = operand });

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Syscall(nint number, nint operation, nint flags, Program* program);
}

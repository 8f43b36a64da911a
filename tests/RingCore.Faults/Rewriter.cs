// Fault tests: RingCore.dll with a call of AllocationHook.Site before every allocation: objects, arrays,
// boxes, and calls of the base library and of libc that allocate. The copy is made in memory when the tests
// start, before anything has asked for RingCore: the build leaves the original in a folder where the runtime
// does not look for it.
//
// Left out:
//   static constructors, whose failure is for the life of a process
//   boxes that the JIT does not make: of type parameters, for HasFlag
//   exceptions, and what is made only to be thrown: something else has failed before
//   the box of an async method: when it cannot be made, the language itself leaves all finally blocks of the
//   method out, since its state says by then that it is suspended
//   state machines of async methods: only an unoptimised build makes objects of them
//   a synchronization context's post, and the base library's: what they cannot take is lost, and they have
//   nobody to tell

using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace RingCore.Faults;

internal static class Rewriter
{
    /// <summary>Methods of others that allocate, by type and name.</summary>
    private static readonly HashSet<string> s_allocating =
    [
        "NativeMemory.Alloc", "NativeMemory.AllocZeroed", "NativeMemory.AlignedAlloc",
        "Activator.CreateInstance", "Array.Resize", "GC.AllocateUninitializedArray", "GC.AllocateArray",
        "List`1.Add", "List`1.ToArray", "Queue`1.Enqueue", "Stack`1.Push", "HashSet`1.Add",
        "Dictionary`2.set_Item", "Dictionary`2.TryAdd", "Dictionary`2.Add",
        "CancellationToken.UnsafeRegister", "CancellationToken.Register",
        "CancellationTokenSource.CreateLinkedTokenSource", "Memory`1.Pin", "ReadOnlyMemory`1.Pin",
        "Memory`1.ToArray", "ReadOnlyMemory`1.ToArray", "Span`1.ToArray", "ReadOnlySpan`1.ToArray",
        "Delegate.Combine", "Delegate.Remove", "ArrayPool`1.Rent", "ValueTask.AsTask", "ValueTask`1.AsTask",
        "Task.WhenAll", "String.Concat", "String.Join", "DefaultInterpolatedStringHandler.ToStringAndClear",
        "Encoding.GetBytes", "EndPoint.Serialize",
    ];

    private static readonly List<string> s_sites = [];

    internal static int SiteCount => s_sites.Count;

    internal static string Describe(int site) => site < 0 ? "none" : s_sites[site];

    /// <summary>Before any of these tests' code runs.</summary>
    [ModuleInitializer]
    internal static void Install() => AssemblyLoadContext.Default.Resolving += static (context, name) =>
        name.Name == "RingCore" ? context.LoadFromStream(Rewrite(Path.Combine(Here, "original", "RingCore.dll"))) : null;

    private static string Here => AppContext.BaseDirectory;

    private static MemoryStream Rewrite(string path)
    {
        using var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
        resolver.AddSearchDirectory(Here);
        var reading = new ReaderParameters { AssemblyResolver = resolver, InMemory = true };
        using AssemblyDefinition assembly = AssemblyDefinition.ReadAssembly(path, reading);
        ModuleDefinition module = assembly.MainModule;
        // Any CPU: code compiled ahead is left behind.
        (module.Architecture, module.Attributes) = (TargetArchitecture.I386, ModuleAttributes.ILOnly);
        MethodReference site = module.ImportReference(typeof(AllocationHook).GetMethod(nameof(AllocationHook.Site)));
        foreach (TypeDefinition type in module.GetTypes())
        {
            foreach (MethodDefinition method in type.Methods)
            {
                bool isLeftOut = method is { IsConstructor: true, IsStatic: true } || IsException(type)
                    || type.Name == "RingSynchronizationContext";
                if (method.HasBody && !isLeftOut)
                    Rewrite(method, site);
            }
        }

        var result = new MemoryStream();
        assembly.Write(result);
        result.Position = 0;
        return result;
    }

    private static void Rewrite(MethodDefinition method, MethodReference site)
    {
        Instruction[] found = [.. method.Body.Instructions.Where(Allocates)];
        if (found.Length == 0)
            return;
        method.Body.SimplifyMacros(); // Branches get their long forms, so that there is room.
        ILProcessor il = method.Body.GetILProcessor();
        foreach (Instruction instruction in found)
        {
            // The call takes the instruction's place, so that whoever branches here comes to it.
            Instruction original = Instruction.Create(OpCodes.Nop);
            (original.OpCode, original.Operand) = (instruction.OpCode, instruction.Operand);
            (instruction.OpCode, instruction.Operand) = (OpCodes.Ldc_I4, s_sites.Count);
            Instruction call = il.Create(OpCodes.Call, site);
            il.InsertAfter(instruction, call);
            il.InsertAfter(call, original);
            s_sites.Add($"{method.DeclaringType.FullName}.{method.Name}: {original.OpCode} {original.Operand}");
        }

        method.Body.OptimizeMacros();
    }

    private static bool Allocates(Instruction instruction)
    {
        switch (instruction.OpCode.Code)
        {
            case Code.Newarr:
                return true;
            case Code.Newobj:
                TypeReference made = ((MethodReference)instruction.Operand).DeclaringType;
                return made.Resolve() is { IsValueType: false } type && !IsException(type) && !IsAsyncMethod(type);
            case Code.Box:
                return instruction.Operand is not GenericParameter && !IsOnlyThrown(instruction)
                    && !IsForHasFlag(instruction);
            case Code.Call or Code.Callvirt:
                var called = (MethodReference)instruction.Operand;
                return s_allocating.Contains($"{called.DeclaringType.Name}.{called.Name}")
                    && instruction.Previous?.OpCode.OpCodeType != OpCodeType.Prefix && !IsOnlyThrown(instruction);
            default:
                return false;
        }
    }

    private static bool IsForHasFlag(Instruction? box)
    {
        for (int i = 0; i < 8 && box is not null; i++, box = box.Next)
        {
            if (box.Operand is MethodReference { Name: "HasFlag" })
                return true;
        }

        return false;
    }

    /// <summary>Whether the straight line from here ends in a throw.</summary>
    private static bool IsOnlyThrown(Instruction? instruction)
    {
        for (; instruction is not null; instruction = instruction.Next)
        {
            if (instruction.OpCode.Code == Code.Throw)
                return true;
            if (instruction.OpCode.FlowControl is FlowControl.Branch or FlowControl.Cond_Branch or FlowControl.Return)
                return false;
        }

        return false;
    }

    private static bool IsAsyncMethod(TypeDefinition type)
    {
        string[] interfaces = [.. type.Interfaces.Select(static one => one.InterfaceType.Name)];
        return interfaces.Contains("IAsyncStateMachine") && !interfaces.Contains("IAsyncEnumerator`1");
    }

    private static bool IsException(TypeDefinition? type)
    {
        for (; type is not null; type = type.BaseType?.Resolve())
        {
            if (type.FullName == "System.Exception")
                return true;
        }

        return false;
    }
}

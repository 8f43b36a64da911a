// Trace: where in the source a suspended async method waits. Its state machine keeps the number of the await
// in <>1__state; the portable PDB, embedded or beside the assembly, lists each method's awaits in that order
// ("async method stepping information"). For reports only: it reflects, and reads files the first time it
// meets a method. Without the field or the PDB (trimmed, NativeAOT, a single file) there is no answer, and no
// exception. Awaits that the compiler drops as unreachable are not listed; in such a method (warning CS0162)
// a line can be that of a later await.

using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>Source lines of awaits. Any thread.</summary>
[UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "What is trimmed away has no answer.")]
[UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "What is trimmed away has no answer.")]
internal static class AwaitSource
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private static readonly Guid s_steppingInformation = new("54FD2AC5-E925-401A-9C2A-F94F171072F8");

    /// <summary>
    /// By state machine type, indexed by state. Weak, so that a collectible assembly stays collectible.
    /// </summary>
    private static readonly ConditionalWeakTable<Type, string[]> s_lines = [];

    /// <summary>
    /// The state machine in a box: RingCore's and the base library's call the field alike. Null for anything
    /// else.
    /// </summary>
    internal static object? StateMachineIn(object? box) =>
        box?.GetType().GetField("StateMachine", Any)?.GetValue(box);

    /// <summary>"echo.cs:23": the await at which the box's method is suspended, or null.</summary>
    internal static string? Of(object? box)
    {
        object? machine = StateMachineIn(box);
        if (machine?.GetType().GetField("<>1__state", Any)?.GetValue(machine) is not int state)
            return null;
        string[] lines = s_lines.GetValue(machine.GetType(), Read);
        // Negative: it runs, or has ended.
        return (uint)state < (uint)lines.Length ? lines[state] : null;
    }

    [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "A single file has no answer.")]
    [SuppressMessage("Design", "CA1031", Justification = "A report must not fail for an unreadable PDB.")]
    private static string[] Read(Type machine)
    {
        try
        {
            string path = machine.Assembly.Location;
            if (path.Length == 0 || machine.GetMethod("MoveNext", Any) is not { } moveNext)
                return [];
            var method = (MethodDefinitionHandle)MetadataTokens.EntityHandle(moveNext.MetadataToken);
            using var image = new PEReader(File.OpenRead(path));
            image.TryOpenAssociatedPortablePdb(path, Open, out MetadataReaderProvider? pdb, out _);
            using (pdb)
                return pdb is null ? [] : [.. Awaits(pdb.GetMetadataReader(), method)];
        }
        catch (Exception)
        {
            return [];
        }

        static FileStream? Open(string file) => File.Exists(file) ? File.OpenRead(file) : null;
    }

    private static IEnumerable<string> Awaits(MetadataReader pdb, MethodDefinitionHandle moveNext)
    {
        BlobReader blob = pdb.GetBlobReader(pdb.GetCustomDebugInformation(moveNext)
            .Select(pdb.GetCustomDebugInformation)
            .First(information => pdb.GetGuid(information.Kind) == s_steppingInformation).Value);
        // Offset of the catch handler, plus 1.
        blob.ReadUInt32();
        while (blob.RemainingBytes > 0)
        {
            uint yield = blob.ReadUInt32();
            blob.ReadUInt32(); // Where it resumes,
            blob.ReadCompressedInteger(); // and in which method: this one.
            SequencePoint statement = pdb.GetMethodDebugInformation(moveNext).GetSequencePoints()
                .Last(point => !point.IsHidden && point.Offset <= yield);
            string file = pdb.GetString(pdb.GetDocument(statement.Document).Name);
            yield return $"{Path.GetFileName(file.Replace('\\', '/'))}:{statement.StartLine}";
        }
    }
}

using System.Diagnostics;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace RingCore.Bench;

/// <summary>Tells from an assembly's metadata, without loading it, whether the compiler was told to leave it unoptimised.</summary>
public static class OptimisedCode
{
    public static void Require(string assemblyPath)
    {
        if (IsUnoptimised(assemblyPath))
        {
            throw new UnoptimisedException(
                $"{Path.GetFileName(assemblyPath)} was built without optimisation, so its figures would mean nothing: build it in Release.");
        }
    }

    public static bool IsUnoptimised(string assemblyPath)
    {
        using var file = new PEReader(File.OpenRead(assemblyPath));
        MetadataReader metadata = file.GetMetadataReader();
        foreach (CustomAttributeHandle handle in metadata.GetAssemblyDefinition().GetCustomAttributes())
        {
            CustomAttribute attribute = metadata.GetCustomAttribute(handle);
            if (TypeName(metadata, attribute) != nameof(DebuggableAttribute))
            {
                continue;
            }

            BlobReader arguments = metadata.GetBlobReader(attribute.Value);
            arguments.ReadUInt16();   // the prolog of every attribute value
            var modes = (DebuggableAttribute.DebuggingModes)arguments.ReadInt32();
            return modes.HasFlag(DebuggableAttribute.DebuggingModes.DisableOptimizations);
        }

        return false;
    }

    private static string? TypeName(MetadataReader metadata, CustomAttribute attribute)
    {
        if (attribute.Constructor.Kind != HandleKind.MemberReference)
        {
            return null;
        }

        EntityHandle type = metadata.GetMemberReference((MemberReferenceHandle)attribute.Constructor).Parent;
        return type.Kind == HandleKind.TypeReference
            ? metadata.GetString(metadata.GetTypeReference((TypeReferenceHandle)type).Name)
            : null;
    }
}

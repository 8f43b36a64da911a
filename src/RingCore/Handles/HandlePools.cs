// Handles layer: the pools of this layer's awaitables, one set per executor, which they end with.

using System.Runtime.CompilerServices;

namespace RingCore;

/// <summary>Spare awaitables of handles.</summary>
internal sealed class HandlePools
{
    internal readonly Pool<LeaseAwaitable> LeasedReads = new();
    internal readonly Pool<TransferAwaitable> Transfers = new();
    internal readonly Pool<FileTransfer> FileTransfers = new();

    /// <summary>Those of <see cref="Chunk.Usual"/> size, and the small ones.</summary>
    internal readonly Stack<Chunk> Chunks = new(), SmallChunks = new();

    // Nobody else writes there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static HandlePools Of(OpDriver driver) =>
        Unsafe.As<HandlePools>(driver.PoolsAbove ??= new HandlePools());
}

// Handles layer: the pools of this layer's awaitables, one set per thread.

namespace RingCore;

/// <summary>Not thread statics of a generic type: native code cannot reach those with a plain load (3 % of a NOP).</summary>
internal sealed class HandlePools
{
    [ThreadStatic]
    private static HandlePools? t_pools;

    internal readonly Pool<LeaseAwaitable> LeasedReads = new();
    internal readonly Pool<TransferAwaitable> Transfers = new();
    internal readonly Pool<FileTransfer> FileTransfers = new();

    /// <summary>Buffers of the usual size for reading ahead.</summary>
    internal readonly Stack<Memory<byte>> Chunks = new();

    internal static HandlePools OfThread => t_pools ??= new HandlePools();
}

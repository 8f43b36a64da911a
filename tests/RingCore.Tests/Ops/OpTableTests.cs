// Tests: slots by themselves: generations, reuse, native storage that does not move, wide blocks that all come back.

namespace RingCore.Tests.Ops;

public sealed unsafe class OpTableTests
{
    [Fact]
    public void FreedSlot_IsNotFoundUnderItsOldKey()
    {
        var table = new OpTable();
        ref OpSlot slot = ref table.Rent(out int index);
        ulong old = OpTable.Key(slot, index);
        Assert.False(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(old)));
        table.Free(index);
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(old)));
        ref OpSlot again = ref table.Rent(out int sameIndex);
        Assert.Equal(index, sameIndex);
        Assert.NotEqual(old, OpTable.Key(again, sameIndex));
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(old)));
        table.Free(sameIndex);
        table.Release();
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(0xFFFF_FFFFul)]
    [InlineData(0xFFFF_FFFEul)]
    [InlineData(1ul << 32 | 100_000)]
    public void KeyThatIsNoSlots_IsNotFound(ulong key)
    {
        var table = new OpTable();
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(key)));
        table.Release();
    }

    [Fact]
    public void FreeSlot_IsNotFoundUnderItsNextKey()
    {
        var table = new OpTable();
        ref OpSlot slot = ref table.Rent(out int index);
        table.Free(index);
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(OpTable.Key(slot, index))));
        table.Release();
    }

    [Fact]
    public void Generation_WrapsAround()
    {
        var table = new OpTable(firstGeneration: uint.MaxValue);
        ref OpSlot slot = ref table.Rent(out int index);
        ulong old = OpTable.Key(slot, index);
        Assert.Equal(uint.MaxValue, (uint)(old >> 32));
        table.Free(index);
        ref OpSlot again = ref table.Rent(out index);
        Assert.Equal(0u, again.Generation);
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(old)));
        Assert.False(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(OpTable.Key(again, index))));
        table.Free(index);
        table.Release();
    }

    [Fact]
    public void Growing_MovesNoNativeStorage()
    {
        var table = new OpTable();
        var places = new List<nint>();
        for (int i = 0; i < 1000; i++)
        {
            table.Rent(out int index);
            Assert.Equal(i, index);
            places.Add((nint)table.Storage(index));
            *(long*)table.Storage(index) = i;
        }

        Assert.Equal(1000, places.Distinct().Count());
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(places[i], (nint)table.Storage(i));
            Assert.Equal(i, *(long*)table.Storage(i));
            table.Free(i);
        }

        Assert.Equal(0, table.InUse);
        Assert.Equal(1000, table.Peak);
        table.Release();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1024)]
    [InlineData(100_000)]
    public void WideBlocks_AreZeroedAndComeBack(int size)
    {
        var table = new OpTable();
        long native = table.NativeBytes;
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 100; i++)
            {
                ref OpSlot slot = ref table.Rent(out _);
                byte* block = table.RentWide(ref slot, size);
                Assert.False(new Span<byte>(block, size).ContainsAnyExcept((byte)0));
                new Span<byte>(block, size).Fill(0xEE);
            }

            Assert.Equal(100L * size, table.WideInUse);
            Assert.Equal(native + 100L * size, table.NativeBytes);
            for (int i = 0; i < 100; i++)
            {
                table.Return(table.At(i).Loans!);
                table.At(i).Loans = null;
                table.Free(i);
            }

            Assert.Equal(0, table.WideInUse);
        }

        table.Release();
    }
}

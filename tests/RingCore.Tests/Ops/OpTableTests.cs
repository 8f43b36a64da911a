// Tests: slots by themselves: generations, reuse, native storage that does not move.

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
        table.Free(ref table.At(index), index);
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(old)));
        ref OpSlot again = ref table.Rent(out int sameIndex);
        Assert.Equal(index, sameIndex);
        Assert.NotEqual(old, OpTable.Key(again, sameIndex));
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(old)));
        table.Free(ref table.At(sameIndex), sameIndex);
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
        table.Free(ref table.At(index), index);
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
        table.Free(ref table.At(index), index);
        ref OpSlot again = ref table.Rent(out index);
        Assert.Equal(1u, again.Generation); // Key 0 means none.
        Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(old)));
        Assert.False(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref table.Find(OpTable.Key(again, index))));
        table.Free(ref table.At(index), index);
        table.Release();
    }

    [Fact]
    public void Growing_MovesNoNativeStorage()
    {
        var table = new OpTable();
        var places = new List<nint>();
        for (int i = 0; i < 1000; i++)
        {
            if (table.InUse == table.Capacity)
                table.Grow();
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
            table.Free(ref table.At(i), i);
        }

        Assert.Equal(0, table.InUse);
        Assert.Equal(1000, table.Peak);
        table.Release();
    }
}

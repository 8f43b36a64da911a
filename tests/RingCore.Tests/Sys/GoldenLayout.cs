// Tests: Sys. Helper of the layout tests: compares what a test states about a struct's fields with
// where the compiler puts them, and finds public fields no test speaks of.
// It measures with pointers into a live instance, not with attributes.
using System.Reflection;
using System.Runtime.CompilerServices;

namespace RingCore.Tests.Sys;

// Collects what a test states about one struct and compares it with the real thing.
internal readonly unsafe struct GoldenLayout<T> where T : unmanaged
{
    private readonly byte* _start;
    private readonly HashSet<string> _seen = [];

    public GoldenLayout(T* instance, int size)
    {
        _start = (byte*)instance;
        Assert.Equal(size, sizeof(T));
    }

    public void Field<F>(string name, F* field, int offset, int size) where F : unmanaged
    {
        Assert.Equal((name, offset), (name, (int)((byte*)field - _start)));
        Assert.Equal((name, size), (name, sizeof(F)));
        Assert.True(_seen.Add(name), name);
    }

    public void Bytes(string name, byte* field, int offset, int count)
    {
        Assert.Equal((name, offset), (name, (int)(field - _start)));
        var buffer = typeof(T).GetField(name)!.GetCustomAttribute<FixedBufferAttribute>()!;
        Assert.Equal((name, count), (name, buffer.Length));
        Assert.True(_seen.Add(name), name);
    }

    public void NothingForgotten()
    {
        var all = typeof(T).GetFields(BindingFlags.Public | BindingFlags.Instance)
            .Select(field => field.Name);
        Assert.Equal(all.Order(), _seen.Order());
    }
}

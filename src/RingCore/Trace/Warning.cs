// Trace: what nobody can be thrown: a line on standard error. It must not fail itself, least of all in the
// run loop: Console.Error needs an assembly and a descriptor of its own at its first use, and with none left
// the text goes to descriptor 2 as it is.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using RingCore.Sys;

namespace RingCore;

/// <summary>A line on standard error.</summary>
internal static class Warning
{
    /// <summary>Any thread; throws nothing.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Console.Error may be anything, and throw.")]
    internal static unsafe void Print(string text)
    {
        try
        {
            ToConsole(text);
        }
        catch (Exception)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text + "\n");
            // Holds the array for the call; write(2) keeps no pointer.
            fixed (byte* start = bytes)
                _ = Libc.write(2, start, (nuint)bytes.Length);
        }
    }

    // The assembly is loaded for the method that names it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ToConsole(string text) => Console.Error.WriteLine(text);
}

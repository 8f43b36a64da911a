// Tests: what is written to standard error, kept away from it, so that a clean run is quiet. For classes that run alone: there is
// one standard error in a process.

namespace RingCore.Tests;

internal sealed class StandardError : IDisposable
{
    private readonly TextWriter _before = Console.Error;
    private readonly StringWriter _text = new();

    internal StandardError() => Console.SetError(TextWriter.Synchronized(_text));

    /// <summary>What was written since the beginning.</summary>
    internal string Text => _text.ToString();

    public void Dispose() => Console.SetError(_before);
}

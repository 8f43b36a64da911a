// Executor layer: the names of tasks in reports and traces: what the source calls the method, out of what the
// compiler calls its type.

namespace RingCore;

/// <summary>Method names out of the compiler's type names.</summary>
internal static class TaskName
{
    /// <summary>
    /// "Serve" out of "&lt;Serve&gt;d__0", "Main (lambda)" out of "&lt;&lt;Main&gt;b__0_1&gt;d".
    /// </summary>
    internal static string Of(Type stateMachine)
    {
        string name = stateMachine.Name;
        int end = name.LastIndexOf('>');
        if (end <= 1 || name[0] != '<')
            return name;
        string inner = name[1..end];

        // A local function: <Main>g__Serve|0_0.
        if (inner.Contains("g__", StringComparison.Ordinal))
        {
            inner = inner[(inner.IndexOf("g__", StringComparison.Ordinal) + 3)..];
            int bar = inner.IndexOf('|', StringComparison.Ordinal);
            return bar > 0 ? inner[..bar] : inner;
        }

        int close = inner.LastIndexOf('>');
        return close > 0 ? $"{inner[..close].Trim('<', '>', '$')} (lambda)" : inner;
    }
}

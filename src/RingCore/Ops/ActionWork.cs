// Op layer: work that is a delegate, for what is too rare to deserve a class of its own.

namespace RingCore;

/// <summary>Runs a delegate, or another one when the executor has stopped.</summary>
internal sealed class ActionWork(Action run, Action? refuse = null) : RingWork
{
    internal override void Run() => run();

    internal override bool Refuse()
    {
        refuse?.Invoke();
        return true;
    }
}

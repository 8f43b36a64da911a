// Tests: what an await throws, as a value, inside ring code. It awaits on the owner thread, which Assert.ThrowsAsync need not do.

namespace RingCore.Tests.Fakes;

internal static class Caught
{
    internal static async RingTask<Exception?> By(ValueTask task)
    {
        try
        {
            await task;
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    internal static async RingTask<Exception?> By<T>(ValueTask<T> task)
    {
        try
        {
            await task;
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }
}

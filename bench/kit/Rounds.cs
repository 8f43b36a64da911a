namespace RingCore.Bench;

public static class Rounds
{
    /// <summary>The same items, begun one place later in every round, so that nobody always runs first or after the same pause.</summary>
    public static IEnumerable<T> Rotated<T>(this IReadOnlyList<T> items, int round) =>
        Enumerable.Range(0, items.Count).Select(i => items[(i + round) % items.Count]);
}

namespace RingCore.Bench;

public static class Statistics
{
    public static double Median(this IEnumerable<double> values) => values.Quantile(0.5);

    /// <summary>The value below which the given fraction lies, interpolated between neighbours.</summary>
    public static double Quantile(this IEnumerable<double> values, double fraction)
    {
        double[] sorted = [.. values.Order()];
        double position = fraction * (sorted.Length - 1);
        int below = (int)position;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    /// <summary>How far apart the rounds lie: (largest − smallest) / median.</summary>
    public static double Spread(this IReadOnlyCollection<double> values) => (values.Max() - values.Min()) / values.Median();
}

namespace RingCore.Bench;

/// <summary>A measurement that cannot go on, with a sentence for the person who started it.</summary>
public sealed class BenchException(string message) : Exception(message);

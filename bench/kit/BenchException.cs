namespace RingCore.Bench;

/// <summary>A measurement that cannot go on, with a sentence for the person who started it.</summary>
public class BenchException(string message) : Exception(message);

/// <summary>What was to be measured is not optimised: no figure at all.</summary>
public sealed class UnoptimisedException(string message) : BenchException(message);

namespace NannyOrleans.Grains;

/// <summary>
/// A write that has certainly not landed, such as one that never reached the database: what was stored before stands, and so does what a grain
/// remembers of it. Of any other failed write nobody knows.
/// </summary>
[GenerateSerializer]
[Alias("not-stored")]
public sealed class NotStoredException : OrleansException
{
    /// <summary>Says why.</summary>
    public NotStoredException(string message, Exception? reason = null)
        : base(message, reason!)
    {
    }
}

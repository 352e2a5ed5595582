namespace NannyOrleans.Api.Dashboard.Shell;

/// <summary>How a status is meant: its icon and colour. The word beside them is what counts.</summary>
public enum Mood
{
    /// <summary>Nobody knows.</summary>
    Unknown,

    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Under way.</summary>
    Busy,

    /// <summary>It waits for something, or for its turn.</summary>
    Waiting,

    /// <summary>Somebody should look at it.</summary>
    Warning,

    /// <summary>It failed, or is not as it should be.</summary>
    Bad,

    /// <summary>Neither: over without effect, left out, switched off.</summary>
    Neutral,
}

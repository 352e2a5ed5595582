namespace NannyOrleans.Ctl;

/// <summary>What the program's exit code says.</summary>
internal static class ExitCodes
{
    /// <summary>All that was asked for was done.</summary>
    public const int Done = 0;

    /// <summary>It could not be asked for: wrong usage, a refusal, a server that does not answer.</summary>
    public const int Failed = 1;

    /// <summary>The campaign halted, was aborted, or left a node out; or the plan says that it could not be started.</summary>
    public const int NotAll = 3;

    /// <summary>A person ended the watching, not the campaign: 128 and SIGINT.</summary>
    public const int Left = 130;
}

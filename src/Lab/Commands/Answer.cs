namespace NannyOrleans.Lab.Commands;

/// <summary>What a PVE command comes to: output and an exit code, or another program in its place.</summary>
internal abstract record Answer
{
    private Answer()
    {
    }

    /// <summary>Ends with a code. Perl's `die` gives the left-over errno, so the code says little on a real host either.</summary>
    public sealed record Ends(int Code, string Out = "", string Err = "") : Answer;

    /// <summary>Goes on as another program with the same pid, as `pct exec` does.</summary>
    /// <param name="Program">Absolute path.</param>
    /// <param name="Arguments">From argv[0] on, as bytes.</param>
    /// <param name="Environment">Variables to set, or to remove where null.</param>
    /// <param name="WorkingDirectory">Null keeps the present one.</param>
    public sealed record Becomes(
        string Program, IReadOnlyList<byte[]> Arguments, IReadOnlyList<KeyValuePair<string, string?>> Environment, string? WorkingDirectory) : Answer;

    public static Answer Says(string text) => new Ends(0, text);

    public static Answer Dies(int code, string text) => new Ends(code, "", text + "\n");
}

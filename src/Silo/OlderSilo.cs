namespace NannyOrleans.Silo;

/// <summary>Silos of two neighbouring releases work side by side for the length of an upgrade (docs/upgrading.md): one may be asked for what it can't do yet.</summary>
public static class OlderSilo
{
    /// <summary>Whether a call failed because the silo that got it is of a release without the method. Then nothing of it was done.</summary>
    // Orleans has no exception of its own for it: the silo says which name it could not read.
    public static bool Answered(Exception failure) =>
        failure is TypeLoadException && failure.Message.StartsWith("Unable to resolve type alias", StringComparison.Ordinal);
}

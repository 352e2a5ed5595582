namespace NannyOrleans.Lab.Linux;

/// <summary>Programs of this machine, looked for where Debian puts them whatever PATH says: an agent's PATH names a lab host.</summary>
internal static class Programs
{
    private static readonly string[] Places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

    public static string? Find(string name)
    {
        foreach (var place in Places)
        {
            if (File.Exists($"{place}/{name}")) { return $"{place}/{name}"; }
        }

        return null;
    }

    public static string Need(string name, string package) =>
        Find(name) ?? throw new LabFailure($"`{name}` is missing: apt-get install {package}");
}

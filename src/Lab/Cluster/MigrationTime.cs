using System.Globalization;

namespace NannyOrleans.Lab.Cluster;

/// <summary>How long the disks of a guest take from one host to another.</summary>
internal static class MigrationTime
{
    /// <summary>At once, unless somebody set it.</summary>
    public static TimeSpan Read(LabDirectory directory) => File.Exists(directory.MigrationTimeFile)
        ? TimeSpan.FromSeconds(double.Parse(File.ReadAllText(directory.MigrationTimeFile), CultureInfo.InvariantCulture))
        : TimeSpan.Zero;

    /// <summary>Sets it for all migrations that begin from now on.</summary>
    public static void Write(LabDirectory directory, double seconds)
    {
        if (seconds is < 0 or > 86_400) { throw new LabFailure("SECONDS takes 0 to 86400"); }
        LabDirectory.Replace(directory.MigrationTimeFile, seconds.ToString(CultureInfo.InvariantCulture), LabDirectory.Readable);
    }
}

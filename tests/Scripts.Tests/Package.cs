namespace NannyOrleans.Scripts.Tests;

/// <summary>A package to be built with dpkg-deb.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
internal sealed record Package(string Name, string Version)
{
    /// <summary>Its architecture; <c>all</c> unless said otherwise.</summary>
    public string Architecture { get; init; } = "all";

    /// <summary>More lines of its control file, such as <c>Depends: x</c>.</summary>
    public string Fields { get; init; } = "";

    /// <summary>The content of its configuration file <c>/etc/NAME.conf</c>; null when it has none.</summary>
    public string? Configuration { get; init; }

    /// <summary>What runs after it is unpacked; null when nothing does.</summary>
    public string? PostInstall { get; init; }

    /// <summary>The answer, unless somebody gave another, to <c>NAME/answer</c>, which it asks by debconf; null when it asks nothing.</summary>
    public string? Asks { get; init; }

    /// <summary>Its control file.</summary>
    public string Control =>
        $"Package: {Name}\nVersion: {Version}\nArchitecture: {Architecture}\nMaintainer: Tests <tests@example.org>\n" +
        (Fields.Length > 0 ? Fields + "\n" : "") + "Description: a package for tests\n";

    /// <summary>Builds it into <paramref name="directory"/> and returns the file's path.</summary>
    public async Task<string> Build(string directory)
    {
        var tree = Directory.CreateTempSubdirectory("nanny-package-").FullName;
        try
        {
            Directory.CreateDirectory($"{tree}/DEBIAN");
            Directory.CreateDirectory($"{tree}/usr/share/{Name}");
            File.WriteAllText($"{tree}/DEBIAN/control", Control);
            File.WriteAllText($"{tree}/usr/share/{Name}/version.{Architecture}", Version);
            if (Configuration is not null)
            {
                Directory.CreateDirectory($"{tree}/etc");
                File.WriteAllText($"{tree}/etc/{Name}.conf", Configuration);
                File.WriteAllText($"{tree}/DEBIAN/conffiles", $"/etc/{Name}.conf\n");
            }

            if (Asks is not null)
            {
                File.WriteAllText($"{tree}/DEBIAN/templates", $"Template: {Name}/answer\nType: string\nDefault: {Asks}\nDescription: a question\n");
            }

            foreach (var (script, text) in new[] { ("postinst", PostInstall), ("config", Asks is null ? null : $". /usr/share/debconf/confmodule\ndb_input critical {Name}/answer || true\ndb_go || true") })
            {
                if (text is not null)
                {
                    File.WriteAllText($"{tree}/DEBIAN/{script}", $"#!/bin/sh\nset -e\n{text}\n");
                    File.SetUnixFileMode($"{tree}/DEBIAN/{script}", (UnixFileMode)0b111_101_101);
                }
            }

            await Command.Succeed("chmod", "-R", "u=rwX,go=rX", tree);

            Directory.CreateDirectory(directory);
            var file = $"{directory}/{Name}_{Version}_{Architecture}.deb";
            await Command.Succeed("dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, file);
            return file;
        }
        finally
        {
            Directory.Delete(tree, recursive: true);
        }
    }
}

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

            if (PostInstall is not null)
            {
                File.WriteAllText($"{tree}/DEBIAN/postinst", $"#!/bin/sh\nset -e\n{PostInstall}\n");
            }

            await Command.Succeed("chmod", "-R", "u=rwX,go=rX", tree);
            if (PostInstall is not null) { await Command.Succeed("chmod", "755", $"{tree}/DEBIAN/postinst"); }

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

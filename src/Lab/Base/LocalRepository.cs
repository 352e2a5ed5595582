using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Base;

/// <summary>A package each container has in an old version, with a newer one waiting in its repository.</summary>
public sealed record LabPackage(string Name, string Installed, string Candidate, string Summary);

/// <summary>The apt repository inside the base: real packages made by dpkg-deb, so that an upgrade needs no network.</summary>
internal sealed class LocalRepository(string rootfs)
{
    private const string Repository = "/srv/repo";

    /// <summary>Independent of each other, so that any subset of them can be held.</summary>
    public static IReadOnlyList<LabPackage> Packages { get; } =
    [
        new("lab-db", "8.0.32", "8.0.35", "database stand-in of the lab"),
        new("lab-slow", "1.0", "1.1", "package whose configuration takes as long as /etc/lab-slow.seconds says"),
        new("lab-tls", "3.0.2", "3.0.13", "TLS library stand-in of the lab"),
        new("lab-web", "1.18.0", "1.24.0", "web server stand-in of the lab"),
    ];

    /// <summary>Builds both versions, installs the old ones and makes the repository the only source.</summary>
    public async Task Build(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(rootfs + Repository);
        foreach (var package in Packages)
        {
            await Pack(package, package.Installed, "/tmp", cancellationToken);
            await Pack(package, package.Candidate, Repository, cancellationToken);
        }

        await Index(cancellationToken);
        foreach (var file in Directory.EnumerateFiles($"{rootfs}/etc/apt/sources.list.d")) { File.Delete(file); }
        File.WriteAllText($"{rootfs}/etc/apt/sources.list", $"deb [trusted=yes] file:{Repository} ./\n");
        await Inside(cancellationToken, ["dpkg", "--install", .. Packages.Select(p => $"/tmp/{FileName(p, p.Installed)}")]);
        foreach (var package in Packages) { File.Delete($"{rootfs}/tmp/{FileName(package, package.Installed)}"); }

        // debootstrap's lists of the mirror are no longer in any source; with the new ones `apt-get -s upgrade` works at once.
        Directory.Delete($"{rootfs}/var/lib/apt/lists", recursive: true);
        Directory.CreateDirectory($"{rootfs}/var/lib/apt/lists/partial");
        await Inside(cancellationToken, "apt-get", "update");
        await Inside(cancellationToken, "apt-get", "clean");
        var pending = (await Inside(cancellationToken, "apt-get", "-s", "dist-upgrade")).StandardOutput
            .Split('\n').Where(line => line.StartsWith("Inst ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]).Order(StringComparer.Ordinal).ToList();
        if (!pending.SequenceEqual(Packages.Select(p => p.Name)))
        {
            throw new LabFailure($"the base should have exactly the lab's updates pending, but has: {string.Join(' ', pending)}");
        }
    }

    private async Task Pack(LabPackage package, string version, string into, CancellationToken cancellationToken)
    {
        var tree = $"{rootfs}/tmp/pack";
        if (Directory.Exists(tree)) { Directory.Delete(tree, recursive: true); }
        Directory.CreateDirectory($"{tree}/DEBIAN");
        Directory.CreateDirectory($"{tree}/usr/share/{package.Name}");
        File.WriteAllText($"{tree}/usr/share/{package.Name}/version", version + "\n");
        File.WriteAllText($"{tree}/DEBIAN/control", $"""
            Package: {package.Name}
            Version: {version}
            Section: misc
            Priority: optional
            Architecture: all
            Maintainer: NannyOrleans lab <lab@example.invalid>
            Description: {package.Summary}

            """);
        if (package.Name is "lab-web")
        {
            // A conffile that differs between the versions: whoever edits it gets dpkg's question at the upgrade.
            Directory.CreateDirectory($"{tree}/etc");
            File.WriteAllText($"{tree}/etc/lab-web.conf", $"# lab-web {version}\nworkers {(version == package.Installed ? 2 : 4)}\n");
            File.WriteAllText($"{tree}/DEBIAN/conffiles", "/etc/lab-web.conf\n");
        }

        File.WriteAllText($"{tree}/DEBIAN/postinst", package.Name is "lab-slow"
            ? "#!/bin/sh\nset -e\n[ ! -r /etc/lab-slow.seconds ] || sleep \"$(cat /etc/lab-slow.seconds)\"\n"
            : $"#!/bin/sh\nset -e\necho \"{package.Name} {version} configured\"\n");
        foreach (var script in new[] { "DEBIAN", "DEBIAN/postinst" }) { File.SetUnixFileMode($"{tree}/{script}", Guests.SimulatedGuests.Executable); }
        await Inside(cancellationToken, "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", "/tmp/pack", $"{into}/{FileName(package, version)}");
        Directory.Delete(tree, recursive: true);
    }

    /// <summary>Packages and Release, as apt-ftparchive would write them.</summary>
    private async Task Index(CancellationToken cancellationToken)
    {
        var index = new StringBuilder();
        foreach (var package in Packages)
        {
            var file = FileName(package, package.Candidate);
            var control = (await Inside(cancellationToken, "dpkg-deb", "--field", $"{Repository}/{file}")).StandardOutput.TrimEnd('\n');
            var bytes = await File.ReadAllBytesAsync($"{rootfs}{Repository}/{file}", cancellationToken);
            index.Append(CultureInfo.InvariantCulture,
                $"{control}\nFilename: ./{file}\nSize: {bytes.Length}\nSHA256: {Convert.ToHexStringLower(SHA256.HashData(bytes))}\n\n");
        }

        var content = Encoding.UTF8.GetBytes(index.ToString());
        await File.WriteAllBytesAsync($"{rootfs}{Repository}/Packages", content, cancellationToken);
        await File.WriteAllTextAsync($"{rootfs}{Repository}/Release", string.Create(CultureInfo.InvariantCulture, $"""
            Origin: Lab
            Label: Lab
            Suite: stable
            Version: 1.0
            Date: {DateTime.UtcNow:R}
            Architectures: amd64 all
            SHA256:
             {Convert.ToHexStringLower(SHA256.HashData(content))} {content.Length} Packages

            """).Replace("GMT", "UTC", StringComparison.Ordinal), cancellationToken);
    }

    private async Task<BufferedCommandResult> Inside(CancellationToken cancellationToken, params string[] command)
    {
        var result = await Cli.Wrap(Linux.Programs.Need("chroot", "coreutils"))
            .WithArguments(["--", rootfs, .. command])
            .WithEnvironmentVariables(e => e.Set("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").Set("LC_ALL", "C").Set("DEBIAN_FRONTEND", "noninteractive"))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);
        return result.ExitCode is 0
            ? result
            : throw new LabFailure($"`{string.Join(' ', command)}` in the base failed with {result.ExitCode}: {result.StandardError.Trim()}");
    }

    private static string FileName(LabPackage package, string version) => $"{package.Name}_{version}_all.deb";
}

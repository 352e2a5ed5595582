using System.Security.Cryptography;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Hosts;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Base;

/// <summary>Proxmox VE over the base: its packages, installed, and a mirror of the servers it has them from, signed with a key of the lab's.</summary>
internal sealed class HostLayer(string baseDirectory)
{
    public string Ready(PveRelease release)
    {
        var packages = HostPackages.Proxmox(release).Select(p => $"{p.Name}|{p.Version}|{(p.IsInstalled ? "installed" : "repository")}|pve|{p.Depends}|{p.Title}|{p.Kernel}\n");
        var list = string.Concat(packages);
        var files = new[] { "apt-method.pl", "uname.sh" };
        // What the script reads is part of what it makes: it stands in the arguments, too.
        return new Layer(Path.GetDirectoryName(baseDirectory)!, baseDirectory, text => Native.Write(2, $"nanny-lab: {text}\n")).Ready(
            $"host-{release.Name}", Resource.Text("layer/host.sh"), [release.CodeName, .. files.Select(f => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Resource.Text($"layer/{f}"))))), list],
            own =>
            {
                File.WriteAllText($"{own}/packages", list);
                File.WriteAllText($"{own}/removed", HostPackages.Removed(release));
                foreach (var file in files) { File.WriteAllText($"{own}/{file}", Resource.Text($"layer/{file}")); }
            },
            layer => Sign(layer, release));
    }

    /// <summary>Each Release with a key made for this layer, which its hosts trust for whatever they trust Proxmox' and Debian's.</summary>
    private static void Sign(string layer, PveRelease release)
    {
        var home = Directory.CreateTempSubdirectory("nanny-lab-gpg-").FullName;
        try
        {
            Gpg(home, "--quick-generate-key", "--passphrase", "", "Lab archive <lab@example.invalid>", "rsa2048", "sign", "never");
            foreach (var file in Directory.EnumerateFiles($"{layer}/upper/srv/mirror", "Release", SearchOption.AllDirectories))
            {
                Gpg(home, "--digest-algo", "SHA256", "--clearsign", "--output", $"{Path.GetDirectoryName(file)}/InRelease", file);
            }

            Directory.CreateDirectory($"{layer}/upper/usr/share/keyrings");
            foreach (var name in new[] { "proxmox", "debian" }) { Gpg(home, "--yes", "--output", $"{layer}/upper/usr/share/keyrings/{name}-archive-keyring.gpg", "--export"); }
            if (release.Major >= 9) { return; }
            Directory.CreateDirectory($"{layer}/own/etc/apt/trusted.gpg.d");
            Gpg(home, "--yes", "--output", $"{layer}/own/etc/apt/trusted.gpg.d/proxmox-release-{release.CodeName}.gpg", "--export");
        }
        finally
        {
            _ = Cli.Wrap(Programs.Find("gpgconf") ?? "/bin/true").WithArguments(["--homedir", home, "--kill", "all"]).WithValidation(CommandResultValidation.None).ExecuteAsync().Task.GetAwaiter().GetResult();
            Directory.Delete(home, recursive: true);
        }
    }

    private static void Gpg(string home, params string[] words)
    {
        var ended = Cli.Wrap(Programs.Need("gpg", "gpg gpg-agent")).WithArguments(["--batch", "--homedir", home, "--pinentry-mode", "loopback", .. words])
            .WithEnvironmentVariables(e => e.Set("LC_ALL", "C").Set("PATH", "/usr/bin:/bin"))
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
        if (ended.ExitCode is not 0) { throw new LabFailure($"gpg {words[0]} failed: {ended.StandardError.Trim()}"); }
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Tests.Support;

/// <summary>A directory that looks like a standalone Proxmox VE host named pve1, with commands of its own on the search path.</summary>
public sealed class LabHost : IDisposable
{
    /// <summary>One key for all hosts of the test run: making one costs a second.</summary>
    private static readonly string RootCa = MakeRootCa();

    public LabHost()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("nannyagent-test-").FullName;
        Bin = Path.Combine(Directory, "usr/sbin");
        Write("etc/hostname", "pve1\n");
        Write("etc/pve/.members", "{\n\"nodename\": \"pve1\",\n\"version\": 0\n}\n");
        Write("etc/pve/.vmlist", "{\n\"version\": 1}\n");
        Write("etc/pve/pve-root-ca.pem", RootCa);
        Write("etc/pve/priv/pve-root-ca.key", "the key of a lab");
        Write("proc/sys/kernel/random/boot_id", "5f0cbd1e-9d07-4f6c-8b6d-111111111111\n");
        System.IO.Directory.CreateDirectory(Path.Combine(Directory, "etc/pve/nodes/pve1/lxc"));
        System.IO.Directory.CreateDirectory(Path.Combine(Directory, "etc/pve/nodes/pve1/qemu-server"));
        Command("pveversion", "echo 'pve-manager/9.2.11/0000000000000000 (running kernel: 6.17.4-1-pve)'");
        Command("qm", ":");
        Command("pct", ":");
        Host = new Host(Directory, SearchPath);
    }

    /// <summary>A directory that looks like a Linux machine without Proxmox VE.</summary>
    public static LabHost Machine()
    {
        var host = new LabHost { IsMachine = true };
        System.IO.Directory.Delete(Path.Combine(host.Directory, "etc/pve"), recursive: true);
        System.IO.Directory.Delete(host.Bin, recursive: true);
        host.Write("etc/hostname", "web-01.example.org\n");
        host.Write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        host.Write("sys/class/dmi/id/product_uuid", "4C4C4544-0000-0000-0000-000000000001\n");
        host.Write("proc/loadavg", "0.50 0.25 0.12 1/100 1234\n");
        return host;
    }

    /// <summary>Whether it has no Proxmox VE.</summary>
    public bool IsMachine { get; private init; }

    public string Directory { get; }

    public string Bin { get; }

    public string SearchPath => $"{Bin}:{Environment.GetEnvironmentVariable("PATH")}";

    internal Host Host { get; }

    /// <summary>Adds a container with a file, and to .vmlist.</summary>
    public void Container(int vmid, string conf = "arch: amd64\nhostname: web-01\nostype: debian\n")
    {
        Write($"etc/pve/nodes/pve1/lxc/{vmid}.conf", conf);
        var ids = System.IO.Directory.GetFiles(Path.Combine(Directory, "etc/pve/nodes/pve1/lxc"), "*.conf")
            .Select(path => $"\"{Path.GetFileNameWithoutExtension(path)}\": {{ \"node\": \"pve1\", \"type\": \"lxc\", \"version\": 1 }}");
        Write("etc/pve/.vmlist", $"{{\n\"version\": 1,\n\"ids\": {{\n{string.Join(",\n", ids)}}}\n\n}}\n");
    }

    /// <summary>Puts a shell script in the place of one of Proxmox's commands.</summary>
    public void Command(string name, string script)
    {
        // Replaced by rename: the old one may be running.
        var path = Path.Combine(Bin, name);
        Write($"usr/sbin/{name}.new", $"#!/bin/sh\nroot={Directory}\n{script}\n");
        File.SetUnixFileMode($"{path}.new", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Move($"{path}.new", path, overwrite: true);
    }

    /// <summary>
    /// A pct whose <c>exec</c> runs the command on this machine, script on standard input, as lxc-attach would in a container. What
    /// it was called with is in the file pct.calls.
    /// </summary>
    public void RealPct() => Command("pct", """
        echo "$*" >> $root/pct.calls
        case $1 in
          exec) shift 3; exec "$@" ;;
          *) echo "ERROR: unknown command 'pct $1'" >&2; exit 255 ;;
        esac
        """);

    public void Write(string path, string text)
    {
        var full = Path.Combine(Directory, path);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    public string Read(string path) => File.ReadAllText(Path.Combine(Directory, path));

    // A run goes on without its agent, as it is meant to, and may write its last line while its directory is removed.
    public void Dispose()
    {
        for (var left = 100; ; left--)
        {
            try
            {
                System.IO.Directory.Delete(Directory, recursive: true);
                return;
            }
            catch (IOException) when (left > 0)
            {
                Thread.Sleep(50);
            }
        }
    }

    private static string MakeRootCa()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Proxmox Virtual Environment", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
        return certificate.ExportCertificatePem();
    }
}

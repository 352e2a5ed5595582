using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>Which Proxmox VE host this is.</summary>
/// <param name="Hostname">The host's name, perhaps with a domain.</param>
/// <param name="Node">Its node name: the first label of the host name, case kept.</param>
/// <param name="Cluster">The cluster it belongs to; a standalone host is one of its own.</param>
/// <param name="ClusterName">The cluster's name as people know it; the node's on a standalone host.</param>
internal sealed record HostIdentity(string Hostname, NodeName Node, ClusterId Cluster, string ClusterName);

/// <summary>This machine as a Proxmox VE host: whether it is one, and which. All reads of <c>/etc/pve</c> go through <paramref name="reads"/>.</summary>
internal sealed class PveHost(Host host, BoundedReads reads)
{
    /// <summary>Why this is no Proxmox VE host, in a person's words; null when it is one.</summary>
    public async Task<string?> WhyNot(CancellationToken cancellationToken)
    {
        foreach (var program in (string[])["pct", "qm"])
        {
            if (!File.Exists(host.At($"/usr/sbin/{program}")) && !File.Exists(host.At($"/usr/bin/{program}")))
            {
                return $"neither {host.At($"/usr/sbin/{program}")} nor {host.At($"/usr/bin/{program}")} exists";
            }
        }

        var directory = host.At("/etc/pve");
        try
        {
            // Exists answers false for a mount point whose daemon was killed; its parent still lists the name.
            return await reads.Read(directory, () => Directory.EnumerateFileSystemEntries(host.At("/etc"), "pve").Any(), cancellationToken)
                ? null
                : $"{directory} does not exist";
        }
        catch (DirectoryNotFoundException)
        {
            return $"{directory} does not exist";
        }
    }

    /// <summary>Reads who this host is.</summary>
    /// <exception cref="UnreadableException">It cannot be told; the message says why.</exception>
    public Task<HostIdentity> Identity(CancellationToken cancellationToken) => reads.Read(host.At("/etc/pve"), ReadIdentity, cancellationToken);

    /// <summary>The key that this host proves with that it is of its cluster.</summary>
    /// <exception cref="UnreadableException">It cannot be told; the message says why.</exception>
    public Task<byte[]> MembershipKey(CancellationToken cancellationToken) => reads.Read(host.At("/etc/pve"), () => ReadMembershipKey(Path.Combine(host.At("/etc/pve"), "priv", "pve-root-ca.key")), cancellationToken);

    /// <summary>The cluster id of a root CA certificate: the key, not the certificate, so a renewed certificate changes nothing.</summary>
    public static ClusterId ClusterOf(X509Certificate2 rootCa) =>
        ClusterId.Parse($"c{Convert.ToHexStringLower(SHA256.HashData(rootCa.PublicKey.ExportSubjectPublicKeyInfo()))[..16]}");

    private HostIdentity ReadIdentity()
    {
        var hostname = host.Hostname();
        if (!NodeName.TryParse(hostname.Split('.')[0], null, out var node))
        {
            throw new UnreadableException($"the host name '{PlainText.Of(hostname)}' does not begin with {NodeName.Expected}");
        }

        var pve = host.At("/etc/pve");
        if (!Directory.Exists(Path.Combine(pve, "nodes", node.Value)))
        {
            throw new UnreadableException(File.Exists(Path.Combine(pve, ".members"))
                ? $"{pve}/nodes/{node} does not exist: the host name is not a node of this cluster"
                : $"{pve} is empty or cannot be read: pmxcfs (service pve-cluster) is not running");
        }

        return new(hostname, node, ReadCluster(Path.Combine(pve, "pve-root-ca.pem")), ReadName(Path.Combine(pve, ".members"), node));
    }

    private static ClusterId ReadCluster(string path)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(path));
            return ClusterOf(certificate);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new UnreadableException($"{path}: {e.Message}");
        }
    }

    private static byte[] ReadMembershipKey(string path)
    {
        try
        {
            return File.ReadAllBytes(path) is { Length: > 0 } key ? Membership.KeyOf(key) : throw new UnreadableException($"{path} is empty");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableException($"{path}: {e.Message}");
        }
    }

    private static string ReadName(string path, NodeName node)
    {
        try
        {
            var cluster = ClusterFiles.ParseMembers(File.ReadAllText(path), corosync: null);
            return cluster.Name is { Length: > 0 } name ? name : node.Value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new UnreadableException($"{path}: {e.Message}");
        }
    }
}

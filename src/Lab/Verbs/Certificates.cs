using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace NannyOrleans.Lab.Verbs;

/// <summary>The CA a cluster makes for itself, the same on all its hosts: what tells two clusters apart.</summary>
internal static class Certificates
{
    /// <summary>Makes a self-signed one for ten years, named as Proxmox VE names it.</summary>
    public static (string Certificate, string Key) MakeRootCa()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(
            $"CN=Proxmox Virtual Environment, OU={Guid.NewGuid()}, O=PVE Cluster Manager CA", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Connections.Security;

namespace NannyOrleans.Silo.Signing;

/// <summary>
/// What silos and their clients know each other by: the one certificate of the installation, which each of them shows and wants to see. Who reaches a
/// silo's ports and does not have its key can't so much as ask: those ports take grain calls from anybody who gets that far.
/// </summary>
internal static class SiloCertificate
{
    private const string File = "silo-tls.pem";

    /// <summary>The certificate in the data directory, made there when it is not.</summary>
    /// <exception cref="CannotStartException">The file is there and holds none.</exception>
    public static X509Certificate2 AddSiloCertificate(this IServiceCollection services, SiloOptions options)
    {
        options.MakeDataDirectory();
        var path = options.PathOf(File);
        try
        {
            var pem = KeyFile.Read(path, Make);
            var certificate = X509Certificate2.CreateFromPem(pem, pem);
            services.AddInstallationKey(path);
            return certificate;
        }
        catch (CryptographicException damaged)
        {
            throw new CannotStartException($"{path} holds no certificate with its key: {damaged.Message}", damaged);
        }
    }

    /// <summary>Shows it, and wants to see the same.</summary>
    public static void Configure(TlsOptions tls, X509Certificate2 certificate)
    {
        tls.LocalCertificate = certificate;
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;

        // Neither who has signed it nor until when: it is this one or it is not.
        tls.RemoteCertificateValidation = (shown, _, _) => shown.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span);
        tls.OnAuthenticateAsClient = (_, client) => client.TargetHost = Name;
    }

    private const string Name = "nannyorleans";

    private static string Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(8000));
        return $"{key.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n";
    }
}

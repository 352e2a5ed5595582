using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using NannyOrleans.Api.Http;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Tests.Http;

/// <summary>The server's own certificate: what is said of it before anything starts. (How it is shown and renewed: <c>SecretsTests</c>.)</summary>
public sealed class TlsFilesTests : IDisposable
{
    private readonly DataDirectory files = new();

    public TlsFilesTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow.AddDays(90));
        Write("certificate.pem", certificate.ExportCertificatePem());
        Write("key.pem", key.ExportPkcs8PrivateKeyPem());
        Write("other.pem", other.ExportPkcs8PrivateKeyPem());
        Write("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem("x", new(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1)));
        Write("open.pem", key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(files.PathOf("open.pem"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
    }

    public void Dispose() => files.Dispose();

    [Theory]
    [InlineData("certificate.pem", "key.pem", null)]
    [InlineData(null, null, null)]
    [InlineData(null, "key.pem", "Tls:CertificateFile is missing")]
    [InlineData("certificate.pem", null, "Tls:KeyFile is missing")]
    [InlineData("no-such-file", "key.pem", "no-such-file")]
    [InlineData("certificate.pem", "no-such-file", "no-such-file")]
    [InlineData("certificate.pem", "certificate.pem", "no certificate with its private key")]
    [InlineData("key.pem", "key.pem", "no certificate with its private key")]
    [InlineData("certificate.pem", "other.pem", "no certificate with its private key")] // not its own
    [InlineData("certificate.pem", "encrypted.pem", "no certificate with its private key")]
    [InlineData("certificate.pem", "open.pem", "everybody on this machine may read")]
    public void Files_that_can_not_be_used_are_named(string? certificate, string? key, string? said)
    {
        var failure = Record.Exception(() => Read(certificate, key));
        Assert.True(failure is null == said is null, failure?.Message);
        Assert.Contains(said ?? "", failure is null ? "" : Assert.IsType<CannotStartException>(failure).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://*:8090", false, false, null)]
    [InlineData("https://*:8443", true, false, null)]
    [InlineData("http://127.0.0.1:8090; HTTPS://*:8443", true, false, null)]
    [InlineData("https://*:8443", false, true, null)] // Kestrel's own settings name one
    [InlineData("http://*:8090", true, false, "none of the addresses")] // a person who believes that it is protected
    [InlineData("http://*:8090;https://*:8443", false, false, "are needed")]
    public void A_certificate_and_an_address_that_uses_it_come_together(string addresses, bool hasFiles, bool kestrelHasOne, string? said)
    {
        var failure = Record.Exception(() => TlsFiles.Check(hasFiles ? Read("certificate.pem", "key.pem") : null, addresses, kestrelHasOne));
        Assert.True(failure is null == said is null, failure?.Message);
        Assert.Contains(said ?? "", failure is null ? "" : Assert.IsType<CannotStartException>(failure).Message, StringComparison.Ordinal);
    }

    private TlsFiles? Read(string? certificate, string? key) => TlsFiles.Read(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            [TlsFiles.CertificateSetting] = certificate is null ? null : files.PathOf(certificate),
            [TlsFiles.KeySetting] = key is null ? null : files.PathOf(key),
        }).Build(), TimeProvider.System);

    private void Write(string file, string text)
    {
        File.WriteAllText(files.PathOf(file), text);
        File.SetUnixFileMode(files.PathOf(file), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}

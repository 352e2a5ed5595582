using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace NannyOrleans.Api.Tests.Attacks;

/// <summary>A server that logs all it can, and ends TLS itself.</summary>
public sealed class TalkativeServer : IAsyncLifetime
{
    public const string Password = "a password that is nowhere else";

    private readonly DataDirectory keys = new();

    internal DataDirectory Data { get; } = new();

    internal ServerProcess Server { get; private set; } = null!;

    internal string CertificateFile => keys.PathOf("certificate.pem");

    internal string KeyFile => keys.PathOf("key.pem");

    public async ValueTask InitializeAsync()
    {
        Certify("first");

        // Started as a person does by hand, over what an older release has left.
        await File.WriteAllTextAsync(Data.PathOf("left-behind.db"), "x");
        File.SetUnixFileMode(Data.PathOf("left-behind.db"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        Server = await ServerProcess.Start(Data.Path, Password, "http://127.0.0.1:0;https://127.0.0.1:0", before: ["sh", "-c", "umask 022; exec \"$@\"", "sh"], more:
        [
            ("NANNY_Tls__CertificateFile", CertificateFile),
            ("NANNY_Tls__KeyFile", KeyFile),
            .. Categories.Select(category => ($"NANNY_Logging__LogLevel__{category}", "Trace")),
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Data.Dispose();
        keys.Dispose();
    }

    /// <summary>Writes a new certificate, as a renewal does: the one file, then the other.</summary>
    internal void Certify(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(90));
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
    }

    // Each that the settings file beside the program says something of.
    private static readonly string[] Categories =
        ["Default", "Microsoft", "Microsoft.AspNetCore.DataProtection", "Microsoft.Extensions.Diagnostics.HealthChecks", "Microsoft.Extensions.Hosting.Internal.Host", "OpenIddict", "Orleans", "Polly"];
}

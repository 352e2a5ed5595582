using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NannyOrleans.Silo.Tests.Shapes;

namespace NannyOrleans.Silo.Tests.Signing;

/// <summary>Whoever gets through to a silo's ports may call any grain.</summary>
public sealed class SiloCertificateTests : IDisposable
{
    private readonly DataDirectory data = new();

    public void Dispose() => data.Dispose();

    [Fact]
    public async Task Who_does_not_show_the_installation_s_certificate_is_not_listened_to()
    {
        var (port, gateway) = (Port.Free(), Port.Free());
        await using var silo = SplitProcesses.StartSilo(data, gateway, more: ("NANNY_Silo__Port", $"{port}"));
        await silo.Line("Application started");
        using var stranger = Stranger();
        var own = await File.ReadAllTextAsync(data.PathOf("silo-tls.pem"));
        using var known = X509Certificate2.CreateFromPem(own, own);
        foreach (var one in new[] { port, gateway })
        {
            Assert.False(await IsListenedTo(one, stranger).Within("the end of a connection with a certificate of one's own"));
            Assert.False(await IsListenedTo(one, null).Within("the end of a connection without a certificate"));
            Assert.False(await IsListenedToPlainly(one).Within("the end of a connection without TLS"));
            Assert.True(await IsListenedTo(one, known).Within("a connection with the right certificate"));
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(data.PathOf("silo-tls.pem")));
    }

    [Fact]
    public async Task A_damaged_file_is_named()
    {
        await File.WriteAllTextAsync(data.PathOf("silo-tls.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        await using var silo = SplitProcesses.StartSilo(data, Port.Free());
        Assert.Equal(1, await silo.Exit());
        Assert.Contains($"{data.PathOf("silo-tls.pem")} holds no certificate with its key", Assert.Single(silo.Lines), StringComparison.Ordinal);
    }

    /// <summary>Whether the other side goes on after what is said first, which in TLS 1.3 is before it has looked at the certificate.</summary>
    private static async Task<bool> IsListenedTo(int port, X509Certificate2? certificate)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(tcp.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "nannyorleans",
                ClientCertificates = certificate is null ? [] : [certificate],
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null, // a stranger would not mind
            });
            return await IsOpen(tls);
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            return false;
        }
    }

    private static async Task<bool> IsListenedToPlainly(int port)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        await tcp.GetStream().WriteAsync(new byte[64]); // no TLS, whatever it is
        try
        {
            return await IsOpen(tcp.GetStream());
        }
        catch (IOException)
        {
            return false;
        }
    }

    // An Orleans process says nothing before it is spoken to: a connection that is kept is one on which nothing comes, not even its end.
    private static async Task<bool> IsOpen(Stream stream)
    {
        using var quiet = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            return await stream.ReadAsync(new byte[1], quiet.Token) > 0;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private static X509Certificate2 Stranger()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=nannyorleans", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(8000));
    }
}

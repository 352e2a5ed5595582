using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Http;

/// <summary>
/// The server's own certificate, for where no proxy in front ends TLS: PEM files as certbot and all others write them. They are read again when they have
/// changed, so that a renewal needs no restart; one that can't be used is said once, and the one before stays.
/// </summary>
internal sealed partial class TlsFiles
{
    /// <summary>The setting: the file of the certificate, with those that lead to its root after it.</summary>
    public const string CertificateSetting = "Tls:CertificateFile";

    /// <summary>The setting: the file of its private key, without a password.</summary>
    public const string KeySetting = "Tls:KeyFile";

    /// <summary>By content: of a link to a link to a file, as Kubernetes has them, no time says that it is another one.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    private readonly string certificateFile;
    private readonly string keyFile;
    private readonly TimeProvider clock;
    private readonly Lock looking = new();
    private string read;
    private long lookedAt;
    private SslStreamCertificateContext current;

    private TlsFiles(string certificateFile, string keyFile, TimeProvider clock)
    {
        (this.certificateFile, this.keyFile, this.clock) = (certificateFile, keyFile, clock);
        read = Read();
        current = Load(read);
        lookedAt = clock.GetTimestamp();
    }

    /// <summary>The files that the settings name; null where they name none.</summary>
    /// <exception cref="CannotStartException">One is missing, or they are no certificate with its key, or everybody may read the key.</exception>
    public static TlsFiles? Read(IConfiguration configuration, TimeProvider clock) => (configuration[CertificateSetting], configuration[KeySetting]) switch
    {
        (null or "", null or "") => null,
        (null or "", _) => throw new CannotStartException($"{CertificateSetting} is missing; {KeySetting} is there."),
        (_, null or "") => throw new CannotStartException($"{KeySetting} is missing; {CertificateSetting} is there."),
        ({ } certificate, { } key) => new(certificate, key, clock),
    };

    /// <summary>Checks that addresses and certificate go together.</summary>
    /// <exception cref="CannotStartException">They don't.</exception>
    public static void Check(TlsFiles? files, string addresses, bool kestrelHasOne)
    {
        var hasHttps = addresses.Split(';').Any(address => address.Trim().StartsWith("https://", StringComparison.OrdinalIgnoreCase));
        if (files is not null && !hasHttps)
        {
            throw new CannotStartException($"{CertificateSetting} is there, but none of the addresses ({addresses}) begins with https://.");
        }

        if (hasHttps && files is null && !kestrelHasOne)
        {
            throw new CannotStartException($"An address ({addresses}) begins with https://: {CertificateSetting} and {KeySetting} are needed.");
        }
    }

    /// <summary>Has every HTTPS address use them, with TLS 1.2 at the least.</summary>
    public void Configure(HttpsConnectionAdapterOptions https, ILogger<TlsFiles> logger)
    {
        https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
        https.HandshakeTimeout = TimeSpan.FromSeconds(10);
        https.ServerCertificateSelector = (_, _) => Current(logger).TargetCertificate;

        // With those that lead to its root, which a selector can't say.
        https.OnAuthenticate = (_, ssl) => (ssl.ServerCertificateSelectionCallback, ssl.ServerCertificateContext) = (null, Current(logger));
    }

    /// <summary>The one to show now.</summary>
    internal SslStreamCertificateContext Current(ILogger<TlsFiles> logger)
    {
        lock (looking)
        {
            if (clock.GetElapsedTime(lookedAt) < LookEvery)
            {
                return current;
            }

            lookedAt = clock.GetTimestamp();
            var seen = read;
            try
            {
                seen = Read();
                if (seen != read)
                {
                    current = Load(seen);
                    Log.Changed(logger, certificateFile, current.TargetCertificate.NotAfter.ToUniversalTime());
                }
            }
            catch (CannotStartException unusable) // half of a renewal, for instance: the other half will come
            {
                Log.Unusable(logger, unusable.Message);
            }

            read = seen;
            return current;
        }
    }

    private string Read()
    {
        try
        {
            if (File.GetUnixFileMode(keyFile).HasFlag(UnixFileMode.OtherRead))
            {
                throw new CannotStartException($"{KeySetting}: everybody on this machine may read {keyFile}. Take that away (chmod o-r).");
            }

            return $"{File.ReadAllText(certificateFile)}\n\0{File.ReadAllText(keyFile)}";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"{CertificateSetting} or {KeySetting} can't be read: {unreadable.Message}", unreadable);
        }
    }

    private SslStreamCertificateContext Load(string both)
    {
        var (certificate, key) = (both[..both.IndexOf('\0', StringComparison.Ordinal)], both[(both.IndexOf('\0', StringComparison.Ordinal) + 1)..]);
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificate);
            return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(certificate, key), chain, offline: true);
        }
        catch (Exception wrong) when (wrong is CryptographicException or ArgumentException)
        {
            throw new CannotStartException($"{CertificateSetting} ({certificateFile}) and {KeySetting} ({keyFile}) are no certificate with its private key, in PEM: {wrong.Message}", wrong);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5251, LogLevel.Information, "The certificate {File} has changed; it is good until {Until:u}")]
        public static partial void Changed(ILogger logger, string file, DateTime until);

        [LoggerMessage(5252, LogLevel.Error, "The certificate has changed and can't be used, so the one before stays: {Reason}")]
        public static partial void Unusable(ILogger logger, string reason);
    }
}

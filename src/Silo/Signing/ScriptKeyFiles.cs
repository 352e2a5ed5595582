using System.Security.Cryptography;
using NannyOrleans.Grains.Scripts;

namespace NannyOrleans.Silo.Signing;

/// <summary>Where a server keeps the keys it signs scripts with.</summary>
public static class ScriptKeyFiles
{
    /// <summary>The keys in a data directory, made there when they are not. Now and not at the first use: a damaged file is the first thing said.</summary>
    public static void AddScriptKeys(this IServiceCollection services, SiloOptions options)
    {
        if (services.All(service => service.ServiceType != typeof(ScriptKeys)))
        {
            services.AddSingleton(Read(options, ReleaseSignatures.Embedded()));
            services.AddInstallationKey(options.PathOf(Catalogue));
            services.AddInstallationKey(options.PathOf(Custom));
        }
    }

    /// <summary>The keys in a data directory.</summary>
    /// <exception cref="CannotStartException">A file is there and holds no key, or the release's signatures are not those of its scripts.</exception>
    public static ScriptKeys Read(SiloOptions options, ReleaseSignatures? release)
    {
        options.MakeDataDirectory();
        try
        {
            return new(Key(options.PathOf(Catalogue)), Key(options.PathOf(Custom)), release);
        }
        catch (InvalidOperationException stale)
        {
            throw new CannotStartException(stale.Message, stale);
        }
    }

    private const string Catalogue = "script-catalogue.pem";
    private const string Custom = "script-custom.pem";

    private static ECDsa Key(string path)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            key.ImportFromPem(KeyFile.Read(path, key.ExportPkcs8PrivateKeyPem));
            return key;
        }
        catch (Exception damaged) when (damaged is ArgumentException or CryptographicException)
        {
            throw new CannotStartException($"{path} holds no private key: {damaged.Message}", damaged);
        }
    }
}

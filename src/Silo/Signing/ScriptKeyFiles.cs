using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Jobs;

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
            var (catalogue, custom) = (Key(options.PathOf(Catalogue)), Key(options.PathOf(Custom)));
            return new(catalogue.Key, custom.Key, release, [.. catalogue.Endorsements, .. custom.Endorsements]);
        }
        catch (InvalidOperationException stale)
        {
            throw new CannotStartException(stale.Message, stale);
        }
    }

    /// <summary>
    /// Replaces both keys by new ones, each in one go with the old one's word for the new one, which lies in the same file. Processes that run go on with
    /// the old ones until they are started again.
    /// </summary>
    /// <exception cref="CannotStartException">A file holds no key.</exception>
    public static void Rotate(SiloOptions options)
    {
        foreach (var path in new[] { options.PathOf(Catalogue), options.PathOf(Custom) })
        {
            var (old, endorsements) = Key(path);
            using (old)
            using (var next = ECDsa.Create(ECCurve.NamedCurves.nistP256))
            {
                var endorsed = KeyEndorsement.Make(old, Convert.ToBase64String(next.ExportSubjectPublicKeyInfo()));

                // The newest last; those before it still lead hosts here that were away all the while.
                KeyEndorsement[] all = [.. endorsements.TakeLast((KeyEndorsement.MaxCount / 2) - 1), endorsed];
                KeyFile.Replace(path, string.Join('\n', [next.ExportPkcs8PrivateKeyPem(), .. all.Select(one => PemEncoding.WriteString(Endorsement, Encoding.ASCII.GetBytes(KeyEndorsement.Write([one])!)))]) + "\n");
            }
        }
    }

    /// <summary>The names of the files.</summary>
    public static IReadOnlyList<string> Names { get; } = [Catalogue, Custom];

    private const string Endorsement = "NANNYORLEANS KEY ENDORSEMENT";
    private const string Catalogue = "script-catalogue.pem";
    private const string Custom = "script-custom.pem";

    private static (ECDsa Key, IReadOnlyList<KeyEndorsement> Endorsements) Key(string path)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            var text = KeyFile.Read(path, key.ExportPkcs8PrivateKeyPem);
            key.ImportFromPem(text);
            return (key, [.. Endorsements(text)]);
        }
        catch (Exception damaged) when (damaged is ArgumentException or CryptographicException)
        {
            throw new CannotStartException($"{path} holds no private key: {damaged.Message}", damaged);
        }
    }

    private static IEnumerable<KeyEndorsement> Endorsements(string text)
    {
        while (PemEncoding.TryFind(text, out var found))
        {
            if (text[found.Label] is Endorsement)
            {
                foreach (var one in KeyEndorsement.Read(Encoding.ASCII.GetString(Convert.FromBase64String(text[found.Base64Data]))))
                {
                    yield return one;
                }
            }

            text = text[found.Location.End..];
        }
    }
}

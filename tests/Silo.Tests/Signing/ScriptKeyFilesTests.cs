using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Silo.Signing;

namespace NannyOrleans.Silo.Tests.Signing;

public sealed class ScriptKeyFilesTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("nanny-keys").FullName;

    private SiloOptions Options => new() { DataDirectory = directory };

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void Keys_are_made_once_and_for_their_owner_alone()
    {
        using var first = ScriptKeyFiles.Read(Options, null);
        using var second = ScriptKeyFiles.Read(Options, null);
        Assert.Equal((first.CatalogueKey, first.CustomKey), (second.CatalogueKey, second.CustomKey));
        Assert.NotEqual(first.CatalogueKey, first.CustomKey);
        Assert.Equal(["script-catalogue.pem", "script-custom.pem"], Directory.GetFiles(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(directory), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.True(second.IsGood(first.Sign(ScriptCatalogue.All[0].Reference, ScriptSigner.Catalogue)));
    }

    [Fact] // Whoever was away for two of them follows as well, and what the first key has signed of custom scripts is signed anew; what a stranger has is not.
    public void Keys_that_are_replaced_vouch_for_those_that_come_after_them()
    {
        using var first = ScriptKeyFiles.Read(Options, null);
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var script = new ScriptReference("mine.sh", new('a', 64));
        var (signed, catalogued) = (first.Sign(script, ScriptSigner.Custom), first.Sign(script, ScriptSigner.Catalogue));
        for (var i = 0; i < 3; i++)
        {
            ScriptKeyFiles.Rotate(Options);
        }

        using var last = ScriptKeyFiles.Read(Options, null);
        Assert.NotEqual((first.CatalogueKey, first.CustomKey), (last.CatalogueKey, last.CustomKey));
        Assert.All(Directory.GetFiles(directory), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        var said = KeyEndorsement.Read(last.Sign(script, ScriptSigner.Custom).Endorsements);
        Assert.Equal(last.CustomKey, KeyEndorsement.From(first.CustomKey, said)[^1]);
        Assert.Equal(last.CatalogueKey, KeyEndorsement.From(first.CatalogueKey, said)[^1]);
        Assert.Equal([last.CustomKey], KeyEndorsement.From(last.CustomKey, said)); // not back
        Assert.False(last.IsGood(signed));
        Assert.True(last.IsGood(last.Renew(signed)) && last.IsGood(last.Renew(catalogued)));
        var strange = signed with { Signature = Convert.ToBase64String(stranger.SignData(Encoding.UTF8.GetBytes(ScriptSignature.Text(script)), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)) };
        Assert.Same(strange, last.Renew(strange));
        Assert.False(last.IsGood(last.Renew(signed with { Signer = ScriptSigner.Catalogue }))); // the custom key's words are not the catalogue's

        // However often, the file and what agents have to read stay small.
        for (var i = 0; i < KeyEndorsement.MaxCount; i++)
        {
            ScriptKeyFiles.Rotate(Options);
        }

        using var much = ScriptKeyFiles.Read(Options, null);
        Assert.InRange(KeyEndorsement.Read(much.Sign(script, ScriptSigner.Custom).Endorsements).Count, 2, KeyEndorsement.MaxCount);
        Assert.Equal(much.CustomKey, KeyEndorsement.From(KeyEndorsement.Read(much.Sign(script, ScriptSigner.Custom).Endorsements)[^1].OldKey, KeyEndorsement.Read(much.Sign(script, ScriptSigner.Custom).Endorsements))[^1]);
    }

    [Fact]
    public void A_file_that_is_there_first_is_read_by_whoever_came_second()
    {
        var path = Path.Combine(directory, "key");
        Assert.Equal("theirs", KeyFile.Read(path, () =>
        {
            File.WriteAllText(path, "theirs"); // between the look and the write another process makes it
            return "ours";
        }));
        Assert.Equal([path], Directory.GetFiles(directory));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a key")]
    public void A_damaged_file_is_named_and_not_replaced(string content)
    {
        var path = Path.Combine(directory, "script-catalogue.pem");
        File.WriteAllText(path, content);
        Assert.Contains(path, Assert.Throws<CannotStartException>(() => ScriptKeyFiles.Read(Options, null)).Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path)); // a new one would lock every host out
    }

    [Fact]
    public void A_releases_signatures_are_handed_on_and_its_key_is_the_one_to_pin()
    {
        using var offline = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var keys = ScriptKeyFiles.Read(Options, Release(offline));
        Assert.Equal(("release", Spki(offline)), (keys.SignedBy, keys.CatalogueKey));
        Assert.All(ScriptCatalogue.All, script => Assert.True(keys.IsGood(keys.Sign(script.Reference, ScriptSigner.Catalogue))));
        Assert.True(keys.IsGood(keys.Sign(new("mine.sh", new('a', 64)), ScriptSigner.Custom)));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("of-another-key")]
    [InlineData("of-another-content")] // a script was changed and not signed anew
    public void A_release_whose_signatures_do_not_fit_does_not_start(string kind)
    {
        using ECDsa offline = ECDsa.Create(ECCurve.NamedCurves.nistP256), other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var script = ScriptCatalogue.All[0].Reference;
        var good = Release(offline);
        var signatures = good.Signatures.ToDictionary();
        signatures[script.Name] = kind switch
        {
            "missing" => string.Empty,
            "of-another-key" => Sign(other, script),
            _ => Sign(offline, script with { Sha256 = new('0', 64) }),
        };
        Assert.Contains(script.Name, Assert.Throws<CannotStartException>(() => ScriptKeyFiles.Read(Options, good with { Signatures = signatures })).Message, StringComparison.Ordinal);
    }

    private static ReleaseSignatures Release(ECDsa key) =>
        new(Spki(key), ScriptCatalogue.All.ToDictionary(script => script.Reference.Name, script => Sign(key, script.Reference)));

    private static string Sign(ECDsa key, ScriptReference script) => Convert.ToBase64String(
        key.SignData(Encoding.UTF8.GetBytes(ScriptSignature.Text(script)), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));

    private static string Spki(ECDsa key) => Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
}

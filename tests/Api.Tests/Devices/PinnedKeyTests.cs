using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Devices;

public sealed class PinnedKeyTests(SharedServer shared)
{
    [Fact]
    public async Task The_keys_come_with_the_approval_alone_and_sign_what_jobs_run()
    {
        var cluster = Some.Cluster();
        var anonymous = shared.Anonymous;
        var code = (await HostPeer.AskForCode(anonymous, cluster.Value, "pve1", "pve1", "lab")).Is(200);
        (await shared.Admin.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).Is(302);
        var tokens = (await HostPeer.Poll(anonymous, code.Text("device_code"))).Is(200);
        using ECDsa catalogue = ECDsa.Create(), custom = ECDsa.Create();
        catalogue.ImportSubjectPublicKeyInfo(Convert.FromBase64String(tokens.Text(Registration.CatalogueKey)), out _);
        custom.ImportSubjectPublicKeyInfo(Convert.FromBase64String(tokens.Text(Registration.CustomKey)), out _);
        Assert.NotEqual(tokens.Text(Registration.CatalogueKey), tokens.Text(Registration.CustomKey));

        var renewed = (await anonymous.Refresh(Registration.ClientId, tokens.Text("refresh_token"))).Is(200);
        Assert.False(renewed.Json.TryGetProperty(Registration.CatalogueKey, out _) || renewed.Json.TryGetProperty(Registration.CustomKey, out _));

        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container();
        await host.ConnectWith(shared.Server.Url, web);
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, web)))).Is(202);
        var script = (await host.NextJob()).Script;
        Assert.Equal(ScriptSigner.Catalogue, script.Signer);
        var (text, signature) = (Encoding.UTF8.GetBytes(ScriptSignature.Text(script)), Convert.FromBase64String(script.Signature!));
        Assert.True(catalogue.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        Assert.False(custom.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }
}

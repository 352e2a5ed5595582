using System.Security.Cryptography;
using System.Text.Json;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>What an agent runs is decided by the keys that were pinned when a person approved it, not by what the server says now.</summary>
public sealed class ScriptTrustTests : IAsyncLifetime
{
    private const string Marker = "echo nanny-patch: started >&2\n";

    private readonly LabHost host = new();
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        host.Container(100);
        host.RealPct();
        RunningAgent.Register(host, server);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        host.Dispose();
    }

    [Theory]
    [InlineData("unsigned", "script refused: apt-update.sh is not signed")]
    [InlineData("another-key", "script refused: the signature of apt-update.sh is not that of the key pinned")] // a server that was taken over
    [InlineData("another-name", "script refused: the signature of apt-update.sh is not that of the key pinned")] // a good signature, of another script
    [InlineData("another-content", "script refused: the signature of apt-update.sh is not that of the key pinned")]
    [InlineData("custom-as-catalogue", "script refused: the signature of apt-update.sh is not that of the key pinned")]
    [InlineData("custom", "script refused: apt-update.sh is a custom script; they run here only with custom_scripts: true")]
    [InlineData("no-base64", "script refused: the signature of apt-update.sh or the pinned key can't be read")]
    [InlineData("empty", "script refused: the signature of apt-update.sh is not that of the key pinned")]
    [InlineData("signer-of-a-later-release", "script refused: apt-update.sh is signed by somebody this agent does not know")]
    public async Task A_script_without_a_pinned_keys_signature_is_refused_before_anything_runs(string kind, string detail)
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var good = server.Script("apt-update.sh", Marker + "echo hacked");
        var sent = kind switch
        {
            "unsigned" => good with { Signature = null },
            "another-key" => SigningKeys.Sign(good, other),
            "another-name" => good with { Signature = SigningKeys.Sign(good with { Name = "dnf-update.sh" }).Signature },
            "another-content" => good with { Signature = SigningKeys.Sign(good with { Sha256 = new('0', 64) }).Signature },
            "custom-as-catalogue" => SigningKeys.Sign(good with { Signer = ScriptSigner.Custom }) with { Signer = ScriptSigner.Catalogue },
            "custom" => server.Script("apt-update.sh", Marker + "echo hacked", ScriptSigner.Custom),
            "no-base64" => good with { Signature = "?" },
            "empty" => good with { Signature = string.Empty },
            _ => good with { Signer = (ScriptSigner)7 },
        };
        if (kind is "signer-of-a-later-release")
        {
            // It can't be said on this wire; the rule is the same.
            Assert.StartsWith(detail["script refused: ".Length..], ScriptTrust.Refusal(sent, Credentials.Load(host.Host), customScripts: true), StringComparison.Ordinal);
            return;
        }

        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(sent));
        await IsRefused(detail);
        Assert.Equal(0, server.ScriptRequests);
    }

    [Fact]
    public async Task A_host_registered_before_there_were_keys_runs_nothing_until_it_is_registered_again()
    {
        var old = Credentials.Load(host.Host)!;
        (old with { CatalogueKey = null, CustomKey = null }).Save(host.Host);
        await using var agent = await Connected();
        var script = server.Script("apt-update.sh", Marker);
        await server.Send(RunningAgent.Job(script));
        await IsRefused("script refused: no key is pinned for it; register this host again");

        // Beside the running agent: what was pinned last counts.
        RunningAgent.Register(host, server);
        await server.Send(RunningAgent.Job(script, number: 2));
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the end")).Outcome);
    }

    [Fact]
    public async Task A_key_that_the_pinned_one_vouches_for_takes_its_place_and_the_old_one_counts_no_more()
    {
        using var next = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (key, otherKey) = (Spki(next), Spki(other));
        var script = server.Script("apt-update.sh", Marker + "echo good");
        var signed = SigningKeys.Sign(script, next);
        await using var agent = await Connected();
        foreach (var (number, sent) in new[]
        {
            (1, signed), // nobody vouches
            (2, signed with { Endorsements = KeyEndorsement.Write([KeyEndorsement.Make(other, key)]) }), // a stranger does
            (3, signed with { Endorsements = KeyEndorsement.Write([SigningKeys.Endorse(otherKey) with { NewKey = key }]) }), // it was said of another key
            (4, SigningKeys.Sign(script, other) with { Endorsements = KeyEndorsement.Write([SigningKeys.Endorse(key)]) }), // somebody else has signed
            (5, signed with { Endorsements = "no endorsement; at all" }),
        })
        {
            await server.Send(RunningAgent.Job(sent, number));
            await IsRefused("script refused: the signature of apt-update.sh is not that of the key pinned");
        }

        await server.Send(RunningAgent.Job(signed with { Endorsements = KeyEndorsement.Write([KeyEndorsement.Make(other, key), SigningKeys.Endorse(key)]) }, number: 6));
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the end")).Outcome);
        Assert.Equal((key, SigningKeys.Public.Custom), (Credentials.Load(host.Host)!.CatalogueKey, Credentials.Load(host.Host)!.CustomKey));
        await server.Send(RunningAgent.Job(signed, number: 7)); // it is pinned: nobody has to vouch
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the end")).Outcome);
        await server.Send(RunningAgent.Job(script, number: 8));
        Assert.StartsWith("script refused: ", (await server.NextEnd("the refusal")).Detail, StringComparison.Ordinal);

        static string Spki(ECDsa one) => Convert.ToBase64String(one.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public async Task Credentials_of_an_older_agent_are_read_and_pin_nothing()
    {
        var file = Credentials.PathOn(host.Host);
        var json = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(await File.ReadAllBytesAsync(file))!;
        Assert.True(json.Remove("catalogue_key") && json.Remove("custom_key"));
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(json));
        var old = Credentials.Load(host.Host)!;
        Assert.Equal((RunningAgent.AgentUlid, null, null), (old.AgentId.Value, old.CatalogueKey, old.CustomKey));
        Assert.Equal("no key is pinned for it; register this host again", ScriptTrust.Refusal(server.Script("apt-update.sh", Marker), old, customScripts: true));
        Assert.Equal("no key is pinned for it; register this host again", ScriptTrust.Refusal(server.Script("apt-update.sh", Marker), null, customScripts: true));
    }

    [Fact]
    public async Task A_custom_script_runs_where_the_hosts_configuration_admits_it()
    {
        host.Write("etc/nannyagent/config.yml", $"api_url: {server.Url}\ncustom_scripts: true\n");
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(server.Script("special.sh", Marker, ScriptSigner.Custom)));
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the end")).Outcome);

        // Its key signs nothing of the catalogue.
        var posing = server.Script("apt-update.sh", Marker + "echo hacked", ScriptSigner.Custom) with { Signer = ScriptSigner.Catalogue };
        await server.Send(RunningAgent.Job(posing, number: 2));
        Assert.StartsWith("script refused: ", (await server.NextEnd("the refusal")).Detail, StringComparison.Ordinal);
    }

    [Fact] // Only somebody who is root there can; it costs nothing to notice.
    public async Task A_script_that_was_swapped_on_disk_is_not_run()
    {
        await using var agent = await Connected();
        var script = server.Script("apt-update.sh", Marker + "echo good");
        host.Write($"var/lib/nannyagent/scripts/{script.Sha256}", Marker + "echo swapped");
        await server.Send(RunningAgent.Job(script));
        Assert.Equal("good\n", (await server.NextEnd("the end")).StandardOutput);
    }

    [Fact] // What was hashed is what runs, and not what has its name by then.
    public async Task A_script_that_is_swapped_between_the_check_and_the_run_is_not_run()
    {
        var script = server.Script("apt-update.sh", Marker + "echo good");
        host.Command("setsid", $"printf '%s\\n' 'echo nanny-patch: started >&2; echo swapped' >$root/var/lib/nannyagent/scripts/{script.Sha256}; exec /usr/bin/setsid \"$@\"");
        await using var agent = await Connected();
        await server.Send(RunningAgent.Job(script));
        var end = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, 1, ""), (end.Outcome, end.ExitCode, end.StandardOutput));
        Assert.Contains("has changed since it was checked; nothing was run", end.StandardError, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(host.Directory, "pct.calls")) && host.Read("pct.calls").Contains("sh -s", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("apt-update.sh\nx", null)] // would move the lines of what is signed
    [InlineData("apt-update.sh", "../../../etc/passwd")] // is a file's name on disk, too
    [InlineData("apt-update.sh", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void A_name_or_hash_that_is_none_is_refused_even_if_signed(string name, string? hash)
    {
        var odd = SigningKeys.Sign(new ScriptReference(name, hash ?? new string('a', 64)));
        Assert.Equal("its name or SHA-256 is not one", ScriptTrust.Refusal(odd, Credentials.Load(host.Host), customScripts: true));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("AAAA", false)]
    [InlineData("p384", false)]
    [InlineData("p256", true)]
    public void Only_a_key_that_can_be_used_is_pinned(string? kind, bool usable)
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var key = kind switch { "p384" => Convert.ToBase64String(p384.ExportSubjectPublicKeyInfo()), "p256" => SigningKeys.Public.Catalogue, _ => kind };
        Assert.Equal(usable, ScriptTrust.WrongKey(key) is null);
    }

    private async Task IsRefused(string detail)
    {
        var end = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, null, null), (end.Outcome, end.ExitCode, end.StartedAt));
        Assert.StartsWith(detail, end.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("sh -s", File.Exists(Path.Combine(host.Directory, "pct.calls")) ? host.Read("pct.calls") : string.Empty, StringComparison.Ordinal);
    }

    private async Task<RunningAgent> Connected()
    {
        var agent = RunningAgent.On(host);
        var first = await Task.WhenAny(server.NextInventory(), agent.Exit);
        Assert.False(first == agent.Exit, agent.Error);
        await first;
        return agent;
    }
}

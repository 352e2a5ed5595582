using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Scripts;

public sealed class ScriptTests(SharedServer shared)
{
    private const string Text = "#!/bin/sh\nprintf 'nanny-patch: started\\n' >&2\necho '{}'\n";

    [Fact]
    public async Task The_catalogue_is_listed_shown_and_found_valid()
    {
        var listed = (await shared.Admin.Get("/api/scripts")).Is(200).Json.EnumerateArray().Single(script => script.GetProperty("id").GetString() is "apt-update.sh");
        Assert.Equal(("server", "debian", false), (listed.GetProperty("signed_by").GetString(), listed.GetProperty("platform_family").GetString(), listed.GetProperty("custom").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, listed.GetProperty("content").ValueKind);

        var one = (await shared.Admin.Get("/api/scripts/apt-update.sh")).Is(200);
        Assert.Equal(one.Text("sha256"), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(one.Text("content")))));
        var valid = (await shared.Admin.PostLikeCurl("/api/scripts/apt-update.sh/validate", "")).Is(200);
        Assert.True(valid.Json.GetProperty("valid").GetBoolean(), valid.Body);
        Assert.Equal(["sha256", "signature", "text", "syntax"], valid.Json.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()!));

        (await shared.Admin.Get("/api/scripts/nothing.sh")).IsProblem(404, "not-found");
        (await shared.Admin.PostLikeCurl("/api/scripts/nothing.sh/validate", "")).IsProblem(404, "not-found");
        (await shared.Admin.Send("DELETE", "/api/scripts/apt-update.sh")).IsProblem(409, "catalogue-script");
        (await shared.Admin.Send("DELETE", "/api/scripts/nothing.sh")).IsProblem(404, "not-found");
    }

    [Fact] // Of a version no other test has: all share one server.
    public async Task A_custom_script_is_what_jobs_for_its_version_run()
    {
        var version = $"9{Some.Vmid()}";
        var name = $"mine-{version}.sh";
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (odd, usual) = (Some.Container() with { Os = new("debian", [], version, "Debian") }, Some.Container());
        await host.ConnectWith(shared.Server.Url, odd, usual);

        var made = (await Add(name, version, Text)).Is(201);
        Assert.Equal((name, true, version, "admin"), (made.Text("id"), made.Json.GetProperty("custom").GetBoolean(), made.Text("os_version"), made.Text("created_by")));
        Assert.Equal($"/api/scripts/{name}", made.Header("Location"));
        (await Add(name, "1", Text)).IsProblem(409, "script-exists");
        (await Add("other.sh", version, Text)).IsProblem(409, "script-exists");
        Assert.Equal(Text, (await shared.Admin.Get($"/api/scripts/{name}")).Is(200).Text("content"));
        Assert.True((await shared.Admin.PostLikeCurl($"/api/scripts/{name}/validate", "")).Is(200).Json.GetProperty("valid").GetBoolean());
        Assert.Equal(Text, (await shared.Admin.With(host.AccessToken).Get($"/api/scripts/{name}/content")).Is(200).Body);

        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, odd)))).Is(202);
        var script = (await host.NextJob()).Script;
        Assert.Equal((name, ScriptSigner.Custom, made.Text("signature")), (script.Name, script.Signer, script.Signature));
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, usual)))).Is(202);
        Assert.Equal("apt-update.sh", (await host.NextJob()).Script.Name);

        (await shared.Admin.Send("DELETE", $"/api/scripts/{name}")).Is(204);
        (await shared.Admin.Get($"/api/scripts/{name}")).IsProblem(404, "not-found");
        (await shared.Admin.With(host.AccessToken).Get($"/api/scripts/{name}/content")).IsProblem(404, "not-found");
        var audited = (await shared.Admin.Get($"/api/audit?target={name}")).Is(200).Json.EnumerateArray().Select(entry => $"{entry.GetProperty("action")} {entry.GetProperty("result")}").ToArray();
        Assert.Equal(["delete-script done", "delete-script asked"], audited[..2]); // the newest first
        Assert.Equal(["add-script done", "add-script asked"], audited[^2..]);
    }

    [Fact]
    public async Task A_distribution_of_no_family_is_patched_once_an_administrator_has_added_a_script_for_it()
    {
        var id = $"odd{Some.Vmid()}";
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var odd = Some.Container() with { OsType = "unmanaged", Os = new(id, [], null, "Odd Linux") };
        await host.ConnectWith(shared.Server.Url, odd);
        var refused = (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, odd)))).IsProblem(409, "unknown-family");
        Assert.Contains($"POST /api/scripts and \"os_id\": \"{id}\"", refused.GetProperty("detail").GetString(), StringComparison.Ordinal);

        var made = (await shared.Admin.PostLikeCurl("/api/scripts", JsonSerializer.Serialize(new { name = $"{id}.sh", os_id = id, content = Text }))).Is(201);
        Assert.Equal((id, JsonValueKind.Null), (made.Text("os_id"), made.Json.GetProperty("platform_family").ValueKind));
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, odd)))).Is(202);
        var script = (await host.NextJob()).Script; // whether its agent allows it, the agent says
        Assert.Equal(($"{id}.sh", ScriptSigner.Custom), (script.Name, script.Signer));
    }

    [Theory]
    [InlineData("gentoo", "debian")] // which of the two?
    [InlineData("ubuntu", null)] // of a family
    [InlineData("Gen too", null)]
    [InlineData("gentoo\n", null)]
    [InlineData("", null)]
    public async Task A_distribution_is_given_as_os_release_has_it_and_alone(string id, string? family) =>
        (await shared.Admin.PostLikeCurl("/api/scripts", JsonSerializer.Serialize(new { name = "x.sh", os_id = id, platform_family = family, content = Text }))).NamesField("os_id");

    [Theory]
    [InlineData("../x.sh", "debian", "12", Text, "name")]
    [InlineData("x", "debian", "12", Text, "name")]
    [InlineData("X.sh", "debian", "12", Text, "name")]
    [InlineData("x.sh\n", "debian", "12", Text, "name")] // the name is a line of what is signed
    [InlineData("apt-update.sh", "debian", "12", Text, "name")] // the catalogue's
    [InlineData(null, "debian", "12", Text, "name")]
    [InlineData("x.sh", "windows", "12", Text, "platform_family")]
    [InlineData("x.sh", "unknown", "12", Text, "platform_family")]
    [InlineData("x.sh", null, "12", Text, "platform_family")]
    [InlineData("x.sh", "debian", "", Text, "os_version")]
    [InlineData("x.sh", "debian", "1 2", Text, "os_version")]
    [InlineData("x.sh", "debian", "12", null, "content")]
    [InlineData("x.sh", "debian", "12", "", "content")]
    [InlineData("x.sh", "debian", "12", "apt-get upgrade\n", "content")] // does not say that it has started
    [InlineData("x.sh", "debian", "12", Text + "if\n", "content")] // no shell can read it
    [InlineData("x.sh", "debian", "12", Text + "a=(1 2)\n", "content")] // bash's, not POSIX sh's
    public async Task A_script_that_is_not_whole_is_refused_by_the_fields_name(string? name, string? family, string? version, string? content, string field) =>
        (await shared.Admin.PostLikeCurl("/api/scripts", JsonSerializer.Serialize(new { name, platform_family = family, os_version = version, content }))).NamesField(field);

    [Fact]
    public async Task A_script_over_the_limit_is_refused() =>
        (await Add("big.sh", "1", Text.PadRight(256 * 1024 + 1, '#'))).NamesField("content");

    private Task<Answer> Add(string name, string version, string content) =>
        shared.Admin.PostLikeCurl("/api/scripts", JsonSerializer.Serialize(new { name, platform_family = "debian", os_version = version, content }));
}

using System.Globalization;
using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>Package exceptions from the request to the packages of a container.</summary>
[Collection("guests")]
public sealed class ExceptionTests(GuestLab lab)
{
    private const int Guest = GuestLab.Excepted;
    private const string Exceptions = "/api/packages/exceptions";

    [Fact]
    public async Task They_are_merged_into_every_operation_until_they_are_changed_expire_or_are_taken_back()
    {
        Cluster.NeedContainers();
        var web = await Add($"lxc-{Guest}", "The site's own build.", "lab-w*");
        var db = await Add($"lxc-{Guest}", reason: null, "lab-db");
        var host = await Add("pve2", "Not of its guests.", "lab-slow");
        Assert.Equal([db, web], (await lab.Server.Get($"{Exceptions}?agent_id=lxc-{Guest}")).AsArray().Select(one => (string?)one!["id"]).Order().Reverse());

        var first = await Succeeds("dry-run", "lab-tls");
        Assert.Equal(["lab-db", "lab-tls", "lab-w*"], PatchingTests.Texts(first["exclusions"]).Order());
        Assert.Equal(
            [(web, "lab-w*", "The site's own build."), (db, "lab-db", null)],
            first["exceptions"]!.AsArray().Select(one => ((string)one!["id"]!, (string?)one["package_names"]![0], (string?)one["reason"])));
        Assert.Equal(["lab-db", "lab-tls", "lab-web"], PatchingTests.Texts(first["packages_held"]).Order());
        Assert.Equal(["lab-slow (1.0 → 1.1)"], PatchingTests.Texts(first["packages_to_upgrade"]));

        // Changed and taken back, for what is asked for from now on.
        Assert.Equal(200, await Send(HttpMethod.Patch, web, new() { ["package_names"] = new JsonArray("lab-tls"), ["reason"] = null }));
        Assert.Equal(204, await Send(HttpMethod.Delete, db));
        Assert.Equal(404, await Send(HttpMethod.Get, db));
        var second = await Succeeds("apply");
        Assert.Equal(web, (string?)Assert.Single(second["exceptions"]!.AsArray())!["id"]);
        Assert.Equal(["lab-db", "lab-slow", "lab-web"], PatchingTests.Texts(second["packages_upgraded"]).Order());
        Assert.Equal(["lab-tls"], PatchingTests.Texts(second["packages_held"]));
        Assert.Equal(new(LabCluster.New) { ["lab-tls"] = LabCluster.Old["lab-tls"] }, await lab.Lab.Versions(Guest));

        // Expired it is shown still, and holds nothing.
        Assert.Equal(200, await Send(HttpMethod.Patch, web, new() { ["expires_at"] = DateTimeOffset.UtcNow.AddSeconds(2).ToString("O", CultureInfo.InvariantCulture) }));
        await lab.Server.Until(() => lab.Server.Get($"{Exceptions}/{web}"), one => (bool?)one["expired"] is true, "the exception to expire");
        var third = await Succeeds("apply");
        Assert.Empty(third["exceptions"]!.AsArray());
        Assert.Empty(third["exclusions"]!.AsArray());
        Assert.Equal(LabCluster.New, await lab.Lab.Versions(Guest));
        Assert.Equal(204, await Send(HttpMethod.Delete, host));

        // The records say what held when they were asked for.
        Assert.Equal(first["exceptions"]!.ToJsonString(), (await lab.Server.Get($"/api/patches/{first["operation_id"]}"))["exceptions"]!.ToJsonString());
    }

    [Theory]
    [InlineData("package_names", """{"agent_id": "lxc-125", "package_names": []}""")]
    [InlineData("package_names[0]", """{"agent_id": "lxc-125", "package_names": ["lab-web; reboot"]}""")]
    [InlineData("expires_at", """{"agent_id": "lxc-125", "package_names": ["lab-web"], "expires_at": "2020-01-01T00:00:00Z"}""")]
    [InlineData("agent_id", """{"package_names": ["lab-web"]}""")]
    public async Task What_is_wrong_with_one_is_told_by_its_field_and_nothing_is_kept(string field, string body)
    {
        Cluster.NeedContainers();
        var (status, problem) = await lab.Server.Send(HttpMethod.Post, Exceptions, JsonNode.Parse(body));
        Assert.Equal(400, status);
        Assert.NotNull(problem!["errors"]![field]);
        Assert.DoesNotContain("lab-web", (await lab.Server.Get(Exceptions)).ToJsonString());
    }

    private async Task<string> Add(string agent, string? reason, params string[] names)
    {
        var (status, added) = await lab.Server.Send(
            HttpMethod.Post, Exceptions, new JsonObject { ["agent_id"] = agent, ["reason"] = reason, ["package_names"] = new JsonArray([.. names.Select(name => JsonValue.Create(name))]) });
        Assert.True(status is 201, $"{status}: {added}");
        return (string)added!["id"]!;
    }

    private async Task<int> Send(HttpMethod method, string id, JsonObject? body = null) => (await lab.Server.Send(method, $"{Exceptions}/{id}", body)).Status;

    private async Task<JsonNode> Succeeds(string mode, params string[] exclusions)
    {
        var operation = await lab.Server.PatchToEnd($"lxc-{Guest}", mode, exclusions);
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        return operation;
    }
}

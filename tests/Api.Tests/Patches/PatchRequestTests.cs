using System.Text;
using System.Text.Json;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Api.Tests.Patches;

public sealed class PatchRequestTests(SharedServer shared)
{
    [Fact] // curl -d "{ ... }", as in the guide: a name for an id, and JSON that is called a form.
    public async Task The_guides_example_works_as_written()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        var answer = (await shared.Admin.PostLikeCurl("/api/patches", $$"""
            {
                "agent_id": "lxc-{{container.Vmid}}-{{container.Name}}",
                "mode": "apply",
                "exclusions": ["nginx"]
              }
            """)).Is(202);
        Assert.Equal(("pending", "apply", Some.GuestId(host, container), "admin"), (answer.Text("status"), answer.Text("mode"), answer.Text("agent_id"), answer.Text("requested_by")));
        Assert.Equal(["nginx"], answer.Json.GetProperty("exclusions").EnumerateArray().Select(one => one.GetString()!));
        Assert.Contains($"Location: /api/patches/{answer.Text("operation_id")}", answer.Headers, StringComparison.Ordinal);
        (await shared.Admin.Get($"/api/patches/{answer.Text("operation_id")}")).Is(200);
        Assert.Equal(["nginx"], (await host.NextJob()).Exclusions);
    }

    [Theory]
    [InlineData("", "body")]
    [InlineData("   ", "body")]
    [InlineData("not json", "body")]
    [InlineData("agent_id=web&mode=apply", "body")]
    [InlineData("null", "body")]
    [InlineData("[]", "body")]
    [InlineData("5", "body")]
    [InlineData("""{"agent_id":"x","mode":"apply"} {}""", "body")]
    [InlineData("""{"agent_id":"x","mode":"apply",}""", "body")]
    [InlineData("""{"mode":"apply"}""", "agent_id")]
    [InlineData("""{"agent_id":null,"mode":"apply"}""", "agent_id")]
    [InlineData("""{"agent_id":" ","mode":"apply"}""", "agent_id")]
    [InlineData("""{"agent_id":100,"mode":"apply"}""", "agent_id")]
    [InlineData("""{"agent_id":["x"],"mode":"apply"}""", "agent_id")]
    [InlineData("""{"agent_id":"\ud800","mode":"apply"}""", "agent_id")]
    [InlineData("""{"agent_id":"x"}""", "mode")]
    [InlineData("""{"agent_id":"x","mode":null}""", "mode")]
    [InlineData("""{"agent_id":"x","mode":"now"}""", "mode")]
    [InlineData("""{"agent_id":"x","mode":"Apply"}""", "mode")]
    [InlineData("""{"agent_id":"x","mode":0}""", "mode")]
    [InlineData("""{"agent_id":"x","mode":"dry-run","mode":"apply"}""", "mode")] // which one was meant?
    [InlineData("""{"agent_id":"x","mode":"apply","exclude":["nginx"]}""", "exclude")] // a misspelled brake
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":null}""", "exclusions")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":"nginx"}""", "exclusions")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":{}}""", "exclusions")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":[null]}""", "exclusions[0]")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":[5]}""", "exclusions[0]")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":["ok","-o"]}""", "exclusions[1]")] // would be an option
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":["a;b"]}""", "exclusions[0]")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":["a,b"]}""", "exclusions[0]")] // would be two
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":["a\nb"]}""", "exclusions[0]")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":["$(id)"]}""", "exclusions[0]")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":["größe"]}""", "exclusions[0]")]
    [InlineData("""{"agent_id":"x","mode":"apply","exclusions":[""]}""", "exclusions[0]")]
    [InlineData("""{"agent_id":"x","mode":"apply","plan":"yesterday's"}""", "plan")]
    [InlineData("""{"agent_id":"x","mode":"dry-run","plan":"01M83HW1FS84TGPXTCYJ45S8G9"}""", "plan")]
    [InlineData("""{"agent_id":"x","mode":"apply","security_only":"yes"}""", "security_only")]
    [InlineData("""{"agent_id":"x","mode":"apply","start_stopped":null}""", "start_stopped")]
    [InlineData("""{"agent_id":"x","mode":"apply","timeout_seconds":0}""", "timeout_seconds")]
    [InlineData("""{"agent_id":"x","mode":"apply","timeout_seconds":86401}""", "timeout_seconds")]
    [InlineData("""{"agent_id":"x","mode":"apply","wait_seconds":-1}""", "wait_seconds")]
    [InlineData("""{"agent_id":"x","mode":"apply","wait_seconds":1.5}""", "wait_seconds")]
    public async Task A_request_that_is_not_whole_is_refused_by_the_fields_name(string body, string field)
    {
        var said = (await shared.Admin.PostLikeCurl("/api/patches", body)).NamesField(field);
        Assert.NotEqual(string.Empty, said);
        Assert.DoesNotContain("System.", said, StringComparison.Ordinal);
        Assert.Equal(said, (await shared.Admin.Post("/api/patches", Encoding.UTF8.GetBytes(body), "application/json")).NamesField(field));
    }

    [Fact]
    public async Task Exclusions_have_their_bounds()
    {
        (await Order(Enumerable.Repeat(new string('a', 129), 1))).NamesField("exclusions[0]");
        (await Order(Enumerable.Range(0, 257).Select(i => $"package{i}"))).NamesField("exclusions");
        (await Order(Enumerable.Range(0, 256).Select(i => $"{i}".PadLeft(128, 'a')))).IsProblem(404, "not-found"); // these would be taken

        Task<Answer> Order(IEnumerable<string> exclusions) => shared.Admin.PostLikeCurl(
            "/api/patches", $$"""{"agent_id":"nobody","mode":"apply","exclusions":{{JsonSerializer.Serialize(exclusions)}}}""");
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_refused()
    {
        (await shared.Admin.Post("/api/patches", [.. "{\"agent_id\":\""u8, 0xC3, 0x28, .. "\",\"mode\":\"apply\"}"u8], null)).Is(400);
        (await shared.Admin.Post("/api/patches", [0, 1, 2, 0xFF], "application/octet-stream")).Is(400);
        (await shared.Admin.PostLikeCurl("/api/patches", new string('[', 5000))).Is(400);
        (await shared.Admin.PostLikeCurl("/api/patches", $"{{\"agent_id\":{new string('[', 5000)}")).Is(400);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_for_its_size() =>
        (await shared.Admin.PostLikeCurl("/api/patches", $"{{\"agent_id\":\"{new string('x', 1024 * 1024)}\"}}")).IsProblem(413, "body-too-large");

    [Theory]
    [InlineData("nobody-of-this-name")]
    [InlineData("c0000000000000000-lxc-100")]
    public async Task Nobody_is_not_patched(string id) => (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(id))).IsProblem(404, "not-found");

    [Theory]
    [InlineData("nothing")]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8G9")] // well-formed, never given out
    [InlineData("%2e%2e%2f")]
    public async Task An_operation_that_never_was_is_not_found(string id) => (await shared.Admin.Get($"/api/patches/{id}")).IsProblem(404, "not-found");

    [Fact]
    public async Task A_name_of_two_guests_is_answered_with_both_and_patches_neither()
    {
        var name = $"twin-{Some.Vmid()}";
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (one, other) = (Some.Container(name), Some.Container(name));
        await host.ConnectWith(shared.Server.Url, one, other);
        var problem = (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(name))).IsProblem(409, "ambiguous-id");
        Assert.Equal(
            [Some.GuestId(host, one), Some.GuestId(host, other)],
            problem.GetProperty("candidates").EnumerateArray().Select(candidate => candidate.GetProperty("id").GetString()!).Order(StringComparer.Ordinal));
        await host.ReportInventory(Some.Inventory(host, one, other));
        Assert.True(host.HasNoJob());
    }

    [Fact]
    public async Task What_cannot_be_patched_is_refused_with_the_reason()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var machine = Some.Machine();
        var nobodyKnows = Some.Container() with { OsType = "unmanaged", Os = null };
        var template = Some.Container() with { Template = true, Status = GuestStatus.Stopped };
        await host.ConnectWith(shared.Server.Url, machine, nobodyKnows, template);
        foreach (var (id, code) in new[]
        {
            (Some.GuestId(host, machine), "requires-agent"), (Some.GuestId(host, nobodyKnows), "unknown-family"),
            (Some.GuestId(host, template), "template"),
        })
        {
            var problem = (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(id))).IsProblem(409, code);
            Assert.NotEqual(string.Empty, problem.GetProperty("detail").GetString());
        }
    }
}

using System.Text.Json;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Batches;

public sealed class BatchTests(SharedServer shared)
{
    private const string Path = "/api/patches/batches";

    [Fact]
    public async Task A_list_of_ids_in_any_form_is_one_batch_with_each_targets_operation_or_refusal()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (web, other, machine) = (Some.Container(), Some.Container(), Some.Machine());
        await host.ConnectWith(shared.Server.Url, web, other, machine);
        var ids = JsonSerializer.Serialize(new[] { Some.GuestId(host, web), web.Name, $"lxc-{other.Vmid}", Some.GuestId(host, machine), "nobody-of-this-name", host.Id.Value });
        var asked = (await shared.Admin.PostLikeCurl("/api/patches", $$"""{"agent_ids":{{ids}},"mode":"dry-run","exclusions":["nginx"]}""")).Is(202);
        Assert.Equal($"{Path}/{asked.Text("id")}", asked.Header("Location"));
        Assert.Equal(("dry-run", "admin", 5), (asked.Text("mode"), asked.Text("requested_by"), asked.Json.GetProperty("total").GetInt32())); // two forms of one id are one

        foreach (var _ in (int[])[1, 2, 3])
        {
            var job = await host.NextPatch(); // that of the host itself runs alone, before or after the others
            Assert.Equal(["nginx"], job.Exclusions);
            await host.Report(Some.Success(job));
        }

        var done = await Waiting.Until(() => shared.Admin.Get($"{Path}/{asked.Text("id")}"), batch => batch.Json.GetProperty("done").GetBoolean(), "the batch to end");
        Assert.Equal((3, 2), (Count(done, "succeeded"), Count(done, "refused")));
        Assert.Equal(
            [
                (Some.GuestId(host, web), "succeeded", null), (Some.GuestId(host, other), "succeeded", null), (Some.GuestId(host, machine), "refused", "requires-agent"),
                ("nobody-of-this-name", "refused", "not-found"), (host.Id.Value, "succeeded", null),
            ],
            Targets(done));
        var operation = done.Json.GetProperty("targets")[0].GetProperty("operation_id").GetString();
        Assert.Equal(Some.GuestId(host, web), (await shared.Admin.Get($"/api/patches/{operation}")).Is(200).Text("agent_id"));
    }

    [Fact]
    public async Task A_filter_selects_what_the_list_of_agents_would()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (web, other) = (Some.Container(), Some.Container());
        await host.ConnectWith(shared.Server.Url, web, other, Some.Machine());
        var asked = (await shared.Admin.PostLikeCurl("/api/patches", $$"""{"filter":"proxmox_parent_host=='{{host.Id}}' && proxmox_type=='lxc'","mode":"apply"}""")).Is(202);
        Assert.Equal(new[] { Some.GuestId(host, web), Some.GuestId(host, other) }.Order(StringComparer.Ordinal), Targets(asked).Select(target => target.Id).Order(StringComparer.Ordinal));
        await host.NextJob();
        await host.NextJob();
    }

    [Fact]
    public async Task A_cancelled_batch_says_so_and_is_audited()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container();
        await host.ConnectWith(shared.Server.Url, web);
        var id = (await shared.Admin.PostLikeCurl("/api/patches", $$"""{"agent_ids":["{{Some.GuestId(host, web)}}"],"mode":"dry-run"}""")).Is(202).Text("id");
        var cancelled = (await shared.Admin.PostLikeCurl($"{Path}/{id}/cancel", "")).Is(202);
        Assert.True(cancelled.Json.GetProperty("cancelled").GetBoolean());
        Assert.Equal(0, Count(cancelled, "waiting"));
        (await shared.Admin.PostLikeCurl($"{Path}/{id}/cancel", "")).Is(202);
        Assert.Contains((await shared.Admin.Get($"/api/audit?target={id}")).Json.EnumerateArray(), entry => entry.GetProperty("action").GetString() is "cancel-batch");
    }

    [Theory]
    [InlineData("""{"agent_ids":[],"mode":"apply"}""", "agent_ids")]
    [InlineData("""{"agent_ids":["a",null],"mode":"apply"}""", "agent_ids[1]")]
    [InlineData("""{"agent_ids":["a"," "],"mode":"apply"}""", "agent_ids[1]")]
    [InlineData("""{"agent_ids":"a","mode":"apply"}""", "agent_ids")]
    [InlineData("""{"agent_id":"a","agent_ids":["a"],"mode":"apply"}""", "agent_ids")] // which one was meant?
    [InlineData("""{"agent_id":"a","filter":"name=='a'","mode":"apply"}""", "filter")]
    [InlineData("""{"agent_ids":["a"],"filter":"name=='a'","mode":"apply"}""", "filter")]
    [InlineData("""{"filter":"","mode":"apply"}""", "filter")] // everything there is must not be what an empty variable means
    [InlineData("""{"filter":"nonsense ==","mode":"apply"}""", "filter")]
    [InlineData("""{"filter":"name=='no guest of this name'","mode":"apply"}""", "filter")]
    [InlineData("""{"agent_ids":["a"],"mode":"now"}""", "mode")]
    public async Task A_request_that_is_not_whole_is_refused_by_the_fields_name(string body, string field) =>
        (await shared.Admin.PostLikeCurl("/api/patches", body)).NamesField(field);

    [Fact]
    public async Task There_is_a_most_of_targets()
    {
        var ids = JsonSerializer.Serialize(Enumerable.Range(0, 10_001).Select(i => $"{i}"));
        (await shared.Admin.PostLikeCurl("/api/patches", $$"""{"agent_ids":{{ids}},"mode":"apply"}""")).NamesField("agent_ids");
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8G9")]
    public async Task A_batch_that_never_was_is_not_found(string id)
    {
        (await shared.Admin.Get($"{Path}/{id}")).IsProblem(404, "not-found");
        (await shared.Admin.PostLikeCurl($"{Path}/{id}/cancel", "")).IsProblem(404, "not-found");
    }

    private static int Count(Answer batch, string status) => batch.Json.GetProperty("counts").TryGetProperty(status, out var count) ? count.GetInt32() : 0;

    private static (string Id, string Status, string? Refusal)[] Targets(Answer batch) =>
    [
        .. batch.Json.GetProperty("targets").EnumerateArray().Select(target => (
            target.GetProperty("agent_id").GetString()!,
            target.GetProperty("status").GetString()!,
            target.GetProperty("refusal") is { ValueKind: JsonValueKind.Object } refusal ? refusal.GetProperty("code").GetString() : null)),
    ];
}

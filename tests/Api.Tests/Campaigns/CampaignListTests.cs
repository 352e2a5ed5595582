using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Campaigns;

/// <summary>The campaigns of all clusters as one list.</summary>
public sealed class CampaignListTests(SharedServer shared)
{
    [Fact]
    public async Task All_that_a_person_sees_are_one_list_in_pages_the_newest_first_and_those_of_others_are_not_there()
    {
        await using var one = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var two = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var third = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (first, second, others) = (await Start(one), await Start(two), await Start(third));
        var who = await shared.SignIn(("viewer", one.Cluster.Value), ("operator", two.Cluster.Value));
        await Ends(one, first);
        var again = await Start(one);
        (await shared.Admin.PostLikeCurl($"{Path(two)}/{second}/pause", "")).Is(202);
        await Waiting.Until(() => who.Get("/api/campaigns?ended=false"), list => list.Json.EnumerateArray().Any(campaign => campaign.GetProperty("status").GetString() is "paused"), "the pause in history");

        Assert.Equal($"3: {again} {second} {first}", await Listed(who, ""));
        Assert.Equal($"1: {first}", await Listed(who, "?ended=true"));
        Assert.Equal($"2: {again} {second}", await Listed(who, "?ended=false")); // who is paused has not ended
        Assert.Equal($"3: {second}", await Listed(who, "?page=2&per_page=1"));
        Assert.Equal($"3: {again} {second}", await Listed(who, "?page=1&per_page=2"));
        Assert.Equal("3:", await Listed(who, "?page=4&per_page=1"));
        Assert.Equal($"2: {again} {first}", await Listed(who, $"?cluster={one.Cluster}"));
        Assert.Equal($"1: {first}", await Listed(who, $"?cluster={Uri.EscapeDataString(one.ClusterName)}&ended=true"));
        Assert.Equal("0:", await Listed(who, $"?cluster={third.Cluster}")); // as if it were not there
        (await who.Get($"/api/campaigns?cluster={Uri.EscapeDataString(third.ClusterName)}")).IsProblem(404, "not-found");

        Assert.Equal($"1: {others}", await Listed(await shared.SignIn(("approver", third.Cluster.Value)), ""));
        var all = (await Listed(shared.Admin, "?per_page=1000")).Split(' ');
        Assert.Equal($"{all.Length - 1}:", all[0]);
        Assert.Equal([again, others, second, first], all.Where(id => id == again || id == first || id == second || id == others));

        // Each is as the cluster's own list shows it.
        Assert.Equal((await who.Get($"{Path(one)}?limit=1")).Is(200).Json[0].GetRawText(), (await who.Get("/api/campaigns?per_page=1")).Is(200).Json[0].GetRawText());
    }

    [Theory]
    [InlineData("?ende=true", "ende")] // it would list everything
    [InlineData("?Ended=true", "Ended")]
    [InlineData("?ended=maybe", "ended")]
    [InlineData("?ended=true&ended=false", "ended")]
    [InlineData("?page=0", "page")]
    [InlineData("?page=2147483", "")]
    [InlineData("?page=2147484", "page")]
    [InlineData("?per_page=1001", "per_page")]
    [InlineData("?per_page=1000", "")]
    [InlineData("?per_page=-1", "per_page")]
    [InlineData("?per_page=%D9%A1", "per_page")] // a digit, but none of ours
    [InlineData("?limit=1", "limit")] // the cluster's list has it
    public async Task A_parameter_that_is_wrong_is_named(string query, string field)
    {
        var answer = await shared.Admin.Get($"/api/campaigns{query}");
        if (field.Length is 0)
        {
            answer.Is(200);
        }
        else
        {
            answer.NamesField(field);
            Assert.Null(answer.Header("X-Total-Count"));
        }
    }

    [Theory]
    [InlineData("nowhere")]
    [InlineData("' OR 1=1 --")]
    [InlineData("c0123")]
    public async Task A_cluster_that_is_not_there_has_no_list_that_could_be_empty(string cluster) =>
        (await shared.Admin.Get($"/api/campaigns?cluster={Uri.EscapeDataString(cluster)}")).IsProblem(404, "not-found");

    [Fact]
    public async Task A_name_that_several_clusters_have_means_none_of_them()
    {
        var name = $"lab-{Guid.NewGuid():N}";
        await using var one = await HostPeer.Register(shared.Admin, Some.Cluster(), clusterName: name);
        await using var two = await HostPeer.Register(shared.Admin, Some.Cluster(), clusterName: name);
        (await shared.Admin.Get($"/api/campaigns?cluster={name}")).IsProblem(409, "ambiguous-id");
    }

    private static string Path(HostPeer host) => $"/api/clusters/{host.Cluster}/campaigns";

    // Its conditions never hold: it waits until somebody ends it.
    private async Task<string> Start(HostPeer host)
    {
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(CampaignTests.Seen(host) with { Host = CampaignTests.Seen(host).Host! with { RunningTasks = ["backup of CT 100"] } });
        return (await shared.Admin.PostLikeCurl(Path(host), """{"mode":"apply"}""")).Is(202).Text("id");
    }

    private async Task Ends(HostPeer host, string id)
    {
        (await shared.Admin.PostLikeCurl($"{Path(host)}/{id}/abort", "")).Is(202);
        await Waiting.Until(
            () => shared.Admin.Get($"/api/campaigns?ended=true&cluster={host.Cluster}"), list => list.Json.EnumerateArray().Any(campaign => campaign.GetProperty("id").GetString() == id), "the end in history");
    }

    private static async Task<string> Listed(Caller who, string query)
    {
        var answer = (await who.Get($"/api/campaigns{query}")).Is(200);
        return string.Join(' ', answer.Json.EnumerateArray().Select(campaign => campaign.GetProperty("id").GetString()).Prepend($"{answer.Header("X-Total-Count")}:"));
    }
}

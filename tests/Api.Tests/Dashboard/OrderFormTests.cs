using System.Text.Json;
using NannyOrleans.Api.Campaigns;
using NannyOrleans.Api.Dashboard.Pages.Campaigns;
using NannyOrleans.Domain.Campaigns;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>The wizard's form, its address and the request that comes of it.</summary>
public sealed class OrderFormTests
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private static (CampaignOrder? Order, Dictionary<string, string[]> Errors) Read(OrderForm form) =>
        JsonSerializer.Deserialize<CampaignRequest>(JsonSerializer.Serialize(form.Body(), Json), Json)!.Read("admin", Noon);

    [Fact]
    public void What_nobody_has_touched_is_as_usual_in_the_api_too()
    {
        var form = new OrderForm();
        Assert.Equal("""{"mode":"dry-run"}""", JsonSerializer.Serialize(form.Body(), Json));
        Assert.Empty(form.Settings);

        // What the form shows as usual is what holds when nothing is sent.
        var order = Read(form).Order!;
        var limits = new StepLimits
        {
            GateSeconds = Number("limits.gate_seconds"),
            PatchSeconds = Number("limits.patch_seconds"),
            DrainSeconds = Number("limits.drain_seconds"),
            RebootSeconds = Number("limits.reboot_seconds"),
            SwitchSeconds = Number("limits.switch_seconds"),
            SettleSeconds = Number("limits.settle_seconds"),
        };
        Assert.Equal(
            (order.SoakSeconds, order.CephFlags, order.ApproveReboots, order.Limits),
            (Number("soak_seconds"), form["ceph_flags"] is "true", form["approve_reboots"] is "true", limits));
        Assert.Equal(
            [CampaignWords.Of(order.Reboot), CampaignWords.Of(order.WithoutQuorum), CampaignWords.Of(order.OnFailure), CampaignWords.Of(order.Drain), CampaignWords.Of(order.Guests)],
            [form["reboot"], form["without_quorum"], form["on_failure"], form["drain"], form["guests"]]);

        int Number(string field) => int.Parse(form[field], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void What_is_chosen_is_in_the_address_and_comes_back_from_it_as_the_order_it_is()
    {
        var form = OrderForm.Read(
        [
            "mode:apply", "nodes:pve2, pve1", "canary:pve2", "soak_seconds:60", "guests:tagged", "guest_tag:web: front", "reboot:always", "ceph_flags:false", "approve_reboots:true",
            "exclusions:nginx  pve-kernel-*", "window_end:2026-11-23T18:00:00Z", "limits.gate_seconds:30", "limits.settle_seconds:0", "nonsense:1", "drain:migrate", null, "canary", ":x",
        ]);
        Assert.Equal(form.Settings, OrderForm.Read(form.Settings).Settings);
        Assert.Equal(13, form.Settings.Count); // as usual, and of no field, are none
        var (order, errors) = Read(form);
        Assert.Empty(errors);
        Assert.Equal(["pve2", "pve1"], order!.Nodes!.Select(node => node.Value));
        Assert.Equal(("pve2", 60, GuestsFirst.Tagged, "web: front", RebootPolicy.Always), (order.Canary!.Value.Value, order.SoakSeconds, order.Guests, order.GuestTag, order.Reboot));
        Assert.Equal((false, true, Noon.AddHours(6)), (order.CephFlags, order.ApproveReboots, order.WindowEnd));
        Assert.Equal(["nginx", "pve-kernel-*"], order.Exclusions);
        Assert.Equal((30, 0, 7200), (order.Limits.GateSeconds, order.Limits.SettleSeconds, order.Limits.PatchSeconds));
    }

    [Theory]
    [InlineData("limits.gate_seconds:0", "limits.gate_seconds")]
    [InlineData("soak_seconds:-1", "soak_seconds")]
    [InlineData("reboot:sometimes", "reboot")]
    [InlineData("canary:no node!", "canary")]
    [InlineData("guest_tag:web", "guest_tag")]
    [InlineData("exclusions:ng$inx", "exclusions[0]")]
    [InlineData("window_end:2026-11-23T11:00:00Z", "window_end")]
    public void What_is_wrong_is_told_by_the_api_of_a_field_that_the_form_has(string setting, string field)
    {
        var error = Assert.Single(Read(OrderForm.Read([setting])).Errors).Key;
        Assert.Equal(field, error);
        Assert.Contains(error.Split('[')[0], OrderForm.Fields.Select(one => one.Name));
    }

    [Fact]
    public void A_number_that_is_none_is_sent_as_it_was_typed_and_never_left_out() =>
        Assert.Equal("""{"mode":"dry-run","soak_seconds":"soon"}""", JsonSerializer.Serialize(OrderForm.Read(["soak_seconds:soon"]).Body(), Json));
}

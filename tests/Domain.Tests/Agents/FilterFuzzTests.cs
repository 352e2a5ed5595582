using CsCheck;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Tests.Fuzzing;

namespace NannyOrleans.Domain.Tests.Agents;

/// <summary>The two languages that strangers may write to us: filters and orders.</summary>
public sealed class FilterFuzzTests
{
    private static readonly string[] Good =
    [
        "name == 'web-01' && (cores >= 2 || memory_bytes < 1e9)", "proxmox_role=='host'||proxmox_type==\"lxc\"", "tags ~ 'prod' && template != true && os !~ 'x\\'y'",
        "((((last_seen > '2026-11-23T12:00:00Z'))))", "cpu_percent <= -0.5 && name = null",
    ];

    private static readonly string[] Orders = ["name", "-memory_used_bytes,name,-last_seen", "proxmox_node_name,-cores"];

    [Fact]
    public void A_damaged_filter_is_refused_with_a_column_or_means_something() => Gen.OneOf(Good).SelectMany(Fuzz.Damaged).Hold("filter", text =>
    {
        var (test, problem) = AgentFilter.Parse(text);
        test?.Invoke(Rows.Guest);
        test?.Invoke(Rows.Host);
        return test is null ? problem!.Contains("(column ", StringComparison.Ordinal) : problem is null;
    });

    [Fact]
    public void A_damaged_order_is_refused_or_orders() => Gen.OneOf(Orders).SelectMany(Fuzz.Damaged).Hold("order", text =>
    {
        var (order, problem) = AgentOrder.Parse(text);
        return order is null ? problem is not null : order.Compare(Rows.Guest, Rows.Host) == -order.Compare(Rows.Host, Rows.Guest);
    });
}

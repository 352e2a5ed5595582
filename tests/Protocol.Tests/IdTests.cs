using System.Text.Json;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Tests;

public sealed class IdTests
{
    [Theory]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8G9", true)]
    [InlineData(" 01M83HW1FS84TGPXTCYJ45S8G9 ", true)] // trimmed once, at the edge
    [InlineData("01m83hw1fs84tgpxtcyj45s8g9", false)] // one spelling only: ids are compared as text
    [InlineData("81M83HW1FS84TGPXTCYJ45S8G9", false)] // more than 128 bits
    [InlineData("01M83HW1FS84TGPXTCYJ45S8GI", false)] // I is not in Crockford's alphabet
    [InlineData("../../../etc/passwd0000000", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_job_id_is_a_ulid(string? text, bool valid) => Assert.Equal(valid, JobId.TryParse(text, null, out _));

    [Theory]
    [InlineData("c0123456789abcdef", true)]
    [InlineData("c0123456789ABCDEF", false)]
    [InlineData("x0123456789abcdef", false)]
    [InlineData("c0123", false)]
    public void A_cluster_id_is_c_and_16_hex_digits(string text, bool valid) => Assert.Equal(valid, ClusterId.TryParse(text, null, out _));

    [Theory]
    [InlineData("pve1", true)]
    [InlineData("Pve-01", true)] // case is kept
    [InlineData("-pve", false)]
    [InlineData("pve/1", false)] // would be another grain's key
    [InlineData("pve.example", false)]
    public void A_node_name_is_a_short_host_name(string text, bool valid) => Assert.Equal(valid, NodeName.TryParse(text, null, out _));

    [Theory]
    [InlineData("100", true)]
    [InlineData("999999999", true)]
    [InlineData("99", false)]
    [InlineData("1000000000", false)]
    [InlineData("+100", false)]
    [InlineData(" 100", false)]
    public void A_vmid_is_in_proxmoxs_range(string text, bool valid) => Assert.Equal(valid, Vmid.TryParse(text, null, out _));

    [Fact]
    public void A_malformed_id_in_json_is_an_error_that_says_what_is_expected()
    {
        var error = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<NodeName>("\"a b\""));
        Assert.Contains("Proxmox node name", error.Message);
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Vmid>("99"));
    }

    [Fact]
    public void An_id_that_was_never_set_is_a_bug_not_an_empty_text() =>
        Assert.Throws<InvalidOperationException>(() => default(JobId).Value);
}

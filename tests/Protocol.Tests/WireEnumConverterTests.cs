using System.Text.Json;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Protocol.Tests;

public sealed class WireEnumConverterTests
{
    [Theory]
    [InlineData(PatchMode.DryRun, "\"dry-run\"")]
    [InlineData(PatchMode.Apply, "\"apply\"")]
    public void A_member_is_its_name_and_back(PatchMode mode, string json)
    {
        Assert.Equal(json, JsonSerializer.Serialize(mode));
        Assert.Equal(mode, JsonSerializer.Deserialize<PatchMode>(json));
    }

    [Theory]
    [InlineData("0")] // a number would change its meaning with the order of the members
    [InlineData("\"0\"")]
    [InlineData("\"DryRun\"")]
    [InlineData("\"Dry-Run\"")]
    [InlineData("\"dry-run, apply\"")]
    [InlineData("\" apply\"")]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("[\"apply\"]")]
    public void Nothing_else_is_one(string json) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<PatchMode>(json));

    [Fact]
    public void What_no_member_is_called_is_not_written() => Assert.Throws<JsonException>(() => JsonSerializer.Serialize((PatchMode)7));

    [Fact]
    public void It_may_be_a_key() =>
        Assert.Equal(
            [GuestType.Qemu],
            JsonSerializer.Deserialize<Dictionary<GuestType, int>>(JsonSerializer.Serialize(new Dictionary<GuestType, int> { [GuestType.Qemu] = 1 }))!.Keys);
}

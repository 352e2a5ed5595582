using NannyOrleans.Api.Dashboard.Pages.Operations;
using NannyOrleans.Api.Dashboard.Shell;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Operations;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>Small decisions of pages.</summary>
public sealed class PresentationTests
{
    [Theory]
    [InlineData("2026-01-31T12:00", "Europe/Berlin", "2026-01-31T11:00:00Z", "2026-01-31T12:00")]
    [InlineData("2026-07-01T00:30:15", "America/New_York", "2026-07-01T04:30:15Z", "2026-07-01T00:30")]
    [InlineData("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29T03:30")] // the clock skips it
    [InlineData("", "UTC", null, null)]
    [InlineData("soon", "UTC", null, null)]
    public void A_time_in_a_field_is_by_the_clock_on_the_wall_and_one_in_an_address_is_in_utc(string local, string zone, string? utc, string? back)
    {
        var wall = TimeZoneInfo.FindSystemTimeZoneById(zone);
        Assert.Equal(utc, LocalTime.ToUtc(local, wall));
        Assert.Equal(back, LocalTime.FromUtc(utc, wall));
    }

    [Theory]
    [InlineData("succeeded", Mood.Good)]
    [InlineData("completed", Mood.Good)]
    [InlineData("timeout", Mood.Bad)]
    [InlineData("interrupted", Mood.Warning)]
    [InlineData("something-new", Mood.Unknown)] // never good because nobody knows it here
    public void A_status_is_meant_as_its_word_says(string status, Mood mood) => Assert.Equal(mood, OperationWords.MoodOf(status));

    [Fact]
    public void What_came_of_an_operation_is_unknown_until_it_is_known()
    {
        Assert.Null(OperationWords.ResultOf(new() { Status = "succeeded" }));
        Assert.Equal("nothing to do", OperationWords.ResultOf(new() { Status = "succeeded", Packages = [] }));
        Assert.Equal("2 packages, 1 for security", OperationWords.ResultOf(new() { Status = "succeeded", Packages = [new("a", "1", "2", true, null), new("b", null, "2", false, null)] }));
        Assert.Equal("It is locked.", OperationWords.ResultOf(new() { Status = "pending", WaitingFor = "It is locked." }));
        Assert.Equal("No.", OperationWords.ResultOf(new() { Status = "failed", Failure = new Refusal("no", "No."), Packages = [] }));
    }

    [Fact]
    public void What_an_exception_had_added_is_not_asked_for_anew() => Assert.Equal(
        ["nginx"], OperationWords.OwnExclusions(new() { Exclusions = ["nginx", "pve-kernel-*"], Exceptions = [new PackageExceptionApplied("1", ["pve-kernel-*"], null)] }));
}

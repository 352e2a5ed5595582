using NannyOrleans.Api.Dashboard.Pages.Audit;
using NannyOrleans.Api.Dashboard.Shell;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>Times that people type by their own clocks.</summary>
public sealed class LocalTimeTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Theory]
    [InlineData("2026-01-31T12:00", "2026-01-31T11:00:00Z")]
    [InlineData("2026-07-31T12:00", "2026-07-31T10:00:00Z")]
    [InlineData("2026-01-31T12:00:30", "2026-01-31T11:00:30Z")] // browsers say seconds where there are some
    [InlineData("2026-01-01T00:30", "2025-12-31T23:30:00Z")]
    [InlineData("2026-03-29T02:30", "2026-03-29T01:30:00Z")] // an hour that there was not is the one after it
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z")] // as somebody may type it into the address
    [InlineData("tomorrow", "tomorrow")]
    [InlineData("", "")]
    public void They_are_sent_as_the_moment_that_is_meant(string typed, string sent) => Assert.Equal(sent, LocalTime.Read(typed, Berlin));

    [Fact]
    public void They_are_shown_by_the_clock_of_whoever_looks()
    {
        Assert.Equal("2026-07-31T12:00", LocalTime.Write(new(2026, 7, 31, 10, 0, 0, TimeSpan.Zero), Berlin));
        Assert.Equal("2026-07-31T10:00", LocalTime.Write(new(2026, 7, 31, 12, 0, 0, TimeSpan.FromHours(2)), TimeZoneInfo.Utc));
    }

    [Fact]
    public void The_audit_log_is_asked_for_the_same_moments()
    {
        var question = new AuditQuestion { Actor = " person a&b ", Action = "", From = "2026-01-31T12:00", To = "2026-01-31T13:00", Before = "7" };
        Assert.Equal("/api/audit?actor=person%20a%26b&from=2026-01-31T11%3A00%3A00Z&to=2026-01-31T12%3A00%3A00Z&before=7&limit=100", question.Path(100, Berlin));
        Assert.Equal("/api/audit/export?from=2026-01-31T11%3A00%3A00Z&to=2026-01-31T12%3A00%3A00Z&format=csv", question.Export("csv", Berlin));
        Assert.True(question.IsNarrow);
        Assert.False(new AuditQuestion { Before = "7", Actor = " " }.IsNarrow);
    }
}

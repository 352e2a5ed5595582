using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace NannyOrleans.Silo.Tests.Postgres;

/// <summary>Our SQL under Orleans' own membership and reminder tables.</summary>
public sealed class OrleansTablesTests(SiloOnPostgres shared) : IClassFixture<SiloOnPostgres>
{
    private static int used = 20000;

    private IMembershipTable Members => shared.Silo.Services.GetRequiredService<IMembershipTable>();

    private IReminderTable Reminders => shared.Silo.Services.GetRequiredService<IReminderTable>();

    [Fact]
    public async Task A_silo_joins_once_and_only_over_the_version_that_was_read()
    {
        var silo = NewSilo();
        var before = await Members.ReadAllAsync();
        Assert.True(await Members.InsertRowAsync(silo, before.Version.Next()));
        Assert.False(await Members.InsertRowAsync(silo, before.Version.Next())); // the version has moved on
        var read = await Members.ReadRowAsync(silo.SiloAddress);
        Assert.False(await Members.InsertRowAsync(silo, read.Version.Next())); // it is there
        Assert.Equal(before.Version.Version + 1, (await Members.ReadAllAsync()).Version.Version);
        var (entry, _) = Assert.Single(read.Members);
        Assert.Equal((silo.SiloAddress, silo.SiloName, silo.HostName, silo.Status, silo.ProxyPort), (entry.SiloAddress, entry.SiloName, entry.HostName, entry.Status, entry.ProxyPort));
        Assert.Equal((silo.StartTime, silo.IAmAliveTime), (entry.StartTime, entry.IAmAliveTime));
    }

    [Fact]
    public async Task Of_many_changes_over_one_version_one_is_made()
    {
        var silo = NewSilo();
        Assert.True(await Members.InsertRowAsync(silo, (await Members.ReadAllAsync()).Version.Next()));
        var read = await Members.ReadRowAsync(silo.SiloAddress);
        var (entry, etag) = Assert.Single(read.Members);
        var suspecter = NewSilo().SiloAddress;
        entry.AddSuspector(suspecter, DateTime.UtcNow);
        entry.Status = SiloStatus.Active;
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Members.UpdateRowAsync(entry, etag, read.Version.Next()))));
        Assert.Single(made, true);
        var after = Assert.Single((await Members.ReadRowAsync(silo.SiloAddress)).Members).Item1;
        Assert.Equal((SiloStatus.Active, suspecter), (after.Status, Assert.Single(after.SuspectTimes!).Item1));
    }

    [Fact]
    public async Task A_change_of_a_silo_that_is_not_there_changes_not_even_the_version()
    {
        var before = await Members.ReadAllAsync();
        Assert.False(await Members.UpdateRowAsync(NewSilo(), "0", before.Version.Next()));
        Assert.Equal(before.Version.Version, (await Members.ReadAllAsync()).Version.Version);
    }

    [Fact]
    public async Task Its_sign_of_life_is_kept_and_only_the_dead_are_cleared_away()
    {
        var (dead, alive) = (NewSilo(SiloStatus.Dead), NewSilo(SiloStatus.Joining));
        foreach (var silo in new[] { dead, alive })
        {
            Assert.True(await Members.InsertRowAsync(silo, (await Members.ReadAllAsync()).Version.Next()));
            silo.IAmAliveTime = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
            await Members.UpdateIAmAliveAsync(silo);
        }

        Assert.Equal(dead.IAmAliveTime, Assert.Single((await Members.ReadRowAsync(dead.SiloAddress)).Members).Item1.IAmAliveTime);
        await Members.CleanupDefunctSiloEntriesAsync(dead.IAmAliveTime); // it is not older than that
        Assert.Single((await Members.ReadRowAsync(dead.SiloAddress)).Members);
        await Members.CleanupDefunctSiloEntriesAsync(dead.IAmAliveTime.AddSeconds(1));
        Assert.Empty((await Members.ReadRowAsync(dead.SiloAddress)).Members);
        Assert.Single((await Members.ReadRowAsync(alive.SiloAddress)).Members);
        Assert.Contains((await Members.ReadAllAsync()).Members, one => one.Item1.SiloAddress.Equals(alive.SiloAddress));
    }

    [Fact]
    public async Task A_reminder_is_read_by_its_grain_its_name_and_its_part_of_the_ring()
    {
        var grain = TestSilo.NewGrain();
        var hash = grain.GetUniformHashCode();
        var first = await Reminders.UpsertRow(Reminder(grain, "one"));
        var etag = await Reminders.UpsertRow(Reminder(grain, "one"));
        Assert.NotEqual(first, etag);
        await Reminders.UpsertRow(Reminder(grain, "two"));
        Assert.Equal(["one", "two"], (await Reminders.ReadRows(grain)).Reminders.Select(one => one.ReminderName).Order());
        var read = await Reminders.ReadRow(grain, "one");
        Assert.Equal((grain, TimeSpan.FromMinutes(1), etag), (read!.GrainId, read.Period, read.ETag));
        Assert.Equal(2, await InRange(hash - 1, hash)); // the beginning is outside, the end inside
        Assert.Equal(0, await InRange(hash, hash + 1));
        Assert.Equal(2, await InRange(hash + 1, hash)); // round the whole ring
        Assert.Equal(2, await InRange(hash, hash)); // the whole ring

        Assert.False(await Reminders.RemoveRow(grain, "one", first!)); // it was set anew since
        Assert.True(await Reminders.RemoveRow(grain, "one", etag!));
        Assert.Null(await Reminders.ReadRow(grain, "one"));

        async Task<int> InRange(uint begin, uint end) => (await Reminders.ReadRows(begin, end)).Reminders.Count(one => one.GrainId == grain);
    }

    private static MembershipEntry NewSilo(SiloStatus status = SiloStatus.Joining) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, Interlocked.Increment(ref used), 1),
        SiloName = "it's a silo",
        HostName = "host",
        Status = status,
        ProxyPort = 30000,
        StartTime = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        IAmAliveTime = new(2026, 1, 1, 0, 0, 1, DateTimeKind.Utc),
    };

    private static ReminderEntry Reminder(GrainId grain, string name) => new()
    {
        GrainId = grain,
        ReminderName = name,
        StartAt = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        Period = TimeSpan.FromMinutes(1),
    };
}

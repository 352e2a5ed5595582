using System.Globalization;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary>Who guesses at passwords, and whom that shuts out.</summary>
public sealed class SignInBrakeTests
{
    private const string Home = "192.0.2.1";
    private const string Elsewhere = "198.51.100.1";

    private readonly SignInBrake brake = new();
    private DateTimeOffset now = Some.Noon;

    [Fact]
    public void Five_wrong_passwords_shut_out_their_own_address_and_nobody_else()
    {
        Assert.Equal(5, TriesUntilRefused("admin", Elsewhere));
        Assert.InRange(brake.Take("admin", Elsewhere, now)!.Value.TotalSeconds, 1, 60);
        Assert.Null(brake.Take("admin", Home, now));
        Assert.Null(brake.Take("anna", Elsewhere, now));

        now += TimeSpan.FromMinutes(1);
        Assert.Equal(1, TriesUntilRefused("admin", Elsewhere));
        now += TimeSpan.FromHours(1);
        Assert.Equal(5, TriesUntilRefused("admin", Elsewhere));
    }

    [Fact] // As Identity takes names.
    public void A_name_in_other_letters_is_the_same_account()
    {
        Assert.Equal(5, TriesUntilRefused("admin", Elsewhere));
        Assert.NotNull(brake.Take(" ADMIN ", Elsewhere, now));
    }

    [Fact]
    public void One_address_that_tries_many_accounts_is_shut_out()
    {
        var tries = Enumerable.Range(0, 100).TakeWhile(i => Stranger($"person{i}", Elsewhere) is null).Count();
        Assert.InRange(tries, 25, 30); // two names may share a place
        Assert.NotNull(Stranger("somebody", Elsewhere));
        Assert.Null(Stranger("somebody", Home));

        // Whoever was there before goes on: he is no stranger.
        Assert.Null(brake.Take("anna", Elsewhere, now));
    }

    [Fact]
    public void An_account_that_is_tried_from_everywhere_opens_to_its_own_addresses_all_the_same()
    {
        var tries = Enumerable.Range(0, 1000).Count(i => Stranger("admin", $"10.0.{i / 200}.{i % 200}") is null);
        Assert.InRange(tries, 25, 30);
        Assert.NotNull(Stranger("admin", Home));
        Assert.Null(brake.Take("admin", Home, now));
        Assert.Null(Stranger("anna", Home)); // nor is it anybody else's trouble

        // A year of it is not enough for a password of twelve letters.
        now += TimeSpan.FromDays(1);
        Assert.InRange(Enumerable.Range(0, 1000).Count(i => Stranger("admin", $"10.1.{i / 200}.{i % 200}") is null), 25, 30);
    }

    [Fact]
    public void The_right_password_costs_nothing_and_forgives_what_was_wrong_before_it()
    {
        for (var day = 0; day < 200; day++)
        {
            for (var wrong = 0; wrong < 4; wrong++)
            {
                Assert.Null(brake.Take("admin", Home, now));
            }

            Assert.Null(Stranger("admin", Home));
            brake.Succeed("admin", Home, asStranger: true);
        }
    }

    [Fact]
    public void A_try_that_nobody_looked_at_is_none()
    {
        for (var i = 0; i < 200; i++)
        {
            Assert.Null(Stranger("admin", Home));
            brake.GiveBack("admin", Home, asStranger: true);
        }
    }

    [Fact]
    public void A_million_names_and_addresses_take_no_more_memory_than_one()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 1_000_000; i++)
        {
            Stranger(string.Create(CultureInfo.InvariantCulture, $"person{i}"), string.Create(CultureInfo.InvariantCulture, $"2001:db8:{i & 0xffff:x}:{i >> 16:x}::/64"));
        }

        // A million of them kept would be some 200 MB; the other tests of this process take some meanwhile.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 80_000_000);
        GC.KeepAlive(brake);
    }

    private int TriesUntilRefused(string account, string address)
    {
        var tries = 0;
        while (brake.Take(account, address, now) is null)
        {
            tries++;
        }

        return tries;
    }

    private TimeSpan? Stranger(string account, string address) => brake.Take(account, address, now) ?? brake.TakeAsStranger(account, address, now);
}

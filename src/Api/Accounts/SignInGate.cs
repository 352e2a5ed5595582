using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Api.Http;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// Where everybody passes before a password is looked at, or the code of a second factor, whichever door he comes in by: <see cref="SignInBrake"/> with
/// what is known of addresses, and an end to how much is looked at in one moment.
/// </summary>
internal sealed partial class SignInGate(
    UserManager<Person> people, AccountsDb accounts, SignInBrake brake, SignInGate.Places places, IHttpContextAccessor current, TimeProvider clock, ILogger<SignInGate> logger)
{
    /// <summary>Takes a try. Whoever has it looks at the password, and says whether it was right.</summary>
    /// <param name="name">As typed.</param>
    /// <exception cref="TooManyRequestsException">There is none, whatever the password is.</exception>
    public async Task<Try> Enter(string? name)
    {
        var (account, address, now) = (name ?? string.Empty, Address, clock.GetUtcNow());
        if (brake.Take(account, address, now) is { } wait)
        {
            throw Closed(wait);
        }

        var seen = await LastSeen(account, address);
        var isStranger = IsStranger(seen, now);
        if (isStranger && brake.TakeAsStranger(account, address, now) is { } longer)
        {
            throw Closed(longer);
        }

        var place = await places.Enter(isStranger, current.HttpContext!.RequestAborted);
        if (!place.IsAcquired)
        {
            brake.GiveBack(account, address, isStranger);
            throw Closed(Places.Wait);
        }

        return new(this, account, address, isStranger, seen, place);
    }

    /// <summary>
    /// How long to wait, for who would be refused whatever his password is: asked before all that it costs to understand his request, which is what a
    /// flood of guesses lives on.
    /// </summary>
    public async Task<TimeSpan?> Foresee(string? name)
    {
        var (account, address, now) = (name ?? string.Empty, Address, clock.GetUtcNow());
        var (wait, asStranger) = brake.Look(account, address, now);
        return wait ?? (asStranger is not null && IsStranger(await LastSeen(account, address), now) ? asStranger : null);
    }

    /// <summary>What is said with how long to wait.</summary>
    public static TooManyRequestsException Closed(TimeSpan wait) => new(
        "There were too many wrong passwords for this account from this address, or there are too many sign-ins at once. Wait as long as Retry-After says.", wait);

    private string Address => ClientAddress.Of(current.HttpContext!);

    private const string KnownAddress = "known-address";

    /// <summary>How long an address is known after its last use; a person's addresses change, and who has them then is somebody else.</summary>
    private static readonly TimeSpan KnownFor = TimeSpan.FromDays(90);

    // As text, days follow each other.
    private static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static bool IsStranger(string? seen, DateTimeOffset now) => seen is null || string.CompareOrdinal(seen, Day(now - KnownFor)) < 0;

    private async Task<string?> LastSeen(string account, string address)
    {
        var name = people.NormalizeName(account);
        return await (
            from person in accounts.Users
            join known in accounts.UserTokens on person.Id equals known.UserId
            where person.NormalizedUserName == name && known.LoginProvider == KnownAddress && known.Name == address
            select known.Value).SingleOrDefaultAsync();
    }

    /// <summary>For all processes, and beyond a restart: it is under attack that it counts.</summary>
    private async Task Remember(Person person, string address, string today, string oldest)
    {
        await accounts.UserTokens
            .Where(known => known.UserId == person.Id && known.LoginProvider == KnownAddress && string.Compare(known.Value, oldest) < 0).ExecuteDeleteAsync();

        // One statement, which both databases know: two sign-ins at once from a new address are no error.
        await accounts.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO "AspNetUserTokens" ("UserId", "LoginProvider", "Name", "Value") VALUES ({person.Id}, {KnownAddress}, {address}, {today})
            ON CONFLICT ("UserId", "LoginProvider", "Name") DO UPDATE SET "Value" = {today}
            """);
    }

    /// <summary>
    /// How many passwords are looked at in one moment. Each takes a processor for a twentieth of a second, by design: without an end to it a few hundred
    /// guesses a second would leave nothing for anybody else. Who comes from an address that his account was used from before does not stand behind strangers.
    /// </summary>
    internal sealed class Places : IDisposable
    {
        /// <summary>When to come again where all are taken.</summary>
        public static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

        private readonly ConcurrencyLimiter strangers = Limiter();
        private readonly ConcurrencyLimiter others = Limiter();

        public ValueTask<RateLimitLease> Enter(bool asStranger, CancellationToken cancellationToken) => (asStranger ? strangers : others).AcquireAsync(1, cancellationToken);

        public void Dispose()
        {
            strangers.Dispose();
            others.Dispose();
        }

        private static ConcurrencyLimiter Limiter() => new(new()
        {
            PermitLimit = Math.Max(1, Environment.ProcessorCount / 2),
            QueueLimit = 32,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        });
    }

    private async Task Succeed(Person person, Try one)
    {
        brake.Succeed(one.Account, one.Address, one.IsStranger);
        var now = clock.GetUtcNow();
        if (one.Seen != Day(now))
        {
            await Remember(person, one.Address, Day(now), oldest: Day(now - KnownFor));
        }
    }

    private void GiveBack(Try one) => brake.GiveBack(one.Account, one.Address, one.IsStranger);

    // Only for an account that there is: what is typed as a name may be somebody's password.
    private void Fail(Person person, Try one) => Log.Refused(logger, person.UserName, one.Address);

    /// <summary>A try that was taken. Without a word it is a wrong one.</summary>
    internal sealed class Try(SignInGate gate, string account, string address, bool isStranger, string? seen, RateLimitLease place) : IDisposable
    {
        internal string Account => account;

        internal string Address => address;

        internal bool IsStranger => isStranger;

        /// <summary>When the account was last used from there; null: never.</summary>
        internal string? Seen => seen;

        /// <summary>It was wrong.</summary>
        public void Fail(Person person) => gate.Fail(person, this);

        /// <summary>It was right as far as it went: as if it had not been.</summary>
        public void GiveBack() => gate.GiveBack(this);

        /// <summary>It was right, with all that the account asks for: it costs nothing, and the account is known from here.</summary>
        public Task Succeed(Person person) => gate.Succeed(person, this);

        public void Dispose() => place.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(4201, LogLevel.Warning, "Sign-in as {Name} from {Address} refused")]
        public static partial void Refused(ILogger logger, string? name, string address);
    }
}

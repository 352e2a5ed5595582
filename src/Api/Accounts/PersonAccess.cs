using System.Collections.Concurrent;
using Microsoft.AspNetCore.Identity;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// What people may do, as the database says it. Tokens do not say it: what is taken away would be left until they expire. It is asked once in
/// five seconds for each person, so what is taken away ends by then in every process, and at once in the one where it was taken. While the
/// database does not answer, nobody can change it either (other than through another process, should that still reach it): what was known holds
/// for five minutes more, and then nothing.
/// </summary>
internal sealed class PersonAccess(IServiceScopeFactory scopes, TimeProvider clock)
{
    /// <summary>The type of the claims of an account that hold its <see cref="Grant"/>s.</summary>
    public const string GrantClaim = "nanny_role";

    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Usable = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // As many as there are accounts at most: others are not remembered.
    private readonly ConcurrentDictionary<string, Known> known = new(StringComparer.Ordinal);

    /// <summary>An account as it is now; null when there is none, or when it may not sign in.</summary>
    /// <param name="id">The account.</param>
    /// <exception cref="Exception">The database can't be asked, and nothing recent is known.</exception>
    public async ValueTask<Standing?> Of(string id)
    {
        var before = known.GetValueOrDefault(id);
        if (before is not null && clock.GetElapsedTime(before.At) < Fresh)
        {
            return before.Standing;
        }

        if (before is null || clock.GetElapsedTime(before.At) >= Usable)
        {
            return await Ask(id);
        }

        try
        {
            return await Ask(id).WaitAsync(Patience, clock);
        }
        catch (Exception failure) when (failure is TimeoutException || Http.Problems.IsUnavailable(failure))
        {
            return before.Standing;
        }
    }

    /// <summary>Has an account looked at anew: it was changed here.</summary>
    public void Forget(string id) => known.TryRemove(id, out _);

    /// <summary>Whether an account is switched off: Identity's way to say so is a lockout without an end.</summary>
    public static bool IsDisabled(Person person) => person.LockoutEnd == DateTimeOffset.MaxValue;

    /// <summary>An account's grants. A claim that is none grants nothing.</summary>
    public static async Task<IReadOnlyList<Grant>> GrantsOf(UserManager<Person> people, Person person) =>
    [
        .. (await people.GetClaimsAsync(person)).Where(claim => claim.Type is GrantClaim).Select(claim => Grant.TryParse(claim.Value, out var grant) ? grant : null).OfType<Grant>()
    ];

    private async Task<Standing?> Ask(string id)
    {
        var at = clock.GetTimestamp();
        await using var scope = scopes.CreateAsyncScope();
        var people = scope.ServiceProvider.GetRequiredService<UserManager<Person>>();
        if (await people.FindByIdAsync(id) is not { } person || IsDisabled(person))
        {
            known.TryRemove(id, out _);
            return null;
        }

        var standing = new Standing(person.UserName!, person.SecurityStamp, await GrantsOf(people, person));

        // Of two that ask at once, what was asked later stays.
        known.AddOrUpdate(id, new Known(standing, at), (_, other) => other.At > at ? other : new(standing, at));
        return standing;
    }

    private sealed record Known(Standing Standing, long At);
}

/// <summary>An account as it is now.</summary>
/// <param name="Name">Its user name.</param>
/// <param name="Stamp">Changes with the password and whatever else ends what was signed in before.</param>
/// <param name="Grants">What was granted to it.</param>
internal sealed record Standing(string Name, string? Stamp, IReadOnlyList<Grant> Grants);

using Microsoft.AspNetCore.Identity;

namespace NannyOrleans.Api.Accounts;

/// <summary>The one place where passwords are looked at.</summary>
internal sealed class PasswordCheck(SignInManager<Person> signIn, SignInGate gate)
{
    private static readonly Person Nobody = new();
    private static readonly Lazy<string> NobodysHash = new(() => new PasswordHasher<Person>().HashPassword(Nobody, Guid.NewGuid().ToString()));

    /// <summary>The person whose name and password these are; null when they do not match, or he may not sign in.</summary>
    /// <exception cref="Http.TooManyRequestsException">They are not looked at.</exception>
    public async Task<Person?> Check(string? name, string? password)
    {
        using var attempt = await gate.Enter(name);
        var person = await signIn.UserManager.FindByNameAsync(name ?? string.Empty);
        if (person?.PasswordHash is null)
        {
            // As long as with one, or the time it takes would say which names there are.
            signIn.UserManager.PasswordHasher.VerifyHashedPassword(Nobody, NobodysHash.Value, password ?? string.Empty);
            return null;
        }

        // Identity's lock is for who is locked by a person; guessing is not what locks.
        if (!(await signIn.CheckPasswordSignInAsync(person, password ?? string.Empty, lockoutOnFailure: false)).Succeeded)
        {
            attempt.Fail(person);
            return null;
        }

        await attempt.Succeed(person);
        return person;
    }
}

using Microsoft.AspNetCore.Identity;
using NannyOrleans.Api.Audit;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Accounts;

/// <summary>What somebody shows who says that he is a person.</summary>
/// <param name="UserName">Whom he says he is.</param>
/// <param name="Password">The password.</param>
/// <param name="Code">The second factor's code, where the account has one.</param>
/// <param name="RecoveryCode">Or one of its recovery codes.</param>
internal sealed record Credentials(string? UserName, string? Password, string? Code = null, string? RecoveryCode = null);

/// <summary>The person, or why he is not let in.</summary>
/// <param name="Person">The person; null when he is not let in.</param>
/// <param name="Code">For programs: <see cref="WrongCredentials"/> or <see cref="SecondFactorRequired"/>.</param>
/// <param name="Words">For people.</param>
internal readonly record struct PasswordAnswer(Person? Person, string Code, string Words)
{
    public const string WrongCredentials = "wrong-credentials";
    public const string SecondFactorRequired = "second-factor-required";

    /// <summary>Neither which names there are is told, nor that a password was right while the account was locked.</summary>
    public static PasswordAnswer Refused { get; } = new(
        null, WrongCredentials, "User name and password do not match, or the account is locked.");

    /// <summary>Who reads this knows the password.</summary>
    public static PasswordAnswer NeedsCode { get; } = new(null, SecondFactorRequired, "The account has a second factor: its code is needed too, or a recovery code.");

    public static PasswordAnswer WrongCode { get; } = new(null, WrongCredentials, "The code is wrong, was used before, or is too old.");
}

/// <summary>Whether somebody is the person he says he is, wherever a password is asked for.</summary>
internal sealed class PasswordCheck(UserManager<Person> people, SecondFactors factors, SignInGate gate, Refusals refusals, IHttpContextAccessor current)
{
    private static readonly Person Nobody = new();
    private static string? nobodysHash;

    /// <summary>The person, or why not.</summary>
    /// <exception cref="Http.TooManyRequestsException">It is not looked at.</exception>
    public async Task<PasswordAnswer> Check(Credentials shown)
    {
        using var attempt = await gate.Enter(shown.UserName);
        if (string.IsNullOrEmpty(shown.UserName) || await people.FindByNameAsync(shown.UserName) is not { } person)
        {
            // As long as for a name that is there: the time must not tell which names there are.
            nobodysHash ??= people.PasswordHasher.HashPassword(Nobody, "nobody's");
            people.PasswordHasher.VerifyHashedPassword(Nobody, nobodysHash, shown.Password ?? string.Empty);

            // Not which: passwords are typed there too.
            return await Noted("unknown account", PasswordAnswer.Refused);
        }

        return await Noted($"person {person.UserName}", await Check(person, shown, attempt));
    }

    /// <summary>Whether it is this person.</summary>
    /// <exception cref="Http.TooManyRequestsException">It is not looked at.</exception>
    public async Task<PasswordAnswer> Check(Person person, Credentials shown)
    {
        using var attempt = await gate.Enter(person.UserName);
        return await Noted($"person {person.UserName}", await Check(person, shown, attempt));
    }

    // That it was right, SignIns and the endpoints write down, before what they do.
    private async Task<PasswordAnswer> Noted(string account, PasswordAnswer answer)
    {
        if (answer.Person is null && answer.Code is not PasswordAnswer.SecondFactorRequired)
        {
            await refusals.Note(new(AuditEntry.Nobody, "sign-in", account, Audited.Address(current.HttpContext), answer.Code), $"at {current.HttpContext?.Request.Path}");
        }

        return answer;
    }

    private async Task<PasswordAnswer> Check(Person person, Credentials shown, SignInGate.Try attempt)
    {
        var isRight = await people.CheckPasswordAsync(person, shown.Password ?? string.Empty);
        if (PersonAccess.IsDisabled(person))
        {
            return PasswordAnswer.Refused;
        }

        if (!isRight)
        {
            attempt.Fail(person);
            return PasswordAnswer.Refused;
        }

        if (person.TwoFactorEnabled)
        {
            if (string.IsNullOrWhiteSpace(shown.Code) && string.IsNullOrWhiteSpace(shown.RecoveryCode))
            {
                attempt.GiveBack();
                return PasswordAnswer.NeedsCode;
            }

            if (!(string.IsNullOrWhiteSpace(shown.RecoveryCode) ? await factors.Take(person, shown.Code!) : await factors.TakeRecoveryCode(person, shown.RecoveryCode)))
            {
                attempt.Fail(person); // or whoever has the password could try all of a million codes
                return PasswordAnswer.WrongCode;
            }
        }

        await attempt.Succeed(person);
        return new(person, string.Empty, string.Empty);
    }
}

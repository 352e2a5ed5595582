using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// What a person does with his own account: password and second factor. Each needs the password, for a browser that was left open is not he. What
/// was signed in before ends; the cookie that was shown is given anew.
/// </summary>
internal static class OwnAccountEndpoints
{
    private const string FactorPath = "/second-factor";

    public static void MapOwnAccount(this IEndpointRouteBuilder routes)
    {
        var account = routes.MapGroup("/api/account").WithTags("Account").RequireAuthorization(Policies.SignedIn);
        account.MapPost("/password", ChangePassword).WithName("ChangeOwnPassword")
            .WithSummary("Changes one's own password. Ends whatever was signed in before, other than personal access tokens; those too with revoke_tokens.")
            .ProducesProblem(StatusCodes.Status401Unauthorized);
        account.MapGet(FactorPath, GetFactor).WithName("GetSecondFactor").WithSummary("Whether one's account has a second factor, and how many recovery codes are left.");
        account.MapPost(FactorPath, BeginFactor).WithName("BeginSecondFactor").WithSummary("Makes the secret of a second factor (TOTP, RFC 6238). It is asked for once a code of it was confirmed.")
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status409Conflict);
        account.MapPost($"{FactorPath}/confirm", ConfirmFactor).WithName("ConfirmSecondFactor").WithSummary("Shows the first code. The ten recovery codes are in this answer and nowhere else.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        account.MapPost($"{FactorPath}/remove", RemoveFactor).WithName("RemoveSecondFactor").WithSummary("Takes the second factor away again, with password and code or recovery code.")
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status409Conflict);
    }

    internal static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> ChangePassword(
        JsonBody<PasswordRequest> body, HttpContext http, UserManager<Person> people, PasswordCheck passwords, Renewal renewal, AccountsDb accounts)
    {
        var ask = body.Value;
        var person = await Self(http, people);
        if (await passwords.Check(person, new(null, ask.Password, ask.Code, ask.RecoveryCode)) is { Person: null } answer)
        {
            return TypedResults.Problem(Problems.NotLetIn(answer));
        }

        if (ask.NewPassword is not { Length: >= TokenSetup.LeastPassword and <= TokenSetup.MostPassword })
        {
            return Problems.Invalid(new Dictionary<string, string[]> { ["new_password"] = [$"It must be a text of {TokenSetup.LeastPassword} to {TokenSetup.MostPassword} characters."] });
        }

        var changed = await people.ChangePasswordAsync(person, ask.Password!, ask.NewPassword);
        if (!changed.Succeeded)
        {
            return Problems.Invalid(new Dictionary<string, string[]> { ["new_password"] = [.. changed.Errors.Select(error => error.Description)] });
        }

        if (ask.RevokeTokens)
        {
            await accounts.PersonalTokens.Where(one => one.PersonId == person.Id).ExecuteDeleteAsync();
        }

        await renewal.Renew(http, person);
        return TypedResults.NoContent();
    }

    internal static async Task<Ok<SecondFactorView>> GetFactor(HttpContext http, UserManager<Person> people, SecondFactors factors)
    {
        var person = await Self(http, people);
        return TypedResults.Ok(new SecondFactorView(person.TwoFactorEnabled, await factors.RecoveryCodesLeft(person)));
    }

    internal static async Task<Results<Ok<NewSecondFactorView>, ProblemHttpResult>> BeginFactor(
        JsonBody<PasswordRequest> body, HttpContext http, UserManager<Person> people, PasswordCheck passwords, SecondFactors factors)
    {
        var person = await Self(http, people);
        if (await passwords.Check(person, new(null, body.Value.Password, body.Value.Code, body.Value.RecoveryCode)) is { Person: null } answer)
        {
            return TypedResults.Problem(Problems.NotLetIn(answer));
        }

        return await factors.Begin(person) is { } secret
            ? TypedResults.Ok(new NewSecondFactorView(secret, $"otpauth://totp/NannyOrleans:{Uri.EscapeDataString(person.UserName!)}?secret={secret}&issuer=NannyOrleans"))
            : TypedResults.Problem(new Refusal("has-second-factor", "The account has a second factor already; remove it first.").ToProblem());
    }

    internal static async Task<Results<Ok<RecoveryCodesView>, ProblemHttpResult>> ConfirmFactor(
        JsonBody<ConfirmRequest> body, HttpContext http, UserManager<Person> people, SecondFactors factors, Renewal renewal)
    {
        var person = await Self(http, people);
        if (await factors.Confirm(person, body.Value.Code ?? string.Empty) is not { } codes)
        {
            return TypedResults.Problem(new Refusal("wrong-code", "The code is not one of the secret that was made last, or there is none to confirm. Is the clock right?").ToProblem());
        }

        await renewal.Renew(http, person);
        return TypedResults.Ok(new RecoveryCodesView(codes));
    }

    internal static async Task<Results<NoContent, ProblemHttpResult>> RemoveFactor(
        JsonBody<PasswordRequest> body, HttpContext http, UserManager<Person> people, PasswordCheck passwords, SecondFactors factors, Renewal renewal)
    {
        var person = await Self(http, people);
        if (!person.TwoFactorEnabled)
        {
            return TypedResults.Problem(new Refusal("no-second-factor", "The account has no second factor.").ToProblem());
        }

        if (await passwords.Check(person, new(null, body.Value.Password, body.Value.Code, body.Value.RecoveryCode)) is { Person: null } answer)
        {
            return TypedResults.Problem(Problems.NotLetIn(answer));
        }

        await factors.Remove(person);
        await renewal.Renew(http, person);
        return TypedResults.NoContent();
    }

    private static async Task<Person> Self(HttpContext http, UserManager<Person> people) => await people.FindByIdAsync(http.User.GetClaim(Claims.Subject)!)
        ?? throw new BadHttpRequestException("The account was deleted.", StatusCodes.Status401Unauthorized);

    /// <summary>Gives whoever changed his own secrets his cookie anew; a tool signs in again.</summary>
    internal sealed class Renewal(SignIns signIns, PersonAccess access, TimeProvider clock)
    {
        public async Task Renew(HttpContext http, Person person)
        {
            access.Forget(person.Id);
            if (http.Request.Headers.Authorization.Count is 0)
            {
                await http.SignInAsync(SessionCookie.SchemeName, await signIns.Begin(person, http.User.GetScopes()), SessionCookie.Begin(clock.GetUtcNow()));
            }
        }
    }
}

/// <summary>What <c>POST /api/account/password</c> takes; the others but the first three fields.</summary>
/// <param name="Password">The password as it is.</param>
/// <param name="Code">The second factor's code, where there is one.</param>
/// <param name="RecoveryCode">Or a recovery code.</param>
/// <param name="NewPassword">The password as it is to be.</param>
/// <param name="RevokeTokens">Whether one's personal access tokens end too.</param>
internal sealed record PasswordRequest(string? Password = null, string? Code = null, string? RecoveryCode = null, string? NewPassword = null, bool RevokeTokens = false);

/// <summary>What confirms a second factor.</summary>
/// <param name="Code">A code of the new secret.</param>
internal sealed record ConfirmRequest(string? Code = null);

/// <summary>Whether there is a second factor.</summary>
/// <param name="Enabled">Whether it is asked for.</param>
/// <param name="RecoveryCodesLeft">How many recovery codes were not used.</param>
internal sealed record SecondFactorView(bool Enabled, int RecoveryCodesLeft);

/// <summary>What an authenticator program needs.</summary>
/// <param name="Secret">The secret, in Base32.</param>
/// <param name="OtpauthUri">The same as an address, of which a QR code can be made.</param>
internal sealed record NewSecondFactorView(string Secret, string OtpauthUri);

/// <summary>The recovery codes.</summary>
/// <param name="RecoveryCodes">Each is good once, in place of a code.</param>
internal sealed record RecoveryCodesView(IReadOnlyList<string> RecoveryCodes);

using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Access;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.People;

/// <summary>People's accounts and roles: administrators' business, as whatever names no permission is.</summary>
internal static class PeopleEndpoints
{
    private const string Path = "/api/people";

    public static void MapPeople(this IEndpointRouteBuilder routes)
    {
        var people = routes.MapGroup(Path).WithTags("People");
        people.MapGet("/", List).WithName("ListPeople").WithSummary("All accounts and their roles.");
        people.MapPost("/", Add).WithName("AddPerson").WithSummary("Makes an account. Without a password one is made, and said in the answer, once.")
            .Produces<PersonView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status409Conflict);
        people.MapGet("/{person}", Get).WithName("GetPerson").WithSummary("One account, by its id or user name.");
        people.MapPatch("/{person}", Change).WithName("ChangePerson").WithSummary("Changes password, roles or disabled. All that the person was signed in with ends with the password, and while disabled.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        people.MapDelete("/{person}/second-factor", RemoveFactor).WithName("RemovePersonsSecondFactor")
            .WithSummary("Takes away the second factor of somebody who has lost it, and the recovery codes too. Ends what he was signed in with.");
        people.MapDelete("/{person}", Remove).WithName("DeletePerson").WithSummary("Deletes an account. What the person did stays in the audit log.");
    }

    internal static async Task<Ok<IEnumerable<PersonView>>> List(UserManager<Person> people, AccountsDb database)
    {
        var grants = (await database.UserClaims.AsNoTracking().Where(claim => claim.ClaimType == PersonAccess.GrantClaim).ToListAsync()).ToLookup(claim => claim.UserId, claim => claim.ClaimValue);
        var all = await people.Users.AsNoTracking().OrderBy(person => person.NormalizedUserName).ToListAsync();
        return TypedResults.Ok(all.Select(person => PersonView.Of(person, [.. grants[person.Id].Select(text => Grant.TryParse(text, out var grant) ? grant : null).OfType<Grant>()])));
    }

    /// <param name="person">The account's id or user name.</param>
    /// <param name="people">The accounts.</param>
    internal static async Task<Results<Ok<PersonView>, ProblemHttpResult>> Get(string person, UserManager<Person> people) =>
        await Find(person, people) is { } found ? TypedResults.Ok(PersonView.Of(found, await PersonAccess.GrantsOf(people, found))) : None(person);

    internal static async Task<Results<Created<PersonView>, ValidationProblem, ProblemHttpResult>> Add(
        JsonBody<PersonRequest> body, Requester who, UserManager<Person> people, IGrainFactory grains)
    {
        var asked = body.Value;
        var errors = asked.Problems(isNew: true);
        var granted = errors.Count is 0 ? await GrantsOf(asked.Roles ?? [], errors, who, grains) : [];
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var made = asked.PasswordText is null ? FirstPassword.Make() : null;
        var person = new Person { UserName = asked.UserName };
        var created = await people.CreateAsync(person, made ?? asked.PasswordText!);
        if (created.Errors.Any(error => error.Code is nameof(IdentityErrorDescriber.DuplicateUserName)))
        {
            return TypedResults.Problem(new Domain.Refusal("name-taken", $"There is an account '{asked.UserName}' already.").ToProblem());
        }

        if (!created.Succeeded)
        {
            return Problems.Invalid(Wrong(created));
        }

        // After a crash in between there is an account without a role, which may do nothing.
        Must(await people.AddClaimsAsync(person, granted.Select(Claim)));
        return TypedResults.Created($"{Path}/{person.Id}", PersonView.Of(person, granted, made));
    }

    /// <param name="person">The account's id or user name.</param>
    /// <param name="body">What changes. Absent fields stay as they are.</param>
    /// <param name="who">Who changes it.</param>
    /// <param name="people">The accounts.</param>
    /// <param name="access">Looks at it anew.</param>
    /// <param name="turns">One at a time.</param>
    /// <param name="grains">Knows the clusters.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    internal static async Task<Results<Ok<PersonView>, ValidationProblem, ProblemHttpResult>> Change(
        string person, JsonBody<PersonRequest> body, Requester who, UserManager<Person> people, PersonAccess access, AccountTurns turns, IGrainFactory grains, CancellationToken cancellationToken)
    {
        var asked = body.Value;
        var errors = asked.Problems(isNew: false);
        var granted = errors.Count is 0 && asked.Roles is { } roles ? await GrantsOf(roles, errors, who, grains) : null;
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        Results<Ok<PersonView>, ValidationProblem, ProblemHttpResult>? answer = null;
        await turns.Take(async () => answer = await ChangeInTurn(), cancellationToken);
        return answer!;

        async Task<Results<Ok<PersonView>, ValidationProblem, ProblemHttpResult>> ChangeInTurn()
        {
            if (await Find(person, people) is not { } found)
            {
                return None(person);
            }

            var before = await PersonAccess.GrantsOf(people, found);
            var stays = asked.Disabled is not true && (granted ?? before).Any(IsAdministrator);
            if (!stays && await IsLastAdministrator(found, people))
            {
                return LastAdministrator();
            }

            var made = asked.SetsPassword && asked.PasswordText is null ? FirstPassword.Make() : null;
            if (asked.SetsPassword)
            {
                var password = made ?? asked.PasswordText!;
                foreach (var validator in people.PasswordValidators)
                {
                    if (await validator.ValidateAsync(people, found, password) is { Succeeded: false } weak)
                    {
                        return Problems.Invalid(Wrong(weak));
                    }
                }

                found.PasswordHash = people.PasswordHasher.HashPassword(found, password);
                found.LockoutEnd = PersonAccess.IsDisabled(found) ? found.LockoutEnd : null;
                found.AccessFailedCount = 0;
            }

            if (asked.Disabled is { } disabled && disabled != PersonAccess.IsDisabled(found))
            {
                found.LockoutEnd = disabled ? DateTimeOffset.MaxValue : null;
                found.AccessFailedCount = 0;
            }

            if (asked.SetsPassword || asked.Disabled is true)
            {
                // Stores all of it in one go.
                Must(await people.UpdateSecurityStampAsync(found));
            }
            else
            {
                Must(await people.UpdateAsync(found));
            }

            if (granted is not null)
            {
                // First what goes: after a crash in between the person may do less, not more.
                Must(await people.RemoveClaimsAsync(found, before.Except(granted).Select(Claim)));
                Must(await people.AddClaimsAsync(found, granted.Except(before).Select(Claim)));
            }

            access.Forget(found.Id);
            return TypedResults.Ok(PersonView.Of(found, granted ?? before, made));
        }
    }

    /// <param name="person">The account's id or user name.</param>
    /// <param name="people">The accounts.</param>
    /// <param name="access">Looks at it anew.</param>
    /// <param name="turns">One at a time.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    internal static async Task<Results<NoContent, ProblemHttpResult>> Remove(string person, UserManager<Person> people, PersonAccess access, AccountTurns turns, CancellationToken cancellationToken)
    {
        Results<NoContent, ProblemHttpResult>? answer = null;
        await turns.Take(
            async () =>
            {
                if (await Find(person, people) is not { } found)
                {
                    answer = None(person);
                }
                else if (await IsLastAdministrator(found, people))
                {
                    answer = LastAdministrator();
                }
                else
                {
                    Must(await people.DeleteAsync(found));
                    access.Forget(found.Id);
                    answer = TypedResults.NoContent();
                }
            },
            cancellationToken);
        return answer!;
    }

    /// <param name="person">The account's id or user name.</param>
    /// <param name="people">The accounts.</param>
    /// <param name="factors">The second factors.</param>
    /// <param name="access">Looks at it anew.</param>
    internal static async Task<Results<NoContent, ProblemHttpResult>> RemoveFactor(string person, UserManager<Person> people, SecondFactors factors, PersonAccess access)
    {
        if (await Find(person, people) is not { } found)
        {
            return None(person);
        }

        await factors.Remove(found);
        access.Forget(found.Id);
        return TypedResults.NoContent();
    }

    private static async Task<Person?> Find(string person, UserManager<Person> people) => await people.FindByIdAsync(person) ?? await people.FindByNameAsync(person);

    private static bool IsAdministrator(Grant grant) => grant == new Grant(Role.Administrator);

    private static async Task<bool> IsLastAdministrator(Person person, UserManager<Person> people) =>
        (await people.GetUsersForClaimAsync(Claim(new Grant(Role.Administrator)))).Where(one => !PersonAccess.IsDisabled(one)).ToArray() is [var last] && last.Id == person.Id;

    private static Claim Claim(Grant grant) => new(PersonAccess.GrantClaim, grant.ToString());

    private static async Task<IReadOnlyList<Grant>> GrantsOf(IReadOnlyList<RoleRequest?> roles, Dictionary<string, string[]> errors, Requester who, IGrainFactory grains)
    {
        var known = roles.Any(role => role!.Cluster is not null) ? await grains.GetGrain<IFleetGrain>(0).Clusters() : [];
        var named = roles.Any(role => role!.Cluster is not null && !ClusterId.TryParse(role.Cluster, null, out _)) ? await grains.ReadClusters(who.Sight) : [];
        var granted = new List<Grant>();
        for (var i = 0; i < roles.Count; i++)
        {
            var role = Enum.Parse<Role>(roles[i]!.Role!, ignoreCase: true);
            if (roles[i]!.Cluster is not { } text)
            {
                granted.Add(new(role));
            }
            else if (ClusterId.TryParse(text, null, out var id) ? known.Contains(id) : named.Where(one => one.Name == text).ToArray() is [var only] && (id = only.Id) == only.Id)
            {
                granted.Add(new(role, id));
            }
            else
            {
                errors[$"roles[{i}].cluster"] = ["It must be the id of a cluster or machine, or the name of one cluster alone. Leave it out for all."];
            }
        }

        return [.. granted.Distinct()];
    }

    private static ProblemHttpResult None(string person) => TypedResults.Problem(Problems.NotFound("account", person));

    private static ProblemHttpResult LastAdministrator() => TypedResults.Problem(new Domain.Refusal("last-administrator", "This is the only administrator that can sign in; make another one first.").ToProblem());

    private static Dictionary<string, string[]> Wrong(IdentityResult result) => new()
    {
        [result.Errors.All(error => error.Code.StartsWith("Password", StringComparison.Ordinal)) ? "password" : "user_name"] = [.. result.Errors.Select(error => error.Description)],
    };

    // What two do at once to one account: the second is told to try again.
    private static void Must(IdentityResult result)
    {
        if (!result.Succeeded)
        {
            throw new DbUpdateConcurrencyException(string.Join(" ", result.Errors.Select(error => error.Description)));
        }
    }
}

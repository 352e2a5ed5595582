using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Scripts;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Scripts;

/// <summary>The catalogue's scripts and those that administrators added; their bytes for the agents that run them.</summary>
internal static class ScriptEndpoints
{
    public static void MapScripts(this IEndpointRouteBuilder routes)
    {
        var scripts = routes.MapGroup("/api/scripts").WithTags("Scripts");
        scripts.MapGet("/{name}/content", Content).RequireAuthorization(Policies.Agent).WithName("GetScriptContent").WithSummary("A script's bytes, for agents.");
        scripts.MapGet("/", List).Needs(Powers.View).WithName("ListScripts").WithSummary("The patch scripts: the catalogue's, then those that administrators added.");
        scripts.MapGet("/{id}", Get).Needs(Powers.View).WithName("GetScript").WithSummary("One script with its hash, its signature and its text.");
        scripts.MapPost("/{id}/validate", Validate).Needs(Powers.View).WithName("ValidateScript").WithSummary("Computes a script's hash and signature again, has the shell read it, and says what is wrong.").ThatChangesNothing();
        scripts.MapPost("/", Add).WithName("AddScript").WithSummary("Adds a custom script for a family or a distribution of none, or for one version of it. It runs only on hosts with custom_scripts: true.")
            .Produces<ScriptView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status409Conflict);
        scripts.MapDelete("/{id}", Remove).WithName("DeleteScript").WithSummary("Deletes a custom script. Jobs that wait and name it will fail.");
    }

    /// <param name="name">The script's file name, such as apt-update.sh.</param>
    /// <param name="agent">Who asks: a token outlives its agent by up to an hour.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="keys">Sign the catalogue.</param>
    internal static async Task<Results<FileContentHttpResult, ProblemHttpResult>> Content(string name, ClaimsPrincipal agent, IGrainFactory grains, ScriptKeys keys) =>
        !await grains.GetGrain<INodeGrain>(agent.NodeKey().ToString()).IsAgent(agent.AgentId()) ? TypedResults.Problem(Problems.NotRegistered())
            : await Find(name, grains, keys) is { } found ? TypedResults.Bytes(found.Content, "text/x-shellscript")
            : None(name);

    internal static async Task<Ok<IReadOnlyList<ScriptView>>> List(IGrainFactory grains, ScriptKeys keys) => TypedResults.Ok<IReadOnlyList<ScriptView>>(
    [
        .. ScriptCatalogue.All.Select(script => ScriptView.Of(keys.Sign(script.Reference, ScriptSigner.Catalogue), script.Content.Length, keys)),
        .. (await grains.GetGrain<ICustomScriptsGrain>(0).All()).Select(ScriptView.Of),
    ]);

    /// <param name="id">The script's file name, such as apt-update.sh.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="keys">Sign the catalogue.</param>
    internal static async Task<Results<Ok<ScriptView>, ProblemHttpResult>> Get(string id, IGrainFactory grains, ScriptKeys keys) =>
        await Find(id, grains, keys) is { } found ? TypedResults.Ok(found.View with { Content = Encoding.UTF8.GetString(found.Content) }) : None(id);

    /// <param name="id">The script's file name, such as apt-update.sh.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="keys">Verify the signature.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    internal static async Task<Results<Ok<ScriptValidation>, ProblemHttpResult>> Validate(string id, IGrainFactory grains, ScriptKeys keys, CancellationToken cancellationToken)
    {
        if (await Find(id, grains, keys) is not { } found)
        {
            return None(id);
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(found.Content));
        Check[] checks =
        [
            hash == found.Script.Sha256
                ? new("sha256", CheckResult.Ok, "The content has the hash that is signed.", null)
                : new("sha256", CheckResult.Problem, $"The content's SHA-256 is {hash}, not {found.Script.Sha256}.", "Agents refuse it. Delete it and add it again."),
            keys.IsGood(found.Script)
                ? new("signature", CheckResult.Ok, $"The signature is that of the {(found.Script.Signer is ScriptSigner.Catalogue ? "catalogue" : "custom")} key.", null)
                : new("signature", CheckResult.Problem, "The signature is not that of the server's present key.", "Agents refuse it. Delete it and add it again."),
            ScriptText.Problem(found.Content) is { } wrong
                ? new("text", CheckResult.Problem, wrong, null)
                : new("text", CheckResult.Ok, "It is text of an accepted size and says first that it has started.", null),
            await ShellSyntax.Check(found.Content, cancellationToken),
        ];
        return TypedResults.Ok(new ScriptValidation(id, checks.All(check => check.Result is CheckResult.Ok), checks));
    }

    internal static async Task<Results<Created<ScriptView>, ValidationProblem, ProblemHttpResult>> Add(
        JsonBody<ScriptRequest> body, Requester who, IGrainFactory grains, ScriptKeys keys, TimeProvider clock, CancellationToken cancellationToken)
    {
        var asked = body.Value;
        var (family, errors) = asked.Read();
        if (family is null)
        {
            return Problems.Invalid(errors);
        }

        if (ScriptCatalogue.Find(asked.Name!) is not null)
        {
            return Problems.Invalid(new Dictionary<string, string[]> { ["name"] = ["The catalogue has a script of this name; choose another."] });
        }

        var content = Encoding.UTF8.GetBytes(asked.Content!);
        if (await ShellSyntax.Check(content, cancellationToken) is { Result: not CheckResult.Ok } wrong)
        {
            return Problems.Invalid(new Dictionary<string, string[]> { ["content"] = [wrong.Message] });
        }

        var script = keys.Sign(new(asked.Name!, Convert.ToHexStringLower(SHA256.HashData(content))), ScriptSigner.Custom);
        var added = await grains.GetGrain<ICustomScriptsGrain>(0).Add(new(script, family.Value, asked.OsVersion, content.Length, who.Name, clock.GetUtcNow()) { OsId = asked.OsId }, asked.Content!);
        if (added.IsRefused)
        {
            return TypedResults.Problem(added.Refusal.ToProblem());
        }

        return TypedResults.Created($"/api/scripts/{asked.Name}", ScriptView.Of(added.Value));
    }

    /// <param name="id">The custom script's file name.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="note">Is told what it was.</param>
    internal static async Task<Results<NoContent, ProblemHttpResult>> Remove(string id, IGrainFactory grains, AuditNote note)
    {
        if (ScriptCatalogue.Find(id) is not null)
        {
            return TypedResults.Problem(new Domain.Refusal("catalogue-script", $"'{id}' is part of the release and can't be deleted.").ToProblem());
        }

        if (await grains.GetGrain<ICustomScriptsGrain>(0).Remove(id) is not { } gone)
        {
            return None(id);
        }

        note.Detail = $"{gone}, SHA-256 {gone.Script.Sha256}";
        return TypedResults.NoContent();
    }

    private static async Task<FoundScript?> Find(string name, IGrainFactory grains, ScriptKeys keys)
    {
        if (ScriptCatalogue.Find(name) is { } script)
        {
            var signed = keys.Sign(script.Reference, ScriptSigner.Catalogue);
            return new(signed, script.Content.ToArray(), ScriptView.Of(signed, script.Content.Length, keys));
        }

        return (await grains.GetGrain<ICustomScriptsGrain>(0).All()).FirstOrDefault(one => one.Script.Name == name) is { } custom
            && await grains.GetGrain<IScriptContentGrain>(custom.Script.Sha256).Get() is { } content
                ? new(custom.Script, Encoding.UTF8.GetBytes(content), ScriptView.Of(custom))
                : null;
    }

    private static ProblemHttpResult None(string id) => TypedResults.Problem(Problems.NotFound("script", id));

    private sealed record FoundScript(ScriptReference Script, byte[] Content, ScriptView View);
}

/// <summary>A script as shown. Its text is left out of lists.</summary>
internal sealed record ScriptView(
    string Id,
    bool Custom,
    string? PlatformFamily,
    string? OsVersion,
    string Sha256,
    int Size,
    string Signature,
    string SignedBy,
    string? CreatedBy,
    DateTimeOffset? CreatedAt)
{
    /// <summary>The distribution it is for that belongs to no family; null where it is for a family.</summary>
    public string? OsId { get; init; }

    /// <summary>Its text; null in lists.</summary>
    public string? Content { get; init; }

    /// <summary>A script of the catalogue.</summary>
    public static ScriptView Of(ScriptReference script, int size, ScriptKeys keys) => new(
        script.Name, false, Family(script.Name), null, script.Sha256, size, script.Signature!, keys.SignedBy, null, null);

    /// <summary>A script that an administrator added.</summary>
    public static ScriptView Of(CustomScript one) => new(
        one.Script.Name, true, one.OsId is null ? PlatformFamilies.Spell(one.Family) : null, one.OsVersion, one.Script.Sha256, one.Size, one.Script.Signature!, "server", one.CreatedBy, one.CreatedAt)
    {
        OsId = one.OsId,
    };

    private static string? Family(string name) =>
        Enum.GetValues<PlatformFamily>().Where(family => PlatformFamilies.ScriptOf(family) == name).Select(PlatformFamilies.Spell).FirstOrDefault();
}

/// <summary>What <c>POST /api/scripts/{id}/validate</c> answers.</summary>
/// <param name="Id">The script.</param>
/// <param name="Valid">Whether every check is ok; what could not be looked at is not.</param>
/// <param name="Checks">Each check.</param>
internal sealed record ScriptValidation(string Id, bool Valid, IReadOnlyList<Check> Checks);

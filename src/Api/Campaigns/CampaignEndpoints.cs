using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Clusters;
using NannyOrleans.Api.Http;
using NannyOrleans.Api.Patches;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Campaigns;

/// <summary>Rolling campaigns: a cluster patched node by node.</summary>
internal static class CampaignEndpoints
{
    private const int MostListed = 1000;

    public static void MapCampaigns(this IEndpointRouteBuilder routes)
    {
        var campaigns = routes.MapGroup("/api/clusters/{cluster}/campaigns").WithTags("Campaigns");
        routes.MapGet("/api/campaigns", ListAll).WithTags("Campaigns").Needs(Powers.View).WithName("ListAllCampaigns")
            .WithSummary("Campaigns of all clusters, the newest first, a page at a time; X-Total-Count: how many there are in all.")
            .Produces<IEnumerable<CampaignView>>().ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        campaigns.MapPost("/", Start).Needs(Powers.Operate).WithName("StartCampaign").WithSummary("Patch a cluster node by node, and reboot where needed, without ever giving up quorum.");
        campaigns.MapPost("/plan", Plan).Needs(Powers.View).WithName("PlanCampaign").WithSummary("What a campaign would do if it were started now, node by node, with every reason why not. Nothing is touched.").ThatChangesNothing();
        campaigns.MapGet("/", List).Needs(Powers.View).WithName("ListCampaigns").WithSummary("The cluster's campaigns, the newest first, a page of 100 at a time.");
        campaigns.MapGet("/{id}", Get).Needs(Powers.View).WithName("GetCampaign").WithSummary("One campaign: how far it is and how far each node is.");
        campaigns.MapGet("/{id}/plan", GetPlan).Needs(Powers.View).WithName("GetCampaignPlan").WithSummary("What the campaign was to do when it was started.");
        campaigns.MapGet("/{id}/timeline", Timeline).Needs(Powers.View).WithName("GetCampaignTimeline")
            .WithSummary("What happened, oldest first, each with the conditions that were looked at; a thousand at most, go on with after. follow=true: as server-sent events until it ends.")
            .Produces<IEnumerable<CampaignEvent>>().ProducesValidationProblem().ProducesProblem(StatusCodes.Status404NotFound);
        campaigns.MapPost("/{id}/pause", Pause).Needs(Powers.Operate).WithName("PauseCampaign").WithSummary("Hold it back: what is under way is brought to its end and put back, nothing new is begun.");
        campaigns.MapPost("/{id}/resume", Resume).Needs(Powers.Operate).Accepts<ResumeRequest>(isOptional: true, "application/json", "*/*").WithName("ResumeCampaign").WithSummary("Go on after a pause or a halt; what failed is tried again.");
        campaigns.MapPost("/{id}/abort", Abort).Needs(Powers.Operate).WithName("AbortCampaign").WithSummary("End it: nothing new is begun; maintenance mode and Ceph's flags come off.");
        campaigns.MapPost("/{id}/approve", Approve).Needs(Powers.Approve).WithName("ApproveReboot").WithSummary("Allow the reboot of a node that awaits it.");
    }

    /// <param name="query">What is wanted.</param>
    /// <param name="http">Gets the headers.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> ListAll([AsParameters] CampaignListRequest query, HttpContext http, Requester who, IGrainFactory grains)
    {
        var (selected, problem) = await query.Answer(http, who, grains);
        return problem ?? TypedResults.Ok(selected!.Campaigns.Select(one => CampaignView.Of(one.Cluster, one.Campaign)));
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="body">What is asked for.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Accepted<CampaignView>, ValidationProblem, ProblemHttpResult>> Start(
        string cluster, JsonBody<CampaignRequest> body, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var (now, person) = (clock.GetUtcNow(), who.Name);
        var (order, errors) = body.Value.Read(person, now);
        if (order is null)
        {
            return Problems.Invalid(errors);
        }

        var (found, problem) = await ClusterEndpoints.Find(cluster, who, grains);
        if (found is null)
        {
            return problem!;
        }

        var id = PatchStart.NewId(now);
        try
        {
            var started = await grains.GetGrain<IClusterPatchOrchestrator>(found.Id.Value).Start(id, order);
            return started switch
            {
                { IsRefused: false } => TypedResults.Accepted(Path(found.Id, id), CampaignView.Of(found.Id, started.Value)),
                { Refusal: var refusal } when FieldOf(refusal) is { } field => Problems.Invalid(new Dictionary<string, string[]> { [field] = [refusal.Message] }),
                { Refusal: var refusal } => TypedResults.Problem(refusal.ToProblem()),
            };
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            return TypedResults.Problem(Problems.UnknownOutcome(id, $"/api/clusters/{found.Id}/campaigns"));
        }
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="body">What would be asked for.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Ok<CampaignPlan>, ValidationProblem, ProblemHttpResult>> Plan(
        string cluster, JsonBody<CampaignRequest> body, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var (order, errors) = body.Value.Read(who.Name, clock.GetUtcNow());
        if (order is null)
        {
            return Problems.Invalid(errors);
        }

        var (found, problem) = await ClusterEndpoints.Find(cluster, who, grains);
        if (found is null)
        {
            return problem!;
        }

        var plan = await grains.GetGrain<IClusterPatchOrchestrator>(found.Id.Value).Plan(order);
        return FieldOf(plan.Refusal) is { } field ? Problems.Invalid(new Dictionary<string, string[]> { [field] = [plan.Refusal!.Message] }) : TypedResults.Ok(plan);
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="skip">How many of the newest to leave out; 0 without it.</param>
    /// <param name="limit">How many, 1 to 1000; 100 without it.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<IEnumerable<CampaignView>>, ValidationProblem, ProblemHttpResult>> List(string cluster, string? skip, string? limit, Requester who, IGrainFactory grains)
    {
        var errors = new Dictionary<string, string[]>();
        var (from, take) = (errors.Number("skip", skip, 0, int.MaxValue) ?? 0, errors.Number("limit", limit, 1, MostListed) ?? 100);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var (found, problem) = await ClusterEndpoints.Find(cluster, who, grains);
        return found is null ? problem! : TypedResults.Ok((await grains.GetGrain<ICampaignsGrain>(0).List(found.Id, from, take)).Select(campaign => CampaignView.Of(found.Id, campaign)));
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="id">The campaign's id.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<CampaignView>, ProblemHttpResult>> Get(string cluster, string id, Requester who, IGrainFactory grains)
    {
        var (found, campaign, problem) = await Find(cluster, id, who, grains);
        return campaign is null ? problem! : TypedResults.Ok(CampaignView.Of(found, campaign));
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="id">The campaign's id.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<Results<Ok<CampaignPlan>, ProblemHttpResult>> GetPlan(string cluster, string id, Requester who, IGrainFactory grains)
    {
        var (found, campaign, problem) = await Find(cluster, id, who, grains);
        return campaign is null ? problem!
            : await grains.GetGrain<ICampaignsGrain>(0).FindPlan(found, campaign.Id!.Value) is { } plan ? TypedResults.Ok(plan)
            : TypedResults.Problem(Problems.NotFound("plan of campaign", id));
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="id">The campaign's id.</param>
    /// <param name="follow">true: server-sent events until it ends. Without it the events there are, as JSON.</param>
    /// <param name="after">The number of the last event seen. The Last-Event-ID header stands above it.</param>
    /// <param name="http">The request.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> Timeline(string cluster, string id, string? follow, string? after, HttpContext http, Requester who, IGrainFactory grains)
    {
        var errors = new Dictionary<string, string[]>();
        var from = errors.Number("after", http.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } last ? last : after, 0, int.MaxValue) ?? 0;
        if (follow is not (null or "" or "true" or "false"))
        {
            errors["follow"] = ["It must be true or false."];
        }

        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var (found, campaign, problem) = await Find(cluster, id, who, grains);
        if (campaign is null)
        {
            return problem!;
        }

        if (follow is not "true")
        {
            return TypedResults.Ok(await grains.GetGrain<ICampaignsGrain>(0).Events(campaign.Id!.Value, from, MostListed));
        }

        await CampaignStream.Follow(found, campaign.Id!.Value, from, grains, http);
        return TypedResults.Empty;
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="id">The campaign's id.</param>
    /// <param name="who">Who says so.</param>
    /// <param name="grains">The control plane.</param>
    internal static Task<Results<Accepted<CampaignView>, ProblemHttpResult>> Pause(string cluster, string id, Requester who, IGrainFactory grains) =>
        Change(cluster, id, who, grains, (orchestrator, campaign, person) => orchestrator.Pause(campaign, person));

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="id">The campaign's id.</param>
    /// <param name="http">Its body may say a new end of the window.</param>
    /// <param name="who">Who says so.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="clock">The server's clock.</param>
    internal static async Task<Results<Accepted<CampaignView>, ValidationProblem, ProblemHttpResult>> Resume(
        string cluster, string id, HttpContext http, Requester who, IGrainFactory grains, TimeProvider clock)
    {
        var windowEnd = http.Request.ContentLength is null or 0 ? null : (await JsonBody<ResumeRequest>.BindAsync(http)).Value.WindowEnd;
        if (windowEnd <= clock.GetUtcNow())
        {
            return Problems.Invalid(new Dictionary<string, string[]> { ["window_end"] = ["It has passed already."] });
        }

        return (await Change(cluster, id, who, grains, (orchestrator, campaign, person) => orchestrator.Resume(campaign, person, windowEnd))).Result switch
        {
            Accepted<CampaignView> accepted => accepted,
            var problem => (ProblemHttpResult)problem,
        };
    }

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="id">The campaign's id.</param>
    /// <param name="who">Who says so.</param>
    /// <param name="grains">The control plane.</param>
    internal static Task<Results<Accepted<CampaignView>, ProblemHttpResult>> Abort(string cluster, string id, Requester who, IGrainFactory grains) =>
        Change(cluster, id, who, grains, (orchestrator, campaign, person) => orchestrator.Abort(campaign, person));

    /// <param name="cluster">The cluster: its id, or its name where only one has it.</param>
    /// <param name="id">The campaign's id.</param>
    /// <param name="body">The node.</param>
    /// <param name="who">Who says so.</param>
    /// <param name="grains">The control plane.</param>
    /// <param name="access">Whether it may be who started it.</param>
    internal static async Task<Results<Accepted<CampaignView>, ValidationProblem, ProblemHttpResult>> Approve(
        string cluster, string id, JsonBody<ApproveRequest> body, Requester who, IGrainFactory grains, AccessOptions access)
    {
        if (!NodeName.TryParse(body.Value.Node, null, out var node))
        {
            return Problems.Invalid(new Dictionary<string, string[]> { ["node"] = ["It must be the name of the node that may be rebooted."] });
        }

        var (_, asked, none) = await Find(cluster, id, who, grains);
        if (asked is null)
        {
            return none!;
        }

        if (access.SeparationOfDuties && asked.Order!.RequestedBy == who.Name)
        {
            return TypedResults.Problem(Problems.OwnCampaign());
        }

        return (await Change(cluster, id, who, grains, (orchestrator, campaign, person) => orchestrator.Approve(campaign, node, person))).Result switch
        {
            Accepted<CampaignView> accepted => accepted,
            var problem => (ProblemHttpResult)problem,
        };
    }

    private static async Task<Results<Accepted<CampaignView>, ProblemHttpResult>> Change(
        string cluster, string id, Requester who, IGrainFactory grains, Func<IClusterPatchOrchestrator, JobId, string, Task<Outcome<CampaignState>>> change)
    {
        var (found, campaign, problem) = await Find(cluster, id, who, grains);
        if (campaign is null)
        {
            return problem!;
        }

        var changed = await change(grains.GetGrain<IClusterPatchOrchestrator>(found.Value), campaign.Id!.Value, who.Name);
        return changed.IsRefused ? TypedResults.Problem(changed.Refusal.ToProblem()) : TypedResults.Accepted(Path(found, campaign.Id.Value), CampaignView.Of(found, changed.Value));
    }

    // The grain first: what it has stored a moment ago may not be in history yet.
    private static async Task<(ClusterId Cluster, CampaignState? Campaign, ProblemHttpResult? Problem)> Find(string cluster, string id, Requester who, IGrainFactory grains)
    {
        var (found, problem) = await ClusterEndpoints.Find(cluster, who, grains);
        if (found is null)
        {
            return (default, null, problem);
        }

        CampaignState? campaign = null;
        if (JobId.TryParse(id, null, out var job))
        {
            campaign = await grains.GetGrain<IClusterPatchOrchestrator>(found.Id.Value).Get();
            campaign = campaign.Id == job ? campaign : await grains.GetGrain<ICampaignsGrain>(0).Find(found.Id, job);
        }

        return (found.Id, campaign, campaign is null ? TypedResults.Problem(Problems.NotFound("campaign", id)) : null);
    }

    private static string? FieldOf(Refusal? refusal) => refusal?.Code switch
    {
        "nodes" or "unknown-node" => "nodes",
        "canary" => "canary",
        _ => null,
    };

    private static string Path(ClusterId cluster, JobId id) => $"/api/clusters/{cluster}/campaigns/{id}";
}

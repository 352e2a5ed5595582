using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Bench.Dispatch;

/// <summary>
/// The least an honest server can do: it looks who is calling, reads the request strictly, sends the job, and keeps what agents say in a
/// dictionary. Tokens are what stands in a dictionary, too. No rules, no searching, no scripts to choose, no audit, no grains.
/// </summary>
internal sealed class LimitServer(Process process, Uri url) : IDisposable
{
    public const string Verb = "serve-limit";

    public Uri Url => url;

    /// <summary>Its process.</summary>
    public int Pid => process.Id;

    /// <summary>Starts it as a process of its own, as the others are.</summary>
    public static async Task<LimitServer> Start(string program)
    {
        var process = Launcher.Start(new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "dotnet", program, Verb]) { WorkingDirectory = "/", RedirectStandardOutput = true });
        return new(process, await BenchServer.Listening(process));
    }

    /// <summary>Is it.</summary>
    public static async Task Run()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.AddFilter(level => level >= LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddAuthentication(Tokens).AddScheme<AuthenticationSchemeOptions, KnownTokens>(Tokens, configureOptions: null);
        builder.Services.AddAuthorizationBuilder().AddPolicy(PersonRole, policy => policy.RequireRole(PersonRole)).AddPolicy(AgentRole, policy => policy.RequireRole(AgentRole));
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow);
        builder.Services.AddSignalR().AddJsonProtocol(json => ProtocolJson.Configure(json.PayloadSerializerOptions));
        var app = builder.Build();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapPost("/api/patches", Patch).RequireAuthorization(PersonRole);
        app.MapHub<Hub>(AgentHub.Path).RequireAuthorization(AgentRole);
        await app.RunAsync();
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private const string Tokens = "tokens";
    private const string PersonRole = "person";
    private const string AgentRole = "agent";
    private static readonly ConcurrentDictionary<string, string> Connections = [];
    private static readonly ConcurrentDictionary<JobId, JobReport?> Operations = [];
    private static readonly ScriptReference Script = new("apt-update.sh", new('0', 64)) { Signature = new('A', 96) };

    private static async Task<IResult> Patch(Request request, IHubContext<Hub> hub)
    {
        var job = JobId.Parse(Ulid.NewUlid().ToString());
        Operations[job] = null;
        var vmid = Vmid.Parse(request.agent_id[(request.agent_id.LastIndexOf('-') + 1)..]);
        await hub.Clients.Client(Connections[request.agent_id]).SendAsync(AgentHub.RunJob, (Job)new PatchGuest(job, 3600, vmid, PatchMode.Apply, [], Script));
        return Microsoft.AspNetCore.Http.Results.Json(new { operation_id = job.Value, status = "pending" }, statusCode: StatusCodes.Status202Accepted);
    }

    private sealed record Request(string agent_id, string mode);

    private sealed class KnownTokens(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        private static readonly ConcurrentDictionary<string, AuthenticationTicket> Known = new() { [$"Bearer {Load.LimitToken}"] = Ticket(PersonRole) };

        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            var header = Request.Headers.Authorization.ToString();
            return Task.FromResult(header.Length is 0
                ? AuthenticateResult.NoResult()
                : AuthenticateResult.Success(Known.GetOrAdd(header, static _ => Ticket(AgentRole)))); // whoever connects is an agent: nobody registers here
        }

        private static AuthenticationTicket Ticket(string role) => new(new(new ClaimsIdentity([new(ClaimTypes.Role, role)], Tokens)), Tokens);
    }

    private sealed class Hub : Microsoft.AspNetCore.SignalR.Hub
    {
        public override Task OnConnectedAsync()
        {
            foreach (var guest in Context.GetHttpContext()!.Request.Headers.Authorization.ToString()["Bearer ".Length..].Split('+'))
            {
                Connections[guest] = Context.ConnectionId;
            }

            return Task.CompletedTask;
        }

#pragma warning disable CA1822 // SignalR calls methods of instances
        public void ReportJob(JobReport report) => Operations[report.Id] = report;
    }
}

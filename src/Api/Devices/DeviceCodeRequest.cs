using System.Security.Claims;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace NannyOrleans.Api.Devices;

/// <summary>
/// Ties a device code to the host or the command line that asks: what the person will be shown, and what the token will be good for. The host could lie
/// about its name; the person who approves is the one who knows.
/// </summary>
internal sealed class DeviceCodeRequest : IOpenIddictServerHandler<HandleDeviceAuthorizationRequestContext>
{
    /// <summary>The longest host or cluster name shown, in characters.</summary>
    private const int MaxName = 253;

    public ValueTask HandleAsync(HandleDeviceAuthorizationRequestContext context)
    {
        var request = context.Request;
        if (request.ClientId is TokenSetup.CommandLineClient)
        {
            AskForPerson(context);
            return ValueTask.CompletedTask;
        }

        var hostname = Text(request, Registration.Hostname);
        var clusterName = Text(request, Registration.ClusterName);
        if (!ClusterId.TryParse(Text(request, Registration.Cluster), null, out var cluster))
        {
            Reject(context, Registration.Cluster, ClusterId.Expected);
        }
        else if (!NodeName.TryParse(Text(request, Registration.Node), null, out var node))
        {
            Reject(context, Registration.Node, NodeName.Expected);
        }
        else if (!IsName(hostname))
        {
            Reject(context, Registration.Hostname, $"a name of 1 to {MaxName} printable characters");
        }
        else if (!IsName(clusterName))
        {
            Reject(context, Registration.ClusterName, $"a name of 1 to {MaxName} printable characters");
        }
        else
        {
            var identity = new ClaimsIdentity();
            identity.SetClaim(Policies.NodeClaim, new NodeKey(cluster, node).ToString())
                .SetClaim(Registration.Hostname, hostname)
                .SetClaim(Registration.ClusterName, clusterName)
                .SetScopes(request.GetScopes());
            context.Principal = new(identity);
        }

        return ValueTask.CompletedTask;
    }

    // Where it runs is for the person who approves to read; it is no part of what the token is good for.
    private static void AskForPerson(HandleDeviceAuthorizationRequestContext context)
    {
        var hostname = Text(context.Request, Registration.Hostname);
        if (!IsName(hostname))
        {
            Reject(context, Registration.Hostname, $"a name of 1 to {MaxName} printable characters");
            return;
        }

        var identity = new ClaimsIdentity();
        identity.SetClaim(Registration.Hostname, hostname).SetScopes(context.Request.GetScopes());
        context.Principal = new(identity);
    }

    private static string Text(OpenIddictRequest request, string name) => (string?)request[name] ?? string.Empty;

    private static bool IsName(string text) => text.Length is > 0 and <= MaxName && text.All(c => c is >= ' ' and <= '~');

    private static void Reject(HandleDeviceAuthorizationRequestContext context, string parameter, string expected) =>
        context.Reject(OpenIddictConstants.Errors.InvalidRequest, $"The parameter '{parameter}' must be {expected}.");
}

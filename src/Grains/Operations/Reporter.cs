using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Operations;

/// <summary>Whose word a report is. It goes along with the call: what a node tells an operation, silos of the release before understand as well.</summary>
internal static class Reporter
{
    /// <summary>The calls of the method that says this, and what they call, are the word of this agent; null: of the servers themselves.</summary>
    public static void Is(AgentId? agent)
    {
        if (agent is { } who)
        {
            RequestContext.Set(Key, who.Value);
        }
        else
        {
            RequestContext.Remove(Key);
        }
    }

    /// <summary>Whose word this call is, as an actor of the audit log.</summary>
    public static string Actor => RequestContext.Get(Key) is string agent ? $"agent {agent}" : AuditEntry.System;

    private const string Key = "nanny-reporter";
}

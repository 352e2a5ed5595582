using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Patches;

namespace NannyOrleans.Api.Reboots;

/// <summary>What <c>POST /api/reboots</c> takes.</summary>
/// <param name="AgentId">The host, guest or machine, by its id or any short form of it.</param>
/// <param name="Reason">Why, for the record and the audit log.</param>
/// <param name="TimeoutSeconds">How long it may take to be back, 1 to 86400 seconds; 900 without it.</param>
/// <param name="WaitSeconds">How long a locked guest is waited for, 0 to 86400 seconds; 900 without it.</param>
internal sealed record RebootRequest(string? AgentId, string? Reason, int? TimeoutSeconds, int? WaitSeconds) : IAudited
{
    string? IAudited.AuditTarget => AgentId?.Trim();

    /// <summary>The longest reason, in characters.</summary>
    public const int MaxReason = 1000;

    /// <summary>What is wrong with each field; empty when nothing is.</summary>
    public IReadOnlyDictionary<string, string[]> Problems()
    {
        var errors = new Dictionary<string, string[]>();
        if (string.IsNullOrWhiteSpace(AgentId))
        {
            errors["agent_id"] = ["It is missing: the id or name of the host, guest or machine to restart."];
        }

        if (Reason?.Length > MaxReason)
        {
            errors["reason"] = [$"It may have {MaxReason} characters at most."];
        }

        PatchRequest.CheckSeconds(errors, "timeout_seconds", TimeoutSeconds, 1);
        PatchRequest.CheckSeconds(errors, "wait_seconds", WaitSeconds, 0);
        return errors;
    }
}

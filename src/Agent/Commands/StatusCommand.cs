using System.Text.Json;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Journal;

namespace NannyOrleans.Agent.Commands;

/// <summary><c>nannyagent status</c>: what can be said without the server.</summary>
internal static class StatusCommand
{
    /// <summary>Runs it. 0 when this host is registered, 1 when it is not.</summary>
    public static async Task<int> Run(Terminal terminal, string configPath, CancellationToken cancellationToken)
    {
        var host = terminal.Host;
        var credentials = Read(() => Credentials.Load(host), out var damaged);
        Say("registered", credentials switch
        {
            { Cluster.IsMachine: true } known => $"yes, as agent {known.AgentId} at {ServerUrl.Text(known.Known(), ", ")}, machine {known.Node}, id {known.Cluster}",
            { } known => $"yes, as agent {known.AgentId} at {ServerUrl.Text(known.Known(), ", ")}, node {known.Node}, cluster {known.Cluster}",
            null when damaged is not null => $"no, {Credentials.PathOn(host)} cannot be read: {damaged}",
            _ => "no",
        });

        var path = host.At(Path.GetFullPath(configPath));
        var config = Read(() => AgentConfig.Load(path), out var wrong);
        Say("config", config is null ? wrong! : $"{path}, api_url {ServerUrl.Text(config.ApiUrls, ", ")}");

        var isMachine = false;
        try
        {
            var why = await terminal.WhyMachine(config, cancellationToken);
            isMachine = why is not null;
            Say("proxmox", why is null ? "detected" : config?.ProxmoxMode is false ? $"not looked for: {why}" : $"not detected: {why}");
            var identity = await terminal.Identity(isMachine, cancellationToken);
            if (isMachine)
            {
                Say("machine", $"{identity.Hostname}, id {identity.Cluster}");
            }
            else
            {
                Say("node", identity.Node.Value);
                Say("cluster", $"{identity.Cluster} ({identity.ClusterName})");
            }
        }
        catch (ConfigException e)
        {
            Say("proxmox", e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Say(isMachine ? "machine" : "node", $"unknown: {e.Message}");
        }

        var states = Read(() => new JobJournal(host, TimeProvider.System).All().CountBy(entry => entry.Outcome).OrderBy(count => count.Key).ToList(), out var unreadable);
        Say("jobs", states switch
        {
            null => $"the journal cannot be read: {unreadable}",
            [] => "none",
            _ => string.Join(", ", states.Select(count => $"{count.Value} {Word(count.Key)}")),
        });
        return credentials is null ? AgentCommands.Failed : AgentCommands.Done;

        void Say(string what, string value) => terminal.Output.WriteLine($"{what + ":",-12}{PlainText.Of(value, 1000)}");
    }

    private static T? Read<T>(Func<T?> read, out string? problem)
        where T : class
    {
        problem = null;
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ConfigException)
        {
            problem = e.Message;
            return null;
        }
    }

    private static string Word(Protocol.Jobs.JobOutcome outcome) => outcome switch
    {
        Protocol.Jobs.JobOutcome.AlreadyReported => "reported",
        Protocol.Jobs.JobOutcome.Running => "running",
        Protocol.Jobs.JobOutcome.Accepted => "waiting",
        Protocol.Jobs.JobOutcome.Succeeded => "succeeded, not reported yet",
        Protocol.Jobs.JobOutcome.Failed => "failed, not reported yet",
        _ => "interrupted, not reported yet",
    };
}

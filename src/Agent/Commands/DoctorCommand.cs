using System.Text.Json;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Diagnoses;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Commands;

/// <summary><c>nannyagent doctor</c>: why this machine or one of its guests could not be patched.</summary>
internal static class DoctorCommand
{
    /// <summary>Exit code: something could not be looked at, and nothing else is wrong.</summary>
    public const int NotKnown = 3;

    /// <summary>Runs it. 0 when patching should work, 1 with a problem, 3 when something is not known.</summary>
    public static async Task<int> Run(Terminal terminal, string? vmid, bool json, string configPath, CancellationToken cancellationToken)
    {
        Vmid? guest = null;
        if (vmid is not null)
        {
            if (!Vmid.TryParse(vmid, null, out var parsed))
            {
                return terminal.Fail(AgentCommands.WrongUse, $"VMID: '{PlainText.Of(vmid, 80)}' is not a vmid, {Vmid.Smallest} to {Vmid.Largest}");
            }

            guest = parsed;
        }

        AgentConfig? config = null;
        string? wrong = null;
        try
        {
            config = AgentConfig.Load(terminal.Host.At(Path.GetFullPath(configPath)));
        }
        catch (Exception e) when (e is ConfigException or IOException or UnauthorizedAccessException)
        {
            wrong = e.Message; // one of the things to be said
        }

        Diagnosis diagnosis;
        try
        {
            NodeName? node = await terminal.WhyMachine(config, cancellationToken) is null ? (await Node(terminal, cancellationToken)) : null;
            var doctor = new Doctor(terminal.Host, node, terminal.Reads, TimeProvider.System, stop => config is null ? Task.FromResult(wrong) : Unreachable(config.ApiUrls, stop));
            diagnosis = await doctor.Examine(guest, null, cancellationToken);
        }
        catch (ConfigException e)
        {
            return terminal.Fail(AgentCommands.WrongUse, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail(NotKnown, e.Message);
        }

        await terminal.Output.WriteAsync(json
            ? JsonSerializer.Serialize(diagnosis, ProtocolJson.Default.Diagnosis) + "\n"
            : DiagnosisText.Of(diagnosis, ReferenceEquals(terminal.Output, Console.Out) && !Console.IsOutputRedirected));
        return ExitCode(diagnosis);
    }

    /// <summary>The exit code that stands for a diagnosis.</summary>
    internal static int ExitCode(Diagnosis diagnosis) =>
        diagnosis.Checks.Any(check => check.Result is CheckResult.Problem) ? AgentCommands.Failed
        : diagnosis.Checks.Count is 0 || diagnosis.Checks.Any(check => check.Result is CheckResult.Unknown) ? NotKnown
        : AgentCommands.Done;

    // Credentials first: they are there while pmxcfs is not, which is when the doctor is wanted most.
    private static async Task<NodeName> Node(Terminal terminal, CancellationToken cancellationToken)
    {
        try
        {
            if (Credentials.Load(terminal.Host) is { Cluster.IsMachine: false } known)
            {
                return known.Node;
            }
        }
        catch (JsonException)
        {
            // The check of the agent says so.
        }

        return (await terminal.Identity(isMachine: false, cancellationToken)).Node;
    }

    // One server that answers is enough for the agent.
    private static async Task<string?> Unreachable(IReadOnlyList<Uri> servers, CancellationToken cancellationToken)
    {
        string? problems = null;
        foreach (var server in servers)
        {
            if (await Unreachable(server, cancellationToken) is not { } problem)
            {
                return null;
            }

            problems = problems is null ? problem : $"{problems}; {problem}";
        }

        return problems;
    }

    private static async Task<string?> Unreachable(Uri apiUrl, CancellationToken cancellationToken)
    {
        using var http = ServerHttp.Create();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            using var answer = await http.GetAsync(apiUrl, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return null; // whatever it answered, it is there
        }
        catch (HttpRequestException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"{apiUrl.AbsoluteUri} did not answer within 10 s";
        }
    }
}

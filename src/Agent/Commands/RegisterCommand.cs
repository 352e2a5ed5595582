using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Proxmox;

namespace NannyOrleans.Agent.Commands;

/// <summary><c>nannyagent register</c>.</summary>
internal static class RegisterCommand
{
    /// <summary>Runs it to its exit code.</summary>
    public static async Task<int> Run(Terminal terminal, string? apiUrlText, string configPath, CancellationToken cancellationToken)
    {
        var host = terminal.Host;
        var path = host.At(Path.GetFullPath(configPath));
        AgentConfig? config = null;
        IReadOnlyList<Uri> apiUrls;
        try
        {
            // Without a file the URL on the command line is enough; a file that is there has to be right.
            config = apiUrlText is null || File.Exists(path) ? AgentConfig.Load(path) : null;
        }
        catch (ConfigException e)
        {
            return terminal.Fail(AgentCommands.WrongUse, e.Message);
        }

        if (apiUrlText is null)
        {
            apiUrls = config!.ApiUrls;
        }
        else if (ServerUrl.ParseAll(apiUrlText, out apiUrls) is { } wrong)
        {
            return terminal.Fail(AgentCommands.WrongUse, $"--api-url: {wrong}");
        }

        HostIdentity identity;
        byte[]? membership;
        try
        {
            var why = await terminal.WhyMachine(config, cancellationToken);
            identity = await terminal.Identity(isMachine: why is not null, cancellationToken);
            membership = await terminal.MembershipKey(isMachine: why is not null, cancellationToken);
            if (why is not null)
            {
                // Before anybody approves it: on a Proxmox VE host that lacks something this is the moment to notice.
                await terminal.Output.WriteLineAsync(PlainText.Of($"No Proxmox VE host, but a machine of its own: {why}."));
            }
        }
        catch (ConfigException e)
        {
            return terminal.Fail(AgentCommands.WrongUse, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail(AgentCommands.Failed, e.Message);
        }

        foreach (var warning in apiUrls.Select(ServerUrl.Warning).OfType<string>())
        {
            await terminal.Error.WriteLineAsync(warning);
        }

        if (config is not null && !apiUrls.Any(url => ServerUrl.IsAmong(url, config.ApiUrls)))
        {
            await terminal.Error.WriteLineAsync($"WARNING: {path} says api_url: {ServerUrl.Text(config.ApiUrls, ", ")}; run will refuse to work until it says the same as --api-url.");
        }

        using var http = ServerHttp.Create();
        var flow = new DeviceFlow(new TokenEndpoint(new Servers([.. apiUrls], http, TimeProvider.System)), apiUrls, host, TimeProvider.System, terminal.Output);
        try
        {
            return await flow.Register(identity, membership, cancellationToken) is { } problem ? terminal.Fail(AgentCommands.Failed, problem) : AgentCommands.Done;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return terminal.Fail(AgentCommands.Failed, "Stopped before anybody approved the code.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail(AgentCommands.Failed, $"The registration was approved but cannot be kept: {e.Message}");
        }
    }
}

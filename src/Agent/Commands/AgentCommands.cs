using System.CommandLine;
using System.Reflection;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Machines;
using NannyOrleans.Agent.Proxmox;

namespace NannyOrleans.Agent.Commands;

/// <summary>The command line: what may be typed, and the exit codes.</summary>
internal static class AgentCommands
{
    /// <summary>Exit code: done.</summary>
    public const int Done = 0;

    /// <summary>Exit code: tried and failed.</summary>
    public const int Failed = 1;

    /// <summary>Exit code: wrong usage, wrong configuration, or a machine that is not supported.</summary>
    public const int WrongUse = 2;

    /// <summary>The agent's version, as reported to the server.</summary>
    public static string Version { get; } =
        typeof(AgentCommands).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Runs one command line to its exit code.</summary>
    /// <param name="arguments">The arguments, without the program's name.</param>
    /// <param name="searchPath">Where commands are found, as in <c>PATH</c>.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="cancellationToken">Ends it cleanly, as SIGTERM does.</param>
    public static async Task<int> Run(string[] arguments, string searchPath, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var root = new Option<string>("--root")
        {
            Description = "Directory that every file of the host is below.",
            DefaultValueFactory = _ => "/",
            Recursive = true,
        };
        var config = new Option<string>("--config") { Description = "Configuration file, below --root.", DefaultValueFactory = _ => AgentConfig.DefaultPath };
        var apiUrl = new Option<string?>("--api-url") { Description = "The server, such as https://nanny.example.com, or several of one installation, parted by commas. Default: api_url of the configuration." };

        var register = new Command("register", "Register this host with the server; a person approves it in the browser.") { apiUrl, config };
        var run = new Command("run", "Connect to the server, report this host and carry out its jobs.") { config };
        var status = new Command("status", "Show what this host is, where it is registered and which jobs it has.") { config };
        var vmid = new Argument<string?>("VMID") { Description = "A guest of this host. Without it: this machine itself.", Arity = ArgumentArity.ZeroOrOne };
        var json = new Option<bool>("--json") { Description = "Print the checks as JSON." };
        var doctor = new Command("doctor", "Find out why this machine or one of its guests could not be patched. Changes nothing. Exit code 0: well, 1: a problem, 3: something is not known.") { vmid, json, config };
        register.SetAction((parsed, stopping) => RegisterCommand.Run(Terminal(parsed), parsed.GetValue(apiUrl), parsed.GetValue(config)!, stopping));
        run.SetAction((parsed, stopping) => RunCommand.Run(Terminal(parsed), parsed.GetValue(config)!, stopping));
        status.SetAction((parsed, stopping) => StatusCommand.Run(Terminal(parsed), parsed.GetValue(config)!, stopping));
        doctor.SetAction((parsed, stopping) => DoctorCommand.Run(Terminal(parsed), parsed.GetValue(vmid), parsed.GetValue(json), parsed.GetValue(config)!, stopping));

        var program = new RootCommand("NannyOrleans' agent for Proxmox VE hosts and other Linux machines.") { register, run, status, doctor };
        program.Options.Add(root);
        var result = program.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            foreach (var problem in result.Errors)
            {
                await error.WriteLineAsync(PlainText.Of(problem.Message));
            }

            await error.WriteLineAsync("Try: nannyagent --help");
            return WrongUse;
        }

        return await result.InvokeAsync(
            new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
            cancellationToken);

        Terminal Terminal(ParseResult parsed) => new(new Host(parsed.GetValue(root)!, searchPath), output, error);
    }
}

/// <summary>What a command works with: the host, and where it writes.</summary>
internal sealed record Terminal(Host Host, TextWriter Output, TextWriter Error)
{
    /// <summary>Reads of <c>/etc/pve</c>, which may hang.</summary>
    public BoundedReads Reads { get; } = new(TimeSpan.FromSeconds(15));

    /// <summary>Says what is wrong and passes the exit code on.</summary>
    public int Fail(int code, string message)
    {
        Error.WriteLine(PlainText.Lines($"nannyagent: {message}"));
        return code;
    }

    /// <summary>Why this host is taken for a machine outside Proxmox VE; null when it is a Proxmox VE host.</summary>
    /// <exception cref="ConfigException">The configuration says that it is a Proxmox VE host, and it is none.</exception>
    public async Task<string?> WhyMachine(AgentConfig? config, CancellationToken cancellationToken)
    {
        if (config?.ProxmoxMode is false)
        {
            return "proxmox_mode is false";
        }

        var why = await new PveHost(Host, Reads).WhyNot(cancellationToken);
        return why is not null && config?.ProxmoxMode is true
            ? throw new ConfigException([$"proxmox_mode is true, but this is no Proxmox VE host: {why}. Without that line, or with false, it is registered as a machine of its own."])
            : why;
    }

    /// <summary>What this host proves with that it is of its cluster; null for a machine, which is of none.</summary>
    /// <exception cref="IOException">It cannot be told; the message says why.</exception>
    public async Task<byte[]?> MembershipKey(bool isMachine, CancellationToken cancellationToken) => isMachine ? null : await new PveHost(Host, Reads).MembershipKey(cancellationToken);

    /// <summary>Which host this is, as one or the other.</summary>
    /// <exception cref="IOException">It cannot be told; the message says why.</exception>
    public Task<HostIdentity> Identity(bool isMachine, CancellationToken cancellationToken) => isMachine
        ? Task.FromResult(MachineIdentity.Read(Host))
        : new PveHost(Host, Reads).Identity(cancellationToken);
}

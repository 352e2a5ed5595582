using System.Globalization;
using NannyOrleans.Lab.Linux;
using NannyOrleans.Lab.Verbs;

namespace NannyOrleans.Lab.Commands;

/// <summary>
/// This program as one of a host's PVE commands. The wrappers in a host's directory start it as
/// <c>nanny-lab @pve OPENFILES DIR HOST COMMAND ARGUMENT...</c>.
/// </summary>
internal static class PveCommand
{
    /// <summary>First argument that makes this program a host's command.</summary>
    public const string Marker = "@pve";

    private const int WordsBeforeCommand = 4;
    private const int NotConnected = 107; // ENOTCONN

    /// <summary>Runs the command; returns its exit code unless another program took its place.</summary>
    public static int Run(string[] words)
    {
        var openFiles = ulong.TryParse(words[1], CultureInfo.InvariantCulture, out var soft) ? soft : (ulong?)null;
        var directory = new LabDirectory(words[2]);
        if (!directory.IsLab)
        {
            Native.Write(2, $"nanny-lab: there is no lab in {directory.Path} any more\n");
            return 255;
        }

        var host = LabHost.Open(directory, words[3]);
        switch (Guarded(host, words[WordsBeforeCommand], words[(WordsBeforeCommand + 1)..]))
        {
            case Answer.Ends ends:
                if (ends.Out.Length > 0) { Native.Write(1, ends.Out); }
                if (ends.Err.Length > 0) { Native.Write(2, ends.Err); }
                return ends.Code;
            case Answer.Becomes becomes:
                Native.UnsetEnvironment("DOTNET_EnableDiagnostics"); // set by the wrapper, for this program only
                foreach (var (name, value) in becomes.Environment)
                {
                    if (value is null) { Native.UnsetEnvironment(name); }
                    else { Native.SetEnvironment(name, value); }
                }

                if (becomes.WorkingDirectory is { } place) { Directory.SetCurrentDirectory(place); }
                var errno = Native.Exec(becomes.Program, becomes.Arguments, openFiles);
                Native.Write(2, $"nanny-lab: cannot exec {becomes.Program}: errno {errno}\n");
                return 255;
            default:
                throw new InvalidOperationException();
        }
    }

    /// <summary>A pmxcfs that ends while a command reads answers as one that was gone before.</summary>
    private static Answer Guarded(LabHost host, string program, string[] words)
    {
        try
        {
            return Answer(host, program, words);
        }
        catch (LabFailure e)
        {
            return Commands.Answer.Dies(255, $"nanny-lab: {e.Message}");
        }
        catch (IOException e) when (e is DirectoryNotFoundException or FileNotFoundException || e.HResult == NotConnected)
        {
            return LabHost.NoPmxcfs(111, "Connection refused");
        }
    }

    private static Answer Answer(LabHost host, string program, string[] words)
    {
        if (program is "pveversion")
        {
            // No pmxcfs and no root needed for this one, but power is.
            if (!host.State.IsOn) { return host.Unusable()!; }
            var kernel = File.ReadAllText($"{host.Directory.Host(host.Name)}/proc/sys/kernel/osrelease").Trim();
            return words.Length is 0
                ? Commands.Answer.Says($"pve-manager/{host.Release.Manager}/{host.Release.RepoId} (running kernel: {kernel})\n")
                : Commands.Answer.Dies(255, "nanny-lab: `pveversion` takes no options in this lab");
        }

        if (program is "corosync-quorumtool")
        {
            // A small C program: it asks corosync, which lives without pmxcfs.
            return host.State.IsOn ? new Corosync(host).QuorumTool(words) : host.Unusable()!;
        }

        if (program is "system")
        {
            new Hosts.HostSystems(host.Directory, host.Plan).Enter(host.Name);
            return new Answer.Ends(0);
        }

        if (program is "ceph") { return new Ceph(host).Run(words); }
        if (program is "systemctl") { return new Systemctl(host).Run(words); }
        if (program is "@background") { return Background.Run(host, words); }
        if (program is LabDaemon.Word)
        {
            new LabDaemon(host.Directory).Run();
            return new Answer.Ends(0);
        }

        if (host.Unusable() is { } no) { return no; }
        // What is asked next would have been written anew within ten seconds, by daemons that a lab does not have.
        if (program is "pvesh" or "ha-manager") { new Cluster.ClusterFiles(host.Directory, host.Plan).Publish(); }
        return program switch
        {
            "pvecm" => new Corosync(host).Pvecm(words),
            "pvesh" => new Pvesh(host).Run(words),
            "ha-manager" => new HaManager(host).Run(words),
            _ => OfGuests(host, program, words),
        };
    }

    private static Answer OfGuests(LabHost host, string program, string[] words)
    {
        var usage = Resource.Text($"{program}.usage.txt");
        if (words.Length is 0) { return new Answer.Ends(255, "", $"ERROR: no command specified\n{usage}"); }
        var name = FullName(program, usage, words[0]);
        if (name is null) { return new Answer.Ends(255, "", $"ERROR: unknown command '{program} {words[0]}'\n{usage}"); }
        var specs = program is "pct" ? Pct.SpecsOf(host.Release) : Qm.Specs;
        var command = specs.FirstOrDefault(s => s.Name == name);
        if (command is null) { return Commands.Answer.Dies(255, $"nanny-lab: `{program} {name}` is not in this lab"); }
        if (program is "qm" && name is "guest" && words is [_, "exec" or "exec-status", ..]) { return new Qm(host).Exec(words[1..]); }
        var arguments = Arguments.Parse(command, words[1..]);
        if (arguments.Wrong is { } wrong) { return wrong; }
        return program is "pct"
            ? new Pct(host).Run(command, arguments, Rest(arguments, words.Length - 1))
            : new Qm(host).Run(command, arguments, arguments.Rest.Select(i => words[1 + i]).ToList());
    }

    /// <summary>A sub-command by a beginning that only it has. The usage text names them all, also those no lab has.</summary>
    private static string? FullName(string program, string usage, string word)
    {
        string? found = null;
        foreach (var line in usage.Split('\n'))
        {
            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length < 2 || parts[0] != program) { continue; }
            if (parts[1] == word) { return word; }
            if (!parts[1].StartsWith(word, StringComparison.Ordinal)) { continue; }
            if (found is not null) { return null; }
            found = parts[1];
        }

        return found;
    }

    /// <summary>The words of the command for the guest, as the bytes they came in.</summary>
    private static List<byte[]> Rest(Arguments arguments, int given)
    {
        var all = Native.RawArguments();
        return arguments.Rest.Select(i => all[all.Count - given + i]).ToList();
    }
}

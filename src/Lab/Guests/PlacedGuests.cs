namespace NannyOrleans.Lab.Guests;

/// <summary>Where a guest is, and its conf.</summary>
internal sealed record PlacedGuest(int Vmid, string Host, string Kind, GuestConf Conf)
{
    /// <summary>Its file, relative to /etc/pve.</summary>
    public string File => FileOn(Host);

    public string FileOn(string host) => $"nodes/{host}/{(Kind is "lxc" ? "lxc" : "qemu-server")}/{Vmid}.conf";
}

/// <summary>All guests of a lab, containers and VMs, at the hosts whose directories hold their confs.</summary>
internal sealed class PlacedGuests(LabDirectory directory, LabPlan plan)
{
    public IGuests Containers { get; } = plan.IsSimulated ? new SimulatedGuests(directory) : new Containers(directory);
    public VirtualMachines Machines { get; } = new(directory, plan);

    /// <summary>A guest wherever it is by now; null when no host has its conf.</summary>
    public PlacedGuest? Find(int vmid) => plan.Hosts.Select(host => On(host.Name, vmid)).FirstOrDefault(g => g is not null);

    /// <summary>A guest at one host, also while that host's pmxcfs does not run.</summary>
    public PlacedGuest? On(string host, int vmid)
    {
        // A host that was cut off has an old copy: another may have taken its guests over.
        var hosts = directory.ReadHosts(plan);
        var own = hosts.Single(h => h.Name == host);
        var copy = hosts.All(h => h.Replica <= own.Replica) ? host : hosts.MaxBy(h => h.Replica)!.Name;
        foreach (var root in new[] { directory.EtcPve(copy), directory.RestingReplica(copy) })
        {
            foreach (var (folder, kind) in new[] { ("lxc", "lxc"), ("qemu-server", "qemu") })
            {
                var file = $"{root}/nodes/{host}/{folder}/{vmid}.conf";
                if (File.Exists(file)) { return new(vmid, host, kind, GuestConf.Parse(File.ReadAllText(file))); }
            }
        }

        return null;
    }

    /// <summary>The vmids that run, on whatever host.</summary>
    public IReadOnlySet<int> Running() => Containers.Running().Union(Machines.Running()).ToHashSet();

    /// <summary>Starts a guest where its conf is; null when it runs, else why not.</summary>
    public string? Start(int vmid)
    {
        if (Find(vmid) is not { } guest) { return "no host has its conf"; }
        if (guest.Kind is "lxc") { return Containers.Start(vmid, guest.Conf); }
        Machines.Start(guest.Host, vmid, guest.Conf);
        return null;
    }

    public void Kill(int vmid)
    {
        if (Machines.Pid(vmid) is not null) { Machines.Kill(vmid); }
        if (Containers.Running().Contains(vmid)) { Containers.Kill(vmid); }
    }
}

namespace NannyOrleans.Domain.Access;

/// <summary>What a person may do. Each endpoint needs exactly one of them.</summary>
[Flags]
public enum Powers
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Look.</summary>
    View = 1,

    /// <summary>Patch, reboot, run campaigns, and say what is left as it is.</summary>
    Operate = 2,

    /// <summary>Allow the reboots that a campaign awaits.</summary>
    Approve = 4,

    /// <summary>Whatever gives power to others or to programs: people, agents, scripts, what runs inside VMs; and the audit log.</summary>
    Administer = 8,

    /// <summary>All of them.</summary>
    All = View | Operate | Approve | Administer,
}

namespace NannyOrleans.Agent.Configuration;

/// <summary>How containers are looked into. Jobs always go through <c>pct exec</c>.</summary>
internal enum ContainerProbe
{
    /// <summary><c>lxc-attach</c>, 7 ms; <c>pct exec</c> where there is none.</summary>
    LxcAttach,

    /// <summary><c>pct exec</c>, most of a CPU second.</summary>
    Pct,
}

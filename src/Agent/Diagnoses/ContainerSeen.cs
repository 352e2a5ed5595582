using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>What was seen of one container, before anything is concluded from it.</summary>
/// <param name="Conf">Its configuration.</param>
/// <param name="Process">Whether it runs.</param>
internal sealed record ContainerSeen(GuestConf Conf, GuestProcess Process)
{
    /// <summary>Running tasks of Proxmox VE that work on it.</summary>
    public IReadOnlyList<string> Tasks { get; init; } = [];

    /// <summary>What <c>id -u</c> printed in it; null when it printed nothing or was not asked.</summary>
    public string? Uid { get; init; }

    /// <summary>Why nothing could be run in it; null when something could.</summary>
    public string? ExecProblem { get; init; }

    /// <summary>What was seen in it.</summary>
    public LookInside Look { get; init; } = new();
}

/// <summary>A look into a system by <see cref="InsideScript"/>.</summary>
internal sealed record LookInside
{
    /// <summary>What it brought; null when nobody looked.</summary>
    public InsideSeen? Seen { get; init; }

    /// <summary>Why it is not whole; null when it is.</summary>
    public string? Problem { get; init; }

    /// <summary>The repository host that was looked up; null when the sources name none.</summary>
    public string? LookedUp { get; init; }

    /// <summary>Whether that name has an address; null when it cannot be told.</summary>
    public bool? Resolves { get; init; }
}

/// <summary>What a system says of itself. Anything may be in it; a list that was not reached is null.</summary>
internal sealed record InsideSeen
{
    /// <summary><c>os-release</c>; null when there is none that can be read.</summary>
    public OsRelease? Os { get; init; }

    /// <summary>Its package managers.</summary>
    public IReadOnlyList<string>? PackageTools { get; init; }

    /// <summary>The files that name its package sources.</summary>
    public IReadOnlyList<SourceFile>? Sources { get; init; }

    /// <summary>Whether it has a way to other networks.</summary>
    public bool? HasDefaultRoute { get; init; }

    /// <summary>KiB free on <c>/</c> and <c>/var</c>.</summary>
    public IReadOnlyList<long>? FreeKibibytes { get; init; }

    /// <summary>KiB of memory that could be had.</summary>
    public long? MemoryKibibytes { get; init; }

    /// <summary>What is wrong with its package database.</summary>
    public IReadOnlyList<string>? Database { get; init; }
}

/// <summary>A file that names package sources.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Text">What it says; null when it could not be read.</param>
internal sealed record SourceFile(string Path, string? Text);

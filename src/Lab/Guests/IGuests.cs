using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Guests;

/// <summary>What runs behind the conf files: containers of LXC, or directories that stand for them.</summary>
internal interface IGuests
{
    /// <summary>The vmids that run, on whatever host.</summary>
    IReadOnlySet<int> Running();

    /// <summary>The pid of a running one's init on this machine; null when it does not run.</summary>
    int? InitPid(int vmid);

    /// <summary>Starts one as its conf says; null when it runs, else what LXC said.</summary>
    string? Start(int vmid, GuestConf conf);

    /// <summary>Ends one at once.</summary>
    void Kill(int vmid);

    /// <summary>Asks its init to end; false when it has not after <paramref name="timeout"/>.</summary>
    bool Shutdown(int vmid, TimeSpan timeout);

    /// <summary>The program `pct exec` becomes.</summary>
    Answer Attach(int vmid, bool keepEnvironment, IReadOnlyList<byte[]> command);

    /// <summary>Makes what is missing of a guest, leaving what is there.</summary>
    void Make(PlannedGuest guest, string baseDirectory);

    /// <summary>Throws away all a stopped guest changed, so that its updates are pending again.</summary>
    void Reset(PlannedGuest guest, string baseDirectory);

    /// <summary>Takes a stopped guest's files away for good.</summary>
    void Remove(int vmid);

    /// <summary>Ends and removes all that belongs to this lab outside its files: processes, control groups.</summary>
    void Clear();
}

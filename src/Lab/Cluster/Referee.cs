using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab.Cluster;

/// <summary>The votes of one moment, and which host changed them.</summary>
/// <param name="At">When.</param>
/// <param name="Online">The most votes that are together anywhere.</param>
/// <param name="Expected">The votes of all.</param>
/// <param name="Hosts">Whose state changed, joined by commas.</param>
/// <param name="Change"><c>on</c>, <c>off</c>, <c>cut</c>, <c>joined</c>, ... for each.</param>
/// <param name="Why"><c>power</c>, <c>reboot</c>, <c>network</c>, <c>fence</c>, <c>qdevice</c>, ...</param>
public sealed record VotesSeen(DateTimeOffset At, int Online, int Expected, string Hosts, string Change, string Why)
{
    private const string Form = "yyyy-MM-ddTHH:mm:ss.fffZ";

    /// <summary>The votes needed.</summary>
    public int Needed => Quorum.Needed(Expected);

    /// <summary>A line of the referee's file.</summary>
    public string Format() => string.Create(CultureInfo.InvariantCulture,
        $"{At.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture)} online={Online} expected={Expected} quorum={Needed} host={Hosts} change={Change} why={Why}\n");

    /// <summary>Reads a line; null for anything else.</summary>
    public static VotesSeen? Parse(string line)
    {
        var words = line.Split(' ');
        if (words.Length is not 7 || !DateTimeOffset.TryParseExact(words[0], Form, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)) { return null; }
        var keys = new[] { "online", "expected", "quorum", "host", "change", "why" };
        if (!keys.Zip(words.Skip(1)).All(p => p.Second.StartsWith($"{p.First}=", StringComparison.Ordinal))) { return null; }
        var values = words.Skip(1).Select(w => w[(w.IndexOf('=', StringComparison.Ordinal) + 1)..]).ToList();
        return int.TryParse(values[0], CultureInfo.InvariantCulture, out var online) && int.TryParse(values[1], CultureInfo.InvariantCulture, out var expected)
            ? new(at, online, expected, values[3], values[4], values[5])
            : null;
    }
}

/// <summary>
/// Writes each change of the votes that are online, from what the hosts are (on, and in which part of the network) and from nothing
/// that anybody believes of them. Called under the lock of their states, before any of them shows the change.
/// </summary>
internal sealed class Referee(LabDirectory directory)
{
    /// <summary>Writes the change between two states of all hosts; nothing when votes cannot have changed.</summary>
    /// <param name="before">As they were.</param>
    /// <param name="after">As they are now.</param>
    /// <param name="was">The QDevice as it was written last.</param>
    /// <param name="qdevice">The QDevice now.</param>
    /// <param name="why">In a word.</param>
    public void Watch(IReadOnlyList<HostState> before, IReadOnlyList<HostState> after, Qdevice was, Qdevice qdevice, string why)
    {
        var changes = before.Zip(after).Where(p => p.First.IsOn != p.Second.IsOn || p.First.Island != p.Second.Island)
            .Select(p => (p.Second.Name, Word: p.First.IsOn != p.Second.IsOn ? p.Second.IsOn ? "on" : "off" : p.Second.Island.Length > 0 ? "cut" : "joined")).ToList();
        if (was.IsCasting != qdevice.IsCasting) { changes.Add(("qdevice", qdevice.IsCasting ? "on" : "off")); }
        if (changes.Count > 0) { Write(after, qdevice, string.Join(',', changes.Select(c => c.Name)), string.Join(',', changes.Select(c => c.Word).Distinct()), why); }
    }

    /// <summary>Forgets all and begins anew with what is now.</summary>
    public void Restart(IReadOnlyList<HostState> hosts, Qdevice qdevice)
    {
        File.Delete(directory.RefereeFile);
        Write(hosts, qdevice, "all", "none", "restart");
    }

    /// <summary>All that was written, a sentence on it, and whether quorum held all the time. What cannot be read is no proof.</summary>
    public static (string Text, bool Held) Judge(string file, bool isClustered)
    {
        var lines = file.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var seen = lines.Select(VotesSeen.Parse).ToList();
        if (seen.Contains(null)) { return ($"line {seen.IndexOf(null) + 1} of the referee's file cannot be read: `{lines[seen.IndexOf(null)]}`\n", false); }
        if (seen.Count is 0) { return ("nothing was written: no verdict\n", false); }
        var text = new StringBuilder("TIME                      ONLINE  EXPECTED  QUORUM  CHANGE\n");
        foreach (var v in seen.OfType<VotesSeen>())
        {
            text.Append(CultureInfo.InvariantCulture, $"{v.At.UtcDateTime:yyyy-MM-dd HH:mm:ss.fff}Z  {v.Online,6}  {v.Expected,8}  {v.Needed,6}  {v.Hosts} {v.Change} ({v.Why}){(v.Online < v.Needed ? "  NO QUORUM" : "")}\n");
        }

        if (!isClustered) { return (text.Append("\na single host: there is no quorum to lose\n").ToString(), true); }
        var least = seen.OfType<VotesSeen>().MinBy(v => v.Online - v.Needed)!;
        var held = least.Online >= least.Needed;
        text.Append(CultureInfo.InvariantCulture, $"\nminimum online votes: {least.Online} of {least.Expected}, {least.Needed} needed\n{(held ? "quorum held" : "quorum was lost")}\n");
        return (text.ToString(), held);
    }

    private void Write(IReadOnlyList<HostState> hosts, Qdevice qdevice, string who, string change, string why)
    {
        var online = hosts.Where(h => h.IsOn).Select(h => Membership.Votes(h, hosts, qdevice)).DefaultIfEmpty(0).Max();
        File.AppendAllText(directory.RefereeFile, new VotesSeen(DateTimeOffset.UtcNow, online, Membership.Expected(hosts, qdevice), who, change, why).Format());
    }
}

using System.Globalization;
using System.Text;
using CsCheck;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class GuestListsTests
{
    [Fact]
    public void Reads_pct_list_with_and_without_locks() => Assert.Equal(
        [(101, GuestStatus.Running), (102, GuestStatus.Stopped), (103, GuestStatus.Stopped), (999999999, GuestStatus.Running)],
        Pairs(GuestLists.ParsePct(Fixture.Read("pct-list.locked.txt"))));

    [Fact]
    public void Reads_qm_list_whatever_the_names_are() => Assert.Equal(
        [(104, GuestStatus.Running), (200, GuestStatus.Stopped), (201, GuestStatus.Paused), (202, GuestStatus.Running), (203, GuestStatus.Unknown)],
        Pairs(GuestLists.ParseQm(Fixture.Read("qm-list.names-with-blanks.txt"))));

    [Fact]
    public void Nothing_printed_is_no_guest()
    {
        Assert.Empty(GuestLists.ParsePct(string.Empty));
        Assert.Empty(GuestLists.ParseQm(string.Empty));
    }

    [Fact]
    public void Reads_back_every_table_that_qm_can_print() => Gen.Select(
        Gen.Int[Vmid.Smallest, Vmid.Largest],
        Gen.String["ab 1.-running"].Where(name => name.Trim().Length > 0),
        Gen.Int[0, 2].Select(i => new[] { GuestStatus.Running, GuestStatus.Stopped, GuestStatus.Paused }[i]),
        Gen.Int[0, 99999]).Array.Sample(rows =>
        {
            var table = new StringBuilder("      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       \n");
            foreach (var (vmid, name, status, pid) in rows)
            {
                table.Append(CultureInfo.InvariantCulture, $"{vmid,10} {name,-20} {Word(status),-10} {512,-10} {8.0,12:0.00} {pid,-10}\n");
            }

            var read = GuestLists.ParseQm(table.ToString());
            return rows.GroupBy(row => row.Item1).All(row => read[new Vmid(row.Key)] == row.Last().Item3);
        });

    private static string Word(GuestStatus status) => status switch
    {
        GuestStatus.Running => "running",
        GuestStatus.Stopped => "stopped",
        _ => "paused",
    };

    private static IEnumerable<(int, GuestStatus)> Pairs(IReadOnlyDictionary<Vmid, GuestStatus> list) => list.OrderBy(pair => pair.Key).Select(pair => (pair.Key.Value, pair.Value));
}

using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Tests;

public sealed class GuestTests
{
    private const string Conf = """
        #first line
        #costs 5%25 more
        arch: amd64
        hostname: web-01
        memory: 1024
        mp1: /srv/share,mp=/share
        lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir

        [pve:pending]
        memory: 2048
        delete: mp1

        [base]
        hostname: old-01
        snaptime: 1767600000

        """;

    [Fact]
    public void Only_the_main_section_is_the_present()
    {
        var conf = GuestConf.Parse(Conf);
        Assert.Equal("1024", conf["memory"]);
        Assert.Equal("web-01", conf["hostname"]);
        Assert.Null(conf["snaptime"]);
        Assert.Equal("first line\ncosts 5% more", conf.Description);
    }

    [Fact]
    public void Pending_values_show_as_if_active_and_snapshots_stand_alone()
    {
        var conf = GuestConf.Parse(Conf);
        Assert.Equal("2048", conf.WithPending()["memory"]);
        Assert.Null(conf.WithPending()["mp1"]);
        Assert.Equal("hostname: old-01\nsnaptime: 1767600000\n", conf.Snapshot("base")!.Print());
        Assert.Null(conf.Snapshot("none"));
    }

    [Fact]
    public void Prints_sorted_with_the_description_on_one_line_and_raw_lines_last() => Assert.Equal("""
        arch: amd64
        description: first line%0Acosts 5%25 more%0A
        hostname: web-01
        memory: 1024
        mp1: /srv/share,mp=/share
        lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir

        """, GuestConf.Parse(Conf).Print());

    [Fact]
    public void Writing_keeps_sections_and_drops_what_was_not_understood()
    {
        Assert.Equal(Conf, GuestConf.Parse(Conf).Format());
        var conf = GuestConf.Parse("arch: amd64\nthis is not a valid line\nlock: backup\n");
        Assert.Equal(["this is not a valid line"], conf.Unparsable);
        Assert.Equal("arch: amd64\n", conf.With("lock", null).Format());
    }

    [Fact]
    public void A_raw_line_may_use_an_equals_sign() =>
        Assert.Equal("lxc.apparmor.profile: unconfined\n", GuestConf.Parse("lxc.apparmor.profile = unconfined\n").Print());

    [Fact]
    public void Lists_of_nothing_have_no_header()
    {
        Assert.Equal("", GuestTable.PctList([]));
        Assert.Equal("", GuestTable.QmList([]));
    }

    [Fact]
    public void Lists_pad_their_last_column_and_let_long_names_shift_the_rest()
    {
        Assert.Equal(
            "VMID       Status     Lock         Name                \n101        stopped    backup       db-01               \n",
            GuestTable.PctList([new(101, false, "backup", "db-01")]));
        Assert.Equal(
            "      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       \n"
            + "       201 a-name-longer-than-twenty stopped    2048               8.00 0         \n",
            GuestTable.QmList([new(201, "a-name-longer-than-twenty", 2048, 8)]));
    }
}

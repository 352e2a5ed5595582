namespace NannyOrleans.Scripts.Tests;

/// <summary>The families beside Debian's, each with its real package manager in a real container.</summary>
[Collection(nameof(FamilyLab))] // one lab, and each test begins by resetting it
public sealed class FamilyTests(FamilyLab lab)
{
    private static readonly string[] Old = ["lab-db 8.0.32-1", "lab-slow 1.0-1", "lab-tls 3.0.2-1", "lab-web 1.18.0-1"];
    private static readonly string[] New = ["lab-db 8.0.35-1", "lab-slow 1.1-1", "lab-tls 3.0.13-1", "lab-web 1.24.0-1"];
    private static readonly string[] All = ["lab-db 8.0.32-1 8.0.35-1", "lab-slow 1.0-1 1.1-1", "lab-tls 3.0.2-1 3.0.13-1", "lab-web 1.18.0-1 1.24.0-1"];

    public static TheoryData<string> Families => ["dnf", "zypper", "pacman"];

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_dry_run_lists_what_is_pending_and_changes_nothing(string family)
    {
        var container = await lab.Container(family);
        var found = (await container.Patch("--dry-run")).Succeeded();
        Assert.Equal("dry-run", found.Mode);
        Assert.Equal(All, found.Changes);
        Assert.Empty(found.Held);
        Assert.False(found.RebootRequired);
        Assert.NotNull(found.ServicesToRestart);
        Assert.Equal(Old, await container.Versions());
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task An_apply_installs_all_but_the_excluded_and_a_second_one_has_nothing_to_do(string family)
    {
        var container = await lab.Container(family);
        var found = (await container.Patch("--exclude", "lab-w*,nosuch")).Succeeded();
        Assert.Equal(All[..3], found.Changes);
        Assert.Equal([new("lab-web", "excluded")], found.Held);
        Assert.Equal(["The exclusion nosuch matches no installed package."], found.Warnings);
        Assert.Equal(new[] { New[0], New[1], New[2], Old[3] }, await container.Versions());

        Assert.Equal(All[3..], (await container.Patch()).Succeeded().Changes); // the exclusion was for that run alone
        Assert.Equal(New, await container.Versions());
        var nothing = (await container.Patch("--dry-run")).Succeeded();
        Assert.Empty(nothing.Packages);
        Assert.Empty(nothing.Held);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_persons_own_hold_stays_and_is_named(string family)
    {
        var container = await lab.Container(family);
        await container.Run(family switch
        {
            "dnf" => "echo 'excludepkgs=lab-db' >>/etc/dnf/dnf.conf",
            "zypper" => "zypper addlock lab-db",
            _ => "sed -i 's/^\\[options\\]/[options]\\nIgnorePkg = lab-db/' /etc/pacman.conf",
        });
        var found = (await container.Patch("--exclude", "lab-web")).Succeeded();
        Assert.Equal(All[1..3], found.Changes);
        Assert.Equal([new("lab-db", "held-before"), new("lab-web", "excluded")], found.Held.OrderBy(held => held.Name));
        Assert.Equal(new[] { Old[0], New[1], New[2], Old[3] }, await container.Versions());
        Assert.Equal([new("lab-db", "held-before")], (await container.Patch()).Succeeded().Held);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_pinned_plan_is_carried_out_only_as_long_as_it_is_the_plan(string family)
    {
        var container = await lab.Container(family);
        var approved = (await container.Patch("--dry-run", "--exclude", "lab-db")).Succeeded();
        var changed = (await container.Patch("--plan", approved.Fingerprint)).Failed("plan-changed");
        Assert.Equal(All, changed.Changes); // what it would be now
        Assert.Equal(Old, await container.Versions());

        Assert.Equal(All[1..], (await container.Patch("--plan", approved.Fingerprint, "--exclude", "lab-db")).Succeeded().Changes);
        Assert.Equal(new[] { Old[0], New[1], New[2], New[3] }, await container.Versions());
    }

    [Theory]
    [InlineData("dnf", "dnf mark remove", "dnf mark install")]
    [InlineData("pacman", "pacman -D --asdeps", "pacman -D --asexplicit")]
    public async Task A_pinned_plan_covers_what_goes_and_nothing_else_goes(string family, string forOthers, string forItself)
    {
        var container = await lab.Container(family);
        await container.Run($"{forOthers} lab-db");
        var approved = (await container.Patch("--dry-run", "--autoremove")).Succeeded();
        Assert.Equal(["lab-db"], approved.Removed);
        await container.Run($"{forOthers} lab-web");
        var changed = (await container.Patch("--autoremove", "--plan", approved.Fingerprint)).Failed("plan-changed");
        Assert.Equal(["lab-db", "lab-web"], changed.Removed.Order());
        Assert.Equal(Old, await container.Versions());

        await container.Run($"{forItself} lab-web");
        Assert.Equal(["lab-db"], (await container.Patch("--autoremove", "--plan", approved.Fingerprint)).Succeeded().Removed);
        Assert.Equal(New[1..], await container.Versions());
    }

    [Fact]
    public async Task What_an_upgrade_of_dnf_leaves_over_and_replaces_is_in_a_plan_or_stays()
    {
        var container = await lab.Container("dnf");
        await container.Run("""
            pack() {
                printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: x\nLicense: none\nBuildArch: noarch\n%s\n%%description\nx\n%%files\n' "$2" "$3" "$4" >/tmp/x.spec
                rpmbuild --quiet -bb --define "_rpmdir $1" --define '_build_name_fmt %%{NAME}-%%{VERSION}.rpm' /tmp/x.spec
            }
            pack /tmp/old app-lib 1 ''; pack /tmp/old app 1 'Requires: app-lib'; pack /tmp/old app-gone 1 ''
            pack /srv/repo app 2 ''; pack /srv/repo app-new 1 'Obsoletes: app-gone < 2'
            rpm --force-debian -i /tmp/old/*.rpm; rm -r /srv/repo/repodata; createrepo_c -q /srv/repo; dnf -q mark remove app-lib
            """);
        var approved = (await container.Patch("--dry-run", "--autoremove")).Succeeded();
        Assert.Contains("app-new - 1-1", approved.Changes);
        Assert.Equal(["app-gone"], approved.Removed); // before the upgrade app-lib is needed
        var applied = (await container.Patch("--autoremove", "--plan", approved.Fingerprint)).Succeeded();
        Assert.Equal(["app-gone"], applied.Removed);
        Assert.Equal(["Nothing was removed: since the upgrade this would go, too, and the approved plan does not have it: app-lib"], applied.Warnings);

        var next = (await container.Patch("--dry-run", "--autoremove")).Succeeded();
        Assert.Equal(["app-lib"], next.Removed);
        Assert.Equal(["app-lib"], (await container.Patch("--autoremove", "--plan", next.Fingerprint)).Succeeded().Removed);
    }

    [Theory]
    [InlineData("dnf")]
    [InlineData("zypper")]
    public async Task Only_security_updates_are_those_of_an_advisory_and_the_others_are_counted(string family)
    {
        var container = await lab.Container(family);
        var found = (await container.Patch("--security-only")).Succeeded();
        Assert.Equal(All[2..3], found.Changes);
        Assert.True(found.Packages[0].Security);
        Assert.Equal(["Left out, as only security updates were asked for: 3 other updates."], found.Warnings);
        Assert.Equal(new[] { Old[0], Old[1], New[2], Old[3] }, await container.Versions());
    }

    [Theory]
    [InlineData("dnf", "yum.repos.d")]
    [InlineData("zypper", "zypp/repos.d")]
    public async Task Without_any_advisory_nobody_can_tell_security_updates_and_that_is_not_none(string family, string sources)
    {
        var container = await lab.Container(family);
        await container.Run("cp -r /srv/repo /srv/bare && rm -r /srv/bare/repodata && createrepo_c -q /srv/bare"); // no updateinfo
        await container.Run($"cd /etc/{sources} && sed 's|lab\\]|bare]|; s|=Lab|=Bare|; s|/srv/repo|/srv/bare|' lab.repo >bare.repo && sed -i s/enabled=1/enabled=0/ lab.repo");
        (await container.Patch("--dry-run", "--security-only")).Failed("no-advisories");
        (await container.Patch("--security-only")).Failed("no-advisories");
        Assert.Equal(Old, await container.Versions());
        Assert.Equal(All, (await container.Patch("--dry-run")).Succeeded().Changes); // it matters only where it was asked for

        await container.Run($"cd /etc/{sources} && sed -i s/enabled=0/enabled=1/ lab.repo");
        var found = (await container.Patch("--dry-run", "--security-only")).Succeeded();
        Assert.Equal(All[2..3], found.Changes);
        Assert.Contains(found.Warnings, warning => warning.EndsWith("so that security updates from there are not known: " + (family is "dnf" ? "bare" : "Bare"), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("pacman", "--security-only")]
    [InlineData("zypper", "--autoremove")]
    public async Task What_a_manager_cannot_do_is_refused_before_anything_is_done(string family, string option)
    {
        var container = await lab.Container(family);
        (await container.Patch(option)).Failed("unsupported-option", exitCode: 2);
        Assert.Equal(Old, await container.Versions());
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_repository_that_does_not_answer_is_an_error_and_never_zero_updates(string family)
    {
        var container = await lab.Container(family);
        (await container.Patch("--dry-run")).Succeeded(); // with what it has cached since
        await container.Run("mv /srv/repo /srv/gone");
        Assert.Empty((await container.Patch("--dry-run")).Failed("repository-unreachable").Packages);
        (await container.Patch()).Failed("repository-unreachable");
        Assert.Equal(Old, await container.Versions());
    }

    [Theory]
    [InlineData("dnf", "rm /etc/yum.repos.d/*")]
    [InlineData("zypper", "rm /etc/zypp/repos.d/*")]
    [InlineData("pacman", "sed -i '/^\\[lab\\]/,$d' /etc/pacman.conf")]
    public async Task No_repository_at_all_is_an_error_too(string family, string remove)
    {
        var container = await lab.Container(family);
        await container.Run(remove);
        (await container.Patch("--dry-run")).Failed("no-repositories");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Told_to_stop_it_lets_the_package_manager_end_what_it_has_begun(string family)
    {
        var container = await lab.Container(family);
        await container.Run("echo 3 >/etc/lab-slow.seconds");
        await using var running = container.StartPatch();
        await container.Run("""
            exec 2>/dev/null # processes that end meanwhile
            until for process in /proc/[0-9]*; do tr '\0' ' ' <$process/cmdline; echo; done | grep -qx 'sleep 3 '; do sleep 0.1; done
            kill -TERM $(grep -lsx timeout /proc/[0-9]*/comm | cut -d / -f 3)
            """);
        var found = PatchRun.Of(await running.End(), family).Failed("stopped", exitCode: 143);
        Assert.Equal(All, found.Changes);
        Assert.Equal(New, await container.Versions());
    }

    [Fact]
    public async Task A_lock_that_a_killed_pacman_left_behind_is_removed_and_said()
    {
        var container = await lab.Container("pacman");
        await container.Run("touch /var/lib/pacman/db.lck");
        Assert.Equal(All, (await container.Patch("--dry-run")).Succeeded().Changes);
        var found = (await container.Patch()).Succeeded();
        Assert.Contains("pacman had been interrupted and had left its lock behind; it was removed first.", found.Warnings);
        Assert.Equal(New, await container.Versions());
    }

    [Theory]
    [InlineData("dnf")]
    [InlineData("zypper")]
    public async Task A_version_that_a_killed_upgrade_left_beside_the_new_one_goes_and_what_is_meant_to_be_there_twice_stays(string family)
    {
        var container = await lab.Container(family);
        await container.Run($"{Multiple}\ninstall_multiple 1");
        await container.Run("rpm --force-debian -i --force --nodeps /srv/repo/lab-db-8.0.35-1.noarch.rpm");
        Assert.Equal(["lab-db 8.0.32-1", "lab-db 8.0.35-1"], (await container.Versions())[..2]);
        Assert.Contains(
            "rpm was interrupted, or is at work right now: lab-db-8.0.32-1.noarch is there beside lab-db-8.0.35-1.noarch. Applying updates repairs it.",
            (await container.Patch("--dry-run")).Succeeded().Warnings);

        await container.Run($"{Multiple}\ninstall_multiple 2");
        var found = (await container.Patch()).Succeeded();
        Assert.Equal(All[1..], found.Changes);
        Assert.Contains(
            "rpm had been interrupted and was repaired first: lab-db-8.0.32-1.noarch was there beside lab-db-8.0.35-1.noarch, whose own script may not have run to its end.",
            found.Warnings);
        Assert.Equal(["lab-db 8.0.35-1", "lab-multiple 1-1", "lab-multiple 2-1"], (await container.Versions()).Where(one => one[4] is 'd' or 'm').Order(StringComparer.Ordinal));
        Assert.Equal("8.0.35\n", await container.Run("cat /usr/share/lab-db/version"));
        Assert.Empty((await container.Patch()).Succeeded().Warnings);
    }

    [Theory]
    [InlineData("--exclude", "--installroot=/x")]
    [InlineData("--exclude", "a;b")]
    [InlineData("--plan", "abc")]
    [InlineData("--no-such-option")]
    public async Task Arguments_that_no_one_should_send_are_refused(params string[] arguments)
    {
        foreach (var family in (string[])["dnf", "zypper", "pacman"])
        {
            await using var script = Command.Start("sh", ["-s", "--", .. arguments], CatalogueScript.Of(family));
            PatchRun.Of(await script.End(), family).Failed("invalid-argument", exitCode: 2);
        }
    }

    /// <summary>Installs a version of a package whose versions live side by side, as kernels do.</summary>
    private const string Multiple =
        """
        install_multiple() {
            printf '%s\n' 'Name: lab-multiple' "Version: $1" 'Release: 1' 'Summary: of many versions' 'License: none' 'BuildArch: noarch' '%description' 'Text.' '%install' \
                "mkdir -p %{buildroot}/usr/share/lab-multiple" "echo $1 >%{buildroot}/usr/share/lab-multiple/$1" '%files' "/usr/share/lab-multiple/$1" >/tmp/multiple.spec
            rpmbuild --quiet -bb --define '_rpmdir /tmp' --define '_build_name_fmt %%{NAME}-%%{VERSION}.rpm' /tmp/multiple.spec
            rpm --force-debian -i "/tmp/lab-multiple-$1.rpm"
        }
        """;
}

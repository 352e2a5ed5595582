namespace NannyOrleans.Scripts.Tests;

/// <summary>
/// The other managers of dnf's family. yum of release 8 and later is dnf by another name, and the real one runs here. yum 3 (release 7) and
/// dnf 5 cannot be had where the tests run: they answer in the words of their sources (yum's cli.py, output.py and yumcommands.py at 3.4.3,
/// dnf5's transaction_table.cpp and check-upgrade.cpp at 5.4), and fail on any call that was not foreseen. No such run is proof for the real one.
/// </summary>
[Collection(nameof(FamilyLab))] // one lab, and each test begins by resetting it
public sealed class YumTests(FamilyLab lab)
{
    [Fact]
    public async Task Where_yum_is_the_only_name_of_dnf_it_lists_holds_and_applies_as_dnf_does()
    {
        var container = await lab.Container("dnf");
        await container.Run("rm /usr/bin/dnf && ln -sf dnf-3 /usr/bin/yum");
        var found = (await container.Patch("--dry-run", "--exclude", "lab-web")).Succeeded();
        Assert.Equal(["lab-db 8.0.32-1 8.0.35-1", "lab-slow 1.0-1 1.1-1", "lab-tls 3.0.2-1 3.0.13-1"], found.Changes);
        Assert.Equal([new("lab-web", "excluded")], found.Held);
        Assert.Equal(["lab-tls"], found.Packages.Where(package => package.Security).Select(package => package.Name));

        Assert.Equal(["lab-tls 3.0.2-1 3.0.13-1"], (await container.Patch("--security-only")).Succeeded().Changes);
        Assert.Equal(3, (await container.Patch()).Succeeded().Packages.Count);
        Assert.Equal(["lab-db 8.0.35-1", "lab-slow 1.1-1", "lab-tls 3.0.13-1", "lab-web 1.24.0-1"], await container.Versions());
    }

    [Fact]
    public async Task In_the_words_of_yum_3_a_table_is_read_without_what_is_skipped_and_what_it_replaces_goes()
    {
        var container = await lab.Container("dnf");
        await Fake(container, "yum", Yum3);
        var found = (await container.Patch("--dry-run", "--exclude", "lab-web")).Succeeded();
        Assert.Equal(["lab-db 8.0.32-1 1:8.0.35-1", "lab-slow-with-a-name-longer-than-its-column - 1.1-1", "lab-tls 3.0.2-1 3.0.13-1"], found.Changes);
        Assert.Equal(["lab-old"], found.Removed);
        Assert.Equal(["lab-tls"], found.Packages.Where(package => package.Security).Select(package => package.Name));
        Assert.Equal([new("lab-web", "excluded")], found.Held);
        Assert.Equal(["lab-slow"], found.KeptBack);

        (await container.Patch("--dry-run", "--security-only")).Failed("no-advisories");
        await container.Run("echo 'Another app is currently holding the yum lock; exiting as configured by exit_on_lock' >/locked");
        await using var waiting = container.StartPatch("--dry-run");
        await waiting.HasSaid("waiting for the lock");
        await container.Run("rm /locked");
        Assert.Equal(3, PatchRun.Of(await waiting.End(), "dnf").Succeeded().Packages.Count);
    }

    [Fact]
    public async Task In_the_words_of_dnf_5_epochs_and_replaced_versions_are_read_as_what_they_are()
    {
        var container = await lab.Container("dnf");
        await Fake(container, "dnf5", Dnf5);
        var found = (await container.Patch("--dry-run", "--exclude", "lab-web")).Succeeded();
        Assert.Equal(["lab-db 8.0.32-1 1:8.0.35-1", "lab-new - 2-1", "lab-tls 3.0.2-1 3.0.13-1"], found.Changes);
        Assert.Equal(["lab-old"], found.Removed);
        Assert.Equal(["lab-tls"], found.Packages.Where(package => package.Security).Select(package => package.Name));
        Assert.Equal([new("lab-web", "excluded")], found.Held);
        Assert.Equal(["lab-slow"], found.KeptBack);
    }

    private static Task<string> Fake(FamilyContainer container, string name, string script) => container.Run(
        $"rm -f /usr/bin/dnf /usr/bin/yum\ncat >/usr/bin/{name} <<'END'\n#!/bin/sh\n{script.ReplaceLineEndings("\n")}\necho \"Error: not foreseen: $*\" >&2\nexit 1\nEND\nchmod 755 /usr/bin/{name}");

    private const string Yum3 = """
        fixed='--setopt=exit_on_lock=1 --setopt=*.skip_if_unavailable=0 --color=never'
        if [ "$*" != --version ] && [ -e /locked ]; then cat /locked >&2; exit 1; fi
        case "$*" in
            --version) printf '3.4.3\n  Installed: rpm-4.11.3-45.el7.x86_64 at 2020-01-01 00:00\n'; exit ;;
            "$fixed -q repolist") printf '%-30s %-30s %s\n' 'repo id' 'repo name' status '!base/7/x86_64' 'CentOS-7 - Base' 10072 'lab/x86_64' Lab 4; exit ;;
            "$fixed -q clean expire-cache" | "$fixed -q makecache") exit ;;
            "$fixed --exclude=lab-web --assumeno upgrade" | "$fixed --assumeno upgrade") cat <<'TABLE'
        Loaded plugins: fastestmirror
        Loading mirror speeds from cached hostfile
         * base: mirror.example.invalid
        Resolving Dependencies
        --> Running transaction check
        ---> Package lab-db.noarch 0:8.0.32-1 will be updated
        ---> Package lab-db.noarch 1:8.0.35-1 will be an update
        --> Finished Dependency Resolution

        Dependencies Resolved

        ================================================================================
         Package             Arch           Version               Repository       Size
        ================================================================================
        Installing:
         lab-slow-with-a-name-longer-than-its-column
                             noarch         1.1-1                 lab             6.1 k
             replacing  lab-old.noarch 1.0-1
        Updating:
         lab-db              noarch         1:8.0.35-1            lab             6.0 k
         lab-tls             noarch         3.0.13-1              lab             6.0 k
        Skipped (dependency problems):
         lab-slow            noarch         1.1-1                 lab             6.1 k

        Transaction Summary
        ================================================================================
        Install                         1 Package
        Upgrade                         2 Packages
        Skipped (dependency problems)   1 Package

        Total size: 18 k
        Exiting on user command
        Your transaction was saved, rerun it with:
         yum load-transaction /tmp/yum_save_tx.2026-01-05.10-00.abc.yumtx
        TABLE
                exit 1 ;;
            "$fixed -q updateinfo list security") echo 'LAB-2026:0001 Important/Sec. lab-tls-3.0.13-1.noarch'; exit ;;
            "$fixed -q --disableexcludes=all --disableplugin=versionlock list updates" | "$fixed -q list updates")
                printf '%s\n' 'Updated Packages' 'lab-db.noarch    1:8.0.35-1    lab ' 'lab-slow.noarch  1.1-1         lab ' 'lab-tls.noarch   3.0.13-1      lab ' 'lab-web.noarch   1.24.0-1      lab '
                exit ;;
        esac
        """;

    private const string Dnf5 = """
        fixed='--setopt=exit_on_lock=1 --setopt=*.skip_if_unavailable=0 --color=never --setopt=skip_if_unavailable=0'
        case "$*" in
            --version) printf 'dnf5 version 5.4.4.0\ndnf5 plugin API version 2.0\n'; exit ;;
            "$fixed -q repolist") printf 'repo id repo name\nlab     Lab\n'; exit ;;
            "$fixed -q --refresh makecache") exit ;;
            "$fixed --exclude=lab-web --assumeno upgrade") cat <<'TABLE'
        Updating and loading repositories:
        Repositories loaded.
        Package            Arch   Version       Repository      Size
        Upgrading:
         lab-db            noarch 1:8.0.35-1    lab          7.0   B
           replacing lab-db noarch 0:8.0.32-1   <unknown>    7.0   B
         lab-tls           noarch 0:3.0.13-1    lab          7.0   B
           replacing lab-tls noarch 0:3.0.2-1   <unknown>    7.0   B
        Installing:
         lab-new           noarch 0:2-1         lab          7.0   B
           replacing lab-old noarch 0:1.0-1     lab          7.0   B

        Skipping packages with broken dependencies:
         lab-slow          noarch 0:1.1-1       lab          6.0   B

        Transaction Summary:
         Installing:         1 package
         Upgrading:          2 packages
         Replacing:          3 packages
         Skipping:           1 package

        TABLE
                echo 'Operation aborted by the user.' >&2
                exit 1 ;;
            "$fixed -q advisory list --security --updates")
                printf '%s\n' 'Name          Type     Severity  Package                 Issued' 'LAB-2026:0001 security Important lab-tls-3.0.13-1.noarch 2026-01-05 10:00:00'
                exit ;;
            "$fixed -q --setopt=disable_excludes=* --disableplugin=versionlock check-update" | "$fixed -q check-update")
                printf '%s\n' 'lab-db.noarch   1:8.0.35-1 lab' 'lab-slow.noarch 1.1-1      lab' 'lab-tls.noarch  3.0.13-1   lab' 'lab-web.noarch  1.24.0-1   lab' 'Obsoleting packages' 'lab-new.noarch  2-1        lab' '  lab-old.noarch 1.0-1     lab'
                exit 100 ;;
        esac
        """;
}

namespace NannyOrleans.Scripts.Tests;

/// <summary>What <c>apt-update.sh --dry-run</c> finds, and what it leaves alone.</summary>
public sealed class AptDryRunTests
{
    [Fact]
    public async Task Lists_every_pending_update_with_both_versions_and_its_origin()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0-1"), new("lab-db", "1:1.0~rc1"), new("lab-tls", "1.0"), new("lab-same", "1.0"));
        await machine.Publish(new("lab-web", "1.0-2"), new("lab-db", "1:1.0"), new("lab-tls", "2.0"), new("lab-same", "1.0"));

        var document = (await machine.Patch("--dry-run")).Succeeded();

        Assert.Equal("dry-run", document.Mode);
        Assert.Equal(["lab-db 1:1.0~rc1 1:1.0", "lab-tls 1.0 2.0", "lab-web 1.0-1 1.0-2"], document.Changes);
        Assert.All(document.Packages, p => Assert.Equal(("Odd Label, Inc.:12/stable", false), (p.Origin, p.Security)));
        Assert.False(document.RebootRequired);
        Assert.Empty(document.Warnings);
        Assert.Equal("1.0 installed", await machine.Version("lab-tls"));
    }

    [Fact]
    public async Task Finds_nothing_where_nothing_is_pending()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "1.0"));

        Assert.Empty((await machine.Patch("--dry-run")).Succeeded().Packages);
    }

    [Fact]
    public async Task Writes_nothing_but_the_package_lists()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"));
        await machine.Publish(new("lab-web", "2.0"), new("lab-db", "2.0"));
        const string everythingElse =
            "find / -xdev \\( -path /var/lib/apt/lists -o -path /var/cache/apt -o -path /proc -o -path /dev -o -path /run/patch.pid \\) -prune " +
            "-o -type f -printf '%p %T@ %C@ %s\\n' -o -printf '%p\\n' | sort";
        await machine.Succeed("apt-get update");
        var before = await machine.Succeed(everythingElse);

        (await machine.Patch("--dry-run", "--exclude", "lab-db")).Succeeded();

        Assert.Equal(before, await machine.Succeed(everythingElse));
    }

    [Theory]
    [InlineData("lab-web", "lab-db lab-tls other")] // a name
    [InlineData("lab-web,lab-db", "lab-tls other")] // several
    [InlineData("lab-*", "other")]
    [InlineData("*-db,lab-t*s", "lab-web other")] // a glob's other ends
    [InlineData("lab", "lab-db lab-tls lab-web other")] // a name is not a prefix
    [InlineData("lab.web", "lab-db lab-tls lab-web other")] // nor a regular expression
    [InlineData("*", "")]
    public async Task Leaves_out_what_is_excluded(string exclusions, string left)
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"), new("lab-tls", "1.0"), new("other", "1.0"));
        await machine.Publish(new("lab-web", "2.0"), new("lab-db", "2.0"), new("lab-tls", "2.0"), new("other", "2.0"));

        var document = (await machine.Patch("--dry-run", "--exclude", exclusions)).Succeeded();

        Assert.Equal(left, string.Join(' ', document.Packages.Select(p => p.Name).Order(StringComparer.Ordinal)));
        Assert.Equal(4, document.Packages.Count + document.Held.Count);
        Assert.All(document.Held, held => Assert.Equal("excluded", held.Reason));
    }

    [Fact]
    public async Task Says_when_an_exclusion_matches_nothing()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));

        var document = (await machine.Patch("--exclude=nowhere*", "--dry-run")).Succeeded();

        Assert.Equal(["The exclusion nowhere* matches no installed package."], document.Warnings);
        Assert.Equal(["lab-web 1.0 2.0"], document.Changes);
    }

    [Fact]
    public async Task Lists_a_new_dependency_and_keeps_back_what_needs_an_excluded_one()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-meta", "1.0"));
        await machine.Publish(new Package("lab-meta", "2.0") { Fields = "Depends: lab-new" }, new Package("lab-new", "2.0"));

        Assert.Equal(["lab-meta 1.0 2.0", "lab-new - 2.0"], (await machine.Patch("--dry-run")).Succeeded().Changes);

        var without = (await machine.Patch("--dry-run", "--exclude", "lab-n*")).Succeeded();
        Assert.Empty(without.Packages);
        Assert.Equal(["lab-meta"], without.KeptBack);
    }

    [Fact]
    public async Task Keeps_back_what_depends_on_an_excluded_package()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-app", "1.0") { Fields = "Depends: lab-lib (= 1.0)" }, new Package("lab-lib", "1.0"));
        await machine.Publish(new Package("lab-app", "2.0") { Fields = "Depends: lab-lib (= 2.0)" }, new Package("lab-lib", "2.0"));

        var document = (await machine.Patch("--dry-run", "--exclude", "lab-lib")).Succeeded();

        Assert.Empty(document.Packages);
        Assert.Equal(["lab-app"], document.KeptBack);
        Assert.Equal([new HeldPackage("lab-lib", "excluded")], document.Held);
    }

    [Fact] // dist-upgrade protects a held package from removal, but not a pinned one.
    public async Task Never_removes_an_excluded_package_to_make_room()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-brk", "1.0"), new("lab-db", "1.0"), new("lab-web", "1.0"));
        await machine.Publish(new Package("lab-brk", "2.0") { Fields = "Breaks: lab-db (<< 2.0)" }, new("lab-db", "2.0"), new("lab-web", "2.0"));

        foreach (var arguments in (string[][])[["--dry-run", "--exclude", "lab-db"], ["--exclude", "lab-db"]])
        {
            var document = (await machine.Patch(arguments)).Succeeded();
            Assert.Equal(["lab-web 1.0 2.0"], document.Changes);
            Assert.Equal(["lab-brk"], document.KeptBack);
            Assert.Empty(document.Removed);
        }

        Assert.Equal("1.0 installed", await machine.Version("lab-db"));
    }

    [Theory]
    [InlineData("--dry-run")]
    [InlineData("--dry-run", "--exclude", "lab-web")] // an exclusion that has nothing to do with it does not change the answer
    [InlineData]
    public async Task Refuses_a_plan_that_removes_packages(params string[] arguments)
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-new-db", "1.0"), new("lab-db", "1.0"), new("lab-web", "1.0"));
        await machine.Publish(new Package("lab-new-db", "2.0") { Fields = "Conflicts: lab-db" }, new("lab-web", "2.0"));

        var document = (await machine.Patch(arguments)).Failed("would-remove");

        Assert.Contains("lab-db", document.Error!.Message, StringComparison.Ordinal);
        Assert.Equal("1.0 installed", await machine.Version("lab-db"));
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
    }

    [Theory]
    [InlineData("/etc/apt/preferences")]
    [InlineData("/etc/apt/preferences.d/00-first")]
    [InlineData("/etc/apt/preferences.d/zz-last")]
    public async Task Follows_the_machines_own_preferences_but_no_further_than_the_exclusions(string file)
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"), new("lab-tls", "1.0"));
        await machine.Publish(new("lab-web", "2.0"), new("lab-db", "2.0"), new("lab-tls", "2.0"));
        machine.Write(file, """
            Package: lab-db
            Pin: version 1.0
            Pin-Priority: 1001

            Package: lab-web
            Pin: version 2.0
            Pin-Priority: 32767

            """);

        // lab-db stays by their pin, lab-web by our exclusion in spite of their pin.
        Assert.Equal(["lab-tls 1.0 2.0"], (await machine.Patch("--dry-run", "--exclude", "lab-web")).Succeeded().Changes);
    }

    [Fact]
    public async Task Names_packages_of_a_foreign_architecture_as_apt_does()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Succeed("dpkg --add-architecture i386");
        Package[] Both(string version) =>
            [.. new[] { "i386", "amd64" }.Select(a => new Package("lab-lib", version) { Architecture = a, Fields = "Multi-Arch: same" })];
        await machine.Install([.. Both("1.0"), new Package("lab-old", "1.0") { Architecture = "i386" }]);
        await machine.Publish([.. Both("2.0"), new Package("lab-old", "2.0") { Architecture = "i386" }]);

        Assert.Equal(
            ["lab-lib 1.0 2.0", "lab-lib:i386 1.0 2.0", "lab-old:i386 1.0 2.0"],
            (await machine.Patch("--dry-run")).Succeeded().Changes);
        Assert.Equal(
            ["lab-lib 1.0 2.0", "lab-lib:i386 1.0 2.0"],
            (await machine.Patch("--dry-run", "--exclude", "lab-old:i386")).Succeeded().Changes);
        Assert.Equal(
            [new HeldPackage("lab-lib", "excluded"), new HeldPackage("lab-lib:i386", "excluded")],
            (await machine.Patch("--dry-run", "--exclude", "lab-lib")).Succeeded().Held.OrderBy(h => h.Name, StringComparer.Ordinal));
        Assert.Equal(["lab-lib 1.0 2.0", "lab-lib:i386 1.0 2.0", "lab-old:i386 1.0 2.0"], (await machine.Patch()).Succeeded().Changes);
    }

    [Fact]
    public async Task Writes_valid_json_whatever_a_repository_calls_itself()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        await machine.PublishAt("/srv/evil", "\"}],\\ <b>x [all]) \u00c3\u00a4 \u00f0\u009f\u00a6\u0086 \u00ff", new Package("lab-db", "2.0"));
        machine.Write("/etc/apt/sources.list.d/evil.list", "deb [trusted=yes] file:/srv/evil ./\n");

        var document = (await machine.Patch("--dry-run")).Succeeded();

        Assert.Equal(["lab-db 1.0 2.0", "lab-web 1.0 2.0"], document.Changes);
        Assert.Equal("\"}],\\ <b>x [all]) ä 🦆 \ufffd:12/stable", document.Packages.Single(p => p.Name is "lab-db").Origin);
    }

    [Fact]
    public async Task Marks_updates_from_a_security_archive()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        await machine.PublishAt("/srv/security", "Debian-Security", new Package("lab-db", "2.0"));
        machine.Write("/etc/apt/sources.list.d/security.list", "deb [trusted=yes] file:/srv/security ./\n");

        var document = (await machine.Patch("--dry-run")).Succeeded();

        Assert.Equal(["lab-db"], document.Packages.Where(p => p.Security).Select(p => p.Name));
    }
}

namespace NannyOrleans.Scripts.Tests;

/// <summary>What a request may ask of <c>apt-update.sh</c> beside listing and installing.</summary>
public sealed class AptOptionTests
{
    [Fact]
    public async Task Only_security_updates_are_those_of_a_security_archive_and_the_others_are_counted()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        await machine.PublishAt("/srv/security", "Debian-Security", new Package("lab-db", "2.0"));
        machine.Write("/etc/apt/sources.list.d/security.list", "deb [trusted=yes] file:/srv/security ./\n");

        var found = (await machine.Patch("--security-only")).Succeeded();
        Assert.Equal(["lab-db 1.0 2.0"], found.Changes);
        Assert.Contains("Left out, as only security updates were asked for: 1 other updates.", found.Warnings);
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
        Assert.Equal(["lab-web 1.0 2.0"], (await machine.Patch("--dry-run")).Succeeded().Changes);
    }

    [Fact]
    public async Task Autoremove_takes_what_was_installed_for_others_and_a_dry_run_names_it()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-old", "1.0"), new("lab-mine", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        await machine.Succeed("apt-mark auto lab-old");

        Assert.Equal(["lab-old"], (await machine.Patch("--dry-run", "--autoremove")).Succeeded().Removed);
        Assert.Empty((await machine.Patch("--dry-run")).Succeeded().Removed);
        var applied = (await machine.Patch("--autoremove")).Succeeded();
        Assert.Equal(["lab-web 1.0 2.0"], applied.Changes);
        Assert.Equal(["lab-old"], applied.Removed);
        Assert.Equal("1.0 installed", await machine.Version("lab-mine"));
    }

    [Fact]
    public async Task A_pinned_plan_is_carried_out_only_as_long_as_it_is_the_plan()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-web", "1.0"), new("lab-db", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        var approved = (await machine.Patch("--dry-run")).Succeeded().Fingerprint;
        await machine.Publish(new Package("lab-db", "2.0"));

        var changed = (await machine.Patch("--plan", approved)).Failed("plan-changed");
        Assert.Equal(["lab-db 1.0 2.0", "lab-web 1.0 2.0"], changed.Changes);
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
        Assert.Equal(["lab-web 1.0 2.0"], (await machine.Patch("--plan", approved, "--exclude", "lab-db")).Succeeded().Changes);
        (await machine.Patch("--dry-run", "--plan", approved)).Failed("invalid-argument", exitCode: 2);
    }

    [Fact]
    public async Task A_pinned_plan_covers_what_goes_even_what_the_upgrade_itself_leaves_over()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("lab-lib", "1.0"), new Package("lab-web", "1.0") { Fields = "Depends: lab-lib" }, new("lab-old", "1.0"));
        await machine.Publish(new Package("lab-web", "2.0"));
        await machine.Succeed("apt-mark auto lab-lib");
        var approved = (await machine.Patch("--dry-run", "--autoremove")).Succeeded();
        Assert.Equal(["lab-lib"], approved.Removed);
        await machine.Succeed("apt-mark auto lab-old");

        var changed = (await machine.Patch("--autoremove", "--plan", approved.Fingerprint)).Failed("plan-changed");
        Assert.Equal(["lab-web 1.0 2.0"], changed.Changes);
        Assert.Equal(["lab-lib", "lab-old"], changed.Removed.Order());
        (await machine.Patch("--plan", approved.Fingerprint)).Failed("plan-changed"); // nor is less than what was approved
        Assert.Equal("1.0 installed", await machine.Version("lab-web"));
        Assert.Equal("1.0 installed", await machine.Version("lab-lib"));

        await machine.Succeed("apt-mark manual lab-old");
        var applied = (await machine.Patch("--autoremove", "--plan", approved.Fingerprint)).Succeeded();
        Assert.Equal(["lab-web 1.0 2.0"], applied.Changes);
        Assert.Equal(["lab-lib"], applied.Removed);
        Assert.Equal("1.0 installed", await machine.Version("lab-old"));
    }

    [Theory]
    [InlineData("6.8.12-9-pve", null, true)]
    [InlineData("6.8.12-13-pve", null, false)] // by version, not by name: 13 is newer than 9
    [InlineData("6.8.12-9-pve", "6.8.12-9-pve", false)] // a person pinned it
    [InlineData("6.8.12-13-pve", "6.8.12-9-pve", true)]
    public async Task A_host_wants_a_restart_when_the_next_one_would_bring_another_kernel(string running, string? pinned, bool wanted)
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "1.0")); // a repository without any package counts as none
        machine.Write("/usr/local/bin/uname", $"#!/bin/sh\n[ \"$1\" = -r ] && echo {running}\n");
        await machine.Succeed("chmod +x /usr/local/bin/uname; mkdir -p /boot; touch /boot/vmlinuz-6.8.12-9-pve /boot/vmlinuz-6.8.12-13-pve");
        if (pinned is not null)
        {
            machine.Write("/etc/kernel/proxmox-boot-pin", $"{pinned}\n");
        }

        Assert.Equal(wanted, (await machine.Patch("--dry-run", "--host")).Succeeded().RebootRequired);
        Assert.False((await machine.Patch("--dry-run")).Succeeded().RebootRequired); // a container has no kernel of its own
    }

    [Fact]
    public async Task A_host_without_any_of_Proxmox_kernels_does_not_know()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new Package("lab-web", "1.0"));
        await machine.Publish(new Package("lab-web", "1.0"));
        Assert.Null((await machine.Patch("--dry-run", "--host")).Succeeded().RebootRequired);
    }

    [Fact]
    public async Task An_excluded_kernel_of_one_naming_holds_the_kernels_of_both()
    {
        await using var machine = await DebianMachine.Start();
        await machine.Install(new("proxmox-kernel-6.8", "6.8.12-9"), new("lab-web", "1.0"));
        await machine.Publish(new Package("proxmox-kernel-6.8", "6.8.12-13") { Fields = "Depends: proxmox-kernel-6.8.12-13-pve-signed" }, new("proxmox-kernel-6.8.12-13-pve-signed", "6.8.12-13"), new("lab-web", "2.0"));
        var found = (await machine.Patch("--host", "--exclude", "pve-kernel-*")).Succeeded();
        Assert.Equal(["lab-web 1.0 2.0"], found.Changes);
        Assert.Contains(new HeldPackage("proxmox-kernel-6.8", "excluded"), found.Held);
        Assert.Contains("An excluded kernel holds all kernels of Proxmox VE, of both namings, with their metapackages.", found.Warnings);
    }

}

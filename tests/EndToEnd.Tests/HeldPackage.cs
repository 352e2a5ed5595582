namespace NannyOrleans.EndToEnd.Tests;

/// <summary>
/// A package in a container with an update that can be held at its download, its unpacking and the end of its configuration, and a
/// repository over HTTP that counts who asks. All of it lives in the container: nothing the agent does can know of it.
/// </summary>
internal sealed class HeldPackage(LabCluster lab, int vmid, string version) : IAsyncDisposable
{
    /// <summary>The version that is to be installed.</summary>
    public string New => version;

    /// <summary>Installs the old version, serves the new one. Whatever is named in <paramref name="held"/> waits for <see cref="Release"/>.</summary>
    /// <param name="end">What the new version's configuration does at last, as lines of shell.</param>
    /// <param name="held">Any of <c>download</c>, <c>unpack</c> and <c>end</c>.</param>
    public async Task Serve(string end, params string[] held)
    {
        await lab.Inside(vmid, "sh", "-c", Setup, "sh", version, end, string.Join(' ', held));
        await Waiting.Until(
            () => lab.Inside(vmid, "perl", "-MIO::Socket::INET", "-e", "print IO::Socket::INET->new('127.0.0.1:8099') ? 'up' : 'down'"), state => state is "up", "the repository");
    }

    /// <summary>Ends when the update is at this point and waits there.</summary>
    public Task Reached(string point) => Waiting.Until(
        () => lab.Inside(vmid, "sh", "-c", $"[ ! -e /run/held/{point}.reached ] || echo yes"), said => said is "yes\n", $"the update's {point}");

    /// <summary>Lets it go on.</summary>
    public Task Release(string point) => lab.Inside(vmid, "sh", "-c", $"echo > /run/held/{point}");

    /// <summary>How often a script asked for the lists: each run of one asks once.</summary>
    public async Task<int> ScriptRuns() => await Lines("/srv/held/requests", "GET /./Release ");

    /// <summary>How often the new version's script of this name ran.</summary>
    public async Task<int> Runs(string script) => await Lines("/srv/held/runs", $"{script} {version}");

    public async Task<string> Version() => await lab.Inside(vmid, "dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "held-up");

    /// <summary>How often dpkg began to upgrade to this version.</summary>
    public async Task<int> Upgrades() => await Lines("/var/log/dpkg.log", $" upgrade held-up:all 1.0 {version}");

    public async ValueTask DisposeAsync() => await lab.Inside(
        vmid,
        "sh", "-c", "rm -rf /etc/apt/sources.list.d/held-up.list /run/held; ! grep -q serve.pl \"/proc/$(cat /srv/held/pid)/cmdline\" || kill \"$(cat /srv/held/pid)\"; dpkg --force-all --purge held-up >/dev/null 2>&1; rm -rf /srv/held");

    private async Task<int> Lines(string file, string text) =>
        (await lab.Inside(vmid, "sh", "-c", "cat \"$1\" 2>/dev/null || :", "sh", file)).Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));

    private const string Setup =
        """
        set -e
        rm -rf /run/held /srv/held /tmp/held
        mkdir -p /run/held /srv/held /tmp/held /usr/local/bin
        cat >/usr/local/bin/held <<'HELD'
        #!/bin/sh
        [ -p "/run/held/$1" ] || exit 0
        : >"/run/held/$1.reached"
        read -r _ <"/run/held/$1"
        HELD
        chmod 755 /usr/local/bin/held
        build() {
            mkdir -p /tmp/held/DEBIAN /tmp/held/usr/share/held-up
            head -c 100000 /dev/urandom >/tmp/held/usr/share/held-up/content
            printf 'Package: held-up\nVersion: %s\nArchitecture: all\nMaintainer: Tests <tests@example.invalid>\nDescription: can be held\n' "$1" >/tmp/held/DEBIAN/control
            printf '#!/bin/sh\nset -e\necho "preinst %s" >>/srv/held/runs\n/usr/local/bin/held unpack\n' "$1" >/tmp/held/DEBIAN/preinst
            printf '#!/bin/sh\nset -e\necho "postinst %s" >>/srv/held/runs\n%s\n/usr/local/bin/held end\n' "$1" "$2" >/tmp/held/DEBIAN/postinst
            chmod 755 /tmp/held /tmp/held/DEBIAN /tmp/held/DEBIAN/p*inst
            dpkg-deb --root-owner-group -Zgzip --build /tmp/held "$3" >/dev/null
        }
        build 1.0 '' /tmp/old.deb
        dpkg -i /tmp/old.deb >/dev/null 2>&1
        build "$1" "$2" /srv/held/held-up.deb
        cd /srv/held
        { dpkg-deb --field held-up.deb
          printf 'Filename: ./held-up.deb\nSize: %s\nSHA256: %s\n\n' "$(stat -c %s held-up.deb)" "$(sha256sum held-up.deb | cut -d ' ' -f 1)"; } >Packages
        printf 'Origin: Held\nLabel: Held\nSuite: stable\nDate: %s\nArchitectures: amd64 all\nSHA256:\n %s %s Packages\n' \
            "$(date -u '+%a, %d %b %Y %H:%M:%S UTC')" "$(sha256sum Packages | cut -d ' ' -f 1)" "$(stat -c %s Packages)" >Release
        for point in $3; do mkfifo "/run/held/$point"; done
        cat >serve.pl <<'SERVE'
        use strict; use IO::Socket::INET;
        $SIG{PIPE} = $SIG{CHLD} = 'IGNORE';
        my $server = IO::Socket::INET->new(Listen => 9, LocalAddr => '127.0.0.1', LocalPort => 8099, ReuseAddr => 1) or die $!;
        while (1) {
            my $client = $server->accept or next;
            my $child = fork;
            next if $child || !defined $child;
            $SIG{CHLD} = 'DEFAULT';
            my $request = <$client>;
            exit unless defined $request;
            while (my $line = <$client>) { last if $line eq "\r\n" }
            open my $log, '>>', '/srv/held/requests'; print $log $request; close $log;
            my ($file) = $request =~ m{^GET /(?:\./)*([\w.-]+) };
            my $content = '';
            if (!$file || !open my $in, '<:raw', "/srv/held/$file") {
                print $client "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                exit;
            } else { local $/; $content = <$in>; }
            print $client "HTTP/1.1 200 OK\r\nContent-Length: " . length($content) . "\r\nConnection: close\r\n\r\n";
            if ($file =~ /deb$/) {
                print $client substr($content, 0, 50000, '');
                $client->flush;
                system '/usr/local/bin/held', 'download';
            }
            print $client $content;
            exit;
        }
        SERVE
        setsid perl serve.pl </dev/null >/dev/null 2>&1 &
        echo $! >pid
        echo 'deb [trusted=yes] http://127.0.0.1:8099 ./' >/etc/apt/sources.list.d/held-up.list
        """;
}

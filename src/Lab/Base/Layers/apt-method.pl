#!/usr/bin/perl
# apt's way to fetch http and https on a lab host: from the mirror in this root, as the real servers would answer.
use strict;
use warnings;
$| = 1;
print "100 Capabilities\nVersion: 1.2\nSingle-Instance: true\nPipeline: false\nSend-Config: true\n\n";
my %message;
my $kind = '';
while (my $line = <STDIN>) {
    chomp $line;
    if ($line ne '') {
        if ($kind eq '') { ($kind) = $line =~ /^(\d+)/; }
        elsif ($line =~ /^([^:]+):\s*(.*)$/) { $message{$1} = $2; }
        next;
    }
    fetch($message{URI}, $message{Filename}) if $kind eq '600';
    %message = ();
    $kind = '';
}

sub fails {
    my ($uri, $text, $reason) = @_;
    print "400 URI Failure\nURI: $uri\nFailReason: $reason\nMessage: $text\n\n";
}

sub fetch {
    my ($uri, $target) = @_;
    my ($scheme, $host, $path) = $uri =~ m{^(https?)://([^/]+)/(.*)$} or return fails($uri, 'Bad URI', 'BadURI');
    return fails($uri, "Temporary failure resolving '$host'", 'ResolveFailure') if -e '/var/lib/nanny-lab/unreachable';
    my $at = '[IP: 192.0.2.34 ' . ($scheme eq 'https' ? 443 : 80) . ']';
    if ($host eq 'enterprise.proxmox.com') {
        return fails($uri, "401  Unauthorized $at", 'HttpError401') unless -e '/etc/subscription';
        $host = 'download.proxmox.com';
        $path =~ s{dists/([^/]+)/pve-enterprise}{dists/$1/pve-no-subscription};
    }
    my $file = "/srv/mirror/$host/$path";
    return fails($uri, "404  Not Found $at", 'HttpError404') unless -f $file;
    my $size = -s $file;
    print "200 URI Start\nURI: $uri\nSize: $size\n\n";
    system('cp', '--', $file, $target) == 0 or return fails($uri, "Failed to write $target", 'WriteError');
    my ($sum) = `sha256sum '$file'` =~ /^([0-9a-f]+)/;
    print "201 URI Done\nURI: $uri\nFilename: $target\nSize: $size\nSHA256-Hash: $sum\n\n";
}

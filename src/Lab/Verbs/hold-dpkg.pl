# Holds dpkg's locks until it is killed, as a package manager that is at work: prints "held" once it has them.
use strict;
use warnings;
use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
use POSIX ();
pipe my $reader, my $writer or die "pipe: $!\n";
my $child = fork // die "fork: $!\n";
if ($child) {
    close $writer;
    my $said = <$reader> // "it ended\n";
    print $said;
    exit($said eq "held\n" ? 0 : 1);
}
POSIX::setsid();
# Or whoever waits for the end of our output would wait as long as the lock is held.
open STDIN, '<', '/dev/null';
open STDOUT, '>', '/dev/null';
open STDERR, '>', '/dev/null';
my @held;
for my $file ('/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/lock') {
    open my $lock, '>>', $file or say_and_end("$file: $!");
    my $all = pack('s s x4 q q i x4', F_WRLCK, SEEK_SET, 0, 0, 0); # struct flock, which fcntl writes to
    fcntl($lock, F_SETLK, $all) or say_and_end("$file is locked already");
    push @held, $lock;
}
open my $pid, '>', '/run/nanny-lab-dpkg.pid' or say_and_end("its pid: $!");
print $pid "$$\n";
close $pid;
syswrite $writer, "held\n";
close $writer;
sleep;

sub say_and_end {
    syswrite $writer, "$_[0]\n";
    exit 1;
}

# SPDX-License-Identifier: Apache-2.0
# perl load.pl SOCKET PATH CREDENTIAL-FILE STOP-FILE: asks with that credential again and again, over one connection as long as it lasts, until the
# file STOP-FILE exists. Prints for each answer when its request began (seconds), and the status; `away` where there was no connection, or no answer.
use strict;
use warnings;
use IO::Socket::UNIX;
use Time::HiRes qw(time sleep);

my ($path, $target, $file, $stop) = @ARGV;
$SIG{PIPE} = 'IGNORE';
$| = 1;
open my $input, '<', $file or die "$file: $!";
chomp(my $credential = <$input>);
my $request = "GET $target HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $credential\r\n\r\n";
my ($socket, $answered);

sub ask {
    syswrite $socket, $request or return;
    my $text = '';
    until ($text =~ /\r\n\r\n/) {
        sysread $socket, $text, 65536, length $text or return;
    }
    my ($length) = $text =~ /^content-length: (\d+)/im;
    my $end = index($text, "\r\n\r\n") + 4 + ($length // 0);
    while (length $text < $end) {
        sysread $socket, $text, 65536, length $text or return;
    }
    my ($status) = $text =~ m{^HTTP/1\.1 (\d+)};
    undef $socket if $text =~ /^connection: close/im;
    return $status;
}

until (-e $stop) {
    my $began = time;
    my $fresh = !$socket;
    $answered = 0 if $fresh;
    $socket //= IO::Socket::UNIX->new(Peer => $path);
    my $status = $socket ? ask() : undef;
    if (!defined $status) {
        undef $socket;
        next if !$fresh && $answered; # an idle connection that was closed: every gateway asks once more over a new one
        sleep 0.01;
    }
    $answered = 1;
    printf "%.6f %s\n", $began, $status // 'away';
    sleep 0.001;
}

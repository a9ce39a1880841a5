# SPDX-License-Identifier: Apache-2.0
# perl raw.pl SOCKET: sends standard input to a Unix socket as it is, closes its side of the connection, and prints what comes back until the other
# side closes, too.
use strict;
use warnings;
use IO::Select;
use IO::Socket::UNIX;

$SIG{PIPE} = 'IGNORE';
binmode STDIN;
binmode STDOUT;
my $socket = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$ARGV[0]: $!";
local $/;
my $bytes = <STDIN>;
while (length $bytes) {
    my $written = syswrite $socket, $bytes;
    last unless $written; # it does not want the rest
    substr($bytes, 0, $written) = '';
}
shutdown $socket, 1;
my $select = IO::Select->new($socket);
while ($select->can_read(60)) {
    my $got = sysread $socket, my $block, 65536;
    last unless $got;
    print $block;
}

# SPDX-License-Identifier: Apache-2.0
# Searches files and the memory of processes for secrets.
#
#   perl canaries.pl CANARIES PLACE...    CANARIES: lines `NAME TEXT`; TEXT that has the form of a credential stands for its secret, as digits,
#                                         as bytes, and as bytes in reverse. PLACE: a file, or pid:NUMBER for all that can be read of a
#                                         process. Prints `PLACE NAME COUNT` for what was found, and `# N places, M bytes` at the end.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use Math::BigInt;

my ($list, @places) = @ARGV;
my %canaries;
open my $lines, '<', $list or die "$list: $!\n";
while (<$lines>) {
    my ($name, $text) = /^(\S+) (\S+)$/ or next;
    if ($text =~ /_([0-9A-Za-z]{43})[0-9A-Za-z]{6}$/) {
        my ($digits, $number) = ($1, Math::BigInt->new(0));
        my @alphabet = (0 .. 9, 'A' .. 'Z', 'a' .. 'z');
        my %value = map { $alphabet[$_] => $_ } 0 .. 61;
        $number = $number * 62 + $value{$_} for split //, $digits;
        my $hex = substr $number->as_hex, 2;
        my $bytes = pack 'H*', '0' x (64 - length $hex) . $hex;
        $canaries{"$name-digits"} = $digits;
        $canaries{"$name-bytes"} = $bytes;
        $canaries{"$name-reversed"} = reverse $bytes;
    } else {
        $canaries{$name} = $text;
    }
}
die "no canaries\n" unless %canaries;

my ($places, $bytes) = (0, 0);
my %found;

sub search {
    my ($place, $memory) = @_;
    $bytes += length $$memory;
    for my $name (keys %canaries) {
        my $at = -1;
        $found{"$place $name"}++ while ($at = index $$memory, $canaries{$name}, $at + 1) >= 0;
    }
}

sub search_process {
    my ($place, $process) = @_;
    open my $maps, '<', "/proc/$process/maps" or die "/proc/$process/maps: $!\n";
    open my $image, '<:raw', "/proc/$process/mem" or die "/proc/$process/mem: $!\n";
    while (<$maps>) {
        my ($from, $to) = map { hex } /^([0-9a-f]+)-([0-9a-f]+) r/ or next;
        next if $to - $from > 1 << 30; # sanitizers' shadows
        sysseek $image, $from, 0 or next;
        my $memory = '';
        1 while sysread $image, $memory, $to - $from - length $memory, length $memory;
        search($place, \$memory) if length $memory;
    }
}

for my $place (@places) {
    $places++;
    if ($place =~ /^pid:(\d+)$/) {
        search_process($place, $1);
        next;
    }
    open my $file, '<:raw', $place or die "$place: $!\n";
    local $/;
    my $content = <$file> // '';
    search($place, \$content);
}
print "$_ $found{$_}\n" for sort keys %found;
print "# $places places, $bytes bytes\n";

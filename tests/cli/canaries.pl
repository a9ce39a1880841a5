# SPDX-License-Identifier: Apache-2.0
# Searches files and the memory of processes for secrets.
#
#   perl canaries.pl [-f] CANARIES PLACE...    CANARIES: lines `NAME TEXT`; TEXT that has the form of a credential stands for its secret, as digits,
#                                         as bytes, and as bytes in reverse. PLACE: a file, or pid:NUMBER for all that can be read of a
#                                         process. Prints `PLACE NAME COUNT` for what was found, and `# N places, M bytes` at the end. With
#                                         -f also each canary's forms: hexadecimal digits (together, or with blanks or colons), base64.
use strict;
use warnings;
no warnings 'portable'; # addresses have 64 bits
use Math::BigInt;
use MIME::Base64;

my $forms = @ARGV && $ARGV[0] eq '-f' && shift @ARGV;
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

# In base64 a text has three forms, by where it begins; what depends on its neighbours is left out.
if ($forms) {
    for my $name (keys %canaries) {
        my $hex = unpack 'H*', $canaries{$name};
        for my $between ('', ' ', ':') {
            my $spaced = join $between, $hex =~ /../g;
            $canaries{"$name-hex$between"} = $spaced;
            $canaries{"$name-HEX$between"} = uc $spaced;
        }
        for my $before (0 .. 2) {
            my $text = encode_base64(('x' x $before) . $canaries{$name}, '');
            $canaries{"$name-base64-$before"} = substr $text, $before ? 4 : 0, length($text) - ($before ? 8 : 4);
        }
    }
}

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

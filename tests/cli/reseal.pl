#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A forger who knows how entries are hashed: changes text in one entry of an export, and makes its leaf hash fit again.
#   reseal.pl VAULTID ENTRY FROM TO < export > forged
use strict;
use warnings;
use Digest::SHA qw(sha256_base64);
use Encode qw(encode);
use JSON::PP;

my ($vault, $wanted, $from, $to) = @ARGV;
my $json = JSON::PP->new->utf8->canonical;

sub text {
    my ($text) = @_;
    return pack('N', 0xffffffff) unless defined $text;
    my $bytes = encode('UTF-8', $text);
    return pack('N', length $bytes) . $bytes;
}

while (my $line = <STDIN>) {
    my $event = $json->decode($line);
    my $entry = $event->{unmapped}{sealring};
    if (defined $entry->{entry} && $entry->{entry} == $wanted) {
        $entry->{detail} =~ s/$from/$to/ or die "entry $wanted has no $from";
        my $hash = sha256_base64("\x00\x01" . pack('H32', $vault) . pack('Q>', $entry->{entry})
            . pack('H32', $entry->{operation_id}) . pack('Q>', $event->{time}) . pack('N', $entry->{version})
            . join('', map { text($entry->{$_}) } qw(actor act ring key_id client detail)));
        $hash .= '=' while length($hash) % 4;
        $entry->{leaf_hash} = $hash;
        $line = $json->encode($event) . "\n";
    }
    print $line;
}

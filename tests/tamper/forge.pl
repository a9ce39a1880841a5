#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What an attacker computes who has no token: a credential's text with a secret of his own, and a chain of closed facts made anew.
#
#   forge.pl text PREFIX KEYID VERSION    a well-formed text, with the right check digits
#   forge.pl chain DATABASE               SQL that gives each closed fact the hash that belongs behind the one before it
use strict;
use warnings;
use Compress::Zlib qw(crc32);
use Digest::SHA qw(sha256);

my @digits = ('0' .. '9', 'A' .. 'Z', 'a' .. 'z');

sub text {
    my ($prefix, $key_id, $version) = @_;
    # The first of 43 digits stays 0, so that the number is below 2^256.
    my $text = "${prefix}_${key_id}_${version}_0" . join('', map { $digits[rand @digits] } 1 .. 42);
    my ($crc, $check) = (crc32($text), '');
    for (1 .. 6) {
        $check = $digits[$crc % 62] . $check;
        $crc = int($crc / 62);
    }
    print "$text$check\n";
}

sub chain {
    my ($database) = @_;
    my $before = "\0" x 32;
    open my $rows, '-|', 'sqlite3', $database,
        'SELECT sequence, kind, hex(key_id), hex(ring_id), version, state, hex(value) FROM closed_fact ORDER BY sequence' or die;
    while (<$rows>) {
        chomp;
        my ($sequence, $kind, $key_id, $ring_id, $version, $state, $value) = (split(/\|/), '');
        $value = pack('H*', $value);
        my $fact = $kind == 1 ? pack('H*', $key_id) : pack('H*N', $ring_id, $version);
        my $rest = length $value ? pack('N', length $value) . $value : '';
        $before = sha256($before . chr(length $value ? $kind | 0x10 : $kind) . $fact . chr($state) . $rest);
        print "UPDATE closed_fact SET hash = X'", unpack('H*', $before), "' WHERE sequence = $sequence;\n";
    }
}

my $what = shift // '';
$what eq 'text' ? text(@ARGV) : $what eq 'chain' ? chain(@ARGV) : die "forge.pl text|chain ...\n";

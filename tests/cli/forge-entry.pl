#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A forger who can write the registry and knows how entries are hashed: SQL that appends an entry to the log.
#   forge-entry.pl VAULTID NUMBER ACT DETAIL
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my ($vault, $number, $act, $detail) = @ARGV;
my $operation = 'a' x 32;
my $time = time() * 1000;

sub text {
    my ($text) = @_;
    return pack('N', 0xffffffff) unless defined $text;
    return pack('N', length $text) . $text;
}

my $hash = sha256_hex("\x00\x01" . pack('H32', $vault) . pack('Q>', $number) . pack('H32', $operation) . pack('Q>', $time) . pack('N', 0)
    . join('', map { text($_) } 'root@host 1', $act, undef, undef, undef, $detail));
$detail =~ s/'/''/g;
print "INSERT INTO audit (sequence, operation_id, time, actor, act, version, detail, leaf_hash) ",
    "VALUES ($number, X'$operation', $time, 'root\@host 1', '$act', 0, '$detail', X'$hash');\n";

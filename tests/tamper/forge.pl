#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What an attacker computes who has no token: a credential's text with a secret of his own, and a chain of closed facts made anew.
#
#   forge.pl text PREFIX KEYID VERSION    a well-formed text, with the right check digits
#   forge.pl claim DATABASE KEYID         a claim code of his own, and the digest that a fact has of it
#   forge.pl chain DATABASE               SQL that gives each closed fact the hash that belongs behind the one before it
#   forge.pl record DATABASE [vault.unsigned]              SQL that adds a fact for each ring and version whose row is not what the last one contains
#   forge.pl key DATABASE KEY.pem         the text of a key of his own (Ed25519), as the registry or sealring.conf could name it
#   forge.pl checkpoint DATABASE KEY.pem TIME MORE         SQL that adds a checkpoint of the registry as it is, for MORE entries than it has, signed by that key
use strict;
use warnings;
use MIME::Base64 qw(encode_base64);
use Compress::Raw::Zlib qw(crc32);
use Digest::SHA qw(sha256);

my @digits = ('0' .. '9', 'A' .. 'Z', 'a' .. 'z');

sub check {
    my ($crc, $check) = (crc32($_[0]), '');
    for (1 .. 6) {
        $check = $digits[$crc % 62] . $check;
        $crc = int($crc / 62);
    }
    return $check;
}

sub text {
    my ($prefix, $key_id, $version) = @_;
    # The first of 43 digits stays 0, so that the number is below 2^256.
    my $text = "${prefix}_${key_id}_${version}_0" . join('', map { $digits[rand @digits] } 1 .. 42);
    print $text, check($text), "\n";
}

sub claim {
    my ($database, $key_id) = @_;
    my ($vault) = query($database, 'SELECT hex(vault_id) FROM vault');
    my $code = "claim_${key_id}_" . join('', map { $digits[rand @digits] } 1 .. 22);
    $code .= check($code);
    print "$code ", unpack('H*', sha256("sealring claim v1\0" . pack('H*', $vault) . $code)), "\n";
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

sub record {
    my ($database, $file) = @_;
    my $noted;
    if ($file) { open $noted, '>>', $file or die; }
    my $lines = "|| char(10) ||";
    my $last = "SELECT f.state || ' ' || hex(f.value) FROM closed_fact f WHERE f.kind = 2 AND f.ring_id = r.ring_id";
    my $order = "ORDER BY f.sequence DESC LIMIT 1";
    my $ring = join " $lines ", map { "r.$_" } qw(name prefix overlap purge_delay keep rotate_every quiet_period standby idle_blocks usage_hourly
        usage_daily succession rotation_held last_version renew renew_life renew_age deliver leaks);
    my $version = join " $lines ", 'lower(hex(v.object_id))', 'lower(hex(v.check_value))', 'v.prf', 'v.origin', "lower(hex(coalesce(v.public_key, '')))",
        map { "v.$_" } qw(was_compromised activated retire_at closed purge_at destroyed);
    open my $head, '-|', 'sqlite3', $database, 'SELECT sequence, hex(hash) FROM closed_fact ORDER BY sequence DESC LIMIT 1' or die;
    my ($sequence, $hash) = split /\||\n/, <$head>;
    my $first = $sequence;
    my $before = pack('H*', $hash);
    open my $rows, '-|', 'sqlite3', $database, "SELECT hex(r.ring_id), 0, 1, hex($ring), ($last AND f.version = 0 $order) FROM ring r
        UNION ALL SELECT hex(r.ring_id), v.number, v.state, hex($version), ($last AND f.version = v.number $order)
        FROM version v JOIN ring r ON r.id = v.ring" or die;
    while (<$rows>) {
        chomp;
        my ($ring_id, $number, $state, $value, $fact) = (split(/\|/), '');
        next if $fact eq "$state $value";
        my $bytes = pack('H*', $value);
        $sequence++;
        $before = sha256($before . chr(0x12) . pack('H*N', $ring_id, $number) . chr($state) . pack('N', length $bytes) . $bytes);
        print "INSERT INTO closed_fact VALUES ($sequence, 2, '', X'$ring_id', $number, $state, X'", unpack('H*', $before),
            "', CAST(X'$value' AS TEXT));\n";
    }
    my ($era) = query($database, 'SELECT hex(era) FROM vault');
    print $noted 'act ', lc $era, ' 0 ', '0' x 64, " $first $sequence ", unpack('H*', $before), "\n" if $noted;
}

sub query { # DATABASE SQL: the columns of the first row
    open my $rows, '-|', 'sqlite3', $_[0], $_[1] or die;
    my $row = do { local $/; <$rows> } // '';
    chomp $row;
    return split /\|/, $row;
}

sub origin {
    my ($database) = @_;
    return 'sealring/' . lc((query($database, 'SELECT hex(vault_id) FROM vault'))[0]);
}

# C2SP signed-note: the ID is the beginning of SHA-256 of the name, a newline, the type 1 and the public key.
sub public_key {
    my ($name, $file) = @_;
    open my $der, '-|:raw', 'openssl', 'pkey', '-in', $file, '-pubout', '-outform', 'DER' or die;
    my $public = "\x01" . substr(do { local $/; <$der> }, -32);
    return ($public, substr(sha256("$name\n$public"), 0, 4));
}

sub key {
    my ($database, $file) = @_;
    my $name = origin($database);
    my ($public, $id) = public_key($name, $file);
    print "$name+", unpack('H*', $id), '+', encode_base64($public, ''), "\n";
}

sub checkpoint {
    my ($database, $file, $time, $more) = @_;
    my $name = origin($database);
    my ($size) = query($database, 'SELECT max(sequence) FROM audit');
    my ($era) = query($database, 'SELECT hex(era) FROM vault');
    my ($closed, $hash) = query($database, 'SELECT sequence, hex(hash) FROM closed_fact ORDER BY sequence DESC LIMIT 1');
    my ($root) = (query($database, 'SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1'))[0] =~ /^.*\n.*\n(.*)\n/;
    $size += $more;
    my $text = join "\n", $name, $size, $root, 'era ' . lc $era, "closed $closed " . encode_base64(pack('H*', $hash), ''), "time $time", '';
    open my $out, '>', "$file.text" or die;
    print $out $text;
    close $out;
    open my $signed, '-|:raw', 'openssl', 'pkeyutl', '-sign', '-inkey', $file, '-rawin', '-in', "$file.text" or die;
    my $signature = do { local $/; <$signed> };
    my (undef, $id) = public_key($name, $file);
    my $note = "$text\n\xe2\x80\x94 $name " . encode_base64($id . $signature, '') . "\n";
    print "INSERT OR REPLACE INTO checkpoint (size, time, note) VALUES ($size, $time, '$note');\n";
}

my $what = shift // '';
my %sub = (text => \&text, claim => \&claim, chain => \&chain, record => \&record, key => \&key, checkpoint => \&checkpoint);
die "forge.pl text|claim|chain|record|key|checkpoint ...\n" if !$sub{$what};
$sub{$what}->(@ARGV);

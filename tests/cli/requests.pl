#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Makes requests for the example server out of issued credentials, and the answers that are right: see install.sh.
#
#   requests.pl ISSUED.csv REVOKED REQUESTS ANSWERS
use strict;
use warnings;

my ($issued_path, $revoked_path, $requests_path, $answers_path) = @ARGV;
my @alphabet = ('0' .. '9', 'A' .. 'Z', 'a' .. 'z');

# CRC-32 as in zlib, as six base62 digits: a forger can compute these, so they must not count for anything.
sub check_digits {
    my ($text) = @_;
    my $crc = 0xffffffff;
    for my $byte (unpack 'C*', $text) {
        $crc ^= $byte;
        $crc = $crc & 1 ? ($crc >> 1) ^ 0xedb88320 : $crc >> 1 for 1 .. 8;
    }
    $crc ^= 0xffffffff;
    my $digits = '';
    for (1 .. 6) {
        $digits = $alphabet[$crc % 62] . $digits;
        $crc = int($crc / 62);
    }
    return $digits;
}

my %revoked;
open my $file, '<', $revoked_path or die "$revoked_path: $!\n";
while (<$file>) { chomp; $revoked{$_} = 1; }
close $file;

my @keys;
open $file, '<', $issued_path or die "$issued_path: $!\n";
<$file>;
while (<$file>) {
    chomp;
    my ($client, undef, $key_id, $version, undef, undef, $scopes, $credential) = split /,/;
    push @keys, { client => $client, key_id => $key_id, version => $version, scopes => $scopes, text => $credential };
    my $body = substr $credential, 0, -6;
    die "the check digits of an issued credential are not CRC-32\n" if check_digits($body) ne substr $credential, -6;
}
close $file;
die "no credentials\n" unless @keys;

my $invalid = 'WWW-Authenticate: Bearer realm="example", error="invalid_token"';
my $insufficient = 'WWW-Authenticate: Bearer realm="example", error="insufficient_scope", scope="write"';
my $nobody = "\tclient= key= version=0";

# The answer to a credential that was issued.
sub honest {
    my ($key) = @_;
    my $holder = "\tclient=$key->{client} key=$key->{key_id} version=$key->{version}";
    return "401 revoked $invalid$holder" if $revoked{$key->{key_id}};
    return "403 scope $insufficient$holder" unless " $key->{scopes} " =~ / write /;
    return "200 accepted$holder";
}

# Another secret under the same key ID, its check digits right.
sub forged {
    my ($key) = @_;
    my $body = substr $key->{text}, 0, -6;
    my $last = substr $body, -1, 1, '';
    $body .= $last eq '7' ? '8' : '7';
    return $body . check_digits($body);
}

# A key ID that was never given out, its check digits right.
sub stranger {
    my ($key) = @_;
    my $body = substr $key->{text}, 0, -6;
    $body =~ s/\Q$key->{key_id}\E/join '', map { $alphabet[rand 62] } 1 .. 16/e;
    return $body . check_digits($body);
}

my @kinds = (
    sub { ($_[0]{text}, honest($_[0])) },
    sub { ($_[0]{text}, honest($_[0])) },
    sub { (forged($_[0]), "401 bad-secret $invalid$nobody") },
    sub { (stranger($_[0]), "401 unknown $invalid$nobody") },
    sub { ($_[0]{text}, honest($_[0])) },
    sub { my $t = $_[0]{text}; my $l = chop $t; ($t . ($l eq 'a' ? 'b' : 'a'), "401 malformed $invalid$nobody") },
    sub { (substr($_[0]{text}, 0, 5 + rand 60), "401 malformed $invalid$nobody") },
    sub { ('', '401 missing WWW-Authenticate: Bearer realm="example"') },
    sub { ("\x00\xff'; DROP TABLE version; --" . ('A' x rand 5000), "401 malformed $invalid$nobody") },
    sub { ($_[0]{text}, honest($_[0])) },
);

srand 1;
open my $requests, '>', $requests_path or die "$requests_path: $!\n";
open my $answers, '>', $answers_path or die "$answers_path: $!\n";
for my $number (1 .. 2000) {
    my ($text, $answer) = $kinds[rand @kinds]->($keys[rand @keys]);
    print {$requests} "$text\n";
    print {$answers} "$number $answer\n";
}
close $requests or die "$requests_path: $!\n";
close $answers or die "$answers_path: $!\n";

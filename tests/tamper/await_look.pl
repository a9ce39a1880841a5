# SPDX-License-Identifier: Apache-2.0
# Waits for two more reports of whoever owns the one report file: one whole look has begun and ended then. Also ends when that process has, and after
# five seconds when it has logged something: a look that fails makes no report.
# usage: perl await_look.pl VERIFIERS PROCESS LOG
use strict;
use warnings;
use Time::HiRes qw(sleep time);

my ($verifiers, $process, $log) = @ARGV;

# report_format.h
sub report_number {
    my ($file) = glob "'$verifiers'/*.report";
    open my $report, '<:raw', $file // return 0 or return 0;
    seek $report, 296, 0 or return 0;
    my $length = read $report, my $bytes, 8;
    return $length == 8 ? unpack 'Q', $bytes : 0;
}

sub is_gone {
    open my $status, '<', "/proc/$process/status" or return 1;
    return !grep { /^State:.*[RSDTt] / } <$status>;
}

sub has_warned {
    open my $lines, '<', $log or return 0;
    return grep { !/^\S+: info: / } <$lines>;
}

my $next = report_number() + 1;
my $started = time;
until (report_number() > $next || is_gone()) {
    exit 1 if time - $started > 60;
    exit 0 if time - $started > 5 && has_warned();
    sleep 0.05;
}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Report files that say what cannot be: every command that reads them goes on, passes such a record over, and takes nothing from it.
# shellcheck disable=SC2086 # a list of words
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v perl >/dev/null || bail_out "perl is missing: sh tools/packages.sh test"

must init --lease 1s
must ring create payments --overlap 1h --quiet-period 1s
must client add acme
must issue payments --client acme --scope read
cp "$work/out" "$work/credential"
key=$(cut -d_ -f2 "$work/credential")
run_with "$work/credential" verify --scope read # a verifier with a report of its own
status_is 0 "the credential is good"
report=$(echo "$SEALRING_VAULT"/verifiers/*.report)
# The command has harvested its own report: what is in the file counts again.
sqlite3 "$SEALRING_VAULT/registry/sealring.db" "DELETE FROM usage_hour; DELETE FROM usage_traffic; DELETE FROM usage_seat" ||
    bail_out "the registry's tables are others"
cp -a "$SEALRING_VAULT" "$work/good"
put_back() { # a harvest reads a dead verifier's file once
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/good" "$SEALRING_VAULT"
}
run usage --json
json_is '[.usage[].accepted] | add' 1 "the report's use counts"
put_back

# report_format.h: OFFSET of a header's field, or of one in the first credential's (c) or version's (v) record; then 8 bytes, or a text.
poke() { # FIELD=VALUE...
    perl -e '
        my %at = (process => 240, joined => 248, number => 296, epoch => 320, boot => 328, wall => 336, lease => 344, without => 360, alarms => 376,
            alarm => 384, host => 96, lane => 4096, "v.proved" => 16, "v.used" => 24, "v.ring" => 8, "c.key" => 8, "c.accepted" => 24, "c.used" => 32,
            "c.closed" => 52);
        my $file = shift;
        open my $f, "+<:raw", $file or die;
        local $/;
        my $bytes = <$f>;
        my $cells = unpack "V", substr $bytes, 352, 4;
        my %first;
        for (my $cell = 0; $cell < $cells;) {
            my $kind = unpack "V", substr $bytes, 12288 + 64 * $cell, 4;
            $first{$kind == 1 ? "v" : "c"} //= 12288 + 64 * $cell;
            $cell += $kind == 1 ? 3 : 1;
        }
        for (@ARGV) {
            my ($name, $value) = split /=/, $_, 2;
            my $place = $at{$name} // die "no $name";
            if ($name =~ /^([cv])[.]/) { $place += $first{$1} // die "no record for $name" }
            substr($bytes, $place, length $value) = $value, next if $name =~ /^(alarm|host)$/;
            substr($bytes, $place, 8) = pack "Q<", $value;
        }
        seek $f, 0, 0;
        print $f $bytes;' "$report" "$@" || bail_out "the report file cannot be changed: $*"
}
reads() { # WHAT: all that reads reports
    for command in status usage "usage --by hour --json" "verifier list --all --json" "run --once" doctor "key show $key" "retire payments 1 --dry-run" \
        "key suspend $key" "status --json" "usage --json"; do
        # shellcheck disable=SC2086 # words
        run $command
        [ "$status" -lt 128 ] || echo "sealring $command ends with status $status"
        case "$status $command" in
        0* | 5*retire* | 1*retire* | 1*doctor*) ;;
        *) echo "sealring $command: status $status: $(head -n 1 "$work/err")" ;;
        esac
    done >"$work/bad"
    ! [ -s "$work/bad" ]
    report_case=$?
    run usage --json
    report $report_case "$1" "$(head -n 3 "$work/bad" | tr '\n' ' ')"
    put_back
}

largest=9223372036854775807
for calls in 1125899906842624 4503599627370495 $largest 18446744073709551615; do
    poke c.accepted=$calls
    reads "a count of $calls"
done
json_is '[.usage[].accepted] | add' 0 "what cannot be counts for nothing"
poke c.used=$largest v.used=$largest
reads "a last use that no calendar has"
poke c.used=18446744073709551615 v.used=18446744073709551615
reads "one before 1970"
poke c.key=18446744073709551615 v.ring=0
reads "rows that there cannot be"
poke v.proved=18446744073709551615 epoch=18446744073709551615
reads "an epoch that there cannot be"
poke number=18446744073709551615 alarms=18446744073709551615 without=18446744073709551615
reads "numbers beyond what the registry stores"
poke process=18446744073709551615 joined=18446744073709551615 wall=$largest boot=18446744073709551615 lease=$largest
reads "times before the first and after the last"
poke lane=18446744073709551615
reads "sums that overflow"
poke "host=$(printf 'h\033[31m\377\302\233')"
reads "a host name of control characters"
for length in 0 13 4096 12287 12288 12300 20000; do
    truncate -s $length "$report"
    reads "a file of $length bytes"
done
poke alarms=3 "alarm=$(printf 'A%.0s' $(seq 512))"
run run --once
run audit show --json
json_is '[.entries[] | select(.act == "alarm")] | .[-1].detail | tostring | test("A{500}") and (test("A{512}") | not)' true "an alarm without an end ends"
put_back

# Sums in the registry's own rows.
must run --once
sqlite3 "$SEALRING_VAULT/registry/sealring.db" "UPDATE usage_hour SET accepted = $largest, scope = $largest; UPDATE usage_traffic SET accepted = $largest, rejected = $largest;
    INSERT INTO usage_day SELECT api_key, serial, hour / 24, ring, version, $largest, 0, 0, 0, $largest, 0, last_use FROM usage_hour LIMIT 1" 2>"$work/err" ||
    bail_out "the registry's tables are others"
reads "rows whose sum overflows"

done_testing

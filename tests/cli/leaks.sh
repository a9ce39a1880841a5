#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sealring leaks: credentials are found in any text, verified, and acted on by the ring's policy; each report is recorded once, and is shown until
# somebody acts on the API key.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

database=$SEALRING_VAULT/registry/sealring.db
issue() { # RING CLIENT
    run client add "$2"
    must issue "$1" --client "$2"
    tr -d '\n' <"$work/out" >"$work/$2"
}
key_of() { # CLIENT
    cut -d_ -f3 "$work/$1"
}
report_leak() { # FILE OPTION...
    leak=$1
    shift
    run leaks report "$leak" --json "$@"
}
results() { # of the last one, without empty texts
    jq -r '[.leaks[] | "\(.client):\(.result)"] | join(" ")' "$work/out"
}
entries() { # ACT
    sqlite3 "$database" "SELECT count(*) FROM audit WHERE act = '$1'"
}

must init
for policy in alarm suspend rekey; do
    must ring create $policy --prefix acme_$policy --leaks $policy
    issue $policy in-$policy
    issue $policy second-$policy
done

# ---- found in any text
cat >"$work/paste" <<TEXT
2026-12-01 GET /?key=$(cat "$work/in-alarm")&x=1 200
export ACME_KEY="$(cat "$work/in-suspend")"; glued$(cat "$work/in-rekey")glued
the same again: $(cat "$work/in-alarm")
a typing error: $(sed 's/.$/_/' "$work/in-alarm")
TEXT
printf '\377\000\033[31m' >>"$work/paste"
report_leak "$work/paste"
status_is 0 "a report without --apply"
is "$(results)" "in-alarm:found in-suspend:found in-rekey:found" "finds each credential once, whatever surrounds it"
is "$(entries key.leak)" 0 "and changes nothing"
run_with "$work/paste" leaks report -
succeeds "from standard input"
out_like 'it is valid; the ring.s policy is suspend: give --apply' "it proposes what to do"
nowhere "$(cat "$work/in-alarm")" "without the secret"
for client in in-alarm in-suspend in-rekey; do
    run_with "$work/$client" verify
    status_is 0 "$client is still accepted"
done
printf 'nothing of that kind: acme_alarm_%s_1_x\n' "$(key_of in-alarm)" >"$work/clean"
run leaks report "$work/clean"
status_is 1 "a text without a credential"
err_like 'no credential' "as it reports"
run leaks report "$work/absent"
status_is 1 "no such file"
head -c 1100000 /dev/zero >"$work/long"
run leaks report "$work/long"
status_is 1 "a long text"
err_like 'longer than 1 MiB' "as it reports"

# ---- strangers: other vault, wrong secret
SEALRING_VAULT=$work/other
must init
must ring create alarm --prefix acme_alarm
issue alarm stranger
SEALRING_VAULT=$work/vault
perl -e 'use Compress::Zlib; my ($text) = @ARGV; $text =~ s/(.{43})(.{6})$//; my $secret = $1; $secret =~ tr/a-y/b-ya/;
    my $body = $text . $secret; my $crc = crc32($body); my @digits = (0 .. 9, "A" .. "Z", "a" .. "z"); my $check = "";
    for (1 .. 6) { $check = $digits[$crc % 62] . $check; $crc = int($crc / 62); } print $body . $check' "$(cat "$work/in-suspend")" >"$work/forged"
report_leak "$work/stranger" --apply
is "$(jq -r '.leaks[0].result' "$work/out")" unknown "a credential of another vault"
report_leak "$work/forged" --apply
is "$(jq -r '.leaks[0].result + ": " + .leaks[0].reason' "$work/out")" "unknown: the key ID is known, the secret is not" "a wrong secret"
is "$(entries key.leak)" 0 "nothing was recorded"
run_with "$work/in-suspend" verify
status_is 0 "nothing was suspended"

# ---- the policies
must backup "$work/backup"
report_leak "$work/paste" --apply --url "https://git.example/$(cat "$work/in-alarm")"
status_is 2 "an address with a credential in it is refused, as on every command line"
report_leak "$work/paste" --apply --url "https://git.example/$(printf '\033[31m')x"
status_is 0 "with --apply"
is "$(results)" "in-alarm:alarmed in-suspend:suspended in-rekey:rekeyed" "each ring's policy is carried out"
run_with "$work/in-alarm" verify
status_is 0 "alarm: the credential is accepted"
run_with "$work/in-suspend" verify
out_like 'suspended' "suspend: it is not"
run_with "$work/in-rekey" verify
status_is 1 "rekey: it is not"
must reissue "$(key_of in-rekey)"
cp "$work/out" "$work/successor"
run_with "$work/successor" verify
status_is 0 "rekey: the new one is handed out by reissue, and accepted"
is "$(entries key.leak) $(entries key.suspend) $(entries key.rekey)" "3 1 1" "one entry about each leak"
is "$(sqlite3 "$database" "SELECT count(*) FROM audit WHERE instr(detail, 'u001b') > 0")" 0 "the control character in the address is recorded nowhere"

report_leak "$work/paste" --apply
is "$(results)" "in-alarm:known in-suspend:known in-rekey:ended" "the same once more"
is "$(entries key.leak) $(entries key.suspend) $(entries key.rekey)" "3 1 1" "does nothing"
must key resume "$(key_of in-suspend)"
report_leak "$work/paste" --apply
run_with "$work/in-suspend" verify
status_is 0 "what an operator has resumed is not suspended again"

# ---- shown until somebody acts
run leaks list --json
is "$(jq -r '[.leaks[] | "\(.client) \(.done)"] | join(", ")' "$work/out")" "in-alarm nothing, in-rekey rekeyed" \
    "the one that was resumed is not open any more"
run status
out_like 'a credential of client in-alarm was found at https://git.example/' "status shows it"
run status --json
is "$(jq -r '.rings[] | select(.name == "alarm").leaks[0].client' "$work/out")" in-alarm "also as JSON"
run doctor --json
is "$(jq -r '[.doctor.findings[] | select(.code == "key-leaked") | .object] | length' "$work/out")" 2 "the doctor has findings"
run leaks list alarm
out_like "$(key_of in-alarm)" "those of a ring"
nowhere "$(key_of in-rekey)" "only"
must leaks ack "$(key_of in-rekey)" --reason "delivered" --dry-run
must leaks ack "$(key_of in-rekey)" --reason "delivered"
run leaks ack "$(key_of in-rekey)"
status_is 1 "what is not open"
err_like 'no leak of API key .* is open' "cannot be acknowledged"
must revoke "$(key_of in-alarm)"
run leaks list
err_like 'no report of a leak is open' "a revocation ends it, too"

# ---- where rekeying is not possible, and with a token that is away
must ring create lone --prefix acme_lone --leaks rekey
issue lone in-lone
must rotate lone --no-wait
must compromise lone 2 --no-wait
report_leak "$work/in-lone" --apply
is "$(results)" "in-lone:suspended" "without an active version the API key is suspended instead"
report_leak "$work/second-suspend" --apply --dry-run
is "$(results)" "second-suspend:suspended" "a dry run reports what would happen"
run_with "$work/second-suspend" verify
status_is 0 "and does nothing"
mv "$SEALRING_VAULT/tokens" "$SEALRING_VAULT/away"
report_leak "$work/stranger" --apply
is "$(jq -r '.leaks[0].result' "$work/out")" unknown "strangers never reach the token"
mv "$SEALRING_VAULT/away" "$SEALRING_VAULT/tokens"
must audit verify

# ---- a restore repeats the log
must audit export
cp "$work/out" "$work/export"
run restore "$work/backup" --log "$work/export"
succeeds "a restore with the log"
run leaks list --json
is "$(jq -r '[.leaks[].client] | join(" ")' "$work/out")" in-lone "has the same open leaks"
done_testing

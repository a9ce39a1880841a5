#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The guard succession: no version retires while an API key in use has no successor.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

key() { # RING NAME [OPTION]: a key of that client, used once; its credential in NAME.key
    "$SEALRING" client add "$2" >/dev/null 2>&1
    must issue "$1" --client "$2" --out "$work/$2.key" "$3" "$4"
    run_with "$work/$2.key" verify
    [ "$status" -eq 0 ] || bail_out "the key of $2 is not good"
}

# The same with an end that comes soon, but not before the use: on a host under load a longer life is tried.
brief_key() { # RING NAME
    "$SEALRING" client add "$2" >/dev/null 2>&1
    for life in 2 10 40; do
        rm -f "$work/$2.key"
        run issue "$1" --client "$2" --label "$life" --expires ${life}s --out "$work/$2.key"
        run_with "$work/$2.key" verify
        [ "$status" -ne 0 ] || return 0
    done
    bail_out "the key of $2 ended before its use"
}

key_id() { # NAME
    cut -d_ -f2 "$work/$1.key"
}

expired() { # NAME
    run_with "$work/$1.key" verify
    matches "$work/out" '^expired'
}

gate_is_open() { # RING VERSION
    run retire "$1" "$2" --dry-run
    ! grep -q 'window ends\|in use\|it was used\|do not show' "$work/err" "$work/out"
}

state() { # RING VERSION
    "$SEALRING" ring show "$1" --json | jq -r ".ring.version_list[] | select(.version == $2).state"
}

must init --lease 1s

# ---- the policy ----

must ring create pay --overlap 1s --quiet-period 1s --keep 2
is "$("$SEALRING" ring show pay --json | jq -r .ring.succession)" 400d "a ring asks for successors by default"
run ring show pay
out_like 'succession *API keys used within 400d need a successor' "for people, too"
must ring set pay --succession off
is "$("$SEALRING" ring show pay --json | jq -c .ring.succession)" null "it can be turned off"
run ring show pay
out_like 'succession *off' "for people, too"
for wrong in 1h 4000d none ''; do
    run ring set pay --succession "$wrong"
    status_is 2 "--succession '$wrong' is refused"
done
must ring set pay --succession 30d

# ---- an operator ----

key pay weekly --label default
key pay suspended --label default
key pay revoked --label default
brief_key pay short
must client add never
must issue pay --client never --out "$work/never.key"
must rotate pay
must key suspend "$(key_id suspended)"
must revoke "$(key_id revoked)"
until_true expired short || bail_out "never: expired short"
until_true gate_is_open pay 1 || bail_out "never: gate_is_open pay 1"

run retire pay 1
status_is 5 "a version does not retire while a key in use has no successor"
err_like "1 API key used in the last 30d has no credential newer than version 1: $(key_id weekly) of weekly .*; run .sealring reissue pay --all --out DIR/" \
    "the key is named, and the command; suspended, revoked, expired and unused ones are not"
run retire pay 1 --overrule "nobody of importance"
status_is 5 "to overrule the gate is not to overrule succession"
run retire pay 1 --overrule-succession ''
status_is 2 "to overrule it takes a reason"
run retire pay 1 --overrule-succession a --reason b
status_is 2 "one reason"

# ---- automation ----

run run --once
succeeds "run goes on"
out_like "pay: waiting to retire version 1: .*$(key_id weekly) of weekly" "run retires nothing, and names who is missing"
run status pay
matches "$work/out" weekly
report $? "status names who is missing"
is "$(state pay 1)" retiring "the version is retiring still"
must key resume "$(key_id suspended)"
run retire pay 1
err_like '2 API keys' "a key that was resumed counts again"

# ---- with successors ----

must reissue "$(key_id weekly)" --out "$work/weekly.new"
run retire pay 1
err_like "1 API key .*$(key_id suspended)" "who has a successor is missing no more"
run retire pay 1 --overrule-succession "suspended for good"
succeeds "succession is overruled by its own option"
is "$(state pay 1)" retired "and the version is retired"
is "$(sqlite3 "$SEALRING_VAULT/registry/sealring.db" "SELECT count(*) FROM audit WHERE act = 'version.retire' AND detail LIKE '%overruled: 1 API key%' AND detail LIKE '%suspended for good%'")" \
    1 "the reason, and who is locked out, are on the record"

# A successor under a version that is closed is none: version 2 is compromised, and its clients' only other credential is retired.
must ring create two --overlap 1s --quiet-period 1s
key two mover --label default
must rotate two
must reissue "$(key_id mover)" --out "$work/mover.new"
must rotate two
must compromise two 2
until_true gate_is_open two 1 || bail_out "never: gate_is_open two 1"
run retire two 1
status_is 5 "a successor under a compromised version does not count"
must compromise two 1
succeeds "nothing holds up a compromise"

# Back to version 1: its credential was issued before, so whoever moved to version 2 needs another one.
must ring create back --overlap 1s --quiet-period 1s
key back client --label default
must rotate back
must reissue "$(key_id client)" --out "$work/client.new"
run_with "$work/client.new" verify
must rollback back
until_true gate_is_open back 2 || bail_out "never: gate_is_open back 2"
run retire back 2
status_is 5 "after a rollback the newest credential counts, not the highest number"
must reissue "$(key_id client)" --out "$work/client.third"
run retire back 2
succeeds "with one under the active version the other one retires"

# ---- uses that were not read ----

# opened RING: a ring whose version 1 may retire, but for succession; its key, of client RING, was used.
opened() {
    must ring create "$1" --overlap 1s --quiet-period 1s
    key "$1" "$1" --label default
    must rotate "$1"
}

# What is used from now on is in report files that nothing else is in.
fresh_reports() {
    must usage # all that is in the files so far
    rm -f "$SEALRING_VAULT/verifiers/"*.report
}

held_up() { # RING NAME REGEX
    until_true gate_is_open "$1" 1 || bail_out "never: gate_is_open $1 1"
    run retire "$1" 1
    status_is 5 "$2: the version does not retire"
    err_like "is not fully known: .*/verifiers/.*\.report $3" "$2: the file is named, and what to do"
    run run --once
    out_like "$1: waiting to retire version 1: .*\.report $3" "$2: so does run"
    is "$(state "$1" 1)" retiring "$2: the version is retiring still"
}

fresh_reports
opened wide
chmod 666 "$SEALRING_VAULT/verifiers/"*.report
held_up wide "a report that others can write" 'can be written by others than its owner: chmod go-w it'
chmod go-w "$SEALRING_VAULT/verifiers/"*.report
run retire wide 1
err_like "1 API key .*$(key_id wide) of wide" "once it is mended its uses count"
run reissue wide --all --out "$work/wide.csv"
err_like '^1 successor issued$' "one successor is one"

fresh_reports
opened broken
perl -e 'for my $path (@ARGV) { # the key in each record of a credential
    open my $file, "+<:raw", $path or die; my $at = 12288; my $cell;
    while (sysseek($file, $at, 0) && sysread($file, $cell, 64) == 64) {
        my $kind = unpack "L", $cell;
        if ($kind == 2) { sysseek $file, $at + 8, 0; syswrite $file, "\0" x 8; }
        $at += $kind == 1 ? 192 : 64;
    }
}' "$SEALRING_VAULT/verifiers/"*.report
held_up broken "a damaged record" 'has 1 damaged record: stop its server'
run retire broken 1
status_is 5 "and does not the next time"
run doctor
out_like '1 of its records is damaged' "the doctor finds it"
run retire broken 1 --overrule "not succession"
status_is 5 "it is no matter of the gate"
run retire broken 1 --overrule-succession "the client is known"
succeeds "it is overruled as succession is"
run doctor --repair
out_like '1 found, 1 repaired' "the doctor repairs it"
run doctor
succeeds "and nothing is wrong then"

if [ "$(id -u)" -eq 0 ]; then
    fresh_reports
    opened foreign
    chown 2001 "$SEALRING_VAULT/verifiers/"*.report
    held_up foreign "another user's report" 'belongs to uid 2001, .*chown it to uid 0'
    run doctor
    out_like 'it belongs to uid 2001' "the doctor finds it"
    # What root's command leaves beside the servers of another user counts.
    chown 0 "$SEALRING_VAULT/verifiers/"*.report
    chown 2001 "$SEALRING_VAULT/verifiers"
    run retire foreign 1
    err_like "1 API key .*$(key_id foreign) of foreign" "root's report counts in a directory of another user"
    chown 0 "$SEALRING_VAULT/verifiers"
else
    echo "# another user's report takes root: not tried"
fi

# ---- uses that were not harvested ----

harvested() { # RING
    sqlite3 "$SEALRING_VAULT/registry/sealring.db" \
        "SELECT count(*) FROM usage_hour u JOIN ring r ON r.id = u.ring WHERE r.name = '$1'"
}

opened pending
until_true gate_is_open pending 1 || bail_out "never: gate_is_open pending 1"
run status pending
matches "$work/out" "1 API key .*no credential newer|$(key_id pending) of pending"
report $? "status names who is missing before anybody has harvested"
tr -s ' \n' '  ' <"$work/out" >"$work/flat"
not_ok "and does not call it ready" grep -q "by hand: sealring retire pending 1" "$work/flat"
run retire pending 1 --dry-run
status_is 5 "so does retire --dry-run"
err_like "1 API key .*$(key_id pending) of pending" "with the key"
run run --once --dry-run
out_like "pending: waiting to retire version 1: .*$(key_id pending) of pending" "so does run --dry-run"
nowhere "pending: ready to retire" "which does not call it ready"
is "$(harvested pending)" 0 "none of them has harvested"
run retire pending 1
status_is 5 "retire itself has the same answer"
is "$(harvested pending)" 1 "and harvests"
must reissue "$(key_id pending)" --out "$work/pending.new"
run_with "$work/pending.new" verify
run retire pending 1 --dry-run
succeeds "with a successor retire --dry-run goes on"

# ---- early ----

must ring create early --overlap 1h --quiet-period 1s --keep 1 --rotate-every 2h
key early soon --label default
must rotate early
run retire early 1 # which harvests, as sealring run does once a minute
status_is 5 "the window lasts"
run status early
matches "$work/out" 'will wait: 1 API key'
report $? "status names early who will be missing"
tr -s ' \n' '  ' <"$work/out" >"$work/flat"
matches "$work/flat" 'will wait: 1 version will still be retiring then, and the policy keeps 1'
report $? "and that keep will block the rotation"
run run --once
out_like 'early: ahead to retire version 1 at .*, but it will wait: 1 API key' "run reports it, too"
out_like 'early: ahead to activate version 3 at .*: 1 version will still be retiring then' "and what keep will block, and when"
must reissue "$(key_id soon)" --out "$work/soon.new"
run run --once
nowhere 'early: ahead' "with a successor nothing is foreseen"

done_testing

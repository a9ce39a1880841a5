#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The vault's locks: readers cannot hold them, restrictions go first whatever is under way, and whoever waits learns for whom.
# shellcheck disable=SC2016 # for another shell to expand
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

command -v flock >/dev/null || bail_out "flock is missing (Debian: util-linux)"
must init
v=$SEALRING_VAULT

until_true() { # COMMAND...: at most 60 s
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 1200 ] || return 1
        sleep 0.05
    done
}
mode_of() {
    stat -c %a "$1"
}
state_of() { # PID: R, S, T …; nothing if it is gone
    sed -n 's/^[0-9]* (.*) \([A-Za-z]\) .*/\1/p' "/proc/$1/stat" 2>/dev/null
}
is_stopped() {
    [ "$(state_of "$1")" = T ]
}
is_held() {
    ! flock --nonblock "$1" true
}
start_of() { # PID: field 22 of /proc/PID/stat
    sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20
}
hold() { # FILE [OPTION OF flock]: holds its lock; $holder is the process
    file=$1
    shift
    flock "$@" -F "$file" sleep 600 &
    holder=$!
    until_true is_held "$file"
}
let_go() {
    kill "$holder" 2>/dev/null
    wait "$holder" 2>/dev/null
}

# ---- Who may hold them ----

must ring create r --overlap 1s --quiet-period 1s
must client add first
for lock in lock work urgent; do
    is "$(mode_of "$v/vault.$lock")" 600 "vault.$lock cannot be opened by the vault's readers"
done
chmod 640 "$v/vault.lock" "$v/vault.work"
chmod 666 "$v/vault.urgent"
run doctor --json
status_is 1 "lock files as older releases made them"
json_is '[.doctor.findings[] | select(.code == "lock-open") | .severity] | join(" ")' "alarm alarm alarm" "are an alarm of the doctor's"
run doctor --repair
out_like '^repaired .*lock-open.*vault\.lock' "which it mends"
is "$(mode_of "$v/vault.lock") $(mode_of "$v/vault.work") $(mode_of "$v/vault.urgent")" "600 600 600" "all of them"
chmod 644 "$v/vault.lock"
must client add second
is "$(mode_of "$v/vault.lock")" 600 "any command of the owner's that changes something mends it as well"
# ---- Who is waited for ----

victims=0
victim() { # an API key of its own for each case: $victim
    victims=$((victims + 1))
    "$SEALRING" issue r --client "first" --label "victim$victims" --json >"$work/victim" 2>/dev/null
    victim=$(jq -r .key_id "$work/victim")
    [ "${victim:-null}" != null ] || bail_out "no API key was issued"
}

start_revoke() {
    victim
    "$SEALRING" revoke "$victim" --reason leaked --json >"$work/revoke.out" 2>"$work/revoke.err" </dev/null &
    revoking=$!
}
revoke_ends() { # NAME
    wait "$revoking"
    is $? 0 "$1"
}
tells() { # REGEX
    grep -Eq "$1" "$work/revoke.err"
}

victim
hold "$v/vault.lock"
echo "ops@host7 $holder rotate
start $(start_of $holder) since 1700000000000" >"$v/vault.lock"
"$SEALRING" revoke "$victim" --reason leaked --json >"$work/revoke.out" 2>"$work/revoke.err" </dev/null &
revoking=$!
ok "revoke names at once who holds the lock, and since when" until_true tells \
    "^waiting: the vault is locked by ops@host7 $holder rotate \(lock file .*vault\.lock, since 2023-11-14T22:13:20Z\)\$"
not_ok "a holder that runs is not to be killed" tells kill
kill -STOP $holder
ok "one that is stopped is reported with the commands that end that" until_true tells "\`kill -KILL $holder\` ends it"
eval "$(sed -n 's/.*, `\(kill -KILL [0-9]*\)` ends it.*/\1/p' "$work/revoke.err" | tail -n 1)"
revoke_ends "which work: the revocation goes through"
jq -e . "$work/revoke.out" >"$work/out"
report $? "what --json prints is not touched"
wait $holder 2>/dev/null

hold "$v/vault.lock"
kill -STOP $holder
echo "ops@host7 $holder rotate
start 1 since 1700000000000" >"$v/vault.lock"
chmod 600 "$v/vault.lock"
run_quick() { # with a short wait: what the message of the failure says
    timeout -s INT 3 "$SEALRING" revoke "$victim" --reason leaked >"$work/out" 2>"$work/err" </dev/null
}
victims=$((victims + 1))
run_quick
err_like "locked by ops@host7 $holder rotate" "a PID that is another process's by now"
not_ok "is not to be killed" grep -q 'kill -' "$work/err"
printf 'ops\033[31m@host 4711 rotate\nstart 1 since 2\n' >"$v/vault.lock"
run_quick
err_like "locked by process $holder of user " "a note that nobody can have written well: the kernel names the holder"
not_ok "and the terminal gets to see none of it" grep -q "$(printf '\033')" "$work/err"
echo "ops@host7 1 rotate" >"$v/vault.lock"
run_quick
err_like "the kernel lists process $holder as the holder" "a note that names somebody else is doubted"
kill -CONT $holder
let_go
: >"$v/vault.lock"

# ---- Restrictions go first ----

# While somebody announces a restriction, no other command commits. So each of them can be stopped where it waits for that, with all that it holds
# then, and a restriction must still come through.
works_on() {
    is_held "$v/vault.work" && grep -q '^waiting: the vault is locked by' "$work/job.err"
}
jobs_of=0
seat="x'000102030405060708090a0b0c0d0e0f'" # of a server's usage
# Where it is stopped, it must not be in a commit, nor at a login: those are waited for.
stop_between() { # PID: once it waits for its turn
    until_true works_on
    for attempt in $(seq 100); do
        kill -STOP "$1"
        until_true is_stopped "$1"
        ! is_held "$v/vault.lock" && ! is_held "$v/login/audit.login" && ! is_held "$v/login/keys.login" && return
        kill -CONT "$1"
        sleep "0.0$((attempt % 9 + 1))"
    done
    return 1
}
while_at_work() { # NAME READY COMMAND...: stops COMMAND once READY holds, where it waits for a restriction; revokes; lets it go on
    case_name=$1 ready=$2
    shift 2
    jobs_of=$((jobs_of + 1))
    : >"$work/job.err"
    hold "$v/vault.urgent" -s
    "$@" >"$work/job.out" 2>"$work/job.err" </dev/null &
    job=$!
    until_true "$ready"
    stop_between $job
    let_go
    victim=$(sed -n "${jobs_of}p" "$work/victims")
    run revoke "$victim" --reason leaked
    succeeds "$case_name: a revocation is committed meanwhile"
    unfolded_left=$(rows "SELECT count(*) FROM usage_hour WHERE seat = $seat")
    signed_then=$(rows "SELECT (SELECT max(sequence) FROM audit) = (SELECT max(size) FROM checkpoint)")
    ok "$case_name: while it is under way" is_stopped $job
    kill -CONT $job
    wait $job
    result=$?
    is "$result" 0 "$case_name: and it is done all the same"
    "$SEALRING" key show "$victim" --json >"$work/out" 2>"$work/err"
    json_is .key.state revoked "$case_name: the revocation stands"
}

i=0
{
    echo client,label,scopes
    while [ $i -lt 30 ]; do
        i=$((i + 1))
        echo "first,job$i,read"
    done
} >"$work/victims.csv"
must issue r --from "$work/victims.csv"
tail -n +2 "$work/out" | cut -d, -f3 >"$work/victims"
cp "$work/out" "$work/victims.out"
i=0
{
    echo client,scopes
    while [ $i -lt 1500 ]; do
        i=$((i + 1))
        echo "bulk$i,read"
    done
} >"$work/bulk.csv"
rows() {
    sqlite3 "$v/registry/sealring.db" "$1"
}
# shellcheck disable=SC2317 # called by name
some_issued() {
    [ "$(rows "SELECT count(*) >= 250 FROM api_key k JOIN client c ON c.id = k.client WHERE c.name LIKE 'bulk%'")" = 1 ]
}
# shellcheck disable=SC2317
some_reissued() {
    [ "$(rows "SELECT count(*) >= 250 FROM credential WHERE version = 2")" = 1 ]
}

while_at_work "bulk issue" some_issued "$SEALRING" issue r --from "$work/bulk.csv" --out "$work/bulk.out"
is "$(tail -n +2 "$work/bulk.out" | cut -d, -f3 | sort -u | wc -l)" 1500 "every request has its API key"
is "$(rows "SELECT count(*) FROM api_key k JOIN client c ON c.id = k.client WHERE c.name LIKE 'bulk%'")" 1500 \
    "and none has two"
i=0
{
    echo client,sha256,label,expires
    while [ $i -lt 600 ]; do
        i=$((i + 1))
        echo "bulk$i,$(printf 'imported key number %d' $i | sha256sum | cut -d' ' -f1),legacy,2030-01-01T00:00:00Z"
    done
} >"$work/import.csv"
# shellcheck disable=SC2317
some_imported() {
    [ "$(rows "SELECT count(*) >= 250 FROM credential WHERE imported = 1")" = 1 ]
}
while_at_work "bulk import" some_imported "$SEALRING" import r --sha256 "$work/import.csv"
is "$(rows "SELECT count(*) FROM credential WHERE imported = 1")" 600 "every key is imported"
while_at_work "rotate" true "$SEALRING" rotate r
while_at_work "reissue of a ring" some_reissued "$SEALRING" reissue r --all --out "$work/reissued.out"
is "$(rows "SELECT count(*) FROM api_key k WHERE state = 1 AND NOT EXISTS
    (SELECT 1 FROM credential c WHERE c.api_key = k.id AND c.version = 2)")" 0 "every active API key has a successor"

# What was sealed before the revocation is not written after it.
work_began() { # whoever has vault.work took it after $first
    now=$(sed -n 2p "$v/vault.work")
    [ -n "$now" ] && [ "$now" != "$first" ] && is_held "$v/vault.work"
}
revoked_when_sealed() { # NAME COMMAND...: about $victim; it seals between its first turn, and the second, in which it writes
    case_name=$1
    shift
    : >"$work/job.err"
    first=
    hold "$v/vault.urgent" -s
    "$@" >"$work/job.out" 2>"$work/job.err" </dev/null &
    job=$!
    until_true work_began
    first=$now
    until_true work_began
    stop_between $job
    let_go
    run revoke "$victim" --reason leaked
    succeeds "$case_name: the key is revoked when its credential is sealed, and not yet written"
    kill -CONT $job
    wait $job
    result=$?
    is "$result $(rows "SELECT k.state || ' ' || count(*) FROM api_key k JOIN credential c ON c.api_key = k.id
        WHERE k.key_id = '$victim'")" "1 3 1" "$case_name: it is refused, and nothing is written"
    grep -q 'revoked' "$work/job.err"
    report $? "$case_name: as the key is revoked"
}
must issue r --client first --label sealed1 --json
victim=$(jq -r .key_id "$work/out")
must rotate r
revoked_when_sealed reissue "$SEALRING" reissue "$victim"
must issue r --client first --label sealed2 --json
victim=$(jq -r .key_id "$work/out")
revoked_when_sealed rekey "$SEALRING" key rekey "$victim" --overlap 1h

while_at_work "retire" true "$SEALRING" retire r 1 --overrule test
while_at_work "reinstate" true "$SEALRING" reinstate r 1
must compromise r 1
while_at_work "destroy" true "$SEALRING" destroy r 1 --overrule test
while_at_work "prepare" true "$SEALRING" prepare r
while_at_work "ring create" true "$SEALRING" ring create other
while_at_work "ring set" true "$SEALRING" ring set r --keep 3
while_at_work "client add" true "$SEALRING" client add latecomer
while_at_work "rekey with an overlap" true "$SEALRING" key rekey "$(sed -n 30p "$work/victims")" --overlap 1h
while_at_work "backup" true "$SEALRING" backup "$work/one.backup"
while_at_work "run" true "$SEALRING" run --once

# The checkpoint comes behind the commit: a restriction that is committed beside it signs for itself.
# shellcheck disable=SC2317
is_recorded() {
    [ "$(rows "SELECT count(*) FROM client WHERE name = 'recorded'")" = 1 ]
}
uncovered() { # entries of the log that the latest checkpoint does not cover
    rows "SELECT (SELECT max(sequence) FROM audit) - (SELECT max(size) FROM checkpoint)"
}
is "$(uncovered)" 0 "every entry is under a checkpoint"
while_at_work "checkpoint" is_recorded "$SEALRING" client add recorded
is "$signed_then" 1 "checkpoint: the revocation is signed beside it"
must client add successor
is "$(uncovered)" 0 "checkpoint: nothing is left without one"
must audit verify

# Hours that are folded and become days: 1,000 of one key, in many commits.
rows "INSERT INTO usage_seat (seat, settled_hour, finished) SELECT $seat, created / 3600000 - 400, x'' FROM vault;
    WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO usage_hour (api_key, serial, hour, seat, ring, version, accepted, not_yet_valid, expired, suspended, scope, closed, last_use)
    SELECT k.id, 1, v.created / 3600000 - 400 - n.i, $seat, k.ring, 2, n.i, 0, 0, 0, 0, 0, v.created - 3600000 * (399 + n.i)
    FROM n, vault v, api_key k WHERE k.id = (SELECT max(id) FROM api_key);
    DELETE FROM clock" || bail_out "the hours cannot be stored" # without the clock's row run harvests in this turn, and not in a minute
# shellcheck disable=SC2317
some_folded() {
    [ "$(rows "SELECT count(*) < 1000 FROM usage_hour WHERE seat = $seat")" = 1 ]
}
while_at_work "usage roll-up" some_folded "$SEALRING" run --once
[ "$unfolded_left" -gt 0 ] && [ "$unfolded_left" -lt 1000 ]
report $? "usage roll-up: it was in the middle of it"
is "$(rows "SELECT (SELECT count(*) FROM usage_hour) || ' ' || (SELECT coalesce(sum(accepted), 0) FROM usage_day)")" "0 500500" \
    "usage roll-up: every hour is in one day"

chmod 666 "$v/pins/keys.pin"
while_at_work "doctor --repair" true "$SEALRING" doctor --repair
done_testing

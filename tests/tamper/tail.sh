#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Entries behind the last signed checkpoint. Those of the operator's side are known by vault.unsigned, whatever was killed and however long the audit
# token was away. Whole acts that somebody appends with sealring's own code, and what somebody cuts off, are named, and nothing signs over them.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck disable=SC2086 # key IDs and names are words
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$SEALRING_VAULT/registry/sealring.db
notes=$SEALRING_VAULT/vault.unsigned

sql() {
    sqlite3 -cmd '.timeout 10000' "$database" "$1"
}

key_of() { # LABEL
    sql "SELECT key_id FROM api_key WHERE label = '$1'"
}

entries() {
    sql "SELECT max(sequence) FROM audit"
}

signed() {
    sql "SELECT max(size) FROM checkpoint"
}

is_signed() {
    [ "$(signed)" = "$(entries)" ]
}

must init
must ring create pay --overlap 30d --quiet-period 1h
must client add shop
for label in suspended narrowed plain other; do
    must issue pay --client shop --label $label --scope "read write"
done
must rotate pay
must key suspend "$(key_of suspended)"
suspended=$(key_of suspended)
narrowed=$(key_of narrowed)
plain=$(key_of plain)
ok "each act is signed" is_signed
not_ok "and nothing is noted then" test -s "$notes"
cp -a "$SEALRING_VAULT" "$work/whole"

start() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/whole" "$SEALRING_VAULT"
}

away() {
    rm "$SEALRING_VAULT/pins/audit.pin"
}

back() {
    cp -p "$work/whole/pins/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
}

# The forger: sealring itself, on a copy whose configuration names no audit token. The result replaces the registry.
forge() { # ARGUMENT...
    vault=$SEALRING_VAULT
    rm -rf "$work/away"
    cp -a "$vault" "$work/away"
    for file in sealring.conf tokens/softhsm2.conf; do
        sed -i "/^audit-/d; s|$vault|$work/away|g; s|^vault-inode = [0-9]*|vault-inode = $(stat -c %i "$work/away")|" "$work/away/$file"
    done
    SEALRING_VAULT=$work/away
    "$SEALRING" "$@" >"$work/forged" 2>&1 </dev/null || { cat "$work/forged"; bail_out "sealring $1 $2 cannot be forged"; }
    SEALRING_VAULT=$vault
    sqlite3 "$work/away/registry/sealring.db" ".backup $work/forged.db"
    rm -f "$database-wal" "$database-shm"
    cp "$work/forged.db" "$database"
}

# ---- what needs a signature, or an operator who confirms it ----

refused() { # NAME PATTERN
    before=$(entries)
    for arguments in "ring set pay --overlap 20d" "run --once" "issue pay --client shop --label more" "client add later" "rotate pay"; do
        # shellcheck disable=SC2086
        run $arguments
        status_is 1 "$1: $arguments is refused"
        err_like "ALARM: no signature covers $2" "$1: $arguments names it"
        err_like "repeat the command with --take-over REASON, otherwise restore the newest backup" "$1: and what to do"
    done
    is "$(entries)" "$before" "$1: no entry follows it"
    run audit verify
    status_is 1 "$1: audit verify reports it"
    out_like "no signature covers $2" "$1: by name"
    run doctor
    out_like "what +no signature covers $2" "$1: doctor finds it"
    must revoke $plain
    is "$(sql "SELECT state FROM api_key WHERE key_id = '$plain'")" 3 "$1: a restriction goes on"
    not_ok "$1: and signs nothing" is_signed
}

confirmed() { # NAME PATTERN
    run client add later --take-over checked
    succeeds "$1: an operator confirms it"
    ok "$1: it is signed" is_signed
    run audit show --act audit.confirm --json
    json_is '.entries[].detail.reason' checked "$1: with the reason"
    matches "$work/out" "$2"
    report $? "$1: and its name"
    run client add another
    is "$status $(cat "$work/err")" "0 " "$1: from then on there is nothing to report"
}

try() { # NAME PATTERN ARGUMENT...
    name=$1
    pattern=$2
    shift 2
    start
    forge "$@"
    refused "$name" "$pattern"
    confirmed "$name" "$pattern"
}

next=$(($(entries) + 1))
try "a client" "entry $next, client.add of client mallory" client add mallory
try "a key" "entry $next, key.issue of API key " issue pay --client shop --label forged --scope "read write"
try "a rekey" "entry $next, key.rekey of API key $plain" key rekey $plain --reason forged
try "a resumption" "entry $next, key.resume of API key $suspended" key resume $suspended
try "a label" "entry $next, key.label of API key $plain" key set $plain --label forged
try "a policy" "entry $next, ring.set of ring pay" ring set pay --overlap 1d
try "a compromise" "entry $next, version.compromise of ring pay" compromise pay 1 --reason forged

start
forge key set $plain --label forged
unguarded "$database" "DELETE FROM closed_fact WHERE sequence > (SELECT count(*) FROM closed_fact) - 1"
run client add later
status_is 1 "an entry without its fact is refused"
err_like "ALARM: no signature covers entry $next, key.label of API key $plain" "by name"

# ---- restrictions ----

adopted() { # NAME PATTERN
    run client add later
    succeeds "$1: the next act is carried out"
    err_like "restrictions of API keys without a signature \\(.*$2.*\\): somebody else wrote them" "$1: it names what it adopts"
    ok "$1: it is signed" is_signed
    run audit show --act audit.adopt --json
    matches "$work/out" "$2"
    report $? "$1: and the log names it"
    run client add another
    is "$status $(cat "$work/err")" "0 " "$1: from then on there is nothing to report"
}

start
forge revoke $plain
adopted "a revocation" "entry $next, key.revoke of API key $plain"
start
forge key suspend $plain
adopted "a suspension" "entry $next, key.suspend of API key $plain"
start
forge key set $plain --from-addresses 203.0.113.0/24
adopted "a binding to networks" "entry $next, key.addresses of API key $plain"
start
must key set $plain --from-addresses 203.0.113.0/24
forge key suspend $plain
adopted "a suspension of a key that is bound" "entry $((next + 1)), key.suspend of API key $plain"
for list in 203.0.112.0/23 any; do
    start
    must key set $plain --from-addresses 203.0.113.0/24
    forge key set $plain --from-addresses $list
    refused "other networks, $list" "(entry $((next + 1)), key.addresses of|fact [0-9]+, which sets) API key $plain"
done
start
must key set $plain --from-addresses 203.0.113.0/24
forge key set $plain --from-addresses 203.0.113.0/25
unguarded "$database" "DELETE FROM closed_fact WHERE sequence > (SELECT count(*) FROM closed_fact) - 1"
refused "an entry about networks without its fact" "entry $((next + 1)), key.addresses of API key $plain"
start
forge key set $narrowed --scope read
forge revoke $plain
adopted "two restrictions" "entry $next, key.narrow of API key $narrowed; entry $((next + 1)), key.revoke of API key $plain"

# ---- the audit token is away for many acts ----

start
away
labels="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"
for label in $labels; do
    must issue pay --client shop --label "while-away-$label" --scope read
    must key suspend "$(key_of "while-away-$label")"
    must revoke "$(key_of "while-away-$label")"
    must client add "away-$label"
done
is "$(grep -c '^committed ' "$notes")" 80 "each act is noted"
cp -a "$SEALRING_VAULT" "$work/unsigned"
back
run client add later
is "$status $(cat "$work/err")" "0 " "with the audit token back there is nothing to report"
ok "all of them are signed" is_signed
not_ok "the notes are removed" test -s "$notes"
run audit verify
succeeds "the log agrees"

again() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/unsigned" "$SEALRING_VAULT"
}

again
forge client add mallory
run issue pay --client shop --label more
status_is 1 "while it is away, too, what somebody appends is refused"
err_like "ALARM: no signature covers entry $(entries), client.add of client mallory" "by name"
run issue pay --client shop --label more --take-over checked
succeeds "and can be confirmed"
run issue pay --client shop --label still-more
succeeds "for later processes, too"
back
run client add later
is "$status $(cat "$work/err")" "0 " "which sign it once the token is there"

# ---- what was cut off ----

missed() { # NAME PATTERN
    run client add later
    status_is 1 "$1: refused"
    err_like "ALARM: the registry .* has not the $2 that vault.unsigned records: it was rolled back or altered" "$1: by name"
    run audit verify
    status_is 1 "$1: audit verify reports it"
    out_like "vault.unsigned records $2" "$1: by name"
}

cut() { # NUMBER of entries
    unguarded "$database" "DELETE FROM audit WHERE sequence > (SELECT max(sequence) - $1 FROM audit);
        DELETE FROM audit_node WHERE (position + 1) * (1 << level) > (SELECT max(sequence) FROM audit)"
}

again
last=$(entries)
cut 1
missed "the last entry is cut off" "entry $last"
back
run client add later --take-over "lost"
succeeds "an operator gives it up"
run audit show --act audit.take-over --json
json_is '.entries[].detail.reason' lost "in a new era"
run client add another
is "$status $(cat "$work/err")" "0 " "from then on there is nothing to report"

again
cut 5
missed "five entries are cut off" "entry $((last - 4))"

again
unguarded "$database" "DELETE FROM closed_fact WHERE sequence = (SELECT max(sequence) FROM closed_fact)"
missed "a fact is cut off" "fact [0-9]+"

again
cp "$work/whole/registry/sealring.db" "$database"
rm -f "$database-wal" "$database-shm"
missed "an older copy of the registry" "entry $next"
back

# ---- killed between note, commit, mark and signature ----

start
away
must client add first
sed -i '/^committed /d' "$notes"
back
run client add later
is "$status $(cat "$work/err")" "0 " "killed between commit and mark: the act is the operator's"
ok "and is signed" is_signed

start
away
must client add first
sed 's/^act \([0-9a-f]*\) [0-9]* [0-9a-f]\{60\}/act \1 '$((next + 1))' 000000000000000000000000000000000000000000000000000000000000/; /^committed /d' "$notes" >"$work/line"
cat "$work/line" >>"$notes"
back
run client add later
is "$status $(cat "$work/err")" "0 " "killed between note and commit: nothing is missed"
ok "and all is signed" is_signed

start
away
must client add first
printf 'act 00' >>"$notes"
must client add second
back
run client add later
is "$status $(cat "$work/err")" "0 " "half a line, as a power loss leaves it, harms no other"

# Processes that are killed at any moment, in real time.
start
away
for delay in 0.01 0.02 0.03 0.04 0.05 0.06 0.07 0.08; do
    "$SEALRING" client add "killed-$delay" >/dev/null 2>&1 &
    killed=$!
    sleep $delay
    kill -9 $killed 2>/dev/null
    wait $killed 2>/dev/null
    run client add "after-$delay"
    status_is 0 "killed after $delay s: the next act is carried out"
done
back
run client add later
is "$status $(cat "$work/err")" "0 " "and all is signed once the audit token is there"

# ---- several processes at once ----

start
away
for process in 1 2 3; do
    (
        for label in a b c d; do
            "$SEALRING" issue pay --client shop --label "$process-$label" --scope read >/dev/null 2>&1 || echo "issue" >>"$work/failed"
            "$SEALRING" revoke "$(key_of "$process-$label")" >/dev/null 2>&1 || echo "revoke" >>"$work/failed"
        done
    ) &
done
wait
not_ok "three processes that issue and revoke" test -s "$work/failed"
is "$(grep -c '^committed ' "$notes")" $(($(entries) - $(signed))) "note each of their acts"
back
run client add later
is "$status $(cat "$work/err")" "0 " "nothing of that is somebody else's"

# ---- the era ----

start
unguarded "$database" "UPDATE vault SET era = randomblob(16)"
run client add later
status_is 1 "another era is refused"
err_like "ALARM: the registry is of another era than the audit token knows" "by name"
away
run client add later
status_is 1 "also without the audit token"
err_like "ALARM: the registry .* is of another era than the one that is signed" "by name"
back
run client add later --take-over checked
succeeds "an operator can take it over"

start
must backup "$work/backup"
must restore "$work/backup"
run client add later
is "$status $(cat "$work/err")" "0 " "a restore begins an era"

start
must issue pay --client shop --label of-former-era --scope read
cp "$work/out" "$work/credential"
sqlite3 "$database" ".backup $work/former.db"
must backup "$work/backup-again"
must restore "$work/backup-again"
run_with "$work/credential" verify
succeeds "servers start in the new era"
is "$(wc -l <"$SEALRING_VAULT/vault.eras")" 1 "the former one is listed"
rm -f "$database-wal" "$database-shm" "$SEALRING_VAULT"/verifiers/*.report
cp "$work/former.db" "$database"
run_with "$work/credential" verify
not_ok "with a copy from before no server starts" [ "$status" = 0 ]
err_like "ALARM: the registry .* is an older copy: a restore or a take-over has ended its era" "by name"

# ---- without an audit token ----

softhsm=${SOFTHSM2_MODULE:-/usr/lib/softhsm/libsofthsm2.so}
mkdir "$work/given.tokens"
echo "directories.tokendir = $work/given.tokens" >"$work/softhsm2.conf"
SOFTHSM2_CONF=$work/softhsm2.conf softhsm2-util --init-token --free --label given --so-pin 87654321 --pin 1234 >/dev/null ||
    bail_out "no token to test with"
echo 1234 >"$work/pin"
chmod 600 "$work/pin"
SEALRING_VAULT=$work/given
must init --module "$softhsm" --token pkcs11:token=given --pin-source "$work/pin" --module-environment "SOFTHSM2_CONF=$work/softhsm2.conf"
must client add shop
not_ok "without an audit token nothing is noted" test -e "$SEALRING_VAULT/vault.unsigned"
done_testing

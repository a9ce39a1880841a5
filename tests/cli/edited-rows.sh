#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody edits rows of the registry by SQL. What the next commands do with the edited rows: nothing is decided by an impossible value, no
# credential that was ended is handed out again, and no command writes a value that it only read.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=server.sh
. "$here/server.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"

sql() {
    sqlite3 -cmd '.timeout 10000' "$SEALRING_VAULT/registry/sealring.db" "$@"
}

edit() { # STATEMENTS that triggers and checks are to prevent; the schema is as before then
    unguarded "$SEALRING_VAULT/registry/sealring.db" "PRAGMA ignore_check_constraints = 1; $1" || bail_out "the edit itself failed: $1"
}

fresh_vault() { # NAME: a vault of its own for each section
    SEALRING_VAULT=$work/$1
    rm -f "$work"/*.key
    must init --lease 1s
}

states() { # RING
    sql "SELECT v.number || ' ' || v.state FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = '$1' ORDER BY v.number" | paste -sd,
}

# ---- a policy that was edited: the ring's last fact decides

fresh_vault policies
must ring create altered --overlap 1h --quiet-period 1h --rotate-every 2h
must ring create later --overlap 1h --quiet-period 1h
must rotate altered
before=$(states altered)
policy="SELECT overlap, quiet_period, purge_delay, keep, rotate_every, standby, idle_blocks, usage_hourly, usage_daily, succession, renew,
    renew_life, renew_age, deliver, leaks, rotation_held, last_version, prefix FROM ring WHERE name = 'altered'"
recorded=$(sql "$policy")
database=$SEALRING_VAULT/registry/sealring.db
for edit in 'overlap = 1000, quiet_period = 1000, purge_delay = 0, rotate_every = 1000, keep = 100, succession = 1' \
    'overlap = 0, quiet_period = 0, purge_delay = 0, rotate_every = 1, keep = 100, succession = 1' 'rotate_every = 1000' 'standby = 1' \
    'idle_blocks = 1' 'usage_hourly = 86400000, usage_daily = 86400000' 'rotation_held = 1' 'last_version = 7' "prefix = 'evil'" \
    'renew = 1, renew_age = 1' 'deliver = 3' 'leaks = 2'; do
    must ring set later --standby
    sql "UPDATE ring SET $edit WHERE name = 'altered'"
    run audit verify
    out_like 'ring altered: its row is not what the facts contain' "$edit: audit verify reports it"
    run status altered
    out_like "ALARM: the registry was altered: the ring.s row, or one of a version, is not what the facts contain" "and status"
    run run --once --dry-run
    is "$status $(grep -c '^.*altered: ALARM: .*not what the facts contain' "$work/out")" "1 1" "and a dry run"
    ok "which corrects nothing" [ "$(sql "$policy")" != "$recorded" ]
    number=$(sql "SELECT max(sequence) FROM audit")
    for turn in 1 2 3 4 5 6; do
        run run --once
        [ $turn -gt 1 ] || cp "$work/out" "$work/first"
    done
    is "$status" 0 "the turns succeed"
    is "$(states altered)" "$before" "and do nothing by the row"
    is "$(grep -c 'altered: ALARM: the registry was altered: the facts corrected the row of ring altered' "$work/first")" 1 "the first one reports it"
    is "$(sql "SELECT count(*) FROM audit WHERE sequence > $number AND act = 'alarm' AND ring = 'altered'")" 1 "and the log"
    is "$(sql "$policy")" "$recorded" "the row is as it was"
    run audit verify
    not_ok "and audit verify agrees" grep -q 'ring altered: its row is not' "$work/out"
done
is "$(states later)" "1 2,2 1" "the other ring's standby was prepared meanwhile"

# An act corrects the row and starts from the fact: what the row contained is in no entry and in no fact.
sql "UPDATE ring SET overlap = 1000, quiet_period = 1000, last_version = 7 WHERE name = 'altered'"
run ring set altered --keep 5
is "$status" 0 "ring set starts from the fact"
err_like 'ALARM: the registry was altered: the facts corrected the row of ring altered' "and reports the row"
is "$(sql "SELECT overlap, quiet_period, keep, last_version FROM ring WHERE name = 'altered'")" "3600000|3600000|5|2" "which it corrects"
sql "UPDATE ring SET overlap = 1000, last_version = 7 WHERE name = 'altered'"
run prepare altered
err_like 'ALARM: the registry was altered: the facts corrected the row of ring altered' "prepare, too"
is "$(states altered)" "1 3,2 2,3 1" "and its version has the next number"
run audit verify
not_ok "audit verify agrees" grep -q 'ring altered: its row' "$work/out"

# ---- a policy that `ring set` refuses, with a fact that contains it

policy=$(sql "SELECT printf('overlap = %d, quiet_period = %d, purge_delay = %d, keep = %d, rotate_every = %d, usage_hourly = %d, usage_daily = %d,
    succession = %d, renew_life = %d, renew_age = %d', overlap, quiet_period, purge_delay, keep, rotate_every, usage_hourly, usage_daily, succession,
    renew_life, renew_age) FROM ring WHERE name = 'altered'")
for edit in 'overlap = 0' 'quiet_period = 0' 'purge_delay = 315360000001' 'keep = 0' 'keep = 101' 'rotate_every = 1' 'usage_hourly = 0' \
    'usage_daily = 1' 'succession = 2' 'renew_life = 1' 'renew_age = 2'; do
    sql "UPDATE ring SET $edit WHERE name = 'altered'; UPDATE version SET retire_at = 1 WHERE state = 3"
    record_rows "$database"
    run run --once --dry-run
    is "$status" 1 "$edit: the turn fails"
    is "$(grep -c 'altered: ALARM: the registry was altered: the ring.s policy cannot be' "$work/out")" 1 "in one line, which names the ring"
    is "$(grep -c '^.*altered: ' "$work/out")" 1 "and nothing would be done for the ring"
    run status altered
    out_like "nothing .*policy cannot be" "status reports it"
    run run --once
    is "$(states altered)" "1 3,2 2,3 1" "and a turn does nothing"
    sql "UPDATE ring SET $policy WHERE name = 'altered'"
    record_rows "$database"
done
run run --once altered
is "$status" 0 "as it was, the policy is carried out again"

# ---- a credential that was ended, whose successor's row is hidden

fresh_vault hidden
must ring create pay --overlap 30d
must ring set pay --succession off
for client in one two; do
    must client add $client
    must issue pay --client $client --scope read --scope write --out "$work/$client.key"
done
one=$(cut -d_ -f2 "$work/one.key")
must key rekey "$one" --scope read --overlap 0s --reason 'fewer scopes' --out "$work/fewer.key"
newest=$(sql -cmd ".mode insert credential" "SELECT c.* FROM credential c JOIN api_key k ON k.id = c.api_key
    WHERE k.key_id = '$one' AND c.serial = 65537")
must rotate pay
printf 'client,label,scopes,key_id\none,default,read write,%s\n' "$one" >"$work/list.csv"

hide() { # SQL: what else is edited
    edit "DELETE FROM credential WHERE serial = 65537 AND api_key = (SELECT id FROM api_key WHERE key_id = '$one'); $1"
}

unhide() {
    edit "$newest UPDATE api_key SET last_serial = 65537 WHERE key_id = '$one';
        UPDATE credential SET replaced = 1, state = 2, retire_at = 1
        WHERE serial = 1 AND api_key = (SELECT id FROM api_key WHERE key_id = '$one')"
}

refused() { # WHAT
    is "$status" 1 "$1 is refused"
    err_like "ALARM: credential 1 of API key $one .*the registry was altered" "with the reason"
    is "$(sql "SELECT max(c.serial) FROM credential c JOIN api_key k ON k.id = c.api_key WHERE k.key_id = '$one'")" 1 "and nothing is written"
}

for edit in "" "UPDATE api_key SET last_serial = 1 WHERE key_id = '$one'" "UPDATE credential SET replaced = 0, retire_at = 0" \
    "UPDATE credential SET replaced = 0, retire_at = 0, state = 1" \
    "UPDATE credential SET state = 1; UPDATE api_key SET last_serial = 1 WHERE key_id = '$one'" \
    "UPDATE credential SET replaced = 0, retire_at = 0; UPDATE api_key SET last_serial = 1 WHERE key_id = '$one'" \
    "UPDATE credential SET replaced = 0, retire_at = 0, state = 1; UPDATE api_key SET last_serial = 1 WHERE key_id = '$one'"; do
    hide "$edit"
    run reissue "$one" --out "$work/again.key"
    refused "reissue${edit:+ after $edit}"
    run key rekey "$one" --out "$work/again.key"
    refused "key rekey"
    run reissue pay --all --out "$work/all.csv"
    is "$status" 1 "reissue --all leaves it out"
    not_ok "and does not hand it out" grep -qs "$one" "$work/all.csv"
    run issue pay --from "$work/list.csv" --out "$work/listed.csv"
    is "$status" 1 "and so does issue --from"
    not_ok "which does not hand it out" grep -qs "$one" "$work/listed.csv"
    rm -f "$work/all.csv" "$work/listed.csv"
    unhide
done
run reissue "$one" --out "$work/again.key"
is "$status" 0 "with the row it is reissued"
run_with "$work/again.key" verify --scope write
is "$status" 1 "and has the fewer scopes"

# ---- what clients hold, by the keys' ring and facts

fresh_vault holders
must ring create pay --overlap 30d --quiet-period 1s
must client add one
must issue pay --client one --scope read --out "$work/one.key"
must rotate pay
must retire pay 1 --overrule 'a test'
must reinstate pay 1
for edit in "UPDATE ring SET created = created" "UPDATE api_key SET state = 3" "UPDATE credential SET ring = 77" \
    "UPDATE api_key SET state = 3; UPDATE credential SET ring = 77"; do
    edit "$edit"
    run destroy pay 1 --overrule 'a test'
    is "$status" 1 "destroying a reinstated version after $edit"
    err_like 'clients may hold credentials' "is refused"
    is "$(states pay)" "1 1,2 2" "and it stays"
    edit "UPDATE api_key SET state = 1; UPDATE credential SET ring = (SELECT id FROM ring)"
done
run_with "$work/one.key" verify --scope read
is "$status" 0 "its credential is accepted"
must revoke "$(cut -d_ -f2 "$work/one.key")"
run destroy pay 1 --overrule 'a test'
is "$status" 0 "once its only key is revoked, it is destroyed"

# ---- succession, by the keys' ring, and by ends that rekey made

fresh_vault successors
must ring create pay --overlap 1s --quiet-period 1s
must client add one
must issue pay --client one --scope read --out "$work/one.key"
must rotate pay
sql "UPDATE version SET retire_at = 1 WHERE number = 1; UPDATE api_key SET used = $(date +%s)000 - 5000"
record_rows "$SEALRING_VAULT/registry/sealring.db"
for edit in "UPDATE ring SET created = created" "UPDATE credential SET ring = 77" "UPDATE credential SET retire_at = 1"; do
    edit "$edit"
    run retire pay 1 --no-wait
    is "$status" 5 "retiring a version whose key has no successor after $edit"
    err_like 'no successor|reissue' "has to wait"
    is "$(states pay)" "1 3,2 2" "and it stays"
    edit "UPDATE credential SET retire_at = 0, ring = (SELECT id FROM ring)"
done
must reissue "$(cut -d_ -f2 "$work/one.key")" --out "$work/next.key"
run retire pay 1 --no-wait
is "$(states pay)" "1 4,2 2" "with a successor it is retired"

# ---- made-up checkpoints

fresh_vault checkpoints
must client add one
entries() {
    sql "SELECT max(sequence) FROM audit"
}
signed_size() { # of the newest checkpoint with its own note, as an auditor finds it
    sql "SELECT note FROM checkpoint WHERE size = $1" | sed -n 2p
}
for row in "$(($(entries) + 1))" "$(($(entries) + 7))"; do
    sql "INSERT INTO checkpoint SELECT $row, time, note FROM checkpoint ORDER BY size DESC LIMIT 1"
    run client add "client-$row"
    is "$status" 0 "an act after a checkpoint of size $row was made up"
    err_like 'ALARM: the registry was altered: it has a checkpoint that its key did not sign' "reports it"
    is "$(signed_size "$(entries)")" "$(entries)" "and is signed"
    edit "DELETE FROM checkpoint WHERE size > (SELECT max(sequence) FROM audit)"
    run audit verify
    is "$status" 0 "as audit verify finds when the other row is removed"
done
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
must client add unsigned
sql "INSERT INTO checkpoint SELECT (SELECT max(sequence) FROM audit), time, note FROM checkpoint ORDER BY size DESC LIMIT 1"
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
run run --once
is "$(signed_size "$(entries)")" "$(entries)" "run signs what only a made-up checkpoint covers"

# ---- an act writes only what it changes

fresh_vault columns
must ring create pay --overlap 30d
must client add one
must issue pay --client one --scope read --scope write --out "$work/one.key"
key=$(cut -d_ -f2 "$work/one.key")
must rotate pay
cat >"$work/statements.c" <<'EOF_C'
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static int note(unsigned what, void *context, void *statement, void *text)
{
    FILE *file = fopen(getenv("STATEMENTS"), "a");
    (void)what, (void)context, (void)statement;
    if (file == NULL || fprintf(file, "%s\n", (const char *)text) < 0 || fclose(file) != 0)
        abort();
    return 0;
}

static int trace(sqlite3 *connection, char **message, const struct sqlite3_api_routines *api)
{
    (void)message, (void)api;
    return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, note, NULL);
}

__attribute__((constructor)) static void begin(void)
{
    sqlite3_auto_extension((void (*)(void))trace);
}
EOF_C
# shellcheck disable=SC2046,SC2086 # words
${CC:-cc} -shared -fPIC -o "$work/statements.so" "$work/statements.c" $(pkg-config --cflags --libs sqlite3) || bail_out "no trace of statements"
asan=$(ldd "$SEALRING" | sed -n 's/.*=> \(.*libasan[^ ]*\).*/\1/p' | head -n 1) # has to be loaded first
writes() { # COLUMN... -- ARGUMENT...: a command that writes these columns of api_key, and no other
    columns=
    while [ "$1" != -- ]; do
        columns="$columns${columns:+ }$1"
        shift
    done
    shift
    rm -f "$work/statements"
    STATEMENTS="$work/statements" LD_PRELOAD="$asan $work/statements.so" "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    is "$status" 0 "$1 $2 succeeds"
    is "$(sed -n 's/^UPDATE api_key SET \(.*\) WHERE .*/\1/p' "$work/statements" | tr ',' '\n' | sed 's/^ *//; s/ = .*//' |
        sort -u | paste -sd ' ')" "$columns" "and writes nothing else of the key" # twice, if it was signed first
}
writes last_serial -- reissue "$key" --out "$work/again.key"
writes narrowed narrowed_scopes -- key set "$key" --scope read
writes label -- key set "$key" --label other
writes last_serial -- key rekey "$key" --overlap 0s --out "$work/fewer.key"
writes last_serial narrowed narrowed_scopes -- key rekey "$key" --scope write --overlap 0s --out "$work/more.key"
writes state -- key suspend "$key"
writes state -- key resume "$key"
writes state -- revoke "$key"
run audit verify
is "$status" 0 "and the log has the rows as they are"

# ---- the doctor corrects rows by the facts

fresh_vault doctors
must ring create pay --overlap 1h
must client add acme
must issue pay --client acme --scope read --out "$work/one.key"
must issue pay --client acme --label two --scope read --scope write --out "$work/two.key"
must rotate pay
must compromise pay 1
suspended=$(cut -d_ -f2 "$work/one.key")
revoked=$(cut -d_ -f2 "$work/two.key")
must key suspend "$suspended"
must revoke "$revoked"
must key set "$suspended" --label mine
all="SELECT (SELECT json_group_array(json_array(number, state, was_compromised, retire_at)) FROM version),
    (SELECT json_group_array(json_array(key_id, label, state, narrowed, narrowed_scopes)) FROM api_key), (SELECT json_group_array(overlap) FROM ring)"
recorded=$(sql "$all")
while IFS='|' read -r object edit; do
    edit "$edit"
    run doctor --json
    is "$status $(json '.doctor.findings[] | [.code, .object, .repairable] | join(" ")')" "1 row-altered $object true" "$edit: the doctor names the row, and repairs it"
    run doctor
    out_like '^  fix   sealring doctor --repair' "no backup is asked for"
    run doctor --repair
    is "$status $(sql "$all")" "0 $recorded" "the row is what the facts contain"
    is "$(sql "SELECT act || ' ' || json_extract(detail, '\$.act') FROM audit ORDER BY sequence DESC LIMIT 1")" "alarm doctor.repair" "with an alarm in the log"
    run doctor
    is "$status $(cat "$work/out" "$work/err")" "0 nothing is wrong" "nothing else is wrong"
done <<EOF
$suspended|UPDATE api_key SET state = 1 WHERE key_id = '$suspended'
$revoked|UPDATE api_key SET state = 1 WHERE key_id = '$revoked'
$revoked|UPDATE api_key SET state = 2 WHERE key_id = '$revoked'
$suspended|UPDATE api_key SET label = 'other' WHERE key_id = '$suspended'
$suspended|UPDATE api_key SET narrowed = 1 WHERE key_id = '$suspended'
pay/1|UPDATE version SET state = 3, was_compromised = 0, closed = 0 WHERE number = 1
pay/2|UPDATE version SET retire_at = 1 WHERE number = 2
pay|UPDATE ring SET overlap = 1000
EOF
edit "DELETE FROM credential; DELETE FROM api_key WHERE key_id = '$revoked'"
run doctor --repair --json
json_is '.doctor.findings[] | select(.code == "row-altered") | [.object, .repairable, .repaired] | join(" ")' "$revoked false false" "a row that is missing is not made up"
run doctor
out_like 'fix   sealring restore BACKUP --log EXPORT$' "it is restored"

# ---- a verifier's number of alarms

fresh_vault alarms
must ring create pay
build_server
serve one "$SEALRING_VAULT" read
must run --once
must client add before
for number in 1000000 1; do
    sql "UPDATE verifier SET alarms = $number"
    must run --once
    is "$(sql "SELECT alarms FROM verifier")" 0 "a row with $number alarms is set to what the server's file has"
    is "$(sql "SELECT json_extract(detail, '\$.why') FROM audit WHERE act = 'alarm' ORDER BY sequence DESC LIMIT 1")" \
        "the registry's count of this verifier's alarms was altered" "and that is recorded"
    sql "SELECT count(*) FROM audit WHERE act = 'alarm'" >"$work/recorded"
done
is "$(cat "$work/recorded")" 2 "once each"
leave one

done_testing

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A vault of an older sealring is upgraded: refused while its log is not clean, in two steps beside servers of the older program, and whole afterwards.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
# shellcheck source=tests/cli/server.sh
. "$here/../cli/server.sh"
for program in sqlite3 flock xz; do
    command -v $program >/dev/null || bail_out "$program is missing: sh tools/packages.sh test"
done
database=$SEALRING_VAULT/registry/sealring.db

answers() { # SERVER KEY VERDICT NAME
    ask "$1" "$keys/$2.key"
    is "$(echo "$answer" | cut -d ' ' -f 2)" "$3" "$4"
}

# ---- The older vault, at this place ----

mkdir "$work/fixture"
tar -C "$work/fixture" -xJf "$here/old-vault.tar.xz" || bail_out "the fixture cannot be unpacked"
made_at=$(cat "$work/fixture/made-at.txt")
sed -i "/^vault/d; s|$made_at/|$SEALRING_VAULT/|" "$work/fixture/vault/sealring.conf"
sed -i "s|$made_at/|$SEALRING_VAULT/|" "$work/fixture/vault/tokens/softhsm2.conf"
keys=$work/fixture/keys

start() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/fixture/vault" "$SEALRING_VAULT"
    rm -f "$work"/backup*
}

sql() {
    sqlite3 "$database" "$1"
}

content() {
    sqlite3 "$database" .dump | sha256sum
}

key_of() { # LABEL
    sql "SELECT key_id FROM api_key WHERE label = '$1'"
}

verdicts() {
    for file in "$keys"/*.key; do
        run_with "$file" verify --json
        cat "$work/out"
    done | jq -r .verdict >"$work/verdict"
    printf '%s\n' "$keys"/*.key | sed 's|.*/||; s/\.key$//' | paste -d ' ' - "$work/verdict"
}

upgrade() {
    run upgrade --backup "$work/backup" "$@"
}

keeps() { # NAME: after an upgrade everything is as the older program left it
    verdicts >"$work/verdicts"
    ok "$1: each credential has the verdict that it had" diff "$work/fixture/verdicts.txt" "$work/verdicts"
    run audit verify --key "$(cat "$work/fixture/audit.vkey")" --checkpoint "$work/fixture/checkpoint.note"
    succeeds "$1: audit verify is content, also with a checkpoint of before"
}

has_key() { # COUNT NAME: sealring.conf names the audit token's key that often
    is "$(grep -cx "audit-key = $(cat "$work/fixture/audit.vkey")" "$SEALRING_VAULT/sealring.conf")/$(grep -c '^audit-key' "$SEALRING_VAULT/sealring.conf")" \
        "$1/$1" "$2"
}

is_complete() { # NAME
    run upgrade
    succeeds "$1: nothing remains"
    out_like "nothing to do: the registry has schema 3" "$1: and the command knows it"
}

# ---- Before ----

start
before=$(content)
for command in status "audit verify" "issue payments --client alice --label more" "backup $work/backup"; do
    # shellcheck disable=SC2086 # a list of words
    run $command
    status_is 4 "an older registry: $command is refused"
    err_like "has schema 2, and this program needs 3: run .sealring upgrade." "$command: and names what to do"
done
run doctor --json
json_is '.doctor.findings[] | select(.code == "registry-unusable") | .what | test("run .sealring upgrade.")' true "the doctor names it, too"
run doctor
out_like '^  fix   sealring upgrade --backup FILE$' "and proposes no restore"
run_with "$keys/plain.key" verify
status_is 4 "verify of this release answers nothing from it"
run upgrade
status_is 1 "an upgrade without a backup is refused"
err_like "without a backup: name one with --backup FILE.*--no-backup" "and reports how to make one"
upgrade --no-backup
status_is 2 "with and without a backup is a contradiction"
: >"$work/backup"
upgrade
status_is 1 "a file that is no backup is not taken for one"
rm "$work/backup"
is "$(content)" "$before" "nothing of all that changed the registry"

upgrade --dry-run --json
succeeds "a dry run"
json_is '.upgrade | [.from, .to, .added, .begun, .complete, .facts, .labels_unknown, .older_verifiers] | tostring' '[2,3,true,true,false,4,0,0]' "reports what it would do"
is "$(content)" "$before" "and changes nothing"
not_ok "nor does it make the backup" test -e "$work/backup"
json_is '.upgrade.audit_key_added | tostring' true "it reports that it would add the key that verifies checkpoints"
json_is .upgrade.audit_key "$(cat "$work/fixture/audit.vkey")" "which one"
has_key 0 "and does not add it"
upgrade --dry-run
out_like 'audit key +would be added to sealring.conf: sealring/' "in text, too"

# ---- Both steps at once ----

upgrade --json
succeeds "an upgrade where no server runs"
json_is '.upgrade | [.audit_key_added, (.audit_key | length > 40)] | tostring' '[true,true]' "it adds the key that verifies checkpoints"
has_key 1 "sealring.conf has it from now on"
json_is '.upgrade | [.from, .to, .added, .begun, .complete, .facts, .labels_unknown, .older_verifiers] | tostring' '[2,3,true,true,true,4,0,0]' "makes both steps"
is "$(sql "SELECT schema || min_reader || min_writer FROM vault")" 333 "the older program can neither read nor write from now on"
run audit show --act vault.upgrade --json
json_is '.entries[].detail | [.from, .to, .added, .facts, (.backup | length)] | tostring' '[2,3,true,4,64]' "the log contains it"
keeps "upgraded"
is_complete "upgraded"
run rotate payments
succeeds "it rotates"
run audit verify
succeeds "and audit verify reads in the rows of its versions what the older program did not write"
run backup --check "$work/backup"
succeeds "the backup is whole"
is "$(sql "SELECT count(DISTINCT kind || key_id || hex(ring_id) || version) FROM closed_fact WHERE value <> ''")" "$(sql "SELECT 5 + (SELECT count(*) FROM ring) + (SELECT count(*) FROM version)")" \
    "the facts: their beginning, each ring and version, a suspension, a narrowing, a label, an end"

run ring show payments --json
json_is '.ring.version_list | map([.prf, .origin, .public_key] | tostring) | unique | tostring' '["[\"hmac-sha256\",\"generated\",null]"]' \
    "all its versions are what the older program made"
unguarded "$database" "UPDATE api_key SET state = 1 WHERE label = 'suspended'"
unguarded "$database" "UPDATE api_key SET narrowed = 0, narrowed_scopes = '' WHERE label = 'narrowed'"
unguarded "$database" "UPDATE api_key SET label = 'relabelled' WHERE label = 'renamed'"
run_with "$keys/suspended.key" verify
status_is 1 "a suspension that SQL lifts afterwards stays"
run_with "$keys/narrowed.key" verify --scope write
status_is 1 "so does a narrowing"
run audit verify
out_like "suspended" "audit verify names them"
run reissue "$(key_of suspended)" --out "$work/none.key"
status_is 1 "and no act starts from the edited row"

# ---- A log that is not clean, a registry that is not the one ----

refuses() { # NAME PROBLEM SQL
    start
    unguarded "$database" "$3" >/dev/null || bail_out "the edit itself failed: $3"
    before=$(content)
    upgrade
    status_is 1 "$1: the upgrade is refused"
    { cat "$work/out" "$work/err"; } >"$work/both"
    ok "$1: the problem is named" grep -Eq "$2" "$work/both"
    is "$(content)" "$before" "$1: and nothing is changed"
    not_ok "$1: nor backed up" test -e "$work/backup"
}
refuses "resumed by SQL" "^problem: API key .*state" "UPDATE api_key SET state = 1 WHERE label = 'suspended'"
refuses "widened by SQL" "^problem: API key .*narrow" "UPDATE api_key SET narrowed = 0, narrowed_scopes = '' WHERE label = 'narrowed'"
refuses "suspended by SQL" "^problem: API key .*suspended" "UPDATE api_key SET state = 2 WHERE label = 'plain'"
refuses "relabelled by SQL" "^problem: API key .*label" "UPDATE api_key SET label = 'other' WHERE label = 'renamed'"
refuses "an entry that was edited" "^problem: entry .* was changed" "UPDATE audit SET detail = replace(detail, 'renamed', 'changed') WHERE act = 'key.label'"
refuses "an entry that was removed" "^problem: entr|log was changed" "DELETE FROM audit WHERE act = 'key.label'"
refuses "a fact that was removed" "its facts are not those that were recorded" "DELETE FROM closed_fact WHERE sequence = 1"
refuses "the end of the log cut off" "ALARM: the registry was rolled back" \
    "DELETE FROM checkpoint WHERE size = (SELECT max(sequence) FROM audit); DELETE FROM audit WHERE sequence = (SELECT max(sequence) FROM audit)"
start
sql "CREATE TRIGGER undo AFTER UPDATE ON api_key BEGIN SELECT 1; END"
before=$(content)
upgrade
status_is 4 "a trigger that is not sealring's: the upgrade is refused"
is "$(content)" "$before" "and nothing is changed"

# The anchor must be asked.
start
before=$(content)
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
run upgrade --no-backup
status_is 3 "without the audit token the upgrade is refused"
is "$(content)" "$before" "and nothing is changed"

# ---- Beside a server of the older program ----

# A report file as such a server has it: that of a verifier of this release, with the older program's number, held as by a process that serves.
start
must upgrade --no-backup
run_with "$keys/plain.key" verify
cp "$SEALRING_VAULT"/verifiers/* "$work" || bail_out "no report file"
report=$(basename "$(find "$SEALRING_VAULT/verifiers" -name '*.report')")
older() { # FILE
    printf '\002\000\000\000\002\000\000\000' | dd of="$1" bs=1 seek=280 conv=notrunc 2>/dev/null # schema, state: after joined_boot_ms
    printf '\377\377' | dd of="$1" bs=1 seek=296 conv=notrunc 2>/dev/null # number: so the facts in it are not this report's, but the later vault's
}
serve_older() {
    cp "$work/$report" "$SEALRING_VAULT/verifiers/$report"
    older "$SEALRING_VAULT/verifiers/$report"
    flock "$SEALRING_VAULT/verifiers/$report" sleep 3600 &
    holder=$!
    until_true is_held || bail_out "the report is not held"
}
is_held() {
    ! flock -n "$SEALRING_VAULT/verifiers/$report" true
}
leave_older() {
    pkill -P "$holder"
    kill "$holder" 2>/dev/null
    wait "$holder" 2>/dev/null
    holder=
}
waits() { # NAME
    [ -z "$holder" ] || is_held || bail_out "the process that holds the report has ended"
    status_is 5 "$1: it waits"
    err_like "1 verifier of an older program may serve \(.*process" "$1: and names the server"
}

start
unguarded "$database" "UPDATE api_key SET state = 1 WHERE label = 'suspended'"
serve_older
before=$(content)
upgrade
status_is 1 "a log that is not clean, beside an older server: the upgrade is refused"
is "$(content)" "$before" "and nothing is changed, not even what is known of the server"
leave_older
start
serve_older
upgrade
waits "an older server"
has_key 0 "sealring.conf is as the older program can read it"
out_like "schema +3, was 2" "the first step is made"
is "$(sql "SELECT schema || min_reader || min_writer FROM vault")" 313 "the older program can still read"
is "$(sql "SELECT count(*) FROM closed_fact WHERE value <> ''")" 0 "no facts with values are written before it has ended"
keeps "between the steps"
run doctor
succeeds "between the steps the doctor works"
out_like "notice +upgrade-unfinished" "and names the upgrade"
must backup "$work/backup-between"
run key suspend "$(key_of plain)" --no-wait
status_is 6 "an act of this release waits for the older server like for any other"
must key resume "$(key_of plain)"
must issue payments --client bob --label between --out "$work/between.key"
is "$(sql "SELECT count(*) FROM closed_fact WHERE value <> ''")" 0 "nor by acts of this release"
before=$(content)
upgrade
waits "again"
is "$(sql "SELECT count(*) FROM audit WHERE act = 'vault.upgrade'")" 1 "and repeats nothing"
leave_older
unguarded "$database" "UPDATE api_key SET state = 1 WHERE label = 'suspended'"
run upgrade
status_is 1 "an edit between the steps is refused at the second"
is "$(sql "SELECT min_reader FROM vault")" 1 "which is not made"
unguarded "$database" "UPDATE api_key SET state = 2 WHERE label = 'suspended'"
# The fact with which facts begin, as if the second step had been made.
unguarded "$database" "INSERT INTO closed_fact (sequence, kind, key_id, ring_id, version, state, hash, value)
    SELECT max(sequence) + 1, 2, '', zeroblob(16), 0, 1, zeroblob(32), '1' FROM closed_fact"
unguarded "$database" "$(perl "$top_srcdir/tests/tamper/forge.pl" chain "$database")"
run upgrade
status_is 1 "a second step that somebody pretends was made is refused"
err_like "ALARM: no signature covers fact" "by name"
unguarded "$database" "DELETE FROM closed_fact WHERE ring_id = zeroblob(16)"
build_server
serve newer
answers newer plain accepted "a server of this release works between the steps"
run upgrade --json
succeeds "once it has ended, the second step needs no backup"
json_is '.upgrade | [.from, .to, .added, .begun, .complete, .facts] | tostring' '[3,3,false,true,true,4]' "and is made"
has_key 1 "the second step adds the key to sealring.conf"
answers newer plain accepted "a server of this release goes on at the second step"
answers newer suspended suspended "and knows the suspension"
ok "once it has polled" until_true verifiers_are '.verifiers[] | select(.state == "serving") | .epoch' "$(sql "SELECT epoch FROM vault")"
unguarded "$database" "UPDATE api_key SET state = 1 WHERE label = 'suspended'"
answers newer suspended suspended "also after an edit"
unguarded "$database" "UPDATE api_key SET state = 2 WHERE label = 'suspended'"
leave newer
keeps "after the second step"
is_complete "after the second step"
run doctor
not_ok "nor does the doctor name the upgrade any more" grep -q upgrade "$work/out"
run_with "$work/between.key" verify
succeeds "what was issued between the steps is accepted"

# ---- While the command runs for longer than a lease ----

# For the command a millisecond takes ten seconds, so that each lease ends between its dry run and its commit, as on a machine that hardly moves.
cat >"$work/slow.c" <<'END'
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int64_t began;
int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    int64_t time = now->tv_sec * INT64_C(1000000000) + now->tv_nsec;
    if (clock != CLOCK_BOOTTIME)
        return result;
    began = began == 0 ? time : began;
    time = began + (time - began) * 10000;
    *now = (struct timespec){time / 1000000000, time % 1000000000};
    return result;
}
END
# shellcheck disable=SC2086 # CC may be several words
${CC:-cc} -shared -fPIC -o "$work/slow.so" "$work/slow.c" || bail_out "the clock cannot be compiled"
on_slow_machine() {
    ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS-}" LD_PRELOAD=$work/slow.so \
        "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
start
serve_older
on_slow_machine upgrade --backup "$work/backup"
waits "an older server whose lease ends while the command runs"
is "$(sql "SELECT min_reader FROM vault")" 1 "the second step is not made beside it"
leave_older
on_slow_machine upgrade
succeeds "it is made once its process has ended"
is "$(sql "SELECT min_reader FROM vault")" 3 "and then only"

# ---- The key that verifies checkpoints ----

start
must upgrade --backup "$work/backup"
must upgrade
has_key 1 "a second upgrade adds no second line"
conf=$SEALRING_VAULT/sealring.conf
sed -i '/^audit-key/d' "$conf"
chmod 604 "$conf"
[ "$(id -u)" -ne 0 ] || chgrp 12345 "$conf"
facts=$(stat -c '%a %u %g' "$conf")
cp "$conf" "$work/conf"
run doctor
status_is 1 "a complete vault without the line: the doctor warns"
out_like "warning +audit-key-unconfigured" "of it"
run upgrade --dry-run --json
json_is '.upgrade | [.audit_key_added, .complete] | tostring' '[true,false]' "a dry run reports the line"
has_key 0 "and does not write it"
mv "$SEALRING_VAULT/pins/audit.pin" "$work/audit.pin"
run upgrade
status_is 3 "without the audit token it is not added"
err_like "cannot be added to sealring.conf" "with the reason"
has_key 0 "from nowhere else"
mv "$work/audit.pin" "$SEALRING_VAULT/pins/audit.pin"
unguarded "$database" "UPDATE audit_key SET vkey = 'mallory+00000000+AA=='"
before=$(content)
run upgrade
succeeds "beside another key in the registry it is added"
has_key 1 "as the audit token has it"
err_like "ALARM: the registry names another key for its checkpoints than sealring.conf" "with an alarm"
is "$(stat -c '%a %u %g' "$conf")" "$facts" "owner and mode are as before"
is "$(sed '/^audit-key/d' "$conf" | grep .)" "$(grep . "$work/conf")" "and so are the other lines"
not_ok "no unfinished file is left" test -e "$conf.new"
is "$(content)" "$before" "and so is the registry"
unguarded "$database" "UPDATE audit_key SET vkey = '$(cat "$work/fixture/audit.vkey")'"
run doctor
not_ok "the doctor has nothing to say about keys" grep -q audit-key "$work/out"
refuses "another key in the registry before the upgrade" "^problem: the registry names another key for its checkpoints than" \
    "UPDATE audit_key SET vkey = 'mallory+00000000+AA=='"
has_key 0 "nothing was added"
start
sed -i '/^audit-/d' "$SEALRING_VAULT/sealring.conf"
must upgrade --no-backup
has_key 0 "a vault without audit token gets none"

# ---- Killed at any time ----

start
begin=$(date +%s%N)
must upgrade --backup "$work/backup"
took=$((($(date +%s%N) - begin) / 1000000))
echo "# figure: upgrade $took ms"
parts=${PARTS:-6}
for part in $(seq "$parts"); do
    start
    at=$((took * part / parts + 1))
    timeout -s KILL "$(printf '%d.%03d' $((at / 1000)) $((at % 1000)))" "$SEALRING" upgrade --backup "$work/backup" >"$work/out" 2>&1 </dev/null
    state=$(sql "SELECT min_reader FROM vault")$(sql "SELECT count(*) FROM closed_fact WHERE state = 1 AND kind = 2 OR state = 2 AND kind = 1")
    run upgrade --backup "$work/backup"
    succeeds "killed after part $part of $parts (then $state): repeated"
    case $state in
    10 | 34) ;;
    *) ok "as a whole or not at all: $state" false ;;
    esac
done
keeps "killed, then repeated"
has_key 1 "killed, then repeated: one line"

# ---- Restored ----

start
must upgrade --backup "$work/backup"
must key suspend "$(key_of plain)"
must audit export
cp "$work/out" "$work/export"
before=$(sql "SELECT group_concat(hex(hash)) FROM closed_fact")
must restore "$work/backup" --log "$work/export"
is "$(sql "SELECT group_concat(hex(hash)) FROM closed_fact" | cut -c "1-${#before}")" "$before" "a backup of before, and the log of since: the facts are the same"
run audit verify
succeeds "audit verify is content"
is_complete "restored with the log"
must restore "$work/backup" --accept-loss "a drill"
is "$(sql "SELECT min_reader FROM vault")" 1 "without the log it is as before the second step"
keeps "restored without the log"
must upgrade
keeps "and upgraded again"
is_complete "and upgraded again"

# ---- Beside the older program itself ----

if [ -n "${OLDER_SEALRING-}" ]; then
    older_run() {
        "$OLDER_SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null
        status=$?
    }
    start
    top_builddir=$(dirname "$OLDER_SEALRING")
    SERVE_WITH="env LD_LIBRARY_PATH=$top_builddir/.libs"
    build_server
    serve older
    answers older plain accepted "a server of the older program"
    upgrade
    waits "the older program itself"
    answers older plain accepted "goes on after the first step"
    answers older narrowed accepted "with what it had not seen before"
    answers older suspended suspended "and what is suspended"
    older_run audit verify
    succeeds "so does its audit verify"
    older_run key suspend "$(key_of plain)"
    status_is 4 "but it can write no more"
    leave older
    must upgrade
    older_run status
    status_is 4 "nor read after the second step"
    start
    must upgrade --backup "$work/backup"
    rm -rf "$SEALRING_VAULT/registry"/*
    older_run restore "$work/backup" --accept-loss "back to the older program"
    succeeds "the older program restores the backup"
    older_run audit verify
    succeeds "and is content with it"
fi
done_testing

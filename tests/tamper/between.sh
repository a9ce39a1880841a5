#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Edits that last only for the moment of one command: of a fact, between the check of the chain and the transaction that reads it; of a ring's ID or
# name; and what a restore has discarded, put into the new era. Each is refused by name, and has no effect once it is reverted.
# shellcheck disable=SC2317 # functions that are called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"
database=$SEALRING_VAULT/registry/sealring.db

sql() {
    sqlite3 -cmd '.timeout 10000' "$database" "$1"
}

must init
must ring create pay --overlap 30d --quiet-period 1h
must ring create reports --overlap 30d --quiet-period 1h
must client add shop
must issue pay --client shop --label narrowed --scope "read write"
cp "$work/out" "$work/narrowed"
must issue reports --client shop --label report --scope read
cp "$work/out" "$work/report"
key=$(cut -d_ -f2 "$work/narrowed")
must key set "$key" --scope read
cp -a "$SEALRING_VAULT" "$work/whole"
start() {
    rm -rf "$SEALRING_VAULT"
    cp -a "$work/whole" "$SEALRING_VAULT"
}
verdict() { # FILE [SCOPE]
    run_with "$work/$1" verify ${2:+--scope "$2"}
    cut -d' ' -f1 "$work/out" | head -n 1
}

# ---- A fact, between the check and the transaction ----

# without_triggers SQL: one transaction without the schema's triggers, up to its COMMIT.
without_triggers() {
    echo "BEGIN IMMEDIATE;"
    sql "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'"
    echo "$1"
    sql "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger'"
}

# during EDIT REVERT COMMAND...: holds SQLite's write lock with the edit until the command waits for it; reverts it as soon as the command has committed.
during() {
    {
        echo ".timeout 20000"
        without_triggers "$1"
        echo "SELECT 'held';"
    } >"$work/edit.sql"
    {
        echo "COMMIT;"
        echo "SELECT 'committed';"
    } >"$work/commit.sql"
    without_triggers "$2" >"$work/revert.sql"
    echo "COMMIT;" >>"$work/revert.sql"
    shift 2
    mkfifo "$work/to"
    : >"$work/said"
    sqlite3 -bail "$database" <"$work/to" >"$work/said" 2>&1 &
    editor=$!
    exec 7>"$work/to"
    cat "$work/edit.sql" >&7
    until_true grep -q held "$work/said"
    entries=$(sql "SELECT count(*) FROM audit")
    "$SEALRING" "$@" >"$work/out" 2>"$work/err" </dev/null &
    command=$!
    until_true waits_for_sqlite
    cat "$work/commit.sql" >&7
    until_true has_ended_or_written
    cat "$work/revert.sql" >&7
    exec 7>&-
    wait $editor
    wait $command
    status=$?
    rm "$work/to"
}

# SQLite sleeps between its tries to begin a transaction.
waits_for_sqlite() {
    [ ! -e "/proc/$command" ] || grep -q nanosleep "/proc/$command/wchan" 2>/dev/null
}
has_ended_or_written() {
    [ ! -e "/proc/$command" ] || [ "$(sql "SELECT count(*) FROM audit")" -gt "$entries" ]
}

fact=$(sql "SELECT max(sequence) FROM closed_fact WHERE kind = 1")
value=$(sql "SELECT hex(value) FROM closed_fact WHERE sequence = $fact")
widen="UPDATE closed_fact SET value = '0' || char(10) || char(10) || char(10) WHERE sequence = $fact;
    UPDATE api_key SET narrowed = 0, narrowed_scopes = '' WHERE key_id = '$key';"
restore_fact="UPDATE closed_fact SET value = CAST(X'$value' AS TEXT) WHERE sequence = $fact;"

during "$widen" "$restore_fact" key set "$key" --label renamed
is "$status" 1 "an act that would read an edited fact is refused"
err_like "ALARM: the registry .* was altered: its facts are not those that were recorded, from fact $fact on" "by name"
is "$(verdict narrowed write)" scope "the key stays narrowed"

start
during "$widen" "$restore_fact" key suspend "$key"
is "$status" 0 "a restriction is carried out, whatever the registry contains"
run ring set pay --overlap 20d
is "$status" 1 "what it recorded is not signed by the next act"
err_like "ALARM: no signature covers fact [0-9]+, which sets API key $key to suspended" "which names it"
is "$(verdict narrowed write)" suspended "the key is suspended"

# ---- A ring without its facts ----

start
ring_id=$(sql "SELECT hex(ring_id) FROM ring WHERE name = 'pay'")
unguarded "$database" "UPDATE ring SET ring_id = randomblob(16), overlap = 1000, purge_delay = 1000, quiet_period = 1000, succession = 1,
    rotate_every = 86400000, keep = 3 WHERE name = 'pay'; UPDATE version SET activated = activated - 86400000 * 40; DELETE FROM clock"
entries=$(sql "SELECT count(*) FROM audit")
for turn in 1 2; do
    run run --once
    err_like "ALARM: no fact is about a ring pay with the ID that its row contains: the registry was altered" "run, turn $turn: a ring with another ID is refused"
done
is "$(sql "SELECT count(*) FROM version WHERE ring = (SELECT id FROM ring WHERE name = 'pay')")" 1 "and gets no version"
run compromise pay 1 --reason leaked
is "$status" 1 "its versions' states are not changed"
err_like "restore the newest backup" "and what to do"
must revoke "$key" --reason leaked
unguarded "$database" "UPDATE ring SET ring_id = X'$ring_id' WHERE name = 'pay'"
is "$(verdict report)" accepted "the other ring is as it was"
is "$(verdict narrowed)" revoked "a key of that ring could be revoked"

start
exchange="UPDATE ring SET name = 'x' WHERE name = 'pay'; UPDATE ring SET name = 'pay' WHERE name = 'reports'; UPDATE ring SET name = 'reports' WHERE name = 'x'"
unguarded "$database" "$exchange"
run compromise pay 1 --reason leaked
is "$status" 1 "a compromise of a ring whose name was exchanged is refused"
err_like "ALARM: no fact is about a ring pay" "by name"
unguarded "$database" "$exchange"
is "$(verdict report) $(verdict narrowed)" "accepted accepted" "and reaches no other ring"
must compromise pay 1 --reason leaked
is "$(verdict report) $(verdict narrowed)" "accepted version-compromised" "with its name it reaches its own"

start
unguarded "$database" "INSERT INTO version SELECT ring, 2, 1, randomblob(length(object_id)), check_value, was_compromised, closing_owed, created, 0, 0, 0, 0, 0,
    created_epoch, prf, origin, public_key FROM version WHERE ring = (SELECT id FROM ring WHERE name = 'pay')"
run activate pay 2
is "$status" 1 "a version without a fact is not activated"
err_like "ALARM: there is no fact about version 2 of ring pay" "by name"

start
ring=$(sql "SELECT id FROM ring WHERE name = 'pay'")
must rotate pay
unguarded "$database" "UPDATE version SET ring = 0 WHERE ring = $ring AND number = 2"
run rotate pay
is "$status" 1 "no version takes the place of one whose row is missing"
err_like "ALARM: version 2 of ring pay has no row" "by name"
run run --once
is "$(sql "SELECT count(*) FROM version WHERE ring = $ring")" 1 "nor does run prepare one"
must compromise pay 1 --reason leaked
unguarded "$database" "UPDATE version SET ring = $ring WHERE ring = 0"
is "$(sql "SELECT group_concat(number || ':' || state) FROM version WHERE ring = $ring")" 1:5,2:2 "another version is compromised all the same"
must rotate pay

# ---- What a restore has discarded ----

start
must key suspend "$key"
must backup "$work/backup"
must key resume "$key"
must client add later
sqlite3 "$database" ".backup $work/discarded.db"
must restore "$work/backup" --accept-loss "undo"
is "$(verdict narrowed)" suspended "after the restore the key is suspended"
unguarded "$database" "ATTACH '$work/discarded.db' AS old" 2>/dev/null
{
    echo "ATTACH '$work/discarded.db' AS old;"
    sql "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'"
    echo "INSERT INTO main.closed_fact SELECT * FROM old.closed_fact WHERE sequence > (SELECT max(sequence) FROM main.closed_fact);
        DELETE FROM main.checkpoint WHERE size >= (SELECT max(size) FROM old.checkpoint);
        INSERT OR REPLACE INTO main.checkpoint SELECT * FROM old.checkpoint WHERE size = (SELECT max(size) FROM old.checkpoint);
        UPDATE main.api_key SET state = 1 WHERE key_id = '$key';"
    sql "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger'"
} >"$work/replay.sql"
sqlite3 -bail "$database" <"$work/replay.sql" || bail_out "nothing was put into the new era"
is "$(verdict narrowed)" suspended "a checkpoint of the former era permits nothing at servers"
run ring set pay --overlap 20d
is "$(verdict narrowed)" suspended "and no act signs what it covered"
done_testing

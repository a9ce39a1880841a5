#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody edits rows of the registry by SQL. What the next commands do with the edited rows: nothing is decided by an impossible value, no
# credential that was ended is handed out again, and no command writes a value that it only read.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
command -v sqlite3 >/dev/null || bail_out "sqlite3 is missing (Debian: sqlite3)"

sql() {
    sqlite3 -cmd '.timeout 10000' "$SEALRING_VAULT/registry/sealring.db" "$@"
}

fresh_vault() { # NAME: a vault of its own for each section
    SEALRING_VAULT=$work/$1
    must init --lease 1s
}

states() { # RING
    sql "SELECT v.number || ' ' || v.state FROM version v JOIN ring r ON r.id = v.ring WHERE r.name = '$1' ORDER BY v.number" | paste -sd,
}

# ---- a policy that `ring set` refuses

fresh_vault policies
must ring create altered --overlap 1h --quiet-period 1m --rotate-every 2h
must ring create later --overlap 1h --quiet-period 1m
must rotate altered
before=$(states altered)
sql "CREATE TABLE aside AS SELECT * FROM ring"
for edit in 'overlap = 0' 'quiet_period = 0' 'purge_delay = 315360000001' 'keep = 0' 'keep = 101' 'rotate_every = 1' 'usage_hourly = 0' \
    'usage_daily = 1' 'succession = 2' 'overlap = 0, quiet_period = 0, purge_delay = 0, rotate_every = 1, keep = 100, succession = 1'; do
    must ring set later --standby
    sql "PRAGMA ignore_check_constraints = 1; UPDATE ring SET $edit WHERE name = 'altered'"
    sql "UPDATE version SET retire_at = 1 WHERE state = 3"
    run run --once --dry-run
    is "$status $(grep -c '^.*altered: ' "$work/out")" "1 1" "$edit: a dry run reports it"
    run run --once
    is "$status" 1 "$edit: the turn fails"
    is "$(grep -c 'altered: ALARM: the registry was altered: the ring.s policy cannot be' "$work/out")" 1 "in one line, which names the ring"
    is "$(states altered)" "$before" "and nothing is done for the ring"
    run status altered
    out_like "nothing .*policy cannot be" "status reports it"
    sql "UPDATE ring SET (overlap, quiet_period, purge_delay, keep, rotate_every, usage_hourly, usage_daily, succession) = (SELECT a.overlap,
        a.quiet_period, a.purge_delay, a.keep, a.rotate_every, a.usage_hourly, a.usage_daily, a.succession FROM aside a WHERE a.id = ring.id)
        WHERE name = 'altered'"
done
is "$(states later)" "1 2,2 1" "the other ring's standby was prepared meanwhile"
sql "DROP TABLE aside"
run run --once altered
is "$status" 0 "as it was, the policy is carried out again"
done_testing

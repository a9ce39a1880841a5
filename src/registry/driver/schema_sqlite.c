/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's tables in SQLite's SQL: schema 1. */
#include "registry/driver/schema.h"

/* Conventions. Times and durations: milliseconds. Booleans: 0 and 1. Rows are kept permanently: a tombstone is a state. Only an
 * intention is deleted when it is fulfilled. changed_epoch (before schema 3): the epoch of the last transaction that changed the row, or a
 * credential of the API key, for servers of then. Lengths are
 * in bytes, hence the casts: SQLite counts a text's characters, and only to the first NUL. Triggers also protect what is final, so that
 * no wrong query can undo it. */

const char *const schema_sqlite[] = {
    "CREATE TABLE vault ("
    "    id INTEGER PRIMARY KEY CHECK (id = 1),"
    "    vault_id BLOB NOT NULL CHECK (length(vault_id) = 16),"
    "    era BLOB NOT NULL CHECK (length(era) = 16),"
    "    epoch INTEGER NOT NULL CHECK (epoch >= 0),"
    "    schema INTEGER NOT NULL CHECK (schema >= 1),"
    "    min_reader INTEGER NOT NULL CHECK (min_reader BETWEEN 1 AND schema),"
    "    min_writer INTEGER NOT NULL CHECK (min_writer BETWEEN 1 AND schema),"
    "    lease_ms INTEGER NOT NULL CHECK (lease_ms > 0),"
    "    refresh_ms INTEGER NOT NULL CHECK (refresh_ms > 0),"
    "    object_id_length INTEGER NOT NULL CHECK (object_id_length BETWEEN 1 AND 32),"
    "    token_closes_keys INTEGER NOT NULL CHECK (token_closes_keys IN (0, 1)),"
    "    era_in_force INTEGER NOT NULL CHECK (era_in_force IN (0, 1)),"
    "    created INTEGER NOT NULL CHECK (created >= 0)"
    ") STRICT",

    "CREATE TABLE ring ("
    "    id INTEGER PRIMARY KEY,"
    "    ring_id BLOB NOT NULL UNIQUE CHECK (length(ring_id) = 16),"
    "    name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),"
    "    prefix TEXT NOT NULL CHECK (length(CAST(prefix AS BLOB)) BETWEEN 1 AND 24),"
    "    overlap INTEGER NOT NULL CHECK (overlap >= 0),"
    "    purge_delay INTEGER NOT NULL CHECK (purge_delay >= 0),"
    "    keep INTEGER NOT NULL CHECK (keep BETWEEN 0 AND 4294967295),"
    "    rotate_every INTEGER NOT NULL CHECK (rotate_every >= 0),"
    "    quiet_period INTEGER NOT NULL CHECK (quiet_period >= 0),"
    "    standby INTEGER NOT NULL CHECK (standby IN (0, 1)),"
    "    idle_blocks INTEGER NOT NULL CHECK (idle_blocks IN (0, 1)),"
    "    usage_hourly INTEGER NOT NULL CHECK (usage_hourly >= 0),"
    "    usage_daily INTEGER NOT NULL CHECK (usage_daily >= 0),"
    "    rotation_held INTEGER NOT NULL CHECK (rotation_held IN (0, 1)),"
    "    last_version INTEGER NOT NULL CHECK (last_version BETWEEN 0 AND 4294967295),"
    "    created INTEGER NOT NULL CHECK (created >= 0),"
    "    changed_epoch INTEGER NOT NULL CHECK (changed_epoch >= 0)"
    ") STRICT",
    "CREATE INDEX ring_changed ON ring (changed_epoch)",

    /* States as in sealring_version_state: 1 pending, 2 active, 3 retiring, 4 retired, 5 compromised, 6 destroyed. */
    "CREATE TABLE version ("
    "    ring INTEGER NOT NULL REFERENCES ring (id),"
    "    number INTEGER NOT NULL CHECK (number BETWEEN 1 AND 4294967295),"
    "    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),"
    "    object_id BLOB NOT NULL UNIQUE CHECK (length(object_id) BETWEEN 1 AND 32),"
    "    check_value BLOB NOT NULL CHECK (length(check_value) = 8),"
    "    was_compromised INTEGER NOT NULL CHECK (was_compromised IN (0, 1)),"
    "    closing_owed INTEGER NOT NULL CHECK (closing_owed IN (0, 1)),"
    "    created INTEGER NOT NULL CHECK (created >= 0),"
    "    activated INTEGER NOT NULL CHECK (activated >= 0),"
    "    retire_at INTEGER NOT NULL CHECK (retire_at >= 0),"
    "    closed INTEGER NOT NULL CHECK (closed >= 0),"
    "    purge_at INTEGER NOT NULL CHECK (purge_at >= 0),"
    "    destroyed INTEGER NOT NULL CHECK (destroyed >= 0),"
    "    created_epoch INTEGER NOT NULL CHECK (created_epoch >= 0),"
    "    changed_epoch INTEGER NOT NULL CHECK (changed_epoch >= 0),"
    "    PRIMARY KEY (ring, number),"
    "    CHECK (state <> 5 OR was_compromised = 1),"
    "    CHECK (was_compromised = 0 OR state IN (5, 6))"
    ") STRICT, WITHOUT ROWID",
    "CREATE UNIQUE INDEX version_active ON version (ring) WHERE state = 2",
    "CREATE INDEX version_changed ON version (changed_epoch)",
    "CREATE INDEX version_owed ON version (closing_owed) WHERE closing_owed = 1",
    "CREATE TRIGGER version_final BEFORE UPDATE ON version"
    " WHEN (OLD.state = 6 AND NEW.state <> 6) OR (OLD.was_compromised = 1 AND NEW.was_compromised = 0)"
    " BEGIN SELECT RAISE(ABORT, 'compromised and destroyed are final'); END",

    "CREATE TABLE client ("
    "    id INTEGER PRIMARY KEY,"
    "    name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),"
    "    contact TEXT NOT NULL CHECK (length(CAST(contact AS BLOB)) BETWEEN 0 AND 254),"
    "    created INTEGER NOT NULL CHECK (created >= 0),"
    "    forgotten INTEGER NOT NULL CHECK (forgotten >= 0),"
    "    changed_epoch INTEGER NOT NULL CHECK (changed_epoch >= 0)"
    ") STRICT",

    /* States as in sealring_key_state: 1 active, 2 suspended, 3 revoked. used: 0 until a report contains a use, then the time of a use:
     * the last one of all whose statistics are pruned. It affects no verdict, and does not increase the epoch. */
    "CREATE TABLE api_key ("
    "    id INTEGER PRIMARY KEY,"
    "    key_id TEXT NOT NULL UNIQUE CHECK (length(CAST(key_id AS BLOB)) = 16),"
    "    ring INTEGER NOT NULL REFERENCES ring (id),"
    "    client INTEGER NOT NULL REFERENCES client (id),"
    "    label TEXT NOT NULL CHECK (length(CAST(label AS BLOB)) BETWEEN 1 AND 64),"
    "    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),"
    "    narrowed INTEGER NOT NULL CHECK (narrowed IN (0, 1)),"
    "    narrowed_scopes TEXT NOT NULL CHECK (length(CAST(narrowed_scopes AS BLOB)) BETWEEN 0 AND 1023),"
    "    last_serial INTEGER NOT NULL CHECK (last_serial BETWEEN 0 AND 4294967295),"
    "    created INTEGER NOT NULL CHECK (created >= 0),"
    "    changed_epoch INTEGER NOT NULL CHECK (changed_epoch >= 0),"
    "    used INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),"
    "    CHECK (narrowed = 1 OR narrowed_scopes = '')"
    ") STRICT",

    /* Client first, so that it also serves the list of one client's keys; the next index serves the revoked ones among them. */
    "CREATE UNIQUE INDEX api_key_label ON api_key (client, ring, label) WHERE state <> 3",
    "CREATE INDEX api_key_revoked ON api_key (client) WHERE state = 3",
    "CREATE INDEX api_key_ring ON api_key (ring, state)",
    "CREATE INDEX api_key_changed ON api_key (changed_epoch)",
    "CREATE INDEX api_key_idle ON api_key (ring, state, used) WHERE used = 0",
    "CREATE TRIGGER api_key_final BEFORE UPDATE ON api_key"
    " WHEN (OLD.state = 3 AND NEW.state <> 3) OR NEW.last_serial < OLD.last_serial"
    " BEGIN SELECT RAISE(ABORT, 'revoked is final, and serials only grow'); END",

    /* States as in sealring_credential_state: 1 current, 2 superseded. ring repeats its key's, so that a credential can refer to its
     * version and a version's credentials can be counted. The digest is in the primary key, so that a presented credential is found in
     * one lookup, however many credentials its API key has had. API keys' numbers increase, so new rows go to the end. */
    "CREATE TABLE credential ("
    "    api_key INTEGER NOT NULL REFERENCES api_key (id),"
    "    serial INTEGER NOT NULL CHECK (serial BETWEEN 1 AND 4294967295),"
    "    ring INTEGER NOT NULL,"
    "    version INTEGER NOT NULL,"
    "    digest BLOB NOT NULL CHECK (length(digest) = 32),"
    "    nonce BLOB NOT NULL CHECK (length(nonce) = 16),"
    "    scopes TEXT NOT NULL CHECK (length(CAST(scopes AS BLOB)) BETWEEN 0 AND 1023),"
    "    not_before INTEGER NOT NULL CHECK (not_before >= 0),"
    "    expires INTEGER NOT NULL CHECK (expires >= 0),"
    "    state INTEGER NOT NULL CHECK (state IN (1, 2)),"
    "    replaced INTEGER NOT NULL CHECK (replaced IN (0, 1)),"
    "    retire_at INTEGER NOT NULL CHECK (retire_at >= 0),"
    "    issued INTEGER NOT NULL CHECK (issued >= 0),"
    "    imported INTEGER NOT NULL CHECK (imported IN (0, 1)),"
    "    binding BLOB NOT NULL CHECK (length(binding) = 32 * imported),"
    "    changed_epoch INTEGER NOT NULL CHECK (changed_epoch >= 0),"
    "    PRIMARY KEY (api_key, digest),"
    "    UNIQUE (api_key, serial),"
    "    FOREIGN KEY (ring, version) REFERENCES version (ring, number),"
    "    CHECK (replaced = 0 OR (state = 2 AND retire_at > 0)),"
    "    CHECK (imported = 0 OR expires > 0)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX credential_version ON credential (ring, version)",
    "CREATE UNIQUE INDEX credential_imported ON credential (digest) WHERE imported = 1",
    "CREATE TRIGGER credential_final BEFORE UPDATE ON credential"
    " WHEN (OLD.state = 2 AND NEW.state = 1) OR (OLD.replaced = 1 AND NEW.replaced = 0)"
    " BEGIN SELECT RAISE(ABORT, 'superseded is final'); END",

    /* ring is NULL while the ring itself is being made together with its first version. */
    "CREATE TABLE intention ("
    "    id INTEGER PRIMARY KEY,"
    "    nonce BLOB NOT NULL UNIQUE CHECK (length(nonce) = 16),"
    "    ring INTEGER REFERENCES ring (id),"
    "    object_id BLOB NOT NULL CHECK (length(object_id) BETWEEN 1 AND 32),"
    "    owner TEXT NOT NULL CHECK (length(CAST(owner AS BLOB)) BETWEEN 1 AND 127),"
    "    created INTEGER NOT NULL CHECK (created >= 0)"
    ") STRICT",

    /* What the operator's side records about verifiers; what they report themselves is in their report files. number: of the last of
     * its reports that was read. seen_boot_ms and seen_boot_id are not used any more: each process measures silence by its own clock.
     * ended: the wall time from which on it certainly served nothing; 0: it may still serve. hole: its reports may lack uses up to then
     * (0: they are complete). alarms: the number of its reported alarms that are in the audit log. Rows that have no effect any more
     * are deleted. */
    "CREATE TABLE verifier ("
    "    instance BLOB PRIMARY KEY CHECK (length(instance) = 16),"
    "    seat BLOB NOT NULL CHECK (length(seat) = 16),"
    "    inode INTEGER NOT NULL,"
    "    host TEXT NOT NULL,"
    "    program TEXT NOT NULL,"
    "    process INTEGER NOT NULL,"
    "    joined INTEGER NOT NULL CHECK (joined >= 0),"
    "    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),"
    "    number INTEGER NOT NULL CHECK (number >= 0),"
    "    epoch INTEGER NOT NULL CHECK (epoch >= 0),"
    "    seen_boot_id TEXT NOT NULL CHECK (length(seen_boot_id) BETWEEN 0 AND 39),"
    "    seen_boot_ms INTEGER NOT NULL CHECK (seen_boot_ms >= 0),"
    "    last_report INTEGER NOT NULL CHECK (last_report >= 0),"
    "    ended INTEGER NOT NULL CHECK (ended >= 0),"
    "    hole INTEGER NOT NULL CHECK (hole >= 0),"
    "    alarms INTEGER NOT NULL CHECK (alarms >= 0)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX verifier_seat ON verifier (seat)",

    /* The evidence for the retire gate, separate from the statistics: the last use of a version in any report, whatever the verdict. It
     * only increases. */
    "CREATE TABLE version_use ("
    "    ring INTEGER NOT NULL,"
    "    version INTEGER NOT NULL,"
    "    last_use INTEGER NOT NULL CHECK (last_use >= 0),"
    "    PRIMARY KEY (ring, version),"
    "    FOREIGN KEY (ring, version) REFERENCES version (ring, number)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TRIGGER version_use_forward BEFORE UPDATE ON version_use WHEN NEW.last_use < OLD.last_use"
    " BEGIN SELECT RAISE(ABORT, 'the last use never goes back'); END",

    /* Statistics, harvested from report files. usage_hour contains what one file (seat) reports about one credential in one hour, so
     * that it can be read again. settled_hour: all hours up to it have been finally read from that file; what it still contains about
     * them is ignored. Settled hours move to usage_day when the policy's time has passed. usage_traffic: the same hours' sums by
     * version. finished: the last verifier of the file, if that has ended and everything in the file is recorded here. No foreign keys:
     * reports come from outside, and are checked when they are read. ring repeats the key's, so that a version's users are found. */
    "CREATE TABLE usage_hour ("
    "    api_key INTEGER NOT NULL,"
    "    serial INTEGER NOT NULL CHECK (serial BETWEEN 1 AND 4294967295),"
    "    hour INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 4294967295),"
    "    seat BLOB NOT NULL CHECK (length(seat) = 16),"
    "    ring INTEGER NOT NULL,"
    "    version INTEGER NOT NULL,"
    "    accepted INTEGER NOT NULL CHECK (accepted >= 0),"
    "    not_yet_valid INTEGER NOT NULL CHECK (not_yet_valid >= 0),"
    "    expired INTEGER NOT NULL CHECK (expired >= 0),"
    "    suspended INTEGER NOT NULL CHECK (suspended >= 0),"
    "    scope INTEGER NOT NULL CHECK (scope >= 0),"
    "    closed INTEGER NOT NULL CHECK (closed >= 0),"
    "    last_use INTEGER NOT NULL CHECK (last_use >= 0),"
    "    PRIMARY KEY (api_key, serial, hour, seat)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX usage_hour_version ON usage_hour (ring, version, hour)",
    "CREATE TABLE usage_day ("
    "    api_key INTEGER NOT NULL,"
    "    serial INTEGER NOT NULL CHECK (serial BETWEEN 1 AND 4294967295),"
    "    day INTEGER NOT NULL CHECK (day BETWEEN 0 AND 4294967295),"
    "    ring INTEGER NOT NULL,"
    "    version INTEGER NOT NULL,"
    "    accepted INTEGER NOT NULL CHECK (accepted >= 0),"
    "    not_yet_valid INTEGER NOT NULL CHECK (not_yet_valid >= 0),"
    "    expired INTEGER NOT NULL CHECK (expired >= 0),"
    "    suspended INTEGER NOT NULL CHECK (suspended >= 0),"
    "    scope INTEGER NOT NULL CHECK (scope >= 0),"
    "    closed INTEGER NOT NULL CHECK (closed >= 0),"
    "    last_use INTEGER NOT NULL CHECK (last_use >= 0),"
    "    PRIMARY KEY (api_key, serial, day)"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX usage_day_version ON usage_day (ring, version, day)",
    "CREATE TABLE usage_traffic ("
    "    ring INTEGER NOT NULL,"
    "    version INTEGER NOT NULL,"
    "    hour INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 4294967295),"
    "    seat BLOB NOT NULL CHECK (length(seat) = 16),"
    "    accepted INTEGER NOT NULL CHECK (accepted >= 0),"
    "    rejected INTEGER NOT NULL CHECK (rejected >= 0),"
    "    PRIMARY KEY (ring, version, hour, seat)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TABLE usage_seat ("
    "    seat BLOB PRIMARY KEY CHECK (length(seat) = 16),"
    "    settled_hour INTEGER NOT NULL CHECK (settled_hour BETWEEN 0 AND 4294967295),"
    "    finished BLOB NOT NULL CHECK (length(finished) IN (0, 16))"
    ") STRICT, WITHOUT ROWID",
    "CREATE TRIGGER usage_seat_forward BEFORE UPDATE ON usage_seat WHEN NEW.settled_hour < OLD.settled_hour"
    " BEGIN SELECT RAISE(ABORT, 'what is settled stays so'); END",

    /* The two clocks as automation last recorded them, and, while they are considered to disagree, since when they have been steady
     * again (time since boot) and what the wall clock should show: lifecycle/clockwatch.h. */
    "CREATE TABLE clock ("
    "    id INTEGER PRIMARY KEY CHECK (id = 1),"
    "    boot_id TEXT NOT NULL CHECK (length(boot_id) BETWEEN 0 AND 39),"
    "    boot_ms INTEGER NOT NULL CHECK (boot_ms >= 0),"
    "    wall_ms INTEGER NOT NULL,"
    "    held INTEGER NOT NULL CHECK (held IN (0, 1)),"
    "    steady_boot_ms INTEGER NOT NULL CHECK (steady_boot_ms >= 0),"
    "    expectation INTEGER NOT NULL CHECK (expectation BETWEEN 0 AND 2),"
    "    expected_ms INTEGER NOT NULL"
    ") STRICT",

    "CREATE TABLE audit ("
    "    sequence INTEGER PRIMARY KEY CHECK (sequence >= 1),"
    "    operation_id BLOB NOT NULL CHECK (length(operation_id) = 16),"
    "    time INTEGER NOT NULL CHECK (time >= 0),"
    "    actor TEXT,"
    "    act TEXT NOT NULL CHECK (length(CAST(act AS BLOB)) BETWEEN 1 AND 64),"
    "    ring TEXT,"
    "    version INTEGER NOT NULL CHECK (version BETWEEN 0 AND 4294967295),"
    "    key_id TEXT,"
    "    client TEXT,"
    "    detail TEXT,"
    "    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32)"
    ") STRICT",
    "CREATE INDEX audit_operation ON audit (operation_id)",
    /* This also keeps INSERT OR REPLACE from replacing an entry. */
    "CREATE TRIGGER audit_gapless BEFORE INSERT ON audit"
    " WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit)"
    " BEGIN SELECT RAISE(ABORT, 'audit entries follow each other without a gap'); END",
    "CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END",

    /* Complete subtrees of the log's Merkle tree, of 16 leaves (level 4) and more: hash of the 2^level leaves from position * 2^level
     * on. Smaller ones are computed from the leaf hashes. */
    "CREATE TABLE audit_node ("
    "    level INTEGER NOT NULL CHECK (level BETWEEN 4 AND 62),"
    "    position INTEGER NOT NULL CHECK (position >= 0),"
    "    hash BLOB NOT NULL CHECK (length(hash) = 32),"
    "    PRIMARY KEY (level, position)"
    ") STRICT, WITHOUT ROWID",
    "CREATE TRIGGER audit_node_fixed BEFORE UPDATE ON audit_node"
    " BEGIN SELECT RAISE(ABORT, 'nodes of the audit log are never changed'); END",

    /* The keys that sign checkpoints, for those who verify. The newest one signs. */
    "CREATE TABLE audit_key ("
    "    id INTEGER PRIMARY KEY,"
    "    vkey TEXT NOT NULL UNIQUE CHECK (length(CAST(vkey AS BLOB)) BETWEEN 1 AND 511),"
    "    created INTEGER NOT NULL CHECK (created >= 0)"
    ") STRICT",

    /* Signed notes over the log's first `size` entries. The latest hundred, and the last of each day, are kept: each covers all entries
     * before it. */
    "CREATE TABLE checkpoint ("
    "    size INTEGER PRIMARY KEY CHECK (size >= 1),"
    "    time INTEGER NOT NULL CHECK (time >= 0),"
    "    note TEXT NOT NULL CHECK (length(CAST(note AS BLOB)) BETWEEN 1 AND 8192)"
    ") STRICT",
    "CREATE TRIGGER checkpoint_fixed BEFORE UPDATE ON checkpoint"
    " BEGIN SELECT RAISE(ABORT, 'checkpoints are never changed'); END",

    /* What was closed (kind 1: an API key was revoked; 2: a version entered or left a closed state), in that order. Each hash covers
     * all facts before it. */
    "CREATE TABLE closed_fact ("
    "    sequence INTEGER PRIMARY KEY CHECK (sequence >= 1),"
    "    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),"
    "    key_id TEXT NOT NULL CHECK (length(CAST(key_id AS BLOB)) = CASE kind WHEN 1 THEN 16 ELSE 0 END),"
    "    ring_id BLOB NOT NULL CHECK (length(ring_id) = CASE kind WHEN 2 THEN 16 ELSE 0 END),"
    "    version INTEGER NOT NULL CHECK (version BETWEEN 0 AND 4294967295),"
    "    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),"
    "    hash BLOB NOT NULL CHECK (length(hash) = 32)"
    ") STRICT",
    "CREATE INDEX closed_fact_key ON closed_fact (key_id) WHERE kind = 1",
    "CREATE INDEX closed_fact_version ON closed_fact (ring_id, version) WHERE kind = 2",
    "CREATE TRIGGER closed_fact_gapless BEFORE INSERT ON closed_fact"
    " WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM closed_fact)"
    " BEGIN SELECT RAISE(ABORT, 'closed facts follow each other without a gap'); END",
    "CREATE TRIGGER closed_fact_fixed BEFORE UPDATE ON closed_fact"
    " BEGIN SELECT RAISE(ABORT, 'closed facts are never changed'); END",

    "CREATE TRIGGER vault_forward BEFORE UPDATE ON vault"
    " WHEN NEW.vault_id <> OLD.vault_id OR (NEW.era = OLD.era AND NEW.epoch < OLD.epoch)"
    " BEGIN SELECT RAISE(ABORT, 'the vault ID stays, and the epoch never goes back'); END",
    "CREATE TRIGGER vault_stays BEFORE DELETE ON vault BEGIN SELECT RAISE(ABORT, 'vault rows are kept'); END",
    "CREATE TRIGGER ring_stays BEFORE DELETE ON ring BEGIN SELECT RAISE(ABORT, 'ring rows are kept'); END",
    "CREATE TRIGGER version_stays BEFORE DELETE ON version"
    " BEGIN SELECT RAISE(ABORT, 'version rows are kept'); END",
    "CREATE TRIGGER client_stays BEFORE DELETE ON client BEGIN SELECT RAISE(ABORT, 'client rows are kept'); END",
    "CREATE TRIGGER api_key_stays BEFORE DELETE ON api_key"
    " BEGIN SELECT RAISE(ABORT, 'api_key rows are kept'); END",
    "CREATE TRIGGER credential_stays BEFORE DELETE ON credential"
    " BEGIN SELECT RAISE(ABORT, 'credential rows are kept'); END",
    "CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are kept'); END",
    "CREATE TRIGGER audit_node_stays BEFORE DELETE ON audit_node"
    " BEGIN SELECT RAISE(ABORT, 'audit_node rows are kept'); END",
    "CREATE TRIGGER audit_key_stays BEFORE DELETE ON audit_key"
    " BEGIN SELECT RAISE(ABORT, 'audit_key rows are kept'); END",
    "CREATE TRIGGER closed_fact_stays BEFORE DELETE ON closed_fact"
    " BEGIN SELECT RAISE(ABORT, 'closed_fact rows are kept'); END",
};

const size_t schema_sqlite_count = sizeof schema_sqlite / sizeof *schema_sqlite;

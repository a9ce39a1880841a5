/* SPDX-License-Identifier: Apache-2.0 */
/* What changed in the registry's tables since schema 1, in SQLite's SQL. */
#include "registry/driver/schema.h"

/* succession, renew_age: 0 is the default (400 days), also for rings that existed before. renew, deliver, leaks: as in ring_policy.h. value: the complete new value of what the fact is about, "" for
 * what was closed. Since then kind 1 with a state below revoked is a suspension, a resumption, a narrowing or another label.
 * credential.label: the API key's label when it was issued, which its claims contain; "" for claims of version 1. credential.origin,
 * predecessor: the time of the operator's issue, and the serial of the credential that was renewed (0: none), which they contain, too. version.prf: the kind of
 * the pseudorandom function with which the version's key derives; a program that does not know it derives nothing. public_key: the SHA-256
 * of an asymmetric key's public key. client.*_hash: SHA-256 over salt and value, as the client's last fact contains it (client_rows.c).
 * notice: what clients are to be notified of, which is derived again before it is sent; notice_state: up to which entry and time that was derived.
 * closed_fact_contested: facts of API keys that are contested (closed_facts.h), and perhaps a few others. closed_fact_claim: of those with a claim. audit_leak: entries about leaked credentials. usage_hour_seat: rows that are not folded, by the file that they are of. Rows of settled hours have seat 0: one for a credential and hour.
 * renewal_error: why renewals of an API key failed since its newest credential was issued; no decision reads it. */
const struct schema_addition schema_sqlite_additions[] = {
    {2, "ring", "succession", "succession INTEGER NOT NULL DEFAULT 0 CHECK (succession >= 0)"},
    {3, "ring", "renew", "renew INTEGER NOT NULL DEFAULT 0 CHECK (renew BETWEEN 0 AND 2)"},
    {3, "ring", "renew_life", "renew_life INTEGER NOT NULL DEFAULT 0 CHECK (renew_life >= 0)"},
    {3, "ring", "renew_age", "renew_age INTEGER NOT NULL DEFAULT 0 CHECK (renew_age >= 0)"},
    {3, "ring", "deliver", "deliver INTEGER NOT NULL DEFAULT 0 CHECK (deliver BETWEEN 0 AND 3)"},
    {3, "ring", "leaks", "leaks INTEGER NOT NULL DEFAULT 0 CHECK (leaks BETWEEN 0 AND 2)"},
    {3, "credential", "label", "label TEXT NOT NULL DEFAULT '' CHECK (length(CAST(label AS BLOB)) <= 64)"},
    {3, "credential", "origin", "origin INTEGER NOT NULL DEFAULT 0 CHECK (origin >= 0)"},
    {3, "credential", "predecessor",
     "predecessor INTEGER NOT NULL DEFAULT 0 CHECK (predecessor BETWEEN 0 AND 4294967295)"},
    {3, "closed_fact", "value", "value TEXT NOT NULL DEFAULT ''"},
    {3, "version", "prf", "prf TEXT NOT NULL DEFAULT 'hmac-sha256' CHECK (length(CAST(prf AS BLOB)) BETWEEN 1 AND 32)"},
    {3, "version", "origin", "origin TEXT NOT NULL DEFAULT 'generated' CHECK (origin IN ('generated', 'adopted'))"},
    {3, "version", "public_key", "public_key BLOB CHECK (public_key IS NULL OR length(public_key) = 32)"},
    {3, "client", "salt", "salt BLOB CHECK (salt IS NULL OR length(salt) = 32)"},
    {3, "client", "contact_hash", "contact_hash BLOB CHECK (contact_hash IS NULL OR length(contact_hash) = 32)"},
    {3, "client", "certificate", "certificate BLOB CHECK (length(certificate) BETWEEN 1 AND 16384)"},
    {3, "client", "certificate_hash",
     "certificate_hash BLOB CHECK (certificate_hash IS NULL OR length(certificate_hash) = 32)"},
    {3, "usage_hour_seat", NULL,
     "CREATE INDEX usage_hour_seat ON usage_hour (seat, hour) WHERE seat <> x'00000000000000000000000000000000'"},
    {3, "closed_fact_contested", NULL,
     "CREATE INDEX closed_fact_contested ON closed_fact (key_id) WHERE kind = 1 AND instr(value, char(10) || '1 ') > 0"},
    {3, "renewal_error", NULL,
     "CREATE TABLE renewal_error (api_key INTEGER NOT NULL, result INTEGER NOT NULL CHECK (result BETWEEN 0 AND 9),"
     " count INTEGER NOT NULL CHECK (count > 0), latest INTEGER NOT NULL CHECK (latest >= 0),"
     " PRIMARY KEY (api_key, result)) STRICT, WITHOUT ROWID"},
    {3, "closed_fact_claim", NULL,
     "CREATE INDEX closed_fact_claim ON closed_fact (key_id) WHERE kind = 1 AND instr(value, ' claim ') > 0"},
    {3, "audit_leak", NULL, "CREATE INDEX audit_leak ON audit (key_id) WHERE act = 'key.leak'"},
    {3, "audit", "packed", "packed BLOB CHECK (length(packed) > 4)"},
    {3, "client", "notices", "notices TEXT NOT NULL DEFAULT '' CHECK (length(CAST(notices AS BLOB)) <= 2300)"},
    {3, "client", "notices_hash", "notices_hash BLOB CHECK (notices_hash IS NULL OR length(notices_hash) = 32)"},
    {3, "notice", NULL,
     "CREATE TABLE notice ("
     "    client INTEGER NOT NULL,"
     "    channel INTEGER NOT NULL CHECK (channel BETWEEN 1 AND 3),"
     "    event INTEGER NOT NULL CHECK (event BETWEEN 1 AND 9),"
     "    ring INTEGER NOT NULL,"
     "    version INTEGER NOT NULL CHECK (version BETWEEN 0 AND 4294967295),"
     "    key_id TEXT NOT NULL CHECK (length(CAST(key_id AS BLOB)) IN (0, 16)),"
     "    serial INTEGER NOT NULL CHECK (serial BETWEEN 0 AND 4294967295),"
     "    threshold INTEGER NOT NULL CHECK (threshold >= 0),"
     "    entry INTEGER NOT NULL CHECK (entry >= 0),"
     "    at INTEGER NOT NULL CHECK (at >= 0),"
     "    message BLOB NOT NULL CHECK (length(message) IN (0, 16)),"
     "    attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),"
     "    first INTEGER NOT NULL CHECK (first >= 0),"
     "    due INTEGER NOT NULL CHECK (due >= 0),"
     "    dead INTEGER NOT NULL CHECK (dead IN (0, 1)),"
     "    reason TEXT NOT NULL CHECK (length(CAST(reason AS BLOB)) < 200),"
     "    PRIMARY KEY (client, channel, event, ring, version, key_id, serial, threshold, entry)"
     ") STRICT, WITHOUT ROWID"},
    {3, "notice_due", NULL, "CREATE INDEX notice_due ON notice (dead, due)"},
    {3, "notice_state", NULL,
     "CREATE TABLE notice_state ("
     "    id INTEGER PRIMARY KEY CHECK (id = 1),"
     "    entry INTEGER NOT NULL CHECK (entry >= 0),"
     "    time INTEGER NOT NULL CHECK (time >= 0)"
     ") STRICT"},
    {3, "client_notified", NULL, "CREATE INDEX client_notified ON client (id) WHERE notices <> ''"},
    {3, "credential_expires", NULL,
     "CREATE INDEX credential_expires ON credential (expires) WHERE state = 1 AND expires > 0"},
    {3, "handover", NULL,
     "CREATE TABLE handover ("
     "    api_key INTEGER PRIMARY KEY,"
     "    version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 4294967295),"
     "    delivered INTEGER NOT NULL CHECK (delivered >= 0),"
     "    attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 4294967295),"
     "    due INTEGER NOT NULL CHECK (due >= 0),"
     "    failure TEXT NOT NULL CHECK (length(CAST(failure AS BLOB)) < 256)"
     ") STRICT"},
};

const size_t schema_sqlite_addition_count = sizeof schema_sqlite_additions / sizeof *schema_sqlite_additions;

/* Servers of an older sealring go on between the two steps of an upgrade. They read changed_epoch, which this one does not write: so triggers do,
 * and the column gets a default, which it can only get by being made again. All rows seem changed once. */
#define FOLLOWED_COLUMN(table)                                                       \
    "ALTER TABLE " table " DROP COLUMN changed_epoch",                               \
        "ALTER TABLE " table " ADD COLUMN changed_epoch INTEGER NOT NULL DEFAULT 0", \
        "UPDATE " table " SET changed_epoch = coalesce((SELECT epoch FROM vault), 0)"
#define FOLLOWED_TABLE(table, row)                                                                               \
    "DROP INDEX " table "_changed", FOLLOWED_COLUMN(table),                                                      \
        "CREATE INDEX " table "_changed ON " table " (changed_epoch)",                                           \
        "CREATE TRIGGER " table "_followed AFTER UPDATE ON " table " WHEN NEW.changed_epoch = OLD.changed_epoch" \
        " BEGIN UPDATE " table " SET changed_epoch = (SELECT epoch FROM vault) WHERE " row "; END",              \
        "CREATE TRIGGER " table "_made AFTER INSERT ON " table " BEGIN UPDATE " table                            \
        " SET changed_epoch = (SELECT epoch FROM vault) WHERE " row "; END"

const char *const schema_sqlite_followed[] = {
    FOLLOWED_TABLE("ring", "id = NEW.id"),
    FOLLOWED_TABLE("version", "ring = NEW.ring AND number = NEW.number"),
    FOLLOWED_TABLE("api_key", "id = NEW.id"),
    FOLLOWED_COLUMN("client"),
    FOLLOWED_COLUMN("credential"),
    ("CREATE TRIGGER credential_followed AFTER UPDATE ON credential"
     " BEGIN UPDATE api_key SET changed_epoch = (SELECT epoch FROM vault) WHERE id = NEW.api_key; END"),
};

const size_t schema_sqlite_followed_count = sizeof schema_sqlite_followed / sizeof *schema_sqlite_followed;

/* A new registry never has the triggers. */
#define UNFOLLOWED_TABLE(table)                                                           \
    "DROP TRIGGER IF EXISTS " table "_followed", "DROP TRIGGER IF EXISTS " table "_made", \
        "DROP INDEX " table "_changed", "ALTER TABLE " table " DROP COLUMN changed_epoch"

const char *const schema_sqlite_unfollowed[] = {
    UNFOLLOWED_TABLE("ring"),
    UNFOLLOWED_TABLE("version"),
    UNFOLLOWED_TABLE("api_key"),
    "DROP TRIGGER IF EXISTS credential_followed",
    "ALTER TABLE client DROP COLUMN changed_epoch",
    "ALTER TABLE credential DROP COLUMN changed_epoch",
};

const size_t schema_sqlite_unfollowed_count = sizeof schema_sqlite_unfollowed / sizeof *schema_sqlite_unfollowed;

const char schema_sqlite_digest[SCHEMA_DIGEST_SIZE] =
    "1cd433bc321f918628e6b8e5fef86c53512aae36e5532f939401755da6027965";

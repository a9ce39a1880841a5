/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of columns and their readers, shared by queries on one table and on several. */
#ifndef REGISTRY_ROWS_COLUMNS_H
#define REGISTRY_ROWS_COLUMNS_H

#include "registry/connection/query.h"
#include "registry/rows/rows.h"

/* What was closed stays closed, whatever its row contains: a row is edited in one place, but the fact is in a chain whose head the
 * audit token knows (closed_facts.c). A version's last fact counts; if it is below retired, the version was reinstated. */
#define KEY_STATE                                                                                                                      \
    "CASE WHEN EXISTS (SELECT 1 FROM closed_fact kf WHERE kf.kind = 1 AND kf.key_id = k.key_id AND kf.state = 3) THEN 3 ELSE k.state " \
    "END"
#define VERSION_STATE                                                                                       \
    "coalesce((SELECT CASE WHEN vf.state >= 4 AND vf.state > v.state THEN vf.state END FROM closed_fact vf" \
    " WHERE vf.kind = 2 AND vf.ring_id = (SELECT vr.ring_id FROM ring vr WHERE vr.id = v.ring)"             \
    " AND vf.version = v.number ORDER BY vf.sequence DESC LIMIT 1), v.state)"

/* Each list uses the alias in it, and the function below it reads it. */
#define RING_COLUMNS                                                                                                   \
    "r.id, r.ring_id, r.name, r.prefix, r.overlap, r.purge_delay, r.keep, r.rotate_every, r.quiet_period, r.standby, " \
    "r.idle_blocks, r.usage_hourly, r.usage_daily, r.rotation_held, r.last_version, r.created, "                       \
    "r.succession, r.renew, r.renew_life, r.renew_age, r.deliver, r.leaks"
void columns_read_ring(struct query *query, void *ring);

/* What stands for the last fact where there is none: "?" once facts have begun, as every ring and version has one then. */
#define NO_FACT "CASE WHEN " FACTS_BEGUN " THEN '?' ELSE '' END"
#define LACKING "?"

/* The same with the sequence and the value of the ring's last fact, or NO_FACT: the ring is as that contains it, whatever its row contains. */
#define RING_WITH_FACT                                                                                                        \
    RING_COLUMNS                                                                                                              \
    ", coalesce((SELECT rf.sequence || char(10) || rf.value FROM closed_fact rf WHERE rf.kind = 2 AND rf.ring_id = r.ring_id" \
    " AND rf.version = 0 ORDER BY rf.sequence DESC LIMIT 1), " NO_FACT ")"

#define VERSION_COLUMNS                                                                         \
    "v.ring, v.number, " VERSION_STATE                                                          \
    ", v.object_id, v.check_value, v.was_compromised, v.closing_owed, v.created, v.activated, " \
    "v.retire_at, v.closed, v.purge_at, v.destroyed, v.created_epoch, v.prf, v.origin, v.public_key"
void columns_read_version(struct query *query, void *version);
/* Reads a fact as in the two lists; the text may become "" or LACKING. Returns its sequence, 0 for none. */
#define FACT_SEQUENCE_SIZE 21 /* with the line feed */
uint64_t columns_read_fact(struct query *query, char *text, size_t size);

/* The same with the row's own state, and the sequence and text of the version's last fact (version_facts.h), or NO_FACT: the version is as that contains it, whatever its row
 * contains. */
#define VERSION_WITH_FACT                                                                                                           \
    VERSION_COLUMNS                                                                                                                 \
    ", v.state, coalesce((SELECT cf.sequence || char(10) || cf.state || char(10) || cf.value FROM closed_fact cf WHERE cf.kind = 2" \
    " AND cf.ring_id = (SELECT cr.ring_id FROM ring cr WHERE cr.id = v.ring)"                                                       \
    " AND cf.version = v.number ORDER BY cf.sequence DESC LIMIT 1), " NO_FACT ")"

#define CLIENT_COLUMNS \
    "cl.id, cl.name, cl.contact, cl.created, cl.forgotten, cl.salt, cl.contact_hash, cl.certificate_hash, cl.notices_hash"
void columns_read_client(struct query *query, void *client);

#define KEY_COLUMNS \
    "k.id, k.key_id, k.ring, k.client, k.label, " KEY_STATE ", k.narrowed, k.narrowed_scopes, k.last_serial, k.created"
void columns_read_key(struct query *query, void *key);

/* The value of the last fact about API key k that does not revoke it, NULL if there is none: for registry_fact_networks. */
#define KEY_FACT                                                                                  \
    "(SELECT f.value FROM closed_fact f WHERE f.kind = 1 AND f.key_id = k.key_id AND f.state < 3" \
    " ORDER BY f.sequence DESC LIMIT 1)"

#define CREDENTIAL_COLUMNS                                                                            \
    "c.api_key, c.serial, c.version, c.digest, c.nonce, c.scopes, c.not_before, c.expires, c.state, " \
    "c.replaced, c.retire_at, c.issued, c.imported, c.binding, c.label, c.origin, c.predecessor"
void columns_read_credential(struct query *query, void *credential);

#endif

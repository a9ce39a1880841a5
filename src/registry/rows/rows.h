/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's rows and the queries on them. All are called inside registry_read or registry_write. */
#ifndef REGISTRY_ROWS_ROWS_H
#define REGISTRY_ROWS_ROWS_H

#include <sealring/manage.h>

#include "registry/connection/registry.h"

#define REGISTRY_OBJECT_ID_MAX    32
#define REGISTRY_CHECK_VALUE_SIZE 8
#define REGISTRY_DIGEST_SIZE      32
#define REGISTRY_NONCE_SIZE       16
#define REGISTRY_CONTACT_SIZE     255

/* Conventions: `id` is the row's number, set by insert. Every insert and update of a row that bears on a verdict sets its
 * changed_epoch to the transaction's epoch by itself. *_get return SEALRING_NOT_FOUND (error untouched) if there is none; an
 * insert that breaks uniqueness is avoided by asking first: a constraint error is SEALRING_REGISTRY. *_each hand rows
 * to a callback that may read but not write; a status other than OK from it ends the walk and is returned.
 * *_update write what may change and leave the rest: names, prefixes, object IDs, check values, digests and claims stay as
 * inserted. Of a row that is not there: SEALRING_NOT_FOUND. */

struct registry_ring {
    int64_t id;
    uint8_t ring_id[REGISTRY_ID_SIZE];
    char name[SEALRING_NAME_LENGTH_MAX + 1];
    char prefix[SEALRING_PREFIX_LENGTH_MAX + 1];
    sealring_policy policy;
    bool rotation_held;
    uint32_t last_version; /* the highest number ever given */
    int64_t created;
    uint64_t changed_epoch;
};
typedef sealring_status (*registry_ring_callback)(const struct registry_ring *ring, void *context,
                                                  sealring_error *error);
sealring_status registry_ring_insert(struct registry *registry, struct registry_ring *ring, sealring_error *error);
sealring_status registry_ring_update(struct registry *registry, const struct registry_ring *ring,
                                     sealring_error *error);
sealring_status registry_ring_get(struct registry *registry, const char *name, struct registry_ring *ring,
                                  sealring_error *error);
sealring_status registry_ring_each(struct registry *registry, registry_ring_callback each, void *context,
                                   sealring_error *error); /* by name */

struct registry_version {
    int64_t ring; /* id of its ring */
    uint32_t number;
    sealring_version_state state;
    uint8_t object_id[REGISTRY_OBJECT_ID_MAX];
    size_t object_id_length;
    uint8_t check_value[REGISTRY_CHECK_VALUE_SIZE];
    bool was_compromised;
    bool closing_owed; /* the object should have lost CKA_SIGN and has not yet */
    int64_t created;
    int64_t activated;
    int64_t retire_at;
    int64_t closed;
    int64_t purge_at;
    int64_t destroyed;
    uint64_t created_epoch; /* at which verifiers could first learn of it; set by insert */
    uint64_t changed_epoch;
};
typedef sealring_status (*registry_version_callback)(const struct registry_version *version, void *context,
                                                     sealring_error *error);
sealring_status registry_version_insert(struct registry *registry, const struct registry_version *version,
                                        sealring_error *error);
sealring_status registry_version_update(struct registry *registry, const struct registry_version *version,
                                        sealring_error *error);
sealring_status registry_version_get(struct registry *registry, int64_t ring, uint32_t number,
                                     struct registry_version *version, sealring_error *error);
sealring_status registry_version_each(struct registry *registry, int64_t ring, registry_version_callback each,
                                      void *context, sealring_error *error); /* by number; ring 0: of all rings */
/* The versions whose closing_owed is set, of all rings, by ring and number. One look at an index where there are
 * none. */
sealring_status registry_version_each_owed(struct registry *registry, registry_version_callback each, void *context,
                                           sealring_error *error);
sealring_status registry_version_get_by_object(struct registry *registry, const uint8_t *object_id, size_t length,
                                               struct registry_version *version, sealring_error *error);
/* Whether any credential of an API key that is not revoked was issued under it. One look at an index, however many there are. */
sealring_status registry_version_held(struct registry *registry, int64_t ring, uint32_t number, bool *held,
                                      sealring_error *error);
/* How many credentials were issued under it, and of how many API keys, not revoked, the newest one is under it. */
sealring_status registry_version_count(struct registry *registry, int64_t ring, uint32_t number, uint64_t *credentials,
                                       uint64_t *current, sealring_error *error);

struct registry_client {
    int64_t id;
    char name[SEALRING_NAME_LENGTH_MAX + 1];
    char contact[REGISTRY_CONTACT_SIZE];
    int64_t created;
    int64_t forgotten;
    uint64_t changed_epoch;
};
typedef sealring_status (*registry_client_callback)(const struct registry_client *client, uint64_t keys, void *context,
                                                    sealring_error *error); /* keys: not revoked */
sealring_status registry_client_insert(struct registry *registry, struct registry_client *client,
                                       sealring_error *error);
sealring_status registry_client_update(struct registry *registry, const struct registry_client *client,
                                       sealring_error *error);
sealring_status registry_client_get(struct registry *registry, const char *name, struct registry_client *client,
                                    sealring_error *error);
sealring_status registry_client_each(struct registry *registry, const char *name, registry_client_callback each,
                                     void *context, sealring_error *error); /* by name; name NULL: all */

struct registry_key {
    int64_t id;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    int64_t ring;
    int64_t client;
    char label[SEALRING_NAME_LENGTH_MAX + 1]; /* unique in (ring, client) among keys that are not revoked */
    sealring_key_state state;
    bool narrowed;
    char narrowed_scopes[SEALRING_SCOPES_LENGTH_MAX + 1];
    uint32_t last_serial;
    int64_t created;
    uint64_t changed_epoch; /* also that of the last change of one of its credentials */
};
typedef sealring_status (*registry_key_callback)(const struct registry_key *key, void *context, sealring_error *error);
sealring_status registry_key_insert(struct registry *registry, struct registry_key *key, sealring_error *error);
sealring_status registry_key_update(struct registry *registry, const struct registry_key *key, sealring_error *error);
sealring_status registry_key_get(struct registry *registry, const char *key_id, struct registry_key *key,
                                 sealring_error *error);
/* The key, not revoked, of (ring, client, label). */
sealring_status registry_key_get_by_label(struct registry *registry, int64_t ring, int64_t client, const char *label,
                                          struct registry_key *key, sealring_error *error);
sealring_status registry_key_count(struct registry *registry, int64_t ring, uint64_t *not_revoked,
                                   sealring_error *error);

struct registry_credential {
    int64_t key; /* id of its API key */
    uint32_t serial;
    uint32_t version;
    uint8_t digest[REGISTRY_DIGEST_SIZE]; /* SHA-256 of the text: filters, never accepts */
    uint8_t nonce[REGISTRY_NONCE_SIZE];
    char scopes[SEALRING_SCOPES_LENGTH_MAX + 1];
    int64_t not_before;
    int64_t expires;
    sealring_credential_state state;
    bool replaced;
    int64_t retire_at; /* superseded by rekey: when it ends; 0 and replaced cannot be */
    int64_t issued;
    bool imported; /* the digest is of a key that the client had before; `binding` ties it to the claims */
    uint8_t binding[REGISTRY_DIGEST_SIZE];
    uint64_t changed_epoch;
};
typedef sealring_status (*registry_credential_callback)(const struct registry_credential *credential, void *context,
                                                        sealring_error *error);
sealring_status registry_credential_insert(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error);
/* Moves the changed_epoch of the API key as well: verifiers look for changed API keys only. */
sealring_status registry_credential_update(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error);
sealring_status registry_credential_get(struct registry *registry, int64_t key, uint32_t serial,
                                        struct registry_credential *credential, sealring_error *error);
sealring_status registry_credential_each(struct registry *registry, int64_t key, registry_credential_callback each,
                                         void *context, sealring_error *error); /* by serial */

/* Everything that a verdict on one credential needs, in one statement. */
struct registry_holder {
    struct registry_ring ring;
    struct registry_version version;
    struct registry_client client;
    struct registry_key key;
    struct registry_credential credential;
};
/* By key ID and digest. SEALRING_NOT_FOUND: *key_exists tells whether at least the key ID is known. */
sealring_status registry_holder_get(struct registry *registry, const char *key_id,
                                    const uint8_t digest[REGISTRY_DIGEST_SIZE], struct registry_holder *holder,
                                    bool *key_exists, sealring_error *error);
/* The way of every request: what one presented credential is found by, in one statement that is a transaction of its
 * own, with the vault's era and epoch of the same snapshot, whether or not there is such a credential. Not inside
 * registry_read or registry_write. Whether the file is still the path's is not asked here: registry_look_vault does.
 * If the call is SEALRING_OK and `found`, `holder` has what a verdict and the claims need, all else in it is 0:
 * ring.id; version.ring and number; the client's name; of the API key id, key_id, ring, client, state, narrowed,
 * narrowed_scopes; of the credential all but issued and changed_epoch. */
struct registry_presented {
    uint8_t era[REGISTRY_ID_SIZE];
    uint64_t epoch;
    bool key_exists; /* the key ID is known */
    bool found;
    struct registry_holder holder;
};
sealring_status registry_present(struct registry *registry, const char *key_id,
                                 const uint8_t digest[REGISTRY_DIGEST_SIZE], struct registry_presented *presented,
                                 sealring_error *error);
/* The same for an imported key, which is known by its digest alone; key_exists is what found is. */
sealring_status registry_present_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                          struct registry_presented *presented, sealring_error *error);
/* The credential of an imported digest, in any ring, inside a transaction. */
sealring_status registry_credential_get_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                                 struct registry_credential *credential, sealring_error *error);
/* Keys with their newest credential, by ring name, client name, label. Any of the filters may be NULL. With after_* (all three
 * or none) only what comes behind that place, and at most `limit` rows (0: all), so that long walks can pause. Pages are
 * for active keys: of revoked ones several may share a place, and a page could end between them. Pages of one ring with
 * only_active cost what they hold; others sort all that the filters leave. */
struct registry_holder_filter {
    const char *key_id;
    const char *ring;
    const char *client;
    const char *after_ring, *after_client, *after_label;
    bool only_active; /* keys in state active */
    unsigned limit;
};
typedef sealring_status (*registry_holder_callback)(const struct registry_holder *holder, void *context,
                                                    sealring_error *error);
sealring_status registry_holder_each(struct registry *registry, const struct registry_holder_filter *filter,
                                     registry_holder_callback each, void *context, sealring_error *error);

/* Every credential of one API key, by serial; the holder is filled as in registry_presented. */
sealring_status registry_holder_of_key(struct registry *registry, int64_t key, registry_holder_callback each,
                                       void *context, sealring_error *error);

/* A verifier's look: the vault's row, in one statement. *replaced: the path leads to another file (device, inode)
 * than the open one; then nothing else is filled, and the status is SEALRING_OK. A path that leads nowhere is
 * SEALRING_REGISTRY: a registry that is away, not another one. Not inside a transaction. */
sealring_status registry_look_vault(struct registry *registry, struct registry_vault *vault, bool *replaced,
                                    sealring_error *error);

/* What changed after epoch `since`, in one reading transaction: rings, then versions, then API keys, each in the
 * order of their changed_epoch. all: every ring and every version whatever `since` is, and no API key. *as_of: the
 * vault's row of this snapshot; *has_imports: whether there is any imported credential. The callbacks may read; as
 * any body's, what they did counts only if the call is SEALRING_OK, and they may be called again from the start. */
struct registry_change_callbacks {
    registry_ring_callback ring;
    registry_version_callback version;
    registry_key_callback key; /* with `all` it may be NULL */
};
sealring_status registry_changes(struct registry *registry, uint64_t since, bool all,
                                 const struct registry_change_callbacks *callbacks, void *context,
                                 struct registry_vault *as_of, bool *has_imports, sealring_error *error);

/* The intention to make an object in the token, written before it is made. */
struct registry_intention {
    int64_t id;
    uint8_t nonce[REGISTRY_ID_SIZE]; /* the object is labelled sealring-intent/NONCE (hexadecimal) */
    int64_t ring;                    /* 0: a ring that is being made together with its first version */
    uint8_t object_id[REGISTRY_OBJECT_ID_MAX];
    size_t object_id_length;
    char owner[128]; /* who is at it: host, process, its start */
    int64_t created;
};
typedef sealring_status (*registry_intention_callback)(const struct registry_intention *intention, void *context,
                                                       sealring_error *error);
sealring_status registry_intention_insert(struct registry *registry, struct registry_intention *intention,
                                          sealring_error *error);
sealring_status registry_intention_delete(struct registry *registry, int64_t id, sealring_error *error);
sealring_status registry_intention_each(struct registry *registry, registry_intention_callback each, void *context,
                                        sealring_error *error);

/* What automation remembers of the two clocks: schema/sqlite.c says what the columns mean. boot_ms 0: nothing yet. */
struct registry_clock {
    char boot_id[40]; /* of which boot and time namespace boot_ms is: clock_reference */
    int64_t boot_ms;
    int64_t wall_ms;
    bool held;
    int64_t steady_boot_ms;
    int expectation;
    int64_t expected_ms;
};

/* All zero if nothing was put yet. */
sealring_status registry_clock_get(struct registry *registry, struct registry_clock *clock, sealring_error *error);
sealring_status registry_clock_put(struct registry *registry, const struct registry_clock *clock,
                                   sealring_error *error);

/* What the operator's side remembers of a verifier, and the evidence of use for the retire gate: schema/sqlite.c says what the columns mean.
 * These bear on no verdict: writing them moves no epoch. */
struct registry_verifier {
    uint8_t instance[REGISTRY_ID_SIZE];
    uint8_t seat[REGISTRY_ID_SIZE];
    int64_t inode; /* of its file: a copy in its place tells nothing of it */
    char host[72];
    char program[72];
    int64_t process;
    int64_t joined;
    sealring_verifier_state state;
    uint64_t number;
    uint64_t epoch;
    char seen_boot_id[40]; /* the boot in which it was seen alive last: of another one its file may lack uses */
    int64_t seen_boot_ms;  /* not used any more, and written as 0: whoever waits measures on its own clock */
    int64_t last_report;
    int64_t ended; /* counts only of a verifier whose file nobody holds: a row ends no wait (lifecycle/watch.h) */
    int64_t hole;
    uint64_t alarms;
    bool damaged; /* the row is, and nothing but `instance` is filled, with zeroes where that is damaged, too */
};
typedef sealring_status (*registry_verifier_callback)(const struct registry_verifier *verifier, void *context,
                                                      sealring_error *error);
/* Inserts it, or puts it in the place of the row with the same instance. */
sealring_status registry_verifier_put(struct registry *registry, const struct registry_verifier *verifier,
                                      sealring_error *error);
/* One that is not there is no failure. */
sealring_status registry_verifier_delete(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                         sealring_error *error);
/* The same for a damaged row, and for every row whose instance is none. */
sealring_status registry_verifier_delete_damaged(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                                 sealring_error *error);
sealring_status registry_verifier_each(struct registry *registry, registry_verifier_callback each, void *context,
                                       sealring_error *error); /* by instance */

/* The last use of a version that any report told; 0: none. Put only moves it on. */
sealring_status registry_version_use_get(struct registry *registry, int64_t ring, uint32_t number, int64_t *last_use,
                                         sealring_error *error);
sealring_status registry_version_use_put(struct registry *registry, int64_t ring, uint32_t number, int64_t last_use,
                                         sealring_error *error);

/* How many are later than `time`, the present; and sets those back to it: the one exception, as nothing was used later than now. */
sealring_status registry_version_use_ahead(struct registry *registry, int64_t time, uint64_t *count,
                                           sealring_error *error);
sealring_status registry_version_use_limit(struct registry *registry, int64_t time, sealring_error *error);

/* One management act. In the same transaction as the change; entries are only ever added. Strings may be NULL.
 * operation_id is that of the transaction, else SEALRING_INVALID. The tree over the entries: registry/log/entry_rows.h. */
struct registry_audit {
    uint64_t sequence; /* from 1, without a gap; given by append */
    uint8_t operation_id[REGISTRY_ID_SIZE];
    int64_t time;
    const char *actor; /* user, host, process */
    const char *act;   /* "version.activate", "key.revoke", … */
    const char *ring;
    uint32_t version;
    const char *key_id;
    const char *client;
    const char *detail; /* JSON: before, after, reason */
    uint8_t leaf_hash[REGISTRY_DIGEST_SIZE];
};
sealring_status registry_audit_append(struct registry *registry, const struct registry_audit *entry,
                                      sealring_error *error);

#endif

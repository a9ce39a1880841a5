/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's rows and the queries on them. Call all of them inside a transaction. */
#ifndef REGISTRY_ROWS_ROWS_H
#define REGISTRY_ROWS_ROWS_H

#include <sealring/manage.h>

#include "credential/key_claim.h"
#include "credential/key_ends.h"
#include "credential/networks.h"
#include "registry/connection/registry.h"

#define REGISTRY_OBJECT_ID_MAX    32
#define REGISTRY_CHECK_VALUE_SIZE 8
#define REGISTRY_DIGEST_SIZE      32
#define REGISTRY_NONCE_SIZE       16
#define REGISTRY_CONTACT_SIZE     255
#define REGISTRY_PRF_SIZE         33
#define REGISTRY_HMAC_SHA256      "hmac-sha256" /* the only kind of pseudorandom function that this program knows */
#define REGISTRY_ORIGIN_SIZE      10
#define REGISTRY_GENERATED        "generated" /* in the token */
#define REGISTRY_ADOPTED          "adopted"   /* an object that something else made */

/* Conventions: `id` is the row's number, set by insert. Every insert and update that affects a verdict adds a fact. *_find fill the row if it is found. Query before an insert that could violate uniqueness: a constraint
 * error is SEALRING_REGISTRY. Plural names open a cursor, whose rows *_next reads (registry/connection/cursor.h). *_update write the
 * columns that may change: names, prefixes, object IDs, check values, digests and claims stay as inserted. If the row does
 * not exist: SEALRING_REGISTRY, as for deletes where nothing else is documented. */

struct registry_ring {
    int64_t id;
    uint8_t ring_id[REGISTRY_ID_SIZE];
    char name[SEALRING_NAME_LENGTH_MAX + 1];
    char prefix[SEALRING_PREFIX_LENGTH_MAX + 1];
    sealring_policy policy;
    bool rotation_held;
    uint32_t last_version; /* the highest number ever assigned */
    int64_t created;
    uint64_t fact; /* the sequence of its last fact; 0: it has none; not read in holders */
    bool edited;   /* the row is not what its last fact contains, which is here; not read in holders */
    bool
        unfounded; /* no fact is about a ring of this ID and name, although facts have begun, or its last one is malformed: the row decides nothing */
};
/* Both add a fact if prefix, policy, rotation_held or last_version change. The update corrects an edited row, and its prefix too. */
sealring_status registry_ring_insert(struct registry *registry, struct registry_ring *ring, sealring_error *error);
sealring_status registry_ring_update(struct registry *registry, const struct registry_ring *ring,
                                     sealring_error *error);
sealring_status registry_ring_find(struct registry *registry, const char *name, struct registry_ring *ring, bool *found,
                                   sealring_error *error);
sealring_status registry_ring_find_by_id(struct registry *registry, const uint8_t ring_id[REGISTRY_ID_SIZE],
                                         struct registry_ring *ring, bool *found, sealring_error *error);
struct registry_cursor registry_rings(struct registry *registry, sealring_error *error); /* by name */
bool registry_ring_next(struct registry_cursor *rings, struct registry_ring *ring);

struct registry_version {
    int64_t ring; /* id of its ring */
    uint32_t number;
    sealring_version_state state;
    uint8_t object_id[REGISTRY_OBJECT_ID_MAX];
    size_t object_id_length;
    uint8_t check_value[REGISTRY_CHECK_VALUE_SIZE];
    bool was_compromised;
    bool closing_owed; /* the object should have lost CKA_SIGN and has not yet */
    bool
        unconfirmed; /* closed by its row, and by no closed fact: nothing irreversible may follow; not read in holders */
    bool edited;     /* the row is not what its last fact contains, which is here; not read in holders */
    bool
        unfounded; /* it has no fact, although facts have begun, or its last one is malformed: the row decides nothing; not read in holders */
    bool stuck;    /* edited to a final state, which the schema's triggers keep: only a repair corrects it */
    int64_t created;
    int64_t activated;
    int64_t retire_at;
    int64_t closed;
    int64_t purge_at;
    int64_t destroyed;
    uint64_t fact;                            /* the sequence of its last fact; 0: it has none; not read in holders */
    uint64_t created_epoch;                   /* from which verifiers can know it; set by insert */
    char prf[REGISTRY_PRF_SIZE];              /* kind of pseudorandom function: only set by insert */
    char origin[REGISTRY_ORIGIN_SIZE];        /* REGISTRY_GENERATED or REGISTRY_ADOPTED: only set by insert */
    uint8_t public_key[REGISTRY_DIGEST_SIZE]; /* SHA-256; all zero: a symmetric key, which has none */
};
/* Both add a fact if the state or what version_facts.c lists changes. The update corrects an edited row, and its object too. */
sealring_status registry_version_insert(struct registry *registry, const struct registry_version *version,
                                        sealring_error *error);
sealring_status registry_version_update(struct registry *registry, const struct registry_version *version,
                                        sealring_error *error);
sealring_status registry_version_find(struct registry *registry, int64_t ring, uint32_t number,
                                      struct registry_version *version, bool *found, sealring_error *error);
sealring_status registry_version_find_by_object(struct registry *registry, const uint8_t *object_id, size_t length,
                                                struct registry_version *version, bool *found, sealring_error *error);
/* By number; ring 0: of all rings. */
struct registry_cursor registry_versions(struct registry *registry, int64_t ring, sealring_error *error);
/* Those with closing_owed, of all rings, by ring and number. Costs one index lookup if there are none. */
struct registry_cursor registry_versions_owed(struct registry *registry, sealring_error *error);
bool registry_version_next(struct registry_cursor *versions, struct registry_version *version);
/* Returns whether any credential of an API key that no fact revokes was issued under it. One index lookup, however many there are; it uses the
 * credentials' column `ring`, which nothing vouches for. */
sealring_status registry_version_held(struct registry *registry, int64_t ring, uint32_t number, bool *held,
                                      sealring_error *error);
/* The same by the ring of the API keys, which is a claim of each credential. The cost depends on the number of API keys of the ring. */
sealring_status registry_version_held_surely(struct registry *registry, int64_t ring, uint32_t number, bool *held,
                                             sealring_error *error);
/* The number of credentials issued under it, and the number of API keys, not revoked, whose newest credential is under it. */
sealring_status registry_version_count(struct registry *registry, int64_t ring, uint32_t number, uint64_t *credentials,
                                       uint64_t *current, sealring_error *error);

struct registry_client {
    int64_t id;
    char name[SEALRING_NAME_LENGTH_MAX + 1];
    char contact[REGISTRY_CONTACT_SIZE];
    int64_t created;
    int64_t forgotten;
    uint8_t salt[REGISTRY_DIGEST_SIZE];         /* random; like the next three, all zero for none */
    uint8_t contact_hash[REGISTRY_DIGEST_SIZE]; /* by registry_client_seal; the log and the client's facts contain it */
    uint8_t certificate_hash[REGISTRY_DIGEST_SIZE];
    uint8_t notices_hash[REGISTRY_DIGEST_SIZE];
};
/* Both add a fact if one of the hashes or `forgotten` changes. The update deletes a certificate and settings that have no hash any more. */
sealring_status registry_client_insert(struct registry *registry, struct registry_client *client,
                                       sealring_error *error);
sealring_status registry_client_update(struct registry *registry, const struct registry_client *client,
                                       sealring_error *error);
sealring_status registry_client_find(struct registry *registry, const char *name, struct registry_client *client,
                                     bool *found, sealring_error *error);
/* Computes contact_hash from the salt, which must be random, the vault's ID, the client's name and the contact ("": no hash). */
void registry_client_seal(const struct registry *registry, struct registry_client *client);
/* What vouches for the parts of a client's row: its last fact. Where that has another value, the row was edited. */
enum client_state {
    CLIENT_CONFIRMED,   /* also if there is no value */
    CLIENT_UNCONFIRMED, /* there is no fact: the value is older than schema 3, or was edited */
    CLIENT_ALTERED,
};
struct registry_client_proof {
    enum client_state contact, certificate, notices;
    bool forgotten_edited; /* client->forgotten is then the fact's */
};
sealring_status registry_client_prove(struct registry *registry, struct registry_client *client,
                                      struct registry_client_proof *proof, sealring_error *error);
#define REGISTRY_CERTIFICATE_MAX 16384
/* Stores the certificate, seals it, and updates the row. length 0: none. Its salt must be set. */
sealring_status registry_client_set_certificate(struct registry *registry, struct registry_client *client,
                                                const uint8_t *certificate, size_t length, sealring_error *error);
/* The certificate with what vouches for it. length 0: there is none, or it is not CLIENT_CONFIRMED. */
sealring_status registry_client_certificate(struct registry *registry, struct registry_client *client,
                                            enum client_state *state, uint8_t certificate[REGISTRY_CERTIFICATE_MAX],
                                            size_t *length, sealring_error *error);
/* By name; name NULL: all. keys: not revoked. */
struct registry_cursor registry_clients(struct registry *registry, const char *name, sealring_error *error);
bool registry_client_next(struct registry_cursor *clients, struct registry_client *client, uint64_t *keys);

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
    bool relabelled;      /* set by registry_key_follow: the label is that of a fact */
    struct key_ends ends; /* of its credentials, likewise: no column contains them */
    bool bound;           /* likewise: its credentials are accepted from these networks only */
    struct networks networks;
    struct holders holders; /* likewise */
    struct key_claim claim; /* likewise */
    uint64_t fact;          /* likewise: the sequence of the last fact about its values; 0: it has none */
};
/* Adds a fact if the key is bound to networks, has one holder, or has a claim. */
sealring_status registry_key_insert(struct registry *registry, struct registry_key *key, sealring_error *error);
sealring_status registry_key_update(struct registry *registry, const struct registry_key *key, sealring_error *error);
/* Acts use these: each writes what its name contains from `key`, and no other column. The log gets the row as it is after that. */
sealring_status registry_key_set_state(struct registry *registry, const struct registry_key *key,
                                       sealring_error *error);
sealring_status registry_key_set_label(struct registry *registry, const struct registry_key *key,
                                       sealring_error *error);
sealring_status registry_key_set_narrowing(struct registry *registry, const struct registry_key *key,
                                           sealring_error *error);
/* No column: the fact alone has a new value. */
sealring_status registry_key_set_networks(struct registry *registry, const struct registry_key *key,
                                          sealring_error *error);
sealring_status registry_key_set_holders(struct registry *registry, const struct registry_key *key,
                                         sealring_error *error);
/* The last serial; and key->ends, if they end anything that did not end before: then the rows of these credentials are written, too. */
sealring_status registry_key_set_serial(struct registry *registry, const struct registry_key *key,
                                        sealring_error *error);
/* The same and the narrowing. */
sealring_status registry_key_set_rekeyed(struct registry *registry, const struct registry_key *key,
                                         sealring_error *error);
sealring_status registry_key_find(struct registry *registry, const char *key_id, struct registry_key *key, bool *found,
                                  sealring_error *error);
/* The key, not revoked, of (ring, client, label). */
sealring_status registry_key_find_by_label(struct registry *registry, int64_t ring, int64_t client, const char *label,
                                           struct registry_key *key, bool *found, sealring_error *error);
bool registry_key_next(struct registry_cursor *keys, struct registry_key *key);
/* The key IDs of the rows after `after`, by row, at most `limit`; and the last row's number, 0 for none. */
struct registry_key_id {
    int64_t row;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
};
struct registry_cursor registry_key_ids(struct registry *registry, int64_t after, int64_t limit, sealring_error *error);
/* Those that were contested at any time, by row. Costs one index lookup if there are none. */
struct registry_cursor registry_key_ids_contested(struct registry *registry, sealring_error *error);
bool registry_key_id_next(struct registry_cursor *key_ids, struct registry_key_id *key_id);
sealring_status registry_key_last(struct registry *registry, uint64_t *last, sealring_error *error);
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
    int64_t retire_at; /* superseded by rekey: when it ends; 0 is not possible with `replaced` */
    int64_t issued;
    bool imported; /* the digest is of a key that the client had before; `binding` ties it to the claims */
    uint8_t binding[REGISTRY_DIGEST_SIZE];
    char label[SEALRING_NAME_LENGTH_MAX + 1]; /* of the API key at issue; "": claims of version 1 */
    int64_t origin;       /* time of the operator's issue; 0 with claims of version 1, which do not contain it */
    uint32_t predecessor; /* serial of the credential that was renewed; 0: none, an operator issued it */
};
sealring_status registry_credential_insert(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error);
/* Also adds a fact about the API key if `replaced` or `retire_at` changes. */
sealring_status registry_credential_update(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error);
sealring_status registry_credential_find(struct registry *registry, int64_t key, uint32_t serial,
                                         struct registry_credential *credential, bool *found, sealring_error *error);
/* Ends it as the key's bounds do, unless its row ends it earlier. Whether that changed it. */
bool registry_credential_end(struct registry_credential *credential, const struct key_ends *ends);
struct registry_cursor registry_credentials(struct registry *registry, int64_t key,
                                            sealring_error *error); /* by serial */
bool registry_credential_next(struct registry_cursor *credentials, struct registry_credential *credential);

/* Everything that a verdict on one credential needs, in one statement. */
struct registry_holder {
    struct registry_ring ring;
    struct registry_version version;
    struct registry_client client;
    struct registry_key key;
    struct registry_credential credential;
};
/* For every cache miss: finds one presented credential, in one statement that is a transaction of its own, with the vault's era
 * in the same snapshot, whether or not the credential exists. Not inside a transaction. Does not check whether
 * the path still leads to the open file: registry_look_vault does. If the status is SEALRING_OK and `found` is true, `holder` has what
 * a verdict and the claims need, and all else in it is 0: ring.id; version.ring and number; the client's name; of the API key id,
 * key_id, ring, client, state, narrowed, narrowed_scopes, and from its last fact the networks; of the credential all but issued. */
struct registry_presented {
    uint8_t era[REGISTRY_ID_SIZE];
    bool key_exists; /* the key ID is known */
    bool found;
    struct registry_holder holder;
};
sealring_status registry_present(struct registry *registry, const char *key_id,
                                 const uint8_t digest[REGISTRY_DIGEST_SIZE], struct registry_presented *presented,
                                 sealring_error *error);
/* The same for an imported key, which is found by its digest alone; key_exists equals found. */
sealring_status registry_present_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                          struct registry_presented *presented, sealring_error *error);
/* The credential with an imported digest, in any ring, inside a transaction. */
sealring_status registry_credential_find_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                                  struct registry_credential *credential, bool *found,
                                                  sealring_error *error);
/* Keys with their newest credential, by ring name, client name, label. Any of the filters may be NULL. With after_* (all three or none)
 * only what follows that place, and at most `limit` rows (0: all), so that long walks can pause. Pages are for active keys: several
 * revoked ones may share a place, and a page could end between them. The cost of pages of one ring with only_active depends on the
 * page; others sort all rows that pass the filters. */
struct registry_holder_filter {
    const char *key_id;
    const char *ring;
    const char *client;
    const char *after_ring, *after_client, *after_label;
    bool only_active; /* keys in state active */
    unsigned limit;
};
struct registry_cursor registry_holders(struct registry *registry, const struct registry_holder_filter *filter,
                                        sealring_error *error);
bool registry_holder_next(struct registry_cursor *holders, struct registry_holder *holder);
/* Whether it follows `place` in that order; everything follows an all-zero place. */
bool registry_holder_follows(const struct registry_holder *holder, const struct registry_holder *place);

/* Every credential of one API key, by serial; the holder is filled as in registry_presented. */
struct registry_cursor registry_presented_of_key(struct registry *registry, int64_t key, sealring_error *error);
bool registry_presented_next(struct registry_cursor *credentials, struct registry_holder *holder);

/* For a verifier's poll: reads the vault's row in one statement. *replaced: the path leads to another file (device, inode) than the
 * open one; then nothing else is filled, and the status is SEALRING_OK. If the path leads to no file, SEALRING_REGISTRY: the registry
 * is missing, but not replaced. Not inside a transaction. */
sealring_status registry_look_vault(struct registry *registry, struct registry_vault *vault, bool *replaced,
                                    sealring_error *error);

/* The same, before it: *number is another one than before in this connection if anything was committed meanwhile, by whomever. */
#define REGISTRY_COMMITS_UNKNOWN (-1) /* the path does not lead to the open file: registry_look_vault reports why */
sealring_status registry_look_commits(struct registry *registry, int64_t *number, sealring_error *error);

/* There is an imported credential. */
sealring_status registry_has_imports(struct registry *registry, bool *has_imports, sealring_error *error);

/* The intention to make an object in the token, written before it is made. */
struct registry_intention {
    int64_t id;
    uint8_t nonce[REGISTRY_ID_SIZE]; /* the object is labelled sealring-intent/NONCE (hexadecimal) */
    int64_t ring;                    /* 0: a ring that is being made together with its first version */
    uint8_t object_id[REGISTRY_OBJECT_ID_MAX];
    size_t object_id_length;
    char owner[128]; /* the process that makes it: host, PID, start time */
    int64_t created;
};
sealring_status registry_intention_insert(struct registry *registry, struct registry_intention *intention,
                                          sealring_error *error);
sealring_status registry_intention_delete(struct registry *registry, int64_t id, sealring_error *error);
struct registry_cursor registry_intentions(struct registry *registry, sealring_error *error);
bool registry_intention_next(struct registry_cursor *intentions, struct registry_intention *intention);

/* What automation records about the two clocks: registry/driver/schema_sqlite.c describes the columns. boot_ms 0: nothing yet. */
struct registry_clock {
    char boot_id[40]; /* identifies the boot and time namespace of boot_ms: clock_reference */
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

/* What the operator's side records about a verifier, and the evidence of use for the retire gate: registry/driver/schema_sqlite.c
 * describes the columns. They affect no verdict, so writing them does not increase the epoch. */
struct registry_verifier {
    uint8_t instance[REGISTRY_ID_SIZE];
    uint8_t seat[REGISTRY_ID_SIZE];
    int64_t inode; /* of its file: a copy in its place is no evidence for it */
    char host[72];
    char program[72];
    int64_t process;
    int64_t joined;
    sealring_verifier_state state;
    uint64_t number;
    uint64_t epoch;
    char seen_boot_id[40]; /* the boot in which it was last seen alive; after another boot its file may lack uses */
    int64_t seen_boot_ms;  /* not used any more, and written as 0: waiting commands measure with their own clock */
    int64_t last_report;
    int64_t
        ended; /* counts only for a verifier whose file is not locked: a row ends no wait (lifecycle/verifier_liveness.h) */
    int64_t hole;
    uint64_t alarms;
    bool damaged; /* the row is damaged; only `instance` is filled, with zeroes where that is damaged, too */
};
/* Inserts it, or replaces the row with the same instance. */
sealring_status registry_verifier_put(struct registry *registry, const struct registry_verifier *verifier,
                                      sealring_error *error);
/* OK if there is none. */
sealring_status registry_verifier_delete(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                         sealring_error *error);
/* The same for a damaged row, and for every row with an invalid instance. */
sealring_status registry_verifier_delete_damaged(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                                 sealring_error *error);
struct registry_cursor registry_verifiers(struct registry *registry, sealring_error *error); /* by instance */
bool registry_verifier_next(struct registry_cursor *verifiers, struct registry_verifier *verifier);

/* The last use of a version in any report; 0: none. Put never sets an earlier time. */
sealring_status registry_version_use_get(struct registry *registry, int64_t ring, uint32_t number, int64_t *last_use,
                                         sealring_error *error);
sealring_status registry_version_use_put(struct registry *registry, int64_t ring, uint32_t number, int64_t last_use,
                                         sealring_error *error);

/* The number that is later than `time`, the present; and sets those to it: the only exception, as no use is in the future. */
sealring_status registry_version_use_ahead(struct registry *registry, int64_t time, uint64_t *count,
                                           sealring_error *error);
sealring_status registry_version_use_limit(struct registry *registry, int64_t time, sealring_error *error);

/* One act, in the same transaction as the change; entries are only ever added. Strings may be NULL. operation_id must be that of the
 * transaction, else SEALRING_INVALID. The tree over the entries: registry/log/log_rows.h. */
struct registry_audit {
    uint64_t sequence; /* from 1, without a gap; assigned by append */
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

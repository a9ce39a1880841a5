/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are, to be compared with the audit log and with their facts. */
#ifndef REGISTRY_ROWS_CURRENT_ROWS_H
#define REGISTRY_ROWS_CURRENT_ROWS_H

#include "registry/rows/rows.h"

/* All rings and versions, without regard to the facts about them. */
struct registry_cursor registry_current_rings(struct registry *registry,
                                              sealring_error *error); /* registry_ring_next */
struct registry_cursor registry_current_versions(struct registry *registry,
                                                 sealring_error *error); /* registry_version_next */
/* All keys, by row number. */
struct registry_cursor registry_keys(struct registry *registry, sealring_error *error); /* registry_key_next */
/* Credentials with an end of their own (`replaced`), by key and serial. */
struct registry_cursor registry_ended_credentials(struct registry *registry,
                                                  sealring_error *error); /* registry_credential_next */
/* Clients that were forgotten, by name. */
struct registry_cursor registry_forgotten_clients(struct registry *registry, sealring_error *error);
bool registry_forgotten_next(struct registry_cursor *clients, struct registry_client *client);
/* Keys with an imported credential that has a successor and no end: reissuing sets one. */
struct registry_cursor registry_unended_imports(struct registry *registry,
                                                sealring_error *error); /* registry_key_next */
/* Keys without a credential: each is inserted with one. */
struct registry_cursor registry_bare_keys(struct registry *registry, sealring_error *error); /* registry_key_next */
/* Whether a row has this API key, serial, digest, nonce, scopes, version and times: no act changes them. */
sealring_status registry_credential_is_stored(struct registry *registry, const struct registry_credential *credential,
                                              bool *stored, sealring_error *error);
/* The number of all credentials that belong to an API key, its client and a version. */
sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error);

/* Rows that contradict the last fact about them: `is_version` with the ring's name, or the key ID. */
struct registry_contradiction {
    bool is_version;
    char name[SEALRING_NAME_LENGTH_MAX + 1]; /* key ID or ring */
    uint32_t version;
    int row_state;  /* 0: there is no such row */
    int fact_state; /* 0: there is no fact */
    bool
        of_values; /* the row of a key that was not revoked differs in its state, its narrowing or its label; of a version, in anything but its
                     * state, or it has no fact */
    bool of_ring;  /* the row of a ring differs in anything that facts contain, or there is no fact */
    bool of_end;   /* the row of a credential, whose serial is `version`, has another end than its key's last fact */
};
enum contradiction_kind {
    CONTRADICTION_KEYS,
    CONTRADICTION_VERSIONS,
    CONTRADICTION_VALUES,
    CONTRADICTION_RINGS,
    CONTRADICTION_OBJECTS, /* of a version whose state agrees, and anything else does not */
    CONTRADICTION_ENDS,    /* of credentials */
    CONTRADICTION_KINDS
};
struct registry_cursor registry_contradictions(struct registry *registry, enum contradiction_kind kind,
                                               sealring_error *error);
bool registry_contradiction_next(struct registry_cursor *contradictions, struct registry_contradiction *found);

#endif

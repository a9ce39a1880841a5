/* SPDX-License-Identifier: Apache-2.0 */
/* A restored registry held against the key token, which no backup of the registry puts back: what it says is closed stays closed. */
#ifndef MANAGE_BACKUP_CONFRONT_H
#define MANAGE_BACKUP_CONFRONT_H

#include "config/config.h"
#include "registry/rows/rows.h"

enum confront_verdict {
    CONFRONT_GOOD,   /* accepted, and its key proves itself and signs; or closed in the token as well */
    CONFRONT_CLOSED, /* accepted, but the token lets its key sign no more */
    CONFRONT_GONE,   /* accepted, but there is no such object */
    CONFRONT_WRONG,  /* accepted, but the object is not what it should be */
    CONFRONT_OPEN    /* closed, but the token still lets its key sign */
};

struct confront_version {
    struct registry_version row;
    struct registry_ring ring;
    enum confront_verdict verdict;
    bool gone;     /* there is no such object, whatever the version's state */
    char why[128]; /* of CONFRONT_WRONG */
};

struct confront {
    struct registry_vault vault;
    struct confront_version *versions; /* of all rings */
    size_t count, capacity;
    struct registry_ring *rings;
    size_t ring_count, ring_capacity;
    size_t proved; /* accepted versions whose key is good */
    size_t lost;   /* accepted versions whose key is not */
    struct confront_object *objects;
    size_t object_count, object_capacity;
    size_t strange;          /* objects labelled as versions' that no version has */
    char strange_names[160]; /* of the first of them */
};

/* Asks the token, outside of any transaction. SEALRING_TOKEN: it cannot be asked, so nothing can be concluded. */
sealring_status confront_token(struct confront *confront, const struct config *config, struct registry *registry,
                               sealring_error *error);

/* In a writing transaction: accepted versions whose keys are not good become retired, to be purged after their ring's delay; closed ones that the token
 * lets sign are owed their closing; every accepted version counts as used now, as nobody knows who used it since the backup; with `lost`
 * no ring gives out a number again that an object of the token has. */
sealring_status confront_settle(const struct confront *confront, bool lost, int64_t now, struct registry *registry,
                                sealring_error *error);

void confront_release(struct confront *confront);

#endif

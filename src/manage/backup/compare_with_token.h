/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a restored registry with the key token, which no backup of the registry rolls back: what the token closed stays closed. */
#ifndef MANAGE_BACKUP_COMPARE_WITH_TOKEN_H
#define MANAGE_BACKUP_COMPARE_WITH_TOKEN_H

#include "config/config.h"
#include "manage/tokens/key_inventory.h"

enum confront_verdict {
    CONFRONT_GOOD,   /* accepted, and its key proves itself and signs; or closed in the token as well */
    CONFRONT_CLOSED, /* accepted, but the token no longer lets its key sign */
    CONFRONT_GONE,   /* accepted, but the token has no such object */
    CONFRONT_WRONG,  /* accepted, but the object is not what it should be */
    CONFRONT_OPEN    /* closed, but the token still lets its key sign */
};

struct confront_version {
    const struct registry_version *row;
    const struct registry_ring *ring;
    enum confront_verdict verdict;
    bool gone;     /* the token has no such object, whatever the version's state */
    char why[128]; /* the reason for CONFRONT_WRONG */
};

struct confront {
    struct inventory inventory;
    struct confront_version *versions; /* for each of the inventory's */
    size_t proved;                     /* accepted versions whose key proved itself and signs */
    size_t lost;                       /* accepted versions whose key did not */
    size_t strange;                    /* objects with a version's label that no version has */
    char strange_names[160];           /* the labels of the first of them */
};

/* Asks the token, outside any transaction. SEALRING_TOKEN: the token cannot be asked, so nothing can be concluded. */
sealring_status confront_token(struct confront *confront, const struct config *config, struct registry *registry,
                               sealring_error *error);

/* In a writing transaction. Accepted versions whose keys are not CONFRONT_GOOD become retired, to be purged after their ring's delay. Closed
 * versions whose keys the token lets sign are owed their closing. Every accepted version counts as used now, as nobody knows who used it since the
 * backup. With `lost`, no ring gives a number again that an object of the token has. */
sealring_status confront_settle(const struct confront *confront, bool lost, int64_t now, struct registry *registry,
                                sealring_error *error);

void confront_release(struct confront *confront);

#endif

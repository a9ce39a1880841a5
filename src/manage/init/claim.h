/* SPDX-License-Identifier: Apache-2.0 */
/* The directory in which a vault is being made: claimed by one command, and known for what it is if that one is interrupted. */
#ifndef MANAGE_INIT_CLAIM_H
#define MANAGE_INIT_CLAIM_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "registry/connection/registry.h"

/* As long as it is there, and there is no sealring.conf, the directory is an unfinished vault. It is locked (flock) as long as somebody is
 * making it, and says under which ID. */
#define CLAIM_FILE "init.unfinished"

struct claim {
    char path[PATH_MAX]; /* of the vault, absolute */
    int descriptor;      /* -1: nothing is claimed */
    bool made;           /* the directory is this command's */
    bool
        interrupted; /* another command began here, and what it made is removed; in given tokens there may be objects of: */
    uint8_t before[REGISTRY_ID_SIZE];
};

/* The directory must be missing, empty, or an unfinished vault that nobody is making. SEALRING_REFUSED says which it is not. */
sealring_status claim_take(const char *vault, struct claim *claim, sealring_error *error);

/* Notes the ID under which objects are going to be made in tokens. Written to the disk when it returns. */
sealring_status claim_name(struct claim *claim, const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error);

/* The vault is whole: it is an unfinished one no more. */
void claim_finish(struct claim *claim);

/* Removes all that was made. */
void claim_undo(struct claim *claim);

/* DIRECTORY as an absolute path. */
sealring_status claim_absolute(const char *directory, char path[PATH_MAX], sealring_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The directory in which a vault is being made: claimed by one command, and recognised as unfinished if that is interrupted. */
#ifndef MANAGE_INIT_CLAIM_DIRECTORY_H
#define MANAGE_INIT_CLAIM_DIRECTORY_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "registry/connection/registry.h"

/* While this file exists and sealring.conf does not, the directory is an unfinished vault. The command that is making the vault holds a lock
 * (flock) on the file. The file contains the vault's ID. */
#define CLAIM_FILE "init.unfinished"

struct claim {
    char path[PATH_MAX]; /* of the vault, absolute */
    int descriptor;      /* -1: nothing is claimed */
    bool made;           /* this command made the directory */
    bool
        interrupted; /* another command began here, and what it made is removed; given tokens may contain objects of this earlier ID: */
    uint8_t before[REGISTRY_ID_SIZE];
};

/* The directory must be missing, empty, or an unfinished vault that no command is making. SEALRING_REFUSED states what was found instead. */
sealring_status claim_take(const char *vault, struct claim *claim, sealring_error *error);

/* Notes the ID under which objects are going to be made in tokens. It is on the disk when this returns. */
sealring_status claim_name(struct claim *claim, const uint8_t vault_id[REGISTRY_ID_SIZE], sealring_error *error);

/* The vault is complete, and no longer an unfinished one. */
void claim_finish(struct claim *claim);

/* Removes everything that was made. */
void claim_undo(struct claim *claim);

/* DIRECTORY as an absolute path. */
sealring_status claim_absolute(const char *directory, char path[PATH_MAX], sealring_error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One real vault with something of every kind in it, and the places that it is copied to. */
#ifndef FORGER_WORLD_H
#define FORGER_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#define WORLD_TEXTS 32
#define WORLD_PATH  128

/* A credential, or a text that nobody was given. */
struct world_text {
    char label[SEALRING_NAME_LENGTH_MAX + 1]; /* of its API key when it was issued, and what distinguishes it */
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
};

struct world {
    char directory[64];
    char work
        [WORLD_PATH]; /* where the vault is opened, and attacked; whole, earlier and away have paths of the same length */
    char whole[WORLD_PATH];         /* the vault as it was made */
    char away[WORLD_PATH];          /* where the forger has a copy without an audit token */
    char earlier[WORLD_PATH];       /* the registry from before the last acts */
    char registry[WORLD_PATH + 32]; /* in work */
    struct world_text texts[WORLD_TEXTS];
    size_t count;
    int64_t made; /* when; 0: it could not be */
};

/* Makes it, in memory that children share. Ends the process with a message if it cannot. */
struct world *world_make(void);
void world_remove(const struct world *world);

/* The vault in `work` is the whole one again. */
void world_restore(const struct world *world);
/* A copy in `away`, whose sealring.conf names no audit token. */
void world_copy_away(const struct world *world);
/* For the process that opens one of them: the environment that its module needs. */
void world_enter(const char *vault);

/* The key ID of the credential with this label. */
const char *world_key(const struct world *world, const char *label);

/* Ends the process: what failed, and why. */
_Noreturn void world_fail(const char *what, const char *why);
#define MUST(call, error)                       \
    do {                                        \
        if ((call) != SEALRING_OK)              \
            world_fail(#call, (error).message); \
    } while (0)

#endif

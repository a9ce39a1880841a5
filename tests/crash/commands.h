/* SPDX-License-Identifier: Apache-2.0 */
/* Every command that changes a vault, as what it calls. */
#ifndef TESTS_CRASH_COMMANDS_H
#define TESTS_CRASH_COMMANDS_H

#include "crash/scene.h"

#define HANDED_MAX         4
#define COMMAND_ACT_FAILED "an act failed" /* of `run --once`, which reports each act by itself */
#define BACKUP_NAME        "kept"          /* of the backup's file, in the vault's directory */
#define ARCHIVE_NAME       "archived"      /* of the archive of the log, in the same place */

/* What the process under test tells the one that watches it, as it happens: in shared memory. */
struct told {
    _Atomic(uint32_t) acknowledged; /* the call has said SEALRING_OK */
    _Atomic(uint32_t) failed;       /* or that it failed: */
    sealring_status status;
    char message[256];
    _Atomic(uint32_t) backed_up; /* the backup was said to be there */
    _Atomic(uint32_t) handed;    /* credentials that were handed over, the first few and the last of which are kept */
    char texts[HANDED_MAX][SEALRING_CREDENTIAL_LENGTH_MAX + 1];
};

struct command {
    const char *name;
    enum scene_vault vault;
    /* States besides before and after in which an interruption may leave it for good: it is done in steps, each of which is whole.
     * `act` with stop = 1 to steps ends after that step. */
    unsigned steps;
    const char *take_over;
    bool same; /* what it does is not told by a state: statistics, or what the next start would do */
    sealring_status (*act)(const struct scene *scene, sealring_manager *manager, unsigned stop, struct told *told,
                           sealring_error *error);
    /* The same as a command line, KEYID for the API key that it is about; NULL: not tried with the real command. */
    const char *line;
    /* What an operator says again, if the token still owes a destruction, or was told of a compromise and the registry was not; NULL:
     * nothing of the kind can be left. */
    sealring_status (*again)(const struct scene *scene, sealring_manager *manager, unsigned stop, struct told *told,
                             sealring_error *error);
};

extern const struct command commands[];
extern const unsigned command_count;

#endif

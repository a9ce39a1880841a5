/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of a vault's own SoftHSM2 tokens, and the copies of the files that SoftHSM2 rewrites in place at each login. */
#ifndef SOFTHSM_STORE_H
#define SOFTHSM_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* A token is a folder in `tokens`, named by a UUID; its copies are in a folder of the same name in `copies` (0700). */
struct store {
    char tokens[PATH_MAX];
    char copies[PATH_MAX];
};

#define STORE_TEXT_SIZE    256
#define STORE_ASIDE_SUFFIX ".damaged"

/* The result of one check of the tokens. */
struct store_outcome {
    bool restored;                 /* a file was damaged, and was restored from its copy */
    char what[STORE_TEXT_SIZE];    /* the last one, as a phrase: "token.object of TOKEN" */
    char problem[STORE_TEXT_SIZE]; /* why one was not restored, or could not be copied; "" */
};

/* Restores token.object and generation of each token from their copies if they are damaged: in place, and under SoftHSM2's own lock.
 * The caller holds the login lock. keep: also copies them, token.object if it differs in more than its generation number; both only if
 * they are complete. Without it before a login; with it after one, which leaves damaged files if the disk is full. */
void store_mend(const struct store *store, bool keep, struct store_outcome *outcome);

/* The state of a token's file. */
enum store_state {
    STORE_DAMAGED,    /* and there is a copy to restore it from */
    STORE_LOST,       /* damaged, and there is no valid copy */
    STORE_UNCOPIED,   /* valid, and there is no copy, or only an older one */
    STORE_UNREADABLE, /* it is a copy that cannot be read: neither counted as missing nor replaced */
    STORE_ASIDE       /* an object's file that was damaged and had no copy, renamed to UUID.damaged */
};

typedef void (*store_finding)(const char *token, const char *file, enum store_state state, void *context);

/* Changes nothing, and calls back with each file that is not as it should be, from another thread, which has none of the caller's file
 * descriptors. False: the files could not be examined. */
bool store_examine(const struct store *store, store_finding each, void *context);

/* Syncs everything in the tokens' folders, which SoftHSM2 does not do. Returns 0 or an errno. */
int store_sync(const struct store *store);

/* Restorations are noted in the file `restored` of the folder of copies, until a process that may write the audit log takes the notes:
 * lines "TIME WHAT", at most `size` bytes, 0 for none. The caller, with the vault's lock held, must record them and then call
 * store_forget_journal. */
size_t store_read_journal(const struct store *store, char *text, size_t size);
void store_forget_journal(const struct store *store);

/* Notes that `what` is about to be restored. */
void store_note(const struct store *store, const char *what);

#endif

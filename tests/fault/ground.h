/* SPDX-License-Identifier: Apache-2.0 */
/* A vault under a bad token that can be put back as it was, copied for parallel work, and searched for secrets. */
#ifndef TESTS_FAULT_GROUND_H
#define TESTS_FAULT_GROUND_H

#include <stdbool.h>

#include <check.h>

#include <sealring/manage.h>

#include "fault/faulting.h"
#include "lib/test_vault.h"

#define GROUND_RING  "payments" /* versions: 1 retired, 2 retiring, 3 active, 4 pending */
#define GROUND_OTHER "second"   /* version 1 active */

enum ground_text {
    GROUND_RETIRED,    /* under version 1 of GROUND_RING */
    GROUND_RETIRING,   /* 2 */
    GROUND_ACTIVE,     /* 3 */
    GROUND_ACTIVE_TOO, /* 3, another key */
    GROUND_SECOND,     /* under version 1 of GROUND_OTHER */
    GROUND_REVOKED,    /* 3, its key is revoked */
    GROUND_FORGED,     /* well-formed, under version 3, the key ID of GROUND_ACTIVE, made by nobody's token */
    GROUND_TEXTS
};

/* The original; in memory that all processes share. */
struct ground {
    struct test_vault vault;
    char pin[64];
    char texts[GROUND_TEXTS][SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_ids[GROUND_TEXTS][SEALRING_KEY_ID_LENGTH + 1];
};

/* A copy to work on. */
struct place {
    const struct ground *ground;
    struct test_vault vault;
    char tokens[128]; /* SoftHSM2's directory */
    char output[128]; /* file for whatever is said: standard streams, messages, log lines */
    struct faulting *faulting;
    const struct ground *copied; /* what is there already, to the byte; NULL: nothing that is known */
};

/* Zeroed memory that forked children share, for as long as the process lives. Fails the test if there is none. */
void *ground_share(size_t size);

/* Makes it in processes of its own: nothing of a token is loaded in this one. Fails the test if it cannot. */
struct ground *ground_make(void);
/* The same, with more in it. */
struct ground *ground_make_with(void (*more)(struct ground *ground, sealring_manager *manager, void *context),
                                void *context);
void ground_remove(struct ground *ground);

/* Which version of which ring a text is under; 0: of none that is good. */
uint32_t ground_version(enum ground_text text, const char **ring);

/* The copy number `number` (0 to 99), not filled yet; sets the environment of this process for it. */
void place_make(struct place *place, const struct ground *ground, unsigned number);
/* As the original is, with a good token whose calls are counted from 1; the output is empty. */
void place_restore(struct place *place);
/* Whether the same files are in it with the same bytes and modes; but for SQLite's shared memory, which nobody who opens a database goes by
 * after the last one has closed it, and SoftHSM2's count of how often it has written a token's own object, which it does at logins. */
bool place_is_original(struct place *place);
/* Sets aside what it is like now; and makes it like that again. */
void place_keep(const struct place *place);
void place_bring_back(const struct place *place);
void place_remove(struct place *place);

/* From now on as `kind` says; calls are counted from 1. */
void place_script(const struct place *place, enum fault_kind kind, enum fault_function function, uint64_t from,
                  uint64_t times, unsigned long code);
/* Ends it: the token is good again, and its directory where it was. */
void place_heal(const struct place *place);

/* Looks for the PIN, the credentials (issued: one more, or ""), and what is derived for them, in the output and in all files of the
 * registry, the reports and the login record. True if there are none; else `found` says what and where. */
bool place_is_clean(const struct place *place, const char *issued, char found[256]);

#endif

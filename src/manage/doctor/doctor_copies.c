/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the files of the vault's own software tokens and of their copies, before anything logs in to a token. */
#include <stdio.h>
#include <time.h>

#include "manage/doctor/doctor_parts.h"
#include "manage/tokens/token_file_copies.h"
#include "registry/lock/lock.h"

/* The state decides about the kind; STORE_UNREADABLE is about a copy. */
static const struct {
    enum doctor_kind kind;
    const char *what;
} copies_findings[] = {
    [STORE_DAMAGED] = {DOCTOR_TOKEN_FILE_DAMAGED,
                       "this file of a software token is damaged or missing; there is a good copy of it"},
    [STORE_LOST] = {DOCTOR_TOKEN_FILE_LOST,
                    "this file of a software token is damaged, and there is no good copy of it"},
    [STORE_UNREADABLE] = {DOCTOR_TOKEN_COPY_UNREADABLE, "this copy of a software token's file cannot be read"},
    [STORE_ASIDE] = {DOCTOR_TOKEN_FILE_ASIDE,
                     "this file of a software token was damaged and had no copy, and was set aside"},
    [STORE_UNCOPIED] = {DOCTOR_TOKEN_COPY_BEHIND, "this file of a software token has no copy that is as new as it is"},
};

static void find_file(const char *token, const char *file, enum store_state state, void *context)
{
    struct doctor *doctor = context;
    const struct store *store = software_store(doctor->config->software);
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s/%s", state == STORE_UNREADABLE ? store->copies : store->tokens, token,
             file[0] != '\0' ? file : "*.object");
    doctor_find(doctor, copies_findings[state].kind, path, "%s%s%s", copies_findings[state].what,
                state == STORE_LOST ? " in " : "", state == STORE_LOST ? store->copies : "");
}

void doctor_look_at_copies(struct doctor *doctor)
{
    if (doctor->config->software == NULL)
        return;
    const struct store *store = software_store(doctor->config->software);
    if (!store_examine(store, find_file, doctor))
        doctor_unseen(doctor, SEALRING_TOKEN, "the files of the software tokens in %s cannot be examined",
                      store->tokens);
}

#define TRIES      20 /* to see the files while no process changes them */
#define PAUSE_NSEC 100000000L

void doctor_look_at_objects(struct doctor *doctor)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NSEC};
    const char *lock = doctor->config->lock;
    size_t before = doctor->findings.count;
    for (int i = 0; i < TRIES; i++) {
        sealring_error error = {.message = ""};
        bool busy = lock_is_taken(lock);
        sealring_status status = copies_examine(doctor->manager, find_file, doctor, &error);
        if (status == SEALRING_OK && !busy && !lock_is_taken(lock))
            return;
        doctor_forget(&doctor->findings, before);
        if (status != SEALRING_OK) {
            doctor_unseen(doctor, SEALRING_TOKEN, "the files of the software tokens: %s", error.message);
            return;
        }
        nanosleep(&pause, NULL);
    }
    doctor_unseen(doctor, SEALRING_REGISTRY, "the files of the software tokens: somebody is at work all the time");
}

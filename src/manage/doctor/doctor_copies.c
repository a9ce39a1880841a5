/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the files of the vault's own software tokens and of their copies, before anything logs in to a token. */
#include <stdio.h>
#include <time.h>

#include "manage/doctor/doctor_parts.h"
#include "manage/tokens/token_file_copies.h"
#include "registry/lock/lock.h"

static void find_file(const char *token, const char *file, enum store_state state, void *context)
{
    struct doctor *doctor = context;
    const struct store *store = software_store(doctor->config->software);
    struct doctor_finding *finding;
    char path[2 * PATH_MAX], word[DOCTOR_WORD_SIZE];
    snprintf(path, sizeof path, "%s/%s/%s", state == STORE_UNREADABLE ? store->copies : store->tokens, token,
             file[0] != '\0' ? file : "*.object");
    switch (state) {
    case STORE_DAMAGED:
        finding = doctor_find(doctor, DOCTOR_TOKEN_FILE_DAMAGED, path,
                              "this file of a software token is damaged or missing; there is a good copy of it");
        doctor_mend(doctor, finding, "sealring doctor --repair, or any command that uses the token");
        break;
    case STORE_LOST:
        finding = doctor_find(doctor, DOCTOR_TOKEN_FILE_LOST, path,
                              "this file of a software token is damaged, and there is no good copy of it in %s",
                              store->copies);
        doctor_mend(doctor, finding,
                    "stop everything that uses the vault, and bring the token's folder back from a backup");
        break;
    case STORE_UNREADABLE:
        finding = doctor_find(doctor, DOCTOR_TOKEN_COPY_UNREADABLE, path,
                              "this copy of a software token's file cannot be read");
        doctor_mend(
            doctor, finding,
            "find out what it is, and make it readable; if the token works without it, move it away, and any command "
            "makes a new copy: ls -ld %s",
            doctor_word(path, word));
        break;
    case STORE_ASIDE:
        finding = doctor_find(doctor, DOCTOR_TOKEN_FILE_ASIDE, path,
                              "this file of a software token was damaged and had no copy, and was set aside");
        doctor_mend(doctor, finding, "if no version lacks its object: rm %s", doctor_word(path, word));
        break;
    case STORE_UNCOPIED:
    default:
        finding = doctor_find(doctor, DOCTOR_TOKEN_COPY_BEHIND, path,
                              "this file of a software token has no copy that is as new as it is");
        doctor_mend(doctor, finding, "sealring doctor --repair, or any command that uses the token");
    }
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

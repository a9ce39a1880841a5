/* SPDX-License-Identifier: Apache-2.0 */
/* The vault that answers: exchanged for a newly opened one while requests go on. */
#include "gateway/sealringd/served.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/daemon/journal.h"

struct served_vault {
    sealring_vault *vault;
    unsigned users; /* under `lock` */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t returned = PTHREAD_COND_INITIALIZER;
static struct served_vault *now; /* under `lock` */

struct served_vault *served_take(sealring_vault **vault)
{
    pthread_mutex_lock(&lock);
    struct served_vault *taken = now;
    taken->users++;
    pthread_mutex_unlock(&lock);
    *vault = taken->vault;
    return taken;
}

void served_return(struct served_vault *taken)
{
    pthread_mutex_lock(&lock);
    if (--taken->users == 0)
        pthread_cond_broadcast(&returned);
    pthread_mutex_unlock(&lock);
}

/* Makes it the one that answers, and closes the one before. */
static void exchange(struct served_vault *next)
{
    pthread_mutex_lock(&lock);
    struct served_vault *before = now;
    now = next;
    while (before != NULL && before->users > 0)
        pthread_cond_wait(&returned, &lock);
    pthread_mutex_unlock(&lock);
    if (before != NULL) {
        sealring_set_log(before->vault, NULL, NULL);
        sealring_close(&before->vault);
        free(before);
    }
}

static uint64_t cached_in(sealring_vault *vault)
{
    sealring_statistics statistics = {.size = sizeof statistics};
    sealring_stats(vault, &statistics);
    return statistics.credentials;
}

/* A cold cache would send all clients to the token at once. Not all that the old one has can come back: it is too old, or closed. */
static void wait_until_warm(sealring_vault *vault)
{
    enum { STEP_MS = 20, STEPS = 10000 / STEP_MS, IDLE_STEPS = 1000 / STEP_MS };
    static const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    if (now == NULL)
        return;
    uint64_t wanted = cached_in(now->vault), got = 0;
    for (int steps = 0, idle = 0; steps < STEPS && idle < IDLE_STEPS; steps++) {
        uint64_t count = cached_in(vault);
        if (count >= wanted)
            return;
        idle = count > got ? 0 : idle + 1;
        got = count;
        (void)nanosleep(&step, NULL);
    }
}

sealring_status served_open(const char *directory, sealring_error *error)
{
    struct served_vault *next = calloc(1, sizeof *next);
    if (next == NULL) {
        *error = (sealring_error){.status = SEALRING_SYSTEM, .message = "no memory"};
        return SEALRING_SYSTEM;
    }
    sealring_status status = sealring_open(directory, NULL, &next->vault, error);
    if (status != SEALRING_OK) {
        free(next);
        return status;
    }
    sealring_set_log(next->vault, journal_message, NULL);
    wait_until_warm(next->vault);
    exchange(next);
    return SEALRING_OK;
}

void served_close(void)
{
    exchange(NULL);
}

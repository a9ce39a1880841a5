/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of all issued key IDs: built beside requests, brought up to date by each poll, and used only while it certainly is. */
#include "verifier/fresh/follow_keys.h"

#include "base/clock.h"
#include "base/fork.h"
#include "registry/rows/rows.h"

#define PAGE_KEYS    2048    /* for each transaction: some milliseconds */
#define FOLLOW_PAGES 4       /* that one poll reads at most; if there are more, the filter waits for the next poll */
#define PASS_MS      3600000 /* between two passes over all keys */
#define AGAIN_MS     1000    /* after one that failed */

/* ---- reading */

/* Adds the keys after *at, at most a page, and moves *at. *end: there is no further one. False: the filter lacks some of them. */
static bool read_page(struct registry *registry, struct key_filter *filter, int64_t *at, bool *end)
{
    struct registry_key_id key_id;
    sealring_status status;
    unsigned count;
    bool added = true;
    int64_t after = *at;
    struct registry_transaction reading = registry_reading(registry, NULL);
    fork_guard_enter();
    do {
        count = 0;
        *at = after;
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor key_ids = registry_key_ids(registry, after, PAGE_KEYS, NULL);
        while (registry_key_id_next(&key_ids, &key_id)) {
            added = key_filter_add(filter, key_id.key_id) && added;
            *at = key_id.row;
            count++;
        }
        status = registry_close_cursor(&key_ids, status);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    *end = count < PAGE_KEYS;
    return status == SEALRING_OK && added;
}

/* ---- building: the proving thread */

static void expect(struct registry *registry, struct key_filter *filter)
{
    uint64_t last = 0;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, NULL);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = registry_key_last(registry, &last, NULL);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    if (status == SEALRING_OK)
        key_filter_expect(filter, last);
}

/* With the mutex held. */
static bool is_due(struct known_keys *keys)
{
    return atomic_load(&keys->wanted) && (keys->passing || clock_boot_ms() >= keys->pass_due);
}

bool keys_are_due(struct verifier *verifier)
{
    struct known_keys *keys = &verifier->known_keys;
    pthread_mutex_lock(&keys->mutex);
    bool due = is_due(keys);
    pthread_mutex_unlock(&keys->mutex);
    return due;
}

/* True: a page is due. */
static bool begin_page(struct known_keys *keys, uint64_t *pass, int64_t *at)
{
    pthread_mutex_lock(&keys->mutex);
    bool due = is_due(keys);
    if (due && !keys->passing) {
        keys->passing = true;
        keys->at = 0;
    }
    *pass = keys->pass;
    *at = keys->at;
    pthread_mutex_unlock(&keys->mutex);
    return due;
}

/* After the first pass, polls follow from where it ended. A later one finds what was inserted below. */
static void end_page(struct known_keys *keys, uint64_t pass, int64_t at, bool good, bool end)
{
    pthread_mutex_lock(&keys->mutex);
    if (pass == keys->pass) { /* otherwise there was a fence meanwhile: these may be rows of another file */
        keys->at = at;
        keys->passing = good && !end;
        if (!keys->passing)
            keys->pass_due = clock_boot_ms() + (good ? PASS_MS : AGAIN_MS);
        if (good && end && !keys->complete) {
            keys->complete = true;
            keys->followed = at;
        }
    }
    pthread_mutex_unlock(&keys->mutex);
}

bool keys_build_some(struct verifier *verifier)
{
    struct known_keys *keys = &verifier->known_keys;
    struct registry *registry;
    uint64_t pass;
    int64_t at;
    bool end = false, good = false;
    if (!begin_page(keys, &pass, &at))
        return false;
    if (connections_take(verifier->connections, &registry, NULL) == SEALRING_OK) {
        if (at == 0)
            expect(registry, &keys->filter);
        good = read_page(registry, &keys->filter, &at, &end);
        connections_give(verifier->connections, registry);
    }
    end_page(keys, pass, at, good, end);
    return good && !end;
}

/* ---- following: a poll */

void keys_want(struct verifier *verifier)
{
    atomic_store(&verifier->known_keys.wanted, true);
}

void keys_hear(struct verifier *verifier)
{
    struct known_keys *keys = &verifier->known_keys;
    const struct listening *listening = &verifier->listening;
    atomic_store(&keys->heard, listening->present && !listening->missed);
}

/* The first pass has read all keys up to where this begins. */
static bool follow(struct verifier *verifier)
{
    struct known_keys *keys = &verifier->known_keys;
    bool end = false, good = true;
    pthread_mutex_lock(&keys->mutex);
    bool complete = keys->complete;
    int64_t at = keys->followed;
    pthread_mutex_unlock(&keys->mutex);
    if (complete && keys->at_commits == verifier->commits)
        return true;
    for (unsigned i = 0; complete && good && !end && i < FOLLOW_PAGES; i++)
        good = read_page(verifier->looker, &keys->filter, &at, &end);
    if (complete && good)
        keys->followed = at;
    if (complete && good && end)
        keys->at_commits = verifier->commits;
    return complete && good && end;
}

void keys_follow(struct verifier *verifier)
{
    struct known_keys *keys = &verifier->known_keys;
    filter_followed(&keys->protocol, atomic_load(&keys->wanted) && atomic_load(&keys->heard) && follow(verifier));
}

void keys_forget(struct verifier *verifier)
{
    struct known_keys *keys = &verifier->known_keys;
    filter_withdraw(&keys->protocol);
    pthread_mutex_lock(&keys->mutex);
    keys->pass++;
    keys->passing = keys->complete = false;
    keys->pass_due = 0;
    pthread_mutex_unlock(&keys->mutex);
}

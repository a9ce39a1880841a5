/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for verifiers: polls their reports, and reports which verifiers are missing. */
#include "manage/act/act.h"

#include <stdio.h>
#include <string.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "bell/bell.h"
#include "lifecycle/transition_table.h"
#include "manage/act/era_check.h"
#include "manage/fleet/effective.h"
#include "manage/fleet/evidence.h"

#define LOOK_MS 20   /* between two polls of the reports, if no verifier rings */
#define TELL_MS 1000 /* the caller gets a progress report at least this often */

/* As effective_remember, when no lock is held. It does not wait for the lock. */
static void remember_unlocked(sealring_manager *manager)
{
    if (manager->read_only || manager->dry_run || !roster_is_news(&manager->roster) ||
        registry_lock(manager->registry, 0, "remembering verifiers", NULL) != SEALRING_OK)
        return;
    effective_remember(manager);
    registry_unlock(manager->registry);
}

enum wait_event { WAIT_BARRIER, WAIT_EFFECTIVE, WAIT_ERA };

struct waiting {
    sealring_manager *manager;
    sealring_wait asked;
    enum wait_event event;
    bool done;
    sealring_progress told;
    char text[LIFECYCLE_REASON_SIZE]; /* the missing verifiers */
    /* of the barrier */
    char reason[LIFECYCLE_REASON_SIZE]; /* its answer, which contains them */
    const char *ring;
    uint32_t version;
    sealring_version_state stays; /* its state */
    struct ring_state state;
    struct evidence evidence;
    int64_t tell_again_at;
    char text_before[LIFECYCLE_REASON_SIZE];
};

/* Reports progress. False if the caller stops the wait. */
static bool tell(struct waiting *waiting, int64_t boot_ms)
{
    bool changed = strcmp(waiting->text, waiting->text_before) != 0;
    if (waiting->asked.progress == NULL || (!changed && boot_ms < waiting->tell_again_at))
        return true;
    waiting->tell_again_at = boot_ms + TELL_MS;
    memcpy(waiting->text_before, waiting->text, sizeof waiting->text_before);
    waiting->told.size = sizeof waiting->told;
    waiting->told.text = waiting->text;
    return waiting->asked.progress(&waiting->told, waiting->asked.context) == 0;
}

/* ---- the barrier ---- */

/* The version that is waited for: the named one, or the ring's next one. */
static const struct lifecycle_version *choose(const struct waiting *waiting)
{
    const struct lifecycle_ring *ring = &waiting->state.view;
    size_t count;
    return waiting->version != 0 ? lifecycle_find(ring, waiting->version) : lifecycle_find_next(ring, &count);
}

/* What its activation waits for: only a pending version has not passed its barrier yet. */
static enum lifecycle_answer ask(const struct lifecycle_version *version, const struct lifecycle_evidence *evidence,
                                 char reason[LIFECYCLE_REASON_SIZE])
{
    const struct guard_question asked = {.version = version, .evidence = evidence};
    return version->state == SEALRING_VERSION_PENDING ? guard_barrier(&asked, reason) : guard_era(&asked, reason);
}

/* A verifier that does not block counts as done. */
static void count_verifiers(struct waiting *waiting, const struct lifecycle_version *version)
{
    struct lifecycle_evidence one = waiting->evidence.view;
    char unused[LIFECYCLE_REASON_SIZE];
    waiting->told.done = 0;
    waiting->told.total = 0;
    one.verifier_count = 1;
    for (size_t i = 0; i < waiting->evidence.view.verifier_count; i++) {
        one.verifiers = &waiting->evidence.view.verifiers[i];
        if (one.verifiers->lease_over)
            continue;
        waiting->told.total++;
        waiting->told.done += ask(version, &one, unused) == LIFECYCLE_ALLOWED;
    }
}

static sealring_status look_at_barrier(struct waiting *waiting, sealring_error *error)
{
    struct registry *registry = waiting->manager->registry;
    sealring_status status = state_load(registry, waiting->ring, &waiting->state, error);
    if (status == SEALRING_OK)
        status = evidence_read(registry, waiting->manager, &waiting->state, 0, &waiting->evidence, error);
    if (status != SEALRING_OK)
        return status;
    const struct lifecycle_version *version = choose(waiting);
    if (version == NULL && waiting->version != 0)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no version %u", waiting->ring, waiting->version);
    if (version == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no pending version: `sealring prepare %s` makes one",
                         waiting->ring, waiting->ring);
    if (!lifecycle_accepts(version->state))
        return error_set(error, SEALRING_REFUSED, "version %u of ring %s is %s by now", version->number, waiting->ring,
                         sealring_version_state_name(version->state));
    waiting->version = version->number;
    waiting->told.at_most = -1;
    count_verifiers(waiting, version);
    waiting->stays = version->state;
    waiting->done = ask(version, &waiting->evidence.view, waiting->reason) == LIFECYCLE_ALLOWED;
    waiting->text[0] = '\0';
    const struct guard_question asked = {.version = version, .evidence = &waiting->evidence.view};
    if (version->state == SEALRING_VERSION_PENDING)
        guard_barrier_missing(&asked, waiting->text);
    else
        guard_era_missing(&asked, waiting->text);
    return SEALRING_OK;
}

/* ---- all verifiers ---- */

static void look_at_reports(struct waiting *waiting)
{
    const sealring_manager *manager = waiting->manager;
    struct roster_count count = {.done = 0};
    /* when an era ends, all its verdicts end: a verifier of another era has loaded everything again */
    if (waiting->event == WAIT_EFFECTIVE)
        roster_count(&manager->roster, &manager->committed, &count);
    else if (!registry_vault_row(manager->registry)->era_in_force)
        roster_count(&manager->roster, &(struct roster_change){.epoch = 0}, &count);
    waiting->done = count.done == count.total;
    waiting->told.done = count.done;
    waiting->told.total = count.total;
    waiting->told.at_most = count.at_most;
    snprintf(waiting->text, sizeof waiting->text, "%s", count.missing);
}

/* Sets `done` and the progress. */
static sealring_status look(struct waiting *waiting, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(waiting->manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = manager_read_roster(waiting->manager, waiting->manager->registry, error);
        if (status == SEALRING_OK && waiting->event == WAIT_BARRIER)
            status = look_at_barrier(waiting, error);
        else if (status == SEALRING_OK)
            look_at_reports(waiting);
    } while (registry_again(&reading, &status));
    return status;
}

/* Polls when verifiers ring, and at least every LOOK_MS: verifiers of older releases do not ring. Until it is done, the time has passed, or
 * the caller stops the wait. */
static sealring_status poll_until(struct waiting *waiting, struct bell *bell, sealring_error *error)
{
    int64_t began = clock_boot_ms();
    for (;;) {
        uint32_t word;
        bool present = bell_read(bell, &word);
        sealring_status status = look(waiting, error);
        int64_t elapsed = clock_boot_ms() - began;
        if (status != SEALRING_OK || waiting->done)
            return status;
        int64_t left = waiting->asked.most < 0 ? LOOK_MS : waiting->asked.most - elapsed;
        if (left <= 0 || !tell(waiting, began + elapsed))
            return SEALRING_OK;
        left = left < LOOK_MS ? left : LOOK_MS;
        if (!present || bell_wait(bell, word, left) == BELL_ABSENT)
            clock_sleep(left);
    }
}

static sealring_status wait_for(struct waiting *waiting, sealring_error *error)
{
    struct bell bell;
    bell_open(&bell, waiting->manager->config->reports_bell, BELL_REST_MS);
    sealring_status status = poll_until(waiting, &bell, error);
    bell_close(&bell);
    return status;
}

sealring_status sealring_wait_barrier(sealring_manager *manager, const char *ring, uint32_t version,
                                      const sealring_wait *wait, sealring_error *error)
{
    struct waiting waiting = {.manager = manager, .event = WAIT_BARRIER, .ring = ring, .version = version};
    sized_take(&waiting.asked, sizeof waiting.asked, wait);
    sealring_status status = wait_for(&waiting, error);
    if (status == SEALRING_OK && !waiting.done)
        status = error_set(error, SEALRING_WAITING,
                           "version %u of ring %s stays %s, nothing is lost: %s. `sealring activate %s %u` goes on",
                           waiting.version, ring, sealring_version_state_name(waiting.stays), waiting.reason, ring,
                           waiting.version);
    remember_unlocked(manager);
    evidence_release(&waiting.evidence);
    state_release(&waiting.state);
    return status;
}

static bool owes_closing(const sealring_manager *manager)
{
    struct registry_version version;
    bool owed;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, NULL);
    do {
        owed = false;
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor versions = registry_versions_owed(manager->registry, NULL);
        while (!owed && registry_version_next(&versions, &version))
            owed = version.closing_owed && version.state == SEALRING_VERSION_RETIRED;
        status = registry_close_cursor(&versions, status);
    } while (registry_again(&reading, &status));
    return status == SEALRING_OK && owed;
}

/* Once the change is effective, the token closes the version's object as well. If the token is missing, the next command that reaches it closes the
 * object. */
static void close_owed(sealring_manager *manager)
{
    if (!manager->read_only && !manager->dry_run && owes_closing(manager) &&
        manager_begin(manager, "closing", true, NULL) == SEALRING_OK)
        manager_end(manager);
}

static sealring_status not_yet(const struct waiting *waiting, const char *done, sealring_error *error)
{
    char latest[SEALRING_TIME_SIZE];
    sealring_time_format((clock_wall_ms() + waiting->told.at_most + 999) / 1000 * 1000, latest);
    return error_set(error, SEALRING_NOT_EFFECTIVE,
                     "%s; effective on %u of %u verifiers, the rest at the latest at %s: %s", done, waiting->told.done,
                     waiting->told.total, latest, waiting->text);
}

sealring_status sealring_wait_effective(sealring_manager *manager, const sealring_wait *wait, sealring_error *error)
{
    struct waiting waiting = {.manager = manager, .event = WAIT_EFFECTIVE};
    sized_take(&waiting.asked, sizeof waiting.asked, wait);
    if (manager->committed.committed_boot_ms == 0)
        return SEALRING_OK;
    sealring_status status = wait_for(&waiting, error);
    remember_unlocked(manager);
    if (status != SEALRING_OK)
        return status;
    if (!waiting.done)
        return not_yet(&waiting, "committed", error);
    close_owed(manager);
    return SEALRING_OK;
}

sealring_status sealring_wait_era(sealring_manager *manager, const sealring_wait *wait, sealring_error *error)
{
    struct waiting waiting = {.manager = manager, .event = WAIT_ERA};
    sized_take(&waiting.asked, sizeof waiting.asked, wait);
    sealring_status status = wait_for(&waiting, error);
    if (status != SEALRING_OK)
        return status;
    if (!waiting.done)
        return not_yet(&waiting, "rolled back", error);
    /* so that the next command need not check again */
    if (!manager->read_only && !manager->dry_run && manager_begin(manager, "following", false, NULL) == SEALRING_OK)
        manager_end(manager);
    return SEALRING_OK;
}

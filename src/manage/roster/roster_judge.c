/* SPDX-License-Identifier: Apache-2.0 */
/* Concludes from rows, files and clocks what each verifier of the roster does, and what must be remembered of it. */
#include "manage/roster/roster.h"

#include <string.h>

#include "lifecycle/clockwatch.h"
#include "log/signed_time.h"
#include "registry/rows/closed_facts.h"

#define DAY_MS        INT64_C(86400000)
#define ROWS_KEPT_MS  DAY_MS          /* rows of verifiers that ended without a hole, for `verifier list --all` */
#define HOLES_KEPT_MS (3650 * DAY_MS) /* no policy's quiet period is longer */

/* Takes from the row what may count (lifecycle/verifier_liveness.h). */
static void take_remembered(const struct roster *roster, struct roster_entry *entry)
{
    const struct registry_verifier *row = &entry->row;
    struct watched *watched = &entry->watched;
    watched->concluded = row->ended != 0;
    watched->forgotten = row->state == SEALRING_VERIFIER_FORGOTTEN;
    if (!watched->file_there)
        watched->other_boot = row->seen_boot_id[0] != '\0' && strcmp(row->seen_boot_id, roster->boot_id) != 0;
    if (!entry->own.seen)
        entry->hinted =
            entry->remembered && row->ended == 0 && (!watched->file_there || watched->number == row->number);
    else if (watched->file_there && watched->number != entry->own.number)
        entry->hinted = false;
    watched->own = entry->own;
}

/* For display only: the report has not changed since it was remembered, and by its own time that is long ago. Decisions are based on a measurement. */
static bool seems_silent(const struct roster *roster, const struct roster_entry *entry)
{
    return entry->hinted && roster->now - entry->row.last_report > watch_silence(roster_lease(roster, entry));
}

/* Limits times that were determined with a clock that was ahead. */
static void limit_times(const struct roster *roster, struct registry_verifier *row)
{
    if (roster->late)
        return;
    if (row->ended > roster->now)
        row->ended = roster->now;
    if (row->hole > roster->now)
        row->hole = roster->now;
}

/* A verifier that has other closed facts than the registry follows another registry, or one of another era that no checkpoint confirms yet. The
 * first one is asked about, and each that differs from the one before. */
static sealring_status compare_closed(struct registry *registry, struct roster *roster, sealring_error *error)
{
    uint64_t count = 0;
    uint8_t hash[REGISTRY_DIGEST_SIZE] = {0};
    bool found = true;
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_entry *entry = &roster->entries[i];
        entry->has_others = false;
        if (!entry->has_closed || memcmp(entry->watched.era, roster->vault.era, sizeof entry->watched.era) != 0)
            continue;
        if (entry->closed_count != count) {
            sealring_status status = registry_closed_find(registry, entry->closed_count, hash, &found, error);
            if (status != SEALRING_OK)
                return status;
            count = entry->closed_count;
        }
        entry->has_others = !found || memcmp(hash, entry->closed_hash, sizeof hash) != 0;
        if (!entry->has_others)
            continue;
        entry->watched.epoch = entry->watched.facts = 0; /* as for another era */
        memset(entry->watched.era, 0, sizeof entry->watched.era);
    }
    return SEALRING_OK;
}

/* Somebody may have replaced the change's fact by another one: reports that agree with the registry then lack it. */
sealring_status roster_find_change(struct registry *registry, struct roster_change *change, sealring_error *error)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    bool found = false;
    change->altered = false;
    if (change->closed_count == 0)
        return SEALRING_OK;
    sealring_status status = registry_closed_find(registry, change->closed_count, hash, &found, error);
    change->altered = status == SEALRING_OK && (!found || memcmp(hash, change->closed_hash, sizeof hash) != 0);
    return status;
}

static void judge(struct roster *roster, struct roster_entry *entry)
{
    const struct registry_verifier *written = &entry->written;
    struct registry_verifier *row = &entry->row;
    struct watched *watched = &entry->watched;
    limit_times(roster, row);
    struct watch_end end = {.ended = row->ended, .hole = row->hole};
    take_remembered(roster, entry);
    row->state = watch_look(watched, roster->boot_ms, roster->now, roster_lease(roster, entry), &end);
    if (row->state == SEALRING_VERIFIER_SERVING && seems_silent(roster, entry))
        row->state = SEALRING_VERIFIER_SILENT;
    entry->own = watched->own;
    row->ended = end.ended;
    row->hole = end.hole;
    row->seen_boot_ms = 0;
    if (watched->held)
        memcpy(row->seen_boot_id, roster->boot_id, sizeof row->seen_boot_id);
    if (watched->file_there) {
        row->number = watched->number;
        row->epoch = watched->epoch;
    }
    bool aged = row->ended != 0 && roster->now - row->ended > (row->hole == 0 ? ROWS_KEPT_MS : HOLES_KEPT_MS);
    entry->surplus = entry->remembered && !watched->file_there && !watched->held &&
                     (aged || (watched->taken_over && row->hole == 0));
    /* The number of a verifier that keeps reporting is news only when the remembered one becomes old, or while the verifier is silent. */
    bool told = row->state != written->state || row->ended != written->ended || row->hole != written->hole ||
                row->inode != written->inode || memcmp(row->seat, written->seat, sizeof row->seat) != 0;
    bool moved = row->number != written->number;
    int64_t age = row->last_report - written->last_report;
    bool stale = age > roster->vault.lease_ms / 4 || age < 0;
    entry->changed =
        entry->changed || !entry->remembered || told || (moved && (stale || row->state == SEALRING_VERIFIER_SILENT));
    /* a damaged row is replaced only by the content of its verifier's own file */
    if (entry->row_damaged && !watched->file_there)
        entry->changed = entry->surplus = false;
}

/* Whether a use, an end or a hole is later than this clock's time, and if so, whether the clock is late. */
static sealring_status look_ahead(struct roster *roster, struct registry *registry, sealring_error *error)
{
    uint64_t uses = 0;
    bool forged;
    struct clock_bound bound = {.built_ms = clock_build_ms()};
    sealring_status status = registry_version_use_ahead(registry, roster->now + ROSTER_AHEAD_MS, &uses, error);
    bool ahead = uses > 0;
    for (size_t i = 0; i < roster->count; i++)
        ahead = ahead || roster->entries[i].row.ended > roster->now || roster->entries[i].row.hole > roster->now;
    roster->late = false;
    roster->uses_ahead = false;
    if (status != SEALRING_OK || !ahead)
        return status;
    status = signed_time(registry, &bound.signed_ms, &forged, error);
    roster->late = roster->now < clockwatch_bound(&bound);
    roster->uses_ahead = uses > 0 && !roster->late;
    return status;
}

sealring_status roster_judge(struct registry *registry, struct roster *roster, sealring_error *error)
{
    sealring_status status = look_ahead(roster, registry, error);
    if (status == SEALRING_OK)
        status = compare_closed(registry, roster, error);
    for (size_t i = 0; status == SEALRING_OK && i < roster->count; i++)
        judge(roster, &roster->entries[i]);
    return status;
}

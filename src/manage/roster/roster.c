/* SPDX-License-Identifier: Apache-2.0 */
/* The roster: what follows from the verifiers that were read, and what must be remembered of them. */
#include "manage/roster/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SHOWN 3

void roster_release(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        free(roster->entries[i].versions);
    free(roster->entries);
    memset(roster, 0, sizeof *roster);
}

const struct roster_version *roster_find(const struct roster_entry *entry, int64_t ring, uint32_t number)
{
    for (size_t i = 0; i < entry->version_count; i++)
        if (entry->versions[i].ring == ring && entry->versions[i].number == number)
            return &entry->versions[i];
    return NULL;
}

bool roster_has_proved(const struct roster_entry *entry, int64_t ring, uint32_t number, uint64_t fact,
                       uint64_t created_epoch)
{
    const struct roster_version *told = roster_find(entry, ring, number);
    if (told == NULL || told->proved == 0 || entry->watched.epoch == 0)
        return false;
    return entry->schema >= REGISTRY_SCHEMA ? told->proved >= fact : fact == 0 && told->proved >= created_epoch;
}

int64_t roster_lease(const struct roster *roster, const struct roster_entry *entry)
{
    return entry->lease_unknown ? WATCH_LEASE_MAX_MS : roster->vault.lease_ms;
}

int64_t roster_last_use(const struct roster *roster, const struct roster_entry *entry,
                        const struct roster_version *version)
{
    int64_t limit = entry->row.ended != 0 && entry->row.ended < roster->now ? entry->row.ended : roster->now;
    return version->last_use > roster->now + ROSTER_AHEAD_MS ? limit : version->last_use;
}

bool roster_has_alarms(const struct roster_entry *entry)
{
    return entry->alarms_read && entry->alarms != entry->row.alarms;
}

bool roster_is_news(const struct roster *roster)
{
    if (roster->uses_ahead)
        return true;
    for (size_t i = 0; i < roster->count; i++)
        if (roster->entries[i].changed || roster->entries[i].surplus || roster_has_alarms(&roster->entries[i]))
            return true;
    return false;
}

/* Writes the uses in its file to the registry, so that they are kept if the file is removed after its verifier has ended. */
static sealring_status remember_uses(struct registry *registry, const struct roster *roster,
                                     const struct roster_entry *entry, sealring_error *error)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < entry->version_count; i++) {
        const struct roster_version *told = &entry->versions[i];
        if (told->last_use <= 0)
            continue;
        bool found = false; /* otherwise it is of a registry that was rolled back since */
        status = registry_version_find(registry, told->ring, told->number, &version, &found, error);
        if (status == SEALRING_OK && found)
            status = registry_version_use_put(registry, told->ring, told->number, roster_last_use(roster, entry, told),
                                              error);
    }
    return status;
}

sealring_status roster_remember(struct registry *registry, const struct roster *roster, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    if (roster->uses_ahead)
        status = registry_version_use_limit(registry, roster->now, error);
    for (size_t i = 0; status == SEALRING_OK && i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        if (entry->surplus)
            status = registry_verifier_delete(registry, entry->row.instance, error);
        else if (entry->changed)
            status = registry_verifier_put(registry, &entry->row, error);
        if (status == SEALRING_OK && entry->changed && entry->row.ended != 0)
            status = remember_uses(registry, roster, entry, error);
    }
    return status;
}

bool roster_may_serve(const struct roster *roster, const struct roster_entry *entry)
{
    return !watch_is_over(&entry->watched, roster->boot_ms, roster_lease(roster, entry));
}

bool roster_is_listed(const struct roster *roster, const struct roster_entry *entry, int64_t quiet_period)
{
    return entry->row.ended == 0 || (entry->row.hole != 0 && entry->row.hole >= roster->now - quiet_period);
}

int64_t roster_suspicion(const struct roster *roster, bool only_lost)
{
    int64_t longest = 0;
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        bool lost = !entry->watched.file_there && !entry->watched.held;
        if (!entry->hinted || (only_lost && !lost) || !roster_may_serve(roster, entry))
            continue;
        int64_t left =
            watch_serves_until(&entry->watched, roster->boot_ms, roster_lease(roster, entry)) - roster->boot_ms;
        longest = left > longest ? left : longest;
    }
    return longest;
}

bool roster_is_empty(const struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster_may_serve(roster, &roster->entries[i]))
            return false;
    return true;
}

/* "web1, web2 and 12 more" */
static void say_missing(const struct roster_entry *entry, bool deceived, uint32_t said, char missing[256])
{
    size_t length = strlen(missing);
    if (said < NAMES_SHOWN)
        snprintf(missing + length, 256 - length, "%s%.60s%s", said > 0 ? ", " : "", entry->name,
                 deceived ? " (ALARM: the registry hides the change from it)" : "");
}

void roster_count(const struct roster *roster, const struct roster_change *change, struct roster_count *count)
{
    uint32_t said = 0;
    int64_t committed_boot_ms = change->committed_boot_ms;
    *count = (struct roster_count){.done = 0};
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        int64_t lease = roster_lease(roster, entry);
        if (!roster_may_serve(roster, entry))
            continue;
        count->total++;
        /* An epoch that the registry has not reached proves nothing about later changes: the registry was rolled back. */
        struct watched watched = entry->watched;
        if (watched.epoch > roster->vault.epoch)
            watched.epoch = 0;
        bool lacks = entry->has_closed ? entry->closed_count < change->closed_count
                                       : change->epoch == 0 && change->closed_count > 0;
        watched.behind = change->altered || entry->has_others || lacks;
        if (watch_goes_by(&watched, roster->vault.era, change->epoch, committed_boot_ms, roster->boot_ms, lease)) {
            count->done++;
            continue;
        }
        int64_t until = watch_serves_until(&entry->watched, roster->boot_ms, lease);
        if (committed_boot_ms > 0 && committed_boot_ms + watch_silence(lease) < until)
            until = committed_boot_ms + watch_silence(lease);
        if (until - roster->boot_ms > count->at_most)
            count->at_most = until - roster->boot_ms;
        say_missing(entry, watch_is_deceived(&watched, committed_boot_ms, roster->boot_ms, lease), said++,
                    count->missing);
    }
    size_t length = strlen(count->missing);
    if (said > NAMES_SHOWN)
        snprintf(count->missing + length, sizeof count->missing - length, " and %u more", said - NAMES_SHOWN);
}

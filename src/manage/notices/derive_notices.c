/* SPDX-License-Identifier: Apache-2.0 */
/* What is new for clients: from entries of the log, and from ends that come near. */
#include "manage/notices/notice_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "manage/notices/notice_events.h"
#include "registry/log/log_rows.h"

#define ENTRIES_MOST 1000 /* that one transaction reads */
#define EVENTS_MOST  50   /* that it adds rows for */
#define TIMES_EVERY  INT64_C(60000)
#define USED_WITHIN  (INT64_C(7) * 86400000)

/* One entry that clients are notified of. */
struct event {
    const struct notice_rule *rule;
    struct registry_notice notice;
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
};

struct notice_derivation {
    struct registry *registry;
    struct registry_notice_state state;
    int64_t now;
    struct event events[EVENTS_MOST];
    size_t count;
    bool more; /* there are entries that were not read */
    char *alarm;
    sealring_error *error;
};

static void take_entry(struct notice_derivation *derivation, const struct registry_audit *entry)
{
    const struct notice_rule *rule = notice_rule_of_act(entry->act);
    derivation->state.entry = entry->sequence;
    if (rule == NULL || entry->ring == NULL)
        return;
    struct event *event = &derivation->events[derivation->count++];
    *event = (struct event){.rule = rule,
                            .notice = {.event = (int)rule->event,
                                       .version = rule->scope == NOTICE_OF_KEY ? 0 : entry->version,
                                       .entry = entry->sequence,
                                       .at = entry->time,
                                       .first = derivation->now}};
    (void)snprintf(event->ring, sizeof event->ring, "%s", entry->ring);
    (void)snprintf(event->notice.key_id, sizeof event->notice.key_id, "%s",
                   rule->scope == NOTICE_OF_KEY && entry->key_id != NULL ? entry->key_id : "");
}

static sealring_status read_entries(struct notice_derivation *derivation)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .first = derivation->state.entry + 1};
    struct registry_audit entry;
    unsigned read = 0;
    derivation->count = 0;
    struct registry_cursor entries = registry_audit_entries(derivation->registry, &filter, derivation->error);
    while (read < ENTRIES_MOST && derivation->count < EVENTS_MOST && registry_audit_next(&entries, &entry)) {
        take_entry(derivation, &entry);
        read++;
    }
    derivation->more = read == ENTRIES_MOST || derivation->count == EVENTS_MOST;
    return registry_close_cursor(&entries, SEALRING_OK);
}

static sealring_status add_events(struct notice_derivation *derivation)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < derivation->count; i++) {
        struct event *event = &derivation->events[i];
        struct registry_ring ring;
        bool found = false;
        status = registry_ring_find(derivation->registry, event->ring, &ring, &found, derivation->error);
        if (status != SEALRING_OK || !found)
            continue;
        event->notice.ring = ring.id;
        status = registry_notice_add(derivation->registry, event->rule->scope, &event->notice, 0, 0, derivation->error);
    }
    return status;
}

/* ---- Times ------------------------------------------------------------------------------------------------------------- */

/* A version that retires at an announced time. */
struct ending {
    int64_t ring, at;
    uint32_t version;
};

static sealring_status read_endings(struct notice_derivation *derivation, struct ending **endings, size_t *count)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    struct registry_cursor versions = registry_versions(derivation->registry, 0, derivation->error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version)) {
        if (version.state != SEALRING_VERSION_RETIRING || version.retire_at == 0)
            continue;
        if (array_grow(endings, *count))
            (*endings)[(*count)++] =
                (struct ending){.ring = version.ring, .at = version.retire_at, .version = version.number};
        else
            status = error_no_memory(derivation->error);
    }
    return registry_close_cursor(&versions, status);
}

static sealring_status remind(struct notice_derivation *derivation, const struct notice_reminder *reminder,
                              const struct ending *endings, size_t count)
{
    int64_t from, to;
    sealring_status status = SEALRING_OK;
    struct registry_notice notice = {
        .event = (int)reminder->event, .threshold = reminder->threshold, .first = derivation->now};
    notice_reminder_span(reminder, derivation->state.time, derivation->now, &from, &to);
    if (reminder->scope == NOTICE_OF_EXPIRY)
        return registry_notice_add(derivation->registry, reminder->scope, &notice, from, to, derivation->error);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++) {
        if (endings[i].at <= from || endings[i].at > to)
            continue;
        notice.ring = endings[i].ring;
        notice.version = endings[i].version;
        notice.at = endings[i].at - reminder->threshold;
        status = registry_notice_add(derivation->registry, reminder->scope, &notice, derivation->now - 7 * 86400000LL,
                                     0, derivation->error);
    }
    return status;
}

static sealring_status add_reminders(struct notice_derivation *derivation)
{
    struct ending *endings = NULL;
    size_t count = 0;
    sealring_status status = read_endings(derivation, &endings, &count);
    for (size_t i = 0; status == SEALRING_OK && i < notice_reminder_count; i++)
        status = remind(derivation, &notice_reminders[i], endings, count);
    free(endings);
    derivation->state.time = derivation->now;
    return status;
}

/* ---- Both -------------------------------------------------------------------------------------------------------------- */

/* The place from which to go on. *begun: notices are derived in this vault. */
static sealring_status read_state(struct notice_derivation *derivation, bool *begun)
{
    struct registry *registry = derivation->registry;
    uint64_t size = 0;
    bool set = false;
    sealring_status status = registry_notice_state_find(registry, &derivation->state, begun, derivation->error);
    if (status == SEALRING_OK && !*begun)
        status = registry_notices_are_set(registry, &set, derivation->error);
    if (status == SEALRING_OK)
        status = registry_audit_size(registry, &size, derivation->error);
    if (status != SEALRING_OK || (!*begun && !set))
        return status;
    if (!*begun || derivation->state.entry > size) {
        (void)snprintf(derivation->alarm, SEALRING_MESSAGE_SIZE,
                       "ALARM: the registry was altered: up to where notices were derived %s; clients were not "
                       "notified of what was entered in the audit log meanwhile",
                       *begun ? "is behind the log's end" : "is missing");
        derivation->state = (struct registry_notice_state){.entry = size, .time = derivation->now};
    }
    if (derivation->state.time > derivation->now)
        derivation->state.time = derivation->now;
    return SEALRING_OK;
}

static bool has_work(const struct notice_derivation *derivation, uint64_t size)
{
    return derivation->state.entry < size || derivation->now - derivation->state.time >= TIMES_EVERY;
}

sealring_status notices_find_work(sealring_manager *manager, bool *work, sealring_error *error)
{
    char alarm[SEALRING_MESSAGE_SIZE] = "";
    struct notice_derivation derivation = {
        .registry = manager->registry, .now = clock_wall_ms(), .alarm = alarm, .error = error};
    uint64_t size = 0;
    bool begun = false;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        alarm[0] = '\0';
        if (registry_begin(&reading, &status))
            status = read_state(&derivation, &begun);
        if (status == SEALRING_OK)
            status = registry_audit_size(manager->registry, &size, error);
        *work = status == SEALRING_OK && (alarm[0] != '\0' || (begun && has_work(&derivation, size)));
    } while (registry_again(&reading, &status));
    return status;
}

static sealring_status derive(struct notice_derivation *derivation)
{
    bool begun = false;
    derivation->alarm[0] = '\0';
    sealring_status status = read_state(derivation, &begun);
    if (status == SEALRING_OK && !begun)
        status = registry_notices_begin(derivation->registry, derivation->now, derivation->error);
    if (status == SEALRING_OK)
        status = read_entries(derivation);
    if (status == SEALRING_OK)
        status = add_events(derivation);
    if (status == SEALRING_OK && !derivation->more)
        status = add_reminders(derivation);
    return status == SEALRING_OK
               ? registry_notice_state_put(derivation->registry, &derivation->state, derivation->error)
               : status;
}

sealring_status notices_derive(sealring_manager *manager, char alarm[SEALRING_MESSAGE_SIZE], sealring_error *error)
{
    char found[SEALRING_MESSAGE_SIZE] = "";
    struct notice_derivation *derivation = calloc(1, sizeof *derivation);
    sealring_status status = SEALRING_OK;
    if (derivation == NULL)
        return error_no_memory(error);
    *derivation = (struct notice_derivation){.registry = manager->registry, .alarm = found, .error = error};
    do {
        struct commit commit = manager_commit(manager, false, NULL, error);
        do {
            if (!commit_begin(&commit, &status))
                continue;
            derivation->now = manager_now(manager);
            status = derive(derivation);
        } while (commit_again(&commit, &status));
        if (found[0] != '\0')
            memcpy(alarm, found, sizeof found);
    } while (status == SEALRING_OK && derivation->more);
    free(derivation);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Verifiers for operators: listed with what they have not done yet, and forgotten when they will not return. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/base62.h"
#include "base/error.h"
#include "base/timetext.h"
#include "lifecycle/transition_table.h"
#include "manage/act/act.h"
#include "manage/session/manager.h"

#define INSTANCE_DIGITS     (2 * WATCH_ID_SIZE)
#define INSTANCE_DIGITS_MIN 4

/* ---- list ---- */

struct accepted {
    int64_t ring;
    uint32_t number;
    uint64_t fact;
    uint64_t created_epoch;
};

struct verifier_listing {
    sealring_manager *manager;
    int64_t quiet_period; /* the longest of all rings */
    struct accepted *accepted;
    size_t accepted_count;
};

static sealring_status read_accepted(struct verifier_listing *listing, struct registry *registry, sealring_error *error)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    struct registry_cursor versions = registry_versions(registry, 0, error);
    listing->accepted_count = 0;
    while (status == SEALRING_OK && registry_version_next(&versions, &version)) {
        if (!lifecycle_accepts(version.state))
            continue;
        /* an active or retiring version is past its barrier: only its windows have changed since */
        uint64_t fact = version.state == SEALRING_VERSION_PENDING ? version.fact : 0;
        if (array_grow(&listing->accepted, listing->accepted_count))
            listing->accepted[listing->accepted_count++] =
                (struct accepted){version.ring, version.number, fact, version.created_epoch};
        else
            status = error_no_memory(error);
    }
    return registry_close_cursor(&versions, status);
}

static sealring_status read_quiet_period(struct verifier_listing *listing, struct registry *registry,
                                         sealring_error *error)
{
    struct registry_ring ring;
    struct registry_cursor rings = registry_rings(registry, error);
    listing->quiet_period = 0;
    while (registry_ring_next(&rings, &ring))
        if (ring.policy.quiet_period > listing->quiet_period)
            listing->quiet_period = ring.policy.quiet_period;
    return registry_close_cursor(&rings, SEALRING_OK);
}

static sealring_status read_listing(struct verifier_listing *listing, sealring_error *error)
{
    struct registry *registry = listing->manager->registry;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_accepted(listing, registry, error);
        if (status == SEALRING_OK)
            status = read_quiet_period(listing, registry, error);
        if (status == SEALRING_OK)
            status = manager_read_roster(listing->manager, registry, error);
    } while (registry_again(&reading, &status));
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct roster_entry *one = *(const struct roster_entry *const *)a;
    const struct roster_entry *other = *(const struct roster_entry *const *)b;
    int order = (one->row.ended != 0) - (other->row.ended != 0);
    if (order == 0)
        order = strcmp(one->row.host, other->row.host);
    if (order == 0)
        order = strcmp(one->row.program, other->row.program);
    if (order == 0)
        order = (one->row.process > other->row.process) - (one->row.process < other->row.process);
    return order;
}

static void say_debts(const struct verifier_listing *listing, const struct roster_entry *entry,
                      const sealring_verifier_info *info, char owes[256])
{
    const struct roster *roster = &listing->manager->roster;
    char when[TIMETEXT_SIZE];
    owes[0] = '\0';
    if (entry->row.ended != 0) {
        if (roster_is_listed(roster, entry, listing->quiet_period)) {
            timetext_format(entry->row.hole, when);
            snprintf(
                owes, 256,
                "a hole in its reports counts as a use at %s: it delays retirements for a quiet period, unless it is "
                "forgotten",
                when);
        }
        return;
    }
    if (info->state == SEALRING_VERIFIER_LOST)
        snprintf(owes, 256, "its report file is %s: barriers and what is to become effective wait for its lease",
                 entry->damaged ? "damaged, or unreadable for this user" : "gone");
    else if (info->state == SEALRING_VERIFIER_SILENT)
        snprintf(owes, 256, "it does not poll the registry: it answers *unavailable* until it does");
    else if (info->state == SEALRING_VERIFIER_JOINING)
        snprintf(owes, 256, "owes its first report: barriers wait for it");
    else if (!roster->vault.era_in_force && entry->watched.epoch == 0)
        snprintf(owes, 256,
                 "follows the registry from before it was rolled back: nothing is issued until it polls again");
    else if (entry->has_closed && entry->has_others)
        snprintf(owes, 256,
                 "has applied facts that the registry does not contain: the registry was rolled back or altered");
    else if (entry->watched.epoch < roster->vault.epoch)
        snprintf(owes, 256,
                 entry->watched.epoch == 0
                     ? "has loaded nothing of this registry (epoch %llu of %llu): it answers *unavailable*"
                     : "owes epoch %llu of %llu",
                 (unsigned long long)entry->watched.epoch, (unsigned long long)roster->vault.epoch);
    else if (info->unproved > 0)
        snprintf(owes, 256, "owes the proof of %llu accepted version%s: barriers wait for it",
                 (unsigned long long)info->unproved, info->unproved == 1 ? "" : "s");
}

static int tell(const struct verifier_listing *listing, const struct roster_entry *entry,
                sealring_verifier_callback each, void *context)
{
    const struct roster *roster = &listing->manager->roster;
    char instance[INSTANCE_DIGITS + 1];
    char owes[256];
    int64_t until = watch_serves_until(&entry->watched, roster->boot_ms, roster_lease(roster, entry));
    hex_encode(entry->row.instance, WATCH_ID_SIZE, instance);
    sealring_verifier_info info = {
        .instance = instance,
        .host = entry->row.host,
        .program = entry->row.program,
        .process = entry->row.process,
        .state = entry->row.state,
        .joined = entry->row.joined,
        .last_report = entry->row.last_report,
        .lease_left = entry->row.ended == 0 && until > roster->boot_ms ? until - roster->boot_ms : 0,
        .epoch = entry->row.epoch,
        .owes = owes,
        .alarm = roster_has_alarms(entry) ? entry->alarm : "",
    };
    for (size_t i = 0; i < listing->accepted_count; i++) {
        const struct accepted *version = &listing->accepted[i];
        if (roster_has_proved(entry, version->ring, version->number, version->fact, version->created_epoch))
            info.proved++;
        else
            info.unproved++;
    }
    say_debts(listing, entry, &info, owes);
    return each(&info, context);
}

sealring_status sealring_verifier_list(sealring_manager *manager, bool all, sealring_verifier_callback each,
                                       void *context, sealring_error *error)
{
    struct verifier_listing listing = {.manager = manager};
    const struct roster_entry **order = NULL;
    sealring_status status = read_listing(&listing, error);
    if (status != SEALRING_OK)
        goto cleanup;
    order = calloc(manager->roster.count + 1, sizeof(struct roster_entry *));
    if (order == NULL) {
        status = error_no_memory(error);
        goto cleanup;
    }
    for (size_t i = 0; i < manager->roster.count; i++)
        order[i] = &manager->roster.entries[i];
    qsort(order, manager->roster.count, sizeof *order, by_name);
    for (size_t i = 0; status == SEALRING_OK && i < manager->roster.count; i++)
        if ((all || roster_is_listed(&manager->roster, order[i], listing.quiet_period)) &&
            tell(&listing, order[i], each, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
cleanup:
    free(order);
    free(listing.accepted);
    return status;
}

/* ---- forget ---- */

static sealring_status find(const struct roster *roster, const char *instance, struct roster_entry **found,
                            sealring_error *error)
{
    char digits[INSTANCE_DIGITS + 1];
    *found = NULL;
    for (size_t i = 0; i < roster->count; i++) {
        hex_encode(roster->entries[i].row.instance, WATCH_ID_SIZE, digits);
        if (strncmp(digits, instance, strlen(instance)) != 0)
            continue;
        if (*found != NULL)
            return error_set(error, SEALRING_INVALID, "several verifiers begin with %s: give more digits", instance);
        *found = &roster->entries[i];
    }
    if (*found == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "no verifier begins with %s: see `sealring verifier list --all`",
                         instance);
    return SEALRING_OK;
}

static sealring_status check_ended(const struct roster *roster, const struct roster_entry *entry, sealring_error *error)
{
    char time[TIMETEXT_SIZE];
    if (entry->row.ended != 0)
        return SEALRING_OK;
    int64_t left = watch_serves_until(&entry->watched, roster->boot_ms, roster_lease(roster, entry)) - roster->boot_ms;
    if (left <= 0)
        return error_set(error, SEALRING_REFUSED,
                         "%s is silent but its process lives, and may poll again at any moment: end it first",
                         entry->name);
    timetext_format((roster->now + left + 999) / 1000 * 1000, time);
    return error_set(error, SEALRING_REFUSED,
                     entry->watched.held
                         ? "%s is %s, its process holds its report file, and it may serve until %s at least: it cannot "
                           "be forgotten; end it first"
                         : "%s is %s, and may serve until %s at least: it cannot be forgotten before; `sealring run "
                           "--once` waits for that",
                     entry->name, sealring_verifier_state_name(entry->row.state), time);
}

/* *forgotten: what the entry's row becomes. */
static sealring_status forget_entry(sealring_manager *manager, const struct roster_entry *entry, const char *instance,
                                    const char *reason, struct registry_verifier *forgotten, struct audit_act *act,
                                    sealring_error *error)
{
    sealring_status status = check_ended(&manager->roster, entry, error);
    if (status != SEALRING_OK)
        return status;
    audit_detail(act, "{s:s, s:s, s:s, s:I, s:s}", "instance", instance, "verifier", entry->name, "before",
                 sealring_verifier_state_name(entry->row.state), "hole", (json_int_t)entry->row.hole, "reason", reason);
    *forgotten = entry->row;
    forgotten->state = SEALRING_VERIFIER_FORGOTTEN;
    forgotten->hole = 0;
    return registry_verifier_put(manager->registry, forgotten, error);
}

static sealring_status check_instance(const char *instance, sealring_error *error)
{
    size_t length = strlen(instance);
    if (length >= INSTANCE_DIGITS_MIN && length <= INSTANCE_DIGITS &&
        instance[strspn(instance, "0123456789abcdef")] == '\0')
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID, "a verifier is named by %d to %d of its hexadecimal digits",
                     INSTANCE_DIGITS_MIN, INSTANCE_DIGITS);
}

sealring_status sealring_verifier_forget(sealring_manager *manager, const char *instance, const char *reason,
                                         sealring_error *error)
{
    struct audit_act act = {.name = "verifier.forget"};
    struct roster_entry *entry = NULL;
    struct registry_verifier forgotten;
    sealring_status status = check_instance(instance, error);
    if (status == SEALRING_OK && (reason == NULL || reason[0] == '\0'))
        status = error_set(error, SEALRING_INVALID,
                           "forgetting a verifier requires a reason, which goes into the audit log");
    if (status == SEALRING_OK)
        status = manager_check_reason(reason, error);
    if (status == SEALRING_OK)
        status = manager_begin(manager, "verifier forget", false, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, false, &act, error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = manager_read_roster(manager, manager->registry, error);
        if (status == SEALRING_OK)
            status = find(&manager->roster, instance, &entry, error);
        if (status == SEALRING_OK)
            status = forget_entry(manager, entry, instance, reason, &forgotten, &act, error);
    } while (commit_again(&commit, &status));
    /* enters the roster only now: what the roster contains is written down at the end without an audit entry */
    if (status == SEALRING_OK && !manager->dry_run)
        entry->row = forgotten;
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}

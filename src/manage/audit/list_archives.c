/* SPDX-License-Identifier: Apache-2.0 */
/* The archives of the audit log, as the entries about them have them. */
#include <string.h>

#include <jansson.h>
#include <sealring/backup.h>

#include "base/error.h"
#include "log/log_cut.h"
#include "manage/session/manager.h"

struct listing {
    uint64_t first;  /* the first entry that the registry has */
    uint64_t passed; /* the entry that was passed last: after a conflict the list goes on behind it */
    sealring_archive_callback each;
    void *context;
};

static uint64_t number_of(const json_t *archive, const char *member)
{
    json_int_t number = json_integer_value(json_object_get(archive, member));
    return number > 0 ? (uint64_t)number : 0;
}

static sealring_status list_entry(const struct listing *listing, const struct registry_audit *entry,
                                  sealring_error *error)
{
    json_t *detail = entry->detail != NULL ? json_loads(entry->detail, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *archive = json_object_get(detail, "archive");
    sealring_archive_info info = {
        .first = number_of(archive, "first"),
        .last = number_of(archive, "last"),
        .from = (int64_t)number_of(archive, "from"),
        .until = (int64_t)number_of(archive, "until"),
        .file = json_string_value(json_object_get(archive, "file")),
        .sha256 = json_string_value(json_object_get(archive, "sha256")),
        .entry = entry->sequence,
    };
    info.cut = info.last < listing->first;
    bool stopped = info.file != NULL && info.sha256 != NULL && listing->each(&info, listing->context) != 0;
    json_decref(detail);
    return stopped ? error_set(error, SEALRING_REFUSED, "the listing was stopped") : SEALRING_OK;
}

static sealring_status list(struct registry *registry, struct listing *listing, sealring_error *error)
{
    const sealring_audit_filter filter = {.size = sizeof filter, .act = LOG_CUT_ACT};
    struct registry_audit entry;
    sealring_status status = registry_audit_first(registry, &listing->first, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor entries = registry_audit_entries(registry, &filter, error);
    while (status == SEALRING_OK && registry_audit_next(&entries, &entry)) {
        if (entry.sequence <= listing->passed)
            continue;
        listing->passed = entry.sequence;
        status = list_entry(listing, &entry, error);
    }
    return registry_close_cursor(&entries, status);
}

sealring_status sealring_audit_archives(sealring_manager *manager, sealring_archive_callback each, void *context,
                                        sealring_error *error)
{
    struct listing listing = {.each = each, .context = context};
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = list(manager->registry, &listing, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Harvesting: copies the verifiers' counts into the registry, from all report files. */
#include "manage/usage/harvest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "verifier/report/report_seat.h"

/* After this time a file that is gone is forgotten: no row by the hour is older (sealring_policy.usage_hourly). */
#define FORGET_HOURS (401 * 24)
#define GONE_MOST    400 /* rows of files that are gone, in one harvest */

struct harvest {
    sealring_manager *manager;
    int64_t now;
    sealring_harvest_result *result;
    sealring_error *error;
    uint8_t vault_id[REGISTRY_ID_SIZE];
    uint8_t (*seats)[REGISTRY_ID_SIZE]; /* of all existing files, read or not */
    size_t seat_count;
    bool yielded; /* other processes may have worked */
};

static sealring_status note_seat(const char *path, void *context)
{
    struct harvest *harvest = context;
    if (!array_grow(&harvest->seats, harvest->seat_count))
        return error_no_memory(harvest->error);
    if (report_seat_parse(strrchr(path, '/') + 1, harvest->seats[harvest->seat_count]))
        harvest->seat_count++;
    return SEALRING_OK;
}

static void note_skipped(struct harvest *harvest, const sealring_error *reason)
{
    sealring_harvest_result *result = harvest->result;
    manager_note_gap(harvest->manager, reason->message);
    if (result->skipped++ == 0)
        snprintf(result->remark, sizeof result->remark, "%.*s", (int)sizeof result->remark - 1, reason->message);
}

static sealring_status harvest_path(const char *path, void *context)
{
    struct harvest *harvest = context;
    struct usage_file file;
    uint64_t damaged = 0;
    sealring_error reason = {.message = ""};
    sealring_status status = note_seat(path, harvest);
    if (status != SEALRING_OK)
        return status;
    status = usage_file_open(path, harvest->vault_id, true, &file, &reason);
    if (status != SEALRING_OK && error_is_exhaustion(&reason)) { /* the file is good: the next harvest reads it */
        if (harvest->error != NULL)
            *harvest->error = reason;
        return status;
    }
    if (status != SEALRING_OK) {
        note_skipped(harvest, &reason);
        return SEALRING_OK;
    }
    status = harvest_file(harvest->manager, harvest->now, &file, harvest->result, &damaged, &harvest->yielded,
                          harvest->error);
    usage_note_damage(harvest->manager, path, damaged);
    usage_file_close(&file);
    return status;
}

/* ---- Files that are gone -------------------------------------------------------------------------------------------- */

static bool is_there(const struct harvest *harvest, const uint8_t seat[REGISTRY_ID_SIZE])
{
    for (size_t i = 0; i < harvest->seat_count; i++)
        if (memcmp(harvest->seats[i], seat, REGISTRY_ID_SIZE) == 0)
            return true;
    return false;
}

/* Whether the row is marked as that of a file that is gone: finished, by an instance that is all zero. */
static bool is_put_away(const struct registry_usage_seat *row)
{
    static const uint8_t nobody[REGISTRY_ID_SIZE];
    return row->is_finished && memcmp(row->finished, nobody, sizeof nobody) == 0;
}

static sealring_status find_gone(const struct harvest *harvest, struct registry_usage_seat gone[GONE_MOST],
                                 unsigned *count)
{
    struct registry *registry = harvest->manager->registry;
    struct registry_usage_seat row;
    int64_t hour = harvest->now / USAGE_HOUR_MS;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, harvest->error);
    do {
        *count = 0;
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor rows = registry_usage_seats(registry, harvest->error);
        while (*count < GONE_MOST && registry_usage_seat_next(&rows, &row))
            if (!is_there(harvest, row.seat) && (!is_put_away(&row) || (int64_t)row.settled_hour + FORGET_HOURS < hour))
                gone[(*count)++] = row;
        status = registry_close_cursor(&rows, status);
    } while (registry_again(&reading, &status));
    return status;
}

/* Nothing more is counted in its hours, so these may be rolled up. */
static sealring_status put_away(const struct harvest *harvest, struct registry_usage_seat row)
{
    int64_t past = harvest->now / USAGE_HOUR_MS - 1;
    if (is_put_away(&row))
        return registry_usage_seat_delete(harvest->manager->registry, row.seat, harvest->error);
    row.is_finished = true;
    memset(row.finished, 0, sizeof row.finished);
    if (row.settled_hour < past)
        row.settled_hour = (uint32_t)past;
    return registry_usage_seat_put(harvest->manager->registry, &row, harvest->error);
}

/* Files that were made while the harvest yielded must not be treated as gone: the existing files are listed again then. */
static sealring_status settle_gone(struct harvest *harvest, const char *directory)
{
    unsigned count = 0;
    sealring_status status = SEALRING_OK;
    if (harvest->yielded) {
        harvest->seat_count = 0;
        status = report_each_path(directory, note_seat, harvest, harvest->error);
    }
    if (status != SEALRING_OK)
        return status;
    struct registry_usage_seat *gone = calloc(GONE_MOST, sizeof *gone);
    if (gone == NULL)
        return error_no_memory(harvest->error);
    status = find_gone(harvest, gone, &count);
    if (status == SEALRING_OK && count > 0) {
        struct commit commit = manager_commit(harvest->manager, false, NULL, harvest->error);
        do {
            if (!commit_begin(&commit, &status))
                continue;
            for (unsigned i = 0; i < count && status == SEALRING_OK; i++)
                status = put_away(harvest, gone[i]);
        } while (commit_again(&commit, &status));
    }
    free(gone);
    return status;
}

/* ---- All ------------------------------------------------------------------------------------------------------------ */

static sealring_status harvest_files(struct harvest *harvest)
{
    struct registry_vault vault;
    const char *directory = harvest->manager->config->verifiers;
    sealring_status status = manager_read_vault(harvest->manager, &vault, harvest->error);
    memcpy(harvest->vault_id, vault.vault_id, sizeof harvest->vault_id);
    if (status == SEALRING_OK)
        status = report_each_path(directory, harvest_path, harvest, harvest->error);
    return status == SEALRING_OK ? settle_gone(harvest, directory) : status;
}

sealring_status harvest_all(sealring_manager *manager, int64_t now, sealring_harvest_result *result,
                            sealring_error *error)
{
    struct harvest harvest = {.manager = manager, .now = now, .result = result, .error = error};
    *result = (sealring_harvest_result){.size = result->size};
    manager->gap.count = 0;
    sealring_status status = harvest_files(&harvest);
    free(harvest.seats);
    return status == SEALRING_OK ? harvest_age(manager, now, result, error) : status;
}

sealring_status sealring_harvest(sealring_manager *manager, sealring_harvest_result *result, sealring_error *error)
{
    sealring_harvest_result whole = {.size = sizeof whole};
    sealring_status status = manager_begin_dated(manager, "harvest", false, error);
    if (status != SEALRING_OK)
        return status;
    status = harvest_all(manager, clock_wall_ms(), &whole, error);
    manager_end(manager);
    sized_give(result, &whole, sizeof whole);
    return status;
}
